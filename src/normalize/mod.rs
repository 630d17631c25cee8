//! Stage 2: turns the body of a page into chart entries, and counts the items that cannot be used.
//!
//! Called for each page as it arrives, so that whole responses are not kept. An unusable item is counted and never an
//! error: it does not cost the other 49.
//!
//! - `wire` — the JSON of a page, read leniently
//! - `repair` — JSON that the grammar allows and serde_json refuses

pub(crate) mod repair;
mod wire;

use std::borrow::Cow;

use compact_str::CompactString;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use crate::model::category::Category;
use crate::model::language::Language;
use crate::model::video::{has_year, is_video_id};
use crate::model::{ChartEntry, Live, Video};
use crate::support::sanitize::{strip_bom, truncate};
use wire::{Items, Lenient, VideoList};

// Longer texts are cut, so that memory is bounded whatever a server sends.

/// The longest title and channel name, in characters. YouTube allows 100.
pub const MAX_TITLE: usize = 1_000;
/// The longest description, in characters. YouTube allows 5,000 bytes.
pub const MAX_DESCRIPTION: usize = 20_000;
/// The most characters of all tags of a video, with a separator between two. The first tag that does not fit ends the
/// list. YouTube allows 500.
pub const MAX_TAGS: usize = 10_000;
/// The longest channel id and thumbnail URL, in bytes. Longer ones are useless when cut and count as missing.
pub const MAX_IDENTIFIER: usize = 1_000;
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

/// The fields that [`parse_page`] reads, as the parameter `fields` of a request takes them.
pub fn selected_fields(description: bool) -> String {
    wire::selector(description)
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
        // An empty chart may come without `items`. Only `kind` then tells it from another document.
        Items::Missing if has_kind => Vec::new(),
        Items::Missing | Items::Other => return Err(PageError::WrongShape),
    };
    let next_page_token =
        list.next_page_token.0.filter(|token| !token.is_empty()).map(|token| truncate(&token, MAX_TOKEN).to_owned());
    let mut page = Page { entries: Vec::new(), skipped: 0, items: 0, next_page_token };
    for item in items.into_iter().take(range.size as usize) {
        page.items += 1;
        match video(item, range.description) {
            Some(video) => {
                page.entries.push(ChartEntry { rank: range.offset + page.items, fetched_at: range.fetched_at, video })
            }
            None => page.skipped += 1,
        }
    }
    Ok(page)
}

fn video(item: wire::Item<'_>, with_description: bool) -> Option<Box<Video>> {
    let id = item.id.0.filter(|id| is_video_id(id))?;
    let (snippet, statistics) = (item.snippet, item.statistics);
    let declared = |tag: &wire::Text<'_>| tag.0.as_deref().and_then(Language::of_tag);
    let truncated =
        |limit, text: wire::Text<'_>| text.0.map_or(CompactString::default(), |text| truncate(&text, limit).into());
    Some(Box::new(Video {
        id: id.into(),
        declared_language: declared(&snippet.default_audio_language).or_else(|| declared(&snippet.default_language)),
        title: truncated(MAX_TITLE, snippet.title),
        channel: truncated(MAX_TITLE, snippet.channel_title),
        channel_id: snippet.channel_id.identifier().map(CompactString::from),
        category: snippet.category_id.0.and_then(|id| u32::try_from(id).ok()).map(Category::new),
        views: statistics.view_count.0,
        likes: statistics.like_count.0,
        comments: statistics.comment_count.0,
        published_at: snippet.published_at.0.as_deref().and_then(parse_time),
        duration_seconds: item
            .content_details
            .as_ref()
            .and_then(|details| parse_duration(details.duration.0.as_deref()?)),
        live: match snippet.live_broadcast_content.0.as_deref() {
            Some("live") => Live::Live,
            Some("upcoming") => Live::Upcoming,
            _ => Live::None,
        },
        embeddable: item.status.embeddable.0,
        age_restricted: item
            .content_details
            .map(|details| details.content_rating.yt_rating.0.as_deref() == Some("ytAgeRestricted")),
        tags: snippet.tags,
        thumbnail: snippet.thumbnails.largest().map(CompactString::from),
        description: with_description.then(|| truncated(MAX_DESCRIPTION, snippet.description)),
    }))
}

/// Parses an ISO 8601 duration to whole seconds. A broadcast has `P0D`, which is not a length.
fn parse_duration(duration: &str) -> Option<u64> {
    // jiff also reads friendly forms such as `7h`.
    let span: Span = duration.starts_with('P').then(|| duration.parse().ok()).flatten()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    // Far below 2^53, so the conversion is exact.
    (seconds >= 1.0).then_some(seconds as u64)
}

/// Parses an RFC 3339 time from year 1 to 9999.
fn parse_time(text: &str) -> Option<Timestamp> {
    // jiff also reads other forms of ISO 8601: signed years of six digits, dates without dashes, hours alone.
    let (whole, rest) = text.split_at_checked("0000-00-00T00:00:00".len())?;
    let digits_as_0 = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte.to_ascii_uppercase() };
    let has_form = whole.bytes().map(digits_as_0).eq(*b"0000-00-00T00:00:00");
    let zone = rest.trim_start_matches(|character: char| character == '.' || character.is_ascii_digit());
    let has_zone = zone.eq_ignore_ascii_case("z") || zone.bytes().map(digits_as_0).skip(1).eq(*b"00:00");
    text.parse().ok().filter(|time| has_form && has_zone && has_year(time))
}

#[cfg(test)]
mod tests;
