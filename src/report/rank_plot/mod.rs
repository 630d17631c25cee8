//! The plot of the top ranks of a region's chart over its recent runs. Pure.
//!
//! The horizontal axis is time, so that missing runs take their room. The plot has its own units, 1000 across and two
//! per rank, and the page stretches it. So the labels beside it are HTML text at a readable size.

mod lines;

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use self::lines::paths;
use super::region_history::{RANK_PLOT_ENTRIES, RegionHistory};
use super::schedule::FetchSchedule;
use super::time_axis::{Tick, TimeAxis, WIDTH};
use crate::history::{HistoryEntry, RegionAttempt};

const ROW_HEIGHT: i64 = 2;

/// The height of a plot.
pub(super) const HEIGHT: i64 = RANK_PLOT_ENTRIES as i64 * ROW_HEIGHT;

#[derive(Debug)]
pub(super) struct RankPlot<'a> {
    pub columns: Vec<PlotColumn>,
    pub ticks: Vec<Tick>,
    /// Where nothing is known: runs without a complete chart, ranks that a run did not request, and missing runs.
    pub unknown_areas: Vec<UnknownArea>,
    /// The videos that are at the top now, by rank.
    pub lines: Vec<PlotLine<'a>>,
    /// All other videos.
    pub other_lines: Vec<OtherLine<'a>>,
    /// If there are too many runs, only every nth of them is shown.
    pub every_nth: usize,
}

/// One run.
#[derive(Debug)]
pub(super) struct PlotColumn {
    pub fetched_at: Timestamp,
    pub x: i64,
    /// How many ranks of the plot the run requested; 0 if it has no complete chart.
    pub known_ranks: u32,
}

impl PlotColumn {
    /// Whether a video without a rank here may have had one.
    pub(super) fn has_unknown_ranks(&self) -> bool {
        self.known_ranks < RANK_PLOT_ENTRIES
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnknownArea {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

/// One video.
#[derive(Debug)]
pub(super) struct PlotLine<'a> {
    pub entry: &'a HistoryEntry,
    pub path: String,
    /// Dashed lines over what is unknown.
    pub bridges: String,
    pub ranks: RanksByColumn,
}

/// A video that is not at the top now.
#[derive(Debug)]
pub(super) struct OtherLine<'a> {
    /// From the newest chart or the one before; `None` if the video is in neither.
    pub title: Option<&'a str>,
    pub path: String,
}

/// The rank in each column; `None` where the video was not among the known top ranks.
type RanksByColumn = Vec<Option<u32>>;

impl<'a> RankPlot<'a> {
    /// `None` if fewer than two complete charts can be shown.
    pub(super) fn new(history: &'a RegionHistory, max_columns: usize) -> Option<RankPlot<'a>> {
        let (attempts, every_nth) = select_columns(history, max_columns)?;
        let axis = TimeAxis::new(attempts.first()?.fetched_at, attempts.last()?.fetched_at);
        let columns: Vec<PlotColumn> = attempts.iter().map(|attempt| column(attempt, axis)).collect();
        let gaps = gaps(history, axis);
        let mut ranks = ranks_by_video(history, &attempts);
        let top = history.chart.as_ref()?.entries.iter().filter(|entry| entry.rank <= RANK_PLOT_ENTRIES);
        let lines: Vec<PlotLine<'a>> = top
            .filter_map(|entry| {
                let ranks = ranks.remove(&*entry.video_id)?;
                let (path, bridges) = paths(&ranks, &columns, &gaps);
                Some(PlotLine { entry, path, bridges, ranks })
            })
            .collect();
        if lines.is_empty() {
            return None;
        }
        let mut others: Vec<(&str, RanksByColumn)> = ranks.into_iter().collect();
        others.sort_unstable_by_key(|(id, _)| *id);
        let other_line = |(id, ranks): (&str, RanksByColumn)| OtherLine {
            title: find_title(history, id),
            path: paths(&ranks, &columns, &gaps).0,
        };
        Some(RankPlot {
            other_lines: others.into_iter().map(other_line).collect(),
            unknown_areas: unknown_areas(&columns).into_iter().chain(gaps).collect(),
            ticks: axis.ticks(),
            columns,
            lines,
            every_nth,
        })
    }

    /// The label beside each rank: the line and the index of its colour. `None` where YouTube returned no usable
    /// video.
    pub(super) fn labels(&self) -> impl Iterator<Item = Option<(usize, &PlotLine<'a>)>> {
        let last = self.lines.last().map_or(0, |line| line.entry.rank);
        (1..=last).map(|rank| self.lines.iter().enumerate().find(|(_, line)| line.entry.rank == rank))
    }

    /// One path for all other videos, where there is no room for their titles.
    pub(super) fn other_path(&self) -> String {
        self.other_lines.iter().map(|line| line.path.as_str()).collect()
    }

    /// A mark below each run.
    pub(super) fn run_marks(&self) -> String {
        self.columns.iter().fold(String::new(), |mut path, column| {
            let _ = write!(path, "M{} 0v1", column.x); // writing to a String never fails
            path
        })
    }

    pub(super) fn grid(&self) -> String {
        self.ticks.iter().fold(String::new(), |mut path, tick| {
            let _ = write!(path, "M{} 0v{HEIGHT}", tick.x); // writing to a String never fails
            path
        })
    }
}

/// The attempts that are shown, and the `n` if only every nth is, because not all fit. `None` if fewer than two of them
/// have a complete chart.
fn select_columns(history: &RegionHistory, max_columns: usize) -> Option<(Vec<&RegionAttempt>, usize)> {
    // A deleted chart is omitted, since it is not a failed one.
    let recent: Vec<&RegionAttempt> = history.recent_attempts().iter().filter(|attempt| !attempt.is_pruned).collect();
    let every_nth = recent.len().div_ceil(max_columns.max(1)).max(1);
    // Counted from the newest complete chart, since the labels stand beside its ranks.
    let newest = recent.iter().rposition(|attempt| attempt.is_whole())?;
    let is_shown = |(index, _): &(usize, &RegionAttempt)| index.abs_diff(newest).is_multiple_of(every_nth);
    let shown: Vec<&RegionAttempt> =
        recent.into_iter().enumerate().filter(is_shown).map(|(_, attempt)| attempt).collect();
    let complete = shown.iter().filter(|attempt| attempt.is_whole()).count();
    (complete >= 2).then_some((shown, every_nth))
}

fn ranks_by_video<'a>(history: &'a RegionHistory, attempts: &[&RegionAttempt]) -> HashMap<&'a str, RanksByColumn> {
    let columns: HashMap<i64, usize> =
        attempts.iter().enumerate().map(|(column, attempt)| (attempt.number, column)).collect();
    let mut ranks: HashMap<&str, RanksByColumn> = HashMap::new();
    for video_rank in &history.video_ranks {
        if let Some(column) = columns.get(&video_rank.number) {
            let by_column = ranks.entry(&video_rank.video_id).or_insert_with(|| vec![None; attempts.len()]);
            by_column[*column] = Some(video_rank.rank);
        }
    }
    ranks
}

fn column(attempt: &RegionAttempt, axis: TimeAxis) -> PlotColumn {
    PlotColumn {
        fetched_at: attempt.fetched_at,
        x: axis.x(attempt.fetched_at),
        known_ranks: if attempt.is_whole() { attempt.max_results.min(RANK_PLOT_ENTRIES) } else { 0 },
    }
}

/// Where runs are missing. The runs before and after each keep half an interval.
fn gaps(history: &RegionHistory, axis: TimeAxis) -> Vec<UnknownArea> {
    let gap = |(from, to, runs): (Timestamp, Timestamp, u64)| {
        let half_interval = to.duration_since(from) / i32::try_from(2 * (runs + 1)).unwrap_or(i32::MAX);
        let x = axis.x(from + half_interval);
        UnknownArea { x, y: 0, width: axis.x(to - half_interval) - x, height: HEIGHT }
    };
    // Those before the plot have no width.
    FetchSchedule::new(history).missing_runs().map(gap).filter(|area| area.width > 0).collect()
}

/// The unknown ranks of each column, halfway to the columns beside it.
fn unknown_areas(columns: &[PlotColumn]) -> Vec<UnknownArea> {
    let halfway = |one: usize, other: usize| (columns[one].x + columns[other].x) / 2;
    let area = |index: usize| {
        let y = i64::from(columns[index].known_ranks) * ROW_HEIGHT;
        let left = if index == 0 { 0 } else { halfway(index - 1, index) };
        let right = if index + 1 == columns.len() { WIDTH } else { halfway(index, index + 1) };
        UnknownArea { x: left, y, width: right - left, height: HEIGHT - y }
    };
    (0..columns.len()).filter(|index| columns[*index].has_unknown_ranks()).map(area).collect()
}

fn find_title<'a>(history: &'a RegionHistory, video_id: &str) -> Option<&'a str> {
    let entries = [&history.chart, &history.previous].into_iter().flatten().flat_map(|chart| &chart.entries);
    entries.into_iter().find(|entry| entry.video_id == video_id).map(|entry| entry.title.as_str())
}

#[cfg(test)]
mod tests;
