//! The part of the stats about several categories: a row for each, and the charts that YouTube does not have.

use std::io::{self, Write};

use console::Style;

use super::Out;
use super::columns::{Shrink, fit, join, left, right};
use super::stats_table::Look;
use crate::model::category::Category;
use crate::model::{Document, Documents, RegionStats, Status};
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
    let rows: Vec<Vec<String>> = documents.iter().map(|document| row(document)).collect();
    let statuses: Vec<Status> = documents.iter().map(|document| status(document)).collect();
    for (index, line) in fit(&columns, &rows, look.width, &SHRINKS).iter().enumerate() {
        let style = match index.checked_sub(1).map(|index| statuses[index]) {
            None => Style::new().bold(),
            Some(Status::Ok) => Style::new(),
            Some(Status::Partial) => Style::new().yellow(),
            Some(Status::Failed) => Style::new().red(),
        };
        writeln!(out, "{}", look.style(style).apply_to(join(line)))?;
    }
    write_absent(documents, look, out)
}

fn row(document: &Document) -> Vec<String> {
    let rows = &document.stats.regions;
    let attempts: u32 = rows.iter().map(|row| row.requests).sum();
    let first = document.by_best_rank().first().map(|video| one_line(&video.video.title, 200));
    vec![
        document.request.category_name(),
        format!("{}/{}", document.stats.regions_ok.len(), rows.len()),
        group_digits(document.stats.unique as u64),
        attempts.to_string(),
        one_line(&status_text(document), 200),
        first.unwrap_or_default(),
    ]
}

/// The charts of the category that are incomplete, without those that YouTube does not have.
fn failed(document: &Document) -> Vec<&RegionStats> {
    let may_be_absent = document.request.category_id.is_some();
    let rows = document.stats.regions.iter();
    rows.filter(|row| row.status != Status::Ok && !(may_be_absent && row.has_no_chart())).collect()
}

fn status(document: &Document) -> Status {
    let failed = failed(document);
    match failed.iter().all(|row| row.status == Status::Failed) {
        _ if failed.is_empty() => Status::Ok,
        true if document.stats.regions_ok.is_empty() => Status::Failed,
        _ => Status::Partial,
    }
}

fn status_text(document: &Document) -> String {
    let failed = failed(document);
    let Some(first) = failed.first() else {
        return if document.stats.regions_ok.is_empty() { "no chart".to_owned() } else { "ok".to_owned() };
    };
    let error = first.error.as_ref().map(|error| error.label()).unwrap_or_default();
    format!("{} failed: {error}", names(&failed))
}

fn names(rows: &[&RegionStats]) -> String {
    let mut names: Vec<String> = rows.iter().take(MAX_NAMED).map(|row| row.region.to_string()).collect();
    if rows.len() > MAX_NAMED {
        names.push(format!("{} more", rows.len() - MAX_NAMED));
    }
    names.join(", ")
}

/// `no chart of Education in PL, SE`
fn write_absent(documents: &Documents, look: Look, out: &mut Out<'_>) -> io::Result<()> {
    for document in documents.iter() {
        let Some(category) = document.request.category_id.map(Category::new) else { continue };
        let absent: Vec<&RegionStats> = document.stats.regions.iter().filter(|row| row.has_no_chart()).collect();
        if !absent.is_empty() {
            let line = one_line(&format!("no chart of {category} in {}", names(&absent)), look.width);
            writeln!(out, "{}", look.style(Style::new().dim()).apply_to(line))?;
        }
    }
    Ok(())
}
