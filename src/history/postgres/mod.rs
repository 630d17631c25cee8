//! A history in a PostgreSQL database, for several machines, or for a website that reads it.

mod certificate;
mod charts;
mod columns;
mod connect;
mod delete;
mod errors;
mod lookup;
mod migrations;
mod open;
mod operation;
mod pgpass;
mod select;
mod server;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};
use uuid::Uuid;

use self::connect::{CLOSE_TIMEOUT, Connector, Session};
use self::open::{OpenedDatabase, configure, open};
use self::operation::{OPERATION_TIMEOUT, OperationError, begin, with_timeout};
use self::write::insert;
use super::rows::Rows;
use super::shared_sql::NOTE_LEFT_EXPIRED;
use super::{
    Access, Backend, Batch, ChartFilter, ChartRef, HistoryEntry, HistoryError, KeptRun, Period, PostgresUrl,
    RegionAttempt, RequestedRegion, SeriesRuns, VideoRank,
};
use crate::model::Document;

/// Takes the lock of a request in this schema. It belongs to the session, so that it ends with the connection, however
/// that ends.
const LOCK_REQUEST: &str = "
    SELECT pg_try_advisory_lock(hashtextextended($1, oid::bigint)) AS is_locked
    FROM pg_namespace WHERE nspname = current_schema()";

const UNLOCK_REQUEST: &str = "
    SELECT pg_advisory_unlock(hashtextextended($1, oid::bigint))
    FROM pg_namespace WHERE nspname = current_schema()";

/// How long to wait for the lock: the server takes a moment to notice that the run before has ended.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// The wait between two attempts to take the lock.
const LOCK_INTERVAL: Duration = Duration::from_millis(25);

/// How often to try to record a run if the server requests a retry or the connection breaks. The waits add up to some
/// six seconds, in which a server restarts.
const MAX_ATTEMPTS: u32 = 7;

/// The first of these waits; each is twice the one before.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The tables whose size depends on the runs.
const TABLES: [&str; 6] = ["places_rows", "counts_rows", "presence", "videos", "region_results", "runs"];

pub(super) struct Postgres {
    url: PostgresUrl,
    connector: Connector,
    session: Session,
    search_path: String,
    /// The request whose lock this session holds.
    locked_request: Option<String>,
    /// The text search configurations that the server has.
    search_configs: Vec<String>,
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl, access: Access) -> Result<Postgres, HistoryError> {
        let connector = Connector::new(url).await?;
        let OpenedDatabase { session, search_path, search_configs } = open(url, &connector, access).await?;
        Ok(Postgres { url: url.clone(), connector, session, search_path, locked_request: None, search_configs })
    }

    async fn with_timeout<T>(&self, operation: impl Future<Output = Result<T, Error>>) -> Result<T, HistoryError> {
        Ok(with_timeout(&self.url, OPERATION_TIMEOUT, operation).await?)
    }

    /// Replaces a broken connection by a new one that holds the same lock.
    async fn reconnect(&mut self) -> Result<(), OperationError> {
        let session = with_timeout(&self.url, self.connector.timeout(), self.connector.connect()).await?;
        let locked = async {
            configure(&session.client, &self.search_path).await?;
            match &self.locked_request {
                Some(request) => try_lock(&session.client, request).await,
                None => Ok(true),
            }
        };
        if !with_timeout(&self.url, OPERATION_TIMEOUT, locked).await? {
            session.close().await;
            let why = "the connection broke, and another run of the same request has begun";
            // Transient, since the server may not have noticed yet that the old connection is gone.
            return Err(OperationError {
                error: HistoryError::new(&self.url, why, "let that end"),
                is_transient: true,
            });
        }
        self.session = session;
        Ok(())
    }

    async fn try_record(&mut self, rows: &Rows<'_>, latest: Option<Timestamp>) -> Result<bool, OperationError> {
        if self.session.client.is_closed() {
            self.reconnect().await?;
        }
        let (client, search_configs) = (&mut self.session.client, &self.search_configs);
        let recorded = async {
            let transaction = begin(client).await?;
            let is_new = insert(&transaction, rows, search_configs, latest).await?;
            transaction.commit().await?;
            Ok(is_new)
        };
        with_timeout(&self.url, OPERATION_TIMEOUT, recorded).await
    }
}

async fn try_lock(client: &Client, request: &str) -> Result<bool, Error> {
    client.query_typed_one(LOCK_REQUEST, &[(&request, Type::TEXT)]).await?.try_get("is_locked")
}

async fn unlock(client: &Client, request: &str) -> Result<(), Error> {
    client.query_typed(UNLOCK_REQUEST, &[(&request, Type::TEXT)]).await.map(drop)
}

#[async_trait]
impl Backend for Postgres {
    async fn lock_request(&mut self, request: &str) -> Result<bool, HistoryError> {
        let started_at = Instant::now();
        let locked = async {
            while !try_lock(&self.session.client, request).await? {
                if started_at.elapsed() > LOCK_TIMEOUT {
                    return Ok(false);
                }
                tokio::time::sleep(LOCK_INTERVAL).await;
            }
            Ok(true)
        };
        let is_locked = self.with_timeout(locked).await?;
        if is_locked {
            self.locked_request = Some(request.to_owned());
        }
        Ok(is_locked)
    }

    async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError> {
        let rows = Rows::new(document);
        let mut attempt = 1;
        loop {
            let failed = match self.try_record(&rows, latest).await {
                // If the run is there already at a later attempt, an earlier one was committed and its answer was lost.
                Ok(is_new) => return Ok(is_new || attempt > 1),
                Err(failed) => failed,
            };
            if !failed.is_transient || attempt == MAX_ATTEMPTS {
                return Err(failed.error);
            }
            tracing::debug!("trying again: {}", failed.error);
            tokio::time::sleep(FIRST_BACKOFF * 2_u32.pow(attempt - 1)).await;
            attempt += 1;
        }
    }

    async fn kept_runs(&mut self) -> Result<Vec<KeptRun>, HistoryError> {
        self.select_kept_runs().await
    }

    async fn note_left_expired(&mut self, run_id: &str) -> Result<(), HistoryError> {
        let id = Uuid::parse_str(run_id).unwrap_or_default();
        self.with_timeout(self.session.client.execute_typed(NOTE_LEFT_EXPIRED, &[(&id, Type::UUID)])).await.map(drop)
    }

    async fn delete_charts(&mut self, run: i64) -> Result<(), HistoryError> {
        self.delete_charts_of(run).await
    }

    async fn delete_unseen(&mut self, expired_before: Timestamp) -> Result<Batch, HistoryError> {
        self.delete_unseen_before(expired_before).await
    }

    async fn delete_log(&mut self, before: Timestamp) -> Result<Batch, HistoryError> {
        self.delete_log_before(before).await
    }

    async fn repair_future_dates(&mut self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError> {
        self.repair_dates_after(latest, now).await
    }

    async fn begin_snapshot(&mut self) -> Result<(), HistoryError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.with_timeout(self.session.client.batch_execute(begin)).await
    }

    async fn requested_regions(&mut self) -> Result<Vec<RequestedRegion>, HistoryError> {
        self.select_requested_regions().await
    }

    async fn newest_charts(&mut self, filter: &ChartFilter) -> Result<Vec<ChartRef>, HistoryError> {
        self.select_newest_charts(filter).await
    }

    async fn chart_entries(&mut self, charts: &[ChartRef]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError> {
        self.select_chart_entries(charts).await
    }

    async fn video_ranks(&mut self, charts: &[ChartRef], max_rank: u32) -> Result<Vec<Vec<VideoRank>>, HistoryError> {
        self.select_video_ranks(charts, max_rank).await
    }

    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        self.select_series(until).await
    }

    async fn region_attempts(&mut self, period: &Period) -> Result<Vec<RegionAttempt>, HistoryError> {
        self.select_region_attempts(period).await
    }

    async fn size(&mut self) -> Result<u64, HistoryError> {
        self.with_timeout(size(&self.session.client)).await
    }

    async fn vacuum(&mut self) -> Result<Option<String>, HistoryError> {
        self.vacuum_tables().await
    }

    async fn close(self: Box<Self>) {
        let Postgres { session, locked_request, .. } = *self;
        let closed = async {
            if let Some(request) = locked_request {
                // The server releases the lock when it notices the end of the session, which may be after the next run
                // has begun.
                let _ = unlock(&session.client, &request).await;
            }
            session.close().await;
        };
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, closed).await;
    }
}

/// The size of the tables and their indexes in bytes.
async fn size(client: &Client) -> Result<u64, Error> {
    let sql = "SELECT sum(pg_total_relation_size(name::regclass))::bigint AS bytes FROM unnest($1::text[]) AS name";
    let bytes: i64 = client.query_one(sql, &[&TABLES.as_slice()]).await?.try_get("bytes")?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}
