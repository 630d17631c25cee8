//! Stage 3: charts -> videos. The same video of several regions becomes one.

use std::collections::HashMap;

use crate::model::{RegionChart, RegionOutcome, TrendingVideo};

/// Merges the charts, which come in the order asked for, each by rank. The videos are in the order
/// first met and depend on nothing else; the outcomes are those of the charts, in their order.
///
/// A video met again adds its region and rank, and each count keeps its maximum; its other facts
/// stay those of the first region. Within a region the first rank counts.
pub fn deduplicate(charts: Vec<RegionChart>) -> (Vec<TrendingVideo>, Vec<RegionOutcome>) {
    let mut videos: Vec<TrendingVideo> = Vec::new();
    let mut index_of: HashMap<String, usize> = HashMap::new();
    let mut outcomes = Vec::with_capacity(charts.len());
    for RegionChart { sightings, outcome } in charts {
        for sighting in sightings {
            let Some(&index) = index_of.get(&sighting.video.id) else {
                index_of.insert(sighting.video.id.clone(), videos.len());
                videos.push(TrendingVideo {
                    places: vec![(outcome.region, sighting.rank)],
                    fetched_at: sighting.fetched_at,
                    video: sighting.video,
                });
                continue;
            };
            let known = &mut videos[index];
            known.video.counts = known.video.counts.max(sighting.video.counts);
            if known.places.last().is_none_or(|(region, _)| *region != outcome.region) {
                known.places.push((outcome.region, sighting.rank));
            }
        }
        outcomes.push(outcome);
    }
    (videos, outcomes)
}

#[cfg(test)]
mod tests;
