//! Counts what changed in each region of a run, for its statistics and metrics.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::{Backend, ChartFilter, ChartRef, HistoryError, VideoRank};
use crate::model::region::Region;
use crate::model::{Document, Status};

/// What changed in the chart of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegionChanges {
    pub region: Region,
    /// Videos that were not in the chart before.
    pub entered: usize,
    /// Videos of the chart before that are no longer there.
    pub left: usize,
    /// The fetch that it was compared with.
    pub compared_with: Timestamp,
}

/// Compares each complete chart of recorded runs, which began together, with the complete chart before it, if there is
/// one. Returns a list for each run.
///
/// # Errors
/// When the history cannot be read.
pub(super) async fn summarize(
    backend: &mut dyn Backend,
    documents: &[Arc<Document>],
) -> Result<Vec<Vec<RegionChanges>>, HistoryError> {
    let Some(first) = documents.first() else { return Ok(Vec::new()) };
    let is_new = |chart: &ChartRef| documents.iter().any(|document| document.run_id == chart.run_id);
    let filter = ChartFilter {
        regions: complete_regions(documents),
        source: Some(first.source.clone()),
        category_id: (documents.len() == 1).then_some(first.request.category_id),
        until: first.fetched_at,
        // This run and the one before.
        limit: 2,
    };
    let mut previous: Vec<ChartRef> = backend.newest_charts(&filter).await?;
    // Newest first, so that of two charts of a region and category the older one goes.
    let mut seen = HashSet::new();
    previous.retain(|chart| !is_new(chart) && seen.insert((chart.series.category_id, chart.region)));
    let previous_ranks = backend.video_ranks(&previous, first.request.max_results).await?;
    let compared: Vec<(ChartRef, Vec<VideoRank>)> = previous.into_iter().zip(previous_ranks).collect();
    Ok(documents.iter().map(|document| summarize_run(document, &compared)).collect())
}

fn complete_regions(documents: &[Arc<Document>]) -> Vec<Region> {
    let rows = documents.iter().flat_map(|document| &document.stats.regions);
    let complete: BTreeSet<Region> = rows.filter(|row| row.status == Status::Ok).map(|row| row.region).collect();
    complete.into_iter().collect()
}

/// Compares the complete charts of a run with those of its category among `previous`.
fn summarize_run(document: &Document, previous: &[(ChartRef, Vec<VideoRank>)]) -> Vec<RegionChanges> {
    let current_ranks = ranks_by_region(document);
    let no_ranks = HashMap::new();
    let is_complete = |region: Region| document.stats.regions_ok.contains(&region);
    let of_category = previous
        .iter()
        .filter(|(chart, _)| chart.series.category_id == document.request.category_id && is_complete(chart.region));
    let changes = of_category.map(|(chart, before)| {
        let now = current_ranks.get(&chart.region).unwrap_or(&no_ranks);
        let (entered, left) = entered_and_left(before, now, chart.max_results);
        RegionChanges { region: chart.region, entered, left, compared_with: chart.fetched_at }
    });
    changes.collect()
}

/// The rank of each video, by region.
fn ranks_by_region(document: &Document) -> HashMap<Region, HashMap<&str, u32>> {
    let mut ranks: HashMap<Region, HashMap<&str, u32>> = HashMap::new();
    for merged in &document.videos {
        for (region, rank) in &merged.ranks {
            ranks.entry(*region).or_default().insert(&merged.video.id, *rank);
        }
    }
    ranks
}

/// How many videos entered and how many left. Both charts are compared over the same ranks: `before` was read no
/// further down than the current run requested, and `now` is cut to the `max_results` of the earlier run.
fn entered_and_left(before: &[VideoRank], now: &HashMap<&str, u32>, max_results: u32) -> (usize, usize) {
    let now: HashSet<&str> = now.iter().filter(|(_, rank)| **rank <= max_results).map(|(id, _)| *id).collect();
    let before: HashSet<&str> = before.iter().map(|video_rank| &*video_rank.video_id).collect();
    (now.difference(&before).count(), before.difference(&now).count())
}
