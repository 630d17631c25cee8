//! What the command `prune` deletes.

use jiff::{SignedDuration, Timestamp};

use super::expiry::{self, Deleted};
use super::{Backend, HistoryError};

/// Runs that are dated no further ahead than this are kept, since the clock of the machine that fetched them may be
/// ahead of this one's.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_hours(1);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PruneOptions {
    /// Deletes what was last fetched before this.
    pub expired_before: Option<Timestamp>,
    /// Deletes the log of runs that began before this and whose charts are deleted.
    pub log_before: Option<Timestamp>,
    /// Deletes the runs that are dated later than this, by a wrong clock.
    pub future_after: Option<Timestamp>,
}

/// What `prune` did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// What was deleted for its age or for a date in the future.
    pub deleted: Deleted,
    /// How many runs were deleted from the log.
    pub log_runs: u64,
    /// Size of the history in bytes.
    pub size_before: u64,
    pub size_after: u64,
    /// Why some space was not given back to the system, and what to do.
    pub unreclaimed: Option<String>,
}

/// Deletes in batches, and gives the space back to the system. `pruned` says what was done even if this fails halfway.
///
/// # Errors
/// When the history cannot be changed.
pub async fn prune(backend: &mut dyn Backend, options: &PruneOptions, pruned: &mut Pruned) -> Result<(), HistoryError> {
    pruned.size_before = backend.size().await?;
    pruned.size_after = pruned.size_before;
    if let Some(now) = options.future_after {
        delete_future(backend, now, &mut pruned.deleted).await?;
    }
    if let Some(expired_before) = options.expired_before {
        expiry::delete_before(backend, expired_before, &mut pruned.deleted).await?;
    }
    if let Some(log_before) = options.log_before {
        loop {
            let batch = backend.delete_log(log_before).await?;
            pruned.log_runs += batch.count;
            if batch.is_last {
                break;
            }
        }
    }
    pruned.unreclaimed = backend.vacuum().await?;
    pruned.size_after = backend.size().await?;
    Ok(())
}

async fn delete_future(backend: &mut dyn Backend, now: Timestamp, deleted: &mut Deleted) -> Result<(), HistoryError> {
    let latest = now.checked_add(CLOCK_TOLERANCE).unwrap_or(Timestamp::MAX);
    for run in backend.kept_runs().await?.iter().filter(|run| run.fetched_at > latest) {
        backend.delete_charts(run.number).await?;
        deleted.runs += 1;
    }
    backend.repair_future_dates(latest, now).await
}
