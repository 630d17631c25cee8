//! The part of the stats about several categories: a row for each, and the charts that YouTube does not have.

use std::io::{self, Write};

use console::Style;

use super::Out;
use super::columns::{Shrink, fit, join, left, right};
use super::stats_table::Look;
use crate::model::region::Region;
use crate::model::{Document, Documents, Status};
use crate::support::human::group_digits;
use crate::support::sanitize::one_line;

/// The most regions that a line names.
const MAX_NAMED: usize = 8;

/// The first video, then the status, then the attempts.
const SHRINKS: [Shrink; 5] = [(5, 24), (4, 24), (5, 0), (3, 0), (4, 12)];

/// Writes a row for each category with its first video, then a line for each category that has no chart in some regions.
pub(super) fn write(documents: &Documents, look: Look, out: &mut Out<'_>) -> io::Result<()> {
    let columns =
        [left("Category"), right("Regions"), right("Videos"), right("Attempts"), left("Status"), left("First video")];
    let runs: Vec<(&Document, Documents)> =
        documents.iter().map(|document| &**document).zip(documents.each()).collect();
    let rows: Vec<Vec<String>> = runs.iter().map(|(document, run)| row(document, run)).collect();
    for (index, line) in fit(&columns, &rows, look.width, &SHRINKS).iter().enumerate() {
        let style = match index.checked_sub(1).map(|index| runs[index].1.status().regions) {
            None => Style::new().bold(),
            Some(Status::Ok) => Style::new(),
            Some(Status::Partial) => Style::new().yellow(),
            Some(Status::Failed) => Style::new().red(),
        };
        writeln!(out, "{}", look.style(style).apply_to(join(line)))?;
    }
    runs.iter().try_for_each(|(document, run)| write_absent(document, run, look, out))
}

fn row(document: &Document, run: &Documents) -> Vec<String> {
    let rows = &document.stats.regions;
    let attempts: u32 = rows.iter().map(|row| row.requests).sum();
    let first = document.by_best_rank().first().map(|video| one_line(&video.video.title, 200));
    vec![
        document.request.category_name(),
        format!("{}/{}", document.stats.regions_ok.len(), rows.len()),
        group_digits(document.stats.unique as u64),
        attempts.to_string(),
        one_line(&status_text(document, run), 200),
        first.unwrap_or_default(),
    ]
}

fn status_text(document: &Document, run: &Documents) -> String {
    let failed = || run.expected_charts().map(|(_, row)| row).filter(|row| row.status != Status::Ok);
    let Some(first) = failed().next() else {
        return if document.stats.regions_ok.is_empty() { "no chart".to_owned() } else { "ok".to_owned() };
    };
    let error = first.error.as_ref().map(|error| error.label()).unwrap_or_default();
    format!("{} failed: {error}", names(failed().map(|row| row.region)))
}

/// `no chart of Education in PL, SE`
fn write_absent(document: &Document, run: &Documents, look: Look, out: &mut Out<'_>) -> io::Result<()> {
    let absent = names(run.absent_charts().map(|chart| chart.region));
    if absent.is_empty() {
        return Ok(());
    }
    let line = format!("no chart of {} in {absent}", document.request.category_name());
    writeln!(out, "{}", look.style(Style::new().dim()).apply_to(one_line(&line, look.width)))
}

fn names(regions: impl Iterator<Item = Region>) -> String {
    let mut names: Vec<String> = regions.map(|region| region.to_string()).collect();
    if names.len() > MAX_NAMED {
        let more = format!("{} more", names.len() - MAX_NAMED);
        names.splice(MAX_NAMED.., [more]);
    }
    names.join(", ")
}
