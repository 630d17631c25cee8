//! The formats of the data: the name of each, and which renderer writes it.
//!
//! A format is a variant of [`Format`], an arm of [`render`] and a renderer beside this file. The fields of a video
//! come from [`model::video`](crate::model::video), those of a chart entry from [`entries`] too.

pub(super) mod categorized;
pub(super) mod csv;
pub(super) mod entries;
#[cfg(feature = "parquet")]
pub(super) mod lake;
#[cfg(feature = "parquet")]
mod parquet;
pub(super) mod prom;
#[cfg(feature = "parquet")]
mod regions;
pub(super) mod table;

use std::io::{self, Write};
use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;

use super::Out;
use crate::model::{Document, Documents};
use crate::support::human::count;
use categorized::categorized;
use entries::entries;
use prom::RunEnd;

/// The format of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The whole document
    Json,
    /// One row of JSON a line
    Ndjson,
    /// RFC 4180, safe to open in a spreadsheet
    Csv,
    /// For people: the merged chart, by best rank
    Table,
    /// Chart entries in columns, for DuckDB, Spark or Trino; with -o DIR/, files that are added to a folder
    #[cfg_attr(not(feature = "parquet"), value(hide = true))]
    Parquet,
    /// Metrics of the run, for Prometheus
    Prom,
}

impl Format {
    /// The format that a file's extension names, in lower case.
    pub fn from_extension(extension: &str) -> Option<Format> {
        match extension {
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            "parquet" => Some(Format::Parquet),
            "prom" => Some(Format::Prom),
            _ => None,
        }
    }

    /// Whether this build includes it.
    pub fn is_built(self) -> bool {
        self != Format::Parquet || cfg!(feature = "parquet")
    }

    /// Whether one output can hold several runs.
    pub fn holds_several(self) -> bool {
        self != Format::Json
    }

    /// Whether `--rows` applies to it.
    pub fn has_rows(self) -> bool {
        self.has_video_rows() || self == Format::Parquet
    }

    /// Whether its rows are chart entries.
    pub(super) fn has_entries(self, rows: RowKind) -> bool {
        self == Format::Parquet || (self.has_rows() && rows == RowKind::Entries)
    }

    /// Whether its rows may be merged videos. Parquet has no column for their ranks, a map.
    pub fn has_video_rows(self) -> bool {
        matches!(self, Format::Ndjson | Format::Csv)
    }
}

/// What a row of ndjson or csv is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum RowKind {
    /// A merged video
    #[default]
    Videos,
    /// A chart entry: the run, the chart, the rank, then the video's fields without regions and ranks
    Entries,
}

/// How a format is rendered.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    /// For ndjson and csv.
    pub(super) rows: RowKind,
    /// Whether csv has a column of descriptions.
    pub(super) description: bool,
    /// Whether csv begins with a byte order mark.
    pub(super) csv_bom: bool,
    /// For tables, in terminal columns; `usize::MAX` is a table in which nothing is truncated.
    pub(super) width: usize,
    /// Whether the titles of tables are terminal links.
    pub(super) links: bool,
}

/// Documents one after the other, of which only one needs to be in memory.
pub(super) struct Sequence<'a> {
    /// An error ends them.
    pub(super) documents: &'a mut dyn Iterator<Item = io::Result<Arc<Document>>>,
    /// Whether they are of several categories, so that each needs its name.
    pub(super) names_categories: bool,
    /// Whether they began at several times, so that a table needs the time of each.
    pub(super) names_times: bool,
}

/// Writes the data of a run in one format. Only metrics say how the run ended.
///
/// # Errors
/// Any error of the writer.
pub(super) fn render(
    format: Format,
    layout: Layout,
    documents: &Documents,
    end: Option<&RunEnd>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    if format == Format::Prom {
        return prom::write(documents, end, out);
    }
    let names_categories = documents.are_several();
    let mut documents = documents.iter().cloned().map(Ok);
    render_sequence(format, layout, Sequence { documents: &mut documents, names_categories, names_times: false }, out)
}

/// Writes documents in one format, each as it comes.
///
/// # Errors
/// Any error of the writer or of the documents.
pub(super) fn render_sequence(
    format: Format,
    layout: Layout,
    sequence: Sequence<'_>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    match (format, layout.rows) {
        // The configuration allows only one.
        (Format::Json, _) => each(sequence, |document| json(document, out)),
        (Format::Ndjson, RowKind::Videos) => video_lines(sequence, out),
        (Format::Ndjson, RowKind::Entries) => each(sequence, |document| lines(entries(document), out)),
        (Format::Csv, RowKind::Videos) => csv::write_videos(sequence, layout, out),
        (Format::Csv, RowKind::Entries) => csv::write_entries(sequence, layout, out),
        (Format::Table, _) => table::write(sequence, layout, out),
        #[cfg(feature = "parquet")]
        (Format::Parquet, _) => parquet::write_entries(sequence.documents, out),
        #[cfg(not(feature = "parquet"))]
        (Format::Parquet, _) => Err(io::ErrorKind::Unsupported.into()),
        // Metrics are those of one run.
        (Format::Prom, _) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What a format contains: `141 videos`.
pub(super) fn describe(format: Format, rows: RowKind, documents: &Documents) -> String {
    if format == Format::Prom {
        "metrics".to_owned()
    } else if format.has_entries(rows) {
        let videos = documents.iter().flat_map(|document| &document.videos);
        count(videos.map(|video| video.ranks.len()).sum(), "entry", "entries")
    } else {
        count(documents.video_count(), "video", "videos")
    }
}

/// Writes one line of JSON.
///
/// # Errors
/// Any error of the writer.
pub(super) fn json<T: Serialize>(value: &T, out: &mut Out<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

fn each(sequence: Sequence<'_>, mut write: impl FnMut(&Document) -> io::Result<()>) -> io::Result<()> {
    for document in sequence.documents {
        write(&*document?)?;
    }
    Ok(())
}

fn video_lines(sequence: Sequence<'_>, out: &mut Out<'_>) -> io::Result<()> {
    let names_categories = sequence.names_categories;
    each(sequence, |document| match names_categories {
        true => lines(categorized(document), out),
        false => lines(&document.videos, out),
    })
}

/// Writes one line of JSON for each row.
///
/// # Errors
/// Any error of the writer.
pub(super) fn lines<T: Serialize>(rows: impl IntoIterator<Item = T>, out: &mut Out<'_>) -> io::Result<()> {
    rows.into_iter().try_for_each(|row| json(&row, out))
}
