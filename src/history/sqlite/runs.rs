//! Reads whole runs, to hand them out.

use compact_str::CompactString;
use jiff::Timestamp;
use rusqlite::types::FromSqlError;
use rusqlite::{Connection, Row, params};

use super::select::{adapted, chart_series, columns, region, saturating_u32, status};
use crate::history::restore::{RegionColumns, RunRows, StoredEntry, VideoColumns, document, number};
use crate::history::{RunFilter, StoredRun, shared_sql};
use crate::model::region::Region;
use crate::model::{Document, Stats};

pub(super) fn stored_runs(connection: &Connection, filter: &RunFilter) -> rusqlite::Result<Vec<StoredRun>> {
    let categories = filter.categories.iter().flatten().map(|id| id.map_or(-1, i64::from));
    let categories = serde_json::Value::from(categories.collect::<Vec<_>>()).to_string();
    let parameters = params![
        filter.since.unwrap_or(Timestamp::UNIX_EPOCH),
        filter.until.unwrap_or(Timestamp::MAX),
        filter.categories.is_none(),
        categories,
        filter.regions.is_none(),
        codes(filter.regions.as_deref()),
        filter.run_id.map(|id| id.to_string()),
    ];
    let mut statement = connection.prepare(&adapted(shared_sql::STORED_RUNS))?;
    statement.query_map(parameters, stored_run)?.filter_map(Result::transpose).collect()
}

/// `None` if it requested none of the regions.
fn stored_run(row: &Row<'_>) -> rusqlite::Result<Option<StoredRun>> {
    let (entries, is_pruned): (Option<i64>, bool) = (row.get("entries")?, row.get("pruned")?);
    if entries.is_none() && !is_pruned {
        return Ok(None);
    }
    Ok(Some(StoredRun {
        number: row.get("number")?,
        id: row.get("id")?,
        fetched_at: row.get("fetched_at")?,
        series: chart_series(row)?,
        max_results: saturating_u32(row, "max_results")?,
        is_pruned,
        entries: number(entries.unwrap_or(0)),
        stats: Stats {
            raw: number(row.get("raw")?),
            unique: number(row.get("unique_videos")?),
            multi_region: number(row.get("multi_region")?),
            skipped: number(row.get("skipped")?),
            overlap: Vec::new(),
            requests: number(row.get("requests")?),
            retries: number(row.get("retries")?),
            rate_limited: number(row.get("rate_limited")?),
            quota_units: number(row.get("quota_units")?),
            elapsed_ms: number(row.get("elapsed_ms")?),
            held_ms: number(row.get("held_ms")?),
            regions_ok: Vec::new(),
            regions_failed: Vec::new(),
            regions: Vec::new(),
        },
    }))
}

pub(super) fn run_documents(
    connection: &Connection,
    runs: &[StoredRun],
    regions: Option<&[Region]>,
    description: bool,
) -> rusqlite::Result<Vec<Document>> {
    let read = |run: &StoredRun| {
        let mut rows = RunRows { regions: region_results(connection, run)?, ..RunRows::default() };
        read_entries(connection, run, regions, &mut rows)?;
        read_videos(connection, run, regions, description, &mut rows)?;
        Ok(document(run, rows, regions))
    };
    runs.iter().map(read).collect()
}

fn region_results(connection: &Connection, run: &StoredRun) -> rusqlite::Result<Vec<RegionColumns>> {
    let result = |row: &Row<'_>| {
        Ok(RegionColumns {
            region: region(row, "region")?,
            status: status(row, "status")?,
            videos: row.get("videos")?,
            requests: row.get("requests")?,
            retries: row.get("retries")?,
            elapsed_ms: row.get("elapsed_ms")?,
            error_kind: row.get("error_kind")?,
            error_message: row.get("error_message")?,
            error_status: row.get("error_status")?,
            error_reason: row.get("error_reason")?,
            position: row.get("position")?,
        })
    };
    let mut statement = connection.prepare(&adapted(shared_sql::REGION_RESULTS))?;
    statement.query_map([serde_json::Value::from(vec![run.number]).to_string()], result)?.collect()
}

/// Parameters: run, whether any region will do, regions.
const ENTRIES: &str = "
    SELECT region, rank, video_id FROM places
    WHERE run = ?1 AND (?2 OR region IN (SELECT value FROM json_each(?3))) ORDER BY region, rank";

fn read_entries(
    connection: &Connection,
    run: &StoredRun,
    regions: Option<&[Region]>,
    rows: &mut RunRows,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(ENTRIES)?;
    let [region_code, rank, video_id] = columns(&statement, ["region", "rank", "video_id"])?;
    let mut found = statement.query(params![run.number, regions.is_none(), codes(regions)])?;
    while let Some(row) = found.next()? {
        rows.entries.push(StoredEntry {
            region: region(row, region_code)?,
            rank: saturating_u32(row, rank)?,
            video_id: row.get_ref(video_id)?.as_str()?.into(),
        });
    }
    Ok(())
}

/// The videos of a run with their counts. Parameters: run, whether any region will do, regions, whether descriptions are
/// wanted.
const VIDEOS: &str = "
    SELECT videos.video_id AS video_id, title, channel, channel_id, category_id, counts.views AS views,
           counts.likes AS likes, counts.comments AS comments, published_at, duration_seconds, live, embeddable,
           age_restricted, tags, thumbnail, CASE WHEN ?4 THEN description END AS description, declared_language,
           language_tag
    FROM counts CROSS JOIN videos ON videos.video_id = counts.video_id
    WHERE counts.run = ?1 AND (?2 OR counts.video_id IN (
        SELECT places.video_id FROM places WHERE places.run = ?1 AND region IN (SELECT value FROM json_each(?3))
    ))";

fn read_videos(
    connection: &Connection,
    run: &StoredRun,
    regions: Option<&[Region]>,
    description: bool,
    rows: &mut RunRows,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(VIDEOS)?;
    let [video_id, title, channel, channel_id, category_id, published_at, duration_seconds, live] = columns(
        &statement,
        ["video_id", "title", "channel", "channel_id", "category_id", "published_at", "duration_seconds", "live"],
    )?;
    let [embeddable, age_restricted, tags, thumbnail, about, declared_language, language_tag] = columns(
        &statement,
        ["embeddable", "age_restricted", "tags", "thumbnail", "description", "declared_language", "language_tag"],
    )?;
    let [views, likes, comments] = columns(&statement, ["views", "likes", "comments"])?;
    let mut found = statement.query(params![run.number, regions.is_none(), codes(regions), description])?;
    while let Some(row) = found.next()? {
        let text = |column: usize| row.get_ref(column).map_err(other)?.as_str();
        let optional = |column: usize| row.get_ref(column).map_err(other)?.as_str_or_null();
        let video = VideoColumns {
            video_id: text(video_id)?,
            title: text(title)?,
            channel: text(channel)?,
            channel_id: optional(channel_id)?,
            category_id: row.get(category_id)?,
            published_at: row.get(published_at)?,
            duration_seconds: row.get(duration_seconds)?,
            live: text(live)?,
            embeddable: row.get(embeddable)?,
            age_restricted: row.get(age_restricted)?,
            tags: text(tags)?,
            thumbnail: optional(thumbnail)?,
            description: optional(about)?,
            declared_language: optional(declared_language)?,
            language_tag: optional(language_tag)?,
        };
        let counts = [row.get(views)?, row.get(likes)?, row.get(comments)?];
        rows.videos.insert(CompactString::from(video.video_id), video.video(counts));
    }
    Ok(())
}

fn other(error: rusqlite::Error) -> FromSqlError {
    FromSqlError::Other(Box::new(error))
}

/// A JSON array.
fn codes(regions: Option<&[Region]>) -> String {
    let codes: Vec<&str> = regions.unwrap_or_default().iter().map(Region::code).collect();
    serde_json::Value::from(codes).to_string()
}
