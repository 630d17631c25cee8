//! Log lines. They go to standard error and only there, above the progress bars.

use std::borrow::Cow;
use std::io::{self, Write};

use clap::ValueEnum;
use indicatif::MultiProgress;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::support::sanitize::{escape_invisible, escape_invisible_in_json};

/// The format of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// Sends log lines that pass the filter to standard error from now on. `progress` is redrawn below each of them.
pub fn init(filter: Targets, format: LogFormat, progress: MultiProgress) {
    let lines = tracing_subscriber::fmt::layer().with_writer(AboveProgress { progress, sanitize: sanitizer(format) });
    let registry = tracing_subscriber::registry().with(filter);
    // In tests a second call fails and changes nothing.
    let _ = match format {
        LogFormat::Text => registry.with(lines.without_time().with_target(false).with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// Makes a finished line safe for a terminal.
type Sanitize = fn(&str) -> Cow<'_, str>;

fn sanitizer(format: LogFormat) -> Sanitize {
    match format {
        LogFormat::Text => escape_invisible,
        LogFormat::Json => escape_invisible_in_json,
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
