//! The plot of ranks: who stood where at the top of a region's chart, run after run. Pure.
//!
//! It is drawn in units of its own, four to a run and two to a rank, and stretched by the page, so that the names
//! beside it stay text of a size that can be read.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::snapshot::{RegionPast, TOP};
use crate::history::{Attempt, HistoryEntry};

/// Units from one run to the next.
pub(super) const STEP: usize = 4;

/// The plot of a region.
#[derive(Debug)]
pub(super) struct Bump<'a> {
    pub width: usize,
    pub height: usize,
    pub columns: Vec<Column>,
    /// The videos that are at the top now, by rank.
    pub lines: Vec<Line<'a>>,
    /// One path for all others.
    pub others: String,
    /// And one for their dots.
    pub others_dots: String,
    /// Only every so many runs are shown.
    pub every: usize,
}

/// A run.
#[derive(Debug)]
pub(super) struct Column {
    pub fetched_at: Timestamp,
    /// Left edge.
    pub x: usize,
    /// Down to which rank the run asked, at most to the last of the plot; 0 where the region has no whole chart.
    pub depth: u32,
}

impl Column {
    /// Whether a video that has no rank here may have had one.
    pub(super) fn is_cut(&self) -> bool {
        self.depth < TOP
    }

    /// Where the ranks begin that are not known: top and height.
    pub(super) fn unknown(&self) -> Option<(u32, u32)> {
        self.is_cut().then(|| (self.depth * 2, (TOP - self.depth) * 2))
    }
}

/// A video.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub entry: &'a HistoryEntry,
    pub path: String,
    /// Points of no length, drawn as dots.
    pub dots: String,
    /// In each run; `None` where it was not at the top, as far down as that run asked.
    pub ranks: Vec<Option<u32>>,
}

impl<'a> Bump<'a> {
    /// `None` while there are not two whole charts to join.
    pub(super) fn of(past: &'a RegionPast, most_columns: usize) -> Option<Bump<'a>> {
        // A chart that was deleted is none that failed.
        let recent: Vec<&Attempt> = past.recent().iter().filter(|attempt| !attempt.is_pruned).collect();
        let every = recent.len().div_ceil(most_columns.max(1)).max(1);
        // Counted from the newest whole chart, whose ranks are those of the names.
        let newest = recent.iter().rposition(|attempt| attempt.is_whole())?;
        let is_shown = |(index, _): &(usize, &&Attempt)| index.abs_diff(newest).is_multiple_of(every);
        let shown: Vec<&Attempt> = recent.iter().enumerate().filter(is_shown).map(|(_, attempt)| *attempt).collect();
        if shown.iter().filter(|attempt| attempt.is_whole()).count() < 2 {
            return None;
        }
        let index: HashMap<i64, usize> =
            shown.iter().enumerate().map(|(index, attempt)| (attempt.number, index)).collect();
        let mut ranks: HashMap<&str, Vec<Option<u32>>> = HashMap::new();
        for video_rank in &past.video_ranks {
            if let Some(index) = index.get(&video_rank.number) {
                ranks.entry(&video_rank.video_id).or_insert_with(|| vec![None; shown.len()])[*index] =
                    Some(video_rank.rank);
            }
        }
        let top = past.chart.as_ref()?.entries.iter().filter(|entry| entry.rank <= TOP);
        let lines: Vec<Line<'a>> = top
            .filter_map(|entry| {
                let ranks = ranks.remove(&*entry.video_id)?;
                Some(Line { entry, path: path(&ranks), dots: dots(&ranks), ranks })
            })
            .collect();
        if lines.is_empty() {
            return None;
        }
        let mut others: Vec<(&str, Vec<Option<u32>>)> = ranks.into_iter().collect();
        others.sort_unstable_by_key(|(id, _)| *id);
        let column = |(index, attempt): (usize, &&Attempt)| Column {
            fetched_at: attempt.fetched_at,
            x: index * STEP,
            depth: if attempt.is_whole() { attempt.depth.min(TOP) } else { 0 },
        };
        Some(Bump {
            width: shown.len() * STEP,
            height: TOP as usize * 2,
            columns: shown.iter().enumerate().map(column).collect(),
            lines,
            others: others.iter().map(|(_, ranks)| path(ranks)).collect(),
            others_dots: others.iter().map(|(_, ranks)| dots(ranks)).collect(),
            every,
        })
    }

    /// What stands beside each rank: a line with its colour, or nothing, where YouTube sent no usable video.
    pub(super) fn names(&self) -> impl Iterator<Item = Option<(usize, &Line<'a>)>> {
        let last = self.lines.last().map_or(0, |line| line.entry.rank);
        (1..=last).map(|rank| self.lines.iter().enumerate().find(|(_, line)| line.entry.rank == rank))
    }

    /// Whether a run of it says nothing of some ranks.
    pub(super) fn has_unknown(&self) -> bool {
        self.columns.iter().any(Column::is_cut)
    }
}

fn point(index: usize, rank: u32) -> (usize, u32) {
    (index * STEP + STEP / 2, rank * 2 - 1)
}

/// Joins ranks of runs that follow each other, with level ends; where a run is missing, the line is too.
fn path(ranks: &[Option<u32>]) -> String {
    let mut path = String::new();
    for index in 1..ranks.len() {
        let (Some(before), Some(rank)) = (ranks[index - 1], ranks[index]) else { continue };
        let ((from, start), (to, end)) = (point(index - 1, before), point(index, rank));
        if index < 2 || ranks[index - 2].is_none() {
            let _ = write!(path, "M{from} {start}"); // a String takes everything
        }
        let middle = (from + to) / 2;
        let _ = if start == end {
            write!(path, "H{to}")
        } else {
            write!(path, "C{middle} {start} {middle} {end} {to} {end}")
        };
    }
    path
}

fn dots(ranks: &[Option<u32>]) -> String {
    let mut dots = String::new();
    for (index, rank) in ranks.iter().enumerate() {
        if let Some(rank) = rank {
            let (x, y) = point(index, *rank);
            let _ = write!(dots, "M{x} {y}h0"); // a String takes everything
        }
    }
    dots
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::VideoRank;
    use crate::model::Status;
    use crate::report::samples::{at, attempt, entries, failed, past};
    use crate::report::snapshot::Chart;

    /// A run an hour, each by who stood at its top; nobody is a run that failed.
    fn of_runs(runs: &[&[&str]]) -> RegionPast {
        let asked = |(hour, top): (i64, &&[&str])| {
            if top.is_empty() { failed("US", hour, Status::Failed, "timeout") } else { attempt("US", hour) }
        };
        let mut past = past((0..).zip(runs).map(asked).collect());
        for (number, top) in (0..).zip(runs) {
            let video_rank = |(rank, id): (u32, &&str)| VideoRank { number, rank, video_id: (*id).to_owned() };
            past.video_ranks.extend((1..).zip(*top).map(video_rank));
        }
        let newest = (0..).zip(runs).filter(|(_, top)| !top.is_empty()).last();
        past.chart = newest.map(|(hour, top)| Chart { fetched_at: at(hour), entries: entries(top) });
        past
    }

    /// `a M2 1H6`, one for each line.
    fn lines(bump: &Bump<'_>) -> Vec<String> {
        bump.lines.iter().map(|line| format!("{} {}", line.entry.video_id, line.path)).collect()
    }

    fn hours(bump: &Bump<'_>) -> Vec<Timestamp> {
        bump.columns.iter().map(|column| column.fetched_at).collect()
    }

    #[test]
    fn a_small_plot_is_the_one_drawn_by_hand() {
        let past = of_runs(&[&["a", "b"], &["b", "a"], &["b", "a"]]);
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!((bump.width, bump.height, bump.every), (12, 20, 1));
        assert_eq!(lines(&bump), ["b M2 3C4 3 4 1 6 1H10", "a M2 1C4 1 4 3 6 3H10"]);
        assert_eq!(bump.lines[0].dots, "M2 3h0M6 1h0M10 1h0");
        assert_eq!(bump.lines[0].ranks, [Some(2), Some(1), Some(1)]);
        assert_eq!((&*bump.others, bump.has_unknown()), ("", false));
        assert_eq!(hours(&bump), [at(0), at(1), at(2)]);
    }

    #[test]
    fn a_line_breaks_where_a_run_has_no_whole_chart() {
        let mut past = of_runs(&[&["a"], &["a"], &[], &["a"], &["a"]]);
        let expected = "a M2 1H6M14 1H18";
        assert_eq!(lines(&Bump::of(&past, 28).unwrap()), [expected]);
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!(lines(&bump), [expected]);
        assert_eq!(bump.lines[0].dots, "M2 1h0M6 1h0M14 1h0M18 1h0");
        let unknown: Vec<_> = bump.columns.iter().map(Column::unknown).collect();
        assert_eq!(unknown, [None, None, Some((0, 20)), None, None]);
        assert_eq!(bump.columns[2].x, 8);
        assert!(bump.has_unknown());
        // What was deleted did not fail.
        past.attempts[2] = Attempt { is_pruned: true, ..attempt("US", 2) };
        assert_eq!(lines(&Bump::of(&past, 28).unwrap()), ["a M2 1H6H10H14"]);
    }

    #[test]
    fn a_line_breaks_where_the_video_is_not_at_the_top() {
        let past = of_runs(&[&["a", "b"], &["a", "b"], &["b"], &["a", "b"], &["b", "a"]]);
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!(
            lines(&bump),
            ["b M2 3H6C8 3 8 1 10 1C12 1 12 3 14 3C16 3 16 1 18 1", "a M2 1H6M14 1C16 1 16 3 18 3"]
        );
        assert_eq!(bump.lines[1].ranks[2], None);
        assert!(!bump.has_unknown());
    }

    #[test]
    fn a_video_that_stood_alone_is_a_dot_without_a_line() {
        let past = of_runs(&[&["a"], &["b"], &["a"]]);
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!(lines(&bump), ["a "]);
        assert_eq!((&*bump.lines[0].dots, &*bump.others), ("M2 1h0M10 1h0", ""));
    }

    #[test]
    fn thinning_keeps_the_newest_run_and_joins_what_is_left() {
        let past = of_runs(&[&["a"], &["a", "b"], &["a"], &["a"], &["b", "a"]]);
        let bump = Bump::of(&past, 2).unwrap();
        assert_eq!((bump.every, bump.width), (3, 8));
        assert_eq!(hours(&bump), [at(1), at(4)]);
        assert_eq!(lines(&bump), ["b M2 3C4 3 4 1 6 1", "a M2 1C4 1 4 3 6 3"]);
        assert_eq!(hours(&Bump::of(&past, 4).unwrap()), [at(0), at(2), at(4)]);
        assert_eq!(Bump::of(&past, 5).unwrap().every, 1);
    }

    #[test]
    fn there_is_no_plot_without_two_whole_charts_or_without_room() {
        let two = of_runs(&[&["a"], &["a"]]);
        assert!(Bump::of(&two, 2).is_some());
        assert!(Bump::of(&two, 1).is_none(), "one of them is left");
        assert!(Bump::of(&two, 0).is_none());
        assert!(Bump::of(&of_runs(&[&["a"]]), 28).is_none());
        assert!(Bump::of(&of_runs(&[&["a"], &[], &[]]), 28).is_none());
        let two_of_them_old = {
            let mut past = of_runs(&[&["a"], &["a"], &["a"]]);
            past.attempts[2].fetched_at = at(24 * 30);
            past
        };
        assert!(Bump::of(&two_of_them_old, 28).is_none());
    }

    #[test]
    fn all_who_are_not_at_the_top_now_share_one_path() {
        let past = of_runs(&[&["a", "y", "x"], &["a", "x", "y"], &["a"]]);
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!(lines(&bump), ["a M2 1H6H10"]);
        assert_eq!(bump.others, "M2 5C4 5 4 3 6 3M2 3C4 3 4 5 6 5", "x, then y");
    }

    #[test]
    fn only_ten_places_have_a_line_of_their_own() {
        let ids = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
        let mut past = of_runs(&[&["k", "a"], &ids[..10]]);
        past.chart = Some(Chart { fetched_at: at(1), entries: entries(&ids) });
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!(bump.lines.iter().map(|line| &*line.entry.video_id).collect::<Vec<_>>(), ids[..10]);
        past.video_ranks.push(VideoRank { number: 1, rank: 10, video_id: "k".to_owned() });
        assert_eq!(Bump::of(&past, 28).unwrap().others, "M2 1C4 1 4 19 6 19");
    }

    #[test]
    fn thinning_keeps_the_newest_whole_chart_though_the_newest_run_failed() {
        let past = of_runs(&[&["a"], &["a"], &["a"], &["a"], &["new", "a"], &[]]);
        let bump = Bump::of(&past, 3).unwrap();
        let names: Vec<&str> = bump.lines.iter().map(|line| &*line.entry.video_id).collect();
        assert_eq!(names, ["new", "a"], "the names stand beside the rows of their ranks");
    }

    #[test]
    fn a_name_stands_in_the_row_of_its_rank_though_a_place_is_skipped() {
        let mut past = of_runs(&[&["a", "b", "c"], &["a", "b", "c"]]);
        past.chart.as_mut().unwrap().entries.remove(1);
        past.video_ranks.retain(|video_rank| video_rank.rank != 2);
        let bump = Bump::of(&past, 28).unwrap();
        let names: Vec<Option<&str>> = bump.names().map(|name| name.map(|(_, line)| &*line.entry.video_id)).collect();
        assert_eq!(names, [Some("a"), None, Some("c")]);
    }
    #[test]
    fn what_a_shallower_run_did_not_ask_for_is_not_known() {
        let mut past = of_runs(&[&["a", "b", "c"], &["a", "c"], &["a", "b", "c"]]);
        past.attempts[1].depth = 2;
        let bump = Bump::of(&past, 28).unwrap();
        assert_eq!(bump.lines[1].ranks, [Some(2), None, Some(2)]);
        let unknown: Vec<_> = bump.columns.iter().map(Column::unknown).collect();
        assert_eq!(unknown, [None, Some((4, 16)), None], "below the second rank");
        // A chart that is shorter than what was asked for hides nothing.
        past.attempts[1].depth = 50;
        assert!(!Bump::of(&past, 28).unwrap().has_unknown());
    }
}
