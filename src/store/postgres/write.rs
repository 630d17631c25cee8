//! What a run changes in the tables, within its transaction.

use std::pin::Pin;

use jiff::Timestamp;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use crate::store::rows::{PlaceRow, Rows, RunRow, VideoRow};

/// Writes the rows of a run; `false` where it is there already. What is dated after `latest` is not taken for newer.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    rows: &Rows<'_>,
    search_configs: &[String],
    latest: Option<Timestamp>,
) -> Result<bool, Error> {
    let run = &rows.run;
    // A run's id is a UUID wherever a report comes from; see `document`.
    let id = Uuid::parse_str(run.id).unwrap_or_default();
    let number = match insert_run(transaction, id, run).await? {
        None if forget_pruned(transaction, id).await? => insert_run(transaction, id, run).await?,
        number => number,
    };
    let Some(number) = number else { return Ok(false) };

    copy_regions(transaction, id, rows).await?;
    upsert_videos(transaction, &rows.videos, (run.fetched_at, latest), search_configs).await?;
    copy_counts(transaction, number, &rows.videos).await?;
    copy_places(transaction, number, &rows.places).await?;
    note_presence(transaction, number, run, latest).await?;
    Ok(true)
}

/// Deletes what is left of a run whose charts are deleted, so that its document can be brought in again.
async fn forget_pruned(transaction: &Transaction<'_>, id: Uuid) -> Result<bool, Error> {
    let sql = "DELETE FROM run_regions WHERE run_id = (SELECT id FROM runs WHERE id = $1 AND pruned)";
    transaction.execute(sql, &[&id]).await?;
    Ok(transaction.execute("DELETE FROM runs WHERE id = $1 AND pruned", &[&id]).await? > 0)
}

/// The run's number; `None` where it is there already.
async fn insert_run(transaction: &Transaction<'_>, id: Uuid, run: &RunRow<'_>) -> Result<Option<i32>, Error> {
    let parameters: [&(dyn ToSql + Sync); 16] = [
        &id,
        &run.fetched_at,
        &run.source,
        &run.category_id,
        &run.status,
        &run.max_results,
        &run.raw,
        &run.unique,
        &run.multi_region,
        &run.skipped,
        &run.requests,
        &run.retries,
        &run.rate_limited,
        &run.quota_units,
        &run.elapsed_ms,
        &run.held_ms,
    ];
    let inserted = transaction
        .query_opt(
            "INSERT INTO runs (id, fetched_at, source, category_id, status, max_results, raw, unique_videos,
                 multi_region, skipped, requests, retries, rate_limited, quota_units, elapsed_ms, held_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
             ON CONFLICT (id) DO NOTHING RETURNING number",
            &parameters,
        )
        .await?;
    inserted.map(|row| row.try_get(0)).transpose()
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

async fn copy_regions(transaction: &Transaction<'_>, id: Uuid, rows: &Rows<'_>) -> Result<(), Error> {
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
                &rows.run.fetched_at,
            ])
            .await?;
    }
    out.as_mut().finish().await.map(drop)
}

async fn copy_counts(transaction: &Transaction<'_>, number: i32, videos: &[VideoRow<'_>]) -> Result<(), Error> {
    let types = [Type::INT4, Type::TEXT, Type::INT8, Type::INT8, Type::INT8];
    let mut out = copy_into(transaction, "counts (run, video_id, views, likes, comments)", &types).await?;
    for row in videos {
        out.as_mut().write(&[&number, &row.id, &row.views, &row.likes, &row.comments]).await?;
    }
    out.as_mut().finish().await.map(drop)
}

async fn copy_places(transaction: &Transaction<'_>, number: i32, places: &[PlaceRow<'_>]) -> Result<(), Error> {
    let types = [Type::INT4, Type::TEXT, Type::INT4, Type::TEXT];
    let mut out = copy_into(transaction, "places (run, region, rank, video_id)", &types).await?;
    for row in places {
        out.as_mut().write(&[&number, &row.region.code(), &row.rank, &row.video_id]).await?;
    }
    out.as_mut().finish().await.map(drop)
}

async fn note_presence(
    transaction: &Transaction<'_>,
    number: i32,
    run: &RunRow<'_>,
    latest: Option<Timestamp>,
) -> Result<(), Error> {
    let statement = "
        INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
        SELECT $1, region, $2, video_id, $3, $3 FROM places WHERE run = $4 ORDER BY region, video_id
        ON CONFLICT (region, video_id, source, coalesce(category_id, -1)) DO UPDATE SET
            first_seen_at = least(presence.first_seen_at, excluded.first_seen_at),
            last_seen_at = CASE WHEN presence.last_seen_at > $5 THEN excluded.last_seen_at
                                ELSE greatest(presence.last_seen_at, excluded.last_seen_at) END";
    let parameters: [&(dyn ToSql + Sync); 5] = [&run.source, &run.category_id, &run.fetched_at, &number, &latest];
    transaction.execute(statement, &parameters).await.map(drop)
}

/// The videos of the run, in a table of its own as long as the transaction lasts.
const INCOMING: [(&str, Type); 19] = [
    ("video_id", Type::TEXT),
    ("title", Type::TEXT),
    ("channel", Type::TEXT),
    ("channel_id", Type::TEXT),
    ("category_id", Type::INT8),
    ("views", Type::INT8),
    ("likes", Type::INT8),
    ("comments", Type::INT8),
    ("published_at", Type::TIMESTAMPTZ),
    ("duration_seconds", Type::INT8),
    ("live", Type::TEXT),
    ("embeddable", Type::BOOL),
    ("age_restricted", Type::BOOL),
    ("tags", Type::TEXT),
    ("thumbnail", Type::TEXT),
    ("description", Type::TEXT),
    ("declared_language", Type::TEXT),
    ("primary_language", Type::TEXT),
    ("search_config", Type::TEXT),
];

async fn upsert_videos(
    transaction: &Transaction<'_>,
    videos: &[VideoRow<'_>],
    (fetched_at, latest): (Timestamp, Option<Timestamp>),
    search_configs: &[String],
) -> Result<(), Error> {
    stage(transaction, videos, search_configs).await?;
    transaction.execute(MERGE, &[&fetched_at, &latest]).await?;
    transaction.execute(DESCRIBE, &[&fetched_at, &latest]).await?;
    transaction.execute(DATE_BACK, &[&fetched_at]).await.map(drop)
}

/// Fills the table of what is incoming.
async fn stage(transaction: &Transaction<'_>, videos: &[VideoRow<'_>], search_configs: &[String]) -> Result<(), Error> {
    let columns = INCOMING.each_ref().map(|(name, kind)| format!("{name} {kind}"));
    let create = format!("CREATE TEMPORARY TABLE incoming ({}) ON COMMIT DROP", columns.join(", "));
    transaction.batch_execute(&create).await?;
    let mut out = copy_into(transaction, "incoming", &INCOMING.map(|(_, kind)| kind)).await?;
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
    out.as_mut().finish().await.map(drop)
}

/// New videos, and newer facts of those that are known, by the start of the run. The words of a video that is known
/// are not taken apart again. What is longer than a title or a list of tags can be is cut, since a tsvector may not
/// exceed a megabyte ("Limitations").
const MERGE: &str = "
    INSERT INTO videos (video_id, title, channel, channel_id, category_id, views, likes, comments,
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
     WHERE excluded.last_seen_at >= videos.last_seen_at OR videos.last_seen_at > $2";

/// A run that does not ask for descriptions leaves those of the last one that did.
const DESCRIBE: &str = "
    UPDATE videos SET description = new.description, description_fetched_at = $1
    FROM incoming new
    WHERE videos.video_id = new.video_id AND new.description IS NOT NULL
      AND (coalesce(videos.description_fetched_at < $1, true) OR videos.description_fetched_at > $2)";

/// What only a run that comes late can tell: that the video was there before.
const DATE_BACK: &str = "
    UPDATE videos SET first_seen_at = $1 FROM incoming new
    WHERE videos.video_id = new.video_id AND videos.first_seen_at > $1";
