//! Deletes what was last fetched too long ago, and decides whether a run may do so.
//!
//! Deletion goes in batches, each in a transaction of its own: none takes long on a slow server, and what is deleted
//! stays deleted if the next batch fails. All charts of a run are one batch, so that no reader sees half a run.

use std::time::Duration;

use jiff::Timestamp;

use super::{Backend, HistoryError, KeptRun};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Runs whose charts were deleted.
    pub runs: u64,
    pub videos: u64,
}

/// What a run does about expired charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ExpiryPlan {
    /// Nothing has expired.
    Nothing,
    /// Delete the charts of these runs, and the videos that no chart has shown since. The list is empty if only such
    /// videos are left.
    Delete(Vec<i64>),
    /// Delete nothing: so much expired at once that the clock may be wrong, even if a second clock agrees with it.
    TooMany {
        /// Runs that expired since the last run that left no expired charts.
        expired: usize,
        /// Runs that had not expired when that last run started.
        total: usize,
        /// The start of that last run.
        since: Timestamp,
    },
}

/// Plans what runs that began together at `now` do. `kept` has every run whose charts are kept, these included.
///
/// A clock that is wrong makes many runs expire at once. Therefore, of these runs and those that had not expired when the
/// last run checked, no more than half may have expired since. Runs that had expired by then do not count: they were
/// loaded since, or `--keep` was longer. A run that left expired charts is not such a last run: the run after it, by the
/// same wrong clock, would find that everything had expired before.
pub(super) fn plan(kept: &[KeptRun], run_ids: &[&str], now: Timestamp, retention: Duration) -> ExpiryPlan {
    let expired_before = cutoff(now, retention);
    let others = || kept.iter().filter(|run| !run_ids.contains(&run.id.as_str()));
    let expired: Vec<i64> = others().filter(|run| run.fetched_at < expired_before).map(|run| run.number).collect();
    let earlier = || others().filter(|run| run.fetched_at <= now);
    if expired.is_empty() {
        let last_left_expired = earlier().max_by_key(|run| run.fetched_at).is_some_and(|run| run.left_expired);
        return if last_left_expired { ExpiryPlan::Delete(expired) } else { ExpiryPlan::Nothing };
    }
    let last = earlier().filter(|run| !run.left_expired).map(|run| run.fetched_at).max();
    if let Some(since) = last {
        let was_fresh = |run: &&KeptRun| (cutoff(since, retention)..=since).contains(&run.fetched_at);
        let total = others().filter(was_fresh).count();
        let expired = others().filter(was_fresh).filter(|run| run.fetched_at < expired_before).count();
        if expired * 2 > total + run_ids.len() {
            return ExpiryPlan::TooMany { expired, total, since };
        }
    }
    ExpiryPlan::Delete(expired)
}

/// The time before which everything has expired, in whole seconds like the starts of runs.
pub fn cutoff(now: Timestamp, retention: Duration) -> Timestamp {
    let retention = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(now.as_second().saturating_sub(retention)).unwrap_or(Timestamp::MIN)
}

/// Deletes the charts of these runs, and the videos that no chart has shown since `expired_before`. `deleted` says what
/// is gone even if this fails halfway.
///
/// # Errors
/// When a batch could not be deleted.
pub(super) async fn delete(
    backend: &mut dyn Backend,
    runs: &[i64],
    expired_before: Timestamp,
    deleted: &mut Deleted,
) -> Result<(), HistoryError> {
    for run in runs {
        backend.delete_charts(*run).await?;
        deleted.runs += 1;
    }
    loop {
        let batch = backend.delete_unseen(expired_before).await?;
        deleted.videos += batch.count;
        if batch.is_last {
            return Ok(());
        }
    }
}

/// Deletes everything that was last fetched before `expired_before`. `deleted` says what is gone even if this fails
/// halfway.
///
/// # Errors
/// When a batch could not be deleted.
pub async fn delete_before(
    backend: &mut dyn Backend,
    expired_before: Timestamp,
    deleted: &mut Deleted,
) -> Result<(), HistoryError> {
    let kept = backend.kept_runs().await?;
    let expired: Vec<i64> = kept.iter().filter(|run| run.fetched_at < expired_before).map(|run| run.number).collect();
    delete(backend, &expired, expired_before, deleted).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Duration = Duration::from_secs(29 * 86_400);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second((1000 + day) * 86_400).unwrap()
    }

    /// Runs of these days, and whether each left expired charts.
    fn kept(days: &[(i64, bool)]) -> Vec<KeptRun> {
        let run = |(number, (of, left_expired)): (i64, &(i64, bool))| KeptRun {
            number,
            id: number.to_string(),
            fetched_at: day(*of),
            left_expired: *left_expired,
        };
        (0..).zip(days).map(run).collect()
    }

    /// The plan of a run of day 0 that follows runs of these days.
    fn plan_after(days: &[i64], retention: Duration) -> ExpiryPlan {
        let days: Vec<(i64, bool)> = days.iter().chain([&0]).map(|day| (*day, false)).collect();
        plan(&kept(&days), &[&(days.len() - 1).to_string()], day(0), retention)
    }

    #[test]
    fn runs_that_expire_gradually_are_deleted() {
        assert_eq!(plan_after(&[], MONTH), ExpiryPlan::Nothing);
        assert_eq!(plan_after(&[-29, -10], MONTH), ExpiryPlan::Nothing, "exactly that old is not older");
        assert_eq!(plan_after(&[-30, -10], MONTH), ExpiryPlan::Delete(vec![0]));
        assert_eq!(plan_after(&[-35, -30, -20, -10], MONTH), ExpiryPlan::Delete(vec![0, 1]));
    }

    #[test]
    fn more_than_half_at_once_is_too_many() {
        let too_many = |expired, total, since| ExpiryPlan::TooMany { expired, total, since: day(since) };
        assert_eq!(plan_after(&[-31, -30], MONTH), too_many(2, 2, -30));
        assert_eq!(plan_after(&[-31], MONTH), ExpiryPlan::Delete(vec![0]), "one a month: half of them, with this one");
        assert_eq!(plan_after(&[-58, -40, -35], MONTH), too_many(3, 3, -35));
        assert_eq!(plan_after(&[-40, -35, -20, -10], MONTH), ExpiryPlan::Delete(vec![0, 1]), "half of them");
        assert_eq!(plan_after(&[-50, -45, -40, -28], MONTH), too_many(3, 4, -28));
    }

    #[test]
    fn what_had_expired_at_the_last_run_does_not_count() {
        // A shorter --keep than before, or documents that were loaded since.
        assert_eq!(plan_after(&[-20, -10, -5, -1], Duration::from_secs(2 * 86_400)), ExpiryPlan::Delete(vec![0, 1, 2]));
        assert_eq!(plan_after(&[-90, -80, -70, -1], MONTH), ExpiryPlan::Delete(vec![0, 1, 2]));
    }

    #[test]
    fn a_run_that_left_expired_charts_is_not_the_last_run() {
        let runs = kept(&[(-50, false), (-45, false), (-1, true), (0, false)]);
        let too_many = ExpiryPlan::TooMany { expired: 2, total: 2, since: day(-45) };
        assert_eq!(plan(&runs, &["3"], day(0), MONTH), too_many);
        // However many follow.
        let mut more = vec![(-50, false), (-45, false)];
        more.extend((-20..0).map(|day| (day, true)));
        more.push((0, false));
        assert_eq!(plan(&kept(&more), &["22"], day(0), MONTH), too_many);
        // Once the expired charts are gone, videos that no chart shows any more are deleted too.
        let runs = kept(&[(-1, true), (0, false)]);
        assert_eq!(plan(&runs, &["1"], day(0), MONTH), ExpiryPlan::Delete(Vec::new()));
    }

    #[test]
    fn runs_that_began_together_count_as_one() {
        // Two categories a day. The other run of this day is not the last run.
        let runs = kept(&[(-31, false), (-31, false), (-30, false), (-30, false), (0, false), (0, false)]);
        let too_many = ExpiryPlan::TooMany { expired: 4, total: 4, since: day(-30) };
        assert_eq!(plan(&runs, &["4", "5"], day(0), MONTH), too_many);
        let runs = kept(&[(-30, false), (-30, false), (-1, false), (-1, false), (0, false), (0, false)]);
        assert_eq!(plan(&runs, &["4", "5"], day(0), MONTH), ExpiryPlan::Delete(vec![0, 1]));
    }

    #[test]
    fn a_run_that_is_dated_in_the_future_is_not_the_last_run() {
        let runs = kept(&[(-50, false), (-45, false), (38, false), (0, false)]);
        let too_many = ExpiryPlan::TooMany { expired: 2, total: 2, since: day(-45) };
        assert_eq!(plan(&runs, &["3"], day(0), MONTH), too_many);
    }
}
