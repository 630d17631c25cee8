//! The document of a run. The order of the fields here is their order in the JSON.

use std::cmp::Reverse;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::category::{Category, ChartCategory};
use super::error::{ErrorKind, RegionError};
use super::region::Region;
use super::{ChartId, MergedVideo};

/// The version of the document's format.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole run, as it is written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// A UUIDv7.
    pub run_id: String,
    /// `youtube`, `demo`, or the host of `--base-url` without its port.
    pub source: String,
    /// Start of the run, UTC, whole seconds.
    pub fetched_at: Timestamp,
    pub request: Request,
    pub stats: Stats,
    /// The merged charts, in the order of first occurrence: regions in the order requested, each by rank.
    pub videos: Vec<MergedVideo>,
}

impl Document {
    /// The document of a run that began at `start`.
    pub fn new(start: Timestamp, source: String, request: Request, stats: Stats, videos: Vec<MergedVideo>) -> Document {
        let fetched_at = whole_seconds(start);
        Document { schema_version: SCHEMA_VERSION, run_id: run_id(start), source, fetched_at, request, stats, videos }
    }

    /// The merged chart as people see it: by the best rank, then by the number of regions, then by views. Videos that
    /// are equal in all of these stay in the order of first occurrence.
    pub fn by_best_rank(&self) -> Vec<&MergedVideo> {
        let mut videos: Vec<&MergedVideo> = self.videos.iter().collect();
        videos.sort_by_key(|video| (video.best_rank(), Reverse(video.ranks.len()), Reverse(video.video.views)));
        videos
    }
}

/// A time in whole seconds, as in the document and the history.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A UUIDv7 (RFC 9562 §5.7), so that ids sort by time.
fn run_id(start: Timestamp) -> String {
    let seconds = u64::try_from(start.as_second()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, start.subsec_nanosecond().unsigned_abs());
    uuid::Uuid::new_v7(time).to_string()
}

/// What a run requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// In the order requested, without repeats.
    pub regions: Vec<Region>,
    /// Videos per region, 1 to 200.
    pub max_results: u32,
    /// `None` is all categories.
    pub category_id: Option<u32>,
}

impl Request {
    /// The name of the category, or `all categories`.
    pub fn category_name(&self) -> String {
        ChartCategory::from_id(self.category_id).to_string()
    }

    /// The charts of the request, in its order.
    pub fn charts(&self) -> impl Iterator<Item = ChartId> {
        let category = self.category_id.map(Category::new);
        self.regions.iter().map(move |&region| ChartId { region, category })
    }
}

/// The counts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Entries of all charts, repeats within a region included.
    pub raw: usize,
    /// Distinct videos.
    pub unique: usize,
    /// Videos in two regions or more.
    pub multi_region: usize,
    /// Items without a usable id.
    pub skipped: u32,
    /// The 20 pairs of regions that share the most videos, largest first.
    pub overlap: Vec<Overlap>,
    /// Attempts sent.
    pub requests: u32,
    /// Attempts that repeated a failed one.
    pub retries: u32,
    /// Responses that reported a rate limit.
    pub rate_limited: u32,
    /// One unit for each attempt that may have reached YouTube, even if it was refused.
    pub quota_units: u32,
    /// From the start of the run until its videos were merged, in milliseconds.
    pub elapsed_ms: u64,
    /// For how long rate limits held sending, in milliseconds.
    pub held_ms: u64,
    /// Regions with a complete chart. This field and the next are derived from `regions` when a document is read.
    #[serde(skip_deserializing)]
    pub regions_ok: Vec<Region>,
    /// All other regions: failed and partial ones.
    #[serde(skip_deserializing)]
    pub regions_failed: Vec<Region>,
    /// One row for each region, in the order requested.
    pub regions: Vec<RegionStats>,
}

/// How many videos two regions share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// In the order requested.
    pub regions: [Region; 2],
    pub videos: usize,
}

/// The counts of one region, and how its fetching ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionStats {
    pub region: Region,
    /// The usual language of the chart, or `und` for a region outside the table.
    #[serde(skip_deserializing)]
    pub language: &'static str,
    pub status: Status,
    /// Distinct videos that arrived.
    pub videos: usize,
    /// Attempts sent.
    pub requests: u32,
    /// Attempts that repeated a failed one.
    pub retries: u32,
    /// From the first attempt to the end, in milliseconds.
    pub elapsed_ms: u64,
    /// Why the chart is incomplete.
    pub error: Option<RegionError>,
}

impl RegionStats {
    /// Whether YouTube said that it has no such chart.
    pub fn has_no_chart(&self) -> bool {
        self.status == Status::Failed
            && self.error.as_ref().is_some_and(|error| error.kind == ErrorKind::RegionUnsupported)
    }
}

/// How the fetching of a region ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The chart is complete, however short it is.
    Ok,
    /// Some pages arrived before a failure.
    Partial,
    /// No page arrived.
    Failed,
}

impl Status {
    pub const ALL: [Status; 3] = [Status::Ok, Status::Partial, Status::Failed];

    /// The status with this name in the document.
    pub fn find(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == name)
    }

    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Partial => "partial",
            Status::Failed => "failed",
        }
    }
}
