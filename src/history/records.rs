//! The plain data that a backend returns, and the filters that select it.

use jiff::Timestamp;
use uuid::Uuid;

use crate::model::category::Category;
use crate::model::error::ErrorKind;
use crate::model::region::Region;
use crate::model::{ChartId, Stats, Status};

/// What two charts of a region must have in common to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChartSeries {
    /// The name of the source, as in the document.
    pub source: String,
    /// `None` is the chart of all categories.
    pub category_id: Option<u32>,
}

/// Selects complete charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFilter {
    pub regions: Vec<Region>,
    /// `None` is any source.
    pub source: Option<String>,
    /// `None` is any category, and `Some(None)` the chart of all categories.
    pub category_id: Option<Option<u32>>,
    /// The latest start of a run.
    pub until: Timestamp,
    /// The most charts of each region and series.
    pub limit: u32,
}

/// Identifies a complete chart of a region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartRef {
    pub region: Region,
    pub run_id: String,
    /// The number of the run, by which the tables of this history refer to it.
    pub number: i64,
    /// Start of the run.
    pub fetched_at: Timestamp,
    pub series: ChartSeries,
    /// How many entries the run requested; the chart says nothing about the ranks below.
    pub max_results: u32,
}

/// An entry of a chart, with what the history knows about its video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// 1 is the top.
    pub rank: u32,
    pub video_id: String,
    /// As last seen; empty if missing.
    pub title: String,
    /// As last seen; empty if missing.
    pub channel: String,
    /// As last seen.
    pub channel_id: Option<String>,
    /// When any run of the series first saw the video in the chart of this region.
    pub first_seen_at: Timestamp,
    /// As last seen.
    pub category: Option<Category>,
    /// In this run.
    pub views: Option<u64>,
    /// As last seen.
    pub thumbnail: Option<String>,
    /// The language that the owner declared, as last seen.
    pub language: Option<String>,
}

/// The rank of a video in the chart of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRank {
    /// The number of the run, by which the tables of this history refer to it.
    pub number: i64,
    /// 1 is the top.
    pub rank: u32,
    pub video_id: String,
}

/// What several charts of a region say about one video.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRecord {
    pub video_id: String,
    /// The best rank in any of the charts.
    pub peak_rank: u32,
    /// How many of the charts have the video.
    pub charts: u32,
}

/// A region that some run requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestedRegion {
    pub region: Region,
    /// Start of the newest run that requested it.
    pub requested_at: Timestamp,
}

/// The runs of a series that have kept charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesRuns {
    pub series: ChartSeries,
    /// How many runs there are.
    pub runs: u64,
    /// Start of the newest of them.
    pub newest: Timestamp,
}

/// Selects the runs of a source by their start, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    pub source: String,
    /// `None` is the chart of all categories.
    pub categories: Vec<Option<u32>>,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// A region of a run, whether it was fetched or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionAttempt {
    pub run_id: String,
    /// The number of the run, by which the tables of this history refer to it.
    pub number: i64,
    /// Start of the run.
    pub fetched_at: Timestamp,
    /// `None` is the chart of all categories.
    pub category_id: Option<u32>,
    pub max_results: u32,
    pub region: Region,
    pub status: Status,
    /// How many distinct videos arrived.
    pub videos: u32,
    /// Why the chart is not complete: the kind of the error, and its message.
    pub error: Option<(String, String)>,
    /// Whether the run's charts were deleted.
    pub is_pruned: bool,
}

impl RegionAttempt {
    /// Whether the history holds the complete chart.
    pub fn is_whole(&self) -> bool {
        self.status == Status::Ok && !self.is_pruned
    }

    /// Whether YouTube answered the request: with the complete chart, or by saying that there is no such chart.
    pub(super) fn is_answered(&self) -> bool {
        let is_unsupported = |(kind, _): &(String, String)| kind == ErrorKind::RegionUnsupported.as_str();
        self.status == Status::Ok || self.error.as_ref().is_some_and(is_unsupported)
    }
}

/// A chart that YouTube did not have when it was last requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AbsentChart {
    pub chart: ChartId,
    /// Start of the newest run that requested it.
    pub requested_at: Timestamp,
}

/// A run whose charts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRun {
    /// The number by which the tables of this history refer to it.
    pub number: i64,
    pub id: String,
    pub fetched_at: Timestamp,
    /// Whether the run found expired charts and did not delete them.
    pub left_expired: bool,
}

/// Selects runs to hand out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Starts of runs, without the end; whole seconds.
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Categories of charts, of which `None` is all categories; all charts if there is no list.
    pub categories: Option<Vec<Option<u32>>>,
    /// Only runs that requested one of these; all regions if there is no list.
    pub regions: Option<Vec<Region>>,
    pub run_id: Option<Uuid>,
}

/// A run to hand out. What its document has beyond this is read with [`run_documents`](super::Backend::run_documents).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRun {
    /// The number by which the tables of this history refer to it.
    pub number: i64,
    pub id: String,
    pub fetched_at: Timestamp,
    pub series: ChartSeries,
    pub max_results: u32,
    /// Whether its charts were deleted.
    pub is_pruned: bool,
    /// How many entries the charts of the selected regions have.
    pub entries: u64,
    /// Without what is counted by region.
    pub stats: Stats,
}
