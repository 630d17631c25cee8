//! The options that every command has: what is shown besides the data.

use clap::{ArgAction, Args, ValueEnum};

use crate::output::logging::LogFormat;

/// The group of `--help`.
pub(super) const SCREEN: &str = "Screen";

/// `global` gives these options to each subcommand.
#[derive(Debug, Args)]
pub struct TerminalArgs {
    /// Use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_short_help = true, help_heading = SCREEN)]
    pub color: When,

    /// Print nothing but errors and the data
    #[arg(short, long, global = true, conflicts_with = "verbose", overrides_with = "quiet", help_heading = SCREEN)]
    pub quiet: bool,

    /// Log more on standard error; -vv even more
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = SCREEN)]
    pub verbose: u8,

    /// Format of log lines; with json, every line of standard error is a JSON object
    ///
    /// The last object of a run has its figures, unless -q is given.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text", hide_short_help = true, help_heading = SCREEN)]
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR, TERM or CI says otherwise
    Auto,
    Always,
    Never,
}
