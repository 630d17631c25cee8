//! What `prune` does: it deletes what it is told to, and says how far it came.

use jiff::{SignedDuration, Timestamp};

use super::expiry::{self, Deleted};
use super::{Backend, HistoryError};

/// How far another machine's clock may be ahead of this one's.
const AHEAD: SignedDuration = SignedDuration::from_hours(1);

/// What to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruning {
    /// What was last fetched before.
    pub expired_before: Option<Timestamp>,
    /// The log of runs that began before, where their charts are deleted.
    pub log_before: Option<Timestamp>,
    /// The runs that are dated later than this, by a clock that was wrong.
    pub ahead_of: Option<Timestamp>,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// What was deleted for its age, or for its wrong date.
    pub deleted: Deleted,
    /// Runs that are gone from the log.
    pub logged: u64,
    /// Bytes that the history took, and takes now.
    pub size: (u64, u64),
    /// Why some room was not given back, and what to do.
    pub room_left: Option<String>,
}

/// Deletes, in portions, and gives the room back. Notes in `pruned` what is done, also where it fails in the middle.
///
/// # Errors
/// When it could not go on.
pub async fn prune(backend: &mut dyn Backend, pruning: &Pruning, pruned: &mut Pruned) -> Result<(), HistoryError> {
    let before = backend.size().await?;
    pruned.size = (before, before);
    if let Some(now) = pruning.ahead_of {
        delete_ahead(backend, now, &mut pruned.deleted).await?;
    }
    if let Some(expired_before) = pruning.expired_before {
        expiry::delete_before(backend, expired_before, &mut pruned.deleted).await?;
    }
    if let Some(log_before) = pruning.log_before {
        loop {
            let portion = backend.delete_log(log_before).await?;
            pruned.logged += portion.count;
            if portion.is_last {
                break;
            }
        }
    }
    pruned.room_left = backend.give_room_back().await?;
    pruned.size.1 = backend.size().await?;
    Ok(())
}

async fn delete_ahead(backend: &mut dyn Backend, now: Timestamp, deleted: &mut Deleted) -> Result<(), HistoryError> {
    let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
    for run in backend.kept().await?.iter().filter(|run| run.fetched_at > latest) {
        backend.delete_charts(run.number).await?;
        deleted.runs += 1;
    }
    backend.forget_ahead(latest, now).await
}
