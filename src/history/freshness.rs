//! How fresh the newest complete chart of each region is. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{ChartSeries, RegionAttempt};
use crate::model::Status;
use crate::model::region::Region;

/// What `status` says about a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartStatus {
    pub series: ChartSeries,
    pub region: Region,
    pub state: Freshness,
    /// Start of the run that fetched the newest complete chart.
    pub fetched_at: Option<Timestamp>,
    /// Attempts since then that did not bring the complete chart.
    pub failures: usize,
    /// The kind and the message of the last failure.
    pub error: Option<(String, String)>,
    /// When the next run should begin, if that is known.
    pub due_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    Stale,
    /// There is no complete chart.
    Missing,
    /// YouTube has no such chart.
    Unsupported,
}

impl Freshness {
    pub fn as_str(self) -> &'static str {
        match self {
            Freshness::Fresh => "fresh",
            Freshness::Stale => "stale",
            Freshness::Missing => "missing",
            Freshness::Unsupported => "unsupported",
        }
    }
}

/// Judges a chart by its newest complete fetch and the attempts of the last days, oldest first.
pub fn judge(
    series: &ChartSeries,
    region: Region,
    fetched_at: Option<Timestamp>,
    attempts: &[&RegionAttempt],
    (now, max_age, min_interval): (Timestamp, Duration, Option<Duration>),
) -> ChartStatus {
    let later = attempts.iter().filter(|attempt| fetched_at.is_none_or(|time| attempt.fetched_at > time));
    let failed: Vec<_> = later.filter(|attempt| attempt.status != Status::Ok && !attempt.is_answered()).collect();
    let is_old =
        |time: Timestamp| SignedDuration::try_from(max_age).is_ok_and(|max_age| now.duration_since(time) > max_age);
    let last = attempts.last();
    let state = match fetched_at {
        _ if last.is_some_and(|last| last.status != Status::Ok && last.is_answered()) => Freshness::Unsupported,
        None => Freshness::Missing,
        Some(time) if is_old(time) => Freshness::Stale,
        Some(_) => Freshness::Fresh,
    };
    ChartStatus {
        series: series.clone(),
        region,
        state,
        fetched_at,
        failures: failed.len(),
        error: failed.last().and_then(|attempt| attempt.error.clone()),
        due_at: min_interval.or_else(|| usual_interval(attempts)).and_then(|interval| {
            let interval = SignedDuration::try_from(interval).ok()?;
            attempts.last()?.fetched_at.checked_add(interval).ok()
        }),
    }
}

/// The median interval between the attempts, if there are enough of them to see a rhythm.
fn usual_interval(attempts: &[&RegionAttempt]) -> Option<Duration> {
    let mut intervals: Vec<SignedDuration> =
        attempts.windows(2).map(|pair| pair[1].fetched_at.duration_since(pair[0].fetched_at)).collect();
    intervals.sort_unstable();
    let median = intervals.get(intervals.len() / 2).filter(|_| intervals.len() >= 3)?;
    Duration::try_from(*median).ok()
}
