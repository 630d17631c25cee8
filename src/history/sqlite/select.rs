//! Reads the history. Each type is read from its columns by name, beside the statement that selects them. Statements
//! with many rows look the names up once: looking them up for each row took a quarter of the time of `changes`.
//!
//! Charts are read one by one: SQLite runs in this process, so a statement costs no round trip.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, RowIndex, Statement, params};

use crate::history::{
    AbsentChart, ChartFilter, ChartRef, ChartSeries, HistoryEntry, KeptRun, Period, RegionAttempt, RequestedRegion,
    SeriesRuns, VideoRank, VideoRecord, shared_sql,
};
use crate::model::category::Category;
use crate::model::region::Region;
use crate::model::{ChartId, Status};
use crate::support::sanitize::one_line;

pub(super) fn kept_runs(connection: &Connection) -> rusqlite::Result<Vec<KeptRun>> {
    let mut statement = connection.prepare(shared_sql::KEPT_RUNS)?;
    let run = |row: &Row<'_>| {
        Ok(KeptRun {
            number: row.get("number")?,
            id: row.get("id")?,
            fetched_at: row.get("fetched_at")?,
            left_expired: row.get("left_expired")?,
        })
    };
    statement.query_map([], run)?.collect()
}

pub(super) fn requested_regions(connection: &Connection) -> rusqlite::Result<Vec<RequestedRegion>> {
    let mut statement = connection.prepare(shared_sql::REQUESTED_REGIONS)?;
    let requested =
        |row: &Row<'_>| Ok(RequestedRegion { region: region(row, "region")?, requested_at: row.get("requested_at")? });
    let mut regions: Vec<RequestedRegion> = statement.query_map([], requested)?.collect::<rusqlite::Result<_>>()?;
    regions.sort_unstable_by_key(|requested| requested.region);
    Ok(regions)
}

pub(super) fn newest_charts(connection: &Connection, filter: &ChartFilter) -> rusqlite::Result<Vec<ChartRef>> {
    let sql = adapted(shared_sql::NEWEST_CHARTS);
    let mut statement = connection.prepare(&sql)?;
    let codes: Vec<&str> = filter.regions.iter().map(Region::code).collect();
    let codes = serde_json::Value::from(codes).to_string();
    let (any_category, category) = (filter.category_id.is_none(), filter.category_id.flatten());
    let parameters = params![filter.until, filter.source, any_category, category, filter.limit, codes];
    let chart = |row: &Row<'_>| {
        Ok(ChartRef {
            region: region(row, "region")?,
            run_id: row.get("run_id")?,
            number: row.get("number")?,
            fetched_at: row.get("fetched_at")?,
            series: chart_series(row)?,
            max_results: saturating_u32(row, "max_results")?,
        })
    };
    statement.query_map(parameters, chart)?.collect()
}

/// The entries of a chart with what is known about their videos. Parameters: run, region, source, category or -1.
const CHART_ENTRIES: &str = "
    SELECT places.rank AS rank, places.video_id AS video_id, videos.title AS title, videos.channel AS channel,
           videos.channel_id AS channel_id, presence.first_seen_at AS first_seen_at, videos.category_id AS category_id, counts.views AS views,
           videos.thumbnail AS thumbnail, videos.declared_language AS declared_language
    FROM places
    LEFT JOIN counts ON counts.run = places.run AND counts.video_id = places.video_id
    JOIN videos ON videos.video_id = places.video_id
    JOIN presence ON presence.region = places.region AND presence.video_id = places.video_id
         AND presence.source = ?3 AND coalesce(presence.category_id, -1) = ?4
    WHERE places.run = ?1 AND places.region = ?2
    ORDER BY places.rank";

pub(super) fn chart_entries(connection: &Connection, charts: &[ChartRef]) -> rusqlite::Result<Vec<Vec<HistoryEntry>>> {
    let mut statement = connection.prepare(CHART_ENTRIES)?;
    let [rank, video_id, title, channel, channel_id, first_seen_at] =
        columns(&statement, ["rank", "video_id", "title", "channel", "channel_id", "first_seen_at"])?;
    let [category_id, views, thumbnail, language] =
        columns(&statement, ["category_id", "views", "thumbnail", "declared_language"])?;
    let entry = |row: &Row<'_>| {
        Ok(HistoryEntry {
            rank: row.get(rank)?,
            video_id: row.get(video_id)?,
            title: row.get(title)?,
            channel: row.get(channel)?,
            channel_id: row.get(channel_id)?,
            first_seen_at: row.get(first_seen_at)?,
            category: row.get::<_, Option<u32>>(category_id)?.map(Category::new),
            views: row.get::<_, Option<i64>>(views)?.and_then(|views| u64::try_from(views).ok()),
            thumbnail: row.get(thumbnail)?,
            language: row.get(language)?,
        })
    };
    let entries = |chart: &ChartRef| {
        let category = chart.series.category_id.map_or(-1, i64::from);
        let parameters = params![chart.number, chart.region.code(), chart.series.source, category];
        statement.query_map(parameters, entry)?.collect()
    };
    charts.iter().map(entries).collect()
}

/// Parameters: run, region, lowest rank.
const VIDEO_RANKS: &str =
    "SELECT rank, video_id FROM places WHERE run = ?1 AND region = ?2 AND rank <= ?3 ORDER BY rank";

pub(super) fn video_ranks(
    connection: &Connection,
    charts: &[ChartRef],
    max_rank: u32,
) -> rusqlite::Result<Vec<Vec<VideoRank>>> {
    let mut statement = connection.prepare(VIDEO_RANKS)?;
    let [rank, video_id] = columns(&statement, ["rank", "video_id"])?;
    let ranks = |chart: &ChartRef| {
        let video_rank =
            |row: &Row<'_>| Ok(VideoRank { number: chart.number, rank: row.get(rank)?, video_id: row.get(video_id)? });
        statement.query_map(params![chart.number, chart.region.code(), max_rank], video_rank)?.collect()
    };
    charts.iter().map(ranks).collect()
}

/// The ranks of a chart. Parameters: run, region.
const RANKS: &str = "SELECT rank, video_id FROM places WHERE run = ?1 AND region = ?2";

pub(super) fn video_records(
    connection: &Connection,
    charts: &[Vec<ChartRef>],
) -> rusqlite::Result<Vec<Vec<VideoRecord>>> {
    let mut statement = connection.prepare(RANKS)?;
    charts.iter().map(|charts| records_of_newest(&mut statement, charts)).collect()
}

/// Ids are compared as bytes of the row, since a month has millions of rows.
fn records_of_newest(statement: &mut Statement<'_>, charts: &[ChartRef]) -> rusqlite::Result<Vec<VideoRecord>> {
    let [rank, video_id] = columns(statement, ["rank", "video_id"])?;
    let mut records: HashMap<Box<[u8]>, (u32, u32)> = HashMap::new();
    for (age, chart) in charts.iter().rev().enumerate() {
        let mut rows = statement.query(params![chart.number, chart.region.code()])?;
        while let Some(row) = rows.next()? {
            let (rank, id) = (row.get::<_, u32>(rank)?, row.get_ref(video_id)?.as_bytes()?);
            if let Some((peak_rank, charts)) = records.get_mut(id) {
                *peak_rank = rank.min(*peak_rank);
                *charts += 1;
            } else if age == 0 {
                records.insert(id.into(), (rank, 1));
            }
        }
    }
    let record = |(id, (peak_rank, charts)): (Box<[u8]>, (u32, u32))| VideoRecord {
        video_id: String::from_utf8_lossy(&id).into_owned(),
        peak_rank,
        charts,
    };
    Ok(records.into_iter().map(record).collect())
}

pub(super) fn series(connection: &Connection, until: Timestamp) -> rusqlite::Result<Vec<SeriesRuns>> {
    let mut statement = connection.prepare(&adapted(shared_sql::SERIES))?;
    let series = |row: &Row<'_>| {
        let runs: i64 = row.get("runs")?;
        Ok(SeriesRuns {
            series: chart_series(row)?,
            runs: u64::try_from(runs).unwrap_or(0),
            newest: row.get("newest")?,
        })
    };
    statement.query_map([until], series)?.collect()
}

pub(super) fn region_attempts(connection: &Connection, period: &Period) -> rusqlite::Result<Vec<RegionAttempt>> {
    let Period { source, categories, since, until } = period;
    let categories: Vec<i64> = categories.iter().map(|id| id.map_or(-1, i64::from)).collect();
    let categories = serde_json::Value::from(categories).to_string();
    let mut statement = connection.prepare(&adapted(shared_sql::REGION_ATTEMPTS))?;
    let [run_id, number, fetched_at, max_results, region_code] =
        columns(&statement, ["run_id", "number", "fetched_at", "max_results", "region"])?;
    let [status_name, videos, error_kind, error_message, pruned, category_id] =
        columns(&statement, ["status", "videos", "error_kind", "error_message", "pruned", "category_id"])?;
    let attempt = |row: &Row<'_>| {
        let kind: Option<String> = row.get(error_kind)?;
        let message: Option<String> = row.get(error_message)?;
        Ok(RegionAttempt {
            run_id: row.get(run_id)?,
            number: row.get(number)?,
            fetched_at: row.get(fetched_at)?,
            category_id: row.get(category_id)?,
            max_results: saturating_u32(row, max_results)?,
            region: region(row, region_code)?,
            status: status(row, status_name)?,
            videos: saturating_u32(row, videos)?,
            error: kind.map(|kind| (kind, message.unwrap_or_default())),
            is_pruned: row.get(pruned)?,
        })
    };
    statement.query_map(params![source, since, until, categories], attempt)?.collect()
}

pub(super) fn absent_charts(
    connection: &Connection,
    source: &str,
    since: Timestamp,
    until: Timestamp,
) -> rusqlite::Result<Vec<AbsentChart>> {
    let mut statement = connection.prepare(&adapted(shared_sql::ABSENT_CHARTS))?;
    let absent = |row: &Row<'_>| {
        let category = Some(Category::new(row.get("category_id")?));
        let chart = ChartId { region: region(row, "region")?, category };
        Ok(AbsentChart { chart, requested_at: row.get("requested_at")? })
    };
    statement.query_map(params![source, since, until], absent)?.collect()
}

/// Replaces the placeholders of a shared query. SQLite reads the tables of a cross join in the order in which they are
/// written ("Query Planning").
pub(super) fn adapted(sql: &str) -> String {
    sql.replace('$', "?")
        .replace("{RUNS_AND_REGIONS}", "runs CROSS JOIN region_results ON region_results.run = runs.number")
        .replace("{REGIONS}", "SELECT value FROM json_each(?6)")
        .replace("{CATEGORIES}", "SELECT value FROM json_each(?4)")
        .replace("{RUNS}", "SELECT value FROM json_each(?1)")
        .replace("{RUN_IDS}", "SELECT value FROM json_each(?1)")
}

/// The positions of columns.
pub(super) fn columns<const COUNT: usize>(
    statement: &Statement<'_>,
    names: [&str; COUNT],
) -> rusqlite::Result<[usize; COUNT]> {
    let mut columns = [0; COUNT];
    for (column, name) in columns.iter_mut().zip(names) {
        *column = statement.column_index(name)?;
    }
    Ok(columns)
}

pub(super) fn chart_series(row: &Row<'_>) -> rusqlite::Result<ChartSeries> {
    Ok(ChartSeries { source: row.get("source")?, category_id: row.get("category_id")? })
}

/// A loaded document may hold any number.
pub(super) fn saturating_u32(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(column)?).unwrap_or(u32::MAX))
}

pub(super) fn region(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Region> {
    let text: String = row.get(column)?;
    Region::new(&text).ok_or_else(|| invalid_text("a row of it names no region", &text))
}

pub(super) fn status(row: &Row<'_>, column: impl RowIndex) -> rusqlite::Result<Status> {
    let text: String = row.get(column)?;
    Status::find(&text).ok_or_else(|| invalid_text("a row of it has no known status", &text))
}

/// The error contains the text. Its column is a placeholder, which `explain` does not show.
fn invalid_text(why: &str, text: &str) -> rusqlite::Error {
    let why = format!("{why}: {}", one_line(text, 40));
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, why.into())
}

#[cfg(test)]
mod tests {
    use super::super::migrations::MIGRATIONS;
    use super::*;

    #[test]
    fn the_log_of_regions_is_read_for_kept_runs_only() {
        let connection = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            connection.execute_batch(migration).unwrap();
        }
        let sql = adapted(shared_sql::NEWEST_CHARTS);
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map(params!["", "", true, 0, 2, "[\"PL\"]"], |row| row.get("detail")).unwrap();
        let steps: Vec<String> = steps.collect::<rusqlite::Result<_>>().unwrap();
        let reads: Vec<&String> =
            steps.iter().filter(|step| step.contains(" runs ") || step.contains(" region_results ")).collect();
        let expected = [
            "SEARCH runs USING INDEX runs_kept (fetched_at<?)",
            "SEARCH region_results USING PRIMARY KEY (run=? AND region=?)",
        ];
        assert_eq!(reads, expected);
    }
}
