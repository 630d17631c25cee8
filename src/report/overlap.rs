//! Which regions share what: the heat map, and the videos that are in most charts. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::snapshot::{RegionPast, Snapshot};
use crate::history::HistoryEntry;
use crate::model::region::Region;

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
    pub entry: &'a HistoryEntry,
    pub regions: usize,
    pub best: u32,
    /// The first of its regions with the rank in each, by rank.
    pub named: Vec<(Region, u32)>,
}

/// A video's entries: which region, by its index, and the entry.
type EntriesByVideo<'a> = HashMap<&'a str, Vec<(usize, &'a HistoryEntry)>>;

pub(super) fn sharing(snapshot: &Snapshot) -> (HeatMap, Vec<Widespread<'_>>) {
    let charts: Vec<&RegionPast> = snapshot
        .regions
        .iter()
        .filter(|past| past.chart.as_ref().is_some_and(|chart| !chart.entries.is_empty()))
        .collect();
    let mut entries: EntriesByVideo<'_> = HashMap::new();
    for (index, past) in charts.iter().enumerate() {
        for entry in past.chart.iter().flat_map(|chart| &chart.entries) {
            entries.entry(&entry.video_id).or_default().push((index, entry));
        }
    }
    (heat_map(&charts, &entries), widespread(&charts, &entries))
}

fn heat_map(charts: &[&RegionPast], entries: &EntriesByVideo<'_>) -> HeatMap {
    let count = charts.len();
    let mut shared = vec![vec![0_usize; count]; count];
    for met in entries.values() {
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

fn widespread<'a>(charts: &[&RegionPast], entries: &EntriesByVideo<'a>) -> Vec<Widespread<'a>> {
    let mut found: Vec<Widespread<'a>> = entries
        .values()
        .filter(|met| met.len() > 1)
        .filter_map(|met| {
            let mut named: Vec<(Region, u32)> =
                met.iter().map(|(index, entry)| (charts[*index].region, entry.rank)).collect();
            named.sort_by_key(|(region, rank)| (*rank, *region));
            named.truncate(MOST_NAMED);
            Some(Widespread { entry: met.first()?.1, regions: met.len(), best: named.first()?.1, named })
        })
        .collect();
    found.sort_by_key(|video| (Reverse(video.regions), video.best, &video.entry.video_id));
    found.truncate(MOST_VIDEOS);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{attempt, charted, entries, past, region, snapshot};

    fn charts(charts: &[(&str, &[&str])]) -> Snapshot {
        snapshot(charts.iter().map(|(code, ids)| charted(code, entries(ids))).collect())
    }

    fn numbers(heat: &HeatMap) -> Vec<Vec<usize>> {
        heat.rows.iter().map(|row| row.iter().map(|cell| cell.videos).collect()).collect()
    }

    fn heats(heat: &HeatMap) -> Vec<Vec<Option<usize>>> {
        heat.rows.iter().map(|row| row.iter().map(|cell| cell.heat).collect()).collect()
    }

    #[test]
    fn two_regions_share_the_same_number_both_ways_and_each_has_its_own_places() {
        let snapshot = charts(&[("US", &["a", "b", "c"]), ("PL", &["z"]), ("GB", &["d", "c", "b", "e"])]);
        let (heat, _) = sharing(&snapshot);
        assert_eq!(heat.regions, ["US", "PL", "GB"].map(region));
        assert_eq!(numbers(&heat), [[3, 0, 2], [0, 1, 0], [2, 0, 4]]);
        assert_eq!(heats(&heat), [[None, Some(0), Some(6)], [Some(0), None, Some(0)], [Some(6), Some(0), None]]);
        assert_eq!(heat.left_out, 0);
    }

    #[test]
    fn heat_goes_by_the_part_of_the_smaller_chart() {
        let ids: Vec<String> = (0..200).map(|id| format!("v{id}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let heat = |one: &[&str], other: &[&str]| {
            let (heat, _) = sharing(&charts(&[("US", one), ("GB", other)]));
            heat.rows[0][1].heat.unwrap()
        };
        // Ten entries each, of which so many are the same.
        let steps: Vec<usize> = (0..=10).map(|shared| heat(&ids[..10], &ids[10 - shared..20 - shared])).collect();
        assert_eq!(steps, [0, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6]);
        assert_eq!(heat(&ids[..100], &ids[99..]), 1, "one video is never cold");
        assert_eq!(heat(&ids, &ids[..10]), 6, "all of the smaller chart");
    }

    #[test]
    fn the_24_regions_that_share_most_are_shown_in_their_order() {
        let codes: Vec<Region> = Region::all().take(30).collect();
        // Every fifth region has only a video of its own.
        let chart = |(index, region): (usize, &Region)| match index % 5 {
            0 => charted(region.code(), entries(&[region.code()])),
            _ => charted(region.code(), entries(&["everywhere", region.code()])),
        };
        let mut snapshot = snapshot(codes.iter().enumerate().map(chart).collect());
        // Without a entry, so neither shown nor left out.
        snapshot.regions.push(charted("ZW", Vec::new()));
        snapshot.regions.push(past(vec![attempt("ZA", 0)]));
        let (heat, _) = sharing(&snapshot);
        let sharing: Vec<Region> = (0..30).filter(|index| index % 5 != 0).map(|index| codes[index]).collect();
        assert_eq!((&heat.regions, heat.left_out), (&sharing, 6));
        let rows: Vec<Vec<usize>> =
            (0..24).map(|row| (0..24).map(|column| if row == column { 2 } else { 1 }).collect()).collect();
        assert_eq!(numbers(&heat), rows);
    }

    #[test]
    fn the_most_widespread_come_by_regions_then_by_best_rank_then_by_id() {
        let snapshot = charts(&[
            ("US", &["d", "c", "all", "b", "a"]),
            ("GB", &["c", "d", "alone", "a", "b", "all"]),
            ("PL", &["all"]),
        ]);
        let (_, widespread) = sharing(&snapshot);
        let told: Vec<_> = widespread.iter().map(|video| (&*video.entry.video_id, video.regions, video.best)).collect();
        assert_eq!(told, [("all", 3, 1), ("c", 2, 1), ("d", 2, 1), ("a", 2, 4), ("b", 2, 4)]);
        assert_eq!(widespread[0].named, [(region("PL"), 1), (region("US"), 3), (region("GB"), 6)]);
        assert_eq!(widespread[0].entry.rank, 3, "as the first of its regions has it");
    }

    #[test]
    fn twelve_regions_of_a_video_are_named_the_best_first() {
        let codes: Vec<Region> = Region::all().take(14).collect();
        // Ranks 7 down to 1, twice.
        let chart = |(index, region): (usize, &Region)| {
            let mut ids: Vec<String> = (0..6 - index % 7).map(|other| format!("{region}{other}")).collect();
            ids.push("all".to_owned());
            charted(region.code(), entries(&ids.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        let snapshot = snapshot(codes.iter().enumerate().map(chart).collect());
        let (_, widespread) = sharing(&snapshot);
        let [all] = &widespread[..] else { panic!("{widespread:?}") };
        let named: Vec<(Region, u32)> =
            (1..=6).flat_map(|rank| [(codes[7 - rank], rank as u32), (codes[14 - rank], rank as u32)]).collect();
        assert_eq!((all.regions, all.best, &all.named), (14, 1, &named));
    }

    #[test]
    fn twenty_videos_are_shown_at_most() {
        let ids: Vec<String> = (0..21).map(|id| format!("v{id:02}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let snapshot = charts(&[("US", &ids), ("GB", &ids)]);
        let shown: Vec<String> = sharing(&snapshot).1.iter().map(|video| video.entry.video_id.clone()).collect();
        assert_eq!(shown, ids[..20]);
    }
}
