//! A history in a file of SQLite.

mod delete;
mod open;
mod reader;
mod request_lock;
mod select;
mod write;

use std::ffi::OsStr;
use std::fs;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use self::open::explain;
use self::reader::Unlocked;
use self::request_lock::RequestLock;
use self::select::translated;
use self::write::insert;
use super::changes::{Fetch, HistoryEntry};
use super::location::SqliteFile;
use super::min_interval::{Asked, PastRegion};
use super::rows::Rows;
use super::shared_sql::NOTE_LEFT_OLD;
use super::{
    Access, Attempt, Backend, ChartFilter, HistoryError, KeptRun, KnownRegion, Period, Portion, SeriesRuns, VideoRank,
};
use crate::model::Document;
use crate::support::blocking::run_blocking;

/// How long giving room back waits for those who read. What was deleted is deleted all the same.
const PATIENCE_FOR_READERS: Duration = Duration::from_secs(5);

pub(super) struct Sqlite {
    file: SqliteFile,
    connection: Arc<Mutex<Connection>>,
    unlocked: Option<Unlocked>,
    request: Option<RequestLock>,
}

impl Sqlite {
    pub(super) async fn open(file: SqliteFile, access: Access) -> Result<Sqlite, HistoryError> {
        let path = file.clone();
        let (connection, unlocked) = run_blocking(move || open::open(&path, access)).await?;
        Ok(Sqlite { file, connection: Arc::new(Mutex::new(connection)), unlocked, request: None })
    }

    /// Works beside the runtime, so that signals are still heard.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, HistoryError> {
        let connection = Arc::clone(&self.connection);
        let done = run_blocking(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))).await;
        if self.unlocked.as_ref().is_some_and(Unlocked::has_changed) {
            return Err(HistoryError::new(&self.file, "a run has changed it while it was read", "run again"));
        }
        done.map_err(|error| explain(&self.file, &error))
    }
}

#[async_trait]
impl Backend for Sqlite {
    async fn claim(&mut self, request: &str) -> Result<bool, HistoryError> {
        let (history, request) = (self.file.path.clone(), request.to_owned());
        let claimed = run_blocking(move || RequestLock::take(&history, &request)).await;
        let cannot = |error| {
            HistoryError::new(
                &self.file,
                format_args!("no lock beside it: {error}"),
                "choose a folder that you may write to",
            )
        };
        self.request = claimed.map_err(cannot)?;
        Ok(self.request.is_some())
    }

    async fn past(&mut self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, HistoryError> {
        let asked = asked.clone();
        self.with(move |connection| select::past(connection, &asked, since)).await
    }

    async fn store(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError> {
        let document = Arc::clone(document);
        self.with(move |connection| {
            let rows = Rows::of(&document);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let is_new = insert(&transaction, &rows, latest)?;
            transaction.commit()?;
            Ok(is_new)
        })
        .await
    }

    async fn kept(&mut self) -> Result<Vec<KeptRun>, HistoryError> {
        self.with(|connection| select::kept(connection)).await
    }

    async fn note_left_old(&mut self, run_id: &str) -> Result<(), HistoryError> {
        let run_id = run_id.to_owned();
        self.with(move |connection| connection.execute(&translated(NOTE_LEFT_OLD), [run_id]).map(drop)).await
    }

    async fn delete_charts(&mut self, run: i64) -> Result<(), HistoryError> {
        self.with(move |connection| delete::charts(connection, run)).await
    }

    async fn delete_unseen(&mut self, expired_before: Timestamp) -> Result<Portion, HistoryError> {
        self.with(move |connection| delete::unseen(connection, expired_before)).await
    }

    async fn delete_log(&mut self, before: Timestamp) -> Result<Portion, HistoryError> {
        self.with(move |connection| delete::log(connection, before)).await
    }

    async fn forget_ahead(&mut self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError> {
        self.with(move |connection| delete::forget_ahead(connection, latest, now)).await
    }

    async fn begin_snapshot(&mut self) -> Result<(), HistoryError> {
        self.with(|connection| connection.execute_batch("BEGIN DEFERRED")).await
    }

    async fn regions(&mut self) -> Result<Vec<KnownRegion>, HistoryError> {
        self.with(|connection| select::regions(connection)).await
    }

    async fn newest(&mut self, filter: &ChartFilter) -> Result<Vec<Fetch>, HistoryError> {
        let filter = filter.clone();
        self.with(move |connection| select::newest(connection, &filter)).await
    }

    async fn charts(&mut self, fetches: &[Fetch]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError> {
        let fetches = fetches.to_vec();
        self.with(move |connection| select::charts(connection, &fetches)).await
    }

    async fn video_ranks(&mut self, fetches: &[Fetch], depth: u32) -> Result<Vec<Vec<VideoRank>>, HistoryError> {
        let fetches = fetches.to_vec();
        self.with(move |connection| select::video_ranks(connection, &fetches, depth)).await
    }

    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        self.with(move |connection| select::series(connection, until)).await
    }

    async fn attempts(&mut self, period: &Period) -> Result<Vec<Attempt>, HistoryError> {
        let period = period.clone();
        self.with(move |connection| select::attempts(connection, &period)).await
    }

    async fn size(&mut self) -> Result<u64, HistoryError> {
        // What is in the log takes room too.
        let file = fs::canonicalize(&self.file.path).unwrap_or_else(|_| self.file.path.clone());
        let mut log = file.clone().into_os_string();
        log.push("-wal");
        let length = |path: &OsStr| fs::metadata(path).map_or(0, |file| file.len());
        Ok(length(file.as_os_str()) + length(&log))
    }

    async fn give_room_back(&mut self) -> Result<Option<String>, HistoryError> {
        let is_done = self
            .with(|connection| {
                connection.execute_batch("VACUUM")?;
                connection.busy_timeout(PATIENCE_FOR_READERS)?;
                // The first column says whether somebody who reads was in the way.
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0))
            })
            .await?
            == 0;
        let why = "another program reads the file; its room comes back once that has ended and this is done again";
        Ok((!is_done).then(|| why.to_owned()))
    }

    async fn close(self: Box<Self>) {
        // The lock is a file's, which this process and the system give up before anybody learns that it has ended.
        drop(self);
    }
}
