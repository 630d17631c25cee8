//! What is shown besides the data: progress, log lines, colours.

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::cli::{TerminalArgs, When};
use crate::config::env::Env;
use crate::model::error::UsageError;
use crate::output::diagnosis::SUMMARY_TARGET;
use crate::output::logging::LogFormat;
use crate::output::progress::ProgressMode;

/// What is shown on standard error.
#[derive(Debug)]
pub struct TerminalConfig {
    pub progress: ProgressMode,
    /// Which log lines, by target and level.
    pub log_filter: Targets,
    pub log_format: LogFormat,
}

impl TerminalConfig {
    /// Combines the options and the environment.
    ///
    /// # Errors
    /// If `RUST_LOG` is malformed.
    pub fn resolve(args: &TerminalArgs, progress: When, env: &Env) -> Result<TerminalConfig, UsageError> {
        let level = match (args.quiet, args.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::INFO,
            (false, _) => LevelFilter::DEBUG,
        };
        let log_filter = match env.get("RUST_LOG")? {
            Some(directives) => directives.parse().map_err(|_| {
                UsageError(
                    "RUST_LOG is malformed; write a level, or target=level,…, for example trendfetch=debug".into(),
                )
            })?,
            None => {
                // Monitoring reads the log as JSON, and needs the summary of successful runs too.
                let is_monitored = args.log_format == LogFormat::Json && !args.quiet;
                let summary_level = if is_monitored { level.max(LevelFilter::INFO) } else { level };
                Targets::new()
                    .with_default(level.min(LevelFilter::WARN))
                    .with_target("trendfetch", level)
                    .with_target(SUMMARY_TARGET, summary_level)
            }
        };
        let progress = match progress {
            When::Always => ProgressMode::Always,
            When::Auto if !args.quiet && !env.has("CI") && !is_dumb_terminal(env)? => ProgressMode::OnTerminal,
            When::Auto | When::Never => ProgressMode::Never,
        };
        Ok(TerminalConfig { progress, log_filter, log_format: args.log_format })
    }
}

/// Whether text is coloured (<https://no-color.org>).
///
/// # Errors
/// If `TERM` is not valid UTF-8.
pub fn use_color(when: When, is_terminal: bool, env: &Env) -> Result<bool, UsageError> {
    match when {
        When::Always => Ok(true),
        When::Never => Ok(false),
        When::Auto => Ok(is_terminal && !env.has("NO_COLOR") && !is_dumb_terminal(env)?),
    }
}

fn is_dumb_terminal(env: &Env) -> Result<bool, UsageError> {
    Ok(env.get("TERM")? == Some("dumb"))
}
