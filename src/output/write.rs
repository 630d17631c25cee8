//! Writes all outputs of a run. An output that blocks (a FIFO without a reader, a full pipe, a network disk that does
//! not answer) delays no file, and nothing beyond the end of the run.

use std::io::{self, Write};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use super::columns::width_of;
use super::error::WriteError;
use super::exit_status::ExitStatus;
#[cfg(feature = "parquet")]
use super::formats::lake;
use super::formats::prom::RunEnd;
use super::formats::{Format, Layout, describe, render};
use super::screen::Screen;
use super::stats_table::Extras;
use super::{FileOutput, Out, OutputConfig, OutputError, Place, StreamOutput, file, objects, stream_error};
use crate::bucket::{NewObject, Object, TIME_TO_ABANDON, Upload};
use crate::model::Documents;
use crate::support::blocking::run_blocking;
use crate::support::gzip;
use crate::support::time_limit::Interruption;

/// The time to write metrics before the run must end, even if the data cannot be written in time.
const TIME_FOR_METRICS: Duration = Duration::from_millis(250);

/// Writes all outputs until the run must end, and returns the errors: first the data and the stats, then the metrics,
/// which contain the exit status. `end(reserve)` resolves `reserve` before the run must end, and `exit` says how it ends,
/// given whether an output failed.
pub async fn write<F: Future<Output = Interruption>>(
    config: &OutputConfig,
    documents: &Documents,
    extras: Extras,
    end: impl Fn(Duration) -> F,
    exit: impl Fn(bool) -> ExitStatus,
) -> Vec<OutputError> {
    let mut screen = Screen::new(config);
    let (data, metrics) = (config.only(|format| format != Format::Prom), config.only(|format| format == Format::Prom));
    let reserve = if metrics.has_outputs() { TIME_FOR_METRICS } else { Duration::ZERO };
    let changes = extras.changes.clone();
    let data = Content { config: Arc::new(data), documents: documents.clone(), end: None };
    let mut errors = write_all(&data, Some(extras), &mut screen, |extra| end(reserve + extra)).await;
    if metrics.has_outputs() {
        let run_end = RunEnd { exit: exit(!errors.is_empty()), changes };
        let metrics = Content { config: Arc::new(metrics), end: Some(Arc::new(run_end)), ..data };
        errors.extend(write_all(&metrics, None, &mut screen, &end).await);
    }
    errors
}

/// What outputs are made from.
#[derive(Clone)]
struct Content {
    config: Arc<OutputConfig>,
    documents: Documents,
    /// For metrics.
    end: Option<Arc<RunEnd>>,
}

impl Content {
    fn render(&self, format: Format, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
        render(format, layout, &self.documents, self.end.as_deref(), out)
    }

    /// The content of an output for one category, or of one for all.
    fn of(&self, output: &FileOutput) -> Content {
        Content { documents: self.documents.of(output.category), ..self.clone() }
    }
}

/// Writes files concurrently. Open descriptors are written one after the other, data before stats, since several may lead
/// to one file. The stats do not wait for the files, so the lines that name these follow them.
async fn write_all<F: Future<Output = Interruption>>(
    content: &Content,
    stats: Option<Extras>,
    screen: &mut Screen,
    end: impl Fn(Duration) -> F,
) -> Vec<OutputError> {
    // A category that is not due has no document.
    let is_due = |output: &&FileOutput| !content.documents.of(output.category).is_empty();
    let start = |output| (output, Writing::start(output, &content.of(output)));
    let files: Vec<_> = content.config.files.iter().filter(is_due).map(start).collect();

    let whole_end = || end(Duration::ZERO);
    let mut errors = write_streams(content, screen, whole_end).await;
    if let Some(stats) = stats {
        errors.extend(screen.show_stats(&content.documents, stats, whole_end()).await.err());
    }
    for (output, writing) in files {
        match writing.finish(&end).await {
            Ok(Written::Whole) => {
                let what = describe(output.format, content.config.rows, &content.of(output).documents);
                errors.extend(screen.show_file(&output.place, &what, whole_end()).await.err());
            }
            Ok(Written::Kept) => {}
            Err(error) => errors.push(OutputError::new(&output.place, error)),
        }
    }
    errors
}

/// A file or an object that is being written.
enum Writing {
    File(Pin<Box<dyn Future<Output = Result<Written, WriteError>> + Send>>),
    Object(Upload),
    Kept,
}

impl Writing {
    fn start(output: &FileOutput, content: &Content) -> Writing {
        match &output.place {
            Place::File(path) => {
                let (output, path, content) = (output.clone(), path.clone(), content.clone());
                Writing::File(Box::pin(run_blocking(move || write_file(&output, &path, &content))))
            }
            Place::Object(object) => match reason_to_keep(output, &content.config, &content.documents) {
                Some(reason) => {
                    log_kept(output, reason);
                    Writing::Kept
                }
                None => Writing::Object(upload(output, object, content)),
            },
        }
    }

    async fn finish<F: Future<Output = Interruption>>(
        self,
        end: impl Fn(Duration) -> F,
    ) -> Result<Written, WriteError> {
        let written = match self {
            Writing::File(writing) => until(writing, end(Duration::ZERO)).await,
            Writing::Object(upload) => {
                let written = upload.finish(end(TIME_TO_ABANDON)).await;
                written.map(|written| Ok(written.map(|()| Written::Whole)?))
            }
            Writing::Kept => return Ok(Written::Kept),
        };
        written.unwrap_or_else(|why| Err(WriteError::UnfinishedFile(why)))
    }
}

/// Starts to write an object, or to add objects to a lake.
fn upload(output: &FileOutput, object: &Object, content: &Content) -> Upload {
    #[cfg(feature = "parquet")]
    if output.is_lake() {
        let runs = content.documents.iter().map(|document| lake::objects(object, document));
        return object.upload(runs.collect());
    }
    let (output, content) = (output.clone(), content.clone());
    let content = objects::content(move |out| write_data(&output, &content, out));
    object.upload(vec![vec![NewObject { object: object.clone(), content }]])
}

enum Written {
    Whole,
    /// The old file stays.
    Kept,
}

fn write_file(output: &FileOutput, path: &Path, content: &Content) -> Result<Written, WriteError> {
    match reason_to_keep(output, &content.config, &content.documents) {
        Some(reason) if !file::is_stream(path) => {
            log_kept(output, reason);
            return Ok(Written::Kept);
        }
        #[cfg(feature = "parquet")]
        _ if output.is_lake() => {
            content.documents.iter().try_for_each(|document| lake::write(path, document))?;
        }
        _ => file::replace(path, |out| write_data(output, content, out))?,
    }
    Ok(Written::Whole)
}

fn write_data(output: &FileOutput, content: &Content, out: &mut Out<'_>) -> io::Result<()> {
    let data = |out: &mut Out<'_>| content.render(output.format, content.config.layout(), out);
    if output.is_compressed { compressed(out, data) } else { data(out) }
}

fn log_kept(output: &FileOutput, reason: &str) {
    tracing::warn!("{} is left as it was: {reason}", output.place);
}

pub(super) fn compressed(out: &mut Out<'_>, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    gzip::compress(out, |encoder| {
        let mut buffered = Out::with_capacity(1 << 16, encoder);
        content(&mut buffered)?;
        buffered.flush()
    })
}

/// Why a file stays as it is. A lake has no old data that a run could replace, and tells which regions failed. Metrics
/// tell that too, and are written by every run that had the lock. A file for several categories is not replaced by one
/// that holds only some of them.
fn reason_to_keep(output: &FileOutput, config: &OutputConfig, documents: &Documents) -> Option<&'static str> {
    if output.is_lake() && !config.all_or_nothing {
        None
    } else if output.category.is_none() && !documents.are_all() {
        Some("not every category was fetched now; {category} in its name gives each a file of its own")
    } else if output.format == Format::Prom {
        documents.is_busy().then_some("another run of the same request is using the history")
    } else if documents.video_count() == 0 && !output.is_lake() {
        Some("no video arrived")
    } else if config.all_or_nothing && !documents.status().is_whole() {
        Some("the run is partial, and --all-or-nothing is given")
    } else {
        None
    }
}

async fn write_streams<F: Future<Output = Interruption>>(
    content: &Content,
    screen: &mut Screen,
    end: impl Fn() -> F,
) -> Vec<OutputError> {
    let mut errors = Vec::new();
    let streams = &content.config.streams;
    for (index, stream) in streams.iter().enumerate() {
        let (descriptor, format) = (stream.descriptor.clone(), stream.format);
        let (layout, content) = (layout_for(stream, &content.config), content.clone());
        let writing = run_blocking(move || descriptor.write(|out| content.render(format, layout, out)));
        match until(writing, end()).await {
            Ok(written) => errors.extend(written.err().map(|error| stream_error(&stream.descriptor, error))),
            // The streams that follow are left out too, since they may lead to the same file.
            Err(why) => {
                let unwritten = streams[index..].iter();
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
pub(super) fn layout_for(stream: &StreamOutput, config: &OutputConfig) -> Layout {
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
