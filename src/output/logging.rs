//! Log lines: to standard error and only there, above the progress and never through it.

use std::borrow::Cow;
use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::LogFormat;
use crate::config::TerminalConfig;
use crate::support::sanitize::{escape_invisible, escape_invisible_in_json};

/// Sends log lines to standard error, from now on. The lines of `progress` step aside for them.
pub fn init(screen: TerminalConfig, progress: MultiProgress) {
    let lines =
        tracing_subscriber::fmt::layer().with_writer(AboveProgress { progress, clean: clean_for(screen.format) });
    let registry = tracing_subscriber::registry().with(screen.filter);
    // A second call, as in tests, keeps the first.
    let _ = match screen.format {
        LogFormat::Text => registry.with(lines.without_time().with_target(false).with_ansi(false)).try_init(),
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
    };
}

/// Makes a finished line safe for a terminal.
type Clean = fn(&str) -> Cow<'_, str>;

fn clean_for(format: LogFormat) -> Clean {
    match format {
        LogFormat::Text => escape_invisible,
        LogFormat::Json => escape_invisible_in_json,
    }
}

struct AboveProgress {
    progress: MultiProgress,
    clean: Clean,
}

impl<'a> MakeWriter<'a> for AboveProgress {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { progress: &self.progress, clean: self.clean, text: Vec::new() }
    }
}

/// One log line, written when it is whole.
struct Line<'a> {
    progress: &'a MultiProgress,
    clean: Clean,
    text: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        let text = String::from_utf8_lossy(&self.text);
        // Nothing can be done about a standard error that is gone.
        let _ = self.progress.suspend(|| writeln!(io::stderr(), "{}", (self.clean)(text.trim_end())));
    }
}
