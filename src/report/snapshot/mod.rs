//! The data that the page shows, read from a history or from one document: a snapshot for each category.

use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::region_history::RegionHistory;
use super::schedule::FetchSchedule;
use crate::history::{ChartSeries, SeriesRuns};
use crate::model::region::Region;

mod from_document;
mod from_history;

#[derive(Debug, Clone)]
pub struct Snapshot {
    /// When the page is generated.
    pub made_at: Timestamp,
    pub origin: Origin,
    /// The source and category of all charts on the page.
    pub series: ChartSeries,
    /// In the order requested, or by name.
    pub regions: Vec<RegionHistory>,
}

/// What the page is generated from.
#[derive(Debug, Clone)]
pub enum Origin {
    History {
        /// The start of the oldest and of the newest run on the page.
        runs: RangeInclusive<Timestamp>,
        /// Charts of other sources in the same history.
        others: Vec<SeriesRuns>,
    },
    /// One run.
    Document { run_id: String, fetched_at: Timestamp },
}

impl Snapshot {
    /// When the newest run started.
    pub(super) fn newest_run(&self) -> Timestamp {
        match &self.origin {
            Origin::History { runs, .. } => *runs.end(),
            Origin::Document { fetched_at, .. } => *fetched_at,
        }
    }

    pub(super) fn oldest_run(&self) -> Timestamp {
        match &self.origin {
            Origin::History { runs, .. } => *runs.start(),
            Origin::Document { fetched_at, .. } => *fetched_at,
        }
    }

    pub(super) fn still_fetched(&self) -> impl Iterator<Item = &RegionHistory> {
        self.regions.iter().filter(|history| !FetchSchedule::new(history).has_stopped(self.newest_run()))
    }

    pub(super) fn no_longer_fetched(&self) -> impl Iterator<Item = &RegionHistory> {
        self.regions.iter().filter(|history| FetchSchedule::new(history).has_stopped(self.newest_run()))
    }

    /// Whether no chart has an entry to show.
    pub fn is_empty(&self) -> bool {
        self.regions.iter().all(|history| history.chart.as_ref().is_none_or(|chart| chart.entries.is_empty()))
    }
}

fn sort_by_name<T>(items: &mut [T], region: impl Fn(&T) -> Region) {
    items.sort_by_cached_key(|item| (region(item).name().to_owned(), region(item)));
}

#[cfg(test)]
mod tests;
