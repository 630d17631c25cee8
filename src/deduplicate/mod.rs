//! Stage 3: charts -> videos. The same video of several regions becomes one.

use indexmap::IndexSet;

use crate::model::{RegionChart, RegionOutcome, TrendingVideo};

/// Merges the charts, which come in the order asked for, each by rank. The videos are in the order
/// first met and depend on nothing else; the outcomes are those of the charts, in their order.
///
/// A video met again adds its region and rank, and each count keeps its maximum; its other facts
/// stay those of the first region. Within a region the first rank counts.
pub fn deduplicate(charts: Vec<RegionChart>) -> (Vec<TrendingVideo>, Vec<RegionOutcome>) {
    let (numbers, different) = number(&charts);
    let mut numbers = numbers.into_iter();
    let mut videos: Vec<TrendingVideo> = Vec::with_capacity(different);
    let mut outcomes = Vec::with_capacity(charts.len());
    for RegionChart { sightings, outcome } in charts {
        // The sightings are asked first, so that no number is lost at a chart's end.
        for (sighting, number) in sightings.into_iter().zip(&mut numbers) {
            let Some(known) = videos.get_mut(number) else {
                videos.push(TrendingVideo {
                    places: vec![(outcome.region, sighting.rank)],
                    fetched_at: sighting.fetched_at,
                    video: sighting.video,
                });
                continue;
            };
            known.video.counts = known.video.counts.max(sighting.video.counts);
            if known.places.last().is_none_or(|(region, _)| *region != outcome.region) {
                known.places.push((outcome.region, sighting.rank));
            }
        }
        outcomes.push(outcome);
    }
    (videos, outcomes)
}

/// Which video each sighting shows, numbered in the order first met; and how many there are.
fn number(charts: &[RegionChart]) -> (Vec<usize>, usize) {
    let most = charts.iter().map(|chart| chart.sightings.len()).sum();
    let mut ids: IndexSet<&str> = IndexSet::with_capacity(most);
    let sightings = charts.iter().flat_map(|chart| &chart.sightings);
    let numbers = sightings.map(|sighting| ids.insert_full(&sighting.video.id).0).collect();
    (numbers, ids.len())
}

#[cfg(test)]
mod tests;
