//! Stage 2: turns the body of a page into chart entries, and counts the items that cannot be used.
//!
//! Called for each page as it arrives, so that whole responses are not kept. An unusable item is counted and is never
//! an error, so the other 49 of its page are kept.
//!
//! - `item` — the fields that are read, and the video that is made from them
//! - `lenient` — reads JSON of unexpected types
//! - `repair` — JSON that the grammar allows and serde_json refuses

mod item;
mod lenient;
pub(crate) mod repair;

use std::borrow::Cow;
use std::sync::LazyLock;

use jiff::Timestamp;

use crate::model::ChartEntry;
use crate::support::sanitize::{strip_bom, truncate};
use item::{Items, VideoList};
use lenient::Lenient;

/// Where a page token is cut. No URL may be that long, so the request for the next page fails with a clear message.
const MAX_TOKEN: usize = 65_535;

/// One parsed page of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub entries: Vec<ChartEntry>,
    /// Items without a usable id.
    pub skipped: u32,
    /// All items, usable or not.
    pub items: u32,
    /// `None` on the last page.
    pub next_page_token: Option<String>,
}

/// Why a body is not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageError {
    /// The JSON ends early. Another attempt may succeed.
    Truncated,
    /// Not JSON, or JSON of another shape.
    WrongShape,
}

/// The part of a chart that was requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRange {
    /// Entries before it.
    pub offset: u32,
    /// Requested entries. A server may send more.
    pub size: u32,
    /// Whether descriptions were requested. A server may send them anyway.
    pub description: bool,
    /// When the page arrived.
    pub fetched_at: Timestamp,
}

/// Parses a page. Bytes that are not UTF-8 and halves of surrogate pairs become U+FFFD.
///
/// # Errors
/// When the body is not a video list.
pub fn parse_page(body: &[u8], range: PageRange) -> Result<Page, PageError> {
    let body = strip_bom(body);
    // `from_utf8_lossy` validates far more slowly than `from_utf8`.
    let text = str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    match serde_json::from_str(&text) {
        Ok(Lenient(list)) => normalize(list, range),
        Err(error) if error.is_syntax() => {
            let mut repaired = text.into_owned().into_bytes();
            repair::repair_json(&mut repaired);
            let Lenient(list) = serde_json::from_slice(&repaired).map_err(|error| page_error(&error, &repaired))?;
            normalize(list, range)
        }
        Err(error) => Err(page_error(&error, text.as_bytes())),
    }
}

/// The value of the request parameter `fields` that selects exactly what [`parse_page`] reads.
pub fn selected_fields(description: bool) -> &'static str {
    static WITHOUT_DESCRIPTION: LazyLock<String> = LazyLock::new(|| item::selector(false));
    static WITH_DESCRIPTION: LazyLock<String> = LazyLock::new(|| item::selector(true));
    if description { &WITH_DESCRIPTION } else { &WITHOUT_DESCRIPTION }
}

fn page_error(error: &serde_json::Error, json: &[u8]) -> PageError {
    // serde_json calls a number that ends early invalid.
    let is_cut_number = || {
        matches!(json.last(), Some(b'-' | b'+' | b'.' | b'e' | b'E')) && error.to_string().starts_with("invalid number")
    };
    if error.is_eof() || is_cut_number() { PageError::Truncated } else { PageError::WrongShape }
}

fn normalize(list: VideoList<'_>, range: PageRange) -> Result<Page, PageError> {
    let has_kind = match list.kind.0.as_deref() {
        Some("youtube#videoListResponse") => true,
        Some(_) => return Err(PageError::WrongShape),
        None => false,
    };
    let items = match list.items {
        Items::List(items) => items,
        // An empty chart may come without `items`. Then only `kind` distinguishes it from another document.
        Items::Missing if has_kind => Vec::new(),
        Items::Missing | Items::Other => return Err(PageError::WrongShape),
    };
    let next_page_token =
        list.next_page_token.0.filter(|token| !token.is_empty()).map(|token| truncate(&token, MAX_TOKEN).to_owned());
    let mut page = Page { entries: Vec::new(), skipped: 0, items: 0, next_page_token };
    for item in items.into_iter().take(range.size as usize) {
        page.items += 1;
        match item::video(item, range.description) {
            Some(video) => {
                page.entries.push(ChartEntry { rank: range.offset + page.items, fetched_at: range.fetched_at, video })
            }
            None => page.skipped += 1,
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests;
