//! Stage 3: charts -> videos. The same video of several regions becomes one.

use std::collections::HashMap;

use crate::model::{RegionChart, TrendingVideo};

/// What merging leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// Sightings before merging.
    pub raw: usize,
    /// One each, in the order first met.
    pub videos: Vec<TrendingVideo>,
}

/// Merges the sightings of the charts, which it takes out of them. The charts come in the order asked
/// for, each by rank. The result is in the order
/// first met and depends on nothing else.
///
/// A video met again adds its region and rank, and each count keeps its maximum; its other facts
/// stay those of the first region. Within a region the first rank counts.
pub fn deduplicate(charts: &mut [RegionChart]) -> Merged {
    let mut merged = Merged::default();
    let mut index_of: HashMap<String, usize> = HashMap::new();
    for chart in charts {
        merged.raw += chart.sightings.len();
        for sighting in chart.sightings.drain(..) {
            let Some(&index) = index_of.get(&sighting.video.id) else {
                index_of.insert(sighting.video.id.clone(), merged.videos.len());
                merged.videos.push(TrendingVideo {
                    places: vec![(chart.region, sighting.rank)],
                    fetched_at: sighting.fetched_at,
                    video: sighting.video,
                });
                continue;
            };
            let known = &mut merged.videos[index];
            known.video.counts = known.video.counts.max(sighting.video.counts);
            if known.places.last().is_none_or(|(region, _)| *region != chart.region) {
                known.places.push((chart.region, sighting.rank));
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests;
