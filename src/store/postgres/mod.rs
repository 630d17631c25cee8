//! A history in a database of PostgreSQL, for several machines or a website that reads it.

mod connect;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Transaction};
use uuid::Uuid;

use super::changes::{Fetch, Place};
use super::interval::{Asked, PastRegion};
use super::location::PostgresUrl;
use super::rows::{Rows, VideoRow};
use super::{Access, Engine, Pruned, StoreError, queries};
use crate::model::Report;
use crate::region::Region;

/// Applied in this order; `trendfetch_schema` says how many a database has had.
const MIGRATIONS: &[&str] = &[include_str!("0001.sql")];

/// The advisory lock under which tables change and runs commit: one after the other, so that two
/// runs with the same videos never wait for each other in a circle. The first number is "TRFD".
const COMMIT_LOCK: &str = "SELECT pg_advisory_xact_lock(1414677060, 1)";

/// How often a run is tried again that the server asked to repeat, or whose connection broke.
const TRIES: u32 = 5;

const TABLES: [&str; 6] = ["places", "counts", "presence", "videos", "run_regions", "runs"];

pub(super) struct Postgres {
    url: PostgresUrl,
    client: Client,
    request: Option<String>,
    /// Text search configurations that the server has.
    search_configs: Vec<String>,
}

impl Postgres {
    pub(super) async fn open(url: &PostgresUrl, access: Access) -> Result<Postgres, StoreError> {
        let client = connect::connect(url).await?;
        let mut postgres = Postgres { url: url.clone(), client, request: None, search_configs: Vec::new() };
        let (applied, writable) = postgres.version().await.map_err(|error| explain(url, &error))?;
        match (applied, access) {
            (applied, _) if applied > MIGRATIONS.len() => {
                return Err(StoreError::newer(url, applied, MIGRATIONS.len()));
            }
            (0, Access::Existing) => {
                return Err(StoreError::new(url, "there is no history in it", "a run with --store makes one"));
            }
            (_, Access::Create) if !writable => {
                return Err(StoreError::new(url, "the server takes no writes", "name the primary, not a standby"));
            }
            (applied, _) if applied < MIGRATIONS.len() => {
                postgres.migrate().await.map_err(|error| explain(url, &error))?;
            }
            _ => {}
        }
        let configs = postgres.client.query("SELECT cfgname::text FROM pg_ts_config", &[]).await;
        let configs = configs.map_err(|error| explain(url, &error))?;
        postgres.search_configs = configs.iter().map(|row| row.get(0)).collect();
        Ok(postgres)
    }

    /// How many migrations the database has had, and whether it takes writes.
    async fn version(&self) -> Result<(usize, bool), Error> {
        let row = self
            .client
            .query_one(
                "SELECT to_regclass('trendfetch_schema') IS NOT NULL, current_setting('transaction_read_only') = 'off'",
                &[],
            )
            .await?;
        let version = if row.get(0) { version(&self.client).await? } else { 0 };
        Ok((version, row.get(1)))
    }

    async fn migrate(&mut self) -> Result<(), Error> {
        let transaction = self.client.transaction().await?;
        transaction.batch_execute(COMMIT_LOCK).await?;
        transaction.batch_execute("CREATE TABLE IF NOT EXISTS trendfetch_schema (version bigint PRIMARY KEY)").await?;
        // Another process may have been here meanwhile.
        let applied = version(transaction.client()).await?;
        for (index, migration) in MIGRATIONS.iter().enumerate().skip(applied) {
            transaction.batch_execute(migration).await?;
            let number = index as i64 + 1;
            transaction.execute("INSERT INTO trendfetch_schema VALUES ($1)", &[&number]).await?;
        }
        transaction.commit().await
    }

    async fn try_claim(&self, request: &str) -> Result<bool, Error> {
        // A session's lock, so that it ends with the connection, however that ends.
        let sql = "SELECT pg_try_advisory_lock(hashtextextended($1, 1414677060))";
        Ok(self.client.query_one(sql, &[&request]).await?.get(0))
    }

    async fn try_store(&mut self, report: &Report, keep_from: Option<Timestamp>) -> Result<bool, Error> {
        let transaction = self.client.transaction().await?;
        transaction.batch_execute("SET LOCAL synchronous_commit = on").await?;
        transaction.batch_execute(COMMIT_LOCK).await?;
        if !insert(&transaction, &Rows::of(report), &self.search_configs).await? {
            return Ok(false);
        }
        if let Some(keep_from) = keep_from {
            delete_before(&transaction, keep_from).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// A new connection in place of a broken one, with the same claim.
    async fn reconnect(&mut self) -> Result<(), StoreError> {
        self.client = connect::connect(&self.url).await?;
        let Some(request) = &self.request else { return Ok(()) };
        // The server may not have noticed yet that the old connection is gone.
        for _ in 0..TRIES {
            if self.try_claim(request).await.map_err(|error| explain(&self.url, &error))? {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Err(StoreError::new(
            &self.url,
            "the connection broke, and another run of the same request has begun",
            "let it end",
        ))
    }

    fn explain<T>(&self, result: Result<T, Error>) -> Result<T, StoreError> {
        result.map_err(|error| explain(&self.url, &error))
    }
}

/// Finds out whether a URL can be read.
///
/// # Errors
/// One sentence, without the URL.
pub(super) fn check(url: &PostgresUrl) -> Result<(), &'static str> {
    connect::Settings::read(url).map(drop)
}

async fn version(client: &Client) -> Result<usize, Error> {
    let row = client.query_one("SELECT coalesce(max(version), 0) FROM trendfetch_schema", &[]).await?;
    Ok(usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX))
}

#[async_trait]
impl Engine for Postgres {
    async fn claim(&mut self, request: &str) -> Result<bool, StoreError> {
        let is_ours = self.explain(self.try_claim(request).await)?;
        if is_ours {
            self.request = Some(request.to_owned());
        }
        Ok(is_ours)
    }

    async fn past(&mut self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, StoreError> {
        let (category, depth) = (asked.category_id.map(i64::from), i64::from(asked.depth));
        let rows = self.client.query(queries::PAST, &[&asked.source, &category, &depth, &since]).await;
        let past = |row: &Row| {
            Some(PastRegion {
                run_id: row.get::<_, Uuid>(0).to_string(),
                fetched_at: row.get(1),
                region: Region::new(row.get(2))?,
                is_answered: row.get(3),
            })
        };
        Ok(self.explain(rows)?.iter().filter_map(past).collect())
    }

    async fn store(&mut self, report: &Arc<Report>, keep_from: Option<Timestamp>) -> Result<bool, StoreError> {
        let mut tries = 1;
        loop {
            let error = match self.try_store(report, keep_from).await {
                Ok(is_new) => return Ok(is_new || tries > 1),
                Err(error) => error,
            };
            // Whether a commit went through whose answer was lost, the run's id tells the next try.
            let may_pass = self.client.is_closed() || is_transient(&error);
            if !may_pass || tries == TRIES {
                return Err(explain(&self.url, &error));
            }
            tracing::debug!("the history did not take the run, trying again: {}", cause(&error));
            tokio::time::sleep(Duration::from_millis(50 * u64::from(tries))).await;
            tries += 1;
            if self.client.is_closed() {
                self.reconnect().await?;
            }
        }
    }

    async fn freeze(&mut self) -> Result<(), StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        self.explain(self.client.batch_execute(begin).await)
    }

    async fn regions(&mut self) -> Result<Vec<Region>, StoreError> {
        let rows = self.client.query(queries::REGIONS, &[]).await;
        Ok(self.explain(rows)?.iter().filter_map(|row| Region::new(row.get(0))).collect())
    }

    async fn fetches(&mut self, of: Region) -> Result<Vec<Fetch>, StoreError> {
        let rows = self.client.query(queries::FETCHES, &[&of.code()]).await;
        let fetch = |row: &Row| Fetch {
            run_id: row.get::<_, Uuid>(0).to_string(),
            number: row.get::<_, i32>(1).into(),
            fetched_at: row.get(2),
            source: row.get(3),
            category_id: row.get::<_, Option<i64>>(4).and_then(|id| u32::try_from(id).ok()),
            depth: u32::try_from(row.get::<_, i64>(5)).unwrap_or(0),
        };
        Ok(self.explain(rows)?.iter().map(fetch).collect())
    }

    async fn chart(&mut self, fetch: &Fetch, region: Region, depth: u32) -> Result<Vec<Place>, StoreError> {
        let number = i32::try_from(fetch.number).unwrap_or(0);
        let depth = i32::try_from(depth).unwrap_or(i32::MAX);
        let category = fetch.category_id.map_or(-1, i64::from);
        let parameters: [&(dyn ToSql + Sync); 5] = [&number, &region.code(), &depth, &fetch.source, &category];
        let rows = self.client.query(queries::CHART, &parameters).await;
        let place = |row: &Row| Place {
            rank: u32::try_from(row.get::<_, i32>(0)).unwrap_or(0),
            video_id: row.get(1),
            title: row.get(2),
            channel: row.get(3),
            first_seen_at: row.get(4),
        };
        Ok(self.explain(rows)?.iter().map(place).collect())
    }

    async fn prune(&mut self, keep_from: Timestamp) -> Result<Pruned, StoreError> {
        let pruned = async {
            let before = size(&self.client).await?;
            let transaction = self.client.transaction().await?;
            transaction.batch_execute(COMMIT_LOCK).await?;
            let (runs, videos) = delete_before(&transaction, keep_from).await?;
            transaction.commit().await?;
            for table in TABLES {
                self.client.batch_execute(&format!("VACUUM (FULL, ANALYZE) {table}")).await?;
            }
            Ok(Pruned { runs, videos, before, after: size(&self.client).await? })
        };
        pruned.await.map_err(|error| explain(&self.url, &error))
    }
}

/// Bytes that the tables and their indices take.
async fn size(client: &Client) -> Result<u64, Error> {
    let sql = "SELECT sum(pg_total_relation_size(name::regclass))::bigint FROM unnest($1::text[]) AS name";
    let bytes: i64 = client.query_one(sql, &[&TABLES.as_slice()]).await?.get(0);
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Writes the rows of a run; `false` where it is there already.
async fn insert(transaction: &Transaction<'_>, rows: &Rows<'_>, search_configs: &[String]) -> Result<bool, Error> {
    let run = &rows.run;
    // A run's id is a UUID wherever a report comes from; see `document`.
    let id = Uuid::parse_str(run.id).unwrap_or_default();
    let mut parameters: Vec<&(dyn ToSql + Sync)> =
        vec![&id, &run.fetched_at, &run.source, &run.category_id, &run.status];
    parameters.extend(run.numbers.iter().map(|number| number as &(dyn ToSql + Sync)));
    let inserted = transaction
        .query_opt(
            "INSERT INTO runs (id, fetched_at, source, category_id, status, max_results, raw, unique_videos,
                 multi_region, skipped, requests, retries, rate_limited, quota_units, elapsed_ms, held_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (id) DO NOTHING RETURNING number",
            &parameters,
        )
        .await?;
    let Some(inserted) = inserted else { return Ok(false) };
    let number: i32 = inserted.get(0);

    let types = [
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TIMESTAMPTZ,
    ];
    let columns = "run_regions (run_id, region, status, videos, error_kind, error_message, requests, retries,
        elapsed_ms, fetched_at)";
    let mut out = copy_into(transaction, columns, &types).await?;
    for row in &rows.regions {
        out.as_mut()
            .write(&[
                &id,
                &row.region,
                &row.status,
                &row.videos,
                &row.error_kind,
                &row.error_message,
                &row.requests,
                &row.retries,
                &row.elapsed_ms,
                &run.fetched_at,
            ])
            .await?;
    }
    out.as_mut().finish().await?;

    upsert_videos(transaction, &rows.videos, run.fetched_at, search_configs).await?;

    let types = [Type::INT4, Type::TEXT, Type::INT8, Type::INT8, Type::INT8];
    let mut out = copy_into(transaction, "counts (run, video_id, views, likes, comments)", &types).await?;
    for row in &rows.videos {
        out.as_mut().write(&[&number, &row.id, &row.views, &row.likes, &row.comments]).await?;
    }
    out.as_mut().finish().await?;

    let types = [Type::INT4, Type::TEXT, Type::INT4, Type::TEXT];
    let mut out = copy_into(transaction, "places (run, region, rank, video_id)", &types).await?;
    for row in &rows.places {
        out.as_mut().write(&[&number, &row.region.code(), &row.rank, &row.video_id]).await?;
    }
    out.as_mut().finish().await?;

    transaction
        .execute(
            "INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
             SELECT $1, region, $2, video_id, $3, $3 FROM places WHERE run = $4 ORDER BY region, video_id
             ON CONFLICT (region, video_id, source, coalesce(category_id, -1)) DO UPDATE SET
                 first_seen_at = least(presence.first_seen_at, excluded.first_seen_at),
                 last_seen_at = greatest(presence.last_seen_at, excluded.last_seen_at)",
            &[&run.source, &run.category_id, &run.fetched_at, &number],
        )
        .await?;
    Ok(true)
}

/// Starts to write rows the fast way; `finish` ends it.
async fn copy_into(
    transaction: &Transaction<'_>,
    columns: &str,
    types: &[Type],
) -> Result<Pin<Box<BinaryCopyInWriter>>, Error> {
    let sink = transaction.copy_in(&format!("COPY {columns} FROM STDIN BINARY")).await?;
    Ok(Box::pin(BinaryCopyInWriter::new(sink, types)))
}

async fn upsert_videos(
    transaction: &Transaction<'_>,
    videos: &[VideoRow<'_>],
    fetched_at: Timestamp,
    search_configs: &[String],
) -> Result<(), Error> {
    transaction
        .batch_execute(
            "CREATE TEMPORARY TABLE incoming (
                 video_id text, title text, channel text, channel_id text, category_id bigint, views bigint,
                 likes bigint, comments bigint, published_at timestamptz, duration_seconds bigint, live text,
                 embeddable boolean, age_restricted boolean, tags text, thumbnail text, description text,
                 declared_language text, primary_language text, search_config text
             ) ON COMMIT DROP",
        )
        .await?;
    let types = [
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::INT8,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::TEXT,
        Type::BOOL,
        Type::BOOL,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
    ];
    let mut out = copy_into(transaction, "incoming", &types).await?;
    for row in videos {
        let has_config = search_configs.iter().any(|config| config == row.search_config);
        let search_config = if has_config { row.search_config } else { "simple" };
        out.as_mut()
            .write(&[
                &row.id,
                &row.title,
                &row.channel,
                &row.channel_id,
                &row.category_id,
                &row.views,
                &row.likes,
                &row.comments,
                &row.published_at,
                &row.duration_seconds,
                &row.live,
                &row.embeddable,
                &row.age_restricted,
                &row.tags,
                &row.thumbnail,
                &row.description,
                &row.declared_language,
                &row.primary_language,
                &search_config,
            ])
            .await?;
    }
    out.as_mut().finish().await?;
    // The words of a video that is known are not taken apart again. What is longer than a title or
    // a list of tags can be is cut, since a tsvector may not exceed a megabyte ("Limitations").
    transaction
        .execute(
            "INSERT INTO videos (video_id, title, channel, channel_id, category_id, views, likes, comments,
                 published_at, duration_seconds, live, embeddable, age_restricted, tags, thumbnail, description,
                 description_fetched_at, declared_language, primary_language, search_config, first_seen_at,
                 last_seen_at, search)
             SELECT new.video_id, new.title, new.channel, new.channel_id, new.category_id, new.views, new.likes,
                 new.comments, new.published_at, new.duration_seconds, new.live, new.embeddable,
                 new.age_restricted, new.tags::jsonb, new.thumbnail, new.description,
                 CASE WHEN new.description IS NOT NULL THEN $1::timestamptz END, new.declared_language, new.primary_language,
                 new.search_config, $1, $1,
                 CASE WHEN (old.title, old.channel, old.tags, old.search_config)
                           = (new.title, new.channel, new.tags::jsonb, new.search_config)
                      THEN old.search
                      ELSE setweight(to_tsvector(new.search_config::regconfig, left(new.title, 10000)), 'A')
                           || setweight(to_tsvector(new.search_config::regconfig, left(new.channel, 1000)), 'B')
                           || setweight(to_tsvector(new.search_config::regconfig, left(new.tags, 50000)), 'C')
                 END
             FROM incoming new LEFT JOIN videos old ON old.video_id = new.video_id
             ORDER BY new.video_id
             ON CONFLICT (video_id) DO UPDATE SET
                 title = excluded.title, channel = excluded.channel, channel_id = excluded.channel_id,
                 category_id = excluded.category_id, views = excluded.views, likes = excluded.likes,
                 comments = excluded.comments, published_at = excluded.published_at,
                 duration_seconds = excluded.duration_seconds, live = excluded.live,
                 embeddable = excluded.embeddable, age_restricted = excluded.age_restricted, tags = excluded.tags,
                 thumbnail = excluded.thumbnail, declared_language = excluded.declared_language,
                 primary_language = excluded.primary_language, search_config = excluded.search_config,
                 last_seen_at = excluded.last_seen_at, search = excluded.search
             WHERE excluded.last_seen_at >= videos.last_seen_at",
            &[&fetched_at],
        )
        .await?;
    // A run that does not ask for descriptions leaves those of the last one that did.
    transaction
        .execute(
            "UPDATE videos SET description = new.description, description_fetched_at = $1
             FROM incoming new
             WHERE videos.video_id = new.video_id AND new.description IS NOT NULL
               AND coalesce(videos.description_fetched_at < $1, true)",
            &[&fetched_at],
        )
        .await?;
    // What only a run that comes late can tell: that the video was there before.
    transaction
        .execute(
            "UPDATE videos SET first_seen_at = $1 FROM incoming new
             WHERE videos.video_id = new.video_id AND videos.first_seen_at > $1",
            &[&fetched_at],
        )
        .await?;
    Ok(())
}

/// Deletes what was last fetched before `keep_from`: runs whose charts went, and videos.
async fn delete_before(transaction: &Transaction<'_>, keep_from: Timestamp) -> Result<(u64, u64), Error> {
    let old = "UPDATE runs SET pruned = true WHERE fetched_at < $1 AND NOT pruned RETURNING number";
    let old: Vec<i32> = transaction.query(old, &[&keep_from]).await?.iter().map(|row| row.get(0)).collect();
    // All other rows were last seen by a run, so that no old run means nothing old.
    if old.is_empty() {
        return Ok((0, 0));
    }
    transaction.execute("DELETE FROM places WHERE run = ANY ($1)", &[&old]).await?;
    transaction.execute("DELETE FROM counts WHERE run = ANY ($1)", &[&old]).await?;
    transaction.execute("DELETE FROM presence WHERE last_seen_at < $1", &[&keep_from]).await?;
    let videos = transaction.execute("DELETE FROM videos WHERE last_seen_at < $1", &[&keep_from]).await?;
    let forget =
        "UPDATE videos SET description = NULL, description_fetched_at = NULL WHERE description_fetched_at < $1";
    transaction.execute(forget, &[&keep_from]).await?;
    Ok((old.len() as u64, videos))
}

/// What the server asks to repeat ("PostgreSQL Error Codes": classes 40 and 57).
fn is_transient(error: &Error) -> bool {
    let transient = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
    ];
    error.code().is_some_and(|code| transient.contains(code))
}

/// What PostgreSQL says, with what to do about it ("PostgreSQL Error Codes").
fn explain(url: &PostgresUrl, error: &Error) -> StoreError {
    let code = error.code().map_or("", SqlState::code);
    let remedy = match code {
        "28P01" | "28000" => "check the user and the password in its address",
        "3D000" => "create the database first, with createdb",
        "42501" => "the user needs the right to create tables there, and to write into them",
        "42P07" | "42710" => {
            "tables of another program have these names; give trendfetch a database or a schema of its own"
        }
        "25006" => "the server takes no writes; name the primary, not a standby",
        "53300" => "the server has no connection left; run again, or raise its max_connections",
        "55P03" => "another program keeps its tables locked; end that, and run again",
        _ if code.starts_with("53") => "make room on the server, and run again",
        _ if error.to_string().contains("TLS") => {
            "give its authority with sslrootcert=FILE, or add sslmode=disable where nobody can listen"
        }
        _ if code.is_empty() => "check that the server runs, and that its address is right",
        _ => "run again; if it stays, please report this",
    };
    StoreError::new(url, cause(error), remedy)
}

/// The innermost cause, which alone says what happened.
fn cause(error: &Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    error.as_db_error().map_or_else(|| cause.to_string(), |error| error.message().to_owned())
}
