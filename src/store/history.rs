//! A run's dealings with its history: is it due, is it alone, keep what came.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::interval::{self, Asked};
use super::since::{Since, since_last};
use super::{Access, Engine, Location, StoreError, open};
use crate::model::Report;

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

    /// Records a run, and deletes what is older than it may be. A run in which nothing arrived deletes
    /// nothing: where the clock is far off, no certificate holds.
    ///
    /// # Errors
    /// When it was not recorded; nothing of it is there then.
    pub async fn record(&mut self, report: &Arc<Report>) -> Result<(), StoreError> {
        let expired_before = (!report.videos.is_empty()).then(|| cutoff(report.fetched_at, self.retention));
        self.engine.store(report, expired_before).await.map(drop)
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
    let past = engine.past(asked, interval::since(now, interval)).await?;
    Ok(interval::covered_by(&past, asked, now, interval).map(Opened::Covered))
}

/// The moment before which nothing is kept, in whole seconds, as the runs have them.
pub fn cutoff(now: Timestamp, retention: Duration) -> Timestamp {
    let retention = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(now.as_second().saturating_sub(retention)).unwrap_or(Timestamp::MIN)
}
