//! Prints the result of `changes`.

mod atom;
mod heading;
mod rows;
mod summary;
mod table;

use std::io::{self, Write};

use clap::ValueEnum;
use console::{Style, Term};

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

/// What the table shows, and how.
#[derive(Debug, Clone, Copy)]
pub struct TableOptions {
    pub color: bool,
    /// Every move, not only those that matter most.
    pub all: bool,
    /// Only moves that touch the first places were selected.
    pub top: Option<u32>,
}

/// How many runs the trend of a video shows.
pub fn trend_length(format: ChangesFormat, all: bool) -> usize {
    match format {
        ChangesFormat::Table if !all => 0,
        ChangesFormat::Table if width_of(&Term::stdout()) < 100 => 8,
        ChangesFormat::Table => 16,
        _ => 0,
    }
}

/// Prints the changes to standard output.
///
/// # Errors
/// If writing fails, except on a closed pipe.
pub fn print(regions: &[RegionTrends], format: ChangesFormat, options: TableOptions) -> Result<(), OutputError> {
    let changes = || regions.iter().map(|trends| &trends.changes);
    let look = Look::new(options);
    print_to(&FileDescriptor::stdout(), |out| match format {
        ChangesFormat::Json => json(&Changes { schema_version: SCHEMA_VERSION, regions: changes().collect() }, out),
        ChangesFormat::Ndjson => rows::ndjson(changes(), out),
        ChangesFormat::Csv => rows::csv(changes(), out),
        ChangesFormat::Table if options.all => table::write(regions, look, out),
        ChangesFormat::Table => summary::write(regions, look, out),
        // Made from other data: see `print_feed`.
        ChangesFormat::Atom => Err(io::ErrorKind::Unsupported.into()),
    })
}

/// How text for people looks.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Nothing is truncated in a pipe.
    width: usize,
    color: bool,
    top: Option<u32>,
}

impl Look {
    /// More than the longest title.
    const WHOLE: usize = 10_000;

    fn new(options: TableOptions) -> Look {
        let stdout = Term::stdout();
        let width = if stdout.is_term() { width_of(&stdout) } else { usize::MAX };
        Look { width, color: options.color, top: options.top }
    }

    fn bold(self, text: &str) -> String {
        self.style(Style::new().bold(), text)
    }

    fn dim(self, text: &str) -> String {
        self.style(Style::new().dim(), text)
    }

    /// The name of a list of moves. The words say the same without colour.
    fn change(self, change: &str) -> String {
        let style = match change {
            "entered" => Style::new().cyan(),
            "left" => Style::new().dim(),
            "rose" => Style::new().green(),
            _ => Style::new().yellow(),
        };
        self.style(style, change)
    }

    fn style(self, style: Style, text: &str) -> String {
        style.force_styling(self.color).apply_to(text).to_string()
    }
}

/// Prints a feed to standard output.
///
/// # Errors
/// If writing fails, except on a closed pipe.
pub fn print_feed(feed: &Feed<'_>) -> Result<(), OutputError> {
    print_to(&FileDescriptor::stdout(), |out| out.write_all(&feed.to_xml()?))
}
