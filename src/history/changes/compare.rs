//! Compares two charts of a region.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::{HashMap, HashSet};

use super::{Move, RegionChanges, RunRef};
use crate::history::{ChartRef, HistoryEntry};

/// Compares two charts of a region, down to the lowest rank that both runs requested. Entries come by rank.
///
/// A newcomer at the top moves all other videos down. Therefore a video that is in both charts rose or fell only if it
/// did so among the videos that are in both, too; otherwise it was pushed.
pub fn compare((from, before): (&ChartRef, &[HistoryEntry]), (to, now): (&ChartRef, &[HistoryEntry])) -> RegionChanges {
    let mut changes = without_moves(from, to);
    let (before, now) = (down_to(changes.max_rank, before), down_to(changes.max_rank, now));
    let stayed_before = stayed(&before, &now).enumerate();
    let previous: HashMap<&str, Place> = stayed_before
        .map(|(among_stayed, entry)| (&*entry.video_id, Place { rank: entry.rank, among_stayed }))
        .collect();
    let mut count_stayed = 0;
    for entry in &now {
        let Some(previous) = previous.get(&*entry.video_id) else {
            changes.entered.push(moved(entry, Some(entry.rank), None));
            continue;
        };
        add_stayed(&mut changes, entry, count_stayed, previous);
        count_stayed += 1;
    }
    let left = before.iter().filter(|entry| !previous.contains_key(&*entry.video_id));
    changes.left = left.map(|entry| moved(entry, None, Some(entry.rank))).collect();
    changes
}

/// Where a video that is in both charts was in the earlier one.
struct Place {
    rank: u32,
    /// How many of the videos in both charts were above it.
    among_stayed: usize,
}

fn add_stayed(changes: &mut RegionChanges, entry: &HistoryEntry, among_stayed: usize, previous: &Place) {
    let list = match (entry.rank.cmp(&previous.rank), among_stayed.cmp(&previous.among_stayed)) {
        (Equal, _) => return,
        (Less, Less) => &mut changes.rose,
        (Greater, Greater) => &mut changes.fell,
        _ => &mut changes.pushed,
    };
    list.push(moved(entry, Some(entry.rank), Some(previous.rank)));
}

fn without_moves(from: &ChartRef, to: &ChartRef) -> RegionChanges {
    let run = |chart: &ChartRef| RunRef { run_id: chart.run_id.clone(), fetched_at: chart.fetched_at };
    RegionChanges {
        region: to.region,
        from: run(from),
        to: run(to),
        entered: Vec::new(),
        left: Vec::new(),
        rose: Vec::new(),
        fell: Vec::new(),
        pushed: Vec::new(),
        max_rank: from.max_results.min(to.max_results),
        series: to.series.clone(),
    }
}

fn down_to(max_rank: u32, entries: &[HistoryEntry]) -> Vec<&HistoryEntry> {
    entries.iter().filter(|entry| entry.rank <= max_rank).collect()
}

/// The entries whose videos are in the other chart too.
fn stayed<'a>(entries: &[&'a HistoryEntry], others: &[&'a HistoryEntry]) -> impl Iterator<Item = &'a HistoryEntry> {
    let others: HashSet<&str> = others.iter().map(|entry| &*entry.video_id).collect();
    entries.iter().copied().filter(move |entry| others.contains(&*entry.video_id))
}

fn moved(entry: &HistoryEntry, rank: Option<u32>, previous_rank: Option<u32>) -> Move {
    Move {
        video_id: entry.video_id.clone(),
        title: entry.title.clone(),
        channel: entry.channel.clone(),
        rank,
        previous_rank,
        first_seen_at: entry.first_seen_at,
        views: entry.views,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::history::ChartSeries;
    use crate::model::region::Region;

    fn entries(ids: &str) -> Vec<HistoryEntry> {
        (1..)
            .zip(ids.split(' '))
            .map(|(rank, id)| HistoryEntry {
                rank,
                video_id: id.to_owned(),
                title: String::new(),
                channel: String::new(),
                channel_id: None,
                first_seen_at: Timestamp::UNIX_EPOCH,
                category: None,
                views: None,
                thumbnail: None,
                language: None,
            })
            .collect()
    }

    /// `entered | left | rose | fell | pushed`, each move as `id:previous>rank`.
    fn compared(before: &str, now: &str) -> String {
        let series = ChartSeries { source: "youtube".into(), category_id: None };
        let chart = |run_id: &str| ChartRef {
            region: Region::new("PL").unwrap(),
            run_id: run_id.into(),
            number: 0,
            fetched_at: Timestamp::UNIX_EPOCH,
            series: series.clone(),
            max_results: 50,
        };
        let changes = compare((&chart("1"), &entries(before)), (&chart("2"), &entries(now)));
        let rank = |rank: Option<u32>| rank.map(|rank| rank.to_string()).unwrap_or_default();
        let shown = |moved: &Move| format!("{}:{}>{}", moved.video_id, rank(moved.previous_rank), rank(moved.rank));
        let list = |moves: &[Move]| moves.iter().map(shown).collect::<Vec<_>>().join(" ");
        let lists = [&changes.entered, &changes.left, &changes.rose, &changes.fell, &changes.pushed];
        lists.map(|moves| list(moves)).join(" | ")
    }

    #[test]
    fn each_move_is_in_one_list_by_rank() {
        assert_eq!(compared("a b c d", "e c b d"), "e:>1 | a:1> | c:3>2 | b:2>3 | ");
        assert_eq!(compared("a b", "a b"), " |  |  |  | ");
        assert_eq!(compared("a b", "b a"), " |  | b:2>1 | a:1>2 | ");
    }

    #[test]
    fn a_video_that_only_others_moved_was_pushed() {
        assert_eq!(compared("a b c", "x y a b c"), "x:>1 y:>2 |  |  |  | a:1>3 b:2>4 c:3>5");
        assert_eq!(compared("x y a b c", "a b c"), " | x:1> y:2> |  |  | a:3>1 b:4>2 c:5>3");
        // c overtook b, and both have a worse rank: only b fell.
        assert_eq!(compared("a b c", "x y a c b"), "x:>1 y:>2 |  |  | b:2>5 | a:1>3 c:3>4");
        // b was overtaken by c, and both have a better rank: only c rose.
        assert_eq!(compared("x y a b c", "a c b"), " | x:1> y:2> | c:5>2 |  | a:3>1 b:4>3");
        // The rank stayed, whatever happened around it.
        assert_eq!(compared("a b c", "b x c"), "x:>2 | a:1> |  |  | b:2>1");
    }
}
