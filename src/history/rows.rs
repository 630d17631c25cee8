//! Turns a document into the rows of each table, the same for both databases. Pure.
//!
//! What not every database can hold is replaced here: counts above 2^63 - 1 and times before the year 1 become null, and
//! NUL, which PostgreSQL's text cannot hold, becomes U+FFFD. Rows come in the order of their table's key: this keeps
//! inserts cheap, and two runs lock rows in the same order.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::model::category::Category;
use crate::model::language::Language;
use crate::model::region::Region;
use crate::model::{Document, MergedVideo, RunStatus};

pub(super) struct Rows<'a> {
    pub(super) run: RunRow<'a>,
    /// In the order requested.
    pub(super) regions: Vec<RegionRow<'a>>,
    /// By id. Also the rows of `counts`.
    pub(super) videos: Vec<VideoRow<'a>>,
    /// By region and rank.
    pub(super) entries: Vec<EntryRow<'a>>,
}

pub(super) struct RunRow<'a> {
    pub(super) id: &'a str,
    pub(super) fetched_at: Timestamp,
    pub(super) source: Cow<'a, str>,
    pub(super) category_id: Option<i64>,
    pub(super) status: &'static str,
    pub(super) max_results: i64,
    pub(super) raw: i64,
    pub(super) unique: i64,
    pub(super) multi_region: i64,
    pub(super) skipped: i64,
    pub(super) requests: i64,
    pub(super) retries: i64,
    pub(super) rate_limited: i64,
    pub(super) quota_units: i64,
    pub(super) elapsed_ms: i64,
    pub(super) held_ms: i64,
}

pub(super) struct RegionRow<'a> {
    pub(super) region: &'a str,
    pub(super) status: &'static str,
    pub(super) error_kind: Option<&'static str>,
    pub(super) error_message: Option<Cow<'a, str>>,
    pub(super) videos: i64,
    pub(super) requests: i64,
    pub(super) retries: i64,
    pub(super) elapsed_ms: i64,
}

pub(super) struct VideoRow<'a> {
    pub(super) id: &'a str,
    pub(super) title: Cow<'a, str>,
    pub(super) channel: Cow<'a, str>,
    pub(super) channel_id: Option<Cow<'a, str>>,
    pub(super) category_id: Option<i64>,
    pub(super) views: Option<i64>,
    pub(super) likes: Option<i64>,
    pub(super) comments: Option<i64>,
    pub(super) published_at: Option<Timestamp>,
    pub(super) duration_seconds: Option<i64>,
    pub(super) live: &'static str,
    pub(super) embeddable: Option<bool>,
    pub(super) age_restricted: Option<bool>,
    /// A JSON array.
    pub(super) tags: String,
    pub(super) thumbnail: Option<Cow<'a, str>>,
    pub(super) description: Option<Cow<'a, str>>,
    pub(super) declared_language: Option<&'a str>,
    pub(super) primary_language: &'static str,
    pub(super) search_config: &'static str,
}

pub(super) struct EntryRow<'a> {
    pub(super) region: Region,
    pub(super) rank: i32,
    pub(super) video_id: &'a str,
}

impl<'a> Rows<'a> {
    pub(super) fn new(document: &'a Document) -> Rows<'a> {
        let mut videos: Vec<VideoRow<'a>> = document.videos.iter().map(video).collect();
        videos.sort_unstable_by_key(|row| row.id);
        let mut entries: Vec<EntryRow<'a>> = document.videos.iter().flat_map(entries).collect();
        entries.sort_unstable_by_key(|row| (row.region, row.rank));
        Rows { run: run(document), regions: document.stats.regions.iter().map(region).collect(), videos, entries }
    }
}

fn run(document: &Document) -> RunRow<'_> {
    let stats = &document.stats;
    RunRow {
        id: &document.run_id,
        fetched_at: document.fetched_at,
        source: replace_nul(&document.source),
        category_id: document.request.category_id.map(i64::from),
        status: RunStatus::of(document).regions.as_str(),
        max_results: document.request.max_results.into(),
        raw: integer(stats.raw),
        unique: integer(stats.unique),
        multi_region: integer(stats.multi_region),
        skipped: stats.skipped.into(),
        requests: stats.requests.into(),
        retries: stats.retries.into(),
        rate_limited: stats.rate_limited.into(),
        quota_units: stats.quota_units.into(),
        elapsed_ms: integer(stats.elapsed_ms),
        held_ms: integer(stats.held_ms),
    }
}

fn region(stats: &crate::model::RegionStats) -> RegionRow<'_> {
    RegionRow {
        region: stats.region.code(),
        status: stats.status.as_str(),
        error_kind: stats.error.as_ref().map(|error| error.kind.as_str()),
        error_message: stats.error.as_ref().map(|error| replace_nul(&error.message)),
        videos: integer(stats.videos),
        requests: stats.requests.into(),
        retries: stats.retries.into(),
        elapsed_ms: integer(stats.elapsed_ms),
    }
}

fn video(merged: &MergedVideo) -> VideoRow<'_> {
    let video = &merged.video;
    let count = |count: Option<u64>| count.and_then(|count| i64::try_from(count).ok());
    let tags: Vec<Cow<'_, str>> = video.tags.iter().map(|tag| replace_nul(tag)).collect();
    VideoRow {
        id: &video.id,
        title: replace_nul(&video.title),
        channel: replace_nul(&video.channel),
        channel_id: video.channel_id.as_deref().map(replace_nul),
        category_id: video.category.map(|category| Category::id(category).into()),
        views: count(video.views),
        likes: count(video.likes),
        comments: count(video.comments),
        // The databases write years before 1 in different ways.
        published_at: video.published_at.filter(|time| time.as_second() >= YEAR_1),
        duration_seconds: count(video.duration_seconds),
        live: video.live.as_str(),
        embeddable: video.embeddable,
        age_restricted: video.age_restricted,
        tags: serde_json::Value::from_iter(tags).to_string(),
        thumbnail: video.thumbnail.as_deref().map(replace_nul),
        description: video.description.as_deref().map(replace_nul),
        declared_language: video.declared_language.as_ref().map(Language::code),
        primary_language: merged.primary_language(),
        search_config: merged.search_config(),
    }
}

/// 0001-01-01, in seconds since 1970.
const YEAR_1: i64 = -62_135_596_800;

fn entries(merged: &MergedVideo) -> impl Iterator<Item = EntryRow<'_>> {
    merged.ranks.iter().map(|(region, rank)| EntryRow {
        region: *region,
        rank: i32::try_from(*rank).unwrap_or(i32::MAX),
        video_id: &merged.video.id,
    })
}

/// Counts of this program are far below the limit.
fn integer<N: TryInto<i64>>(number: N) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

fn replace_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}
