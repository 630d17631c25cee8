//! Renders a history or a document as one HTML page that works offline and loads nothing.
//!
//! ```text
//! snapshot            history or document -> Snapshot, plain data                   async when it reads a history
//! alerts, anomalies   what needs attention, what is missing or unusual              pure
//! region_section      one region: its chart, its rank plot, what changed            pure
//! overlap, categories all regions together                                          pure
//! page                Snapshot, Limits -> HTML, by the templates *.html, which escape by default
//! ```
//!
//! The plots are SVG and tables written by the templates. Of the plotting libraries, `plotters` 0.3 and `charts-rs`
//! 2.3 draw at a fixed size in fixed colours and measure text with a Latin font, `charming` draws in the browser
//! with a large script, and none can plot ranks with gaps. Here the style sheet sets the colours of the light and
//! the dark theme, and the labels beside a plot are HTML text: it wraps, screen readers read it, and it can run from
//! right to left.

mod alerts;
mod anomalies;
mod categories;
#[cfg(test)]
mod fixtures;
mod limits;
mod overlap;
mod page;
mod rank_plot;
mod region_history;
mod region_section;
mod schedule;
mod snapshot;
mod text;

use askama::Template;

use self::limits::LIMITS;
use self::page::ReportPage;

pub use region_history::{Chart, RegionHistory};
pub use snapshot::{Origin, Snapshot};

/// The size limit of a page in bytes. Browsers handle such a page quickly, and it can be attached to mail.
const MAX_PAGE: usize = 2_000_000;

/// Renders the page, showing less of each chart if it would reach 2 MB. With `thumbnails` the page has images, which
/// the reader's browser loads from YouTube.
///
/// # Errors
/// When a template cannot be rendered; writing to a `String` never fails.
pub fn render(snapshot: &Snapshot, thumbnails: bool) -> Result<String, askama::Error> {
    let mut html = String::new();
    for limits in LIMITS {
        html = ReportPage::new(snapshot, thumbnails, *limits).render()?;
        if html.len() < MAX_PAGE {
            break;
        }
    }
    Ok(html)
}

#[cfg(test)]
mod tests;
