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

use clap::ValueEnum;
use serde::Serialize;

use super::Out;
use crate::model::Documents;
use crate::support::human::count;
use categorized::categorized_videos;
use entries::{FlatEntry, entries};
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

    /// Whether one output can hold several categories.
    pub fn holds_several(self) -> bool {
        self != Format::Json
    }

    /// Whether `--rows` applies to it.
    pub fn has_rows(self) -> bool {
        self.has_video_rows() || self == Format::Parquet
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

/// Writes the data in one format. Only metrics say how the run ended.
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
    match (format, layout.rows) {
        // The configuration allows only one.
        (Format::Json, _) => documents.iter().try_for_each(|document| json(&**document, out)),
        (Format::Ndjson, RowKind::Videos) if documents.are_several() => lines(categorized_videos(documents), out),
        (Format::Ndjson, RowKind::Videos) => lines(documents.iter().flat_map(|document| &document.videos), out),
        (Format::Ndjson, RowKind::Entries) => lines(all_entries(documents), out),
        (Format::Csv, RowKind::Videos) => csv::write_videos(documents, layout, out),
        (Format::Csv, RowKind::Entries) => csv::write_entries(documents, layout, out),
        (Format::Table, _) => table::write(documents, layout, out),
        (Format::Prom, _) => prom::write(documents, end, out),
        #[cfg(feature = "parquet")]
        (Format::Parquet, _) => parquet::write_entries(documents.as_slice(), out),
        #[cfg(not(feature = "parquet"))]
        (Format::Parquet, _) => Err(io::ErrorKind::Unsupported.into()),
    }
}

/// What a format contains: `141 videos`.
pub(super) fn describe(format: Format, rows: RowKind, documents: &Documents) -> String {
    let has_entries = format == Format::Parquet || (format.has_rows() && rows == RowKind::Entries);
    if format == Format::Prom {
        "metrics".to_owned()
    } else if has_entries {
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

/// The entries of all charts of all categories.
fn all_entries(documents: &Documents) -> impl Iterator<Item = FlatEntry<'_>> {
    documents.iter().flat_map(|document| entries(document))
}

/// Writes one line of JSON for each row.
///
/// # Errors
/// Any error of the writer.
pub(super) fn lines<T: Serialize>(rows: impl IntoIterator<Item = T>, out: &mut Out<'_>) -> io::Result<()> {
    rows.into_iter().try_for_each(|row| json(&row, out))
}
