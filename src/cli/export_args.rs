//! The options of `export`.

use std::path::PathBuf;

use clap::Args;
use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use uuid::Uuid;

use super::run_args::{Categories, distinct_categories};
use super::value_parsers::{Moment, moment, run_id};
use super::{StoreArg, suggestions};
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::output::{Format, RowKind};

#[derive(Debug, Args)]
pub struct ExportArgs {
    #[command(flatten)]
    pub store: StoreArg,
    /// Regions, as in --regions of a run [default: all in the history]
    #[arg(short, long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::region(), hide_possible_values = true)]
    pub regions: Vec<String>,
    /// Charts of categories, by number or English name, or all, or every [default: those of all runs]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::categories(), hide_possible_values = true)]
    pub category: Vec<Categories>,
    /// Only runs that began at TIME or later: 2026-11-22, 2026-11-22T21:00:00Z, or 7d for the last seven days
    ///
    /// A date begins at midnight UTC.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub since: Option<Moment>,
    /// Only runs that began before TIME
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub until: Option<Moment>,
    /// Only the run with this run_id; with -f json, its whole document
    #[arg(long, value_name = "ID", value_parser = run_id, conflicts_with_all = ["since", "until", "category"])]
    pub run: Option<Uuid>,
    /// Write the data, on standard output unless -o is given; json requires --run
    #[arg(short, long, value_name = "FORMAT", value_parser = row_format())]
    pub format: Option<Format>,
    /// What a row of ndjson or csv is [default: videos]
    #[arg(long, value_name = "ROWS")]
    pub rows: Option<RowKind>,
    /// Include descriptions, as last fetched with --description
    #[arg(long)]
    pub description: bool,
    /// Begin csv with a UTF-8 byte order mark, for Excel
    #[arg(long)]
    pub csv_bom: bool,
    /// Write the data to FILE, whole or not at all; repeatable; - is standard output
    ///
    /// As -o of a run: the format is that of the extension, otherwise --format; .gz compresses; {category} stands for the
    /// name of each category; a folder gets the Parquet files of each run that it does not have yet.
    #[arg(short, long, value_name = "FILE")]
    pub output: Vec<PathBuf>,
}

impl ExportArgs {
    /// The categories in the order given, or `None` for those of all runs.
    ///
    /// # Errors
    /// For an item that is malformed.
    pub fn categories(&self) -> Result<Option<Vec<ChartCategory>>, UsageError> {
        (!self.category.is_empty()).then(|| distinct_categories(&self.category)).transpose()
    }
}

/// All formats but that of metrics, which `config` explains.
fn row_format() -> impl TypedValueParser<Value = Format> {
    let formats = Format::value_variants().iter().filter_map(|format| {
        let value = format.to_possible_value()?;
        Some(if *format == Format::Prom { value.hide(true) } else { value })
    });
    PossibleValuesParser::new(formats).try_map(|name| Format::from_str(&name, false))
}
