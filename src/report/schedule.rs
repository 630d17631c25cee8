//! How often a region is fetched, which runs are missing, and whether the region is still fetched at all. Pure.

use jiff::{SignedDuration, Timestamp};

use super::region_history::RegionHistory;
use crate::history::DROPPED_AFTER;

/// An interval is too long when it exceeds the median by this factor.
const LATE_FACTOR: f64 = 1.75;

/// Runs that start within this time of each other count as one.
const SAME_RUN: SignedDuration = SignedDuration::from_mins(10);

/// The fewest intervals from which a schedule is inferred.
const MIN_INTERVALS: usize = 3;

/// When a region was requested, whether or not that succeeded.
pub(super) struct FetchSchedule {
    /// Oldest first; at least one.
    run_starts: Vec<Timestamp>,
    /// `None` after a single run.
    median_interval: Option<SignedDuration>,
}

impl FetchSchedule {
    pub(super) fn new(history: &RegionHistory) -> FetchSchedule {
        let mut run_starts: Vec<Timestamp> = history.attempts.iter().map(|attempt| attempt.fetched_at).collect();
        run_starts.dedup_by(|later, earlier| later.duration_since(*earlier) < SAME_RUN);
        let mut intervals: Vec<SignedDuration> =
            run_starts.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
        intervals.sort_unstable();
        FetchSchedule { median_interval: intervals.get(intervals.len() / 2).copied(), run_starts }
    }

    /// The median interval, if there were enough runs to infer a schedule.
    pub(super) fn interval(&self) -> Option<SignedDuration> {
        self.median_interval.filter(|_| self.run_starts.len() > MIN_INTERVALS)
    }

    /// When the newest run started.
    pub(super) fn last_run(&self) -> Timestamp {
        self.run_starts.last().copied().unwrap_or_default()
    }

    /// Whether the next run should have started by `now`.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        self.interval().is_some_and(|interval| is_late(now.duration_since(self.last_run()), interval))
    }

    /// The intervals that were too long, newest first: start, end, and the number of missing runs.
    pub(super) fn missing_runs(&self) -> impl Iterator<Item = (Timestamp, Timestamp, u64)> {
        let expected = self.interval();
        self.run_starts.windows(2).rev().filter_map(move |pair| {
            let (expected, actual) = (expected?, pair[1].duration_since(pair[0]));
            let runs = (actual.as_secs_f64() / expected.as_secs_f64()).round() as u64;
            is_late(actual, expected).then(|| (pair[0], pair[1], runs - 1))
        })
    }

    /// Whether the region has not been requested for a week before `newest_run`, or for longer if its own interval is
    /// longer.
    pub(super) fn has_stopped(&self, newest_run: Timestamp) -> bool {
        let since_last = newest_run.duration_since(self.last_run());
        since_last > DROPPED_AFTER && self.median_interval.is_none_or(|median| is_late(since_last, median))
    }
}

fn is_late(actual: SignedDuration, expected: SignedDuration) -> bool {
    actual.as_secs_f64() > LATE_FACTOR * expected.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, attempt, without_chart};

    fn schedule(hours: impl IntoIterator<Item = i64>) -> FetchSchedule {
        FetchSchedule::new(&without_chart(hours.into_iter().map(|hour| attempt("US", hour)).collect()))
    }

    #[test]
    fn a_region_has_stopped_after_a_week_without_a_run() {
        let (once, hourly) = (schedule([0]), schedule(0..=30));
        assert!(!once.has_stopped(at(7 * 24)) && once.has_stopped(at(7 * 24 + 1)));
        assert!(!hourly.has_stopped(at(30 + 7 * 24)) && hourly.has_stopped(at(30 + 7 * 24 + 1)));
    }

    #[test]
    fn a_region_fetched_less_than_weekly_stops_later() {
        let rare = schedule([0, 10 * 24]);
        assert!(!rare.has_stopped(at(27 * 24)));
        assert!(rare.has_stopped(at(28 * 24)), "more than 1.75 times the interval");
    }
}
