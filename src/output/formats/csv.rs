//! CSV (RFC 4180) whose text is safe to open in a spreadsheet, and whose other values are exactly those of the JSON.

use std::io::{self, Write};

use super::super::Out;
use super::categorized::{categorized, category_column};
use super::entries::{entries, own_columns};
use super::{Layout, Sequence};
use crate::model::MergedVideo;
use crate::model::columns::Column;
use crate::model::video::{COLUMNS, DESCRIPTION, merged_columns};

/// Writes a heading and a row for each video.
///
/// # Errors
/// Any error of the writer or of the documents.
pub(super) fn write_videos(sequence: Sequence<'_>, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
    let columns = wanted(merged_columns(), layout);
    let names_categories = sequence.names_categories;
    let mut csv = begin(layout.csv_bom, out)?;
    csv.write_record(names_categories.then(|| category_column().name).into_iter().chain(names(&columns)))
        .map_err(io_error)?;
    for document in sequence.documents {
        let (document, category) = (document?, names_categories.then(category_column));
        for row in categorized(&document) {
            let cells = columns.iter().map(|column| cell(column, row.video));
            csv.write_record(category.iter().map(|column| cell(column, &row)).chain(cells)).map_err(io_error)?;
        }
    }
    csv.flush()
}

/// Writes a heading and a row for each entry of a chart.
///
/// # Errors
/// Any error of the writer or of the documents.
pub(super) fn write_entries(sequence: Sequence<'_>, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
    let video_columns = wanted(COLUMNS.iter(), layout);
    let mut csv = begin(layout.csv_bom, out)?;
    let own_names = own_columns().map(|column| column.name).into_iter();
    csv.write_record(own_names.chain(names(&video_columns))).map_err(io_error)?;
    for document in sequence.documents {
        let (document, own_columns) = (document?, own_columns());
        for entry in entries(&document) {
            let own_cells = own_columns.iter().map(|column| cell(column, &entry));
            let cells = video_columns.iter().map(|column| cell(column, entry.video));
            csv.write_record(own_cells.chain(cells)).map_err(io_error)?;
        }
    }
    csv.flush()
}

fn names<R>(columns: &[&'static Column<R>]) -> impl Iterator<Item = &'static str> {
    columns.iter().map(|column| column.name)
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
    let mut csv = begin(has_byte_order_mark, out)?;
    csv.write_record(heading).map_err(io_error)?;
    for row in rows {
        csv.write_record(row).map_err(io_error)?;
    }
    csv.flush()
}

fn begin<'a, 'b>(has_byte_order_mark: bool, out: &'a mut Out<'b>) -> io::Result<csv::Writer<&'a mut Out<'b>>> {
    if has_byte_order_mark {
        out.write_all(BYTE_ORDER_MARK)?;
    }
    Ok(csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out))
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
