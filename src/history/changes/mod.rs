//! Compares charts of a region: what entered, left, rose and fell.

mod compare;
mod entrances;
mod moves;
mod pairs;

use std::collections::HashMap;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use super::{Backend, ChartRef, ChartSeries, HistoryError, VideoRank};
use crate::model::category::ChartCategory;
use crate::model::region::Region;

use pairs::Pair;

pub use compare::compare;
pub use entrances::{Entrance, Entrances, find_entrances};
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

/// The changes of a region between two complete charts of one series.
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

/// Selects the charts that are compared.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    pub regions: &'a [Region],
    /// `None` is the category that was fetched last.
    pub category: Option<ChartCategory>,
    /// The newest chart is compared with the last one of a run that began before this time; `None` is the one before it.
    pub since: Option<Timestamp>,
    /// The latest start of a run.
    pub until: Timestamp,
    /// Only moves that touch the first places, up to this one.
    pub top: Option<u32>,
}

/// Compares two charts of each region. Adds the ranks in the last `recent_charts` charts. A region without two comparable
/// charts is left out.
///
/// # Errors
/// When the history cannot be read.
pub async fn find(
    backend: &mut dyn Backend,
    query: &Query<'_>,
    recent_charts: usize,
) -> Result<Vec<RegionTrends>, HistoryError> {
    let comparable = pairs::find(backend, query, recent_charts).await?;
    let charts: Vec<ChartRef> = comparable.iter().flat_map(|pair| [&pair.to, &pair.from]).cloned().collect();
    let mut entries = backend.chart_entries(&charts).await?.into_iter();
    let mut found = Vec::new();
    for Pair { from, to, has_other_categories, .. } in &comparable {
        let (now, before) = (entries.next().unwrap_or_default(), entries.next().unwrap_or_default());
        let mut changes = compare((from, &before), (to, &now));
        changes.retain_top(query.top);
        let names_category = *has_other_categories || query.category.is_some();
        found.push(RegionTrends { changes, names_category, recent_ranks: Vec::new() });
    }
    if recent_charts > 0 {
        let charts = comparable.into_iter().map(|pair| pair.recent).collect();
        add_recent_ranks(backend, &mut found, charts, recent_charts).await?;
    }
    Ok(found)
}

impl RegionChanges {
    /// The lists of moves, each with its name.
    pub fn lists(&self) -> [(&'static str, &[Move]); 4] {
        [("entered", &self.entered), ("left", &self.left), ("rose", &self.rose), ("fell", &self.fell)]
    }

    /// Drops the moves that do not touch the first `top` places.
    fn retain_top(&mut self, top: Option<u32>) {
        let Some(top) = top else { return };
        let lists = [&mut self.entered, &mut self.left, &mut self.rose, &mut self.fell, &mut self.pushed];
        lists.into_iter().for_each(|moves| moves.retain(|each| each.touches(top)));
    }
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
