//! Deletes expired data. A batch is one transaction and one round trip.

use jiff::Timestamp;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, SimpleQueryMessage};

use super::errors::explain;
use super::operation::COMMIT_LOCK;
use super::{Postgres, TABLES};
use crate::history::backend::BATCH_SIZE;
use crate::history::shared_sql::DATED_AHEAD;
use crate::history::{Batch, HistoryError};

/// The most runs whose log one transaction deletes.
const RUNS: u32 = BATCH_SIZE / 100;

/// How long to wait for readers before a table is rewritten.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

impl Postgres {
    pub(super) async fn delete_charts_of(&self, run: i64) -> Result<(), HistoryError> {
        let statements = format!(
            "DELETE FROM places_rows WHERE run = {run};
             DELETE FROM counts_rows WHERE run = {run};
             UPDATE runs SET pruned = true WHERE number = {run};
             DELETE FROM left_old WHERE run = {run}"
        );
        self.execute_in_transaction(&statements).await.map(drop)
    }

    pub(super) async fn delete_unseen_before(&self, time: Timestamp) -> Result<Batch, HistoryError> {
        let batch = |table: &str, column: &str| {
            format!("ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} < '{time}' LIMIT {BATCH_SIZE}))")
        };
        let orphans = |table: &str| {
            format!(
                "DELETE FROM {table}
                 WHERE run IN ({DATED_AHEAD})
                   AND NOT EXISTS (SELECT 1 FROM videos WHERE videos.video_id = {table}.video_id)"
            )
        };
        let statements = format!(
            "DELETE FROM presence WHERE {};
             UPDATE videos SET description = NULL, description_fetched_at = NULL WHERE {};
             DELETE FROM videos WHERE {};
             {}; {}",
            batch("presence", "last_seen_at"),
            batch("videos", "description_fetched_at"),
            batch("videos", "last_seen_at"),
            orphans("places_rows"),
            orphans("counts_rows"),
        );
        let rows = self.execute_in_transaction(&statements).await?;
        let batches = rows.get(..3).unwrap_or_default();
        let videos = batches.last().copied().unwrap_or(0);
        Ok(Batch { count: videos, is_last: batches.iter().all(|rows| *rows < BATCH_SIZE.into()) })
    }

    pub(super) async fn delete_log_before(&self, time: Timestamp) -> Result<Batch, HistoryError> {
        let batch = format!(
            "SELECT number FROM runs WHERE pruned AND fetched_at < '{time}' ORDER BY fetched_at, number LIMIT {RUNS}"
        );
        let statements = format!(
            "DELETE FROM region_results WHERE run IN ({batch});
             DELETE FROM runs WHERE number IN ({batch})"
        );
        let runs = self.execute_in_transaction(&statements).await?.last().copied().unwrap_or(0);
        Ok(Batch { count: runs, is_last: runs < RUNS.into() })
    }

    pub(super) async fn repair_dates_after(&self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError> {
        let corrections = ["videos", "presence"].map(|table| {
            format!(
                "UPDATE {table} SET first_seen_at = least(first_seen_at, '{now}'), last_seen_at = '{now}'
                 WHERE last_seen_at > '{latest}'"
            )
        });
        let statements = format!(
            "DELETE FROM region_results
             WHERE run IN (SELECT number FROM runs WHERE pruned AND fetched_at > '{latest}');
             DELETE FROM runs WHERE pruned AND fetched_at > '{latest}';
             {}",
            corrections.join("; ")
        );
        self.execute_in_transaction(&statements).await.map(drop)
    }

    /// Runs statements in one transaction under the commit lock, and returns how many rows each of them changed.
    /// Statements are built from numbers and times only, never from text that comes from outside.
    async fn execute_in_transaction(&self, statements: &str) -> Result<Vec<u64>, HistoryError> {
        let sql = format!("BEGIN ISOLATION LEVEL READ COMMITTED; {COMMIT_LOCK}; {statements}; COMMIT");
        let result = self.with_timeout(self.session.client.simple_query(&sql)).await;
        if result.is_err() {
            // If the connection is lost too, the server rolls back by itself.
            let _ = self.with_timeout(self.session.client.batch_execute("ROLLBACK")).await;
        }
        let rows = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::CommandComplete(rows) => Some(*rows),
            _ => None,
        };
        let all: Vec<u64> = result?.iter().filter_map(rows).collect();
        // Leaves out BEGIN, the lock and COMMIT.
        Ok(all.get(2..all.len().saturating_sub(1)).unwrap_or_default().to_vec())
    }

    /// Rewrites the tables, which only their owner may do, and only while no other session reads them. Returns why some
    /// tables were not rewritten.
    pub(super) async fn vacuum_tables(&self) -> Result<Option<String>, HistoryError> {
        let rewritten = async {
            self.session.client.batch_execute(LOCK_TIMEOUT).await?;
            let (mut not_ours, mut locked) = (Vec::new(), Vec::new());
            for table in TABLES {
                let before = self.file_node(table).await?;
                match self.session.client.batch_execute(&format!("VACUUM (FULL, ANALYZE) {table}")).await {
                    // The server only gives a notice to a role that may not do it.
                    Ok(()) if self.file_node(table).await? == before => not_ours.push(table),
                    Ok(()) => {}
                    Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => locked.push(table),
                    Err(error) => return Err(error),
                }
            }
            Ok((not_ours, locked))
        };
        let (not_ours, locked) = rewritten.await.map_err(|error| explain(&self.url, &error))?;
        let mut reasons = Vec::new();
        if !not_ours.is_empty() {
            reasons.push(format!("of {}, which this role does not own: let their owner do it", not_ours.join(", ")));
        }
        if !locked.is_empty() {
            reasons.push(format!(
                "of {}, which another session keeps locked: end that, and do it again",
                locked.join(", ")
            ));
        }
        Ok((!reasons.is_empty()).then(|| reasons.join("; ")))
    }

    /// The file of a table; a table that is rewritten gets another one.
    async fn file_node(&self, table: &str) -> Result<i64, Error> {
        let sql = "SELECT pg_relation_filenode($1::text::regclass)::bigint AS file_node";
        self.session.client.query_typed_one(sql, &[(&table, Type::TEXT)]).await?.try_get("file_node")
    }
}
