//! A history in a PostgreSQL database, for several machines, or for a website that reads it.

mod certificate;
mod charts;
mod columns;
mod connect;
mod delete;
mod errors;
mod hosts;
mod migrations;
mod open;
mod operation;
mod pgpass;
mod runs;
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
use self::operation::{OPERATION_TIMEOUT, OperationError, Retry, begin, with_timeout};
use self::select::adapted;
use self::write::insert;
use super::rows::Rows;
use super::shared_sql::NOTE_LEFT_EXPIRED;
use super::{
    AbsentChart, Access, Backend, Batch, ChartFilter, ChartRef, HistoryEntry, HistoryError, KeptRun, Period,
    PostgresUrl, RegionAttempt, RequestedRegion, RunFilter, SeriesRuns, StoredRun, VideoRank, VideoRecord,
};
use crate::model::Document;
use crate::model::region::Region;

/// Takes the locks of requests in this schema, in their order. They belong to the session, so that they end with the
/// connection, however that ends.
const LOCK_REQUESTS: &str = "
    SELECT pg_try_advisory_lock(hashtextextended(request, oid::bigint)) AS is_locked
    FROM pg_namespace, unnest($1::text[]) WITH ORDINALITY AS requests (request, nth)
    WHERE nspname = current_schema() ORDER BY nth";

const UNLOCK_REQUESTS: &str = "
    SELECT pg_advisory_unlock(hashtextextended(request, oid::bigint))
    FROM pg_namespace, unnest($1::text[]) AS request WHERE nspname = current_schema()";

/// How long to wait for a lock: the server takes a moment to notice that the run before has ended.
const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// The wait between two attempts to take the locks.
const LOCK_INTERVAL: Duration = Duration::from_millis(25);

/// How often to try to record a run if the server requests a retry. The waits add up to some six seconds.
const MAX_ATTEMPTS: u32 = 7;

/// The first of these waits, and of those for a lost server; each is twice the one before.
const FIRST_BACKOFF: Duration = Duration::from_millis(100);

/// The longest wait between two attempts to reach a lost server.
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// The tables whose size depends on the runs.
const TABLES: [&str; 6] = ["places_rows", "counts_rows", "presence", "videos", "region_results", "runs"];

pub(super) struct Postgres {
    url: PostgresUrl,
    connector: Connector,
    session: Session,
    search_path: String,
    /// The requests whose locks this session holds.
    locked_requests: Vec<String>,
    /// The text search configurations that the server has.
    search_configs: Vec<String>,
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl, access: Access) -> Result<Postgres, HistoryError> {
        let connector = Connector::new(url, access)?;
        let OpenedDatabase { session, search_path, search_configs } = open(url, &connector, access).await?;
        Ok(Postgres { url: url.clone(), connector, session, search_path, locked_requests: Vec::new(), search_configs })
    }

    async fn with_timeout<T>(&self, operation: impl Future<Output = Result<T, Error>>) -> Result<T, HistoryError> {
        let explained = async { operation.await.map_err(|error| self.session.explain(error)) };
        Ok(with_timeout(&self.url, OPERATION_TIMEOUT, explained).await?)
    }

    /// Replaces a broken connection by a new one that holds the same locks.
    async fn reconnect(&mut self) -> Result<(), OperationError> {
        let session = self.connector.connect().await?;
        let locked = async {
            configure(&session.client, &self.search_path).await?;
            Ok(try_lock(&session.client, &self.locked_requests).await?.into_iter().all(|is_locked| is_locked))
        };
        if !with_timeout(&self.url, OPERATION_TIMEOUT, locked).await? {
            session.close().await;
            let why = "the connection broke, and another run of the same request has begun";
            // Transient, since the server may not have noticed yet that the old connection is gone.
            return Err(OperationError {
                error: HistoryError::new(&self.url, why, "let that end"),
                retry: Retry::Soon,
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
        let recorded = with_timeout(&self.url, OPERATION_TIMEOUT, recorded).await;
        if recorded.as_ref().is_err_and(|failed| failed.retry == Retry::WhenBack) {
            // A server that takes no writes any more may still be connected.
            self.session.abort();
        }
        recorded
    }
}

/// Returns for each request whether it is locked now.
async fn try_lock(client: &Client, requests: &[String]) -> Result<Vec<bool>, Error> {
    let rows = client.query_typed(LOCK_REQUESTS, &[(&requests, Type::TEXT_ARRAY)]).await?;
    rows.iter().map(|row| row.try_get("is_locked")).collect()
}

async fn unlock(client: &Client, requests: &[String]) -> Result<(), Error> {
    client.query_typed(UNLOCK_REQUESTS, &[(&requests, Type::TEXT_ARRAY)]).await.map(drop)
}

/// Locks requests, and waits a moment for those that another session has locked. Returns those that are locked then.
async fn lock(client: &Client, requests: &[String]) -> Result<Vec<String>, Error> {
    let started_at = Instant::now();
    let (mut locked, mut missing) = (Vec::new(), requests.to_vec());
    loop {
        let mut are_locked = try_lock(client, &missing).await?.into_iter();
        locked.extend(missing.extract_if(.., |_| are_locked.next() == Some(true)));
        if missing.is_empty() || started_at.elapsed() > LOCK_TIMEOUT {
            return Ok(locked);
        }
        tokio::time::sleep(LOCK_INTERVAL).await;
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn lock_requests(&mut self, requests: &[String]) -> Result<Vec<bool>, HistoryError> {
        let locked = self.with_timeout(lock(&self.session.client, requests)).await?;
        let are_locked = requests.iter().map(|request| locked.contains(request)).collect();
        self.locked_requests.extend(locked);
        Ok(are_locked)
    }

    async fn unlock_requests(&mut self, requests: &[String]) -> Result<(), HistoryError> {
        self.with_timeout(unlock(&self.session.client, requests)).await?;
        self.locked_requests.retain(|request| !requests.contains(request));
        Ok(())
    }

    async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError> {
        let (rows, started_at) = (Rows::new(document), Instant::now());
        let mut attempt = 1;
        loop {
            let failed = match self.try_record(&rows, latest).await {
                // If the run is there already at a later attempt, an earlier one was committed and its answer was lost.
                Ok(is_new) => return Ok(is_new || attempt > 1),
                Err(failed) => failed,
            };
            let is_last = match failed.retry {
                Retry::Never => true,
                Retry::Soon => attempt >= MAX_ATTEMPTS,
                Retry::WhenBack => started_at.elapsed() >= self.connector.reconnect_timeout(),
            };
            if is_last {
                return Err(failed.error);
            }
            tracing::debug!("trying again: {}", failed.error);
            tokio::time::sleep(FIRST_BACKOFF.saturating_mul(2_u32.saturating_pow(attempt - 1)).min(MAX_BACKOFF)).await;
            attempt += 1;
        }
    }

    async fn kept_runs(&mut self) -> Result<Vec<KeptRun>, HistoryError> {
        self.select_kept_runs().await
    }

    async fn note_left_expired(&mut self, run_ids: &[&str]) -> Result<(), HistoryError> {
        let ids: Vec<Uuid> = run_ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
        let sql = adapted(NOTE_LEFT_EXPIRED);
        self.with_timeout(self.session.client.execute_typed(&sql, &[(&ids, Type::UUID_ARRAY)])).await.map(drop)
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

    async fn video_records(&mut self, charts: &[Vec<ChartRef>]) -> Result<Vec<Vec<VideoRecord>>, HistoryError> {
        self.select_video_records(charts).await
    }

    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        self.select_series(until).await
    }

    async fn absent_charts(
        &mut self,
        source: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<AbsentChart>, HistoryError> {
        self.select_absent_charts(source, since, until).await
    }

    async fn region_attempts(&mut self, period: &Period) -> Result<Vec<RegionAttempt>, HistoryError> {
        self.select_region_attempts(period).await
    }

    async fn stored_runs(&mut self, filter: &RunFilter) -> Result<Vec<StoredRun>, HistoryError> {
        self.select_stored_runs(filter).await
    }

    async fn run_documents(
        &mut self,
        runs: &[StoredRun],
        regions: Option<&[Region]>,
        description: bool,
    ) -> Result<Vec<Document>, HistoryError> {
        self.select_run_documents(runs, regions, description).await
    }

    async fn size(&mut self) -> Result<u64, HistoryError> {
        self.with_timeout(size(&self.session.client)).await
    }

    async fn vacuum(&mut self) -> Result<Option<String>, HistoryError> {
        self.vacuum_tables().await
    }

    async fn close(self: Box<Self>) {
        let Postgres { session, locked_requests, .. } = *self;
        let closed = async {
            if !locked_requests.is_empty() {
                // The server releases the locks when it notices the end of the session, which may be after the next run
                // has begun.
                let _ = unlock(&session.client, &locked_requests).await;
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
