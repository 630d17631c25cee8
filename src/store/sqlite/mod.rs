//! A history in a file of SQLite.

mod lock;
mod open;
mod reader;
mod select;
mod write;

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, TransactionBehavior};

use self::lock::RequestLock;
use self::open::explain;
use self::reader::Unlocked;
use self::write::{delete_before, insert};
use super::changes::{Fetch, Place};
use super::interval::{Asked, PastRegion};
use super::location::SqliteFile;
use super::rows::Rows;
use super::{Access, Attempt, ChartFilter, Engine, KnownRegion, Period, Pruned, ScopeRuns, Standing, StoreError};
use crate::blocking::unblocked;
use crate::model::Report;

pub(super) struct Sqlite {
    file: SqliteFile,
    connection: Arc<Mutex<Connection>>,
    unlocked: Option<Unlocked>,
    request: Option<RequestLock>,
}

impl Sqlite {
    pub(super) async fn open(file: SqliteFile, access: Access) -> Result<Sqlite, StoreError> {
        let path = file.clone();
        let (connection, unlocked) = unblocked(move || open::open(&path, access)).await?;
        Ok(Sqlite { file, connection: Arc::new(Mutex::new(connection)), unlocked, request: None })
    }

    /// Works beside the runtime, so that signals are still heard.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let done = unblocked(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))).await;
        if self.unlocked.as_ref().is_some_and(Unlocked::has_changed) {
            return Err(StoreError::new(&self.file, "a run has changed it while it was read", "run again"));
        }
        done.map_err(|error| explain(&self.file, &error))
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn claim(&mut self, request: &str) -> Result<bool, StoreError> {
        let (history, request) = (self.file.path.clone(), request.to_owned());
        let claimed = unblocked(move || RequestLock::take(&history, &request)).await;
        let cannot = |error| {
            StoreError::new(
                &self.file,
                format_args!("no lock beside it: {error}"),
                "choose a folder that you may write to",
            )
        };
        self.request = claimed.map_err(cannot)?;
        Ok(self.request.is_some())
    }

    async fn past(&mut self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, StoreError> {
        let asked = asked.clone();
        self.with(move |connection| select::past(connection, &asked, since)).await
    }

    async fn store(&mut self, report: &Arc<Report>, expired_before: Option<Timestamp>) -> Result<bool, StoreError> {
        let report = Arc::clone(report);
        self.with(move |connection| {
            let rows = Rows::of(&report);
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if !insert(&transaction, &rows)? {
                return Ok(false);
            }
            if let Some(expired_before) = expired_before {
                delete_before(&transaction, expired_before)?;
            }
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    async fn freeze(&mut self) -> Result<(), StoreError> {
        self.with(|connection| connection.execute_batch("BEGIN DEFERRED")).await
    }

    async fn regions(&mut self) -> Result<Vec<KnownRegion>, StoreError> {
        self.with(|connection| select::regions(connection)).await
    }

    async fn newest(&mut self, filter: &ChartFilter) -> Result<Vec<Fetch>, StoreError> {
        let filter = filter.clone();
        self.with(move |connection| select::newest(connection, &filter)).await
    }

    async fn charts(&mut self, fetches: &[Fetch]) -> Result<Vec<Vec<Place>>, StoreError> {
        let fetches = fetches.to_vec();
        self.with(move |connection| select::charts(connection, &fetches)).await
    }

    async fn standings(&mut self, fetches: &[Fetch], depth: u32) -> Result<Vec<Vec<Standing>>, StoreError> {
        let fetches = fetches.to_vec();
        self.with(move |connection| select::standings(connection, &fetches, depth)).await
    }

    async fn scopes(&mut self, until: Timestamp) -> Result<Vec<ScopeRuns>, StoreError> {
        self.with(move |connection| select::scopes(connection, until)).await
    }

    async fn attempts(&mut self, period: &Period) -> Result<Vec<Attempt>, StoreError> {
        let period = period.clone();
        self.with(move |connection| select::attempts(connection, &period)).await
    }

    async fn prune(&mut self, expired_before: Timestamp) -> Result<Pruned, StoreError> {
        let path = self.file.path.clone();
        self.with(move |connection| {
            let size = || fs::metadata(&path).map_or(0, |file| file.len());
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
            let before = size();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (runs, videos) = delete_before(&transaction, expired_before)?;
            transaction.commit()?;
            connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
            Ok(Pruned { runs, videos, before, after: size() })
        })
        .await
    }

    async fn close(self: Box<Self>) {
        // The lock is a file's, which this process and the system give up before anybody learns that it has ended.
        drop(self);
    }
}
