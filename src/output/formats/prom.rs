//! The format `prom`: the run as metrics, for the textfile collector of Prometheus's node_exporter.
//!
//! This is the part of the text format that the Prometheus and the OpenMetrics parser read alike: gauges without
//! timestamps, each preceded by its help and its type, and `# EOF` at the end. A gauge shows the last run, since the file
//! is replaced by each run, and a counter would start again from zero. The help texts contain nothing that the two
//! formats escape differently.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{self, Write};

use crate::history::change_summary::RegionChanges;
use crate::model::category::Category;
use crate::model::error::ErrorKind;
use crate::model::{Document, Documents, RegionStats, Stats, Status};
use crate::output::Out;
use crate::output::exit_status::ExitStatus;

/// How a run ended, which is known when its data is written.
#[derive(Debug, Clone)]
pub(in crate::output) struct RunEnd {
    pub(in crate::output) exit: ExitStatus,
    /// Since the runs before, if there is a history, by run id.
    pub(in crate::output) changes: HashMap<String, Vec<RegionChanges>>,
}

/// Writes the metrics of runs, one per category. Those about their end are left out if that is not known.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write(documents: &Documents, end: Option<&RunEnd>, out: &mut Out<'_>) -> io::Result<()> {
    let mut metrics = Metrics { documents, out };
    let start = |document: &Document| document.fetched_at.as_second().to_string();
    metrics.of_run("start_time_seconds", "Start of the last run, as Unix time", start)?;
    metrics.of_run("duration_seconds", "Time from the start until the charts were merged", |document| {
        seconds(document.stats.elapsed_ms)
    })?;
    if let Some(end) = end {
        let exit = end.exit.code().to_string();
        metrics.of_run("exit_status", "Exit status; 0 is a complete run, 3 a partial one", |_| exit.clone())?;
    }
    metrics.count("requests", "Requests sent, retries included", |stats| stats.requests)?;
    metrics.count("retries", "Requests that repeated a failed one", |stats| stats.retries)?;
    metrics.count("rate_limits", "Responses that reported a rate limit", |stats| stats.rate_limited)?;
    metrics.of_run("held_seconds", "Time for which rate limits held all requests", |document| {
        seconds(document.stats.held_ms)
    })?;
    metrics.count("quota_units", "Quota units spent", |stats| stats.quota_units)?;
    metrics.count("videos", "Distinct videos", |stats| stats.unique)?;

    metrics.family("run_failed_regions", "Regions that failed or are incomplete", "kind", failed_by_kind)?;
    metrics.family("region_complete", "Whether the whole chart was fetched", "region", |document| {
        by_region(document, |row| usize::from(row.status == Status::Ok))
    })?;
    metrics.family("region_videos", "Distinct videos of the chart", "region", |document| {
        by_region(document, |row| row.videos)
    })?;
    let changes = |document: &Document, count: fn(&RegionChanges) -> usize| -> Vec<(String, usize)> {
        let regions = end.and_then(|end| end.changes.get(&document.run_id)).into_iter().flatten();
        regions.map(|changes| (changes.region.to_string(), count(changes))).collect()
    };
    metrics.family("region_entered_videos", "Videos that entered since the last complete chart", "region", |run| {
        changes(run, |changes| changes.entered)
    })?;
    metrics.family("region_left_videos", "Videos that left since the last complete chart", "region", |run| {
        changes(run, |changes| changes.left)
    })?;
    metrics.out.write_all(b"# EOF\n")
}

fn by_region(document: &Document, value: fn(&RegionStats) -> usize) -> Vec<(String, usize)> {
    document.stats.regions.iter().map(|row| (row.region.to_string(), value(row))).collect()
}

/// All kinds of errors, since a series that is missing most of the time is hard to query.
fn failed_by_kind(document: &Document) -> Vec<(String, usize)> {
    let regions = &document.stats.regions;
    let failed: Vec<&str> = regions.iter().filter_map(|row| Some(row.error.as_ref()?.kind.as_str())).collect();
    let mut names: Vec<&str> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    // Two kinds may share a name.
    names.dedup();
    names.into_iter().map(|name| (name.to_owned(), failed.iter().filter(|kind| **kind == name).count())).collect()
}

fn seconds(milliseconds: u64) -> String {
    (milliseconds as f64 / 1000.0).to_string()
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
    documents: &'a Documents,
    out: &'a mut Out<'b>,
}

impl Metrics<'_, '_> {
    /// A gauge of each run.
    fn of_run(&mut self, name: &str, help: &str, value: impl Fn(&Document) -> String) -> io::Result<()> {
        self.head(&format!("run_{name}"), help)?;
        self.documents.iter().try_for_each(|document| {
            writeln!(self.out, "trendfetch_run_{name}{{{}}} {}", run_labels(document), value(document))
        })
    }

    /// A count of each run.
    fn count<T: Display>(&mut self, name: &str, help: &str, value: fn(&Stats) -> T) -> io::Result<()> {
        self.of_run(name, help, |document| value(&document.stats).to_string())
    }

    /// A gauge for each value of a label, in each run. Nothing if there is none.
    fn family(
        &mut self,
        name: &str,
        help: &str,
        by: &str,
        samples: impl Fn(&Document) -> Vec<(String, usize)>,
    ) -> io::Result<()> {
        let samples: Vec<(String, Vec<(String, usize)>)> =
            self.documents.iter().map(|document| (run_labels(document), samples(document))).collect();
        if samples.iter().all(|(_, samples)| samples.is_empty()) {
            return Ok(());
        }
        self.head(name, help)?;
        for (run_labels, samples) in samples {
            for (labelled, value) in samples {
                writeln!(self.out, "trendfetch_{name}{{{run_labels},{}}} {value}", label(by, &labelled))?;
            }
        }
        Ok(())
    }

    fn head(&mut self, name: &str, help: &str) -> io::Result<()> {
        writeln!(self.out, "# HELP trendfetch_{name} {help}.")?;
        writeln!(self.out, "# TYPE trendfetch_{name} gauge")
    }
}
