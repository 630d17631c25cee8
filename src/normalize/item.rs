//! The fields of a page that are read, and the video that is made from an item.
//!
//! Source: "Videos", <https://developers.google.com/youtube/v3/docs/videos>, and captured responses.

use std::borrow::Cow;

use compact_str::CompactString;
use jiff::{Span, SpanRelativeTo, Timestamp, Unit};
use serde::de::{IgnoredAny, MapAccess, SeqAccess};

use super::lenient::{Count, Flag, FromAnyJson, Lenient, Text, member, objects, skip_rest};
use crate::model::category::Category;
use crate::model::language::{Language, is_tag};
use crate::model::tags::{self, Tags};
use crate::model::valid::{has_year, is_id, is_picture_url};
use crate::model::{Live, Video};
use crate::support::sanitize::truncate;

// Longer texts are cut, so that memory is bounded whatever a server sends.

/// The longest title and channel name, in characters. YouTube allows 100.
pub(super) const MAX_TITLE: usize = 1_000;
/// The longest description, in characters. YouTube allows 5,000 bytes.
pub(super) const MAX_DESCRIPTION: usize = 20_000;
/// The most characters of all tags of a video, with a separator between two. The first tag that does not fit ends the
/// list. YouTube allows 500.
pub(super) const MAX_TAGS: usize = 10_000;

objects! {
    /// `youtube#videoListResponse`
    VideoList<'de> {
        "kind" => kind: Text<'de>,
        "nextPageToken" => next_page_token: Text<'de>,
        "items" => items: Items<'de>,
    }

    /// `youtube#video`
    Item<'de> {
        "id" => id: Text<'de>,
        "snippet" => snippet: Snippet<'de>,
        "contentDetails" => content_details: Option<ContentDetails<'de>>,
        "statistics" => statistics: Statistics,
        "status" => status: VideoStatus,
    }

    Snippet<'de> {
        "publishedAt" => published_at: Text<'de>,
        "channelId" => channel_id: Text<'de>,
        "title" => title: Text<'de>,
        "description" => description: Text<'de>,
        "thumbnails" => thumbnails: Thumbnails<'de>,
        "channelTitle" => channel_title: Text<'de>,
        "tags" => tags: Tags,
        "categoryId" => category_id: Count,
        "liveBroadcastContent" => live_broadcast_content: Text<'de>,
        "defaultLanguage" => default_language: Text<'de>,
        "defaultAudioLanguage" => default_audio_language: Text<'de>,
    }

    /// Others exist and are not used: `fhd`, `qhd` and `uhd` are up to 3840 pixels wide, `shortsAspectRatio` is 9:16.
    Thumbnails<'de> {
        "default" => default: Thumbnail<'de>,
        "medium" => medium: Thumbnail<'de>,
        "high" => high: Thumbnail<'de>,
        "standard" => standard: Thumbnail<'de>,
        "maxres" => maxres: Thumbnail<'de>,
    }

    Thumbnail<'de> {
        "url" => url: Text<'de>,
    }

    ContentDetails<'de> {
        "duration" => duration: Text<'de>,
        "contentRating" => content_rating: ContentRating<'de>,
    }

    ContentRating<'de> {
        "ytRating" => yt_rating: Text<'de>,
    }

    /// Counts are unsigned 64-bit numbers, written as strings.
    Statistics {
        "viewCount" => view_count: Count,
        "likeCount" => like_count: Count,
        "commentCount" => comment_count: Count,
    }

    VideoStatus {
        "embeddable" => embeddable: Flag,
    }
}

pub(super) fn video(item: Item<'_>, with_description: bool) -> Option<Box<Video>> {
    let id = item.id.0.filter(|id| is_id(id))?;
    let (snippet, statistics) = (item.snippet, item.statistics);
    let (declared_language, language_tag) = declared(snippet.default_audio_language, snippet.default_language);
    let truncated =
        |limit, text: Text<'_>| text.0.map_or(CompactString::default(), |text| truncate(&text, limit).into());
    Some(Box::new(Video {
        id: id.into(),
        declared_language,
        language_tag,
        title: truncated(MAX_TITLE, snippet.title),
        channel: truncated(MAX_TITLE, snippet.channel_title),
        channel_id: snippet.channel_id.0.filter(|id| is_id(id)).map(CompactString::from),
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

/// The declared language, and the tag that it was read from: that of the audio, or otherwise of the title. If neither
/// names a language, the first tag that there is.
fn declared(audio: Text<'_>, title: Text<'_>) -> (Option<Language>, Option<CompactString>) {
    let tags = [audio, title].map(|tag| tag.0.filter(|tag| is_tag(tag)));
    let mut given = tags.iter().flatten();
    let named = given.clone().find_map(|tag| Some((Language::from_tag(tag)?, tag)));
    let tag = named.map(|(_, tag)| tag).or(given.next());
    (named.map(|(language, _)| language), tag.map(|tag| CompactString::from(&**tag)))
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

/// The value of the parameter `fields` that selects exactly what is read (Google APIs, "Performance tips"). Without
/// `nextPageToken`, paging would end after the first page.
pub(super) fn selector(description: bool) -> String {
    VideoList::selector(description)
}

#[derive(Default)]
pub(super) enum Items<'a> {
    /// Absent or null.
    #[default]
    Missing,
    /// At most [`MAX_ITEMS`]; the rest of a longer list is not kept.
    List(Vec<Item<'a>>),
    /// Not a list.
    Other,
}

/// The most items of a page, as documented by YouTube.
const MAX_ITEMS: usize = 50;

impl<'a> Thumbnails<'a> {
    /// The URL of the largest one whose URL is usable.
    pub(super) fn largest(self) -> Option<Cow<'a, str>> {
        let by_size = [self.maxres, self.standard, self.high, self.medium, self.default];
        by_size.into_iter().find_map(|thumbnail| thumbnail.url.0.filter(|url| is_picture_url(url)))
    }
}

impl<'de> FromAnyJson<'de> for Items<'de> {
    fn other() -> Self {
        Items::Other
    }
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut items = Vec::with_capacity(MAX_ITEMS);
        while items.len() < MAX_ITEMS {
            match list.next_element()? {
                Some(Lenient(item)) => items.push(item),
                None => return Ok(Items::List(items)),
            }
        }
        skip_rest(list)?;
        Ok(Items::List(items))
    }
    fn selector(description: bool) -> String {
        Item::selector(description)
    }
}

impl<'de> FromAnyJson<'de> for Tags {
    /// The tags before the first that does not fit.
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut tags = tags::Builder::default();
        // Counts a separator between two tags, so that a list of empty tags is bounded too.
        let mut room = MAX_TAGS + 1;
        while let Some(Lenient(Text(tag))) = list.next_element()? {
            let Some(tag) = tag else { continue };
            let Some(left) = room.checked_sub(tag.chars().count() + 1) else {
                skip_rest(list)?;
                break;
            };
            room = left;
            tags.push(&tag);
        }
        Ok(tags.build())
    }
}
