//! Deleting what was last fetched too long ago: whether a run may do so in passing, and how, in portions.
//!
//! A portion is a transaction of its own, so that none takes long on a slow server, and what is deleted is deleted
//! though the next one fails. The charts of a run are one portion: nobody ever reads a half of one.

use std::time::Duration;

use jiff::Timestamp;

use super::{Backend, HistoryError};

/// A run whose charts are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptRun {
    /// Its short name within the history.
    pub number: i64,
    /// Its id.
    pub id: String,
    /// Its start.
    pub fetched_at: Timestamp,
    /// Whether something older should have been deleted then, and stayed.
    pub left_old: bool,
}

/// What was deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Runs whose charts are gone.
    pub runs: u64,
    /// Videos that are gone.
    pub videos: u64,
}

/// What a run does about charts that are too old.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// There are none.
    Nothing,
    /// It deletes those of these runs, and what no chart has shown since; of no run where only that is left.
    Delete(Vec<i64>),
    /// They are so many that the clock may be wrong, though two show the same time.
    TooMany {
        /// Runs that became too old since the last one that left nothing behind.
        old: usize,
        /// Runs that were not yet too old then.
        of: usize,
        /// The start of that one.
        since: Timestamp,
    },
}

/// Decides what a run does that began at `now`; `kept` are all runs whose charts are kept, this one too.
///
/// A clock that was set wrong makes many runs old at once. So, of the runs that were not yet too old when the last run
/// looked, and this one, no more than half may have become so since. What was too old already then, by a longer `--keep` or since it
/// was loaded later, does not count. A run that left charts behind is no such last run: otherwise the next one, by the
/// same wrong clock, would find that everything had been too old already.
pub(super) fn decide(kept: &[KeptRun], run_id: &str, now: Timestamp, retention: Duration) -> Decision {
    let expired_before = cutoff(now, retention);
    let others = || kept.iter().filter(|run| run.id != run_id);
    let old: Vec<i64> = others().filter(|run| run.fetched_at < expired_before).map(|run| run.number).collect();
    let earlier = || others().filter(|run| run.fetched_at <= now);
    if old.is_empty() {
        let last_left_old = earlier().max_by_key(|run| run.fetched_at).is_some_and(|run| run.left_old);
        return if last_left_old { Decision::Delete(old) } else { Decision::Nothing };
    }
    let last = earlier().filter(|run| !run.left_old).map(|run| run.fetched_at).max();
    if let Some(since) = last {
        let was_kept = |run: &&KeptRun| (cutoff(since, retention)..=since).contains(&run.fetched_at);
        let of = others().filter(was_kept).count();
        let old = others().filter(was_kept).filter(|run| run.fetched_at < expired_before).count();
        if old * 2 > of + 1 {
            return Decision::TooMany { old, of, since };
        }
    }
    Decision::Delete(old)
}

/// The moment before which nothing is kept, in whole seconds, as the runs have them.
pub fn cutoff(now: Timestamp, retention: Duration) -> Timestamp {
    let retention = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(now.as_second().saturating_sub(retention)).unwrap_or(Timestamp::MIN)
}

/// Deletes the charts of these runs, and what no chart has shown since `expired_before`. Notes in `deleted` what is
/// gone, also where it fails in the middle.
///
/// # Errors
/// When a portion could not be deleted.
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
        let portion = backend.delete_unseen(expired_before).await?;
        deleted.videos += portion.count;
        if portion.is_last {
            return Ok(());
        }
    }
}

/// Deletes everything that was last fetched before `expired_before`, in portions, and notes in `deleted` what is gone.
///
/// # Errors
/// When a portion could not be deleted.
pub async fn delete_before(
    backend: &mut dyn Backend,
    expired_before: Timestamp,
    deleted: &mut Deleted,
) -> Result<(), HistoryError> {
    let kept = backend.kept().await?;
    let old: Vec<i64> = kept.iter().filter(|run| run.fetched_at < expired_before).map(|run| run.number).collect();
    delete(backend, &old, expired_before, deleted).await
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONTH: Duration = Duration::from_secs(29 * 86_400);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second((1000 + day) * 86_400).unwrap()
    }

    /// Runs of these days; those with `false` left nothing old.
    fn kept(days: &[(i64, bool)]) -> Vec<KeptRun> {
        let run = |(number, (of, left_old)): (i64, &(i64, bool))| KeptRun {
            number,
            id: number.to_string(),
            fetched_at: day(*of),
            left_old: *left_old,
        };
        (0..).zip(days).map(run).collect()
    }

    /// What the run of day 0 does, which comes after these.
    fn decided(days: &[i64], retention: Duration) -> Decision {
        let days: Vec<(i64, bool)> = days.iter().chain([&0]).map(|day| (*day, false)).collect();
        decide(&kept(&days), &(days.len() - 1).to_string(), day(0), retention)
    }

    #[test]
    fn what_becomes_old_little_by_little_is_deleted() {
        assert_eq!(decided(&[], MONTH), Decision::Nothing);
        assert_eq!(decided(&[-29, -10], MONTH), Decision::Nothing, "exactly as old is not older");
        assert_eq!(decided(&[-30, -10], MONTH), Decision::Delete(vec![0]));
        assert_eq!(decided(&[-35, -30, -20, -10], MONTH), Decision::Delete(vec![0, 1]));
    }

    #[test]
    fn more_than_half_at_once_is_too_many() {
        let too_many = |old, of, since| Decision::TooMany { old, of, since: day(since) };
        assert_eq!(decided(&[-31, -30], MONTH), too_many(2, 2, -30));
        assert_eq!(decided(&[-31], MONTH), Decision::Delete(vec![0]), "one a month: half of them, with this one");
        assert_eq!(decided(&[-58, -40, -35], MONTH), too_many(3, 3, -35));
        assert_eq!(decided(&[-40, -35, -20, -10], MONTH), Decision::Delete(vec![0, 1]), "half of them");
        assert_eq!(decided(&[-50, -45, -40, -28], MONTH), too_many(3, 4, -28));
    }

    #[test]
    fn what_was_too_old_already_at_the_last_run_does_not_count() {
        // A shorter --keep than before, or documents that were loaded since.
        assert_eq!(decided(&[-20, -10, -5, -1], Duration::from_secs(2 * 86_400)), Decision::Delete(vec![0, 1, 2]));
        assert_eq!(decided(&[-90, -80, -70, -1], MONTH), Decision::Delete(vec![0, 1, 2]));
    }

    #[test]
    fn a_run_that_left_old_charts_is_no_measure_for_the_next() {
        let runs = kept(&[(-50, false), (-45, false), (-1, true), (0, false)]);
        let too_many = Decision::TooMany { old: 2, of: 2, since: day(-45) };
        assert_eq!(decide(&runs, "3", day(0), MONTH), too_many);
        // However many follow.
        let mut more = vec![(-50, false), (-45, false)];
        more.extend((-20..0).map(|day| (day, true)));
        more.push((0, false));
        assert_eq!(decide(&kept(&more), "22", day(0), MONTH), too_many);
        // Once the old ones are gone, what no chart shows any more is looked for again.
        let runs = kept(&[(-1, true), (0, false)]);
        assert_eq!(decide(&runs, "1", day(0), MONTH), Decision::Delete(Vec::new()));
    }

    #[test]
    fn a_run_that_is_dated_ahead_is_no_measure_either() {
        let runs = kept(&[(-50, false), (-45, false), (38, false), (0, false)]);
        assert_eq!(decide(&runs, "3", day(0), MONTH), Decision::TooMany { old: 2, of: 2, since: day(-45) });
    }
}
