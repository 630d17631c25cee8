//! The lines of standard error: log lines, above the progress bars, and the errors before and after there is a log.

use std::borrow::Cow;
use std::io::{self, Write};

use clap::ValueEnum;
use indicatif::MultiProgress;
use jiff::Timestamp;
use serde::Serialize;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::FileDescriptor;
use crate::support::sanitize::{escape_invisible, escape_invisible_in_json};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// What a line of standard error looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineStyle {
    /// Text for the person at the terminal.
    Terminal,
    /// Text that begins with the time, for a file or another program.
    Dated,
    /// Text without the time, which the journal of systemd adds.
    Journal,
    /// A JSON object, with the time.
    Json,
}

/// Sends log lines that pass the filter to standard error from now on. `progress` is redrawn below each of them.
pub fn init(filter: Targets, style: LineStyle, progress: MultiProgress) {
    let lines = tracing_subscriber::fmt::layer().with_writer(AboveProgress { progress, sanitize: sanitizer(style) });
    let registry = tracing_subscriber::registry().with(filter);
    let text = lines.with_target(false).with_ansi(false);
    // In tests a second call fails and changes nothing.
    let _ = match style {
        LineStyle::Terminal | LineStyle::Journal => registry.with(text.without_time()).try_init(),
        LineStyle::Dated => registry.with(text.with_timer(Utc)).try_init(),
        LineStyle::Json => registry.with(text.with_target(true).with_timer(Utc).json().flatten_event(true)).try_init(),
    };
}

/// Prints an error on standard error when logging is not set up yet, or no longer safe because the process is ending.
pub fn print_error(message: &str, style: LineStyle) {
    let message = escape_invisible(message);
    let line = match style {
        LineStyle::Terminal | LineStyle::Journal => format!("error: {message}"),
        LineStyle::Dated => format!("{} error: {message}", timestamp()),
        LineStyle::Json => json_error(&message),
    };
    FileDescriptor::stderr().write_if_ready(&format!("{line}\n"));
}

/// The line that a log has for the same error.
fn json_error(message: &str) -> String {
    #[derive(Serialize)]
    struct Line<'a> {
        timestamp: String,
        level: &'a str,
        message: &'a str,
        target: &'a str,
    }
    let line = Line { timestamp: timestamp(), level: "ERROR", message, target: "trendfetch" };
    serde_json::to_string(&line).unwrap_or_default()
}

struct Utc;

impl FormatTime for Utc {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        writer.write_str(&timestamp())
    }
}

/// The time of a line, in RFC 3339.
#[expect(clippy::disallowed_methods, reason = "a line is dated when it is written")]
fn timestamp() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Makes a finished line safe for a terminal.
type Sanitize = fn(&str) -> Cow<'_, str>;

fn sanitizer(style: LineStyle) -> Sanitize {
    match style {
        LineStyle::Terminal | LineStyle::Dated | LineStyle::Journal => escape_invisible,
        LineStyle::Json => escape_invisible_in_json,
    }
}

struct AboveProgress {
    progress: MultiProgress,
    sanitize: Sanitize,
}

impl<'a> MakeWriter<'a> for AboveProgress {
    type Writer = LogLine<'a>;

    fn make_writer(&'a self) -> LogLine<'a> {
        LogLine { progress: &self.progress, sanitize: self.sanitize, text: Vec::new() }
    }
}

/// One log line. It is written as a whole when it is dropped.
struct LogLine<'a> {
    progress: &'a MultiProgress,
    sanitize: Sanitize,
    text: Vec<u8>,
}

impl Write for LogLine<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for LogLine<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        // If standard error is gone, there is nowhere to report that.
        let _ = self.progress.suspend(|| writeln!(io::stderr(), "{}", (self.sanitize)(text.trim_end())));
    }
}
