//! What entered and left the charts of all regions since the run before. Pure.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use super::overlap::{MAX_VIDEOS, WidespreadVideo};
use super::region_history::RegionHistory;
use super::snapshot::Snapshot;
use crate::history::HistoryEntry;

/// Each video is counted once, however many charts it is in.
pub(super) struct Newcomers<'a> {
    /// New in some chart.
    pub new_videos: usize,
    /// Back in some chart, and new in none.
    pub returned_videos: usize,
    /// Gone from some chart.
    pub left_videos: usize,
    /// Those that entered the most charts.
    pub videos: Vec<Newcomer<'a>>,
}

/// A video, with the regions whose charts it entered.
pub(super) struct Newcomer<'a> {
    pub video: WidespreadVideo<'a>,
    /// In how many of these regions it had been seen before.
    pub returned: usize,
}

/// An entry of a chart that the chart before did not have.
#[derive(Clone, Copy)]
struct Entered<'a> {
    history: &'a RegionHistory,
    entry: &'a HistoryEntry,
    has_returned: bool,
}

impl<'a> Newcomers<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Newcomers<'a> {
        let mut by_video: HashMap<&str, Vec<Entered<'a>>> = HashMap::new();
        for entered in snapshot.regions.iter().flat_map(entered) {
            by_video.entry(&entered.entry.video_id).or_default().push(entered);
        }
        let mut videos: Vec<Newcomer<'a>> = by_video.values().filter_map(|entered| newcomer(entered)).collect();
        let returned_videos = videos.iter().filter(|each| each.returned == each.video.region_count).count();
        let new_videos = videos.len() - returned_videos;
        let key = |each: &Newcomer<'a>| {
            (Reverse(each.video.region_count), each.video.best_rank, each.video.entry.video_id.clone())
        };
        videos.sort_by_cached_key(key);
        videos.truncate(MAX_VIDEOS);
        Newcomers { new_videos, returned_videos, left_videos: left_videos(snapshot), videos }
    }
}

fn entered(history: &RegionHistory) -> Vec<Entered<'_>> {
    let (Some(chart), Some(changes)) = (&history.chart, &history.changes) else { return Vec::new() };
    let entries: HashMap<&str, &HistoryEntry> = chart.entries.iter().map(|entry| (&*entry.video_id, entry)).collect();
    let entered = changes.entered.iter().filter_map(|moved| {
        let has_returned = moved.first_seen_at < changes.to.fetched_at;
        Some(Entered { history, entry: entries.get(&*moved.video_id)?, has_returned })
    });
    entered.collect()
}

fn newcomer<'a>(entered: &[Entered<'a>]) -> Option<Newcomer<'a>> {
    let video = WidespreadVideo::new(entered.iter().map(|entered| (entered.history.region, entered.entry)))?;
    Some(Newcomer { video, returned: entered.iter().filter(|entered| entered.has_returned).count() })
}

fn left_videos(snapshot: &Snapshot) -> usize {
    let changes = snapshot.regions.iter().filter_map(|history| history.changes.as_ref());
    let left: HashSet<&str> = changes.flat_map(|changes| &changes.left).map(|moved| &*moved.video_id).collect();
    left.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, entries, snapshot, with_chart, with_two_charts};

    /// A region whose second chart has these videos, `+` before one that it had before the first.
    fn region(code: &str, before: &[&str], now: &[&str]) -> RegionHistory {
        let ids: Vec<&str> = now.iter().map(|id| id.trim_start_matches('+')).collect();
        let mut second = entries(&ids);
        for (entry, id) in second.iter_mut().zip(now) {
            let was_seen = id.starts_with('+') || before.contains(id);
            entry.first_seen_at = if was_seen { at(-5) } else { at(1) };
        }
        with_two_charts(code, (50, entries(before)), (50, second))
    }

    #[test]
    fn videos_that_entered_are_counted_over_all_regions() {
        let snapshot = snapshot(vec![
            region("US", &["a", "b", "x"], &["a", "n", "+r"]),
            region("GB", &["c", "x"], &["n", "c", "m"]),
            region("PL", &["n", "d"], &["d", "+r", "+m", "n"]),
            with_chart("SE", entries(&["alone"])),
        ]);
        let found = Newcomers::new(&snapshot);
        assert_eq!((found.new_videos, found.returned_videos, found.left_videos), (2, 1, 2), "n and m; r; b and x");
        let each = |each: &Newcomer<'_>| {
            let WidespreadVideo { entry, region_count, best_rank, .. } = &each.video;
            (entry.video_id.clone(), *region_count, *best_rank, each.returned)
        };
        let expected = [("n", 2, 1, 0), ("r", 2, 2, 2), ("m", 2, 3, 1)];
        assert_eq!(
            found.videos.iter().map(each).collect::<Vec<_>>(),
            expected.map(|(id, regions, rank, returned)| (id.to_owned(), regions, rank, returned))
        );
    }

    #[test]
    fn without_earlier_charts_nothing_has_entered() {
        let snapshot = snapshot(vec![with_chart("US", entries(&["a"]))]);
        let found = Newcomers::new(&snapshot);
        assert_eq!((found.new_videos, found.left_videos, found.videos.len()), (0, 0, 0));
    }
}
