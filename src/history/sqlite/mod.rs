//! A history in an SQLite file.

mod delete;
mod migrations;
mod open;
mod read_only;
mod request_lock;
mod runs;
mod select;
mod write;

use std::collections::HashMap;
use std::ffi::OsStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use self::open::{OpenedFile, explain};
use self::read_only::ChangeDetector;
use self::request_lock::RequestLock;
use self::select::adapted;
use self::write::insert;
use super::rows::Rows;
use super::shared_sql::NOTE_LEFT_EXPIRED;
use super::{
    AbsentChart, Access, Backend, Batch, ChartFilter, ChartRef, HistoryEntry, HistoryError, KeptRun, Period,
    RegionAttempt, RequestedRegion, RunFilter, SeriesRuns, SqliteFile, StoredRun, VideoRank, VideoRecord,
};
use crate::model::Document;
use crate::model::region::Region;
use crate::support::blocking::run_blocking;

/// How long `vacuum` waits for readers before it leaves the rest of the space to the next time.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(5);

pub(super) struct Sqlite {
    file: SqliteFile,
    connection: Arc<Mutex<Connection>>,
    change_detector: Option<ChangeDetector>,
    request_locks: HashMap<String, RequestLock>,
}

impl Sqlite {
    pub(super) async fn open(file: SqliteFile, access: Access) -> Result<Sqlite, HistoryError> {
        let opened_file = file.clone();
        let OpenedFile { connection, change_detector } = run_blocking(move || open::open(&opened_file, access)).await?;
        Ok(Sqlite {
            file,
            connection: Arc::new(Mutex::new(connection)),
            change_detector,
            request_locks: HashMap::new(),
        })
    }

    /// Runs `work` on a thread of its own, so that the runtime still handles signals.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let connection = Arc::clone(&self.connection);
        let result = run_blocking(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))).await;
        if self.change_detector.as_ref().is_some_and(ChangeDetector::has_changed) {
            return Err(HistoryError::new(&self.file, "a run has changed it while it was read", "run again"));
        }
        result.map_err(|error| explain(&self.file, &error))
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn lock_requests(&mut self, requests: &[String]) -> Result<Vec<bool>, HistoryError> {
        let (history, names) = (self.file.path.clone(), requests.to_vec());
        let acquire = move || names.iter().map(|name| RequestLock::try_acquire(&history, name)).collect();
        let locks: io::Result<Vec<Option<RequestLock>>> = run_blocking(acquire).await;
        let locks = locks.map_err(|error| {
            let why = format_args!("no lock beside it: {error}");
            HistoryError::new(&self.file, why, "choose a folder that you may write to")
        })?;
        let are_locked = locks.iter().map(Option::is_some).collect();
        let named = requests.iter().cloned().zip(locks);
        self.request_locks.extend(named.filter_map(|(request, lock)| Some((request, lock?))));
        Ok(are_locked)
    }

    async fn unlock_requests(&mut self, requests: &[String]) -> Result<(), HistoryError> {
        self.request_locks.retain(|request, _| !requests.contains(request));
        Ok(())
    }

    async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError> {
        let document = Arc::clone(document);
        self.run(move |connection| {
            let rows = Rows::new(&document);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_new = insert(&transaction, &rows, latest)?;
            transaction.commit()?;
            Ok(is_new)
        })
        .await
    }

    async fn kept_runs(&mut self) -> Result<Vec<KeptRun>, HistoryError> {
        self.run(|connection| select::kept_runs(connection)).await
    }

    async fn note_left_expired(&mut self, run_ids: &[&str]) -> Result<(), HistoryError> {
        let run_ids = serde_json::Value::from(run_ids).to_string();
        self.run(move |connection| connection.execute(&adapted(NOTE_LEFT_EXPIRED), [run_ids]).map(drop)).await
    }

    async fn delete_charts(&mut self, run: i64) -> Result<(), HistoryError> {
        self.run(move |connection| delete::charts(connection, run)).await
    }

    async fn delete_unseen(&mut self, expired_before: Timestamp) -> Result<Batch, HistoryError> {
        self.run(move |connection| delete::unseen(connection, expired_before)).await
    }

    async fn delete_log(&mut self, before: Timestamp) -> Result<Batch, HistoryError> {
        self.run(move |connection| delete::log(connection, before)).await
    }

    async fn repair_future_dates(&mut self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError> {
        self.run(move |connection| delete::repair_future_dates(connection, latest, now)).await
    }

    async fn begin_snapshot(&mut self) -> Result<(), HistoryError> {
        self.run(|connection| connection.execute_batch("BEGIN DEFERRED")).await
    }

    async fn requested_regions(&mut self) -> Result<Vec<RequestedRegion>, HistoryError> {
        self.run(|connection| select::requested_regions(connection)).await
    }

    async fn newest_charts(&mut self, filter: &ChartFilter) -> Result<Vec<ChartRef>, HistoryError> {
        let filter = filter.clone();
        self.run(move |connection| select::newest_charts(connection, &filter)).await
    }

    async fn chart_entries(&mut self, charts: &[ChartRef]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError> {
        let charts = charts.to_vec();
        self.run(move |connection| select::chart_entries(connection, &charts)).await
    }

    async fn video_ranks(&mut self, charts: &[ChartRef], max_rank: u32) -> Result<Vec<Vec<VideoRank>>, HistoryError> {
        let charts = charts.to_vec();
        self.run(move |connection| select::video_ranks(connection, &charts, max_rank)).await
    }

    async fn video_records(&mut self, charts: &[Vec<ChartRef>]) -> Result<Vec<Vec<VideoRecord>>, HistoryError> {
        let charts = charts.to_vec();
        self.run(move |connection| select::video_records(connection, &charts)).await
    }

    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        self.run(move |connection| select::series(connection, until)).await
    }

    async fn absent_charts(
        &mut self,
        source: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<AbsentChart>, HistoryError> {
        let source = source.to_owned();
        self.run(move |connection| select::absent_charts(connection, &source, since, until)).await
    }

    async fn region_attempts(&mut self, period: &Period) -> Result<Vec<RegionAttempt>, HistoryError> {
        let period = period.clone();
        self.run(move |connection| select::region_attempts(connection, &period)).await
    }

    async fn stored_runs(&mut self, filter: &RunFilter) -> Result<Vec<StoredRun>, HistoryError> {
        let filter = filter.clone();
        self.run(move |connection| runs::stored_runs(connection, &filter)).await
    }

    async fn run_documents(
        &mut self,
        runs: &[StoredRun],
        regions: Option<&[Region]>,
        description: bool,
    ) -> Result<Vec<Document>, HistoryError> {
        let (runs, regions) = (runs.to_vec(), regions.map(<[Region]>::to_vec));
        self.run(move |connection| runs::run_documents(connection, &runs, regions.as_deref(), description)).await
    }

    async fn size(&mut self) -> Result<u64, HistoryError> {
        let file = fs::canonicalize(&self.file.path).unwrap_or_else(|_| self.file.path.clone());
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let length = |path: &OsStr| fs::metadata(path).map_or(0, |file| file.len());
        Ok(length(file.as_os_str()) + length(&log))
    }

    async fn vacuum(&mut self) -> Result<Option<String>, HistoryError> {
        let is_busy = self
            .run(|connection| {
                connection.execute_batch("VACUUM")?;
                connection.busy_timeout(CHECKPOINT_TIMEOUT)?;
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>("busy"))
            })
            .await?
            != 0;
        let why = "another program reads the file; run this again once it has ended";
        Ok(is_busy.then(|| why.to_owned()))
    }

    async fn close(self: Box<Self>) {
        // Dropping the locks releases them before this returns.
        drop(self);
    }
}
