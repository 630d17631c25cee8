//! What a history says of many past runs at once.

use jiff::{SignedDuration, Timestamp};

use crate::model::Status;
use crate::model::region::Region;

/// A region that no run has asked for in so much time, while others ran, is no longer fetched.
pub const NO_LONGER: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What charts have in common that can be compared, whatever their region.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChartSeries {
    /// As in the document.
    pub source: String,
    /// `None` is all categories.
    pub category_id: Option<u32>,
}

/// Which whole charts are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartFilter {
    /// Of these regions.
    pub regions: Vec<Region>,
    /// Of this source; `None` is any.
    pub source: Option<String>,
    /// Of this category, where `Some(None)` is the chart of all categories; `None` is any.
    pub category_id: Option<Option<u32>>,
    /// Of runs that began then or before.
    pub until: Timestamp,
    /// The most for each region, source and category.
    pub most: u32,
}

/// A region that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownRegion {
    /// Which.
    pub region: Region,
    /// Start of the newest run that asked for it.
    pub asked_at: Timestamp,
}

/// The runs of a series that began in a while, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// Their source and category.
    pub series: ChartSeries,
    /// The earliest start.
    pub since: Timestamp,
    /// The latest start.
    pub until: Timestamp,
}

/// The runs of a series whose charts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesRuns {
    /// Their source and category.
    pub series: ChartSeries,
    /// How many they are.
    pub runs: u64,
    /// Start of the newest.
    pub newest: Timestamp,
}

/// A region of a run, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The run.
    pub run_id: String,
    /// Its short name within the history.
    pub number: i64,
    /// Its start.
    pub fetched_at: Timestamp,
    /// Places asked for.
    pub depth: u32,
    /// Which region.
    pub region: Region,
    /// How it ended.
    pub status: Status,
    /// Different videos that arrived.
    pub videos: u32,
    /// Why it is not whole: the kind, and one line for people.
    pub error: Option<(String, String)>,
    /// Whether its chart has been deleted.
    pub is_pruned: bool,
}

impl Attempt {
    /// Whether its whole chart is there.
    pub fn is_whole(&self) -> bool {
        self.status == Status::Ok && !self.is_pruned
    }
}

/// Where a video stood in a run's chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VideoRank {
    /// The run's short name within the history.
    pub number: i64,
    /// 1 is the top.
    pub rank: u32,
    /// Which video.
    pub video_id: String,
}
