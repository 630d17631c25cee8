//! What the data looks like, as a user names it.

use std::path::Path;

use clap::ValueEnum;

/// How the data is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The whole document
    Json,
    /// One row of JSON a line
    Ndjson,
    /// RFC 4180, safe to open in a spreadsheet
    Csv,
    /// For people
    Table,
    /// Columns, for DuckDB, Spark or Trino: a file, or with -o DIR/ a file for each region
    #[cfg_attr(not(feature = "parquet"), value(hide = true))]
    Parquet,
}

impl Format {
    /// What the extension of a file name says.
    pub fn of_extension(path: &Path) -> Option<Format> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Format::Json),
            "ndjson" | "jsonl" => Some(Format::Ndjson),
            "csv" => Some(Format::Csv),
            "parquet" => Some(Format::Parquet),
            _ => None,
        }
    }

    /// Whether the program was built with it.
    pub fn is_built(self) -> bool {
        self != Format::Parquet || cfg!(feature = "parquet")
    }

    /// Whether `--rows` has a meaning for it.
    pub fn has_rows(self) -> bool {
        matches!(self, Format::Ndjson | Format::Csv)
    }
}

/// What a row of ndjson or csv is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Rows {
    /// A merged video
    #[default]
    Videos,
    /// A place in a chart: run_id, fetched_at, source, region, rank, then the video's fields
    Entries,
}
