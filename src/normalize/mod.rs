//! Stage 2: the body of a page -> entries, and how many items were of no use.
//!
//! Called for each page as it arrives, so that answers are not kept whole. What cannot be used is
//! counted, never an error: one odd item does not cost the other 49.

pub(crate) mod mend;
mod wire;

use std::borrow::Cow;

use compact_str::CompactString;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};

use crate::model::category::Category;
use crate::model::language::Language;
use crate::model::{ChartEntry, Counts, Live, Video};
use crate::support::sanitize::{strip_bom, truncate};
use wire::{Items, List, Soften};

/// The longest title and channel that are kept, in characters; longer ones are cut. YouTube allows 100. With the
/// bounds below it keeps a run's memory within bounds whatever servers send.
pub const MAX_TITLE: usize = 1_000;
/// The longest description that is kept, in characters; longer ones are cut. YouTube allows 5,000 bytes.
pub const MAX_DESCRIPTION: usize = 20_000;
/// The most characters that a video's tags may have in all, with a separator between two; the first tag that does not
/// fit ends them. YouTube allows 500.
pub const MAX_TAGS: usize = 10_000;
/// The longest channel id and thumbnail address, in bytes; longer ones are of no use and count as missing.
pub const MAX_IDENTIFIER: usize = 1_000;
/// Where a page token is cut: no address is as long, so that asking for the next page fails and says why.
const MAX_TOKEN: usize = 65_535;

/// A page, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The usable items with their ranks.
    pub entries: Vec<ChartEntry>,
    /// Items without a usable id.
    pub skipped: u32,
    /// Places that the page covered: usable or not.
    pub items: u32,
    /// `nextPageToken`; `None` on the last page.
    pub next: Option<String>,
}

/// A body that is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    /// The JSON ends early: worth another attempt.
    Truncated,
    /// Not JSON, or JSON of another shape.
    Shape,
}

/// Which part of a chart a page was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Places before it.
    pub offset: u32,
    /// Places wanted; a server may send more.
    pub size: u32,
    /// Whether descriptions are wanted; a server may send them all the same.
    pub description: bool,
    /// When the page arrived.
    pub fetched_at: Timestamp,
}

/// Reads a page. Bytes that are not UTF-8, and halves of surrogate pairs, become U+FFFD.
///
/// # Errors
/// When the body is no video list at all.
pub fn page(body: &[u8], window: Window) -> Result<Page, Malformed> {
    let body = strip_bom(body);
    // `from_utf8_lossy` finds out what is valid far more slowly.
    let text = str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    match serde_json::from_str(&text) {
        Ok(Soften(list)) => normalize(list, window),
        Err(error) if error.is_syntax() => {
            let mut mended = text.into_owned().into_bytes();
            mend::mend(&mut mended);
            let Soften(list) = serde_json::from_slice(&mended).map_err(|error| malformed(&error, &mended))?;
            normalize(list, window)
        }
        Err(error) => Err(malformed(&error, text.as_bytes())),
    }
}

fn malformed(error: &serde_json::Error, json: &[u8]) -> Malformed {
    // serde_json calls a number that ends early a wrong one.
    let is_cut_number = || {
        matches!(json.last(), Some(b'-' | b'+' | b'.' | b'e' | b'E')) && error.to_string().starts_with("invalid number")
    };
    if error.is_eof() || is_cut_number() { Malformed::Truncated } else { Malformed::Shape }
}

fn normalize(list: List<'_>, window: Window) -> Result<Page, Malformed> {
    let is_named = match list.kind.0.as_deref() {
        Some("youtube#videoListResponse") => true,
        Some(_) => return Err(Malformed::Shape),
        None => false,
    };
    let items = match list.items {
        Items::List(items) => items,
        // An empty chart may come without `items`; then only `kind` tells it from another document.
        Items::Missing if is_named => Vec::new(),
        Items::Missing | Items::Other => return Err(Malformed::Shape),
    };
    let next =
        list.next_page_token.0.filter(|token| !token.is_empty()).map(|token| truncate(&token, MAX_TOKEN).to_owned());
    let mut page = Page { entries: Vec::new(), skipped: 0, items: 0, next };
    for item in items.into_iter().take(window.size as usize) {
        page.items += 1;
        match video(item, window.description) {
            Some(video) => {
                page.entries.push(ChartEntry { rank: window.offset + page.items, fetched_at: window.fetched_at, video })
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
    let at_most =
        |limit, text: wire::Text<'_>| text.0.map_or(CompactString::default(), |text| truncate(&text, limit).into());
    Some(Box::new(Video {
        id: id.into(),
        declared_language: declared(&snippet.default_audio_language).or_else(|| declared(&snippet.default_language)),
        title: at_most(MAX_TITLE, snippet.title),
        channel: at_most(MAX_TITLE, snippet.channel_title),
        channel_id: snippet.channel_id.identifier().map(CompactString::from),
        category: snippet.category_id.0.and_then(|id| u32::try_from(id).ok()).map(Category::new),
        counts: Counts {
            views: statistics.view_count.0,
            likes: statistics.like_count.0,
            comments: statistics.comment_count.0,
        },
        published_at: snippet.published_at.0.as_deref().and_then(date),
        duration_seconds: item.content_details.as_ref().and_then(|details| seconds(details.duration.0.as_deref()?)),
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
        description: with_description.then(|| at_most(MAX_DESCRIPTION, snippet.description)),
    }))
}

/// Ids have eleven characters today, which nobody promises. What is checked is their alphabet, since that keeps an id
/// harmless in an address, a column or a list.
pub(crate) fn is_video_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// ISO 8601 to whole seconds. A broadcast has `P0D`, which is no length.
fn seconds(duration: &str) -> Option<u64> {
    // jiff reads durations as people write them too.
    let span: Span = duration.starts_with('P').then(|| duration.parse().ok()).flatten()?;
    let seconds = span.total((Unit::Second, SpanRelativeTo::days_are_24_hours())).ok()?;
    // Far below 2^53, so the conversion is exact.
    (seconds >= 1.0).then_some(seconds as u64)
}

/// A date in the form of RFC 3339, from year 1 to 9999.
fn date(text: &str) -> Option<Timestamp> {
    // jiff reads other forms of ISO 8601 too: years of six digits with a sign, days without dashes, hours alone.
    let (whole, rest) = text.split_at_checked("0000-00-00T00:00:00".len())?;
    let digits_as_0 = |byte: u8| if byte.is_ascii_digit() { b'0' } else { byte.to_ascii_uppercase() };
    let has_form = whole.bytes().map(digits_as_0).eq(*b"0000-00-00T00:00:00");
    let zone = rest.trim_start_matches(|character: char| character == '.' || character.is_ascii_digit());
    let has_zone = zone.eq_ignore_ascii_case("z") || zone.bytes().map(digits_as_0).skip(1).eq(*b"00:00");
    text.parse().ok().filter(|time| has_form && has_zone && has_year(time))
}

/// Whether a time lies in the years that calendars and databases have in common: year 0 and those before are written
/// with a sign, or not at all. (jiff ends with 9999.)
pub(crate) fn has_year(time: &Timestamp) -> bool {
    const YEAR_1: i64 = -62_135_596_800;
    time.as_second() >= YEAR_1
}

#[cfg(test)]
mod tests;
