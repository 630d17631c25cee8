//! The counts of a run, from the merged videos and the outcome of each region. Pure.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use crate::model::region::Region;
use crate::model::{Document, MergedVideo, Overlap, RegionOutcome, RegionStats, Stats, Status};

/// The most pairs that the document lists.
const OVERLAP_PAIRS: usize = 20;

/// Counts. `outcomes` are in the order requested.
pub fn count(outcomes: &[RegionOutcome], videos: &[MergedVideo], elapsed: Duration, held: Duration) -> Stats {
    let requested: Vec<Region> = outcomes.iter().map(|outcome| outcome.region).collect();
    let shared = shared(&requested, videos);
    let regions: Vec<RegionStats> =
        outcomes.iter().enumerate().map(|(index, outcome)| region_stats(outcome, shared[index][index])).collect();
    let regions_with =
        |wanted: fn(Status) -> bool| regions.iter().filter(|row| wanted(row.status)).map(|row| row.region).collect();
    let sum = |count: fn(&RegionOutcome) -> u32| outcomes.iter().map(count).sum();
    let requests = sum(|outcome| outcome.metrics.requests);
    Stats {
        raw: outcomes.iter().map(|outcome| outcome.entries).sum(),
        unique: videos.len(),
        multi_region: videos.iter().filter(|video| video.ranks.len() > 1).count(),
        skipped: sum(|outcome| outcome.skipped),
        overlap: largest_pairs(&requested, &shared),
        requests,
        retries: sum(|outcome| outcome.metrics.retries),
        rate_limited: sum(|outcome| outcome.metrics.rate_limited),
        quota_units: requests - sum(|outcome| outcome.metrics.unbilled),
        elapsed_ms: milliseconds(elapsed),
        held_ms: milliseconds(held),
        regions_ok: regions_with(|status| status == Status::Ok),
        regions_failed: regions_with(|status| status != Status::Ok),
        regions,
    }
}

/// How long one request at a time would have taken, without the time in which a rate limit held all of them.
pub fn sequential_time(outcomes: &[RegionOutcome]) -> Duration {
    outcomes.iter().map(|outcome| outcome.metrics.sequential_time).sum()
}

/// The counts of runs that began together. Regions and overlap are those of a single run, and empty for several.
pub fn total(documents: &[Arc<Document>]) -> Stats {
    if let [document] = documents {
        return document.stats.clone();
    }
    let all = || documents.iter().map(|document| &document.stats);
    let mut regions_of: HashMap<&str, HashSet<Region>> = HashMap::new();
    for video in documents.iter().flat_map(|document| &document.videos) {
        regions_of.entry(&video.video.id).or_default().extend(video.ranks.iter().map(|(region, _)| *region));
    }
    Stats {
        raw: all().map(|stats| stats.raw).sum(),
        unique: regions_of.len(),
        multi_region: regions_of.values().filter(|regions| regions.len() > 1).count(),
        skipped: all().map(|stats| stats.skipped).sum(),
        overlap: Vec::new(),
        requests: all().map(|stats| stats.requests).sum(),
        retries: all().map(|stats| stats.retries).sum(),
        rate_limited: all().map(|stats| stats.rate_limited).sum(),
        quota_units: all().map(|stats| stats.quota_units).sum(),
        elapsed_ms: all().map(|stats| stats.elapsed_ms).max().unwrap_or(0),
        held_ms: all().map(|stats| stats.held_ms).max().unwrap_or(0),
        regions_ok: Vec::new(),
        regions_failed: Vec::new(),
        regions: Vec::new(),
    }
}

fn region_stats(outcome: &RegionOutcome, videos: usize) -> RegionStats {
    RegionStats {
        region: outcome.region,
        language: outcome.region.language(),
        status: match (&outcome.failure, outcome.answered) {
            (None, _) => Status::Ok,
            (Some(_), true) => Status::Partial,
            (Some(_), false) => Status::Failed,
        },
        videos,
        requests: outcome.metrics.requests,
        retries: outcome.metrics.retries,
        elapsed_ms: milliseconds(outcome.metrics.elapsed),
        error: outcome.error().cloned(),
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How many videos each two regions have in common, by their indices.
fn shared(regions: &[Region], videos: &[MergedVideo]) -> Vec<Vec<usize>> {
    let index_of: HashMap<Region, usize> = regions.iter().enumerate().map(|(index, region)| (*region, index)).collect();
    let regions_of =
        |video: &MergedVideo| video.ranks.iter().filter_map(|(region, _)| index_of.get(region).copied()).collect();
    shared_videos(regions.len(), videos.iter().map(regions_of))
}

/// How many videos each two of `count` regions have in common, given the indices of each video's regions. A region has
/// all of its videos in common with itself. A table instead of a map: a video in all regions is in 6,105 pairs.
pub(crate) fn shared_videos(count: usize, videos: impl Iterator<Item = Vec<usize>>) -> Vec<Vec<usize>> {
    let mut shared = vec![vec![0; count]; count];
    for regions in videos {
        for &one in &regions {
            for &other in &regions {
                shared[one][other] += 1;
            }
        }
    }
    shared
}

/// The pairs that share the most videos, largest first, and ties in the order requested.
pub fn overlap(regions: &[Region], videos: &[MergedVideo]) -> Vec<Overlap> {
    largest_pairs(regions, &shared(regions, videos))
}

fn largest_pairs(regions: &[Region], shared: &[Vec<usize>]) -> Vec<Overlap> {
    let mut pairs = Vec::new();
    for (first, row) in shared.iter().enumerate() {
        for (second, &videos) in row.iter().enumerate().skip(first + 1).filter(|(_, videos)| **videos > 0) {
            pairs.push(Overlap { regions: [first, second].map(|index| regions[index]), videos });
        }
    }
    pairs.sort_by_key(|pair| Reverse(pair.videos));
    pairs.truncate(OVERLAP_PAIRS);
    pairs
}

#[cfg(test)]
mod tests;
