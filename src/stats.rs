//! Counts of a run, from what was merged and what each region cost. Pure.

use std::collections::HashMap;
use std::time::Duration;

use crate::deduplicate::Merged;
use crate::fetch::millis;
use crate::model::{Overlap, RegionChart, RegionStats, Stats, Status};
use crate::region::Region;

/// The most pairs that the document names.
const OVERLAP_PAIRS: usize = 20;

/// Counts. `charts` are in the order asked for.
pub fn count(charts: &[RegionChart], merged: &Merged, elapsed: Duration, held: Duration) -> Stats {
    let seen = |region| {
        merged.videos.iter().filter(|video| video.places.iter().any(|(in_region, _)| *in_region == region)).count()
    };
    let regions: Vec<RegionStats> = charts.iter().map(|chart| region_stats(chart, seen(chart.region))).collect();
    let with =
        |wanted: fn(Status) -> bool| regions.iter().filter(|row| wanted(row.status)).map(|row| row.region).collect();
    let sum = |of: fn(&RegionChart) -> u32| charts.iter().map(of).sum();
    let requests = sum(|chart| chart.effort.requests);
    Stats {
        raw: merged.raw,
        unique: merged.videos.len(),
        multi_region: merged.videos.iter().filter(|video| video.places.len() > 1).count(),
        skipped: sum(|chart| chart.skipped),
        overlap: overlap(charts, merged),
        requests,
        retries: sum(|chart| chart.effort.retries),
        rate_limited: sum(|chart| chart.effort.rate_limited),
        quota_units: requests,
        elapsed_ms: millis(elapsed),
        held_ms: millis(held),
        regions_ok: with(|status| status == Status::Ok),
        regions_failed: with(|status| status != Status::Ok),
        sequential_ms: charts.iter().map(|chart| chart.effort.alone_ms).sum::<u64>() + millis(held),
        regions,
    }
}

fn region_stats(chart: &RegionChart, videos: usize) -> RegionStats {
    RegionStats {
        region: chart.region,
        language: chart.region.language(),
        status: match (&chart.error, chart.answered) {
            (None, _) => Status::Ok,
            (Some(_), true) => Status::Partial,
            (Some(_), false) => Status::Failed,
        },
        videos,
        requests: chart.effort.requests,
        retries: chart.effort.retries,
        elapsed_ms: chart.effort.elapsed_ms,
        error: chart.error.clone(),
    }
}

/// The pairs that share most, largest first, equals in the order asked for.
fn overlap(charts: &[RegionChart], merged: &Merged) -> Vec<Overlap> {
    let mut shared: HashMap<[Region; 2], usize> = HashMap::new();
    for video in &merged.videos {
        for (index, (first, _)) in video.places.iter().enumerate() {
            for (second, _) in &video.places[index + 1..] {
                *shared.entry([*first, *second]).or_default() += 1;
            }
        }
    }
    let place: HashMap<Region, usize> = charts.iter().enumerate().map(|(place, chart)| (chart.region, place)).collect();
    let mut pairs: Vec<Overlap> = shared.into_iter().map(|(regions, videos)| Overlap { regions, videos }).collect();
    pairs.sort_by_key(|pair| (usize::MAX - pair.videos, pair.regions.map(|region| place.get(&region).copied())));
    pairs.truncate(OVERLAP_PAIRS);
    pairs
}

#[cfg(test)]
mod tests;
