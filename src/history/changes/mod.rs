//! Compares charts of a region: what entered, left, rose and fell between its last two.

mod compare;
mod moves;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Backend, ChartFilter, ChartRef, ChartSeries, HistoryError, VideoRank};
use crate::model::category::ChartCategory;
use crate::model::region::Region;

pub use compare::compare;
pub use moves::{MOVE_COLUMNS, Move};

/// The version of the JSON that `changes -f json` prints.
pub const SCHEMA_VERSION: u32 = 1;

/// The JSON that `changes -f json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Changes<'a> {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// Regions with two comparable charts, in the order requested.
    pub regions: Vec<&'a RegionChanges>,
}

/// The changes of a region, and what a table shows besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionTrends {
    pub changes: RegionChanges,
    /// Whether the category needs to be named: the region has charts of other categories too, or a category was
    /// requested.
    pub names_category: bool,
    /// The ranks in the last complete charts, oldest first; as many charts as were requested.
    pub recent_ranks: Vec<ChartRanks>,
}

/// The changes of a region between its last two complete charts of one series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RegionChanges {
    pub region: Region,
    /// The earlier chart.
    pub from: RunRef,
    /// The later chart.
    pub to: RunRef,
    /// By rank.
    pub entered: Vec<Move>,
    /// By the rank that they had.
    pub left: Vec<Move>,
    /// Those with a better rank, among the videos that stayed too; by rank.
    pub rose: Vec<Move>,
    /// Those with a worse rank, among the videos that stayed too; by rank.
    pub fell: Vec<Move>,
    /// The others whose rank changed, only because videos entered or left; by rank. The JSON has their number.
    #[serde(serialize_with = "length")]
    pub pushed: Vec<Move>,
    /// The lowest rank that was compared.
    #[serde(skip)]
    pub max_rank: u32,
    #[serde(skip)]
    pub series: ChartSeries,
}

fn length<S: Serializer>(list: &[Move], serializer: S) -> Result<S::Ok, S::Error> {
    list.len().serialize(serializer)
}

/// The ranks of the videos in a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartRanks {
    pub by_video: HashMap<String, u32>,
    /// How many entries were requested; nothing is known about the ranks below.
    pub max_results: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunRef {
    pub run_id: String,
    /// Start of the run.
    pub fetched_at: Timestamp,
}

/// Compares the last two charts of each region, from runs that began at `until` or before, and of one category if that
/// is given. Adds the ranks in the last `recent_charts` charts. A region without two comparable charts is left out.
///
/// # Errors
/// When the history cannot be read.
pub async fn find(
    backend: &mut dyn Backend,
    regions: &[Region],
    category: Option<ChartCategory>,
    until: Timestamp,
    recent_charts: usize,
) -> Result<Vec<RegionTrends>, HistoryError> {
    let filter = ChartFilter {
        regions: regions.to_vec(),
        source: None,
        category_id: category.map(ChartCategory::id),
        until,
        limit: u32::try_from(recent_charts.max(2)).unwrap_or(u32::MAX),
    };
    let mut by_region: HashMap<Region, Vec<ChartRef>> = HashMap::new();
    for chart in backend.newest_charts(&filter).await? {
        by_region.entry(chart.region).or_default().push(chart);
    }
    let comparable: Vec<Comparable> =
        regions.iter().filter_map(|region| by_region.remove(region)).filter_map(comparable).collect();
    let pairs: Vec<ChartRef> = comparable.iter().flat_map(|found| &found.charts[..2]).cloned().collect();
    let mut entries = backend.chart_entries(&pairs).await?.into_iter();
    let mut found = Vec::new();
    for Comparable { charts, has_other_categories } in &comparable {
        let (now, before) = (entries.next().unwrap_or_default(), entries.next().unwrap_or_default());
        let changes = compare((&charts[1], &before), (&charts[0], &now));
        let names_category = *has_other_categories || category.is_some();
        found.push(RegionTrends { changes, names_category, recent_ranks: Vec::new() });
    }
    if recent_charts > 0 {
        let charts = comparable.into_iter().map(|found| found.charts).collect();
        add_recent_ranks(backend, &mut found, charts, recent_charts).await?;
    }
    Ok(found)
}

/// Charts of one region and series.
struct Comparable {
    /// Newest first; at least two.
    charts: Vec<ChartRef>,
    has_other_categories: bool,
}

/// Picks one series from the charts of a region, which come newest first: that of the newest chart that has an earlier
/// one to compare with.
fn comparable(charts: Vec<ChartRef>) -> Option<Comparable> {
    let has_earlier =
        |(index, to): &(usize, &ChartRef)| charts[index + 1..].iter().any(|from| from.series == to.series);
    let series = charts.iter().enumerate().find(has_earlier)?.1.series.clone();
    let has_other_categories = charts.iter().any(|chart| chart.series.category_id != series.category_id);
    let charts = charts.into_iter().filter(|chart| chart.series == series).collect();
    Some(Comparable { charts, has_other_categories })
}

/// Reads all ranks of the last charts of each region; `charts` has those of each region newest first.
async fn add_recent_ranks(
    backend: &mut dyn Backend,
    trends: &mut [RegionTrends],
    mut charts: Vec<Vec<ChartRef>>,
    recent_charts: usize,
) -> Result<(), HistoryError> {
    for region_charts in &mut charts {
        region_charts.truncate(recent_charts);
        region_charts.reverse();
    }
    let mut video_ranks = backend.video_ranks(&charts.concat(), u32::MAX).await?.into_iter();
    for (trends, charts) in trends.iter_mut().zip(&charts) {
        let ranks = |(chart, video_ranks): (&ChartRef, Vec<VideoRank>)| ChartRanks {
            by_video: video_ranks.into_iter().map(|video_rank| (video_rank.video_id, video_rank.rank)).collect(),
            max_results: chart.max_results,
        };
        trends.recent_ranks = charts.iter().zip(video_ranks.by_ref()).map(ranks).collect();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart_ref(run_id: &str, source: &str, category_id: Option<u32>) -> ChartRef {
        let fetched_at = Timestamp::UNIX_EPOCH;
        let series = ChartSeries { source: source.into(), category_id };
        let region = Region::new("PL").unwrap();
        ChartRef { region, run_id: run_id.into(), number: 0, fetched_at, series, max_results: 50 }
    }

    #[test]
    fn only_charts_of_one_series_are_compared() {
        let newest_first = [
            chart_ref("5", "demo", None),
            chart_ref("4", "youtube", Some(10)),
            chart_ref("3", "youtube", None),
            chart_ref("2", "youtube", None),
            chart_ref("1", "youtube", Some(10)),
        ];
        let ids = |charts: &[ChartRef]| -> Option<Vec<String>> {
            Some(comparable(charts.to_vec())?.charts.into_iter().map(|chart| chart.run_id).collect())
        };
        assert_eq!(ids(&newest_first), Some(vec!["4".into(), "1".into()]));
        assert_eq!(ids(&newest_first[..4]), Some(vec!["3".into(), "2".into()]));
        assert_eq!(ids(&newest_first[..3]), None);
        assert_eq!(ids(&[]), None);
    }
}
