//! The stats for people: a table of regions and the first videos of the merged chart, or a table of several categories,
//! then the counts.

use std::collections::HashMap;
use std::io::{self, Write};
use std::time::Duration;

use console::Style;
use jiff::Timestamp;

use super::columns::{Shrink, fit, join, left, right};
use super::formats::table::{best_ranks, link};
use super::{Out, UNITS_PER_DAY, category_table};
use crate::history::change_summary::RegionChanges;
use crate::model::{Document, Documents, RegionStats, Stats, Status};
use crate::stats;
use crate::support::human::{count as pluralize, format_millis, group_digits};
use crate::support::sanitize::one_line;

/// The most pairs of regions that are shown; the document has more.
const MAX_PAIRS: usize = 5;

/// How many videos are shown.
const TOP: usize = 3;

/// If there are more regions than this, those with a whole chart share a row.
const MAX_REGIONS: usize = 30;

/// The status, then the languages, then the attempts.
const REGION_SHRINKS: [Shrink; 4] = [(5, 20), (1, 0), (3, 0), (5, 8)];

/// The widths of the label and of the value of a count, with the gaps behind them.
const LABEL: usize = 22;
const VALUE: usize = 8;
const REMARK_START: usize = LABEL + 1 + VALUE + 3;

/// What the statistics show besides the document.
#[derive(Debug, Clone)]
pub struct Extras {
    /// Since the runs before, if there is a history, by run id.
    pub changes: HashMap<String, Vec<RegionChanges>>,
    /// How long one request at a time would have taken.
    pub sequential_time: Duration,
}

/// How text for people looks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    /// In terminal columns.
    pub(super) width: usize,
    pub(super) color: bool,
    /// Whether the titles are links.
    pub(super) links: bool,
    /// Whether each region of several categories has a row.
    pub(super) details: bool,
}

impl Look {
    pub(super) fn style(self, style: Style) -> Style {
        style.force_styling(self.color)
    }
}

/// Writes the stats, at most as wide as the terminal.
pub(super) fn write(documents: &Documents, extras: &Extras, look: Look, out: &mut Out<'_>) -> io::Result<()> {
    if documents.are_several() {
        category_table::write(documents, look, out)?;
        if look.details {
            documents.iter().try_for_each(|document| write_details(document, look, out))?;
        }
    } else {
        for document in documents.iter() {
            write_regions(&document.stats.regions, look, out)?;
            write_top(document, look, out)?;
        }
    }
    writeln!(out)?;
    let faint = look.style(Style::new().dim());
    for CountLine { label, value, remark } in counts(&stats::total(documents.as_slice()), extras) {
        let line = format!("{label:<LABEL$} {value:>VALUE$}");
        if remark.is_empty() {
            writeln!(out, "{}", line.trim_end())?;
        } else {
            let remark = one_line(&remark, look.width.saturating_sub(REMARK_START));
            writeln!(out, "{line}   {}", faint.apply_to(remark))?;
        }
    }
    Ok(())
}

/// The regions of one of several categories.
fn write_details(document: &Document, look: Look, out: &mut Out<'_>) -> io::Result<()> {
    let heading = look.style(Style::new().bold()).apply_to(document.request.category_name());
    writeln!(out, "\n{heading}")?;
    write_regions(&document.stats.regions, look, out)
}

fn write_regions(regions: &[RegionStats], look: Look, out: &mut Out<'_>) -> io::Result<()> {
    let columns = [left("Region"), left("Lang"), right("Videos"), right("Attempts"), right("Time"), left("Status")];
    let is_whole = |stats: &&RegionStats| stats.status == Status::Ok && stats.videos > 0;
    let (whole, mut shown): (Vec<&RegionStats>, Vec<&RegionStats>) = match regions.len() {
        ..=MAX_REGIONS => (Vec::new(), regions.iter().collect()),
        _ => regions.iter().partition(is_whole),
    };
    let mut rows: Vec<Vec<String>> = shown.iter().map(|stats| row(stats)).collect();
    if !whole.is_empty() {
        rows.push(summary_row(&whole, shown.is_empty()));
        shown.push(whole[0]);
    }
    for (index, line) in fit(&columns, &rows, look.width, &REGION_SHRINKS).iter().enumerate() {
        // The words say the same without colour.
        let style = match index.checked_sub(1).map(|index| shown[index].status) {
            None => Style::new().bold(),
            Some(Status::Ok) => Style::new(),
            Some(Status::Partial) => Style::new().yellow(),
            Some(Status::Failed) => Style::new().red(),
        };
        writeln!(out, "{}", look.style(style).apply_to(join(line)))?;
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

/// One row for all regions with a whole chart.
fn summary_row(whole: &[&RegionStats], are_all: bool) -> Vec<String> {
    let videos: usize = whole.iter().map(|stats| stats.videos).sum();
    let attempts: u32 = whole.iter().map(|stats| stats.requests).sum();
    vec![
        if are_all { format!("all {}", whole.len()) } else { format!("{} others", whole.len()) },
        String::new(),
        group_digits(videos as u64),
        group_digits(attempts.into()),
        String::new(),
        "ok".to_owned(),
    ]
}

/// The first videos of the merged chart.
fn write_top(document: &Document, look: Look, out: &mut Out<'_>) -> io::Result<()> {
    let mut videos = document.by_best_rank();
    videos.truncate(TOP);
    if videos.is_empty() {
        return Ok(());
    }
    let columns = [left("Top videos"), left(""), left("")];
    let rows: Vec<Vec<String>> = videos
        .iter()
        .map(|video| vec![one_line(&video.video.title, 200), one_line(&video.video.channel, 60), best_ranks(video, 2)])
        .collect();
    let mut lines = fit(&columns, &rows, look.width, &[(0, 40), (1, 12), (0, 12), (1, 0)]);
    writeln!(out)?;
    for (index, line) in lines.iter_mut().enumerate() {
        match index.checked_sub(1) {
            None => writeln!(out, "{}", look.style(Style::new().bold()).apply_to(join(line)))?,
            Some(index) => {
                if look.links {
                    line[0] = link(&line[0], &videos[index].url());
                }
                writeln!(out, "{}", join(line))?;
            }
        }
    }
    Ok(())
}

struct CountLine {
    label: &'static str,
    value: String,
    remark: String,
}

impl CountLine {
    fn new(label: &'static str, value: String, remark: String) -> CountLine {
        CountLine { label, value, remark }
    }

    /// `None` for a count of 0.
    fn unless_zero(label: &'static str, count: u64, remark: String) -> Option<CountLine> {
        (count > 0).then(|| CountLine::new(label, group_digits(count), remark))
    }
}

fn counts(stats: &Stats, extras: &Extras) -> Vec<CountLine> {
    let share = match stats.unique {
        0 => String::new(),
        unique => format!("{:.1} % of the videos", 100.0 * stats.multi_region as f64 / unique as f64),
    };
    let pairs = stats.overlap.iter().take(MAX_PAIRS);
    let pairs: Vec<String> =
        pairs.map(|pair| format!("{}+{} {}", pair.regions[0], pair.regions[1], pair.videos)).collect();
    let units_per_day = format!("of the default {UNITS_PER_DAY} a day");

    let count = CountLine::unless_zero;
    let charts = [
        count("Chart entries", stats.raw as u64, String::new()),
        count("Distinct videos", stats.unique as u64, String::new()),
        count("In two or more regions", stats.multi_region as u64, share),
        (!pairs.is_empty()).then(|| CountLine::new("Most shared", String::new(), pairs.join(", "))),
    ];
    let requests = [
        count("Skipped", stats.skipped.into(), "items without a usable id".to_owned()),
        count("Requests", stats.requests.into(), String::new()),
        count("Retries", stats.retries.into(), String::new()),
        count("Rate limits", stats.rate_limited.into(), held(stats)),
        count("Quota units", stats.quota_units.into(), units_per_day),
        Some(CountLine::new("Time", format_millis(stats.elapsed_ms), speedup(stats, extras.sequential_time))),
    ];
    let regions: Vec<RegionChanges> = extras.changes.values().flatten().copied().collect();
    let unit = if stats.regions.is_empty() { ("chart", "charts") } else { ("region", "regions") };
    let changes = changes(&regions, unit).into_iter().map(Some);
    charts.into_iter().chain(changes).chain(requests).flatten().collect()
}

/// How many videos entered and left over all regions that could be compared.
fn changes(regions: &[RegionChanges], (one, many): (&str, &str)) -> Vec<CountLine> {
    let fetches = regions.iter().map(|changes| changes.compared_with);
    let Some((first, last)) = fetches.clone().min().zip(fetches.max()) else { return Vec::new() };
    let since = match (minute(first), minute(last)) {
        (first, last) if first == last => format!("since {first} UTC"),
        (first, last) => format!("since {first} to {last} UTC"),
    };
    let compared = format!("in {}", pluralize(regions.len(), one, many));
    let sum = |count: fn(&RegionChanges) -> usize| regions.iter().map(count).sum::<usize>() as u64;
    let (entered, left) = (sum(|changes| changes.entered), sum(|changes| changes.left));
    let both = format!("{since}, {compared}");
    match (entered, left) {
        (0, 0) => vec![CountLine::new("Entered or left", "none".to_owned(), both)],
        (0, left) => vec![CountLine::new("Left", group_digits(left), both)],
        (entered, 0) => vec![CountLine::new("Entered", group_digits(entered), both)],
        (entered, left) => vec![
            CountLine::new("Entered", group_digits(entered), since),
            CountLine::new("Left", group_digits(left), compared),
        ],
    }
}

fn minute(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
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
