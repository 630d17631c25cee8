//! Test data: entries, attempts, region histories, snapshots.

use jiff::{SignedDuration, Timestamp};

use super::region_history::{Chart, RegionHistory};
use super::snapshot::{Origin, Snapshot};
use crate::history::{ChartRef, changes};
use crate::history::{ChartSeries, HistoryEntry, RegionAttempt};
use crate::model::Status;
use crate::model::category::Category;
use crate::model::region::Region;

pub(super) fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

/// A time, in hours after the first run.
pub(super) fn at(hours: i64) -> Timestamp {
    "2026-11-01T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hours)
}

pub(super) fn entry(rank: u32, id: &str) -> HistoryEntry {
    HistoryEntry {
        rank,
        video_id: id.to_owned(),
        title: format!("Title of {id}"),
        channel: "Channel".to_owned(),
        channel_id: None,
        first_seen_at: at(0),
        category: None,
        views: None,
        thumbnail: None,
        language: None,
    }
}

/// Entries with these ids, from rank 1.
pub(super) fn entries(ids: &[&str]) -> Vec<HistoryEntry> {
    (1..).zip(ids).map(|(rank, id)| entry(rank, id)).collect()
}

/// Entries with these numbers of each category, one category after the other.
pub(super) fn entries_by_category(counts: &[(Option<u32>, usize)]) -> Vec<HistoryEntry> {
    let each = counts.iter().flat_map(|(category, count)| std::iter::repeat_n(category.map(Category::new), *count));
    (1..).zip(each).map(|(rank, category)| HistoryEntry { category, ..entry(rank, &format!("v{rank}")) }).collect()
}

/// A complete attempt with 50 videos.
pub(super) fn attempt(code: &str, hours: i64) -> RegionAttempt {
    RegionAttempt {
        run_id: format!("run {hours}"),
        number: hours,
        fetched_at: at(hours),
        category_id: None,
        max_results: 50,
        region: region(code),
        status: Status::Ok,
        videos: 50,
        error: None,
        is_pruned: false,
    }
}

/// A failed or partial attempt with this error kind.
pub(super) fn failed(code: &str, hours: i64, status: Status, kind: &str) -> RegionAttempt {
    let error = Some((kind.to_owned(), format!("{kind} at {code}")));
    RegionAttempt { status, videos: 0, error, ..attempt(code, hours) }
}

/// A region of which only the attempts are known.
pub(super) fn without_chart(attempts: Vec<RegionAttempt>) -> RegionHistory {
    RegionHistory::new(attempts[0].region, attempts)
}

/// A region that was fetched once, at hour 0.
pub(super) fn with_chart(code: &str, entries: Vec<HistoryEntry>) -> RegionHistory {
    RegionHistory { chart: Some(Chart { fetched_at: at(0), entries }), ..without_chart(vec![attempt(code, 0)]) }
}

/// A region with charts at hours 0 and 1, each with the limit that was requested.
pub(super) fn with_two_charts(
    code: &str,
    before: (u32, Vec<HistoryEntry>),
    now: (u32, Vec<HistoryEntry>),
) -> RegionHistory {
    let [from, to] = [(0, before.0), (1, now.0)].map(|(hours, max_results)| ChartRef {
        region: region(code),
        run_id: format!("run {hours}"),
        number: hours,
        fetched_at: at(hours),
        series: ChartSeries { source: "youtube".to_owned(), category_id: None },
        max_results,
    });
    let requested = |chart: &ChartRef| RegionAttempt { max_results: chart.max_results, ..attempt(code, chart.number) };
    RegionHistory {
        changes: Some(changes::compare((&from, &before.1), (&to, &now.1))),
        previous: Some(Chart { fetched_at: at(0), entries: before.1 }),
        chart: Some(Chart { fetched_at: at(1), entries: now.1 }),
        ..without_chart(vec![requested(&from), requested(&to)])
    }
}

/// A snapshot of a history, made when its newest run started.
pub(super) fn snapshot(regions: Vec<RegionHistory>) -> Snapshot {
    let times = || regions.iter().flat_map(|history| &history.attempts).map(|attempt| attempt.fetched_at);
    let (oldest, newest) = (times().min().unwrap_or(at(0)), times().max().unwrap_or(at(0)));
    Snapshot {
        made_at: newest,
        origin: Origin::History { runs: oldest..=newest, others: Vec::new() },
        series: ChartSeries { source: "youtube".to_owned(), category_id: None },
        regions,
    }
}
