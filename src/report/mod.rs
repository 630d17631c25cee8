//! Renders a history or a document as one HTML page that works offline and loads nothing.
//!
//! ```text
//! snapshot            history or document -> Snapshot, plain data                   async when it reads a history
//! alerts, anomalies   what needs attention, what is missing or unusual              pure
//! region_section      one region: chart_row, rank_plot, what changed                pure
//! newcomers, overlap, categories: all regions together                              pure
//! category_page       the charts of one category                                    pure
//! page                snapshots, Limits -> HTML, by the templates *.html, which escape by default
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
mod category_page;
mod chart_row;
#[cfg(test)]
mod fixtures;
mod limits;
mod newcomers;
mod overlap;
mod page;
mod rank_plot;
mod region_history;
mod region_section;
mod schedule;
mod snapshot;
mod text;
mod time_axis;

use std::fmt;

use askama::Template;

use self::limits::LIMITS;
use self::page::ReportPage;

pub use region_history::{Chart, RegionHistory};
pub use snapshot::{Origin, Snapshot};

/// The size limit of a page in bytes. Browsers handle such a page quickly, and it can be attached to mail.
const MAX_PAGE: usize = 2_000_000;

/// Renders the page of the categories of one source, showing less of each chart if it would reach 2 MB. With `thumbnails` the page has images, which
/// the reader's browser loads from YouTube.
///
/// # Errors
/// When a template cannot be rendered; writing to a `String` never fails.
pub fn render(snapshots: &[Snapshot], thumbnails: bool) -> Result<String, askama::Error> {
    let (last, larger) = LIMITS.split_last().ok_or(fmt::Error)?;
    for limits in larger {
        let mut html = BoundedText(String::new());
        if ReportPage::new(snapshots, thumbnails, *limits).render_into(&mut html).is_ok() {
            return Ok(html.0);
        }
    }
    ReportPage::new(snapshots, thumbnails, *last).render()
}

/// Text that refuses to grow beyond [`MAX_PAGE`], so that a page that is too large is abandoned early.
struct BoundedText(String);

impl fmt::Write for BoundedText {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() >= MAX_PAGE {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
