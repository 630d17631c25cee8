//! The chart of one region as it is fetched, and what fetching it took.

use std::time::Duration;

use jiff::Timestamp;

use super::error::{RegionError, RegionFailure};
use super::region::Region;
use super::video::Video;

/// One place of one region's chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartEntry {
    /// 1 is the top; skipped and repeated items are counted in.
    pub rank: u32,
    /// When the page that showed it arrived.
    pub fetched_at: Timestamp,
    /// What it showed. In a box, since it is large and moves from list to list.
    pub video: Box<Video>,
}

/// What one region brought: the parcel that `fetch` hands on.
#[derive(Debug, Clone)]
pub struct RegionChart {
    /// Its chart as far as it arrived, by rank; an id may repeat.
    pub entries: Vec<ChartEntry>,
    /// What became of it.
    pub outcome: RegionOutcome,
}

/// What became of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionOutcome {
    /// Which region.
    pub region: Region,
    /// Places that held a usable item.
    pub entries: usize,
    /// Items without a usable id.
    pub skipped: u32,
    /// Whether at least one page arrived, an empty one included.
    pub answered: bool,
    /// Why its chart is not whole.
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
