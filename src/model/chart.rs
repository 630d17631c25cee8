//! The chart of one region as it is fetched, and what fetching it took.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::category::{Category, ChartCategory};
use super::error::{RegionError, RegionFailure};
use super::region::Region;
use super::video::Video;

/// Identifies a chart: that of a region and a category, or of all its categories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChartId {
    pub region: Region,
    /// `None` is all categories.
    pub category: Option<Category>,
}

impl ChartId {
    /// The region and its category, also if that is all: `US (all categories)`.
    pub fn full_name(&self) -> String {
        format!("{} ({})", self.region, ChartCategory::from_id(self.category.map(Category::id)))
    }
}

impl fmt::Display for ChartId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.category {
            Some(category) => write!(f, "{} ({category})", self.region),
            None => self.region.fmt(f),
        }
    }
}

/// One entry of a region's chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartEntry {
    /// 1 is the top. Skipped and repeated items count.
    pub rank: u32,
    /// When the page that contains it arrived.
    pub fetched_at: Timestamp,
    /// Boxed, since it is large and is moved from list to list.
    pub video: Box<Video>,
}

/// The result of fetching one region.
#[derive(Debug, Clone)]
pub struct RegionChart {
    /// The chart as far as it arrived, by rank. It may contain a video twice.
    pub entries: Vec<ChartEntry>,
    pub outcome: RegionOutcome,
}

/// How the fetching of one region ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionOutcome {
    pub region: Region,
    /// Items with a usable id, repeated ones included.
    pub entries: usize,
    /// Items without a usable id.
    pub skipped: u32,
    /// Whether at least one page arrived, an empty one included.
    pub answered: bool,
    /// Why the chart is incomplete.
    pub failure: Option<RegionFailure>,
    pub metrics: FetchMetrics,
}

impl RegionOutcome {
    pub fn error(&self) -> Option<&RegionError> {
        self.failure.as_ref().map(|failure| &failure.error)
    }
}

/// What it took to fetch a region.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FetchMetrics {
    /// Attempts sent, retries included.
    pub requests: u32,
    /// Requests that cost no quota unit, since they did not reach YouTube.
    pub unbilled: u32,
    /// Requests that repeated a failed one.
    pub retries: u32,
    /// Responses that reported a rate limit.
    pub rate_limited: u32,
    /// From the first attempt to the end, waits included.
    pub elapsed: Duration,
    /// Time in which an attempt was in flight or waited for its backoff: what the region would have taken if it were
    /// fetched on its own.
    pub sequential_time: Duration,
}
