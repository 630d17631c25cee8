//! The stats of a run for people: a table of regions, then the counts.

use std::io::{self, Write};
use std::time::Duration;

use console::Style;
use jiff::Timestamp;

use super::columns::{align, left, right};
use super::{Out, UNITS_PER_DAY};
use crate::history::change_summary::ChangeSummary;
use crate::model::{Document, RegionStats, Stats, Status};
use crate::support::human::{format_millis, group_digits};
use crate::support::sanitize::one_line;

/// The most pairs of regions that are shown; the document has more.
const MAX_PAIRS: usize = 5;

/// The widths of the label and of the value of a count, with the gaps behind them.
const LABEL: usize = 22;
const VALUE: usize = 8;
const REMARK_START: usize = LABEL + 1 + VALUE + 3;

/// What the statistics show besides the document.
#[derive(Debug, Clone, Copy)]
pub struct Extras {
    /// Since the runs before, if there is a history.
    pub changes: Option<ChangeSummary>,
    /// How long one request at a time would have taken.
    pub sequential_time: Duration,
}

/// Writes the stats, at most `width` characters wide.
pub(super) fn write(
    document: &Document,
    extras: Extras,
    width: usize,
    color: bool,
    out: &mut Out<'_>,
) -> io::Result<()> {
    let styled = |style: Style| style.force_styling(color);
    let (bold, faint) = (styled(Style::new().bold()), styled(Style::new().dim()));
    let columns = [left("Region"), left("Lang"), right("Videos"), right("Attempts"), right("Time"), left("Status")];
    let rows: Vec<Vec<String>> = document.stats.regions.iter().map(row).collect();
    for (index, line) in align(&columns, &rows, width, columns.len() - 1).iter().enumerate() {
        // The words say the same without colour.
        let style = match index.checked_sub(1).map(|index| document.stats.regions[index].status) {
            None => bold.clone(),
            Some(Status::Ok) => styled(Style::new()),
            Some(Status::Partial) => styled(Style::new().yellow()),
            Some(Status::Failed) => styled(Style::new().red()),
        };
        writeln!(out, "{}", style.apply_to(line))?;
    }
    writeln!(out)?;
    for CountLine { label, value, remark } in counts(&document.stats, extras) {
        let line = format!("{} {value:>VALUE$}", bold.apply_to(format!("{label:<LABEL$}")));
        if remark.is_empty() {
            writeln!(out, "{}", line.trim_end())?;
        } else {
            let remark = one_line(&remark, width.saturating_sub(REMARK_START));
            writeln!(out, "{line}   {}", faint.apply_to(remark))?;
        }
    }
    Ok(())
}

fn row(stats: &RegionStats) -> Vec<String> {
    let status = match (&stats.error, stats.status, stats.videos) {
        (None, _, 0) => "ok, but the chart is empty".to_owned(),
        (None, ..) => "ok".to_owned(),
        // The server's message is too long for a table; the last line of the log has it.
        (Some(error), Status::Partial, _) => format!("partial: {}", error.label()),
        (Some(error), ..) => format!("failed: {}", error.label()),
    };
    vec![
        stats.region.to_string(),
        stats.language.to_owned(),
        group_digits(stats.videos as u64),
        stats.requests.to_string(),
        if stats.requests == 0 { "-".to_owned() } else { format_millis(stats.elapsed_ms) },
        one_line(&status, 200),
    ]
}

struct CountLine {
    label: &'static str,
    value: String,
    remark: String,
}

fn counts(stats: &Stats, extras: Extras) -> Vec<CountLine> {
    let count = |label, value: String, remark: String| CountLine { label, value, remark };
    let number = |number: usize| group_digits(number as u64);
    let units = |number: u32| group_digits(u64::from(number));
    let share = match stats.unique {
        0 => String::new(),
        unique => format!("{:.1} % of the videos", 100.0 * stats.multi_region as f64 / unique as f64),
    };
    let pairs = stats.overlap.iter().take(MAX_PAIRS);
    let pairs: Vec<String> =
        pairs.map(|pair| format!("{}+{} {}", pair.regions[0], pair.regions[1], pair.videos)).collect();

    let mut counts = vec![
        count("Chart entries", number(stats.raw), String::new()),
        count("Distinct videos", number(stats.unique), String::new()),
        count("In two or more regions", number(stats.multi_region), share),
    ];
    if !pairs.is_empty() {
        counts.push(count("Most shared", String::new(), pairs.join(", ")));
    }
    if let Some(since) = extras.changes {
        let regions =
            if since.regions == 1 { "in 1 region".to_owned() } else { format!("in {} regions", since.regions) };
        counts.push(count("Entered", number(since.entered), since_when(&since)));
        counts.push(count("Left", number(since.left), regions));
    }
    let skipped = if stats.skipped == 0 { String::new() } else { "items without a usable id".to_owned() };
    let units_per_day = format!("of the default {UNITS_PER_DAY} a day");
    counts.extend([
        count("Skipped", units(stats.skipped), skipped),
        count("Requests", units(stats.requests), String::new()),
        count("Retries", units(stats.retries), String::new()),
        count("Rate limits", units(stats.rate_limited), held(stats)),
        count("Quota units", units(stats.quota_units), units_per_day),
        count("Time", format_millis(stats.elapsed_ms), speedup(stats, extras.sequential_time)),
    ]);
    counts
}

/// The fetches with which the charts were compared.
fn since_when(since: &ChangeSummary) -> String {
    let time = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M").to_string();
    match since.compared_with {
        (first, last) if first == last => format!("since {} UTC", time(first)),
        (first, last) => format!("since {} to {} UTC", time(first), time(last)),
    }
}

fn held(stats: &Stats) -> String {
    match stats.held_ms {
        0 => String::new(),
        held => format!("rate-limited for {}", format_millis(held)),
    }
}

/// The gain over one request at a time, if there is any.
fn speedup(stats: &Stats, sequential_time: Duration) -> String {
    let sequential_ms = u64::try_from(sequential_time.as_millis()).unwrap_or(u64::MAX);
    let times = sequential_ms as f64 / stats.elapsed_ms.max(1) as f64;
    match stats.requests {
        2.. if times >= 1.05 => format!("{times:.1}x faster than one at a time ({})", format_millis(sequential_ms)),
        _ => String::new(),
    }
}
