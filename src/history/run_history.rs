//! The history as one run uses it: lock the request, check whether the run is due, record it, delete what expired.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::change_summary::{RegionChanges, summarize};
use super::expiry::{self, Deleted, ExpiryPlan};
use super::min_interval;
use super::{Access, Backend, HistoryError, Location, open};
use crate::model::{Clocks, Document, Request};

/// What `--store`, `--keep` and `--min-interval` mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryConfig {
    pub location: Location,
    /// How long something stays after it was last fetched.
    pub retention: Duration,
    /// A run is not due if another one began less than this long ago and answered the same request.
    pub min_interval: Option<Duration>,
    /// Where a document is saved if the history did not record it; the first folder that works is used.
    pub rescue_folders: Vec<PathBuf>,
    /// The `--store` of the commands that messages suggest; `None` if TRENDFETCH_STORE names the history.
    pub store_argument: Option<Location>,
}

/// Whether a run may start.
pub enum OpenOutcome {
    Ready(RunHistory),
    /// Another process is running the same request.
    Busy,
    /// A run that began at this time has answered the whole request.
    NotDue(Timestamp),
}

/// A history that is open for one run, which holds the lock of its request.
pub struct RunHistory {
    backend: Box<dyn Backend>,
    retention: Duration,
}

/// What a run did about expired charts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expiry {
    /// None are left.
    Done,
    /// They stay: only this machine's clock says that they are too old, or no video arrived.
    Unconfirmed {
        /// How many runs have such charts.
        runs: usize,
    },
    /// They stay: so many expired at once that the clock may be wrong.
    TooMany {
        /// Runs that expired since the last run.
        expired: usize,
        /// Runs that had not expired at the start of the last run.
        total: usize,
        /// Start of the last run.
        since: Timestamp,
    },
}

impl RunHistory {
    /// Opens the history, locks the request, and checks whether the run is due.
    ///
    /// # Errors
    /// When the history cannot be used.
    pub async fn open(
        config: &HistoryConfig,
        source: &str,
        request: &Request,
        now: Timestamp,
    ) -> Result<OpenOutcome, HistoryError> {
        let mut backend = open(&config.location, Access::Create).await?;
        match reason_not_to_start(&mut *backend, config, source, request, now).await {
            Ok(None) => Ok(OpenOutcome::Ready(RunHistory { backend, retention: config.retention })),
            Ok(Some(reason)) => {
                backend.close().await;
                Ok(reason)
            }
            Err(error) => {
                backend.close().await;
                Err(error)
            }
        }
    }

    /// Records a run. Facts in the history that are dated after `latest`, by a wrong clock, do not count as newer.
    ///
    /// # Errors
    /// When the run was not recorded; the history then holds nothing of it.
    pub async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<(), HistoryError> {
        self.backend.record(document, latest).await.map(drop)
    }

    /// Deletes what has expired, after the run is recorded. Nothing is deleted if no other clock confirms this
    /// machine's, or if no video arrived: a clock that is far off makes every certificate invalid.
    ///
    /// # Errors
    /// When not all of it could be deleted. The next run that finds expired charts tries again.
    pub async fn expire(&mut self, document: &Document, clocks: Clocks) -> Result<Expiry, HistoryError> {
        let (backend, now) = (&mut *self.backend, document.fetched_at);
        let kept = backend.kept_runs().await?;
        let plan = expiry::plan(&kept, &document.run_id, now, self.retention);
        let expiry = match plan {
            ExpiryPlan::Nothing => return Ok(Expiry::Done),
            ExpiryPlan::TooMany { expired, total, since } => Expiry::TooMany { expired, total, since },
            ExpiryPlan::Delete(runs) if clocks == Clocks::Agree && !document.videos.is_empty() => {
                let expired_before = expiry::cutoff(now, self.retention);
                let deleted = expiry::delete(backend, &runs, expired_before, &mut Deleted::default()).await;
                if let Err(error) = deleted {
                    // If the database is gone, this fails too, and the next run that finds expired charts tries again.
                    let _ = backend.note_left_expired(&document.run_id).await;
                    return Err(error);
                }
                return Ok(Expiry::Done);
            }
            ExpiryPlan::Delete(runs) => Expiry::Unconfirmed { runs: runs.len() },
        };
        backend.note_left_expired(&document.run_id).await?;
        Ok(expiry)
    }

    /// What changed in the complete charts of a recorded run since the fetches before it.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn change_summary(&mut self, document: &Document) -> Result<Vec<RegionChanges>, HistoryError> {
        summarize(&mut *self.backend, document).await
    }

    /// Lets another run of the same request start.
    pub async fn close(self) {
        self.backend.close().await;
    }
}

/// Locks the request, and checks whether the run is due. `None` if it may start.
async fn reason_not_to_start(
    backend: &mut dyn Backend,
    config: &HistoryConfig,
    source: &str,
    request: &Request,
    now: Timestamp,
) -> Result<Option<OpenOutcome>, HistoryError> {
    if !backend.lock_request(&min_interval::lock_name(source, request)).await? {
        return Ok(Some(OpenOutcome::Busy));
    }
    let Some(interval) = config.min_interval else { return Ok(None) };
    let attempts = backend.region_attempts(&min_interval::period(source, request, now, interval)).await?;
    Ok(min_interval::answered_at(&attempts, request, now, interval).map(OpenOutcome::NotDue))
}
