//! The plot of ranks: who stood where at the top of a region's chart, run after run. Pure.
//!
//! It is drawn in units of its own, four to a run and two to a rank, and stretched by the page, so that the names
//! beside it stay text of a size that can be read.

use std::collections::HashMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::snapshot::{RegionPast, TOP};
use crate::store::{Attempt, Place};

/// Units from one run to the next.
const STEP: usize = 4;

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
    /// Only every so many runs are shown.
    pub every: usize,
}

/// A run.
#[derive(Debug)]
pub(super) struct Column {
    pub fetched_at: Timestamp,
    /// Left edge, where the region has no whole chart.
    pub missing_at: Option<usize>,
}

/// A video.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub place: &'a Place,
    pub path: String,
    /// Points of no length, drawn as dots.
    pub dots: String,
    /// In each run; `None` where it was not at the top.
    pub ranks: Vec<Option<u32>>,
}

impl<'a> Bump<'a> {
    /// `None` while there are not two whole charts to join.
    pub(super) fn of(past: &'a RegionPast, most_columns: usize) -> Option<Bump<'a>> {
        let recent = past.recent();
        let every = recent.len().div_ceil(most_columns.max(1)).max(1);
        // Counted from the newest, which is always there.
        let shown: Vec<&Attempt> = recent.iter().rev().step_by(every).collect::<Vec<_>>().into_iter().rev().collect();
        if most_columns == 0 || shown.iter().filter(|attempt| attempt.is_whole()).count() < 2 {
            return None;
        }
        let index: HashMap<i64, usize> =
            shown.iter().enumerate().map(|(index, attempt)| (attempt.number, index)).collect();
        let mut ranks: HashMap<&str, Vec<Option<u32>>> = HashMap::new();
        for standing in &past.standings {
            if let Some(index) = index.get(&standing.number) {
                ranks.entry(&standing.video_id).or_insert_with(|| vec![None; shown.len()])[*index] =
                    Some(standing.rank);
            }
        }
        let top = past.chart.as_ref()?.places.iter().filter(|place| place.rank <= TOP);
        let lines: Vec<Line<'a>> = top
            .filter_map(|place| {
                let ranks = ranks.remove(&*place.video_id)?;
                Some(Line { place, path: path(&ranks), dots: dots(&ranks), ranks })
            })
            .collect();
        let mut others: Vec<(&str, Vec<Option<u32>>)> = ranks.into_iter().collect();
        others.sort_unstable_by_key(|(id, _)| *id);
        let column = |(index, attempt): (usize, &&Attempt)| Column {
            fetched_at: attempt.fetched_at,
            missing_at: (!attempt.is_whole()).then_some(index * STEP),
        };
        Some(Bump {
            width: shown.len() * STEP,
            height: TOP as usize * 2,
            columns: shown.iter().enumerate().map(column).collect(),
            lines,
            others: others.iter().map(|(_, ranks)| path(ranks)).collect(),
            every,
        })
    }

    /// Whether a run of it brought no whole chart.
    pub(super) fn has_missing(&self) -> bool {
        self.columns.iter().any(|column| column.missing_at.is_some())
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
