//! Writes the rows of a run, within its transaction.

use jiff::Timestamp;
use rusqlite::{Transaction, params};

use super::select::adapted;
use crate::history::names::{Names, region_search_config};
use crate::history::rows::{Rows, RunRow, count, optional_text, text, texts, time};
use crate::history::shared_sql;
use crate::model::MergedVideo;
use crate::model::category::Category;
use crate::model::language::Language;

/// Returns `false`, and writes nothing, if the history has the run. Rows that are dated after `latest` do not count as
/// newer.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    rows: &Rows<'_>,
    latest: Option<Timestamp>,
) -> rusqlite::Result<bool> {
    let run = &rows.run;
    let is_new =
        insert_run(transaction, run)? || (delete_pruned(transaction, run.id)? && insert_run(transaction, run)?);
    if !is_new {
        return Ok(false);
    }
    let number = transaction.last_insert_rowid();
    let fetched_at = run.fetched_at;

    upsert_names(transaction, &rows.names)?;
    let mut statement = transaction.prepare(
        "INSERT INTO region_results (run, region, status, videos, error_kind, error_message, requests, retries,
             elapsed_ms, fetched_at, position, error_status, error_reason)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for row in &rows.regions {
        statement.execute(params![
            number,
            row.region,
            row.status,
            row.videos,
            row.error_kind,
            row.error_message,
            row.requests,
            row.retries,
            row.elapsed_ms,
            fetched_at,
            row.position,
            row.error_status,
            row.error_reason
        ])?;
    }
    upsert_videos(transaction, &rows.videos, fetched_at, latest)?;
    let mut statement =
        transaction.prepare("INSERT INTO counts (run, video_id, views, likes, comments) VALUES (?, ?, ?, ?, ?)")?;
    for MergedVideo { video, .. } in &rows.videos {
        statement.execute(params![
            number,
            video.id.as_str(),
            count(video.views),
            count(video.likes),
            count(video.comments)
        ])?;
    }
    let mut statement = transaction.prepare("INSERT INTO places (run, region, rank, video_id) VALUES (?, ?, ?, ?)")?;
    for row in &rows.entries {
        statement.execute(params![number, row.region.code(), row.rank, row.video_id])?;
    }
    transaction.execute(
        "INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
         SELECT ?1, region, ?2, video_id, ?3, ?3 FROM places WHERE run = ?4 ORDER BY region, video_id
         ON CONFLICT (region, video_id, source, coalesce(category_id, -1)) DO UPDATE SET
             first_seen_at = min(first_seen_at, excluded.first_seen_at),
             last_seen_at = CASE WHEN last_seen_at > ?5 THEN excluded.last_seen_at
                                 ELSE max(last_seen_at, excluded.last_seen_at) END",
        params![run.source, run.category_id, fetched_at, number, latest],
    )?;
    Ok(true)
}

/// Deletes the log of a run whose charts are deleted, so that its document can be loaded again.
fn delete_pruned(transaction: &Transaction<'_>, id: &str) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM region_results WHERE run = (SELECT number FROM runs WHERE id = ? AND pruned)";
    transaction.execute(sql, [id])?;
    Ok(transaction.execute("DELETE FROM runs WHERE id = ? AND pruned", [id])? > 0)
}

fn insert_run(transaction: &Transaction<'_>, run: &RunRow<'_>) -> rusqlite::Result<bool> {
    let inserted = transaction.execute(
        "INSERT INTO runs (id, fetched_at, source, category_id, status, max_results, raw, unique_videos, multi_region,
             skipped, requests, retries, rate_limited, quota_units, elapsed_ms, held_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        params![
            run.id,
            run.fetched_at,
            run.source,
            run.category_id,
            run.status,
            run.max_results,
            run.raw,
            run.unique,
            run.multi_region,
            run.skipped,
            run.requests,
            run.retries,
            run.rate_limited,
            run.quota_units,
            run.elapsed_ms,
            run.held_ms
        ],
    )?;
    Ok(inserted > 0)
}

/// Adds the names that are missing or have changed.
pub(super) fn upsert_names(transaction: &Transaction<'_>, names: &Names) -> rusqlite::Result<()> {
    let mut upsert =
        transaction.prepare(&adapted(shared_sql::UPSERT_CATEGORIES).replace("{ROWS}", "VALUES (?1, ?2)"))?;
    for category in &names.categories {
        upsert.execute(params![category.id(), category.to_string()])?;
    }
    let mut upsert =
        transaction.prepare(&adapted(shared_sql::UPSERT_REGIONS).replace("{ROWS}", "VALUES (?1, ?2, ?3, ?4)"))?;
    for region in &names.regions {
        upsert.execute(params![region.code(), region.name(), region.language(), region_search_config(region)])?;
    }
    Ok(())
}

fn upsert_videos(
    transaction: &Transaction<'_>,
    videos: &[&MergedVideo],
    fetched_at: Timestamp,
    latest: Option<Timestamp>,
) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare(
        "INSERT INTO videos (first_seen_at, last_seen_at, video_id, title, channel, channel_id, category_id, views,
             likes, comments, published_at, duration_seconds, live, embeddable, age_restricted, tags, thumbnail,
             description, description_fetched_at, declared_language, primary_language, search_config, language_tag)
         VALUES (?1, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
             ?18, CASE WHEN ?18 IS NOT NULL THEN ?1 END, ?19, ?20, ?21, ?22)
         ON CONFLICT (video_id) DO UPDATE SET
             title = excluded.title, channel = excluded.channel, channel_id = excluded.channel_id,
             category_id = excluded.category_id, views = excluded.views, likes = excluded.likes,
             comments = excluded.comments, published_at = excluded.published_at,
             duration_seconds = excluded.duration_seconds, live = excluded.live, embeddable = excluded.embeddable,
             age_restricted = excluded.age_restricted, tags = excluded.tags, thumbnail = excluded.thumbnail,
             declared_language = excluded.declared_language, primary_language = excluded.primary_language,
             search_config = excluded.search_config, language_tag = excluded.language_tag,
             last_seen_at = excluded.last_seen_at
         WHERE excluded.last_seen_at >= last_seen_at OR last_seen_at > ?2",
    )?;
    for merged in videos {
        let video = &merged.video;
        upsert.execute(params![
            fetched_at,
            latest,
            video.id.as_str(),
            text(&video.title),
            text(&video.channel),
            optional_text(&video.channel_id),
            video.category.map(Category::id),
            count(video.views),
            count(video.likes),
            count(video.comments),
            time(video.published_at),
            count(video.duration_seconds),
            video.live.as_str(),
            video.embeddable,
            video.age_restricted,
            texts(video.tags.iter()),
            optional_text(&video.thumbnail),
            optional_text(&video.description),
            video.declared_language.as_ref().map(Language::code),
            merged.primary_language(),
            merged.search_config(),
            optional_text(&video.language_tag)
        ])?;
    }
    // A run without descriptions leaves those of the last run that fetched them unchanged.
    let mut describe = transaction.prepare(
        "UPDATE videos SET description = ?2, description_fetched_at = ?3
         WHERE video_id = ?1 AND (coalesce(description_fetched_at < ?3, true) OR description_fetched_at > ?4)",
    )?;
    for MergedVideo { video, .. } in videos.iter().filter(|merged| merged.video.description.is_some()) {
        describe.execute(params![video.id.as_str(), optional_text(&video.description), fetched_at, latest])?;
    }
    // A document that is loaded after newer runs may show that a video was there earlier.
    let is_late = "SELECT EXISTS (SELECT 1 FROM runs WHERE fetched_at > ?) AS is_late";
    if transaction.query_row(is_late, [fetched_at], |row| row.get("is_late"))? {
        let mut date_back =
            transaction.prepare("UPDATE videos SET first_seen_at = ?2 WHERE video_id = ?1 AND first_seen_at > ?2")?;
        for merged in videos {
            date_back.execute(params![merged.video.id.as_str(), fetched_at])?;
        }
    }
    Ok(())
}
