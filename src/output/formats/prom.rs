//! The format `prom`: the run as metrics, for the textfile collector of Prometheus's node_exporter.
//!
//! This is the part of the text format that the Prometheus and the OpenMetrics parser read alike: gauges without
//! timestamps, each preceded by its help and its type, and `# EOF` at the end. A gauge shows the last run, since the file
//! is replaced by each run, and a counter would start again from zero. The help texts contain nothing that the two
//! formats escape differently.

use std::fmt::Display;
use std::io::{self, Write};

use crate::history::change_summary::RegionChanges;
use crate::model::category::Category;
use crate::model::error::ErrorKind;
use crate::model::{Document, RegionStats, Status};
use crate::output::Out;
use crate::output::exit_status::ExitStatus;

/// How a run ended, which is known when its data is written.
#[derive(Debug, Clone)]
pub(in crate::output) struct RunEnd {
    pub(in crate::output) exit: ExitStatus,
    /// Since the runs before, if there is a history.
    pub(in crate::output) changes: Vec<RegionChanges>,
}

/// Writes the metrics of a run. Those about its end are left out if that is not known.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write(document: &Document, end: Option<&RunEnd>, out: &mut Out<'_>) -> io::Result<()> {
    let stats = &document.stats;
    let mut metrics = Metrics { run_labels: run_labels(document), out };
    metrics.of_run("start_time_seconds", "Start of the last run, as Unix time", document.fetched_at.as_second())?;
    metrics.of_run(
        "duration_seconds",
        "Time from the start until the charts were merged",
        seconds(stats.elapsed_ms),
    )?;
    if let Some(end) = end {
        metrics.of_run("exit_status", "Exit status; 0 is a complete run, 3 a partial one", end.exit.code())?;
    }
    metrics.of_run("requests", "Requests sent, retries included", stats.requests)?;
    metrics.of_run("retries", "Requests that repeated a failed one", stats.retries)?;
    metrics.of_run("rate_limits", "Responses that reported a rate limit", stats.rate_limited)?;
    metrics.of_run("held_seconds", "Time for which rate limits held all requests", seconds(stats.held_ms))?;
    metrics.of_run("quota_units", "Quota units spent", stats.quota_units)?;
    metrics.of_run("videos", "Distinct videos", stats.unique)?;

    let kinds = failed_by_kind(&stats.regions);
    metrics.family("run_failed_regions", "Regions that failed or are incomplete", "kind", &kinds)?;
    let complete = by_region(&stats.regions, |row| usize::from(row.status == Status::Ok));
    metrics.family("region_complete", "Whether the whole chart was fetched", "region", &complete)?;
    let videos = by_region(&stats.regions, |row| row.videos);
    metrics.family("region_videos", "Distinct videos of the chart", "region", &videos)?;
    let changes = |count: fn(&RegionChanges) -> usize| -> Vec<(&str, usize)> {
        let regions = end.iter().flat_map(|end| &end.changes);
        regions.map(|changes| (changes.region.code(), count(changes))).collect()
    };
    let (entered, left) = (changes(|changes| changes.entered), changes(|changes| changes.left));
    metrics.family("region_entered_videos", "Videos that entered since the last complete chart", "region", &entered)?;
    metrics.family("region_left_videos", "Videos that left since the last complete chart", "region", &left)?;
    metrics.out.write_all(b"# EOF\n")
}

fn by_region(regions: &[RegionStats], value: fn(&RegionStats) -> usize) -> Vec<(&str, usize)> {
    regions.iter().map(|row| (row.region.code(), value(row))).collect()
}

/// All kinds of errors, since a series that is missing most of the time is hard to query.
fn failed_by_kind(regions: &[RegionStats]) -> Vec<(&'static str, usize)> {
    let failed: Vec<&str> = regions.iter().filter_map(|row| Some(row.error.as_ref()?.kind.as_str())).collect();
    let mut names: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    // Two kinds may share a name.
    names.dedup();
    names.into_iter().map(|name| (name, failed.iter().filter(|kind| **kind == name).count())).collect()
}

fn seconds(milliseconds: u64) -> f64 {
    milliseconds as f64 / 1000.0
}

/// The labels of every metric.
fn run_labels(document: &Document) -> String {
    let source = label("source", &document.source);
    match document.request.category_id {
        Some(id) => format!("{source},{}", label("category", &Category::new(id).to_string())),
        None => source,
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\"", value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n"))
}

struct Metrics<'a, 'b> {
    run_labels: String,
    out: &'a mut Out<'b>,
}

impl Metrics<'_, '_> {
    /// A gauge of the run.
    fn of_run(&mut self, name: &str, help: &str, value: impl Display) -> io::Result<()> {
        self.head(&format!("run_{name}"), help)?;
        writeln!(self.out, "trendfetch_run_{name}{{{}}} {value}", self.run_labels)
    }

    /// A gauge for each value of a label. Nothing if there is none.
    fn family(&mut self, name: &str, help: &str, by: &str, samples: &[(&str, usize)]) -> io::Result<()> {
        if samples.is_empty() {
            return Ok(());
        }
        self.head(name, help)?;
        for (labelled, value) in samples {
            writeln!(self.out, "trendfetch_{name}{{{},{}}} {value}", self.run_labels, label(by, labelled))?;
        }
        Ok(())
    }

    fn head(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP trendfetch_{name} {help}.")?;
        writeln!(self.out, "# TYPE trendfetch_{name} gauge")
    }
}
