//! The plot of the top ranks of a region's chart over its recent runs. Pure.
//!
//! It has its own units, four per run and two per rank, and the page stretches it. So the labels beside it are HTML
//! text at a readable size.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::region_history::{RANK_PLOT_ENTRIES, RegionHistory};
use crate::history::{HistoryEntry, RegionAttempt};

/// Units from one run to the next.
pub(super) const COLUMN_WIDTH: usize = 4;

const ROW_HEIGHT: u32 = 2;

#[derive(Debug)]
pub(super) struct RankPlot<'a> {
    pub width: usize,
    pub height: u32,
    pub columns: Vec<PlotColumn>,
    /// The videos that are at the top now, by rank.
    pub lines: Vec<PlotLine<'a>>,
    /// One path for all other videos.
    pub other_lines: String,
    pub other_dots: String,
    /// If there are too many runs, only every nth of them is shown.
    pub every_nth: usize,
}

/// One run.
#[derive(Debug)]
pub(super) struct PlotColumn {
    pub fetched_at: Timestamp,
    /// The left edge.
    pub x: usize,
    /// How many ranks of the plot the run requested; 0 if it has no complete chart.
    pub known_ranks: u32,
}

impl PlotColumn {
    /// Whether a video without a rank here may have had one.
    pub(super) fn has_unknown_ranks(&self) -> bool {
        self.known_ranks < RANK_PLOT_ENTRIES
    }

    /// The top and the height of the area where the ranks are unknown.
    pub(super) fn unknown_area(&self) -> Option<(u32, u32)> {
        let unknown_ranks = RANK_PLOT_ENTRIES.checked_sub(self.known_ranks).filter(|ranks| *ranks > 0)?;
        Some((self.known_ranks * ROW_HEIGHT, unknown_ranks * ROW_HEIGHT))
    }
}

/// One video.
#[derive(Debug)]
pub(super) struct PlotLine<'a> {
    pub entry: &'a HistoryEntry,
    pub path: String,
    /// A path of segments without length, which round line caps turn into dots.
    pub dots: String,
    pub ranks: RanksByColumn,
}

/// The rank in each column; `None` where the video was not among the known top ranks.
type RanksByColumn = Vec<Option<u32>>;

impl<'a> RankPlot<'a> {
    /// `None` if fewer than two complete charts can be shown.
    pub(super) fn new(history: &'a RegionHistory, max_columns: usize) -> Option<RankPlot<'a>> {
        let (attempts, every_nth) = select_columns(history, max_columns)?;
        let mut ranks = ranks_by_video(history, &attempts);
        let top = history.chart.as_ref()?.entries.iter().filter(|entry| entry.rank <= RANK_PLOT_ENTRIES);
        let lines: Vec<PlotLine<'a>> = top
            .filter_map(|entry| {
                let ranks = ranks.remove(&*entry.video_id)?;
                Some(PlotLine { entry, path: line_path(&ranks), dots: dots_path(&ranks), ranks })
            })
            .collect();
        if lines.is_empty() {
            return None;
        }
        let mut others: Vec<(&str, RanksByColumn)> = ranks.into_iter().collect();
        others.sort_unstable_by_key(|(id, _)| *id);
        Some(RankPlot {
            width: attempts.len() * COLUMN_WIDTH,
            height: RANK_PLOT_ENTRIES * ROW_HEIGHT,
            columns: attempts.iter().enumerate().map(column).collect(),
            lines,
            other_lines: others.iter().map(|(_, ranks)| line_path(ranks)).collect(),
            other_dots: others.iter().map(|(_, ranks)| dots_path(ranks)).collect(),
            every_nth,
        })
    }

    /// The label beside each rank: the line and the index of its colour. `None` where YouTube returned no usable
    /// video.
    pub(super) fn labels(&self) -> impl Iterator<Item = Option<(usize, &PlotLine<'a>)>> {
        let last = self.lines.last().map_or(0, |line| line.entry.rank);
        (1..=last).map(|rank| self.lines.iter().enumerate().find(|(_, line)| line.entry.rank == rank))
    }

    pub(super) fn has_unknown_ranks(&self) -> bool {
        self.columns.iter().any(PlotColumn::has_unknown_ranks)
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

fn column((index, attempt): (usize, &&RegionAttempt)) -> PlotColumn {
    PlotColumn {
        fetched_at: attempt.fetched_at,
        x: index * COLUMN_WIDTH,
        known_ranks: if attempt.is_whole() { attempt.max_results.min(RANK_PLOT_ENTRIES) } else { 0 },
    }
}

/// Joins the ranks of consecutive columns by curves with level ends. A column without a rank interrupts the line.
fn line_path(ranks: &[Option<u32>]) -> String {
    let mut path = String::new();
    for column in 1..ranks.len() {
        let (Some(before), Some(rank)) = (ranks[column - 1], ranks[column]) else { continue };
        let ((x1, y1), (x2, y2)) = (center(column - 1, before), center(column, rank));
        if column < 2 || ranks[column - 2].is_none() {
            let _ = write!(path, "M{x1} {y1}"); // writing to a String never fails
        }
        let middle = (x1 + x2) / 2;
        let _ = if y1 == y2 { write!(path, "H{x2}") } else { write!(path, "C{middle} {y1} {middle} {y2} {x2} {y2}") };
    }
    path
}

fn dots_path(ranks: &[Option<u32>]) -> String {
    let mut path = String::new();
    for (column, rank) in ranks.iter().enumerate() {
        if let Some(rank) = rank {
            let (x, y) = center(column, *rank);
            let _ = write!(path, "M{x} {y}h0"); // writing to a String never fails
        }
    }
    path
}

fn center(column: usize, rank: u32) -> (usize, u32) {
    (column * COLUMN_WIDTH + COLUMN_WIDTH / 2, rank * ROW_HEIGHT - ROW_HEIGHT / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::VideoRank;
    use crate::model::Status;
    use crate::report::fixtures::{at, attempt, entries, failed, without_chart};
    use crate::report::region_history::Chart;

    /// Hourly runs, each given by its top videos; none is a failed run.
    fn history_of(runs: &[&[&str]]) -> RegionHistory {
        let attempt_at = |(hour, top): (i64, &&[&str])| {
            if top.is_empty() { failed("US", hour, Status::Failed, "timeout") } else { attempt("US", hour) }
        };
        let mut history = without_chart((0..).zip(runs).map(attempt_at).collect());
        for (number, top) in (0..).zip(runs) {
            let video_rank = |(rank, id): (u32, &&str)| VideoRank { number, rank, video_id: (*id).to_owned() };
            history.video_ranks.extend((1..).zip(*top).map(video_rank));
        }
        let newest = (0..).zip(runs).filter(|(_, top)| !top.is_empty()).last();
        history.chart = newest.map(|(hour, top)| Chart { fetched_at: at(hour), entries: entries(top) });
        history
    }

    /// Each line as `a M2 1H6`.
    fn lines(plot: &RankPlot<'_>) -> Vec<String> {
        plot.lines.iter().map(|line| format!("{} {}", line.entry.video_id, line.path)).collect()
    }

    fn hours(plot: &RankPlot<'_>) -> Vec<Timestamp> {
        plot.columns.iter().map(|column| column.fetched_at).collect()
    }

    #[test]
    fn a_small_plot_matches_one_drawn_by_hand() {
        let history = history_of(&[&["a", "b"], &["b", "a"], &["b", "a"]]);
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!((plot.width, plot.height, plot.every_nth), (12, 20, 1));
        assert_eq!(lines(&plot), ["b M2 3C4 3 4 1 6 1H10", "a M2 1C4 1 4 3 6 3H10"]);
        assert_eq!(plot.lines[0].dots, "M2 3h0M6 1h0M10 1h0");
        assert_eq!(plot.lines[0].ranks, [Some(2), Some(1), Some(1)]);
        assert_eq!((&*plot.other_lines, plot.has_unknown_ranks()), ("", false));
        assert_eq!(hours(&plot), [at(0), at(1), at(2)]);
    }

    #[test]
    fn a_line_breaks_at_a_run_without_a_complete_chart() {
        let mut history = history_of(&[&["a"], &["a"], &[], &["a"], &["a"]]);
        let expected = "a M2 1H6M14 1H18";
        assert_eq!(lines(&RankPlot::new(&history, 28).unwrap()), [expected]);
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!(lines(&plot), [expected]);
        assert_eq!(plot.lines[0].dots, "M2 1h0M6 1h0M14 1h0M18 1h0");
        let unknown: Vec<_> = plot.columns.iter().map(PlotColumn::unknown_area).collect();
        assert_eq!(unknown, [None, None, Some((0, 20)), None, None]);
        assert_eq!(plot.columns[2].x, 8);
        assert!(plot.has_unknown_ranks());
        // A deleted chart is omitted instead.
        history.attempts[2] = RegionAttempt { is_pruned: true, ..attempt("US", 2) };
        assert_eq!(lines(&RankPlot::new(&history, 28).unwrap()), ["a M2 1H6H10H14"]);
    }

    #[test]
    fn a_line_breaks_at_a_run_without_the_video() {
        let history = history_of(&[&["a", "b"], &["a", "b"], &["b"], &["a", "b"], &["b", "a"]]);
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!(
            lines(&plot),
            ["b M2 3H6C8 3 8 1 10 1C12 1 12 3 14 3C16 3 16 1 18 1", "a M2 1H6M14 1C16 1 16 3 18 3"]
        );
        assert_eq!(plot.lines[1].ranks[2], None);
        assert!(!plot.has_unknown_ranks());
    }

    #[test]
    fn an_isolated_rank_is_a_dot_without_a_line() {
        let history = history_of(&[&["a"], &["b"], &["a"]]);
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!(lines(&plot), ["a "]);
        assert_eq!((&*plot.lines[0].dots, &*plot.other_lines), ("M2 1h0M10 1h0", ""));
    }

    #[test]
    fn thinning_keeps_the_newest_run_and_joins_the_others() {
        let history = history_of(&[&["a"], &["a", "b"], &["a"], &["a"], &["b", "a"]]);
        let plot = RankPlot::new(&history, 2).unwrap();
        assert_eq!((plot.every_nth, plot.width), (3, 8));
        assert_eq!(hours(&plot), [at(1), at(4)]);
        assert_eq!(lines(&plot), ["b M2 3C4 3 4 1 6 1", "a M2 1C4 1 4 3 6 3"]);
        assert_eq!(hours(&RankPlot::new(&history, 4).unwrap()), [at(0), at(2), at(4)]);
        assert_eq!(RankPlot::new(&history, 5).unwrap().every_nth, 1);
    }

    #[test]
    fn a_plot_needs_two_complete_charts_and_room_for_them() {
        let two = history_of(&[&["a"], &["a"]]);
        assert!(RankPlot::new(&two, 2).is_some());
        assert!(RankPlot::new(&two, 1).is_none(), "only one column fits");
        assert!(RankPlot::new(&two, 0).is_none());
        assert!(RankPlot::new(&history_of(&[&["a"]]), 28).is_none());
        assert!(RankPlot::new(&history_of(&[&["a"], &[], &[]]), 28).is_none());
        let two_of_them_old = {
            let mut history = history_of(&[&["a"], &["a"], &["a"]]);
            history.attempts[2].fetched_at = at(24 * 30);
            history
        };
        assert!(RankPlot::new(&two_of_them_old, 28).is_none());
    }

    #[test]
    fn videos_no_longer_at_the_top_share_one_path() {
        let history = history_of(&[&["a", "y", "x"], &["a", "x", "y"], &["a"]]);
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!(lines(&plot), ["a M2 1H6H10"]);
        assert_eq!(plot.other_lines, "M2 5C4 5 4 3 6 3M2 3C4 3 4 5 6 5", "x, then y");
    }

    #[test]
    fn only_the_top_ten_have_a_line_of_their_own() {
        let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        let mut history = history_of(&[&["k", "a"], &ids[..10]]);
        history.chart = Some(Chart { fetched_at: at(1), entries: entries(&ids) });
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!(plot.lines.iter().map(|line| &*line.entry.video_id).collect::<Vec<_>>(), ids[..10]);
        history.video_ranks.push(VideoRank { number: 1, rank: 10, video_id: "k".to_owned() });
        assert_eq!(RankPlot::new(&history, 28).unwrap().other_lines, "M2 1C4 1 4 19 6 19");
    }

    #[test]
    fn thinning_keeps_the_newest_complete_chart_before_a_failed_run() {
        let history = history_of(&[&["a"], &["a"], &["a"], &["a"], &["new", "a"], &[]]);
        let plot = RankPlot::new(&history, 3).unwrap();
        let names: Vec<&str> = plot.lines.iter().map(|line| &*line.entry.video_id).collect();
        assert_eq!(names, ["new", "a"], "the labels are in the rows of their ranks");
    }

    #[test]
    fn a_label_stays_at_its_rank_below_a_skipped_entry() {
        let mut history = history_of(&[&["a", "b", "c"], &["a", "b", "c"]]);
        history.chart.as_mut().unwrap().entries.remove(1);
        history.video_ranks.retain(|video_rank| video_rank.rank != 2);
        let plot = RankPlot::new(&history, 28).unwrap();
        let names: Vec<Option<&str>> = plot.labels().map(|name| name.map(|(_, line)| &*line.entry.video_id)).collect();
        assert_eq!(names, [Some("a"), None, Some("c")]);
    }

    #[test]
    fn ranks_below_the_limit_of_a_run_are_unknown() {
        let mut history = history_of(&[&["a", "b", "c"], &["a", "c"], &["a", "b", "c"]]);
        history.attempts[1].max_results = 2;
        let plot = RankPlot::new(&history, 28).unwrap();
        assert_eq!(plot.lines[1].ranks, [Some(2), None, Some(2)]);
        let unknown: Vec<_> = plot.columns.iter().map(PlotColumn::unknown_area).collect();
        assert_eq!(unknown, [None, Some((4, 16)), None], "below the second rank");
        // A chart shorter than the limit has no unknown ranks.
        history.attempts[1].max_results = 50;
        assert!(!RankPlot::new(&history, 28).unwrap().has_unknown_ranks());
    }
}
