//! A history in a database of PostgreSQL, for several machines or a website that reads it.

mod certificate;
mod charts;
mod columns;
mod connect;
mod delete;
mod errors;
mod lookup;
mod open;
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
use tokio_postgres::{Client, Error, IsolationLevel, Transaction};
use uuid::Uuid;

use self::connect::{Connector, GOODBYE, Session};
use self::errors::{explain, is_transient};
use self::open::{Opened, configure, open};
use self::write::insert;
use super::changes::{Fetch, HistoryEntry};
use super::location::PostgresUrl;
use super::min_interval::{Asked, PastRegion};
use super::rows::Rows;
use super::shared_sql::NOTE_LEFT_OLD;
use super::{
    Access, Attempt, Backend, ChartFilter, HistoryError, KeptRun, KnownRegion, Period, Portion, SeriesRuns, VideoRank,
};
use crate::model::Document;

pub(super) use self::connect::check;

/// The advisory lock under which tables change and runs commit: one after the other, so that two
/// runs with the same videos never wait for each other in a circle. "TRFD", and the schema of the tables, which is
/// the session's only one.
const COMMIT_LOCK: &str =
    "SELECT pg_advisory_xact_lock(1414678084, oid::integer) FROM pg_namespace WHERE nspname = current_schema()";

/// Takes the lock of a request, of the same tables. It is a session's, so that it ends with the connection, however
/// that ends.
const CLAIM: &str = "
    SELECT pg_try_advisory_lock(hashtextextended($1, oid::bigint))
    FROM pg_namespace WHERE nspname = current_schema()";

/// Gives it back.
const RELEASE: &str = "
    SELECT pg_advisory_unlock(hashtextextended($1, oid::bigint))
    FROM pg_namespace WHERE nspname = current_schema()";

/// How long the claim of a run that has just gone is waited for: the server takes a moment to notice that.
const CLAIM_PATIENCE: Duration = Duration::from_millis(500);

/// Between two tries to claim.
const CLAIM_AGAIN: Duration = Duration::from_millis(25);

/// How often a run is tried that the server asked to repeat, or whose connection broke. The waits
/// between make some six seconds, in which a server restarts.
const TRIES: u32 = 7;

/// The first of these waits; each is twice the one before.
const BACKOFF: Duration = Duration::from_millis(100);

/// The longest that a step may take: a server that is there and silent is given up then.
const STEP: Duration = Duration::from_secs(60);

const TABLES: [&str; 6] = ["places", "counts", "presence", "videos", "run_regions", "runs"];

pub(super) struct Postgres {
    url: PostgresUrl,
    connector: Connector,
    session: Session,
    search_path: String,
    request: Option<String>,
    /// Text search configurations that the server has.
    search_configs: Vec<String>,
}

/// A step that failed, and whether the same may go well a moment later.
struct Failure {
    error: HistoryError,
    may_pass: bool,
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl, access: Access) -> Result<Postgres, HistoryError> {
        let connector = Connector::new(url).await?;
        let Opened { session, search_path, search_configs } = open(url, &connector, access).await?;
        Ok(Postgres { url: url.clone(), connector, session, search_path, request: None, search_configs })
    }

    /// What a step brings, if it does in time.
    async fn within<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, HistoryError> {
        within(&self.url, STEP, step).await.map_err(|failure| failure.error)
    }

    /// A new connection in place of a broken one, with the same claim.
    async fn reconnect(&mut self) -> Result<(), Failure> {
        let session = within(&self.url, self.connector.limit(), self.connector.connect()).await?;
        let claimed = async {
            configure(&session.client, &self.search_path).await?;
            match &self.request {
                Some(request) => try_claim(&session.client, request).await,
                None => Ok(true),
            }
        };
        if !within(&self.url, STEP, claimed).await? {
            session.end().await;
            let why = "the connection broke, and another run of the same request has begun";
            // Or the server has not noticed yet that the old connection is gone.
            return Err(Failure { error: HistoryError::new(&self.url, why, "let that end"), may_pass: true });
        }
        self.session = session;
        Ok(())
    }

    async fn try_store(&mut self, rows: &Rows<'_>, latest: Option<Timestamp>) -> Result<bool, Failure> {
        if self.session.client.is_closed() {
            self.reconnect().await?;
        }
        let (client, configs) = (&mut self.session.client, &self.search_configs);
        let stored = async {
            let transaction = begin(client).await?;
            let is_new = insert(&transaction, rows, configs, latest).await?;
            transaction.commit().await?;
            Ok(is_new)
        };
        within(&self.url, STEP, stored).await
    }
}

/// What a step brings, if it does in time.
async fn within<T>(
    url: &PostgresUrl,
    limit: Duration,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(limit, step).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(Failure { error: explain(url, &error), may_pass: is_transient(&error) }),
        Err(_) => {
            let why = format!("no answer within {} s", limit.as_secs());
            let error = HistoryError::new(url, why, "check that the server runs, and what keeps it busy");
            Err(Failure { error, may_pass: false })
        }
    }
}

/// A transaction that sees what others committed while it waited for a lock, whatever the database's default.
async fn begin(client: &mut Client) -> Result<Transaction<'_>, Error> {
    client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await
}

async fn try_claim(client: &Client, request: &str) -> Result<bool, Error> {
    client.query_typed_one(CLAIM, &[(&request, Type::TEXT)]).await?.try_get(0)
}

async fn release(client: &Client, request: &str) -> Result<(), Error> {
    client.query_typed(RELEASE, &[(&request, Type::TEXT)]).await.map(drop)
}

#[async_trait]
impl Backend for Postgres {
    async fn claim(&mut self, request: &str) -> Result<bool, HistoryError> {
        let began = Instant::now();
        let claimed = async {
            while !try_claim(&self.session.client, request).await? {
                if began.elapsed() > CLAIM_PATIENCE {
                    return Ok(false);
                }
                tokio::time::sleep(CLAIM_AGAIN).await;
            }
            Ok(true)
        };
        let is_ours = self.within(claimed).await?;
        if is_ours {
            self.request = Some(request.to_owned());
        }
        Ok(is_ours)
    }

    async fn past(&mut self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, HistoryError> {
        self.select_past(asked, since).await
    }

    async fn store(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError> {
        let rows = Rows::of(document);
        let mut tries = 1;
        loop {
            let failure = match self.try_store(&rows, latest).await {
                // Whether a commit went through whose answer was lost, the run's id tells the next try.
                Ok(is_new) => return Ok(is_new || tries > 1),
                Err(failure) => failure,
            };
            if !failure.may_pass || tries == TRIES {
                return Err(failure.error);
            }
            tracing::debug!("another try: {}", failure.error);
            tokio::time::sleep(BACKOFF * 2_u32.pow(tries - 1)).await;
            tries += 1;
        }
    }

    async fn kept(&mut self) -> Result<Vec<KeptRun>, HistoryError> {
        self.select_kept().await
    }

    async fn note_left_old(&mut self, run_id: &str) -> Result<(), HistoryError> {
        let id = Uuid::parse_str(run_id).unwrap_or_default();
        self.within(self.session.client.execute_typed(NOTE_LEFT_OLD, &[(&id, Type::UUID)])).await.map(drop)
    }

    async fn delete_charts(&mut self, run: i64) -> Result<(), HistoryError> {
        self.delete_charts_of(run).await
    }

    async fn delete_unseen(&mut self, expired_before: Timestamp) -> Result<Portion, HistoryError> {
        self.delete_unseen_before(expired_before).await
    }

    async fn delete_log(&mut self, before: Timestamp) -> Result<Portion, HistoryError> {
        self.delete_log_before(before).await
    }

    async fn forget_ahead(&mut self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError> {
        self.forget_after(latest, now).await
    }

    async fn begin_snapshot(&mut self) -> Result<(), HistoryError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.within(self.session.client.batch_execute(begin)).await
    }

    async fn regions(&mut self) -> Result<Vec<KnownRegion>, HistoryError> {
        self.select_regions().await
    }

    async fn newest(&mut self, filter: &ChartFilter) -> Result<Vec<Fetch>, HistoryError> {
        self.select_newest(filter).await
    }

    async fn charts(&mut self, fetches: &[Fetch]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError> {
        self.select_charts(fetches).await
    }

    async fn video_ranks(&mut self, fetches: &[Fetch], depth: u32) -> Result<Vec<Vec<VideoRank>>, HistoryError> {
        self.select_video_ranks(fetches, depth).await
    }

    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError> {
        self.select_series(until).await
    }

    async fn attempts(&mut self, period: &Period) -> Result<Vec<Attempt>, HistoryError> {
        self.select_attempts(period).await
    }

    async fn size(&mut self) -> Result<u64, HistoryError> {
        self.within(size(&self.session.client)).await
    }

    async fn give_room_back(&mut self) -> Result<Option<String>, HistoryError> {
        self.rewrite_tables().await
    }

    async fn close(self: Box<Self>) {
        let Postgres { session, request, .. } = *self;
        let goodbye = async {
            if let Some(request) = request {
                // The server would find out by itself that nobody is there any more, but perhaps not before the next
                // run has begun.
                let _ = release(&session.client, &request).await;
            }
            session.end().await;
        };
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

/// Bytes that the tables and their indices take.
async fn size(client: &Client) -> Result<u64, Error> {
    let sql = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) AS name";
    let bytes: i64 = client.query_one(sql, &[&TABLES.as_slice()]).await?.try_get(0)?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}
