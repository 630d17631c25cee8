//! Prints the result of `status`, as a table or as JSON.

use std::io::{self, Write};

use clap::ValueEnum;
use console::Term;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::columns::{fit, join, left, right, width_of};
use super::{FileDescriptor, Out, OutputError, print_to};
use crate::history::freshness::ChartStatus;
use crate::model::category::Category;
use crate::support::human::format_span;
use crate::support::sanitize::one_line;

/// The format of the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

/// Prints the status of charts to standard output.
///
/// # Errors
/// If writing fails, except on a closed pipe.
pub fn print(charts: &[ChartStatus], format: StatusFormat, now: Timestamp) -> Result<(), OutputError> {
    print_to(&FileDescriptor::stdout(), |out| match format {
        StatusFormat::Json => {
            let charts: Vec<Value> = charts.iter().map(|chart| object(chart, now)).collect();
            writeln!(out, "{}", json!({ "schema_version": 1, "checked_at": now, "charts": charts }))
        }
        StatusFormat::Table => table(charts, now, out),
    })
}

fn object(chart: &ChartStatus, now: Timestamp) -> Value {
    json!({
        "source": chart.series.source,
        "category_id": chart.series.category_id,
        "region": chart.region,
        "state": chart.state.as_str(),
        "fetched_at": chart.fetched_at,
        "age_seconds": chart.fetched_at.map(|time| now.duration_since(time).as_secs().max(0)),
        "failures": chart.failures,
        "error": chart.error.as_ref().map(|(kind, message)| json!({ "kind": kind, "message": message })),
        "due_at": chart.due_at,
    })
}

fn table(charts: &[ChartStatus], now: Timestamp, out: &mut Out<'_>) -> io::Result<()> {
    let age = |time: Timestamp| format_span(now.duration_since(time).as_secs());
    let row = |chart: &ChartStatus| {
        let category = chart.series.category_id.map_or_else(|| "all".to_owned(), |id| Category::new(id).to_string());
        let due = chart.due_at.map(|time| time.strftime("%F %H:%M UTC").to_string());
        let error = chart.error.as_ref().map(|(kind, message)| format!("{kind}: {}", one_line(message, 200)));
        vec![
            one_line(&chart.series.source, 60),
            category,
            chart.region.to_string(),
            chart.state.as_str().to_owned(),
            chart.fetched_at.map_or_else(|| "-".to_owned(), age),
            due.unwrap_or_else(|| "-".to_owned()),
            chart.failures.to_string(),
            error.unwrap_or_default(),
        ]
    };
    let columns = [
        left("Source"),
        left("Category"),
        left("Region"),
        left("State"),
        right("Age"),
        left("Next run"),
        right("Failures"),
        left("Last error"),
    ];
    let rows: Vec<Vec<String>> = charts.iter().map(row).collect();
    // In a file or a pipe, nothing is truncated.
    let terminal = Term::stdout();
    let width = if terminal.is_term() { width_of(&terminal) } else { usize::MAX };
    let lines = fit(&columns, &rows, width, &[(7, 12), (0, 8), (7, 0), (5, 0)]);
    lines.iter().try_for_each(|line| writeln!(out, "{}", join(line)))
}
