//! A run's dealings with its history: is it due, is it alone, keep what came.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::changes::Since;
use super::interval::{self, Asked};
use super::{Access, Engine, Location, StoreError, changes, open};
use crate::model::{Report, Status};

/// What `--store`, `--keep` and `--min-interval` mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeping {
    /// Where.
    pub location: Location,
    /// How long after it was last fetched something is deleted.
    pub keep: Duration,
    /// How soon a run of the same is not due.
    pub min_interval: Option<Duration>,
    /// Where a document goes that the history did not take.
    pub rescue: PathBuf,
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
    keep: Duration,
}

impl History {
    /// Opens, claims the request, and looks whether the run is due.
    ///
    /// # Errors
    /// When the history cannot be used.
    pub async fn open(keeping: &Keeping, asked: &Asked, now: Timestamp) -> Result<Opened, StoreError> {
        let mut engine = open(&keeping.location, Access::Create).await?;
        if !engine.claim(&asked.request()).await? {
            return Ok(Opened::Busy);
        }
        if let Some(interval) = keeping.min_interval {
            let past = engine.past(asked, interval::since(now, interval)).await?;
            if let Some(began) = interval::covered_by(&past, asked, now, interval) {
                return Ok(Opened::Covered(began));
            }
        }
        Ok(Opened::Ready(History { engine, keep: keeping.keep }))
    }

    /// Keeps a run, and deletes what is older than it may be.
    ///
    /// # Errors
    /// When it was not kept; nothing of it is there then.
    pub async fn keep(&mut self, report: &Arc<Report>) -> Result<(), StoreError> {
        let keep_from = cutoff(report.fetched_at, self.keep);
        self.engine.store(report, Some(keep_from)).await.map(drop)
    }

    /// What has changed since the fetches before, over all whole regions of a run that was kept.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn since_last(&mut self, report: &Report) -> Result<Option<Since>, StoreError> {
        let mut since: Option<Since> = None;
        for row in report.stats.regions.iter().filter(|row| row.status == Status::Ok) {
            match changes::of(&mut *self.engine, row.region).await? {
                Some(changes) if changes.to.run_id == report.run_id => since.get_or_insert_default().add(&changes),
                _ => {}
            }
        }
        Ok(since)
    }
}

/// The moment before which nothing is kept.
pub fn cutoff(now: Timestamp, keep: Duration) -> Timestamp {
    SignedDuration::try_from(keep).ok().and_then(|keep| now.checked_sub(keep).ok()).unwrap_or(Timestamp::MIN)
}
