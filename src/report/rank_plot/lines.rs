//! The lines of a video in a rank plot. Pure.

use std::fmt::Write as _;

use super::{PlotColumn, ROW_HEIGHT, UnknownArea};

/// The length of the dash that stands for a single rank.
const DASH: i64 = 10;

/// A rank of a video in the plot.
#[derive(Clone, Copy)]
struct Point {
    column: usize,
    x: i64,
    y: i64,
}

/// How a rank is drawn after the one before.
#[derive(PartialEq, Eq)]
enum Link {
    /// Of the next run.
    Line,
    /// Nothing is known in between.
    Bridge,
    /// The video was not among the top ranks in between.
    Nothing,
}

/// The lines of a video, and its bridges over what is unknown. A rank without a line to another is a dash.
pub(super) fn paths(ranks: &[Option<u32>], columns: &[PlotColumn], gaps: &[UnknownArea]) -> (String, String) {
    let point = |(column, rank): (usize, &Option<u32>)| {
        let y = i64::from((*rank)?) * ROW_HEIGHT - ROW_HEIGHT / 2;
        Some(Point { column, x: columns[column].x, y })
    };
    let points: Vec<Point> = ranks.iter().enumerate().filter_map(point).collect();
    let links: Vec<Link> = points.windows(2).map(|pair| link(pair[0], pair[1], columns, gaps)).collect();
    let (mut lines, mut bridges) = (String::new(), String::new());
    for (index, point) in points.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| (points[before], &links[before]));
        // Writing to a String never fails.
        let _ = match before {
            Some((last, Link::Line)) => line_to(&mut lines, last, *point),
            _ if links.get(index) == Some(&Link::Line) => write!(lines, "M{} {}", point.x, point.y),
            _ => write!(lines, "M{} {}h{}", point.x - DASH / 2, point.y, DASH),
        };
        if let Some((last, Link::Bridge)) = before {
            let _ = write!(bridges, "M{} {}", last.x, last.y);
            let _ = line_to(&mut bridges, last, *point);
        }
    }
    (lines, bridges)
}

fn link(from: Point, to: Point, columns: &[PlotColumn], gaps: &[UnknownArea]) -> Link {
    let between = &columns[from.column + 1..to.column];
    let has_gap = gaps.iter().any(|gap| (from.x..to.x).contains(&gap.x));
    if between.is_empty() && !has_gap {
        Link::Line
    } else if between.iter().all(PlotColumn::has_unknown_ranks) {
        Link::Bridge
    } else {
        Link::Nothing
    }
}

fn line_to(path: &mut String, from: Point, to: Point) -> std::fmt::Result {
    if from.y == to.y {
        write!(path, "h{}", to.x - from.x)
    } else {
        write!(path, "l{} {}", to.x - from.x, to.y - from.y)
    }
}
