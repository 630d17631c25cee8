//! What the tests of the page are made from: entries, runs, regions, snapshots.

use jiff::{SignedDuration, Timestamp};

use super::snapshot::{Chart, Origin, RegionPast, Snapshot};
use crate::history::changes::{self, Fetch};
use crate::history::{Attempt, ChartSeries, HistoryEntry};
use crate::model::Status;
use crate::model::category::Category;
use crate::model::region::Region;

pub(super) fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

/// So many hours after the first run.
pub(super) fn at(hours: i64) -> Timestamp {
    "2026-11-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

pub(super) fn entry(rank: u32, id: &str) -> HistoryEntry {
    HistoryEntry {
        rank,
        video_id: id.to_owned(),
        title: format!("Title of {id}"),
        channel: "Channel".to_owned(),
        first_seen_at: at(0),
        category: None,
        views: None,
        thumbnail: None,
        language: None,
    }
}

/// From the top down.
pub(super) fn entries(ids: &[&str]) -> Vec<HistoryEntry> {
    (1..).zip(ids).map(|(rank, id)| entry(rank, id)).collect()
}

/// So many entries of each category, one category after the other.
pub(super) fn of_categories(counts: &[(Option<u32>, usize)]) -> Vec<HistoryEntry> {
    let each = counts.iter().flat_map(|(category, count)| std::iter::repeat_n(category.map(Category::new), *count));
    (1..).zip(each).map(|(rank, category)| HistoryEntry { category, ..entry(rank, &format!("v{rank}")) }).collect()
}

/// A whole chart of 50 entries.
pub(super) fn attempt(code: &str, hours: i64) -> Attempt {
    Attempt {
        run_id: format!("run {hours}"),
        number: hours,
        fetched_at: at(hours),
        depth: 50,
        region: region(code),
        status: Status::Ok,
        videos: 50,
        error: None,
        is_pruned: false,
    }
}

/// No whole chart, for this reason.
pub(super) fn failed(code: &str, hours: i64, status: Status, kind: &str) -> Attempt {
    let error = Some((kind.to_owned(), format!("{kind} at {code}")));
    Attempt { status, videos: 0, error, ..attempt(code, hours) }
}

/// A region without a chart, but for what the attempts say.
pub(super) fn past(attempts: Vec<Attempt>) -> RegionPast {
    let region = attempts[0].region;
    RegionPast { region, attempts, chart: None, previous: None, changes: None, video_ranks: Vec::new() }
}

/// A region that was asked for once, at hour 0.
pub(super) fn charted(code: &str, entries: Vec<HistoryEntry>) -> RegionPast {
    RegionPast { chart: Some(Chart { fetched_at: at(0), entries }), ..past(vec![attempt(code, 0)]) }
}

/// A region with the charts of hours 0 and 1, each with the depth that it was asked for.
pub(super) fn compared(code: &str, before: (u32, Vec<HistoryEntry>), now: (u32, Vec<HistoryEntry>)) -> RegionPast {
    let [from, to] = [(0, before.0), (1, now.0)].map(|(hours, depth)| Fetch {
        region: region(code),
        run_id: format!("run {hours}"),
        number: hours,
        fetched_at: at(hours),
        series: ChartSeries { source: "youtube".to_owned(), category_id: None },
        depth,
    });
    let asked = |fetch: &Fetch| Attempt { depth: fetch.depth, ..attempt(code, fetch.number) };
    RegionPast {
        changes: Some(changes::compare((&from, &before.1), (&to, &now.1))),
        previous: Some(Chart { fetched_at: at(0), entries: before.1 }),
        chart: Some(Chart { fetched_at: at(1), entries: now.1 }),
        ..past(vec![asked(&from), asked(&to)])
    }
}

/// Of a history, made when its newest run began.
pub(super) fn snapshot(regions: Vec<RegionPast>) -> Snapshot {
    let times = || regions.iter().flat_map(|past| &past.attempts).map(|attempt| attempt.fetched_at);
    let (oldest, newest) = (times().min().unwrap_or(at(0)), times().max().unwrap_or(at(0)));
    Snapshot {
        made_at: newest,
        origin: Origin::History { runs: oldest..=newest, others: Vec::new() },
        series: ChartSeries { source: "youtube".to_owned(), category_id: None },
        regions,
    }
}
