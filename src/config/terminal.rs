//! What a person sees besides the data: progress, log lines, colours.

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::cli::{LogFormat, RunArgs, When};
use crate::config::env::Env;
use crate::model::error::UsageError;
use crate::output::diagnosis::SUMMARY;
use crate::output::progress::Show;

/// What standard error shows.
#[derive(Debug)]
pub struct TerminalConfig {
    /// Whether to show progress.
    pub progress: Show,
    /// Which log lines, by target and level.
    pub filter: Targets,
    /// How they look.
    pub format: LogFormat,
}

impl TerminalConfig {
    /// What was typed, with what the environment says of it.
    ///
    /// # Errors
    /// When `RUST_LOG` is malformed.
    pub fn resolve(args: &RunArgs, env: &Env) -> Result<TerminalConfig, UsageError> {
        let level = match (args.quiet, args.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::WARN,
            (false, 1) => LevelFilter::INFO,
            (false, _) => LevelFilter::DEBUG,
        };
        let filter = match env.get("RUST_LOG")? {
            Some(directives) => directives.parse().map_err(|_| {
                UsageError(
                    "RUST_LOG is malformed; write a level, or target=level,…, for example trendfetch=debug".into(),
                )
            })?,
            None => {
                // Whoever watches the runs by their log is told of those that went well too.
                let is_watched = args.log_format == LogFormat::Json && !args.quiet;
                let of_summary = if is_watched { level.max(LevelFilter::INFO) } else { level };
                Targets::new()
                    .with_default(level.min(LevelFilter::WARN))
                    .with_target("trendfetch", level)
                    .with_target(SUMMARY, of_summary)
            }
        };
        let progress = match args.progress {
            When::Always => Show::Always,
            When::Auto if !args.quiet && !env.has("CI") && !is_dumb(env)? => Show::OnTerminal,
            When::Auto | When::Never => Show::Never,
        };
        Ok(TerminalConfig { progress, filter, format: args.log_format })
    }
}

/// Whether text gets colours where nobody has said (<https://no-color.org>).
///
/// # Errors
/// When the environment holds no text.
pub fn has_color(is_terminal: bool, env: &Env) -> Result<bool, UsageError> {
    Ok(is_terminal && !env.has("NO_COLOR") && !is_dumb(env)?)
}

fn is_dumb(env: &Env) -> Result<bool, UsageError> {
    Ok(env.get("TERM")? == Some("dumb"))
}
