//! Counts what changed in each region of a run, for its statistics and metrics.

use std::collections::{HashMap, HashSet};

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

/// Compares each complete chart of a recorded run with the complete chart before it, if there is one.
///
/// # Errors
/// When the history cannot be read.
pub(super) async fn summarize(
    backend: &mut dyn Backend,
    document: &Document,
) -> Result<Vec<RegionChanges>, HistoryError> {
    let complete = document.stats.regions.iter().filter(|row| row.status == Status::Ok);
    let filter = ChartFilter {
        regions: complete.map(|row| row.region).collect(),
        source: Some(document.source.clone()),
        category_id: Some(document.request.category_id),
        until: document.fetched_at,
        // This run and the one before.
        limit: 2,
    };
    let mut previous: Vec<ChartRef> = backend.newest_charts(&filter).await?;
    previous.retain(|chart| chart.run_id != document.run_id);
    // Newest first, so that of two charts of a region the older one goes.
    let mut seen = HashSet::new();
    previous.retain(|chart| seen.insert(chart.region));
    let previous_ranks = backend.video_ranks(&previous, document.request.max_results).await?;
    let current_ranks = ranks_by_region(document);
    let no_ranks = HashMap::new();
    let changes = previous.iter().zip(&previous_ranks).map(|(chart, before)| {
        let now = current_ranks.get(&chart.region).unwrap_or(&no_ranks);
        let (entered, left) = entered_and_left(before, now, chart.max_results);
        RegionChanges { region: chart.region, entered, left, compared_with: chart.fetched_at }
    });
    Ok(changes.collect())
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
