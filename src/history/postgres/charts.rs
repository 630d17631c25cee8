//! Charts with what is known of their videos: three questions, which are sent together. One that joins all tables leaves
//! the server to guess at which end to begin; it has guessed at the wrong one, and then took a thousand times as long.

use std::collections::HashMap;

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::Postgres;
use super::columns::Parameter;
use crate::history::changes::{Fetch, HistoryEntry};
use crate::history::{HistoryError, VideoRank};
use crate::model::category::Category;

/// The places of charts: lists of run and region.
const PLACES: &str = "
    SELECT asked.nth, places.rank, places.video_id, counts.views
    FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS asked (run, region, nth)
    JOIN places ON places.run = asked.run AND places.region = asked.region
    LEFT JOIN counts ON counts.run = places.run AND counts.video_id = places.video_id";

/// The videos in them: the same.
const VIDEOS: &str = "
    SELECT video_id, title, channel, category_id, thumbnail, declared_language FROM videos
    WHERE video_id IN (
        SELECT places.video_id
        FROM unnest($1::integer[], $2::text[]) AS asked (run, region)
        JOIN places ON places.run = asked.run AND places.region = asked.region
    )";

/// Since when each video is in the charts of its region: lists of run, region, source, category or -1, and of a number
/// that is the same for charts of the same region, source and category.
const PRESENCE: &str = "
    SELECT charted.line, presence.video_id, presence.first_seen_at
    FROM (
        SELECT DISTINCT asked.source, asked.category_id, asked.line, places.region, places.video_id
        FROM unnest($1::integer[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
             AS asked (run, region, source, category_id, line)
        JOIN places ON places.run = asked.run AND places.region = asked.region
    ) AS charted
    JOIN presence ON presence.region = charted.region AND presence.video_id = charted.video_id
         AND presence.source = charted.source AND coalesce(presence.category_id, -1) = charted.category_id";

/// Who stood where: lists of run and region, and a depth for all.
const VIDEO_RANKS: &str = "
    SELECT asked.nth, places.rank, places.video_id
    FROM unnest($1::integer[], $2::text[]) WITH ORDINALITY AS asked (run, region, nth)
    JOIN places ON places.run = asked.run AND places.region = asked.region AND places.rank <= $3";

/// What is known of a video, but for its counts.
struct Facts<'a> {
    title: &'a str,
    channel: &'a str,
    category: Option<Category>,
    thumbnail: Option<&'a str>,
    language: Option<&'a str>,
}

impl Postgres {
    pub(super) async fn select_charts(&self, fetches: &[Fetch]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError> {
        let (runs, codes) = runs_and_regions(fetches);
        let sources: Vec<&str> = fetches.iter().map(|fetch| &*fetch.series.source).collect();
        let category = |fetch: &Fetch| fetch.series.category_id.map_or(-1, i64::from);
        let categories: Vec<i64> = fetches.iter().map(category).collect();
        let lines = lines(fetches);
        let of_charts: [Parameter<'_>; 5] = [
            (&runs, Type::INT4_ARRAY),
            (&codes, Type::TEXT_ARRAY),
            (&sources, Type::TEXT_ARRAY),
            (&categories, Type::INT8_ARRAY),
            (&lines, Type::INT8_ARRAY),
        ];
        let client = &self.session.client;
        let asked = async {
            tokio::try_join!(
                biased;
                client.query_typed(PLACES, &of_charts[..2]),
                client.query_typed(VIDEOS, &of_charts[..2]),
                client.query_typed(PRESENCE, &of_charts),
            )
        };
        let (places, videos, presence) = self.within(asked).await?;
        let (videos, presence) = (self.facts(&videos)?, self.first_seen(&presence)?);
        let mut charts: Vec<Vec<HistoryEntry>> = vec![Vec::new(); fetches.len()];
        for row in &places {
            let (index, video_id) = (self.index(row)?, self.get::<&str>(row, 2)?);
            let known = videos.get(video_id).zip(presence.get(&(lines[index], video_id)));
            let Some((video, first_seen_at)) = known else { continue };
            charts[index].push(HistoryEntry {
                rank: self.rank(row, 1)?,
                video_id: video_id.to_owned(),
                title: video.title.to_owned(),
                channel: video.channel.to_owned(),
                first_seen_at: *first_seen_at,
                category: video.category,
                views: self.get::<Option<i64>>(row, 3)?.and_then(|views| u64::try_from(views).ok()),
                thumbnail: video.thumbnail.map(str::to_owned),
                language: video.language.map(str::to_owned),
            });
        }
        charts.iter_mut().for_each(|chart| chart.sort_unstable_by_key(|place| place.rank));
        Ok(charts)
    }

    fn facts<'a>(&self, rows: &'a [Row]) -> Result<HashMap<&'a str, Facts<'a>>, HistoryError> {
        let facts = |row: &'a Row| {
            let category = self.get::<Option<i64>>(row, 3)?.and_then(|id| u32::try_from(id).ok());
            let facts = Facts {
                title: self.get(row, 1)?,
                channel: self.get(row, 2)?,
                category: category.map(Category::new),
                thumbnail: self.get(row, 4)?,
                language: self.get(row, 5)?,
            };
            Ok((self.get(row, 0)?, facts))
        };
        rows.iter().map(facts).collect()
    }

    /// By the line of charts and the video.
    fn first_seen<'a>(&self, rows: &'a [Row]) -> Result<HashMap<(i64, &'a str), Timestamp>, HistoryError> {
        rows.iter().map(|row| Ok(((self.get(row, 0)?, self.get(row, 1)?), self.get(row, 2)?))).collect()
    }

    pub(super) async fn select_video_ranks(
        &self,
        fetches: &[Fetch],
        depth: u32,
    ) -> Result<Vec<Vec<VideoRank>>, HistoryError> {
        let (runs, codes) = runs_and_regions(fetches);
        let depth = i32::try_from(depth).unwrap_or(i32::MAX);
        let parameters: [Parameter<'_>; 3] =
            [(&runs, Type::INT4_ARRAY), (&codes, Type::TEXT_ARRAY), (&depth, Type::INT4)];
        let mut charts: Vec<Vec<VideoRank>> = vec![Vec::new(); fetches.len()];
        for row in &self.query(VIDEO_RANKS, &parameters).await? {
            let index = self.index(row)?;
            let (number, rank, video_id) = (fetches[index].number, self.rank(row, 1)?, self.get(row, 2)?);
            charts[index].push(VideoRank { number, rank, video_id });
        }
        charts.iter_mut().for_each(|chart| chart.sort_unstable_by_key(|video_rank| video_rank.rank));
        Ok(charts)
    }

    fn rank(&self, row: &Row, column: usize) -> Result<u32, HistoryError> {
        Ok(u32::try_from(self.get::<i32>(row, column)?).unwrap_or(0))
    }

    /// Which of the charts that were asked for a row belongs to; it is in the first column, counted from 1.
    fn index(&self, row: &Row) -> Result<usize, HistoryError> {
        Ok(usize::try_from(self.get::<i64>(row, 0)? - 1).unwrap_or(0))
    }
}

/// A number for each chart, the same for those of the same region, source and category.
fn lines(fetches: &[Fetch]) -> Vec<i64> {
    let mut known = HashMap::new();
    let mut lines = Vec::new();
    for fetch in fetches {
        let next = known.len() as i64;
        lines.push(*known.entry((fetch.region, &fetch.series)).or_insert(next));
    }
    lines
}

fn runs_and_regions(fetches: &[Fetch]) -> (Vec<i32>, Vec<&str>) {
    let run = |fetch: &Fetch| i32::try_from(fetch.number).unwrap_or(0);
    (fetches.iter().map(run).collect(), fetches.iter().map(|fetch| fetch.region.code()).collect())
}
