//! What is deleted: a portion is a transaction and one round trip.

use jiff::Timestamp;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, SimpleQueryMessage};

use super::errors::explain;
use super::{COMMIT_LOCK, Postgres, TABLES};
use crate::history::{HistoryError, PORTION, Portion};

/// The most runs whose log is deleted at once.
const RUNS: u32 = PORTION / 100;

/// How long the rewriting of a table waits for those who read it. What was deleted is deleted all the same.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

impl Postgres {
    pub(super) async fn delete_charts_of(&self, run: i64) -> Result<(), HistoryError> {
        let statements = format!(
            "DELETE FROM places WHERE run = {run};
             DELETE FROM counts WHERE run = {run};
             UPDATE runs SET pruned = true WHERE number = {run};
             DELETE FROM left_old WHERE run = {run}"
        );
        self.at_once(&statements).await.map(drop)
    }

    pub(super) async fn delete_unseen_before(&self, time: Timestamp) -> Result<Portion, HistoryError> {
        let some = |table: &str, column: &str| {
            format!("ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} < '{time}' LIMIT {PORTION}))")
        };
        let statements = format!(
            "DELETE FROM presence WHERE {};
             UPDATE videos SET description = NULL, description_fetched_at = NULL WHERE {};
             DELETE FROM videos WHERE {}",
            some("presence", "last_seen_at"),
            some("videos", "description_fetched_at"),
            some("videos", "last_seen_at"),
        );
        let rows = self.at_once(&statements).await?;
        let videos = rows.last().copied().unwrap_or(0);
        Ok(Portion { count: videos, is_last: rows.iter().all(|rows| *rows < PORTION.into()) })
    }

    pub(super) async fn delete_log_before(&self, time: Timestamp) -> Result<Portion, HistoryError> {
        let some =
            format!("SELECT id FROM runs WHERE pruned AND fetched_at < '{time}' ORDER BY fetched_at, id LIMIT {RUNS}");
        let statements = format!(
            "DELETE FROM run_regions WHERE run_id IN ({some});
             DELETE FROM runs WHERE id IN ({some})"
        );
        let runs = self.at_once(&statements).await?.last().copied().unwrap_or(0);
        Ok(Portion { count: runs, is_last: runs < RUNS.into() })
    }

    pub(super) async fn forget_after(&self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError> {
        let corrections = ["videos", "presence"].map(|table| {
            format!(
                "UPDATE {table} SET first_seen_at = least(first_seen_at, '{now}'), last_seen_at = '{now}'
                 WHERE last_seen_at > '{latest}'"
            )
        });
        let statements = format!(
            "DELETE FROM run_regions WHERE run_id IN (SELECT id FROM runs WHERE pruned AND fetched_at > '{latest}');
             DELETE FROM runs WHERE pruned AND fetched_at > '{latest}';
             {}",
            corrections.join("; ")
        );
        self.at_once(&statements).await.map(drop)
    }

    /// Statements in one transaction, under the lock that orders commits; how many rows each of them changed. They hold
    /// no text but times of ours.
    async fn at_once(&self, statements: &str) -> Result<Vec<u64>, HistoryError> {
        let sql = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {COMMIT_LOCK}; {statements}; COMMIT");
        let done = self.within(self.session.client.simple_query(&sql)).await;
        if done.is_err() {
            // Where the connection is gone too, the server does it by itself.
            let _ = self.within(self.session.client.batch_execute("ROLLBACK")).await;
        }
        let rows = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        };
        let all: Vec<u64> = done?.iter().filter_map(rows).collect();
        // Without BEGIN, the lock, and COMMIT.
        Ok(all.get(2..all.len().saturating_sub(1)).unwrap_or_default().to_vec())
    }

    /// Rewrites the tables, which takes their owner and a moment in which nobody reads them.
    pub(super) async fn rewrite_tables(&self) -> Result<Option<String>, HistoryError> {
        let rewritten = async {
            self.session.client.batch_execute(LOCK_TIMEOUT).await?;
            let (mut not_ours, mut locked) = (Vec::new(), Vec::new());
            for table in TABLES {
                let before = self.file_of(table).await?;
                match self.session.client.batch_execute(&format!("VACUUM (FULL, ANALYZE) {table}")).await {
                    // To whom may not do it, the server says so in a notice.
                    Ok(()) if self.file_of(table).await? == before => not_ours.push(table),
                    Ok(()) => {}
                    Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => locked.push(table),
                    Err(error) => return Err(error),
                }
            }
            Ok((not_ours, locked))
        };
        let (not_ours, locked) = rewritten.await.map_err(|error| explain(&self.url, &error))?;
        let mut told = Vec::new();
        if !not_ours.is_empty() {
            told.push(format!("of {}, which this role does not own: let their owner do it", not_ours.join(", ")));
        }
        if !locked.is_empty() {
            told.push(format!(
                "of {}, which another session keeps locked: end that, and do it again",
                locked.join(", ")
            ));
        }
        Ok((!told.is_empty()).then(|| told.join("; ")))
    }

    /// Which file a table is in; a rewritten one is in another.
    async fn file_of(&self, table: &str) -> Result<i64, Error> {
        let sql = "SELECT pg_relation_filenode($1::text::regclass)::bigint";
        self.session.client.query_typed_one(sql, &[(&table, Type::TEXT)]).await?.try_get(0)
    }
}
