//! The data of one region on the page: its attempts, its charts and the ranks at the top of them.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use crate::history::changes::RegionChanges;
use crate::history::{HistoryEntry, RegionAttempt, VideoRank, VideoRecord};
use crate::model::error::ErrorKind;
use crate::model::region::Region;

/// How far rank plots look back.
const RANK_PLOT_PERIOD: SignedDuration = SignedDuration::from_hours(7 * 24);

/// How many ranks the rank plots have.
pub(super) const RANK_PLOT_ENTRIES: u32 = 10;

#[derive(Debug, Clone)]
pub struct RegionHistory {
    pub region: Region,
    /// The runs that requested the region, oldest first; at least one.
    pub attempts: Vec<RegionAttempt>,
    /// The newest chart: from a history, the newest complete one; from a document, whatever was fetched.
    pub chart: Option<Chart>,
    /// The complete chart before it.
    pub previous: Option<Chart>,
    /// What changed between the two.
    pub changes: Option<RegionChanges>,
    /// The top ranks of its recent complete charts, oldest first.
    pub video_ranks: Vec<VideoRank>,
    /// What its kept charts say about the videos of the newest one, by id.
    pub records: HashMap<String, VideoRecord>,
}

#[derive(Debug, Clone)]
pub struct Chart {
    /// When its run started.
    pub fetched_at: Timestamp,
    /// By rank.
    pub entries: Vec<HistoryEntry>,
}

impl RegionHistory {
    pub(super) fn new(region: Region, attempts: Vec<RegionAttempt>) -> RegionHistory {
        RegionHistory {
            region,
            attempts,
            chart: None,
            previous: None,
            changes: None,
            video_ranks: Vec::new(),
            records: HashMap::new(),
        }
    }

    /// The newest run that requested the region.
    pub(super) fn latest_attempt(&self) -> Option<&RegionAttempt> {
        self.attempts.last()
    }

    /// The views that a video gained since the previous chart, if both are known.
    pub(super) fn views_gained(&self, entry: &HistoryEntry) -> Option<i64> {
        let before = self.previous.as_ref()?.entries.iter().find(|before| before.video_id == entry.video_id)?;
        views_gained(entry, before)
    }

    /// Whether YouTube last answered that it has no such chart.
    pub(super) fn is_absent(&self) -> bool {
        let error = self.latest_attempt().and_then(|latest| latest.error.as_ref());
        error.is_some_and(|(kind, _)| kind == ErrorKind::RegionUnsupported.as_str())
    }

    /// The attempts that the rank plot covers.
    pub(super) fn recent_attempts(&self) -> &[RegionAttempt] {
        let since = self.latest_attempt().and_then(|newest| newest.fetched_at.checked_sub(RANK_PLOT_PERIOD).ok());
        let first = self.attempts.partition_point(|attempt| since.is_some_and(|since| attempt.fetched_at < since));
        &self.attempts[first..]
    }
}

/// The difference of the views of a video in two charts, if both are known.
pub(super) fn views_gained(entry: &HistoryEntry, before: &HistoryEntry) -> Option<i64> {
    i64::try_from(i128::from(entry.views?) - i128::from(before.views?)).ok()
}

#[cfg(test)]
mod tests {
    use crate::report::fixtures::{attempt, without_chart};

    #[test]
    fn recent_attempts_are_those_of_the_seven_days_before_the_newest() {
        let recent = |hours: &[i64]| -> Vec<i64> {
            let history = without_chart(hours.iter().map(|hour| attempt("US", *hour)).collect());
            history.recent_attempts().iter().map(|attempt| attempt.number).collect()
        };
        let week = 7 * 24;
        assert_eq!(recent(&[0, 1, 2, week + 1]), [1, 2, week + 1]);
        assert_eq!(recent(&[0, 1, week]), [0, 1, week]);
        assert_eq!(recent(&[0, 30 * 24]), [30 * 24]);
        let mut none = without_chart(vec![attempt("US", 0)]);
        none.attempts.clear();
        assert!(none.recent_attempts().is_empty());
    }
}
