//! Writes all outputs of a run. An output that blocks (a FIFO without a reader, a full pipe, a network disk that does
//! not answer) delays no file, and nothing beyond the end of the run.

use std::io::{self, Write};
use std::sync::Arc;

use super::columns::width_of;
use super::error::WriteError;
#[cfg(feature = "parquet")]
use super::formats::lake;
use super::formats::{Layout, content, render};
use super::screen::Screen;
use super::stats_table::Extras;
use super::{FileOutput, Out, OutputConfig, OutputError, StreamOutput, file, stream_error};
use crate::model::Document;
use crate::support::blocking::run_blocking;
use crate::support::gzip;
use crate::support::time_limit::Interruption;

/// Writes all outputs until `end`, when the run must end, and returns the errors.
///
/// Files are written concurrently. Open descriptors are written one after the other, data before stats, since several may
/// lead to one file. The stats do not wait for the files, so the lines that name these follow them.
pub async fn write<F: Future<Output = Interruption>>(
    config: OutputConfig,
    document: &Arc<Document>,
    extras: Extras,
    end: impl Fn() -> F,
) -> Vec<OutputError> {
    let config = Arc::new(config);
    let start = |output: &FileOutput| {
        let (output, config, document) = (output.clone(), Arc::clone(&config), Arc::clone(document));
        run_blocking(move || write_file(&output, &config, &document))
    };
    let files: Vec<_> = config.files.iter().map(|output| (output, start(output))).collect();

    let mut screen = Screen::new(&config);
    let mut errors = write_streams(&config, document, &mut screen, &end).await;
    errors.extend(screen.show_stats(document, extras, end()).await.err());
    for (output, writing) in files {
        match until(writing, end()).await.unwrap_or_else(|why| Err(WriteError::UnfinishedFile(why))) {
            Ok(Written::Whole) => {
                let content = content(output.format, config.rows, document);
                errors.extend(screen.show_file(&output.path, &content, end()).await.err());
            }
            Ok(Written::Kept) => {}
            Err(error) => errors.push(OutputError::new(output.path.display(), error)),
        }
    }
    errors
}

enum Written {
    Whole,
    /// The old file stays.
    Kept,
}

fn write_file(output: &FileOutput, config: &OutputConfig, document: &Document) -> Result<Written, WriteError> {
    match reason_to_keep(output, config, document) {
        Some(reason) if !file::is_stream(&output.path) => {
            tracing::warn!("{} is left as it was: {reason}", output.path.display());
            return Ok(Written::Kept);
        }
        #[cfg(feature = "parquet")]
        _ if output.is_lake() => lake::write(&output.path, document)?,
        _ => file::replace(&output.path, |out| {
            let data = |out: &mut Out<'_>| render(output.format, config.layout(), document, out);
            if output.is_compressed { compressed(out, data) } else { data(out) }
        })?,
    }
    Ok(Written::Whole)
}

fn compressed(out: &mut Out<'_>, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    gzip::compress(out, |encoder| {
        let mut buffered = Out::with_capacity(1 << 16, encoder);
        content(&mut buffered)?;
        buffered.flush()
    })
}

/// Why a file stays as it is. A lake has no old data that a run could replace, and tells which regions failed.
fn reason_to_keep(output: &FileOutput, config: &OutputConfig, document: &Document) -> Option<&'static str> {
    let is_partial = !document.stats.regions_failed.is_empty();
    if document.videos.is_empty() && !output.is_lake() {
        Some("no video arrived")
    } else if config.all_or_nothing && is_partial {
        Some("the run is partial, and --all-or-nothing is given")
    } else {
        None
    }
}

async fn write_streams<F: Future<Output = Interruption>>(
    config: &Arc<OutputConfig>,
    document: &Arc<Document>,
    screen: &mut Screen,
    end: impl Fn() -> F,
) -> Vec<OutputError> {
    let mut errors = Vec::new();
    for (index, stream) in config.streams.iter().enumerate() {
        let (descriptor, format) = (stream.descriptor.clone(), stream.format);
        let (layout, document) = (layout_for(stream, config), Arc::clone(document));
        let writing = run_blocking(move || descriptor.write(|out| render(format, layout, &document, out)));
        match until(writing, end()).await {
            Ok(written) => errors.extend(written.err().map(|error| stream_error(&stream.descriptor, error))),
            // The streams that follow are left out too, since they may lead to the same file.
            Err(why) => {
                let unwritten = config.streams[index..].iter();
                errors.extend(
                    unwritten.map(|stream| stream_error(&stream.descriptor, WriteError::UnfinishedStream(why))),
                );
                screen.close();
                break;
            }
        }
    }
    errors
}

/// A table on a terminal is as wide as the terminal. Anywhere else it is whole.
fn layout_for(stream: &StreamOutput, config: &OutputConfig) -> Layout {
    match stream.descriptor.term().filter(|term| term.is_term()) {
        Some(term) => Layout { width: width_of(&term), links: config.links, ..config.layout() },
        None => config.layout(),
    }
}

/// The result of the work, unless the run must end first.
pub(super) async fn until<T>(
    work: impl Future<Output = T>,
    end: impl Future<Output = Interruption>,
) -> Result<T, Interruption> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        why = end => Err(why),
    }
}
