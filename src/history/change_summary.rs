//! What changed over all regions of a run, for its stats. Pure, but for `since_last`, which reads what was before.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::{Backend, ChartFilter, Fetch, HistoryError, VideoRank};
use crate::model::region::Region;
use crate::model::{Document, Status};

/// What changed over all regions of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChangeSummary {
    /// Places that went to a video which was not in that chart before.
    pub entered: usize,
    /// Places that a video lost.
    pub left: usize,
    /// Regions that could be compared.
    pub regions: usize,
    /// The earliest and the latest fetch that they were compared with.
    pub fetched_at: (Timestamp, Timestamp),
}

impl ChangeSummary {
    /// Of more regions.
    fn and(self, other: ChangeSummary) -> ChangeSummary {
        let ((first, last), (other_first, other_last)) = (self.fetched_at, other.fetched_at);
        ChangeSummary {
            entered: self.entered + other.entered,
            left: self.left + other.left,
            regions: self.regions + other.regions,
            fetched_at: (first.min(other_first), last.max(other_last)),
        }
    }
}

/// What has changed in the whole regions of a run that is kept, each against its whole chart before.
///
/// # Errors
/// When the history cannot be read.
pub(super) async fn since_last(
    backend: &mut dyn Backend,
    document: &Document,
) -> Result<Option<ChangeSummary>, HistoryError> {
    let whole = document.stats.regions.iter().filter(|row| row.status == Status::Ok);
    let filter = ChartFilter {
        regions: whole.map(|row| row.region).collect(),
        source: Some(document.source.clone()),
        category_id: Some(document.request.category_id),
        until: document.fetched_at,
        // This run and the one before.
        most: 2,
    };
    let mut before: Vec<Fetch> = backend.newest(&filter).await?;
    before.retain(|fetch| fetch.run_id != document.run_id);
    // Newest first, so that of two the older goes.
    let mut seen = HashSet::new();
    before.retain(|fetch| seen.insert(fetch.region));
    let video_ranks = backend.video_ranks(&before, document.request.max_results).await?;
    let now = ranks(document);
    let each = before.iter().zip(&video_ranks).map(|(from, video_ranks)| {
        let empty = HashMap::new();
        let (entered, left) = entered_and_left(video_ranks, now.get(&from.region).unwrap_or(&empty), from.depth);
        ChangeSummary { entered, left, regions: 1, fetched_at: (from.fetched_at, from.fetched_at) }
    });
    Ok(each.reduce(ChangeSummary::and))
}

/// The videos of each region, with their ranks.
fn ranks(document: &Document) -> HashMap<Region, HashMap<&str, u32>> {
    let mut ranks: HashMap<Region, HashMap<&str, u32>> = HashMap::new();
    for merged in &document.videos {
        for (region, rank) in &merged.ranks {
            ranks.entry(*region).or_default().insert(&merged.video.id, *rank);
        }
    }
    ranks
}

/// How many videos are in one chart and not in the other, down to the depth of the earlier one. Its own places go down
/// to the depth of the later one at most.
fn entered_and_left(before: &[VideoRank], now: &HashMap<&str, u32>, depth: u32) -> (usize, usize) {
    let now: HashSet<&str> = now.iter().filter(|(_, rank)| **rank <= depth).map(|(id, _)| *id).collect();
    let before: HashSet<&str> = before.iter().map(|video_rank| &*video_rank.video_id).collect();
    (now.difference(&before).count(), before.difference(&now).count())
}
