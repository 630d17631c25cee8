//! What is read: rows of the shared queries, and of those for which SQLite is asked chart by chart, since it is in this
//! very process.

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use crate::history::changes::{Fetch, HistoryEntry};
use crate::history::min_interval::{Asked, PastRegion};
use crate::history::{
    Attempt, ChartFilter, ChartSeries, KeptRun, KnownRegion, Period, SeriesRuns, VideoRank, shared_sql,
};
use crate::model::Status;
use crate::model::category::Category;
use crate::model::region::Region;
use crate::support::sanitize::one_line;

/// A chart with what is known of its videos: run, region, source, category or -1.
const CHART: &str = "
    SELECT places.rank, places.video_id, videos.title, videos.channel, presence.first_seen_at,
           videos.category_id, counts.views, videos.thumbnail, videos.declared_language
    FROM places
    LEFT JOIN counts ON counts.run = places.run AND counts.video_id = places.video_id
    JOIN videos ON videos.video_id = places.video_id
    JOIN presence ON presence.region = places.region AND presence.video_id = places.video_id
         AND presence.source = ?3 AND coalesce(presence.category_id, -1) = ?4
    WHERE places.run = ?1 AND places.region = ?2
    ORDER BY places.rank";

/// Run, region, depth.
const VIDEO_RANKS: &str =
    "SELECT rank, video_id FROM places WHERE run = ?1 AND region = ?2 AND rank <= ?3 ORDER BY rank";

pub(super) fn kept(connection: &Connection) -> rusqlite::Result<Vec<KeptRun>> {
    let mut statement = connection.prepare(shared_sql::KEPT)?;
    let kept = |row: &Row<'_>| {
        Ok(KeptRun { number: row.get(0)?, id: row.get(1)?, fetched_at: row.get(2)?, left_old: row.get(3)? })
    };
    statement.query_map([], kept)?.collect()
}

pub(super) fn past(connection: &Connection, asked: &Asked, since: Timestamp) -> rusqlite::Result<Vec<PastRegion>> {
    let mut statement = connection.prepare(&translated(shared_sql::PAST))?;
    let rows = statement.query_map(params![asked.source, asked.category_id, asked.depth, since], |row| {
        Ok(PastRegion {
            run_id: row.get(0)?,
            fetched_at: row.get(1)?,
            region: region(row, 2)?,
            is_answered: row.get(3)?,
        })
    })?;
    rows.collect()
}

pub(super) fn regions(connection: &Connection) -> rusqlite::Result<Vec<KnownRegion>> {
    let mut statement = connection.prepare(shared_sql::REGIONS)?;
    let known = |row: &Row<'_>| Ok(KnownRegion { region: region(row, 0)?, asked_at: row.get(1)? });
    let mut regions: Vec<KnownRegion> = statement.query_map([], known)?.collect::<rusqlite::Result<_>>()?;
    regions.sort_unstable_by_key(|known| known.region);
    Ok(regions)
}

pub(super) fn newest(connection: &Connection, filter: &ChartFilter) -> rusqlite::Result<Vec<Fetch>> {
    let sql = translated(shared_sql::NEWEST).replace("REGIONS", "SELECT value FROM json_each(?6)");
    let mut statement = connection.prepare(&sql)?;
    let codes: Vec<&str> = filter.regions.iter().map(Region::code).collect();
    let codes = serde_json::Value::from(codes).to_string();
    let (any_category, category) = (filter.category_id.is_none(), filter.category_id.flatten());
    let asked = params![filter.until, filter.source, any_category, category, filter.most, codes];
    let rows = statement.query_map(asked, |row| {
        Ok(Fetch {
            region: region(row, 0)?,
            run_id: row.get(1)?,
            number: row.get(2)?,
            fetched_at: row.get(3)?,
            series: ChartSeries { source: row.get(4)?, category_id: row.get(5)? },
            depth: number(row, 6)?,
        })
    })?;
    rows.collect()
}

pub(super) fn charts(connection: &Connection, fetches: &[Fetch]) -> rusqlite::Result<Vec<Vec<HistoryEntry>>> {
    let mut statement = connection.prepare(CHART)?;
    let chart = |fetch: &Fetch| {
        let category = fetch.series.category_id.map_or(-1, i64::from);
        let asked = params![fetch.number, fetch.region.code(), fetch.series.source, category];
        statement.query_map(asked, place)?.collect()
    };
    fetches.iter().map(chart).collect()
}

fn place(row: &Row<'_>) -> rusqlite::Result<HistoryEntry> {
    Ok(HistoryEntry {
        rank: row.get(0)?,
        video_id: row.get(1)?,
        title: row.get(2)?,
        channel: row.get(3)?,
        first_seen_at: row.get(4)?,
        category: row.get::<_, Option<u32>>(5)?.map(Category::new),
        views: row.get::<_, Option<i64>>(6)?.and_then(|views| u64::try_from(views).ok()),
        thumbnail: row.get(7)?,
        language: row.get(8)?,
    })
}

pub(super) fn video_ranks(
    connection: &Connection,
    fetches: &[Fetch],
    depth: u32,
) -> rusqlite::Result<Vec<Vec<VideoRank>>> {
    let mut statement = connection.prepare(VIDEO_RANKS)?;
    let chart = |fetch: &Fetch| {
        let video_rank =
            |row: &Row<'_>| Ok(VideoRank { number: fetch.number, rank: row.get(0)?, video_id: row.get(1)? });
        statement.query_map(params![fetch.number, fetch.region.code(), depth], video_rank)?.collect()
    };
    fetches.iter().map(chart).collect()
}

pub(super) fn series(connection: &Connection, until: Timestamp) -> rusqlite::Result<Vec<SeriesRuns>> {
    let mut statement = connection.prepare(&translated(shared_sql::SCOPES))?;
    let series = |row: &Row<'_>| {
        let runs: i64 = row.get(2)?;
        Ok(SeriesRuns {
            series: ChartSeries { source: row.get(0)?, category_id: row.get(1)? },
            runs: u64::try_from(runs).unwrap_or(0),
            newest: row.get(3)?,
        })
    };
    statement.query_map([until], series)?.collect()
}

pub(super) fn attempts(connection: &Connection, period: &Period) -> rusqlite::Result<Vec<Attempt>> {
    let Period { series, since, until } = period;
    let mut statement = connection.prepare(&translated(shared_sql::ATTEMPTS))?;
    let rows = statement.query_map(params![series.source, series.category_id, since, until], |row| {
        let (kind, message): (Option<String>, Option<String>) = (row.get(7)?, row.get(8)?);
        Ok(Attempt {
            run_id: row.get(0)?,
            number: row.get(1)?,
            fetched_at: row.get(2)?,
            depth: number(row, 3)?,
            region: region(row, 4)?,
            status: status(row, 5)?,
            videos: number(row, 6)?,
            error: kind.map(|kind| (kind, message.unwrap_or_default())),
            is_pruned: row.get(9)?,
        })
    })?;
    rows.collect()
}

/// What stands in a shared query for what each backend has in its own way. The tables of a cross join are read in the
/// order in which they stand ("Query Planning").
pub(super) fn translated(sql: &str) -> String {
    let joined = "runs CROSS JOIN run_regions ON run_regions.run_id = runs.id";
    sql.replace('$', "?").replace("RUNS_AND_REGIONS", joined)
}

/// A count, which a document that was loaded may have beyond all measure.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(column)?).unwrap_or(u32::MAX))
}

fn region(row: &Row<'_>, column: usize) -> rusqlite::Result<Region> {
    let text: String = row.get(column)?;
    Region::new(&text)
        .ok_or_else(|| wrong_text(column, format!("a row of it names no region: {}", one_line(&text, 40))))
}

fn status(row: &Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let text: String = row.get(column)?;
    Status::find(&text)
        .ok_or_else(|| wrong_text(column, format!("a row of it has no known status: {}", one_line(&text, 40))))
}

fn wrong_text(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_regions_is_read_for_kept_runs_alone() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(include_str!("0001.sql")).unwrap();
        connection.execute_batch(include_str!("0002.sql")).unwrap();
        let sql = translated(shared_sql::NEWEST).replace("REGIONS", "SELECT 'PL'");
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map(params!["", "", true, 0, 2], |row| row.get(3)).unwrap();
        let steps: Vec<String> = steps.collect::<rusqlite::Result<_>>().unwrap();
        let reads: Vec<&String> =
            steps.iter().filter(|step| step.contains(" runs ") || step.contains(" run_")).collect();
        let expected = [
            "SEARCH runs USING INDEX runs_kept (fetched_at<?)",
            "SEARCH run_regions USING PRIMARY KEY (run_id=? AND region=?)",
        ];
        assert_eq!(reads, expected);
    }
}
