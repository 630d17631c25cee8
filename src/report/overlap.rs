//! Which videos the regions have in common: the heat map, and the videos in the most charts. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::region_history::RegionHistory;
use super::snapshot::Snapshot;
use super::text::signed;
use crate::history::HistoryEntry;
use crate::model::region::Region;
use crate::stats::shared_videos;
use crate::support::human::group_digits;

/// The largest heat map whose numbers are still readable.
const MAX_REGIONS: usize = 24;

/// How many videos a table lists.
pub(super) const MAX_VIDEOS: usize = 12;

/// Regions listed for one video.
const MAX_LISTED_REGIONS: usize = 12;

pub(super) struct RegionOverlap<'a> {
    pub heat_map: HeatMap,
    /// The videos in the most regions.
    pub widespread: Vec<WidespreadVideo<'a>>,
}

/// How many videos each two regions have in common.
#[derive(Debug, Default)]
pub(super) struct HeatMap {
    pub regions: Vec<Region>,
    /// For each region a row with a cell for each region.
    pub rows: Vec<Vec<HeatMapCell>>,
    /// How many regions with a chart are not shown.
    pub omitted: usize,
}

#[derive(Debug)]
pub(super) struct HeatMapCell {
    pub shared_videos: usize,
    /// 0 to 6, by the share of the smaller chart; `None` for a region with itself.
    pub heat: Option<usize>,
}

#[derive(Debug)]
pub(super) struct WidespreadVideo<'a> {
    pub entry: &'a HistoryEntry,
    pub region_count: usize,
    pub best_rank: u32,
    /// The regions with the best ranks.
    pub top_regions: Vec<(Region, u32)>,
    /// Since the chart before, in the first region that had the video then.
    pub views_gained: Option<i64>,
}

impl<'a> WidespreadVideo<'a> {
    /// `None` without an occurrence.
    pub(super) fn new(occurrences: impl Iterator<Item = (Region, &'a HistoryEntry)>) -> Option<WidespreadVideo<'a>> {
        let mut occurrences = occurrences.peekable();
        let entry = occurrences.peek()?.1;
        let mut top_regions: Vec<(Region, u32)> = occurrences.map(|(region, entry)| (region, entry.rank)).collect();
        top_regions.sort_by_key(|(region, rank)| (*rank, *region));
        let (region_count, best_rank) = (top_regions.len(), top_regions.first()?.1);
        top_regions.truncate(MAX_LISTED_REGIONS);
        Some(WidespreadVideo { entry, region_count, best_rank, top_regions, views_gained: None })
    }

    /// Whether it has more regions than are listed.
    pub(super) fn has_more_regions(&self) -> bool {
        self.region_count > self.top_regions.len()
    }

    pub(super) fn views(&self) -> String {
        self.entry.views.map_or_else(|| "–".to_owned(), group_digits)
    }

    pub(super) fn gained(&self) -> String {
        self.views_gained.map_or_else(|| "–".to_owned(), signed)
    }
}

/// The chart entries of each video, with the index of the region.
type EntriesByVideo<'a> = HashMap<&'a str, Vec<(usize, &'a HistoryEntry)>>;

impl<'a> RegionOverlap<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> RegionOverlap<'a> {
        let has_entries =
            |history: &&RegionHistory| history.chart.as_ref().is_some_and(|chart| !chart.entries.is_empty());
        let regions: Vec<&RegionHistory> = snapshot.regions.iter().filter(has_entries).collect();
        let mut entries: EntriesByVideo<'_> = HashMap::new();
        for (index, history) in regions.iter().enumerate() {
            for entry in history.chart.iter().flat_map(|chart| &chart.entries) {
                entries.entry(&entry.video_id).or_default().push((index, entry));
            }
        }
        RegionOverlap { heat_map: heat_map(&regions, &entries), widespread: widespread(&regions, &entries) }
    }
}

fn heat_map(regions: &[&RegionHistory], entries: &EntriesByVideo<'_>) -> HeatMap {
    let count = regions.len();
    let regions_of = |occurrences: &Vec<(usize, &HistoryEntry)>| occurrences.iter().map(|(index, _)| *index).collect();
    let shared = shared_videos(count, entries.values().map(regions_of));
    let shared_with_others = |one: usize| shared[one].iter().sum::<usize>() - shared[one][one];
    let mut shown: Vec<usize> = (0..count).collect();
    shown.sort_by_key(|one| Reverse(shared_with_others(*one)));
    shown.truncate(MAX_REGIONS);
    shown.sort_unstable();
    let cell = |one: usize, other: usize| {
        let shared_videos = shared[one][other];
        let smaller_chart = shared[one][one].min(shared[other][other]).max(1);
        // Half of a chart in common is the maximum, and a single common video already shows.
        let heat = if shared_videos == 0 { 0 } else { (1 + shared_videos * 10 / smaller_chart).min(6) };
        HeatMapCell { shared_videos, heat: (one != other).then_some(heat) }
    };
    HeatMap {
        regions: shown.iter().map(|one| regions[*one].region).collect(),
        rows: shown.iter().map(|one| shown.iter().map(|other| cell(*one, *other)).collect()).collect(),
        omitted: count - shown.len(),
    }
}

fn widespread<'a>(regions: &[&RegionHistory], entries: &EntriesByVideo<'a>) -> Vec<WidespreadVideo<'a>> {
    let mut videos: Vec<WidespreadVideo<'a>> = entries
        .values()
        .filter(|occurrences| occurrences.len() > 1)
        .filter_map(|occurrences| {
            WidespreadVideo::new(occurrences.iter().map(|(index, entry)| (regions[*index].region, *entry)))
        })
        .collect();
    videos.sort_by_key(|video| (Reverse(video.region_count), video.best_rank, &video.entry.video_id));
    videos.truncate(MAX_VIDEOS);
    for video in &mut videos {
        let occurrences = &entries[&*video.entry.video_id];
        video.views_gained = occurrences.iter().find_map(|(index, entry)| regions[*index].views_gained(entry));
    }
    videos
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{attempt, entries, region, snapshot, with_chart, without_chart};

    fn snapshot_of(charts: &[(&str, &[&str])]) -> Snapshot {
        snapshot(charts.iter().map(|(code, ids)| with_chart(code, entries(ids))).collect())
    }

    fn numbers(heat_map: &HeatMap) -> Vec<Vec<usize>> {
        heat_map.rows.iter().map(|row| row.iter().map(|cell| cell.shared_videos).collect()).collect()
    }

    fn heats(heat_map: &HeatMap) -> Vec<Vec<Option<usize>>> {
        heat_map.rows.iter().map(|row| row.iter().map(|cell| cell.heat).collect()).collect()
    }

    #[test]
    fn the_heat_map_is_symmetric_with_chart_sizes_on_its_diagonal() {
        let snapshot = snapshot_of(&[("US", &["a", "b", "c"]), ("PL", &["z"]), ("GB", &["d", "c", "b", "e"])]);
        let heat_map = RegionOverlap::new(&snapshot).heat_map;
        assert_eq!(heat_map.regions, ["US", "PL", "GB"].map(region));
        assert_eq!(numbers(&heat_map), [[3, 0, 2], [0, 1, 0], [2, 0, 4]]);
        assert_eq!(heats(&heat_map), [[None, Some(0), Some(6)], [Some(0), None, Some(0)], [Some(6), Some(0), None]]);
        assert_eq!(heat_map.omitted, 0);
    }

    #[test]
    fn heat_is_the_share_of_the_smaller_chart() {
        let ids: Vec<String> = (0..200).map(|id| format!("v{id}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let heat = |one: &[&str], other: &[&str]| {
            let snapshot = snapshot_of(&[("US", one), ("GB", other)]);
            RegionOverlap::new(&snapshot).heat_map.rows[0][1].heat.unwrap()
        };
        // Charts of ten entries with 0 to 10 videos in common.
        let steps: Vec<usize> = (0..=10).map(|shared| heat(&ids[..10], &ids[10 - shared..20 - shared])).collect();
        assert_eq!(steps, [0, 2, 3, 4, 5, 6, 6, 6, 6, 6, 6]);
        assert_eq!(heat(&ids[..100], &ids[99..]), 1, "a single common video shows");
        assert_eq!(heat(&ids, &ids[..10]), 6, "all of the smaller chart");
    }

    #[test]
    fn the_24_regions_with_most_overlap_are_shown_in_their_order() {
        let codes: Vec<Region> = Region::all().take(30).collect();
        // Every fifth region shares no video.
        let chart = |(index, region): (usize, &Region)| match index % 5 {
            0 => with_chart(region.code(), entries(&[region.code()])),
            _ => with_chart(region.code(), entries(&["everywhere", region.code()])),
        };
        let mut snapshot = snapshot(codes.iter().enumerate().map(chart).collect());
        // Regions without entries are neither shown nor counted as omitted.
        snapshot.regions.push(with_chart("ZW", Vec::new()));
        snapshot.regions.push(without_chart(vec![attempt("ZA", 0)]));
        let heat_map = RegionOverlap::new(&snapshot).heat_map;
        let expected: Vec<Region> = (0..30).filter(|index| index % 5 != 0).map(|index| codes[index]).collect();
        assert_eq!((&heat_map.regions, heat_map.omitted), (&expected, 6));
        let rows: Vec<Vec<usize>> =
            (0..24).map(|row| (0..24).map(|column| if row == column { 2 } else { 1 }).collect()).collect();
        assert_eq!(numbers(&heat_map), rows);
    }

    #[test]
    fn widespread_videos_are_sorted_by_regions_rank_and_id() {
        let snapshot = snapshot_of(&[
            ("US", &["d", "c", "all", "b", "a"]),
            ("GB", &["c", "d", "alone", "a", "b", "all"]),
            ("PL", &["all"]),
        ]);
        let widespread = RegionOverlap::new(&snapshot).widespread;
        let videos = widespread.iter().map(|video| (&*video.entry.video_id, video.region_count, video.best_rank));
        assert_eq!(videos.collect::<Vec<_>>(), [("all", 3, 1), ("c", 2, 1), ("d", 2, 1), ("a", 2, 4), ("b", 2, 4)]);
        assert_eq!(widespread[0].top_regions, [(region("PL"), 1), (region("US"), 3), (region("GB"), 6)]);
        assert_eq!(widespread[0].entry.rank, 3, "the entry of the first region");
    }

    #[test]
    fn twelve_regions_of_a_video_are_listed_best_first() {
        let codes: Vec<Region> = Region::all().take(14).collect();
        // The video has ranks 7 to 1 twice.
        let chart = |(index, region): (usize, &Region)| {
            let mut ids: Vec<String> = (0..6 - index % 7).map(|other| format!("{region}{other}")).collect();
            ids.push("all".to_owned());
            with_chart(region.code(), entries(&ids.iter().map(String::as_str).collect::<Vec<_>>()))
        };
        let snapshot = snapshot(codes.iter().enumerate().map(chart).collect());
        let widespread = RegionOverlap::new(&snapshot).widespread;
        let [all] = &widespread[..] else { panic!("{widespread:?}") };
        let expected: Vec<(Region, u32)> =
            (1..=6).flat_map(|rank| [(codes[7 - rank], rank as u32), (codes[14 - rank], rank as u32)]).collect();
        assert_eq!((all.region_count, all.best_rank, &all.top_regions), (14, 1, &expected));
    }

    #[test]
    fn at_most_twelve_videos_are_shown() {
        let ids: Vec<String> = (0..21).map(|id| format!("v{id:02}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let snapshot = snapshot_of(&[("US", &ids), ("GB", &ids)]);
        let widespread = RegionOverlap::new(&snapshot).widespread;
        let shown: Vec<String> = widespread.iter().map(|video| video.entry.video_id.clone()).collect();
        assert_eq!(shown, ids[..12]);
    }
}
