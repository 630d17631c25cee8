//! Stage 3: charts -> videos. The same video of several regions becomes one.

use indexmap::IndexSet;

use crate::model::{MergedVideo, RegionChart, RegionOutcome};

/// Merges the charts, which come in the order asked for, each by rank. The videos are in the order
/// first met and depend on nothing else; the outcomes are those of the charts, in their order.
///
/// A video met again adds its region and rank, and each count keeps its maximum; its other facts
/// stay those of the first region. Within a region the first rank counts.
pub fn deduplicate(charts: Vec<RegionChart>) -> (Vec<MergedVideo>, Vec<RegionOutcome>) {
    let (numbers, different) = number(&charts);
    let mut numbers = numbers.into_iter();
    let mut videos: Vec<MergedVideo> = Vec::with_capacity(different);
    let mut outcomes = Vec::with_capacity(charts.len());
    for RegionChart { entries, outcome } in charts {
        // The entries are asked first, so that no number is lost at a chart's end.
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

/// Which video each entry shows, numbered in the order first met; and how many there are.
fn number(charts: &[RegionChart]) -> (Vec<usize>, usize) {
    let most = charts.iter().map(|chart| chart.entries.len()).sum();
    let mut ids: IndexSet<&str> = IndexSet::with_capacity(most);
    let entries = charts.iter().flat_map(|chart| &chart.entries);
    let numbers = entries.map(|entry| ids.insert_full(&entry.video.id).0).collect();
    (numbers, ids.len())
}

#[cfg(test)]
mod tests;
