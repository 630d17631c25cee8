//! Turns a document into the rows of each table, the same for both databases. Pure.
//!
//! What not every database can hold is replaced here: counts above 2^63 - 1 and times before the year 1 become null, and
//! NUL, which PostgreSQL's text cannot hold, becomes U+FFFD. Rows come in the order of their table's key: this keeps
//! inserts cheap, and two runs lock rows in the same order.

use std::borrow::Cow;

use compact_str::CompactString;
use jiff::Timestamp;

use super::names::Names;
use crate::model::region::Region;
use crate::model::valid::has_year;
use crate::model::{Document, MergedVideo, RegionStats, RunStatus};

pub(super) struct Rows<'a> {
    pub(super) run: RunRow<'a>,
    pub(super) names: Names,
    /// In the order requested.
    pub(super) regions: Vec<RegionRow<'a>>,
    /// By id. Their fields are bound where the statement is; see [`count`], [`time`] and [`text`].
    pub(super) videos: Vec<&'a MergedVideo>,
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
    /// Place in the request, from 0.
    pub(super) position: i64,
    pub(super) error_status: Option<i64>,
    pub(super) error_reason: Option<Cow<'a, str>>,
}

pub(super) struct EntryRow<'a> {
    pub(super) region: Region,
    pub(super) rank: i32,
    pub(super) video_id: &'a str,
}

impl<'a> Rows<'a> {
    pub(super) fn new(document: &'a Document) -> Rows<'a> {
        let mut videos: Vec<&MergedVideo> = document.videos.iter().collect();
        videos.sort_unstable_by_key(|merged| &merged.video.id);
        let mut entries: Vec<EntryRow<'a>> = document.videos.iter().flat_map(entries).collect();
        entries.sort_unstable_by_key(|row| (row.region, row.rank));
        Rows {
            run: run(document),
            names: Names::of(document),
            regions: document.stats.regions.iter().enumerate().map(region).collect(),
            videos,
            entries,
        }
    }
}

fn run(document: &Document) -> RunRow<'_> {
    let stats = &document.stats;
    RunRow {
        id: &document.run_id,
        fetched_at: document.fetched_at,
        source: text(&document.source),
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

fn region((position, stats): (usize, &RegionStats)) -> RegionRow<'_> {
    RegionRow {
        region: stats.region.code(),
        status: stats.status.as_str(),
        error_kind: stats.error.as_ref().map(|error| error.kind.as_str()),
        error_message: stats.error.as_ref().map(|error| text(&error.message)),
        videos: integer(stats.videos),
        requests: stats.requests.into(),
        retries: stats.retries.into(),
        elapsed_ms: integer(stats.elapsed_ms),
        position: integer(position),
        error_status: stats.error.as_ref().and_then(|error| error.status).map(i64::from),
        error_reason: stats.error.as_ref().and_then(|error| error.reason.as_deref()).map(text),
    }
}

/// A count; one above 2^63 - 1 becomes null.
pub(super) fn count(count: Option<u64>) -> Option<i64> {
    count.and_then(|count| i64::try_from(count).ok())
}

/// A time from the year 1 on. The databases write earlier years in different ways.
pub(super) fn time(time: Option<Timestamp>) -> Option<Timestamp> {
    time.filter(has_year)
}

/// A text without NUL, which PostgreSQL's text cannot hold.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

pub(super) fn optional_text(optional: &Option<CompactString>) -> Option<Cow<'_, str>> {
    optional.as_deref().map(text)
}

/// A JSON array of texts.
pub(super) fn texts<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(texts.map(text)).to_string()
}

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
