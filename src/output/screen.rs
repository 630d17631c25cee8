//! What a person sees of a run's outputs: the stats, then a line for each file that is written.

use std::io::{self, Write};

use super::columns::{WIDTH, width_of};
use super::error::WriteError;
use super::file_descriptor::FileDescriptor;
use super::stats_table::{self, Extras, Look};
use super::write::until;
use super::{Out, OutputConfig, OutputError, Place, StatsTarget, stream_error};
use crate::model::Documents;
use crate::support::blocking::run_blocking;
use crate::support::sanitize::escape_invisible;
use crate::support::time_limit::Interruption;

/// Standard output or standard error, as far as it is for people.
pub(super) struct Screen {
    /// `None` with `-q`, if standard error is a log, or once writing has failed.
    descriptor: Option<FileDescriptor>,
    color: bool,
    links: bool,
    details: bool,
    names_files: bool,
}

impl Screen {
    pub(super) fn new(config: &OutputConfig) -> Screen {
        let descriptor = match config.stats {
            StatsTarget::Stdout => Some(FileDescriptor::stdout()),
            StatsTarget::Stderr => Some(FileDescriptor::stderr()),
            StatsTarget::Log | StatsTarget::None => None,
        };
        Screen { descriptor, color: config.color, links: config.links, details: config.details, names_files: false }
    }

    /// The same without stats, so that the lines about files need no empty line in front.
    pub(super) fn without_stats(config: &OutputConfig) -> Screen {
        Screen { names_files: true, ..Screen::new(config) }
    }

    /// Writes nothing from now on.
    pub(super) fn close(&mut self) {
        self.descriptor = None;
    }

    /// Writes the stats.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(super) async fn show_stats(
        &mut self,
        documents: &Documents,
        extras: Extras,
        end: impl Future<Output = Interruption>,
    ) -> Result<(), OutputError> {
        let Some(descriptor) = &self.descriptor else { return Ok(()) };
        let width = descriptor.term().map_or(WIDTH, |term| width_of(&term));
        let look =
            Look { width, color: self.color, links: self.links && descriptor.is_terminal(), details: self.details };
        let documents = documents.clone();
        self.print(move |out| stats_table::write(&documents, &extras, look, out), end).await
    }

    /// Says that a file is written: `wrote trends.json (141 videos)`.
    ///
    /// # Errors
    /// If the line cannot be written.
    pub(super) async fn show_file(
        &mut self,
        place: &Place,
        content: &str,
        end: impl Future<Output = Interruption>,
    ) -> Result<(), OutputError> {
        let gap = if std::mem::replace(&mut self.names_files, true) { "" } else { "\n" };
        let line = format!("{gap}wrote {} ({content})\n", escape_invisible(&place.to_string()));
        self.print(move |out| out.write_all(line.as_bytes()), end).await
    }

    async fn print(
        &mut self,
        content: impl FnOnce(&mut Out<'_>) -> io::Result<()> + Send + 'static,
        end: impl Future<Output = Interruption>,
    ) -> Result<(), OutputError> {
        let Some(descriptor) = self.descriptor.clone() else { return Ok(()) };
        let target = descriptor.clone();
        let writing = run_blocking(move || target.write(content));
        let written = until(writing, end).await.unwrap_or_else(|why| Err(WriteError::UnfinishedStream(why)));
        let Err(error) = written else { return Ok(()) };
        self.close();
        // Beside the data, the stats are an extra: a full log file does not fail the run.
        if descriptor.is_stdout() { Err(stream_error(&descriptor, error)) } else { Ok(()) }
    }
}
