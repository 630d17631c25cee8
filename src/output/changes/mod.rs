//! Prints the result of `changes`.

mod atom;
mod rows;
mod table;

use std::io::{self, Write};

use clap::ValueEnum;
use console::Term;

use super::columns::width_of;
use super::formats::json;
use super::{FileDescriptor, OutputError, print_to};
use crate::history::changes::{Changes, RegionTrends, SCHEMA_VERSION};

pub use atom::Feed;

/// The format of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ChangesFormat {
    /// For people
    Table,
    /// One object, with a list of regions
    Json,
    /// A line of JSON for each move
    Ndjson,
    /// A row for each move
    Csv,
    /// A feed of what entered (RFC 4287)
    Atom,
}

/// How many runs the trend of a video shows.
pub fn trend_length(format: ChangesFormat) -> usize {
    match format {
        ChangesFormat::Table if width_of(&Term::stdout()) < 100 => 8,
        ChangesFormat::Table => 16,
        _ => 0,
    }
}

/// Prints the changes to standard output.
///
/// # Errors
/// If writing fails, except on a closed pipe.
pub fn print(regions: &[RegionTrends], format: ChangesFormat, color: bool) -> Result<(), OutputError> {
    let changes = || regions.iter().map(|trends| &trends.changes);
    print_to(&FileDescriptor::stdout(), |out| match format {
        ChangesFormat::Json => json(&Changes { schema_version: SCHEMA_VERSION, regions: changes().collect() }, out),
        ChangesFormat::Ndjson => rows::ndjson(changes(), out),
        ChangesFormat::Csv => rows::csv(changes(), out),
        ChangesFormat::Table => table::write(regions, width_of(&Term::stdout()), color, out),
        // Made from other data: see `print_feed`.
        ChangesFormat::Atom => Err(io::ErrorKind::Unsupported.into()),
    })
}

/// Prints a feed to standard output.
///
/// # Errors
/// If writing fails, except on a closed pipe.
pub fn print_feed(feed: &Feed<'_>) -> Result<(), OutputError> {
    print_to(&FileDescriptor::stdout(), |out| out.write_all(&feed.to_xml()?))
}
