//! Writing everything that a run brought. An output that blocks (a FIFO that nobody reads, a full pipe, a network disk
//! that does not answer) delays no file, and nothing beyond the end of the run.

use std::sync::Arc;

use super::columns::{WIDTH, width_of};
use super::descriptor::Descriptor;
use super::fault::Fault;
#[cfg(feature = "parquet")]
use super::formats::dataset;
use super::formats::render;
use super::{FileOutput, OutputError, Outputs, StatsTo, file, statistics, to};
use crate::history::change_summary::ChangeSummary;
use crate::model::Document;
use crate::support::blocking::run_blocking;
use crate::support::time_limit::Interruption;

/// Writes all outputs until `over` says that the run must end, and returns what could not be written. `since` is what the
/// history says has changed.
///
/// The files are written side by side. What goes to open descriptors comes in turn, data before stats, since they may
/// lead to one place.
pub async fn write<F: Future<Output = Interruption>>(
    outputs: Outputs,
    document: &Arc<Document>,
    since: Option<ChangeSummary>,
    over: impl Fn() -> F,
) -> Vec<OutputError> {
    let outputs = Arc::new(outputs);
    let kept = keeps_old_files(&outputs, document);
    let start = |output: &FileOutput| {
        let (output, outputs, document) = (output.clone(), Arc::clone(&outputs), Arc::clone(document));
        run_blocking(move || write_file(&output, &outputs, &document, kept))
    };
    let files: Vec<_> = outputs.files.iter().map(|output| (output.path.display(), start(output))).collect();

    let mut errors = write_streams(&outputs, document, since, &over).await;
    for (path, writing) in files {
        let written = within(writing, over()).await.unwrap_or_else(|why| Err(Fault::of_unfinished_file(why)));
        errors.extend(written.err().map(|fault| OutputError::new(path, fault)));
    }
    errors
}

fn write_file(
    output: &FileOutput,
    outputs: &Outputs,
    document: &Document,
    kept: Option<&'static str>,
) -> Result<(), Fault> {
    match kept {
        Some(reason) if !file::is_stream(&output.path) => {
            tracing::warn!("{} is left as it was: {reason}", output.path.display());
            Ok(())
        }
        #[cfg(feature = "parquet")]
        _ if output.is_dataset() => dataset::write(&output.path, document),
        _ => file::replace(&output.path, |out| render(output.format, outputs.layout(WIDTH), document, out)),
    }
}

fn keeps_old_files(outputs: &Outputs, document: &Document) -> Option<&'static str> {
    if document.videos.is_empty() {
        return Some("no video arrived");
    }
    let is_partial = !document.stats.regions_failed.is_empty();
    (outputs.all_or_nothing && is_partial).then_some("the run is partial, and --all-or-nothing is given")
}

async fn write_streams<F: Future<Output = Interruption>>(
    outputs: &Arc<Outputs>,
    document: &Arc<Document>,
    since: Option<ChangeSummary>,
    over: impl Fn() -> F,
) -> Vec<OutputError> {
    let mut errors = Vec::new();
    for (index, stream) in outputs.streams.iter().enumerate() {
        let (place, format, rendered) = (stream.descriptor.clone(), stream.format, Arc::clone(outputs));
        let document = Arc::clone(document);
        let writing = run_blocking(move || {
            let width = place.term().map_or(WIDTH, |term| width_of(&term));
            place.write(|out| render(format, rendered.layout(width), &document, out))
        });
        match within(writing, over()).await {
            Ok(written) => errors.extend(written.err().map(|fault| to(&stream.descriptor, fault))),
            // What would come after it may lead to the same place.
            Err(why) => {
                let left = outputs.streams[index..].iter();
                errors.extend(left.map(|stream| to(&stream.descriptor, Fault::of_unfinished_stream(why))));
                return errors;
            }
        }
    }
    errors.extend(write_stats(outputs, document, since, over()).await.err());
    errors
}

async fn write_stats(
    outputs: &Outputs,
    document: &Arc<Document>,
    since: Option<ChangeSummary>,
    over: impl Future<Output = Interruption>,
) -> Result<(), OutputError> {
    let descriptor = match outputs.stats {
        StatsTo::Stdout => Descriptor::stdout(),
        StatsTo::Stderr => Descriptor::stderr(),
        StatsTo::Nowhere => return Ok(()),
    };
    let (place, document, color) = (descriptor.clone(), Arc::clone(document), outputs.color);
    let writing = run_blocking(move || {
        let width = place.term().map_or(WIDTH, |term| width_of(&term));
        place.write(|out| statistics::write(&document, since, width, color, out))
    });
    let written = within(writing, over).await.unwrap_or_else(|why| Err(Fault::of_unfinished_stream(why)));
    match outputs.stats {
        // They only accompany the data, and a full log is no reason to call that a failure.
        StatsTo::Stderr => Ok(()),
        _ => written.map_err(|fault| to(&descriptor, fault)),
    }
}

/// What the work gives, unless the run is over before.
async fn within<T>(work: impl Future<Output = T>, over: impl Future<Output = Interruption>) -> Result<T, Interruption> {
    tokio::select! {
        biased;
        done = work => Ok(done),
        why = over => Err(why),
    }
}
