//! Writes the rows of a run, within its transaction.

use jiff::Timestamp;
use tokio_postgres::types::Type;
use tokio_postgres::{Error, Transaction};
use uuid::Uuid;

use super::columns::{ArrayColumn, Parameter, definitions, names, parameters, rows};
use super::operation::COMMIT_LOCK;
use crate::history::names::{Names, region_search_config};
use crate::history::rows::{EntryRow, RegionRow, Rows, RunRow, count, optional_text, text, texts, time};
use crate::history::shared_sql;
use crate::model::MergedVideo;
use crate::model::category::Category;
use crate::model::language::Language;
use crate::model::region::Region;

/// A run that counts as stored is on disk, also on a synchronous standby. A database may ask for more: `remote_apply`
/// waits until queries of the standby see the run.
const SYNCHRONOUS: &str =
    "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') <> 'remote_apply'";

/// The most videos in one message, which limits its memory.
const VIDEOS_PER_MESSAGE: usize = 8000;

/// Returns `false`, and writes nothing, if the history has the run. Rows that are dated after `latest` do not count as
/// newer.
///
/// Statements that do not need each other's results are sent together, and the server executes them in order. They are
/// polled in that order too (`biased`): after a statement fails, those after it fail with "current transaction is
/// aborted", and the error to report is the first.
pub(super) async fn insert(
    transaction: &Transaction<'_>,
    rows: &Rows<'_>,
    search_configs: &[String],
    latest: Option<Timestamp>,
) -> Result<bool, Error> {
    let run = &rows.run;
    // Every document has a UUID as its run id; reading a document checks that.
    let id = Uuid::parse_str(run.id).unwrap_or_default();
    let prepare =
        format!("{SYNCHRONOUS}; CREATE TEMPORARY TABLE incoming ({}) ON COMMIT DROP", definitions(&incoming(&[], &[])));
    // Most of the data is sent before the lock is taken, since other runs wait for that.
    let mut messages = rows.videos.chunks(VIDEOS_PER_MESSAGE);
    tokio::try_join!(
        biased;
        transaction.batch_execute(&prepare),
        insert_incoming(transaction, messages.next().unwrap_or_default(), search_configs),
    )?;
    for videos in messages {
        insert_incoming(transaction, videos, search_configs).await?;
    }
    let ((), (), inserted) = tokio::try_join!(
        biased;
        transaction.batch_execute(COMMIT_LOCK),
        upsert_names(transaction, &rows.names),
        insert_run(transaction, id, run),
    )?;
    let number = match inserted {
        None if delete_pruned(transaction, id).await? => insert_run(transaction, id, run).await?,
        number => number,
    };
    let Some(number) = number else { return Ok(false) };

    let (fetched_at, latest): (Parameter<'_>, Parameter<'_>) =
        ((&run.fetched_at, Type::TIMESTAMPTZ), (&latest, Type::TIMESTAMPTZ));
    let dates = [fetched_at.clone(), latest.clone()];
    let number: Parameter<'_> = (&number, Type::INT4);
    let presence = [
        (&run.source as _, Type::TEXT),
        (&run.category_id as _, Type::INT8),
        fetched_at.clone(),
        number.clone(),
        latest,
    ];
    tokio::try_join!(
        biased;
        insert_regions(transaction, number.clone(), &rows.regions, fetched_at),
        transaction.execute_typed(UPSERT_VIDEOS, &dates),
        transaction.execute_typed(UPDATE_DESCRIPTIONS, &dates),
        transaction.execute_typed(UPDATE_FIRST_SEEN, &dates[..1]),
        transaction.execute_typed(INSERT_COUNTS, std::slice::from_ref(&number)),
        insert_entries(transaction, number.clone(), &rows.entries),
        transaction.execute_typed(UPSERT_PRESENCE, &presence),
    )?;
    Ok(true)
}

/// Deletes the log of a run whose charts are deleted, so that its document can be loaded again.
async fn delete_pruned(transaction: &Transaction<'_>, id: Uuid) -> Result<bool, Error> {
    let sql = "DELETE FROM region_results WHERE run = (SELECT number FROM runs WHERE id = $1 AND pruned)";
    transaction.execute_typed(sql, &[(&id, Type::UUID)]).await?;
    Ok(transaction.execute_typed("DELETE FROM runs WHERE id = $1 AND pruned", &[(&id, Type::UUID)]).await? > 0)
}

/// Returns the number of the run; `None` if the history has it.
async fn insert_run(transaction: &Transaction<'_>, id: Uuid, run: &RunRow<'_>) -> Result<Option<i32>, Error> {
    let parameters: [Parameter<'_>; 16] = [
        (&id, Type::UUID),
        (&run.fetched_at, Type::TIMESTAMPTZ),
        (&run.source, Type::TEXT),
        (&run.category_id, Type::INT8),
        (&run.status, Type::TEXT),
        (&run.max_results, Type::INT8),
        (&run.raw, Type::INT8),
        (&run.unique, Type::INT8),
        (&run.multi_region, Type::INT8),
        (&run.skipped, Type::INT8),
        (&run.requests, Type::INT8),
        (&run.retries, Type::INT8),
        (&run.rate_limited, Type::INT8),
        (&run.quota_units, Type::INT8),
        (&run.elapsed_ms, Type::INT8),
        (&run.held_ms, Type::INT8),
    ];
    let sql = "
        INSERT INTO runs (id, fetched_at, source, category_id, status, max_results, raw, unique_videos,
            multi_region, skipped, requests, retries, rate_limited, quota_units, elapsed_ms, held_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (id) DO NOTHING RETURNING number";
    let inserted = transaction.query_typed_opt(sql, &parameters).await?;
    inserted.map(|row| row.try_get("number")).transpose()
}

/// Adds the names that are missing or have changed.
pub(super) async fn upsert_names(transaction: &Transaction<'_>, names: &Names) -> Result<(), Error> {
    let categories = [
        ArrayColumn::new("id", Type::INT8_ARRAY, names.categories.iter().map(|category| i64::from(category.id()))),
        ArrayColumn::new("name", Type::TEXT_ARRAY, names.categories.iter().map(Category::to_string)),
    ];
    let each = || names.regions.iter();
    let regions = [
        ArrayColumn::new("code", Type::TEXT_ARRAY, each().map(Region::code)),
        ArrayColumn::new("name", Type::TEXT_ARRAY, each().map(Region::name)),
        ArrayColumn::new("language", Type::TEXT_ARRAY, each().map(|region| region.language())),
        ArrayColumn::new("search_config", Type::TEXT_ARRAY, each().map(region_search_config)),
    ];
    tokio::try_join!(
        biased;
        upsert(transaction, shared_sql::UPSERT_CATEGORIES, &categories),
        upsert(transaction, shared_sql::UPSERT_REGIONS, &regions),
    )
    .map(drop)
}

async fn upsert(transaction: &Transaction<'_>, sql: &str, columns: &[ArrayColumn<'_>]) -> Result<(), Error> {
    let sql = sql.replace("{ROWS}", &format!("SELECT * FROM {}", rows(columns)));
    transaction.execute_typed(&sql, &parameters(columns, &[])).await.map(drop)
}

async fn insert_regions(
    transaction: &Transaction<'_>,
    number: Parameter<'_>,
    regions: &[RegionRow<'_>],
    fetched_at: Parameter<'_>,
) -> Result<(), Error> {
    let each = || regions.iter();
    let columns = [
        ArrayColumn::new("region", Type::TEXT_ARRAY, each().map(|row| row.region)),
        ArrayColumn::new("status", Type::TEXT_ARRAY, each().map(|row| row.status)),
        ArrayColumn::new("videos", Type::INT8_ARRAY, each().map(|row| row.videos)),
        ArrayColumn::new("error_kind", Type::TEXT_ARRAY, each().map(|row| row.error_kind)),
        ArrayColumn::new("error_message", Type::TEXT_ARRAY, each().map(|row| row.error_message.as_deref())),
        ArrayColumn::new("requests", Type::INT8_ARRAY, each().map(|row| row.requests)),
        ArrayColumn::new("retries", Type::INT8_ARRAY, each().map(|row| row.retries)),
        ArrayColumn::new("elapsed_ms", Type::INT8_ARRAY, each().map(|row| row.elapsed_ms)),
        ArrayColumn::new("position", Type::INT8_ARRAY, each().map(|row| row.position)),
        ArrayColumn::new("error_status", Type::INT8_ARRAY, each().map(|row| row.error_status)),
        ArrayColumn::new("error_reason", Type::TEXT_ARRAY, each().map(|row| row.error_reason.as_deref())),
    ];
    let (names, rows, next) = (names(&columns), rows(&columns), columns.len() + 1);
    let sql = format!(
        "INSERT INTO region_results ({names}, run, fetched_at) SELECT new.*, ${next}, ${} FROM {rows} AS new",
        next + 1
    );
    transaction.execute_typed(&sql, &parameters(&columns, &[number, fetched_at])).await.map(drop)
}

async fn insert_entries(
    transaction: &Transaction<'_>,
    number: Parameter<'_>,
    entries: &[EntryRow<'_>],
) -> Result<(), Error> {
    let columns = [
        ArrayColumn::new("region", Type::TEXT_ARRAY, entries.iter().map(|row| row.region.code())),
        ArrayColumn::new("rank", Type::INT4_ARRAY, entries.iter().map(|row| row.rank)),
        ArrayColumn::new("video_id", Type::TEXT_ARRAY, entries.iter().map(|row| row.video_id)),
    ];
    let (names, rows) = (names(&columns), rows(&columns));
    let sql = format!("INSERT INTO places_rows ({names}, run) SELECT new.*, $4 FROM {rows} AS new");
    transaction.execute_typed(&sql, &parameters(&columns, &[number])).await.map(drop)
}

/// The counts of the run's videos. Parameter: its number.
const INSERT_COUNTS: &str = "
    INSERT INTO counts_rows (run, video_id, views, likes, comments)
    SELECT $1, video_id, views, likes, comments FROM incoming";

/// When each video was first and last seen in the charts of its region. Parameters: source, category, start of the run,
/// its number, latest.
const UPSERT_PRESENCE: &str = "
    INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
    SELECT $1, region, $2, video_id, $3, $3 FROM places_rows WHERE run = $4 ORDER BY video_id, region
    ON CONFLICT (region, video_id, source, coalesce(category_id, -1)) DO UPDATE SET
        first_seen_at = least(presence.first_seen_at, excluded.first_seen_at),
        last_seen_at = CASE WHEN presence.last_seen_at > $5 THEN excluded.last_seen_at
                            ELSE greatest(presence.last_seen_at, excluded.last_seen_at) END";

/// The columns of the temporary table `incoming`, which holds the videos of the run until the transaction ends.
fn incoming<'a>(videos: &'a [&'a MergedVideo], search_configs: &[String]) -> Vec<ArrayColumn<'a>> {
    let each = || videos.iter().map(|merged| &*merged.video);
    let has = |config: &str| search_configs.iter().any(|known| known == config);
    let search_config = |merged: &&MergedVideo| Some(merged.search_config()).filter(|config| has(config));
    vec![
        ArrayColumn::new("video_id", Type::TEXT_ARRAY, each().map(|video| video.id.as_str())),
        ArrayColumn::new("title", Type::TEXT_ARRAY, each().map(|video| text(&video.title))),
        ArrayColumn::new("channel", Type::TEXT_ARRAY, each().map(|video| text(&video.channel))),
        ArrayColumn::new("channel_id", Type::TEXT_ARRAY, each().map(|video| optional_text(&video.channel_id))),
        ArrayColumn::new(
            "category_id",
            Type::INT8_ARRAY,
            each().map(|video| video.category.map(|category| i64::from(category.id()))),
        ),
        ArrayColumn::new("views", Type::INT8_ARRAY, each().map(|video| count(video.views))),
        ArrayColumn::new("likes", Type::INT8_ARRAY, each().map(|video| count(video.likes))),
        ArrayColumn::new("comments", Type::INT8_ARRAY, each().map(|video| count(video.comments))),
        ArrayColumn::new("published_at", Type::TIMESTAMPTZ_ARRAY, each().map(|video| time(video.published_at))),
        ArrayColumn::new("duration_seconds", Type::INT8_ARRAY, each().map(|video| count(video.duration_seconds))),
        ArrayColumn::new("live", Type::TEXT_ARRAY, each().map(|video| video.live.as_str())),
        ArrayColumn::new("embeddable", Type::BOOL_ARRAY, each().map(|video| video.embeddable)),
        ArrayColumn::new("age_restricted", Type::BOOL_ARRAY, each().map(|video| video.age_restricted)),
        ArrayColumn::new("tags", Type::TEXT_ARRAY, each().map(|video| texts(video.tags.iter()))),
        ArrayColumn::new("thumbnail", Type::TEXT_ARRAY, each().map(|video| optional_text(&video.thumbnail))),
        ArrayColumn::new("description", Type::TEXT_ARRAY, each().map(|video| optional_text(&video.description))),
        ArrayColumn::new(
            "declared_language",
            Type::TEXT_ARRAY,
            each().map(|video| video.declared_language.as_ref().map(Language::code)),
        ),
        ArrayColumn::new("primary_language", Type::TEXT_ARRAY, videos.iter().map(|merged| merged.primary_language())),
        ArrayColumn::new(
            "search_config",
            Type::TEXT_ARRAY,
            videos.iter().map(|merged| search_config(merged).unwrap_or("simple")),
        ),
        ArrayColumn::new("language_tag", Type::TEXT_ARRAY, each().map(|video| optional_text(&video.language_tag))),
    ]
}

/// Fills the temporary table.
async fn insert_incoming(
    transaction: &Transaction<'_>,
    videos: &[&MergedVideo],
    search_configs: &[String],
) -> Result<(), Error> {
    let columns = incoming(videos, search_configs);
    let sql = format!("INSERT INTO incoming ({}) SELECT * FROM {}", names(&columns), rows(&columns));
    transaction.execute_typed(&sql, &parameters(&columns, &[])).await.map(drop)
}

/// Inserts new videos, and updates known ones if the run is newer. The search vector is computed only if the text has
/// changed. Text that is longer than a title or a list of tags can be is cut, since a tsvector is limited to one megabyte
/// ("Limitations"). Parameters: start of the run, latest.
const UPSERT_VIDEOS: &str = "
    INSERT INTO videos (video_id, title, channel, channel_id, category_id, views, likes, comments,
         published_at, duration_seconds, live, embeddable, age_restricted, tags, thumbnail, description,
         description_fetched_at, declared_language, primary_language, search_config, language_tag, first_seen_at,
         last_seen_at, search)
     SELECT new.video_id, new.title, new.channel, new.channel_id, new.category_id, new.views, new.likes,
         new.comments, new.published_at, new.duration_seconds, new.live, new.embeddable,
         new.age_restricted, new.tags::jsonb, new.thumbnail, new.description,
         CASE WHEN new.description IS NOT NULL THEN $1::timestamptz END, new.declared_language, new.primary_language,
         new.search_config, new.language_tag, $1, $1,
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
         language_tag = excluded.language_tag,
         last_seen_at = excluded.last_seen_at, search = excluded.search
     WHERE excluded.last_seen_at >= videos.last_seen_at OR videos.last_seen_at > $2";

/// A run without descriptions leaves those of the last run that fetched them unchanged. Parameters: start of the run,
/// latest.
const UPDATE_DESCRIPTIONS: &str = "
    UPDATE videos SET description = new.description, description_fetched_at = $1
    FROM incoming new
    WHERE videos.video_id = new.video_id AND new.description IS NOT NULL
      AND (coalesce(videos.description_fetched_at < $1, true) OR videos.description_fetched_at > $2)";

/// A document that is loaded after newer runs may show that a video was there earlier. Parameter: start of the run.
const UPDATE_FIRST_SEEN: &str = "
    UPDATE videos SET first_seen_at = $1 FROM incoming new
    WHERE videos.video_id = new.video_id AND videos.first_seen_at > $1";
