//! What is shown besides the data: progress, log lines, colours.

use std::ffi::OsStr;
use std::io::{IsTerminal, stderr};

use rustix::fs::fstat;
use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::cli::{TerminalArgs, When};
use crate::config::env::Env;
use crate::model::error::UsageError;
use crate::output::diagnosis::SUMMARY_TARGET;
use crate::output::logging::{LineStyle, LogFormat};
use crate::output::progress::ProgressMode;

/// What is shown on standard error.
#[derive(Debug)]
pub struct TerminalConfig {
    pub progress: ProgressMode,
    /// Which log lines, by target and level.
    pub log_filter: Targets,
}

impl TerminalConfig {
    /// Combines the options and the environment.
    ///
    /// # Errors
    /// If `RUST_LOG` is malformed, or if progress is requested between JSON objects.
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
        let is_json = args.log_format == LogFormat::Json;
        let progress = match progress {
            When::Always if is_json => {
                return Err(UsageError(
                    "--progress always cannot be used with --log-format json, which leaves only JSON objects on standard error".into(),
                ));
            }
            When::Always => ProgressMode::Always,
            When::Auto if !is_json && !args.quiet && !env.has("CI") && !is_dumb_terminal(env)? => {
                ProgressMode::OnTerminal
            }
            When::Auto | When::Never => ProgressMode::Never,
        };
        Ok(TerminalConfig { progress, log_filter })
    }
}

/// The style of the lines of standard error. A file or a pipe gets lines with the time, unless systemd adds it.
pub fn line_style(format: LogFormat, env: &Env) -> LineStyle {
    match format {
        LogFormat::Json => LineStyle::Json,
        LogFormat::Text if stderr().is_terminal() => LineStyle::Terminal,
        LogFormat::Text if is_journal(env) => LineStyle::Journal,
        LogFormat::Text => LineStyle::Dated,
    }
}

/// Whether standard error is the stream that `JOURNAL_STREAM` names by device and inode (systemd.exec(5)). A child whose
/// standard error is redirected inherits the variable too.
fn is_journal(env: &Env) -> bool {
    let stream = fstat(stderr()).ok().map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
    stream.is_some_and(|stream| env.get_os("JOURNAL_STREAM") == Some(OsStr::new(&stream)))
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
