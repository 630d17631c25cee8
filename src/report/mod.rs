//! One page of HTML out of a history or a document: it opens offline, asks for nothing, and says first what is wrong.
//!
//! ```text
//! snapshot    history or document   -> Snapshot, plain data                            async, where it reads a history
//! troubles, gaps, habits            what is wrong, missing or odd                      pure
//! section, bump                     a region's own part, and its plot of ranks         pure
//! sharing, categories               all regions together                               pure
//! page        Snapshot, limits      -> HTML, by the templates *.html, which escape by themselves
//! ```
//!
//! The plots are SVG and tables written by the templates. Of the libraries, `plotters` 0.3 and `charts-rs` 2.3 draw
//! to a fixed size in fixed colours and measure text by a Latin font, `charming` draws in the reader's browser
//! with a large script, and none has a plot of ranks with gaps; here the page's style sheet gives the colours of
//! light and dark, and names beside a plot are text that wraps, is read aloud and runs from right to left.

mod alerts;
mod anomalies;
mod categories;
mod overlap;
mod page;
mod rank_plot;
mod region_section;
#[cfg(test)]
mod samples;
mod schedule;
mod snapshot;

use askama::Template;
use jiff::Timestamp;

use self::page::{Limits, Page};
use crate::history::HistoryEntry;
use crate::history::changes::Move;
use crate::model::error::ErrorKind;
use crate::support::sanitize::is_invisible;

pub use snapshot::{Chart, Origin, RegionPast, Snapshot};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

// The page's policy names them by these ("Content Security Policy Level 3", hash-source).
const STYLE_HASH: &str = "sha256-HncFp32ut8ZQn9G+KQYiWVhTvUIE6nSwiQson9VUBCw=";
const SCRIPT_HASH: &str = "sha256-zrV9NzVIdxWKbTZOj4EPx6B05js+an48xmduXjs2eHo=";

/// The largest page, in bytes. Browsers stay quick with it, and mail takes it.
const MAX_PAGE: usize = 2_000_000;

/// From everything to next to nothing; the first that fits is taken.
const LIMITS: &[Limits] = &[
    Limits { entries: 200, moves: 10, runs: 28 },
    Limits { entries: 100, moves: 10, runs: 28 },
    Limits { entries: 50, moves: 5, runs: 28 },
    Limits { entries: 25, moves: 5, runs: 14 },
    Limits { entries: 10, moves: 5, runs: 14 },
    Limits { entries: 10, moves: 3, runs: 7 },
    Limits { entries: 5, moves: 0, runs: 7 },
    Limits { entries: 3, moves: 0, runs: 0 },
    Limits { entries: 1, moves: 0, runs: 0 },
];

/// The page, below 2 MB. With `thumbnails` it shows pictures, which the reader's browser gets from YouTube.
///
/// # Errors
/// None that a `String` could give.
pub fn render(snapshot: &Snapshot, thumbnails: bool) -> Result<String, askama::Error> {
    let mut page = String::new();
    for limits in LIMITS {
        page = Page::of(snapshot, thumbnails, *limits).render()?;
        if page.len() < MAX_PAGE {
            break;
        }
    }
    Ok(page)
}

/// `2026-11-22 14:05`, UTC.
fn when(time: &Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `11-22 14:05`, UTC.
fn short(time: &Timestamp) -> String {
    time.strftime("%m-%d %H:%M").to_string()
}

/// A kind of failure as the history holds it, in words; as it is, if a later version wrote it.
fn cause(kind: &str) -> &str {
    ErrorKind::find(kind).map_or(kind, |kind| kind.in_plain_english())
}

fn percent(percent: &f64) -> String {
    format!("{percent:.0}")
}

/// `2nd`, `3rd`, `4th`
fn ordinal(number: &usize) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

/// The longest title and name that the page shows whole; YouTube's own limit for titles is 100.
const LONGEST: usize = 150;

fn title(title: &str) -> String {
    cut(title, "(no title)")
}

fn channel(channel: &str) -> String {
    cut(channel, "")
}

/// As it came, but for controls, which HTML has no use for, and for a length beyond all measure.
fn cut(text: &str, missing: &str) -> String {
    if text.chars().all(|c| is_invisible(c) || c.is_whitespace()) {
        return missing.to_owned();
    }
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST + 1).collect();
    match shown.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// For fonts and voices. Only subtags of letters come this far.
fn lang(entry: &HistoryEntry) -> String {
    let is_plain = |language: &&str| !language.is_empty() && language.bytes().all(|byte| byte.is_ascii_lowercase());
    entry.language.as_deref().filter(is_plain).map_or_else(String::new, |language| format!(" lang=\"{language}\""))
}

/// `3`, `was 3`, `5 → 3`
fn rank_change(moved: &Move) -> String {
    match (moved.previous_rank, moved.rank) {
        (None, Some(rank)) => rank.to_string(),
        (Some(previous), None) => format!("was {previous}"),
        (Some(previous), Some(rank)) => format!("{previous} → {rank}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests;
