//! A history in a file of SQLite.

mod lock;
mod open;
mod reader;
mod write;

use std::fs;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, TransactionBehavior, params};

use self::lock::RequestLock;
use self::open::explain;
use self::reader::Unlocked;
use self::write::{delete_before, insert};
use super::changes::{Fetch, Place};
use super::interval::{Asked, PastRegion};
use super::location::SqliteFile;
use super::rows::Rows;
use super::{Access, Attempt, Engine, Period, Pruned, Scope, ScopeRuns, Standing, StoreError, queries};
use crate::blocking::unblocked;
use crate::category::Category;
use crate::model::{Report, Status};
use crate::region::Region;
use crate::text::one_line;

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
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::PAST))?;
            let rows = statement.query_map(params![asked.source, asked.category_id, asked.depth, since], |row| {
                Ok(PastRegion {
                    run_id: row.get(0)?,
                    fetched_at: row.get(1)?,
                    region: region(row, 2)?,
                    is_answered: row.get(3)?,
                })
            })?;
            rows.collect()
        })
        .await
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

    async fn regions(&mut self) -> Result<Vec<Region>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare(queries::REGIONS)?;
            statement.query_map([], |row| region(row, 0))?.collect()
        })
        .await
    }

    async fn fetches(&mut self, of: Region, until: Timestamp) -> Result<Vec<Fetch>, StoreError> {
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::FETCHES))?;
            let rows = statement.query_map(params![of.code(), until], |row| {
                Ok(Fetch {
                    run_id: row.get(0)?,
                    number: row.get(1)?,
                    fetched_at: row.get(2)?,
                    scope: Scope { source: row.get(3)?, category_id: row.get(4)? },
                    depth: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn chart(&mut self, fetch: &Fetch, region: Region, depth: u32) -> Result<Vec<Place>, StoreError> {
        let fetch = fetch.clone();
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::CHART))?;
            let category = fetch.scope.category_id.map_or(-1, i64::from);
            let rows = statement.query_map(
                params![fetch.number, region.code(), depth, fetch.scope.source, category],
                |row| {
                    Ok(Place {
                        rank: row.get(0)?,
                        video_id: row.get(1)?,
                        title: row.get(2)?,
                        channel: row.get(3)?,
                        first_seen_at: row.get(4)?,
                        category: row.get::<_, Option<u32>>(5)?.map(Category::new),
                        views: row.get::<_, Option<i64>>(6)?.and_then(|views| u64::try_from(views).ok()),
                        thumbnail: row.get(7)?,
                        language: row.get(8)?,
                    })
                },
            )?;
            rows.collect()
        })
        .await
    }

    async fn scopes(&mut self, until: Timestamp) -> Result<Vec<ScopeRuns>, StoreError> {
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::SCOPES))?;
            let scope = |row: &Row<'_>| {
                let runs: i64 = row.get(2)?;
                Ok(ScopeRuns {
                    scope: Scope { source: row.get(0)?, category_id: row.get(1)? },
                    runs: u64::try_from(runs).unwrap_or(0),
                    newest: row.get(3)?,
                })
            };
            statement.query_map([until], scope)?.collect()
        })
        .await
    }

    async fn attempts(&mut self, period: &Period) -> Result<Vec<Attempt>, StoreError> {
        let Period { scope, since, until } = period.clone();
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::ATTEMPTS))?;
            let rows = statement.query_map(params![scope.source, scope.category_id, since, until], |row| {
                let (kind, message): (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
                Ok(Attempt {
                    run_id: row.get(0)?,
                    number: row.get(1)?,
                    fetched_at: row.get(2)?,
                    depth: row.get(3)?,
                    region: region(row, 4)?,
                    status: status(row, 5)?,
                    videos: row.get(6)?,
                    error: kind.map(|kind| (kind, message.unwrap_or_default())),
                    is_pruned: row.get(9)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn standings(&mut self, period: &Period, of: Region, depth: u32) -> Result<Vec<Standing>, StoreError> {
        let Period { scope, since, until } = period.clone();
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::STANDINGS))?;
            let asked = params![of.code(), scope.source, scope.category_id, depth, since, until];
            let rows = statement.query_map(asked, |row| {
                Ok(Standing { number: row.get(0)?, rank: row.get(1)?, video_id: row.get(2)? })
            })?;
            rows.collect()
        })
        .await
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
}

/// The sign of a placeholder is another one here.
fn placeholders(sql: &str) -> String {
    sql.replace('$', "?")
}

fn region(row: &Row<'_>, column: usize) -> rusqlite::Result<Region> {
    let text: String = row.get(column)?;
    Region::new(&text)
        .ok_or_else(|| wrong_text(column, format!("a row of it names no region: {}", one_line(&text, 40))))
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let text: String = row.get(column)?;
    Status::find(&text)
        .ok_or_else(|| wrong_text(column, format!("a row of it has no known status: {}", one_line(&text, 40))))
}

fn wrong_text(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}
