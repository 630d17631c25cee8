//! Reads charts with what is known about their videos, by three statements that are sent together. One statement that
//! joins all tables lets the server choose where to start: it has chosen wrongly, and then took a thousand times as long.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Postgres;
use super::columns::Parameter;
use crate::history::{ChartRef, HistoryEntry, HistoryError, VideoRank, VideoRecord};
use crate::model::category::Category;

/// The entries of charts. Parameters: lists of run and region.
const ENTRIES: &str = "
    SELECT charts.nth, places.rank, places.video_id, counts.views
    FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS charts (run, region, nth)
    JOIN places_rows AS places ON places.run = charts.run AND places.region = charts.region
    LEFT JOIN counts_rows AS counts ON counts.run = places.run AND counts.video_id = places.video_id";

/// The videos in these charts. Parameters: the same.
const VIDEOS: &str = "
    SELECT video_id, title, channel, channel_id, category_id, thumbnail, declared_language FROM videos
    WHERE video_id IN (
        SELECT places.video_id
        FROM unnest($1::integer[], $2::text[]) AS charts (run, region)
        JOIN places_rows AS places ON places.run = charts.run AND places.region = charts.region
    )";

/// What [`VIDEOS`] selects.
struct VideoFacts<'a> {
    title: &'a str,
    channel: &'a str,
    channel_id: Option<&'a str>,
    category: Option<Category>,
    thumbnail: Option<&'a str>,
    language: Option<&'a str>,
}

/// When each video was first seen in the charts of its region and series. Parameters: lists of run, region, source,
/// category or -1, and group (see [`groups`]).
const FIRST_SEEN: &str = "
    SELECT charted.chart_group, presence.video_id, presence.first_seen_at
    FROM (
        SELECT DISTINCT charts.source, charts.category_id, charts.chart_group, places.region, places.video_id
        FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
             AS charts (run, region, source, category_id, chart_group)
        JOIN places_rows AS places ON places.run = charts.run AND places.region = charts.region
    ) AS charted
    JOIN presence ON presence.region = charted.region AND presence.video_id = charted.video_id
         AND presence.source = charted.source AND coalesce(presence.category_id, -1) = charted.category_id";

/// The ranks in charts. Parameters: lists of run and region, and the lowest rank of all of them.
const VIDEO_RANKS: &str = "
    SELECT charts.nth, places.rank, places.video_id
    FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS charts (run, region, nth)
    JOIN places_rows AS places ON places.run = charts.run AND places.region = charts.region AND places.rank <= $3";

/// The best rank and the number of charts of each video that is in the newest chart of a list. All videos are grouped
/// and most groups then dropped: to join the videos of the newest charts would leave the server a choice of plans, of
/// which some are very slow. Parameters: for each chart its run, region and list, and whether it is the newest of it.
const VIDEO_RECORDS: &str = "
    SELECT charts.nth, places.video_id, min(places.rank) AS peak_rank, count(*) AS charts
    FROM unnest($1::integer[], $2::text[], $3::bigint[], $4::boolean[]) AS charts (run, region, nth, is_newest)
    JOIN places ON places.run = charts.run AND places.region = charts.region
    GROUP BY charts.nth, places.video_id HAVING bool_or(charts.is_newest)";

impl Postgres {
    pub(super) async fn select_chart_entries(
        &self,
        charts: &[ChartRef],
    ) -> Result<Vec<Vec<HistoryEntry>>, HistoryError> {
        let (runs, regions) = runs_and_regions(charts);
        let sources: Vec<&str> = charts.iter().map(|chart| &*chart.series.source).collect();
        let category = |chart: &ChartRef| chart.series.category_id.map_or(-1, i64::from);
        let categories: Vec<i64> = charts.iter().map(category).collect();
        let groups = groups(charts);
        let parameters: [Parameter<'_>; 5] = [
            (&runs, Type::INT4_ARRAY),
            (&regions, Type::TEXT_ARRAY),
            (&sources, Type::TEXT_ARRAY),
            (&categories, Type::INT8_ARRAY),
            (&groups, Type::INT8_ARRAY),
        ];
        let client = &self.session.client;
        let queries = async {
            tokio::try_join!(
                biased;
                client.query_typed(ENTRIES, &parameters[..2]),
                client.query_typed(VIDEOS, &parameters[..2]),
                client.query_typed(FIRST_SEEN, &parameters),
            )
        };
        let (entries, videos, first_seen) = self.with_timeout(queries).await?;
        let (videos, first_seen) = (self.video_facts(&videos)?, self.first_seen(&first_seen)?);
        let mut by_chart: Vec<Vec<HistoryEntry>> = vec![Vec::new(); charts.len()];
        let [nth, rank, id, views] = columns(&entries, ["nth", "rank", "video_id", "views"]);
        for row in &entries {
            let (index, video_id) = (self.chart_index(row, nth)?, self.get::<&str>(row, id)?);
            let known = videos.get(video_id).zip(first_seen.get(&(groups[index], video_id)));
            // Missing only if the entry's rows were deleted between the statements.
            let Some((video, first_seen_at)) = known else { continue };
            by_chart[index].push(HistoryEntry {
                rank: self.rank(row, rank)?,
                video_id: video_id.to_owned(),
                title: video.title.to_owned(),
                channel: video.channel.to_owned(),
                channel_id: video.channel_id.map(str::to_owned),
                first_seen_at: *first_seen_at,
                category: video.category,
                views: self.get::<Option<i64>>(row, views)?.and_then(|views| u64::try_from(views).ok()),
                thumbnail: video.thumbnail.map(str::to_owned),
                language: video.language.map(str::to_owned),
            });
        }
        by_chart.iter_mut().for_each(|entries| entries.sort_unstable_by_key(|entry| entry.rank));
        Ok(by_chart)
    }

    /// By video id.
    fn video_facts<'a>(&self, rows: &'a [Row]) -> Result<HashMap<&'a str, VideoFacts<'a>>, HistoryError> {
        let [video_id, title, channel, channel_id] = columns(rows, ["video_id", "title", "channel", "channel_id"]);
        let [category_id, thumbnail, language] = columns(rows, ["category_id", "thumbnail", "declared_language"]);
        let facts = |row: &'a Row| {
            let category = self.get::<Option<i64>>(row, category_id)?.and_then(|id| u32::try_from(id).ok());
            let facts = VideoFacts {
                title: self.get(row, title)?,
                channel: self.get(row, channel)?,
                channel_id: self.get(row, channel_id)?,
                category: category.map(Category::new),
                thumbnail: self.get(row, thumbnail)?,
                language: self.get(row, language)?,
            };
            Ok((self.get(row, video_id)?, facts))
        };
        rows.iter().map(facts).collect()
    }

    /// By group and video id.
    fn first_seen<'a>(&self, rows: &'a [Row]) -> Result<HashMap<(i64, &'a str), Timestamp>, HistoryError> {
        let [group, video_id, first_seen_at] = columns(rows, ["chart_group", "video_id", "first_seen_at"]);
        let first_seen = |row: &'a Row| {
            let key = (self.get(row, group)?, self.get(row, video_id)?);
            Ok((key, self.get(row, first_seen_at)?))
        };
        rows.iter().map(first_seen).collect()
    }

    pub(super) async fn select_video_ranks(
        &self,
        charts: &[ChartRef],
        max_rank: u32,
    ) -> Result<Vec<Vec<VideoRank>>, HistoryError> {
        let (runs, regions) = runs_and_regions(charts);
        let max_rank = i32::try_from(max_rank).unwrap_or(i32::MAX);
        let parameters: [Parameter<'_>; 3] =
            [(&runs, Type::INT4_ARRAY), (&regions, Type::TEXT_ARRAY), (&max_rank, Type::INT4)];
        let mut by_chart: Vec<Vec<VideoRank>> = vec![Vec::new(); charts.len()];
        let rows = self.query(VIDEO_RANKS, &parameters).await?;
        let [nth, rank, video_id] = columns(&rows, ["nth", "rank", "video_id"]);
        for row in &rows {
            let index = self.chart_index(row, nth)?;
            by_chart[index].push(VideoRank {
                number: charts[index].number,
                rank: self.rank(row, rank)?,
                video_id: self.get(row, video_id)?,
            });
        }
        by_chart.iter_mut().for_each(|ranks| ranks.sort_unstable_by_key(|video_rank| video_rank.rank));
        Ok(by_chart)
    }

    pub(super) async fn select_video_records(
        &self,
        charts: &[Vec<ChartRef>],
    ) -> Result<Vec<Vec<VideoRecord>>, HistoryError> {
        let numbered =
            || (1..).zip(charts).flat_map(|(nth, charts)| charts.iter().map(move |chart| (nth, charts, chart)));
        let nth: Vec<i64> = numbered().map(|(nth, ..)| nth).collect();
        let is_newest: Vec<bool> = numbered().map(|(_, charts, chart)| charts.last() == Some(chart)).collect();
        let (runs, regions) = runs_and_regions(charts.iter().flatten());
        let parameters: [Parameter<'_>; 4] = [
            (&runs, Type::INT4_ARRAY),
            (&regions, Type::TEXT_ARRAY),
            (&nth, Type::INT8_ARRAY),
            (&is_newest, Type::BOOL_ARRAY),
        ];
        let rows = self.query(VIDEO_RECORDS, &parameters).await?;
        let [nth, video_id, peak_rank, count] = columns(&rows, ["nth", "video_id", "peak_rank", "charts"]);
        let mut by_list: Vec<Vec<VideoRecord>> = vec![Vec::new(); charts.len()];
        for row in &rows {
            by_list[self.chart_index(row, nth)?].push(VideoRecord {
                video_id: self.get(row, video_id)?,
                peak_rank: self.rank(row, peak_rank)?,
                charts: u32::try_from(self.get::<i64>(row, count)?).unwrap_or(u32::MAX),
            });
        }
        Ok(by_list)
    }

    fn rank(&self, row: &Row, column: usize) -> Result<u32, HistoryError> {
        Ok(u32::try_from(self.get::<i32>(row, column)?).unwrap_or(0))
    }

    /// Which of the requested charts a row belongs to.
    fn chart_index(&self, row: &Row, column: usize) -> Result<usize, HistoryError> {
        Ok(usize::try_from(self.get::<i64>(row, column)? - 1).unwrap_or(0))
    }
}

/// The positions of columns, looked up once for all rows. Reading a column that is missing is an error.
pub(super) fn columns<const COUNT: usize>(rows: &[Row], names: [&str; COUNT]) -> [usize; COUNT] {
    let all = rows.first().map_or(&[][..], Row::columns);
    names.map(|name| all.iter().position(|column| column.name() == name).unwrap_or(usize::MAX))
}

/// Numbers the charts; those of the same region and series get the same number.
fn groups(charts: &[ChartRef]) -> Vec<i64> {
    let mut known = HashMap::new();
    let mut groups = Vec::new();
    for chart in charts {
        let next = known.len() as i64;
        groups.push(*known.entry((chart.region, &chart.series)).or_insert(next));
    }
    groups
}

fn runs_and_regions<'a>(charts: impl IntoIterator<Item = &'a ChartRef>) -> (Vec<i32>, Vec<&'a str>) {
    let run = |chart: &ChartRef| i32::try_from(chart.number).unwrap_or(0);
    charts.into_iter().map(|chart| (run(chart), chart.region.code())).unzip()
}
