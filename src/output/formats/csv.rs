//! CSV (RFC 4180) whose text is safe to open in a spreadsheet, and whose other values are exactly those of the JSON.

use std::io::{self, Write};

use super::super::Out;
use super::Layout;
use super::categorized::{categorized_videos, category_column};
use super::entries::{entries, own_columns};
use crate::model::columns::Column;
use crate::model::video::{COLUMNS, DESCRIPTION, merged_columns};
use crate::model::{Documents, MergedVideo};

/// Writes a heading and a row for each video.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_videos(documents: &Documents, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
    let columns = wanted(merged_columns(), layout);
    let category = documents.are_several().then(category_column);
    let names = category.iter().map(|column| column.name).chain(columns.iter().map(|column| column.name));
    let rows = categorized_videos(documents).map(|row| {
        let cells = columns.iter().map(|column| cell(column, row.video));
        category.iter().map(|column| cell(column, &row)).chain(cells).collect()
    });
    write(names.collect(), rows, layout.csv_bom, out)
}

/// Writes a heading and a row for each entry of a chart.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_entries(documents: &Documents, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
    let (run_columns, video_columns) = (own_columns(), wanted(COLUMNS.iter(), layout));
    let names = run_columns.iter().map(|column| column.name).chain(video_columns.iter().map(|column| column.name));
    let rows = documents.iter().flat_map(|document| entries(document)).map(|entry| {
        let cells = video_columns.iter().map(|column| cell(column, entry.video));
        own_columns().iter().map(|column| cell(column, &entry)).chain(cells).collect()
    });
    write(names.collect(), rows, layout.csv_bom, out)
}

fn wanted(
    columns: impl Iterator<Item = &'static Column<MergedVideo>>,
    layout: Layout,
) -> Vec<&'static Column<MergedVideo>> {
    columns.filter(|column| layout.description || column.name != DESCRIPTION).collect()
}

/// Writes a heading and these rows.
///
/// # Errors
/// Any error of the writer.
pub(in crate::output) fn write(
    heading: Vec<&str>,
    rows: impl Iterator<Item = Vec<String>>,
    has_byte_order_mark: bool,
    out: &mut Out<'_>,
) -> io::Result<()> {
    if has_byte_order_mark {
        out.write_all(BYTE_ORDER_MARK)?;
    }
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    csv.write_record(heading).map_err(io_error)?;
    for row in rows {
        csv.write_record(row).map_err(io_error)?;
    }
    csv.flush()
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The writer's error. The crate's own conversion would hide its kind, a closed pipe for instance.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

/// The value of a column. Only free text is changed. In an id, even one that begins with `-`, a change would break joins with other data.
pub(in crate::output) fn cell<R>(column: &Column<R>, row: &R) -> String {
    let cell = column.cell(row);
    if column.is_free_text() { harmless(cell) } else { cell }
}

/// Control characters other than line breaks become U+FFFD, and a cell that a spreadsheet would take for a formula gets an
/// apostrophe in front (OWASP, "CSV Injection"; East Asian editions take the full-width signs too).
fn harmless(cell: String) -> String {
    let is_control = |character: char| character.is_control() && !matches!(character, '\n' | '\r');
    let cell = if cell.contains(is_control) { cell.replace(is_control, "\u{fffd}") } else { cell };
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\n', '\r', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell }
}
