//! The options of the subcommands. Those of `export`, which has most of a run's, are in `export_args`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum, ValueHint};

use super::run_args::{Categories, distinct_categories};
use super::suggestions;
use super::value_parsers::{Moment, demo_days, duration, max_results, moment, top};
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::output::ChangesFormat;
use crate::output::status::StatusFormat;

#[derive(Debug, Args)]
pub struct StoreArg {
    /// The history: a path, sqlite:PATH or postgres://… [default: TRENDFETCH_STORE]
    #[arg(long = "store", value_name = "WHERE", value_hint = ValueHint::FilePath)]
    stores: Vec<String>,
}

impl StoreArg {
    /// The history. It may be named twice, by an alias and by what is typed behind it.
    ///
    /// # Errors
    /// If two are named.
    pub fn get(&self) -> Result<Option<&str>, UsageError> {
        match self.stores.iter().any(|store| *store != self.stores[0]) {
            true => Err(UsageError("--store names two histories; name one".into())),
            false => Ok(self.stores.first().map(String::as_str)),
        }
    }
}

#[derive(Debug, Args)]
pub struct ChangesArgs {
    #[command(flatten)]
    pub store: StoreArg,
    /// Regions, as in --regions of a run [default: all in the history]
    #[arg(short, long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::region(), hide_possible_values = true)]
    pub regions: Vec<String>,
    /// The chart of one category, by number or English name, or of `all` [default: those fetched last]
    #[arg(long, value_name = "ID", value_parser = suggestions::category(), hide_possible_values = true)]
    pub category: Option<ChartCategory>,
    /// Compare the newest chart with the last one before WHEN: a time, a date (in UTC), or a duration back from now
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    pub since: Option<Moment>,
    /// Only moves that touch the first N places
    #[arg(long, value_name = "N", value_parser = top)]
    pub top: Option<u32>,
    /// List every move in the table, not only those that matter most
    #[arg(long)]
    pub all: bool,
    /// A table for people, data for programs, or a feed of what entered
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: ChangesFormat,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub store: StoreArg,
    /// Regions, as in --regions of a run [default: those requested within seven days]
    #[arg(short, long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::region(), hide_possible_values = true)]
    pub regions: Vec<String>,
    /// Charts of categories, by number or English name, or all, or every [default: all in the history]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::categories(), hide_possible_values = true)]
    pub category: Vec<Categories>,
    /// The age from which a chart is stale
    #[arg(long, value_name = "DUR", default_value = "26h", value_parser = duration)]
    pub max_age: Duration,
    /// The --min-interval of the runs, from which the next run is derived [default: the usual interval of a week]
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub min_interval: Option<Duration>,
    /// A table for people, or JSON
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: StatusFormat,
}

impl StatusArgs {
    /// The categories in the order given, or `None` for all.
    ///
    /// # Errors
    /// For an empty list.
    pub fn categories(&self) -> Result<Option<Vec<ChartCategory>>, UsageError> {
        (!self.category.is_empty()).then(|| distinct_categories(&self.category)).transpose()
    }
}

#[derive(Debug, Args)]
pub struct RegionsArgs {
    /// A table for people, or data for programs
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub format: RegionsFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum RegionsFormat {
    /// For people, with the named sets
    Table,
    /// A list of objects
    Json,
    Csv,
}

#[derive(Debug, Args)]
pub struct ManArgs {
    /// The command whose page is printed [default: that of the program]
    #[arg(value_parser = suggestions::command(), hide_possible_values = true)]
    pub command: Option<String>,
    /// Write all pages into DIR instead
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, conflicts_with = "command")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct LoadArgs {
    /// Documents, from -o trends.json or runs that could not be stored, in any order; - is standard input
    ///
    /// With the feature cloud also objects: s3://BUCKET/KEY, gs://BUCKET/KEY, az://CONTAINER/KEY.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub store: StoreArg,
}

#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("what").args(["keep", "log", "ahead"]).required(true).multiple(true)))]
pub struct PruneArgs {
    #[command(flatten)]
    pub store: StoreArg,
    /// Delete what was last fetched more than DUR ago
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub keep: Option<Duration>,
    /// Delete the log of runs that began more than DUR ago, if their charts are deleted
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub log: Option<Duration>,
    /// Delete runs that are dated in the future, because a clock was wrong
    #[arg(long)]
    pub ahead: bool,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The history: a path, sqlite:PATH or postgres://…; TRENDFETCH_STORE is not used
    #[arg(long, value_name = "WHERE", value_hint = ValueHint::FilePath)]
    pub store: String,
    /// How many days the runs go back, 1 to 29
    #[arg(long, value_name = "N", default_value = "7", value_parser = demo_days)]
    pub days: u32,
    /// Regions, as in --regions of a run [default: dailywatch, and CN, which YouTube does not offer]
    #[arg(short, long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::region(), hide_possible_values = true)]
    pub regions: Vec<String>,
    /// Videos per region, 1 to 200
    #[arg(short = 'n', long, value_name = "N", default_value = "50", value_parser = max_results)]
    pub max_results: u32,
    /// Charts of categories, as in --category of a run [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::categories(), hide_possible_values = true)]
    pub category: Vec<Categories>,
}

impl DemoArgs {
    /// The categories in the order given; the default is the chart of all.
    ///
    /// # Errors
    /// For an empty list.
    pub fn categories(&self) -> Result<Vec<ChartCategory>, UsageError> {
        distinct_categories(&self.category)
    }
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    pub store: StoreArg,
    /// A saved document instead of the history; - is standard input
    #[arg(long, value_name = "DOCUMENT", conflicts_with_all = ["stores", "category"])]
    pub from: Option<PathBuf>,
    /// Regions, as in --regions of a run [default: all in the history or document]
    #[arg(short, long, value_name = "LIST", value_delimiter = ',', value_parser = suggestions::region(), hide_possible_values = true)]
    pub regions: Vec<String>,
    /// The chart of one category, by number or English name, or of `all` [default: those fetched last]
    #[arg(long, value_name = "ID", value_parser = suggestions::category(), hide_possible_values = true)]
    pub category: Option<ChartCategory>,
    /// Write the page to FILE, whole or not at all; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Show thumbnails, which the reader's browser loads from YouTube's servers
    #[arg(long)]
    pub thumbnails: bool,
}
