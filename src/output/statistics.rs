//! The stats of a run for people: a table of regions, then the counts by the names that the document has.

use std::io::{self, Write};

use console::Style;
use jiff::Timestamp;

use super::columns::{left, lines, right};
use super::{Out, UNITS_PER_DAY};
use crate::history::change_summary::ChangeSummary;
use crate::model::{Document, RegionStats, Stats, Status};
use crate::support::human::{format_millis, group_digits};
use crate::support::sanitize::one_line;

/// The pairs of regions that are shown; the document has more.
const PAIRS: usize = 5;

/// Writes the stats, at most `width` columns wide.
///
/// # Errors
/// What the writer gives.
pub(super) fn write(
    document: &Document,
    since: Option<ChangeSummary>,
    width: usize,
    color: bool,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let style = |style: Style| style.force_styling(color);
    let (bold, faint) = (style(Style::new().bold()), style(Style::new().dim()));
    let columns = [left("Region"), left("Lang"), right("Videos"), right("Tries"), right("Time"), left("Outcome")];
    let rows: Vec<Vec<String>> = document.stats.regions.iter().map(row).collect();
    for (index, line) in lines(&columns, &rows, width, columns.len() - 1).iter().enumerate() {
        // Colour repeats what the words say.
        let style = match index.checked_sub(1).map(|index| document.stats.regions[index].status) {
            None => bold.clone(),
            Some(Status::Ok) => style(Style::new()),
            Some(Status::Partial) => style(Style::new().yellow()),
            Some(Status::Failed) => style(Style::new().red()),
        };
        writeln!(out, "{}", style.apply_to(line))?;
    }
    writeln!(out)?;
    for (name, value, remark) in counts(&document.stats, since) {
        let line = format!("{} {value:>9}", bold.apply_to(format!("{name:<14}")));
        match remark {
            remark if remark.is_empty() => writeln!(out, "{line}")?,
            remark => writeln!(out, "{line}   {}", faint.apply_to(one_line(&remark, width.saturating_sub(27))))?,
        }
    }
    Ok(())
}

fn row(stats: &RegionStats) -> Vec<String> {
    let outcome = match (&stats.error, stats.status, stats.videos) {
        (None, _, 0) => "ok, but the chart is empty".to_owned(),
        (None, ..) => "ok".to_owned(),
        // What the server said besides is too long for a table; the last line of the log has it.
        (Some(error), Status::Partial, _) => format!("partial: {}", error.label()),
        (Some(error), ..) => format!("failed: {}", error.label()),
    };
    vec![
        stats.region.to_string(),
        stats.language.to_owned(),
        group_digits(stats.videos as u64),
        stats.requests.to_string(),
        if stats.requests == 0 { "-".to_owned() } else { format_millis(stats.elapsed_ms) },
        one_line(&outcome, 200),
    ]
}

/// Name, value, remark.
fn counts(stats: &Stats, since: Option<ChangeSummary>) -> Vec<(&'static str, String, String)> {
    let number = |number: usize| group_digits(number as u64);
    let units = |number: u32| group_digits(u64::from(number));
    let share = match stats.unique {
        0 => String::new(),
        unique => format!(
            "{:.1} % of the videos are in two regions or more",
            100.0 * stats.multi_region as f64 / unique as f64
        ),
    };
    let pairs: Vec<String> = stats
        .overlap
        .iter()
        .take(PAIRS)
        .map(|pair| format!("{}+{} {}", pair.regions[0], pair.regions[1], pair.videos))
        .collect();
    let mut counts = vec![
        ("raw", number(stats.raw), "places in the charts".to_owned()),
        ("unique", number(stats.unique), "videos, once regions are merged".to_owned()),
        ("multi_region", number(stats.multi_region), share),
    ];
    if !pairs.is_empty() {
        counts.push(("overlap", String::new(), pairs.join(", ")));
    }
    if let Some(since) = since {
        counts.push(("entered", number(since.entered), compared(&since)));
        counts.push(("left", number(since.left), String::new()));
    }
    counts.extend([
        (
            "skipped",
            units(stats.skipped),
            if stats.skipped == 0 { String::new() } else { "items without a usable id".to_owned() },
        ),
        ("requests", units(stats.requests), String::new()),
        ("retries", units(stats.retries), String::new()),
        ("rate_limited", units(stats.rate_limited), held(stats)),
        (
            "quota_units",
            units(stats.quota_units),
            format!("of the {UNITS_PER_DAY} a day that a project has by default"),
        ),
        ("elapsed", format_millis(stats.elapsed_ms), sequential(stats)),
    ]);
    counts
}

/// With what the charts were compared.
fn compared(since: &ChangeSummary) -> String {
    let time = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M").to_string();
    let when = match since.compared_with {
        (first, last) if first == last => format!("since {} UTC", time(first)),
        (first, last) => format!("since {} to {} UTC", time(first), time(last)),
    };
    let regions = if since.regions == 1 { "1 region".to_owned() } else { format!("{} regions", since.regions) };
    format!("places, {when}, in {regions}")
}

fn held(stats: &Stats) -> String {
    match stats.held_ms {
        0 => String::new(),
        held => format!("the server asked for {} of silence", format_millis(held)),
    }
}

fn sequential(stats: &Stats) -> String {
    let times = stats.sequential_ms as f64 / stats.elapsed_ms.max(1) as f64;
    match stats.requests {
        0 | 1 => String::new(),
        _ => format!("one at a time: {}, {times:.1} times as long", format_millis(stats.sequential_ms)),
    }
}
