//! Which regions share what: the heat map, and the videos that are in most charts. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::snapshot::{RegionPast, Snapshot};
use crate::region::Region;
use crate::store::Place;

/// The most regions of a heat map whose numbers can still be read.
const MOST_REGIONS: usize = 24;

/// The most widespread videos that are shown.
const MOST_VIDEOS: usize = 20;

/// Regions that are named for a video.
const MOST_NAMED: usize = 12;

/// How many videos each two regions share.
#[derive(Debug, Default)]
pub(super) struct HeatMap {
    pub regions: Vec<Region>,
    /// A row for each region, a cell for each.
    pub rows: Vec<Vec<Cell>>,
    /// Regions with a chart that found no room.
    pub left_out: usize,
}

/// Two regions, or one with itself.
#[derive(Debug)]
pub(super) struct Cell {
    pub videos: usize,
    /// 0 to 6, by the part of the smaller chart; `None` for a region with itself.
    pub heat: Option<usize>,
}

/// A video in several charts.
#[derive(Debug)]
pub(super) struct Widespread<'a> {
    pub place: &'a Place,
    pub regions: usize,
    pub best: u32,
    /// The first of its regions with the rank in each, by rank.
    pub named: Vec<(Region, u32)>,
}

/// A video's places: which region, by its index, and the place.
type Places<'a> = HashMap<&'a str, Vec<(usize, &'a Place)>>;

pub(super) fn sharing(snapshot: &Snapshot) -> (HeatMap, Vec<Widespread<'_>>) {
    let charts: Vec<&RegionPast> = snapshot
        .regions
        .iter()
        .filter(|past| past.chart.as_ref().is_some_and(|chart| !chart.places.is_empty()))
        .collect();
    let mut places: Places<'_> = HashMap::new();
    for (index, past) in charts.iter().enumerate() {
        for place in past.chart.iter().flat_map(|chart| &chart.places) {
            places.entry(&place.video_id).or_default().push((index, place));
        }
    }
    (heat_map(&charts, &places), widespread(&charts, &places))
}

fn heat_map(charts: &[&RegionPast], places: &Places<'_>) -> HeatMap {
    let count = charts.len();
    let mut shared = vec![vec![0_usize; count]; count];
    for met in places.values() {
        for (one, _) in met {
            for (other, _) in met {
                shared[*one][*other] += 1;
            }
        }
    }
    let with_others = |one: usize| shared[one].iter().sum::<usize>() - shared[one][one];
    let mut chosen: Vec<usize> = (0..count).collect();
    chosen.sort_by_key(|one| Reverse(with_others(*one)));
    chosen.truncate(MOST_REGIONS);
    chosen.sort_unstable();
    let cell = |one: usize, other: usize| {
        let videos = shared[one][other];
        let smaller = shared[one][one].min(shared[other][other]).max(1);
        // Half of a chart in common is as hot as it gets; one video is never cold.
        let heat = if videos == 0 { 0 } else { (1 + videos * 10 / smaller).min(6) };
        Cell { videos, heat: (one != other).then_some(heat) }
    };
    HeatMap {
        regions: chosen.iter().map(|one| charts[*one].region).collect(),
        rows: chosen.iter().map(|one| chosen.iter().map(|other| cell(*one, *other)).collect()).collect(),
        left_out: count - chosen.len(),
    }
}

fn widespread<'a>(charts: &[&RegionPast], places: &Places<'a>) -> Vec<Widespread<'a>> {
    let mut found: Vec<Widespread<'a>> = places
        .values()
        .filter(|met| met.len() > 1)
        .filter_map(|met| {
            let mut named: Vec<(Region, u32)> =
                met.iter().map(|(index, place)| (charts[*index].region, place.rank)).collect();
            named.sort_by_key(|(region, rank)| (*rank, *region));
            named.truncate(MOST_NAMED);
            Some(Widespread { place: met.first()?.1, regions: met.len(), best: named.first()?.1, named })
        })
        .collect();
    found.sort_by_key(|video| (Reverse(video.regions), video.best, &video.place.video_id));
    found.truncate(MOST_VIDEOS);
    found
}
