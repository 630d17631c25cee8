//! What was typed. No I/O, no environment, no meaning: `config` has those.

mod value_parsers;

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, ArgGroup, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::demo;
use crate::model::category::{Category, ChartCategory};
use crate::model::error::UsageError;
use crate::output::exit_status;
use crate::output::{ChangesFormat, Format, Rows};
use crate::support::sanitize::shell_quote;

use value_parsers::{category, chart_category, concurrency, duration, max_results, max_units, retries};

const STYLES: Styles =
    Styles::styled().header(AnsiColor::Green.on_default().bold()).literal(AnsiColor::Cyan.on_default());

/// Fetch YouTube's most-popular charts of many regions at once, merged
///
/// One run: fetch -> normalize -> deduplicate -> store and write -> stats.
#[derive(Debug, Parser)]
#[command(version, styles = STYLES, max_term_width = 100, allow_negative_numbers = true, args_conflicts_with_subcommands = true, after_long_help = after_help())]
pub struct Cli {
    /// Something else than a run.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// A run.
    #[command(flatten)]
    pub run: RunArgs,
}

impl Cli {
    /// Reads the command line. Help, the version, and what clap explains well end the process here.
    ///
    /// # Errors
    /// For a word that stands alone: clap would take it for a command, where a list was torn apart by a blank.
    pub fn read() -> Result<Cli, UsageError> {
        Cli::try_parse().or_else(|error| match error.get(ContextKind::InvalidSubcommand) {
            Some(ContextValue::String(word))
                if error.get(ContextKind::SuggestedSubcommand).is_none()
                    && Cli::command().find_subcommand(word).is_none() =>
            {
                Err(UsageError(format!(
                    "{} is no command; a list is joined by commas (--regions US,GB,PL), and a mode by = (--demo=calm); see --help",
                    shell_quote(word)
                )))
            }
            _ => error.exit(),
        })
    }
}

/// Something else than a run.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What entered, left, rose and fell in each chart, between its last two fetches
    Changes {
        /// The history
        #[command(flatten)]
        store: StoreArg,
        /// Regions, as in --regions of a run [default: all that the history has]
        #[arg(short, long, value_name = "LIST")]
        regions: Vec<String>,
        /// The chart of a category, by number or English name, or of all of them [default: those fetched last]
        #[arg(long, value_name = "ID", value_parser = chart_category)]
        category: Option<ChartCategory>,
        /// A table for people, or JSON
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        format: ChangesFormat,
    },
    /// Make one page of HTML of a history or a document, which opens offline in any browser
    #[cfg_attr(not(feature = "report"), command(hide = true))]
    Report(ReportArgs),
    /// Bring a saved document into the history
    ///
    /// A run that is already there changes nothing, and an older one never overwrites newer facts.
    Load {
        /// The document, as -o trends.json or a run that could not be stored wrote it; - is standard input
        file: PathBuf,
        /// The history
        #[command(flatten)]
        store: StoreArg,
    },
    /// Delete from the history what was last fetched long ago, and give the room back
    Prune(PruneArgs),
    /// Print the table of regions: code, name, language, search configuration
    Regions,
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
    /// Print the man page
    Man,
    /// Print the JSON Schema of the document
    Schema,
}

/// Where the history is.
#[derive(Debug, Args)]
pub struct StoreArg {
    /// The history: a path, sqlite:PATH or postgres://… [default: TRENDFETCH_STORE]
    #[arg(long, value_name = "WHERE")]
    pub store: Option<String>,
}

/// The options of `prune`.
#[derive(Debug, Args)]
#[group(skip)]
#[command(group(ArgGroup::new("what").args(["keep", "log", "ahead"]).required(true).multiple(true)))]
pub struct PruneArgs {
    /// The history.
    #[command(flatten)]
    pub store: StoreArg,
    /// Delete what was last fetched more than DUR ago
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub keep: Option<Duration>,
    /// Delete the log of runs that began more than DUR ago, where their charts are deleted
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub log: Option<Duration>,
    /// Delete the runs that are dated later than now, by a clock that was wrong
    #[arg(long)]
    pub ahead: bool,
}

/// The options of `report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The history.
    #[command(flatten)]
    pub store: StoreArg,
    /// A saved document in place of the history; - is standard input
    #[arg(long, value_name = "DOCUMENT", conflicts_with_all = ["store", "category"])]
    pub from: Option<PathBuf>,
    /// Regions, as in --regions of a run [default: all that there are]
    #[arg(short, long, value_name = "LIST")]
    pub regions: Vec<String>,
    /// The chart of a category, by number or English name, or of all of them [default: those fetched last]
    #[arg(long, value_name = "ID", value_parser = chart_category)]
    pub category: Option<ChartCategory>,
    /// Write the page to FILE, whole or not at all; - is standard output
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Show pictures, which the reader's browser gets from YouTube's servers
    #[arg(long)]
    pub thumbnails: bool,
}

/// The options of a run.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Regions by ISO 3166-1 code, or a set: dailywatch, viralvidvault, all [default: dailywatch]
    ///
    /// Separated by commas, repeatable, any case; a repeat keeps its first place. dailywatch is
    /// US GB DE FR IN BR AU CA, viralvidvault is US GB PL NL SE NO AT. TRENDFETCH_REGIONS in the
    /// environment replaces the default.
    #[arg(short, long, value_name = "LIST", help_heading = FETCH)]
    pub regions: Vec<String>,

    /// Videos per region, 1 to 200, in pages of 50
    #[arg(short = 'n', long, value_name = "N", default_value = "50", value_parser = max_results, help_heading = FETCH)]
    pub max_results: u32,

    /// One category only, by number or English name (Comedy is 23) [default: all]
    #[arg(long, value_name = "ID", value_parser = category, help_heading = FETCH)]
    pub category: Option<Category>,

    /// Ask for descriptions too
    #[arg(long, hide_short_help = true, help_heading = FETCH)]
    pub description: bool,

    /// Most requests in flight at once; 0 is no limit
    ///
    /// A permit covers one attempt and is never held while waiting to retry.
    #[arg(short, long, value_name = "N", default_value = "3", value_parser = concurrency, help_heading = PACE)]
    pub concurrency: usize,

    /// Time for one attempt, from connect to last byte
    #[arg(long, value_name = "DUR", default_value = "10s", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub timeout: Duration,

    /// Further attempts of one request after a transient failure
    #[arg(long, value_name = "N", default_value = "4", value_parser = retries, hide_short_help = true, help_heading = PACE)]
    pub retries: u32,

    /// First backoff; doubles, full jitter, at most 30s
    #[arg(long, value_name = "DUR", default_value = "500ms", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub backoff: Duration,

    /// Longest wait that a server may impose
    #[arg(long, value_name = "DUR", default_value = "60s", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub max_wait: Duration,

    /// Time for the whole run, writing included; what is unfinished by then fails, what arrived is kept [default: none]
    #[arg(long, value_name = "DUR", value_parser = duration, hide_short_help = true, help_heading = PACE)]
    pub deadline: Option<Duration>,

    /// Most quota units (attempts) that this run may spend [default: none]
    #[arg(long, value_name = "N", value_parser = max_units, hide_short_help = true, help_heading = PACE)]
    pub max_units: Option<u32>,

    /// Say what would be asked and what it costs; send nothing; needs no key
    #[arg(long, help_heading = FETCH)]
    pub dry_run: bool,

    /// Write the data, on standard output unless -o is given [default: stats only]
    #[arg(short, long, value_name = "FORMAT", help_heading = OUTPUT)]
    pub format: Option<Format>,

    /// Same as --format json
    #[arg(long, conflicts_with = "format", help_heading = OUTPUT)]
    pub json: bool,

    /// What a row of ndjson or csv is
    #[arg(long, value_name = "ROWS", hide_short_help = true, help_heading = OUTPUT)]
    pub rows: Option<Rows>,

    /// Write the data to FILE, whole or not at all; repeatable; - is standard output
    ///
    /// The extension says the format (.json, .ndjson, .jsonl, .csv), else --format, else json. When
    /// no video arrived, the old file stays. /dev/stdout is standard output too, and /dev/fd/N an open descriptor.
    #[arg(short, long, value_name = "FILE", help_heading = OUTPUT)]
    pub output: Vec<PathBuf>,

    /// A partial run leaves the old files too (still exit 3)
    #[arg(long, hide_short_help = true, help_heading = OUTPUT)]
    pub all_or_nothing: bool,

    /// Keep the run in a history: a path or sqlite:PATH, or postgres://user@host/database
    ///
    /// TRENDFETCH_STORE in the environment or in .env replaces the default, which is none. A URL
    /// with a password belongs there: every user of the machine can read an argument.
    #[arg(long, value_name = "WHERE", help_heading = HISTORY)]
    pub store: Option<String>,

    /// With a history: delete what was last fetched more than DUR ago [default: 29d]
    ///
    /// YouTube's terms give data that was fetched with a key 30 days; a day is left for the next run
    /// to come late. Deleting takes two clocks that agree, this machine's and the server's; and more
    /// than half of the history at once is deleted by `prune` alone.
    #[arg(long, value_name = "DUR", value_parser = duration, hide_short_help = true, help_heading = HISTORY)]
    pub keep: Option<Duration>,

    /// With a history: send nothing when a run that answers this one began less than DUR ago
    ///
    /// Of the same source and category, at least as deep, with each of these regions answered or not
    /// offered by YouTube. Both starts are cut to the minute. Says so with -v only; the exit status is 0.
    #[arg(long, value_name = "DUR", value_parser = duration, hide_short_help = true, help_heading = HISTORY)]
    pub min_interval: Option<Duration>,

    /// No key, no network: a simulation of the API inside this process
    #[arg(long, value_name = "MODE", num_args = 0..=1, require_equals = true, default_missing_value = "limited", help_heading = SOURCE)]
    pub demo: Option<demo::Mode>,

    /// Another endpoint that answers GET {URL}/videos [default: the public API]
    ///
    /// Plain http: only to a loopback address, since the key would travel in the clear.
    /// TRENDFETCH_BASE_URL in the environment replaces the default.
    #[arg(long, value_name = "URL", hide_short_help = true, conflicts_with = "demo", help_heading = SOURCE)]
    pub base_url: Option<String>,

    /// Read the API key from FILE
    ///
    /// Without it: the file youtube_api_key in $CREDENTIALS_DIRECTORY, else YOUTUBE_API_KEY in the
    /// environment or in .env. No flag takes the key itself: every user of the machine could read it.
    #[arg(long, value_name = "FILE", hide_short_help = true, conflicts_with = "demo", help_heading = SOURCE)]
    pub api_key_file: Option<PathBuf>,

    /// Progress on standard error
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true, help_heading = SCREEN)]
    pub progress: When,

    /// Colours
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_short_help = true, help_heading = SCREEN)]
    pub color: When,

    /// Nothing but errors and the data
    #[arg(short, long, conflicts_with = "verbose", help_heading = SCREEN)]
    pub quiet: bool,

    /// Say more on standard error; -vv still more
    #[arg(short, long, action = ArgAction::Count, help_heading = SCREEN)]
    pub verbose: u8,

    /// How log lines look
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_short_help = true, help_heading = SCREEN)]
    pub log_format: LogFormat,
}

const FETCH: &str = "What to fetch";
const PACE: &str = "Pace and patience";
const OUTPUT: &str = "Output";
const HISTORY: &str = "History";
const SOURCE: &str = "Source and key";
const SCREEN: &str = "Screen";

/// Whether to do something that a terminal decides by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR, TERM or CI says otherwise
    Auto,
    /// Wherever it goes
    Always,
    /// Not at all
    Never,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

fn after_help() -> String {
    let mut text = String::from(
        "A duration is a positive number and a unit: 500ms, 10s, 5m, 7h, 30d.\n\n\
         Environment (or .env in the working directory, for the first three):\n  \
         YOUTUBE_API_KEY      the API key\n  \
         TRENDFETCH_REGIONS   replaces the default of --regions\n  \
         TRENDFETCH_STORE     replaces the default of --store\n  \
         TRENDFETCH_BASE_URL  replaces the default of --base-url; never from .env\n  \
         HTTPS_PROXY          a proxy; else ALL_PROXY; NO_PROXY lists hosts without it\n  \
         SSL_CERT_FILE        certificates to trust in place of the system's (PEM)\n  \
         RUST_LOG             which log lines, by target and level; wins over -q and -v\n\nExit status:\n",
    );
    for (code, meaning) in exit_status::TABLE {
        text.push_str(&format!("  {code:<6} {meaning}\n"));
    }
    text.push_str(
        "Where several apply: a signal, 2, 75, an output or a history that cannot be used, 4, no video, 3.\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::region_list::SETS;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_sets_are_those_that_help_names() {
        let help = Cli::command().render_long_help().to_string();
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for (name, codes) in SETS {
            assert!(words.contains(&format!("{name} is {}", codes.join(" "))), "{name}");
        }
    }
}
