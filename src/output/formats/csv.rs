//! CSV (RFC 4180) that is safe to open in a spreadsheet.

use std::io;

use super::super::Out;
use super::entries::{entries, own_columns};
use crate::model::Document;
use crate::model::MergedVideo;
use crate::model::columns::Column;
use crate::model::video::{COLUMNS, DESCRIPTION, merged_columns};

/// Writes a heading and a row for each video.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_videos(document: &Document, with_description: bool, out: &mut Out<'_>) -> io::Result<()> {
    let columns = wanted(merged_columns(), with_description);
    let heading = columns.iter().map(|column| column.name.to_owned());
    let rows = document.videos.iter().map(|video| columns.iter().map(|column| column.cell(video)).collect());
    write(heading.collect(), rows, out)
}

/// Writes a heading and a row for each entry of a chart.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_entries(document: &Document, with_description: bool, out: &mut Out<'_>) -> io::Result<()> {
    let (run_columns, video_columns) = (own_columns(), wanted(COLUMNS.iter(), with_description));
    let names = run_columns.iter().map(|column| column.name).chain(video_columns.iter().map(|column| column.name));
    let rows = entries(document).into_iter().map(|entry| {
        let cells = video_columns.iter().map(|column| column.cell(entry.video));
        own_columns().iter().map(|column| column.cell(&entry)).chain(cells).collect()
    });
    write(names.map(str::to_owned).collect(), rows, out)
}

fn wanted(
    columns: impl Iterator<Item = &'static Column<MergedVideo>>,
    with_description: bool,
) -> Vec<&'static Column<MergedVideo>> {
    columns.filter(|column| with_description || column.name != DESCRIPTION).collect()
}

fn write(heading: Vec<String>, rows: impl Iterator<Item = Vec<String>>, out: &mut Out<'_>) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(heading).map_err(io_error)?;
    for row in rows {
        csv.write_record(row.into_iter().map(harmless)).map_err(io_error)?;
    }
    csv.flush()
}

/// The writer's error. The crate's own conversion would hide its kind, a closed pipe for instance.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// Control characters other than line breaks become U+FFFD, and a cell that a spreadsheet would take for a formula gets an
/// apostrophe in front (OWASP, "CSV Injection"; East Asian editions take the full-width signs too).
fn harmless(cell: String) -> String {
    let is_control = |character: char| character.is_control() && !matches!(character, '\n' | '\r');
    let cell = if cell.contains(is_control) { cell.replace(is_control, "\u{fffd}") } else { cell };
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\n', '\r', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell }
}
