//! Counts of a run, from what was merged and what each region cost. Pure.

use std::collections::HashMap;
use std::time::Duration;

use crate::model::{Overlap, RegionOutcome, RegionStats, Stats, Status, TrendingVideo};
use crate::region::Region;

/// The most pairs that the document names.
const OVERLAP_PAIRS: usize = 20;

/// Counts. `outcomes` are in the order asked for.
pub fn count(outcomes: &[RegionOutcome], videos: &[TrendingVideo], elapsed: Duration, held: Duration) -> Stats {
    let regions: Vec<RegionStats> = outcomes.iter().map(|outcome| region_stats(outcome, videos)).collect();
    let with =
        |wanted: fn(Status) -> bool| regions.iter().filter(|row| wanted(row.status)).map(|row| row.region).collect();
    let sum = |of: fn(&RegionOutcome) -> u32| outcomes.iter().map(of).sum();
    let requests = sum(|outcome| outcome.effort.requests);
    let alone: Duration = outcomes.iter().map(|outcome| outcome.effort.alone).sum();
    Stats {
        raw: outcomes.iter().map(|outcome| outcome.places).sum(),
        unique: videos.len(),
        multi_region: videos.iter().filter(|video| video.places.len() > 1).count(),
        skipped: sum(|outcome| outcome.skipped),
        overlap: overlap(outcomes, videos),
        requests,
        retries: sum(|outcome| outcome.effort.retries),
        rate_limited: sum(|outcome| outcome.effort.rate_limited),
        quota_units: requests,
        elapsed_ms: milliseconds(elapsed),
        held_ms: milliseconds(held),
        regions_ok: with(|status| status == Status::Ok),
        regions_failed: with(|status| status != Status::Ok),
        sequential_ms: milliseconds(alone + held),
        regions,
    }
}

fn region_stats(outcome: &RegionOutcome, videos: &[TrendingVideo]) -> RegionStats {
    let is_in = |video: &&TrendingVideo| video.places.iter().any(|(region, _)| *region == outcome.region);
    RegionStats {
        region: outcome.region,
        language: outcome.region.language(),
        status: match (&outcome.error, outcome.answered) {
            (None, _) => Status::Ok,
            (Some(_), true) => Status::Partial,
            (Some(_), false) => Status::Failed,
        },
        videos: videos.iter().filter(is_in).count(),
        requests: outcome.effort.requests,
        retries: outcome.effort.retries,
        elapsed_ms: milliseconds(outcome.effort.elapsed),
        error: outcome.error.clone(),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The pairs that share most, largest first, equals in the order asked for.
fn overlap(outcomes: &[RegionOutcome], videos: &[TrendingVideo]) -> Vec<Overlap> {
    let mut shared: HashMap<[Region; 2], usize> = HashMap::new();
    for video in videos {
        for (index, (first, _)) in video.places.iter().enumerate() {
            for (second, _) in &video.places[index + 1..] {
                *shared.entry([*first, *second]).or_default() += 1;
            }
        }
    }
    let place: HashMap<Region, usize> =
        outcomes.iter().enumerate().map(|(place, outcome)| (outcome.region, place)).collect();
    let mut pairs: Vec<Overlap> = shared.into_iter().map(|(regions, videos)| Overlap { regions, videos }).collect();
    pairs.sort_by_key(|pair| (usize::MAX - pair.videos, pair.regions.map(|region| place.get(&region).copied())));
    pairs.truncate(OVERLAP_PAIRS);
    pairs
}

#[cfg(test)]
mod tests;
