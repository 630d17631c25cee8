//! The command line as clap parses it. `config` combines it with the environment and validates both.

mod command_args;
mod command_first;
mod export_args;
mod mistakes;
mod run_args;
mod suggestions;
mod terminal_args;
mod value_parsers;

use std::ffi::OsString;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::model::error::UsageError;
use crate::output::logging::{LineStyle, LogFormat};
use crate::output::{Shape, exit_status};

use command_first::command_first;

pub use command_args::{
    ChangesArgs, DemoArgs, LoadArgs, ManArgs, PruneArgs, RegionsArgs, RegionsFormat, ReportArgs, StatusArgs, StoreArg,
};
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
