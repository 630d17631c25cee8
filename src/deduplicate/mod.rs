//! Stage 3: charts -> videos. The same video of several regions becomes one.

use indexmap::IndexSet;

use crate::model::{MergedVideo, RegionChart, RegionOutcome};

/// Merges the charts, which are in the order requested, each by rank. The videos are in the order of their first
/// occurrence, and depend on nothing else. The outcomes are those of the charts, in the same order.
///
/// A video that occurs again adds its region and rank, and raises each count to the maximum. Its other fields stay
/// those of the first region. If a chart repeats a video, the first rank counts.
pub fn deduplicate(charts: Vec<RegionChart>) -> (Vec<MergedVideo>, Vec<RegionOutcome>) {
    let (numbers, distinct) = number_videos(&charts);
    let mut numbers = numbers.into_iter();
    let mut videos: Vec<MergedVideo> = Vec::with_capacity(distinct);
    let mut outcomes = Vec::with_capacity(charts.len());
    for RegionChart { entries, outcome } in charts {
        // `zip` takes from the entries first, so that it consumes no number at the end of a chart.
        for (entry, number) in entries.into_iter().zip(&mut numbers) {
            let Some(known) = videos.get_mut(number) else {
                videos.push(MergedVideo {
                    ranks: vec![(outcome.region, entry.rank)],
                    fetched_at: entry.fetched_at,
                    video: entry.video,
                });
                continue;
            };
            known.video.raise_counts(&entry.video);
            if known.ranks.last().is_none_or(|(region, _)| *region != outcome.region) {
                known.ranks.push((outcome.region, entry.rank));
            }
        }
        outcomes.push(outcome);
    }
    (videos, outcomes)
}

/// The number of each entry's video, counted in the order of first occurrence, and how many distinct videos there are.
fn number_videos(charts: &[RegionChart]) -> (Vec<usize>, usize) {
    let most = charts.iter().map(|chart| chart.entries.len()).sum();
    let mut ids: IndexSet<&str> = IndexSet::with_capacity(most);
    let entries = charts.iter().flat_map(|chart| &chart.entries);
    let numbers = entries.map(|entry| ids.insert_full(&entry.video.id).0).collect();
    (numbers, ids.len())
}

#[cfg(test)]
mod tests;
