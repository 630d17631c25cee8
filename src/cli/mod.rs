//! The command line as clap parses it. `config` combines it with the environment and validates both.

mod command_first;
mod export_args;
mod mistakes;
mod run_args;
mod suggestions;
mod terminal_args;
mod value_parsers;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum, ValueHint};

use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::output::logging::{LineStyle, LogFormat};
use crate::output::status::StatusFormat;
use crate::output::{ChangesFormat, Shape, exit_status};

use command_first::command_first;
use run_args::distinct_categories;
use value_parsers::{demo_days, duration, max_results, moment, top};

pub use export_args::ExportArgs;
pub use run_args::{Categories, RunArgs};
pub use terminal_args::{TerminalArgs, When};
pub use value_parsers::Moment;

const STYLES: Styles =
    Styles::styled().header(AnsiColor::Green.on_default().bold()).literal(AnsiColor::Cyan.on_default());

const USAGE: &str = "trendfetch [OPTIONS]\n       trendfetch <COMMAND> [OPTIONS]";

/// Fetch YouTube's most-popular charts of many regions at once, merged
///
/// One run: fetch -> normalize -> deduplicate -> store and write -> stats.
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, max_term_width = 100, allow_negative_numbers = true, override_usage = USAGE, after_long_help = after_help())]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub run: RunArgs,
    #[command(flatten)]
    pub terminal: TerminalArgs,
}

/// The format of log lines, which the errors of a malformed command line have too.
pub fn log_format(arguments: &[OsString]) -> LogFormat {
    let mut pairs = arguments.windows(2);
    let is_json = arguments.iter().any(|argument| argument == "--log-format=json")
        || pairs.any(|pair| pair[0] == "--log-format" && pair[1] == "json");
    if is_json { LogFormat::Json } else { LogFormat::Text }
}

impl Cli {
    /// Parses the command line. `--help` and `--version` end the process here, and on a terminal most errors do.
    ///
    /// # Errors
    /// For an option of a run before the name of a subcommand that does not have it, and for an unknown word for which clap
    /// has no suggestion: usually the rest of a list that contains a space.
    pub fn read(arguments: Vec<OsString>, style: LineStyle) -> Result<Cli, UsageError> {
        let program = Cli::command();
        let arguments = command_first(arguments, &program)?;
        Cli::try_parse_from(&arguments).or_else(|error| match mistakes::explain(&error, &arguments, &program) {
            Some(mistake) => Err(mistake),
            // Help is not an error, and only a terminal has room for the usage.
            None if !error.use_stderr() || style == LineStyle::Terminal => error.exit(),
            None => Err(mistakes::in_one_line(&error, &arguments, &program)),
        })
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show what entered, left, rose and fell in each chart between its last two fetches
    Changes(ChangesArgs),
    /// Write the charts of a period, or of one run, out of the history as data
    ///
    /// Ranks, counts and outcomes are those of each run; titles and all else about a video are as last seen. Rows come run
    /// by run, the oldest first, with the same columns as those of a run.
    ///
    /// Exit status: 0 if everything was written, 1 if nothing matches or something cannot be used, 2 if the command line
    /// is malformed. If nothing matches, nothing is written, and old files stay.
    Export(ExportArgs),
    /// Say whether the charts of the history are fresh, for a monitoring system
    ///
    /// A row for each source, category and region: the age of its newest complete chart, the failures since, and when the
    /// next run should begin.
    ///
    /// Exit status: 0 if all are fresh, 3 if one is older than --max-age or missing, 1 if there is no complete chart at
    /// all or the history cannot be used, 2 if the command line is malformed. Charts that YouTube does not have do not
    /// count.
    Status(StatusArgs),
    /// Render a history or a document as one HTML page, which opens offline in any browser
    #[cfg_attr(not(feature = "report"), command(hide = true))]
    Report(ReportArgs),
    /// Load saved documents into the history
    ///
    /// A run that is already there changes nothing, and an older one never overwrites newer facts.
    Load(LoadArgs),
    /// Delete old data from the history, and free its space
    Prune(PruneArgs),
    /// Fill a history with a week of invented runs, to try the other commands without a key
    ///
    /// The runs are seven hours apart and end now. In some of them one region fails. Called again later, it adds the
    /// runs since then. A history that holds anything else is refused.
    Demo(DemoArgs),
    /// Print the table of regions: code, name, language, search configuration
    Regions(RegionsArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell that loads the script
        shell: Shell,
    },
    /// Print the manual page of the program or of a command
    Man(ManArgs),
    /// Print the JSON Schema of the document or of another shape of the data
    Schema {
        /// What the schema describes
        #[arg(default_value = "document")]
        shape: Shape,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
}

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
    /// For an item that is malformed.
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
    /// As [`RunArgs::categories`].
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

/// Environment variables and their meaning. `.env` may set the first three.
pub const ENVIRONMENT: &[(&str, &str)] = &[
    ("YOUTUBE_API_KEY", "the API key"),
    ("TRENDFETCH_REGIONS", "replaces the default of --regions"),
    ("TRENDFETCH_STORE", "replaces the default of --store"),
    ("TRENDFETCH_BASE_URL", "replaces the default of --base-url; never from .env"),
    ("HTTPS_PROXY", "a proxy, otherwise ALL_PROXY; NO_PROXY lists exceptions"),
    ("SSL_CERT_FILE", "certificates to trust instead of the system's (PEM)"),
    ("RUST_LOG", "log lines by target and level; overrides -q and -v"),
];

fn after_help() -> String {
    let table = |rows: &[(&str, &str)], width: usize| -> String {
        rows.iter().map(|(term, meaning)| format!("  {term:<width$} {meaning}\n")).collect()
    };
    format!(
        "A duration is a positive number and a unit: 500ms, 10s, 5m, 7h, 30d.\n\n\
         Environment (or .env in the working directory, for the first three):\n{}\n\
         Exit status:\n{}{}\n",
        table(ENVIRONMENT, 20),
        table(exit_status::TABLE, 6),
        exit_status::PRECEDENCE,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::region_list::SETS;

    #[test]
    fn the_definition_is_valid() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_lists_the_sets() {
        let help = Cli::command().render_long_help().to_string();
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, codes) in SETS {
            assert!(words.contains(&format!("{name} is {}", codes.join(" "))), "{name}");
        }
    }
}
