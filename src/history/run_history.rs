//! A run's dealings with its history: is it due, is it alone, keep what came.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::change_summary::{ChangeSummary, since_last};
use super::expiry::{self, Decision, Deleted};
use super::min_interval::{self, Asked};
use super::{Access, Backend, HistoryError, Location, open};
use crate::model::{Clocks, Document};

/// What `--store`, `--keep` and `--min-interval` mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Where.
    pub location: Location,
    /// How long after it was last fetched something is deleted.
    pub retention: Duration,
    /// How soon a run of the same is not due.
    pub min_interval: Option<Duration>,
    /// Folders for a document that the history did not take, the best first.
    pub rescue: Vec<PathBuf>,
    /// What `--store` of a later command is; `None` where the environment says where.
    pub typed: Option<Location>,
}

/// What a run finds.
pub enum Opened {
    /// It may begin.
    Ready(History),
    /// Another process is at work on the same request.
    Busy,
    /// A run that began then has answered all of it.
    NotDue(Timestamp),
}

/// A history, open for one run, which is alone with its request.
pub struct History {
    backend: Box<dyn Backend>,
    retention: Duration,
}

/// What became of charts that are older than they may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiry {
    /// They are gone.
    Done,
    /// They stay, since only this machine's clock says that they are old, or nothing arrived.
    Unconfirmed {
        /// How many runs' charts.
        runs: usize,
    },
    /// They stay, since too many became old at once: the clock may be wrong.
    TooMany {
        /// Runs that became too old since the last run.
        old: usize,
        /// Runs that were not yet too old then.
        of: usize,
        /// The start of that run.
        since: Timestamp,
    },
}

impl History {
    /// Opens, claims the request, and looks whether the run is due.
    ///
    /// # Errors
    /// When the history cannot be used.
    pub async fn open(history_config: &HistoryConfig, asked: &Asked, now: Timestamp) -> Result<Opened, HistoryError> {
        let mut backend = open(&history_config.location, Access::Create).await?;
        match begin(&mut *backend, history_config, asked, now).await {
            Ok(None) => Ok(Opened::Ready(History { backend, retention: history_config.retention })),
            Ok(Some(obstacle)) => {
                backend.close().await;
                Ok(obstacle)
            }
            Err(error) => {
                backend.close().await;
                Err(error)
            }
        }
    }

    /// Records a run. Facts that are dated later than `latest`, by a clock that was wrong, are not taken for newer.
    ///
    /// # Errors
    /// When it was not recorded; nothing of it is there then.
    pub async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<(), HistoryError> {
        self.backend.store(document, latest).await.map(drop)
    }

    /// Deletes what is older than it may be, after a run that was recorded. A run in which nothing arrived deletes
    /// nothing: where the clock is far off, no certificate holds. Nor does one whose clock is not confirmed by another.
    ///
    /// # Errors
    /// When not all of it could be deleted. What was is gone; the next run that finds something old tries again.
    pub async fn expire(&mut self, document: &Document, clocks: Clocks) -> Result<Expiry, HistoryError> {
        let (backend, now) = (&mut *self.backend, document.fetched_at);
        let kept = backend.kept().await?;
        let decision = expiry::decide(&kept, &document.run_id, now, self.retention);
        let expiry = match decision {
            Decision::Nothing => return Ok(Expiry::Done),
            Decision::TooMany { old, of, since } => Expiry::TooMany { old, of, since },
            Decision::Delete(runs) if clocks == Clocks::Agree && !document.videos.is_empty() => {
                let expired_before = expiry::cutoff(now, self.retention);
                let deleted = expiry::delete(backend, &runs, expired_before, &mut Deleted::default()).await;
                if let Err(error) = deleted {
                    // Where the database is gone, the next run that finds something old tries again.
                    let _ = backend.note_left_old(&document.run_id).await;
                    return Err(error);
                }
                return Ok(Expiry::Done);
            }
            Decision::Delete(runs) => Expiry::Unconfirmed { runs: runs.len() },
        };
        backend.note_left_old(&document.run_id).await?;
        Ok(expiry)
    }

    /// What has changed since the fetches before, over all whole regions of a run that was kept.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn since_last(&mut self, document: &Document) -> Result<Option<ChangeSummary>, HistoryError> {
        since_last(&mut *self.backend, document).await
    }

    /// Lets another run of the same request begin.
    pub async fn close(self) {
        self.backend.close().await;
    }
}

/// Claims the request, and looks whether the run is due; `None` where it may begin.
async fn begin(
    backend: &mut dyn Backend,
    history_config: &HistoryConfig,
    asked: &Asked,
    now: Timestamp,
) -> Result<Option<Opened>, HistoryError> {
    if !backend.claim(&asked.key()).await? {
        return Ok(Some(Opened::Busy));
    }
    let Some(interval) = history_config.min_interval else { return Ok(None) };
    let past = backend.past(asked, min_interval::since(now, interval)).await?;
    Ok(min_interval::covered_by(&past, asked, now, interval).map(Opened::NotDue))
}
