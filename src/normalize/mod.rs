//! Stage 2: the body of a page -> sightings, and how many items were of no use.
//!
//! Called for each page as it arrives, so that answers are not kept whole. What cannot be used is
//! counted, never an error: one odd item does not cost the other 49.

mod wire;

use std::borrow::Cow;

use compact_str::CompactString;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::category::Category;
use crate::language::Language;
use crate::model::{Counts, Live, Sighting, Video};

/// A page, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The usable items with their ranks.
    pub sightings: Vec<Sighting>,
    /// Items without a usable id.
    pub skipped: u32,
    /// Places that the page covered: usable or not.
    pub places: u32,
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

/// Reads a page. Bytes that are not UTF-8 become U+FFFD.
///
/// # Errors
/// When the body is no video list at all.
pub fn page(body: &[u8], window: Window) -> Result<Page, Malformed> {
    // `from_utf8_lossy` finds out what is valid far more slowly.
    let text = str::from_utf8(body).map_or_else(|_| String::from_utf8_lossy(body), Cow::Borrowed);
    // serde would take a list of fields for a struct.
    if text.trim_start().starts_with('[') {
        return Err(Malformed::Shape);
    }
    match serde_json::from_str::<wire::List<'_, wire::Slot<'_>>>(&text) {
        Ok(list) => normalize(list, window, |slot| slot.0),
        Err(error) if error.is_eof() => Err(malformed(&error, &text)),
        // One item may hold what no JSON string can mean, such as half a surrogate pair: read one by one.
        Err(_) => {
            let list: wire::List<'_, &RawValue> =
                serde_json::from_str(&text).map_err(|error| malformed(&error, &text))?;
            normalize(list, window, |raw| {
                wire::Slot::deserialize(&mut serde_json::Deserializer::from_str(raw.get())).ok()?.0
            })
        }
    }
}

fn malformed(error: &serde_json::Error, text: &str) -> Malformed {
    // serde_json calls a number that ends early a wrong one.
    let is_cut_number = || text.ends_with(['-', '+', '.', 'e', 'E']) && error.to_string().starts_with("invalid number");
    if error.is_eof() || is_cut_number() { Malformed::Truncated } else { Malformed::Shape }
}

fn normalize<'a, I>(
    list: wire::List<'a, I>,
    window: Window,
    item_of: impl Fn(I) -> Option<wire::Item<'a>>,
) -> Result<Page, Malformed> {
    // An empty chart may come without `items`; then only `kind` tells it from another document.
    let is_list = list.items.is_some() || list.kind.0.as_deref() == Some("youtube#videoListResponse");
    if !is_list {
        return Err(Malformed::Shape);
    }
    let next = list.next_page_token.0.map(Cow::into_owned).filter(|token| !token.is_empty());
    let mut page = Page { sightings: Vec::new(), skipped: 0, places: 0, next };
    for item in list.items.unwrap_or_default().into_iter().take(window.size as usize) {
        page.places += 1;
        match item_of(item).and_then(|item| video(item, window.description)) {
            Some(video) => page.sightings.push(Sighting {
                rank: window.offset + page.places,
                fetched_at: window.fetched_at,
                video,
            }),
            None => page.skipped += 1,
        }
    }
    Ok(page)
}

fn video(item: wire::Item<'_>, with_description: bool) -> Option<Box<Video>> {
    let id = item.id.0.filter(|id| is_video_id(id))?;
    let snippet = item.snippet.unwrap_or_default();
    let statistics = item.statistics.unwrap_or_default();
    let declared = |tag: &wire::Text<'_>| tag.0.as_deref().and_then(Language::of_tag);
    let owned = |text: wire::Text<'_>| text.0.map(CompactString::from);
    Some(Box::new(Video {
        id: id.into(),
        declared_language: declared(&snippet.default_audio_language).or_else(|| declared(&snippet.default_language)),
        title: owned(snippet.title).unwrap_or_default(),
        channel: owned(snippet.channel_title).unwrap_or_default(),
        channel_id: owned(snippet.channel_id),
        category: snippet.category_id.0.and_then(|id| u32::try_from(id).ok()).map(Category::new),
        counts: Counts {
            views: statistics.view_count.0,
            likes: statistics.like_count.0,
            comments: statistics.comment_count.0,
        },
        published_at: snippet.published_at.0.and_then(|text| text.parse().ok()),
        duration_seconds: item.content_details.as_ref().and_then(|details| seconds(details.duration.0.as_deref()?)),
        live: match snippet.live_broadcast_content.0.as_deref() {
            Some("live") => Live::Live,
            Some("upcoming") => Live::Upcoming,
            _ => Live::None,
        },
        embeddable: item.status.and_then(|status| status.embeddable.0),
        age_restricted: item.content_details.map(|details| {
            details.content_rating.is_some_and(|rating| rating.yt_rating.0.as_deref() == Some("ytAgeRestricted"))
        }),
        tags: snippet.tags,
        thumbnail: snippet.thumbnails.0.map(CompactString::from),
        description: with_description.then(|| owned(snippet.description).unwrap_or_default()),
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

#[cfg(test)]
mod tests;
