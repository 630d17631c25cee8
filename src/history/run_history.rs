//! A run's dealings with its history: is it due, is it alone, keep what came.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::expiry::{self, Decision, Deleted};
use super::min_interval::{self, Asked};
use super::change_summary::{Since, since_last};
use super::{Access, Engine, Location, StoreError, open};
use crate::model::{Clocks, Report};

/// What `--store`, `--keep` and `--min-interval` mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
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
    Covered(Timestamp),
}

/// A history, open for one run, which is alone with its request.
pub struct History {
    engine: Box<dyn Engine>,
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
    pub async fn open(keeping: &Keeping, asked: &Asked, now: Timestamp) -> Result<Opened, StoreError> {
        let mut engine = open(&keeping.location, Access::Create).await?;
        match begin(&mut *engine, keeping, asked, now).await {
            Ok(None) => Ok(Opened::Ready(History { engine, retention: keeping.retention })),
            Ok(Some(obstacle)) => {
                engine.close().await;
                Ok(obstacle)
            }
            Err(error) => {
                engine.close().await;
                Err(error)
            }
        }
    }

    /// Records a run. Facts that are dated later than `latest`, by a clock that was wrong, are not taken for newer.
    ///
    /// # Errors
    /// When it was not recorded; nothing of it is there then.
    pub async fn record(&mut self, report: &Arc<Report>, latest: Option<Timestamp>) -> Result<(), StoreError> {
        self.engine.store(report, latest).await.map(drop)
    }

    /// Deletes what is older than it may be, after a run that was recorded. A run in which nothing arrived deletes
    /// nothing: where the clock is far off, no certificate holds. Nor does one whose clock is not confirmed by another.
    ///
    /// # Errors
    /// When not all of it could be deleted. What was is gone; the next run that finds something old tries again.
    pub async fn expire(&mut self, report: &Report, clocks: Clocks) -> Result<Expiry, StoreError> {
        let (engine, now) = (&mut *self.engine, report.fetched_at);
        let kept = engine.kept().await?;
        let decision = expiry::decide(&kept, &report.run_id, now, self.retention);
        let expiry = match decision {
            Decision::Nothing => return Ok(Expiry::Done),
            Decision::TooMany { old, of, since } => Expiry::TooMany { old, of, since },
            Decision::Delete(runs) if clocks == Clocks::Agree && !report.videos.is_empty() => {
                let expired_before = expiry::cutoff(now, self.retention);
                let deleted = expiry::delete(engine, &runs, expired_before, &mut Deleted::default()).await;
                if let Err(error) = deleted {
                    // Where the database is gone, the next run that finds something old tries again.
                    let _ = engine.note_left_old(&report.run_id).await;
                    return Err(error);
                }
                return Ok(Expiry::Done);
            }
            Decision::Delete(runs) => Expiry::Unconfirmed { runs: runs.len() },
        };
        engine.note_left_old(&report.run_id).await?;
        Ok(expiry)
    }

    /// What has changed since the fetches before, over all whole regions of a run that was kept.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn since_last(&mut self, report: &Report) -> Result<Option<Since>, StoreError> {
        since_last(&mut *self.engine, report).await
    }

    /// Lets another run of the same request begin.
    pub async fn close(self) {
        self.engine.close().await;
    }
}

/// Claims the request, and looks whether the run is due; `None` where it may begin.
async fn begin(
    engine: &mut dyn Engine,
    keeping: &Keeping,
    asked: &Asked,
    now: Timestamp,
) -> Result<Option<Opened>, StoreError> {
    if !engine.claim(&asked.key()).await? {
        return Ok(Some(Opened::Busy));
    }
    let Some(interval) = keeping.min_interval else { return Ok(None) };
    let past = engine.past(asked, min_interval::since(now, interval)).await?;
    Ok(min_interval::covered_by(&past, asked, now, interval).map(Opened::Covered))
}
