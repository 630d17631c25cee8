//! The history as the runs of one invocation use it: lock their requests, check which are due, record the runs, delete
//! what expired.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::change_summary::{RegionChanges, summarize};
use super::expiry::{self, Deleted, ExpiryPlan};
use super::min_interval;
pub use super::min_interval::lock_name;
use super::{Access, Backend, HistoryError, Location, open};
use crate::model::{ChartId, Clocks, Document, Request};

/// What `--store`, `--keep` and `--min-interval` mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryConfig {
    pub location: Location,
    /// How long something stays after it was last fetched.
    pub retention: Duration,
    /// A run is not due if another one began less than this long ago and answered the same request.
    pub min_interval: Option<Duration>,
    /// The `--store` of the commands that messages suggest; `None` if TRENDFETCH_STORE names the history.
    pub store_argument: Option<Location>,
}

/// Whether the run of a request may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    Due,
    /// Another process is running the same request.
    Busy,
    /// A run that began at this time has answered the whole request.
    NotDue(Timestamp),
}

/// What opening a history finds out about requests.
pub struct OpenOutcome {
    /// `None` if no request is due.
    pub history: Option<RunHistory>,
    /// In the order of the requests.
    pub states: Vec<RequestState>,
    /// Charts of categories that YouTube did not have when they were last requested, within a week: when that was.
    pub absent: HashMap<ChartId, Timestamp>,
}

/// A chart of a category that YouTube does not have is requested again after this time.
const ABSENT_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// A history that is open for the runs of one invocation, and holds the locks of their requests.
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
    /// Opens the history, locks the requests, and checks which of them are due.
    ///
    /// # Errors
    /// When the history cannot be used.
    pub async fn open(
        config: &HistoryConfig,
        source: &str,
        requests: &[Request],
        now: Timestamp,
    ) -> Result<OpenOutcome, HistoryError> {
        let mut backend = open(&config.location, Access::Create).await?;
        match lock_due(&mut *backend, config, source, requests, now).await {
            Ok((states, absent)) if states.contains(&RequestState::Due) => {
                let history = RunHistory { backend, retention: config.retention };
                Ok(OpenOutcome { history: Some(history), states, absent })
            }
            Ok((states, absent)) => {
                backend.close().await;
                Ok(OpenOutcome { history: None, states, absent })
            }
            Err(error) => {
                backend.close().await;
                Err(error)
            }
        }
    }

    /// Checks which requests are due, and which charts need no request, without locking or creating anything.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn preview(
        config: &HistoryConfig,
        source: &str,
        requests: &[Request],
        now: Timestamp,
    ) -> Result<OpenOutcome, HistoryError> {
        let mut backend = open(&config.location, Access::Read).await?;
        let answered = answered_at(&mut *backend, config.min_interval, source, requests, now).await;
        let absent = absent_charts(&mut *backend, source, requests, now).await;
        backend.close().await;
        let (answered, absent) = (answered?, absent?);
        let state = |answered: Option<Timestamp>| answered.map_or(RequestState::Due, RequestState::NotDue);
        Ok(OpenOutcome { history: None, states: answered.into_iter().map(state).collect(), absent })
    }

    /// Records a run. Facts in the history that are dated after `latest`, by a wrong clock, do not count as newer.
    ///
    /// # Errors
    /// When the run was not recorded; the history then holds nothing of it.
    pub async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<(), HistoryError> {
        self.backend.record(document, latest).await.map(drop)
    }

    /// Deletes what has expired, after the runs are recorded. Nothing is deleted if no other clock confirms this
    /// machine's, or if no video arrived: a clock that is far off makes every certificate invalid.
    ///
    /// # Errors
    /// When not all of it could be deleted. The next run that finds expired charts tries again.
    pub async fn expire(&mut self, documents: &[Arc<Document>], clocks: Clocks) -> Result<Expiry, HistoryError> {
        let Some(first) = documents.first() else { return Ok(Expiry::Done) };
        let (backend, now) = (&mut *self.backend, first.fetched_at);
        let run_ids: Vec<&str> = documents.iter().map(|document| document.run_id.as_str()).collect();
        let has_videos = documents.iter().any(|document| !document.videos.is_empty());
        let kept = backend.kept_runs().await?;
        let plan = expiry::plan(&kept, &run_ids, now, self.retention);
        let expiry = match plan {
            ExpiryPlan::Nothing => return Ok(Expiry::Done),
            ExpiryPlan::TooMany { expired, total, since } => Expiry::TooMany { expired, total, since },
            ExpiryPlan::Delete(runs) if clocks == Clocks::Agree && has_videos => {
                let expired_before = expiry::cutoff(now, self.retention);
                let deleted = expiry::delete(backend, &runs, expired_before, &mut Deleted::default()).await;
                if let Err(error) = deleted {
                    // If the database is gone, this fails too, and the next run that finds expired charts tries again.
                    let _ = backend.note_left_expired(&run_ids).await;
                    return Err(error);
                }
                return Ok(Expiry::Done);
            }
            ExpiryPlan::Delete(runs) => Expiry::Unconfirmed { runs: runs.len() },
        };
        backend.note_left_expired(&run_ids).await?;
        Ok(expiry)
    }

    /// What changed in the complete charts of each recorded run since the fetches before it.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn changes(&mut self, documents: &[Arc<Document>]) -> Result<Vec<Vec<RegionChanges>>, HistoryError> {
        summarize(&mut *self.backend, documents).await
    }

    /// Lets other runs of the same requests start.
    pub async fn close(self) {
        self.backend.close().await;
    }
}

/// Locks the requests that are due. Returns the state of each request, and the charts that need no request.
async fn lock_due(
    backend: &mut dyn Backend,
    config: &HistoryConfig,
    source: &str,
    requests: &[Request],
    now: Timestamp,
) -> Result<(Vec<RequestState>, HashMap<ChartId, Timestamp>), HistoryError> {
    let names: Vec<String> = requests.iter().map(|request| min_interval::lock_name(source, request)).collect();
    let are_locked = backend.lock_requests(&names).await?;
    let answered = answered_at(backend, config.min_interval, source, requests, now).await?;
    let state = |(is_locked, answered): (bool, Option<Timestamp>)| match answered {
        _ if !is_locked => RequestState::Busy,
        Some(began) => RequestState::NotDue(began),
        None => RequestState::Due,
    };
    let states: Vec<RequestState> = are_locked.into_iter().zip(answered).map(state).collect();
    let is_answered = |(_, state): &(String, &RequestState)| matches!(state, RequestState::NotDue(_));
    let unneeded: Vec<String> = names.into_iter().zip(&states).filter(is_answered).map(|(name, _)| name).collect();
    if !unneeded.is_empty() {
        backend.unlock_requests(&unneeded).await?;
    }
    Ok((states, absent_charts(backend, source, requests, now).await?))
}

/// When each request was last answered within `--min-interval`, if it was.
async fn answered_at(
    backend: &mut dyn Backend,
    min_interval: Option<Duration>,
    source: &str,
    requests: &[Request],
    now: Timestamp,
) -> Result<Vec<Option<Timestamp>>, HistoryError> {
    let Some(interval) = min_interval else { return Ok(vec![None; requests.len()]) };
    let attempts = backend.region_attempts(&min_interval::period(source, requests, now, interval)).await?;
    Ok(requests.iter().map(|request| min_interval::answered_at(&attempts, request, now, interval)).collect())
}

/// The charts of several categories that YouTube did not have within the last week.
async fn absent_charts(
    backend: &mut dyn Backend,
    source: &str,
    requests: &[Request],
    now: Timestamp,
) -> Result<HashMap<ChartId, Timestamp>, HistoryError> {
    // A category that is requested alone is asked for in any case: that is the way to look whether it has a chart now.
    if requests.len() < 2 {
        return Ok(HashMap::new());
    }
    // By the minute, as for `--min-interval`: a run that starts some seconds early asks again.
    let next_minute = Timestamp::from_second(now.as_second().div_euclid(60) * 60 + 60).unwrap_or(now);
    let since = next_minute.checked_sub(ABSENT_FOR).unwrap_or(Timestamp::MIN);
    let absent = backend.absent_charts(source, since, next_minute).await?;
    Ok(absent.into_iter().map(|absent| (absent.chart, absent.requested_at)).collect())
}
