//! Writes all outputs of a run. An output that blocks (a FIFO without a reader, a full pipe, a network disk that does
//! not answer) delays no file, and nothing beyond the end of the run.

use std::sync::Arc;

use super::columns::{WIDTH, width_of};
use super::error::WriteError;
use super::file_descriptor::FileDescriptor;
#[cfg(feature = "parquet")]
use super::formats::dataset;
use super::formats::render;
use super::stats_table::{self, Extras};
use super::{FileOutput, OutputConfig, OutputError, StatsTarget, file, stream_error};
use crate::model::Document;
use crate::support::blocking::run_blocking;
use crate::support::time_limit::Interruption;

/// Writes all outputs until `end`, when the run must end, and returns the errors.
///
/// Files are written concurrently. Open descriptors are written one after the other, data before stats, since several may
/// lead to one file.
pub async fn write<F: Future<Output = Interruption>>(
    config: OutputConfig,
    document: &Arc<Document>,
    extras: Extras,
    end: impl Fn() -> F,
) -> Vec<OutputError> {
    let config = Arc::new(config);
    let reason_to_keep = reason_to_keep_files(&config, document);
    let start = |output: &FileOutput| {
        let (output, config, document) = (output.clone(), Arc::clone(&config), Arc::clone(document));
        run_blocking(move || write_file(&output, &config, &document, reason_to_keep))
    };
    let files: Vec<_> = config.files.iter().map(|output| (output.path.display(), start(output))).collect();

    let mut errors = write_streams(&config, document, extras, &end).await;
    for (path, writing) in files {
        let written = until(writing, end()).await.unwrap_or_else(|why| Err(WriteError::UnfinishedFile(why)));
        errors.extend(written.err().map(|error| OutputError::new(path, error)));
    }
    errors
}

fn write_file(
    output: &FileOutput,
    config: &OutputConfig,
    document: &Document,
    reason_to_keep: Option<&'static str>,
) -> Result<(), WriteError> {
    match reason_to_keep {
        Some(reason) if !file::is_stream(&output.path) => {
            tracing::warn!("{} is left as it was: {reason}", output.path.display());
            Ok(())
        }
        #[cfg(feature = "parquet")]
        _ if output.is_dataset() => dataset::write(&output.path, document),
        _ => file::replace(&output.path, |out| render(output.format, config.layout(WIDTH), document, out)),
    }
}

fn reason_to_keep_files(config: &OutputConfig, document: &Document) -> Option<&'static str> {
    if document.videos.is_empty() {
        return Some("no video arrived");
    }
    let is_partial = !document.stats.regions_failed.is_empty();
    (config.all_or_nothing && is_partial).then_some("the run is partial, and --all-or-nothing is given")
}

async fn write_streams<F: Future<Output = Interruption>>(
    config: &Arc<OutputConfig>,
    document: &Arc<Document>,
    extras: Extras,
    end: impl Fn() -> F,
) -> Vec<OutputError> {
    let mut errors = Vec::new();
    for (index, stream) in config.streams.iter().enumerate() {
        let (descriptor, format) = (stream.descriptor.clone(), stream.format);
        let (shared, document) = (Arc::clone(config), Arc::clone(document));
        let writing = run_blocking(move || {
            let width = descriptor.term().map_or(WIDTH, |term| width_of(&term));
            descriptor.write(|out| render(format, shared.layout(width), &document, out))
        });
        match until(writing, end()).await {
            Ok(written) => errors.extend(written.err().map(|error| stream_error(&stream.descriptor, error))),
            // The streams that follow are left out too, since they may lead to the same file.
            Err(why) => {
                let unwritten = config.streams[index..].iter();
                errors.extend(
                    unwritten.map(|stream| stream_error(&stream.descriptor, WriteError::UnfinishedStream(why))),
                );
                return errors;
            }
        }
    }
    errors.extend(write_stats(config, document, extras, end()).await.err());
    errors
}

async fn write_stats(
    config: &OutputConfig,
    document: &Arc<Document>,
    extras: Extras,
    end: impl Future<Output = Interruption>,
) -> Result<(), OutputError> {
    let descriptor = match config.stats {
        StatsTarget::Stdout => FileDescriptor::stdout(),
        StatsTarget::Stderr => FileDescriptor::stderr(),
        StatsTarget::None => return Ok(()),
    };
    let (target, document, color) = (descriptor.clone(), Arc::clone(document), config.color);
    let writing = run_blocking(move || {
        let width = target.term().map_or(WIDTH, |term| width_of(&term));
        target.write(|out| stats_table::write(&document, extras, width, color, out))
    });
    let written = until(writing, end).await.unwrap_or_else(|why| Err(WriteError::UnfinishedStream(why)));
    match config.stats {
        // Beside the data, the stats are an extra: a full log file does not fail the run.
        StatsTarget::Stderr => Ok(()),
        _ => written.map_err(|error| stream_error(&descriptor, error)),
    }
}

/// The result of the work, unless the run must end first.
async fn until<T>(work: impl Future<Output = T>, end: impl Future<Output = Interruption>) -> Result<T, Interruption> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        why = end => Err(why),
    }
}
