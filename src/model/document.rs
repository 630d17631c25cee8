//! A whole run: the document around its videos. Field order here is the order in the document.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::MergedVideo;
use super::error::RegionError;
use super::region::Region;

/// The version of the document's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// A whole run: the document, as it is written.
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
    /// What was asked for.
    pub request: Request,
    /// What became of it.
    pub stats: Stats,
    /// The merged chart, in the order first met: regions as asked for, each by rank.
    pub videos: Vec<MergedVideo>,
}

impl Document {
    /// The document of a run that began at `start`.
    pub fn new(start: Timestamp, source: String, request: Request, stats: Stats, videos: Vec<MergedVideo>) -> Document {
        let fetched_at = whole_seconds(start);
        Document { schema_version: SCHEMA_VERSION, run_id: run_id(start), source, fetched_at, request, stats, videos }
    }
}

/// A time as the document and the history have it.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

/// A UUIDv7 (RFC 9562 §5.7), so that ids sort by time.
fn run_id(start: Timestamp) -> String {
    let seconds = u64::try_from(start.as_second()).unwrap_or(0);
    let time = uuid::Timestamp::from_unix(uuid::NoContext, seconds, start.subsec_nanosecond().unsigned_abs());
    uuid::Uuid::new_v7(time).to_string()
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// In the order asked for, without repeats.
    pub regions: Vec<Region>,
    /// Videos per region, 1 to 200.
    pub max_results: u32,
    /// `None` is all categories.
    pub category_id: Option<u32>,
}

/// Counts of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Places of all charts that held a usable item, repeats within a region counted in.
    pub raw: usize,
    /// Different videos.
    pub unique: usize,
    /// Videos in two regions or more.
    pub multi_region: usize,
    /// Items without a usable id.
    pub skipped: u32,
    /// The 20 pairs of regions that share most, the largest first.
    pub overlap: Vec<Overlap>,
    /// Attempts sent.
    pub requests: u32,
    /// Those of them that repeated a failed one.
    pub retries: u32,
    /// Answers that said "too fast".
    pub rate_limited: u32,
    /// Each attempt that may have reached YouTube is one unit, a refused one too.
    pub quota_units: u32,
    /// The whole run, milliseconds.
    pub elapsed_ms: u64,
    /// Time in which the server had asked for silence, milliseconds.
    pub held_ms: u64,
    /// Regions whose chart is whole. Like the next one, made from `regions` when a document is read.
    #[serde(skip_deserializing)]
    pub regions_ok: Vec<Region>,
    /// Regions whose chart is not: failed and partial.
    #[serde(skip_deserializing)]
    pub regions_failed: Vec<Region>,
    /// One row each, in the order asked for.
    pub regions: Vec<RegionStats>,
}

/// How many videos two regions share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    /// The two, in the order asked for.
    pub regions: [Region; 2],
    /// Videos in both.
    pub videos: usize,
}

/// One region of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionStats {
    /// Which.
    pub region: Region,
    /// The usual language of its chart; `und` outside the table.
    #[serde(skip_deserializing)]
    pub language: &'static str,
    /// How it ended.
    pub status: Status,
    /// Different videos of its chart that arrived.
    pub videos: usize,
    /// Attempts sent.
    pub requests: u32,
    /// Those of them that repeated a failed one.
    pub retries: u32,
    /// From its first attempt to its end, milliseconds.
    pub elapsed_ms: u64,
    /// Why it is not whole.
    pub error: Option<RegionError>,
}

/// How a region ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The whole chart, however short.
    Ok,
    /// Some pages, then a failure.
    Partial,
    /// No page.
    Failed,
}

impl Status {
    /// Every status.
    pub const ALL: [Status; 3] = [Status::Ok, Status::Partial, Status::Failed];

    /// The status that the document calls so.
    pub fn find(word: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The word in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Partial => "partial",
            Status::Failed => "failed",
        }
    }
}
