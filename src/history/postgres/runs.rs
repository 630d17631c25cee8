//! Reads whole runs, to hand them out, by four statements that are sent together. As for charts, no statement leaves the
//! server a choice of where to start.

use std::collections::HashMap;

use compact_str::CompactString;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::Postgres;
use super::charts::columns;
use super::columns::Parameter;
use super::select::adapted;
use crate::history::restore::{RegionColumns, RunRows, StoredEntry, VideoColumns, document, number};
use crate::history::{HistoryError, RunFilter, StoredRun, shared_sql};
use crate::model::region::Region;
use crate::model::{Document, Stats};

/// The entries of runs. Parameters: runs, whether any region will do, regions.
const ENTRIES: &str = "
    SELECT run, region, rank, video_id FROM places_rows
    WHERE run = ANY($1::integer[]) AND ($2 OR region = ANY($3::text[]))";

/// The counts of videos in runs. Parameter: runs.
const COUNTS: &str = "SELECT run, video_id, views, likes, comments FROM counts_rows WHERE run = ANY($1::integer[])";

/// The videos in runs. Parameters: runs, whether any region will do, regions, whether descriptions are wanted.
const VIDEOS: &str = "
    SELECT video_id, title, channel, channel_id, category_id, published_at, duration_seconds, live, embeddable,
           age_restricted, tags::text AS tags, thumbnail, CASE WHEN $4 THEN description END AS description,
           declared_language, language_tag
    FROM videos
    WHERE video_id IN (
        SELECT video_id FROM places_rows WHERE run = ANY($1::integer[]) AND ($2 OR region = ANY($3::text[]))
    )";

impl Postgres {
    pub(super) async fn select_stored_runs(&self, filter: &RunFilter) -> Result<Vec<StoredRun>, HistoryError> {
        let categories: Vec<i64> = filter.categories.iter().flatten().map(|id| id.map_or(-1, i64::from)).collect();
        let codes: Vec<&str> = filter.regions.iter().flatten().map(Region::code).collect();
        let (since, until) = (filter.since.unwrap_or(Timestamp::UNIX_EPOCH), filter.until.unwrap_or(Timestamp::MAX));
        let parameters: [Parameter<'_>; 7] = [
            (&since, Type::TIMESTAMPTZ),
            (&until, Type::TIMESTAMPTZ),
            (&filter.categories.is_none(), Type::BOOL),
            (&categories, Type::INT8_ARRAY),
            (&filter.regions.is_none(), Type::BOOL),
            (&codes, Type::TEXT_ARRAY),
            (&filter.run_id, Type::UUID),
        ];
        let rows = self.query(&adapted(shared_sql::STORED_RUNS), &parameters).await?;
        rows.iter().filter_map(|row| self.stored_run(row).transpose()).collect()
    }

    /// `None` if it requested none of the regions.
    fn stored_run(&self, row: &Row) -> Result<Option<StoredRun>, HistoryError> {
        let (entries, is_pruned): (Option<i64>, bool) = (self.get(row, "entries")?, self.get(row, "pruned")?);
        if entries.is_none() && !is_pruned {
            return Ok(None);
        }
        let integer = |column: &str| self.get::<i64>(row, column);
        Ok(Some(StoredRun {
            number: self.get::<i32>(row, "number")?.into(),
            id: self.get::<Uuid>(row, "id")?.to_string(),
            fetched_at: self.get(row, "fetched_at")?,
            series: self.chart_series(row)?,
            max_results: self.saturating_u32(row, "max_results")?,
            is_pruned,
            entries: number(entries.unwrap_or(0)),
            stats: Stats {
                raw: number(integer("raw")?),
                unique: number(integer("unique_videos")?),
                multi_region: number(integer("multi_region")?),
                skipped: number(integer("skipped")?),
                overlap: Vec::new(),
                requests: number(integer("requests")?),
                retries: number(integer("retries")?),
                rate_limited: number(integer("rate_limited")?),
                quota_units: number(integer("quota_units")?),
                elapsed_ms: number(integer("elapsed_ms")?),
                held_ms: number(integer("held_ms")?),
                regions_ok: Vec::new(),
                regions_failed: Vec::new(),
                regions: Vec::new(),
            },
        }))
    }

    pub(super) async fn select_run_documents(
        &self,
        runs: &[StoredRun],
        regions: Option<&[Region]>,
        description: bool,
    ) -> Result<Vec<Document>, HistoryError> {
        let numbers: Vec<i32> = runs.iter().map(|run| i32::try_from(run.number).unwrap_or(0)).collect();
        let codes: Vec<&str> = regions.unwrap_or_default().iter().map(Region::code).collect();
        let parameters: [Parameter<'_>; 4] = [
            (&numbers, Type::INT4_ARRAY),
            (&regions.is_none(), Type::BOOL),
            (&codes, Type::TEXT_ARRAY),
            (&description, Type::BOOL),
        ];
        let (client, region_results) = (&self.session.client, adapted(shared_sql::REGION_RESULTS));
        let queries = async {
            tokio::try_join!(
                biased;
                client.query_typed(&region_results, &parameters[..1]),
                client.query_typed(ENTRIES, &parameters[..3]),
                client.query_typed(COUNTS, &parameters[..1]),
                client.query_typed(VIDEOS, &parameters),
            )
        };
        let (results, entries, counts, videos) = self.with_timeout(queries).await?;
        let mut by_run: HashMap<i32, RunRows> = numbers.iter().map(|run| (*run, RunRows::default())).collect();
        self.add_regions(&results, &mut by_run)?;
        self.add_entries(&entries, &mut by_run)?;
        self.add_videos(&counts, &self.videos(&videos)?, &mut by_run)?;
        let rows = |run: &i32| by_run.remove(run).unwrap_or_default();
        Ok(runs.iter().zip(numbers.iter().map(rows)).map(|(run, rows)| document(run, rows, regions)).collect())
    }

    fn add_regions(&self, results: &[Row], by_run: &mut HashMap<i32, RunRows>) -> Result<(), HistoryError> {
        for row in results {
            let Some(rows) = by_run.get_mut(&self.get(row, "run")?) else { continue };
            rows.regions.push(RegionColumns {
                region: self.region(row)?,
                status: self.status(row)?,
                videos: self.get(row, "videos")?,
                requests: self.get(row, "requests")?,
                retries: self.get(row, "retries")?,
                elapsed_ms: self.get(row, "elapsed_ms")?,
                error_kind: self.get(row, "error_kind")?,
                error_message: self.get(row, "error_message")?,
                error_status: self.get(row, "error_status")?,
                error_reason: self.get(row, "error_reason")?,
                position: self.get(row, "position")?,
            });
        }
        Ok(())
    }

    fn add_entries(&self, entries: &[Row], by_run: &mut HashMap<i32, RunRows>) -> Result<(), HistoryError> {
        let [run, rank, video_id] = columns(entries, ["run", "rank", "video_id"]);
        for row in entries {
            let Some(rows) = by_run.get_mut(&self.get(row, run)?) else { continue };
            let rank = u32::try_from(self.get::<i32>(row, rank)?).unwrap_or(0);
            let video_id = CompactString::from(self.get::<&str>(row, video_id)?);
            rows.entries.push(StoredEntry { region: self.region(row)?, rank, video_id });
        }
        Ok(())
    }

    /// By id.
    fn videos<'a>(&self, rows: &'a [Row]) -> Result<HashMap<&'a str, VideoColumns<'a>>, HistoryError> {
        let [video_id, title, channel, channel_id, category_id, published_at, duration_seconds, live] = columns(
            rows,
            ["video_id", "title", "channel", "channel_id", "category_id", "published_at", "duration_seconds", "live"],
        );
        let [embeddable, age_restricted, tags, thumbnail, description, declared_language, language_tag] = columns(
            rows,
            ["embeddable", "age_restricted", "tags", "thumbnail", "description", "declared_language", "language_tag"],
        );
        let video = |row: &'a Row| {
            let video = VideoColumns {
                video_id: self.get(row, video_id)?,
                title: self.get(row, title)?,
                channel: self.get(row, channel)?,
                channel_id: self.get(row, channel_id)?,
                category_id: self.get(row, category_id)?,
                published_at: self.get(row, published_at)?,
                duration_seconds: self.get(row, duration_seconds)?,
                live: self.get(row, live)?,
                embeddable: self.get(row, embeddable)?,
                age_restricted: self.get(row, age_restricted)?,
                tags: self.get(row, tags)?,
                thumbnail: self.get(row, thumbnail)?,
                description: self.get(row, description)?,
                declared_language: self.get(row, declared_language)?,
                language_tag: self.get(row, language_tag)?,
            };
            Ok((video.video_id, video))
        };
        rows.iter().map(video).collect()
    }

    /// Adds each video to the runs that counted it.
    fn add_videos(
        &self,
        counts: &[Row],
        videos: &HashMap<&str, VideoColumns<'_>>,
        by_run: &mut HashMap<i32, RunRows>,
    ) -> Result<(), HistoryError> {
        let [run, video_id, views, likes, comments] =
            columns(counts, ["run", "video_id", "views", "likes", "comments"]);
        for row in counts {
            // A video that is only in the charts of other regions is missing.
            let Some(video) = videos.get(self.get::<&str>(row, video_id)?) else { continue };
            let Some(rows) = by_run.get_mut(&self.get(row, run)?) else { continue };
            let counts = [self.get(row, views)?, self.get(row, likes)?, self.get(row, comments)?];
            rows.videos.insert(CompactString::from(video.video_id), video.video(counts));
        }
        Ok(())
    }
}
