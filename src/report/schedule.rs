//! How often a region is fetched, which runs are missing, and whether it still is fetched. Pure.

use jiff::{SignedDuration, Timestamp};

use super::snapshot::RegionPast;
use crate::history::NO_LONGER;

/// A wait is too long when it is longer than this many times the usual one.
const LATE: f64 = 1.75;

/// Runs that begin sooner after each other count as one.
const TOGETHER: SignedDuration = SignedDuration::from_mins(10);

/// The fewest waits that show a habit.
const FEWEST_WAITS: usize = 3;

/// When a region was asked for, whatever came of it.
pub(super) struct Habit {
    /// Oldest first; at least one.
    times: Vec<Timestamp>,
    /// The median wait; `None` after a single run.
    median: Option<SignedDuration>,
}

impl Habit {
    pub(super) fn of(past: &RegionPast) -> Habit {
        let mut times: Vec<Timestamp> = past.attempts.iter().map(|attempt| attempt.fetched_at).collect();
        times.dedup_by(|later, earlier| later.duration_since(*earlier) < TOGETHER);
        let mut waits: Vec<SignedDuration> = times.windows(2).map(|pair| pair[1].duration_since(pair[0])).collect();
        waits.sort_unstable();
        Habit { median: waits.get(waits.len() / 2).copied(), times }
    }

    /// The median wait, where there were enough to make a habit.
    pub(super) fn usual(&self) -> Option<SignedDuration> {
        self.median.filter(|_| self.times.len() > FEWEST_WAITS)
    }

    /// Start of the newest run.
    pub(super) fn last(&self) -> Timestamp {
        self.times.last().copied().unwrap_or_default()
    }

    /// Whether the next run should have begun by `now`.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        self.usual().is_some_and(|usual| is_late(now.duration_since(self.last()), usual))
    }

    /// The waits that were too long, newest first: from, to, and how many runs are missing.
    pub(super) fn missing(&self) -> impl Iterator<Item = (Timestamp, Timestamp, u64)> {
        let usual = self.usual();
        self.times.windows(2).rev().filter_map(move |pair| {
            let (usual, wait) = (usual?, pair[1].duration_since(pair[0]));
            let runs = (wait.as_secs_f64() / usual.as_secs_f64()).round() as u64;
            is_late(wait, usual).then(|| (pair[0], pair[1], runs - 1))
        })
    }

    /// Whether nobody has asked for the region since a week, or for longer than is usual for it where that is more,
    /// while others were asked for until `newest`.
    pub(super) fn is_given_up(&self, newest: Timestamp) -> bool {
        let silence = newest.duration_since(self.last());
        silence > NO_LONGER && self.median.is_none_or(|median| is_late(silence, median))
    }
}

fn is_late(wait: SignedDuration, usual: SignedDuration) -> bool {
    wait.as_secs_f64() > LATE * usual.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{at, attempt, past};

    fn of_hours(hours: impl IntoIterator<Item = i64>) -> Habit {
        Habit::of(&past(hours.into_iter().map(|hour| attempt("US", hour)).collect()))
    }

    #[test]
    fn a_region_is_given_up_after_a_week_without_it() {
        let (once, hourly) = (of_hours([0]), of_hours(0..=30));
        assert!(!once.is_given_up(at(7 * 24)) && once.is_given_up(at(7 * 24 + 1)));
        assert!(!hourly.is_given_up(at(30 + 7 * 24)) && hourly.is_given_up(at(30 + 7 * 24 + 1)));
    }

    #[test]
    fn what_comes_less_often_than_once_a_week_is_not_given_up_too_soon() {
        let rare = of_hours([0, 10 * 24]);
        assert!(!rare.is_given_up(at(27 * 24)));
        assert!(rare.is_given_up(at(28 * 24)), "longer than one and three quarters of the usual wait");
    }
}
