//! Which renderer makes which format.

use std::io::{self, Write};

use console::Term;
use serde::Serialize;

use super::entries::entries;
#[cfg(feature = "parquet")]
use super::parquet;
use super::{Format, Out, Outputs, Rows, csv, table};
use crate::model::Document;

/// The width of a table that goes into a file or a pipe, so that its content depends on nothing.
pub(super) const WIDTH: usize = 80;

/// Writes the data in one format.
///
/// # Errors
/// What the writer gives.
pub(super) fn render(
    format: Format,
    outputs: &Outputs,
    document: &Document,
    width: usize,
    out: &mut Out<'_>,
) -> io::Result<()> {
    match (format, outputs.rows) {
        (Format::Json, _) => json(document, out),
        (Format::Ndjson, Rows::Videos) => lines(&document.videos, out),
        (Format::Ndjson, Rows::Entries) => lines(entries(document), out),
        (Format::Csv, rows) => csv::write(document, rows, outputs.description, out),
        (Format::Table, _) => table::write(document, width, out),
        #[cfg(feature = "parquet")]
        (Format::Parquet, _) => parquet::write(&entries(document), out),
        #[cfg(not(feature = "parquet"))]
        (Format::Parquet, _) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// Writes one line of JSON.
///
/// # Errors
/// What the writer gives.
pub(super) fn json<T: Serialize>(document: &T, out: &mut Out<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    out.write_all(b"\n")
}

fn lines<T: Serialize>(rows: impl IntoIterator<Item = T>, out: &mut Out<'_>) -> io::Result<()> {
    for row in rows {
        json(&row, out)?;
    }
    Ok(())
}

/// The width of what is printed there.
pub(super) fn width_of(term: &Term) -> usize {
    if term.is_term() { usize::from(term.size().1).clamp(40, 160) } else { WIDTH }
}
