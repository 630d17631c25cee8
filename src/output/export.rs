//! Writes documents out of a history to an output, each as it comes, so that only one of them needs to be in memory.

use std::convert::Infallible;
#[cfg(feature = "parquet")]
use std::fmt;
use std::future::pending;
use std::io;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc::Receiver;
use tokio::sync::oneshot;

use super::error::WriteError;
#[cfg(feature = "parquet")]
use super::formats::lake;
use super::formats::{Format, Layout, Sequence, render_sequence};
use super::screen::Screen;
use super::write::{compressed, layout_for};
use super::{FileOutput, Out, OutputConfig, OutputError, Place, StreamOutput, file, objects, stream_error};
use crate::bucket::{NewObject, Object, Upload};
use crate::model::Document;
use crate::model::category::ChartCategory;
use crate::support::blocking::run_blocking;
use crate::support::human::count;

/// Documents as they are read. After an error, what is written so far is of no use.
pub type Documents = Receiver<io::Result<Arc<Document>>>;

/// What the documents of an output have in common.
#[derive(Debug, Clone, Copy)]
pub struct Selection {
    pub names_categories: bool,
    pub names_times: bool,
}

/// An output of an export.
#[derive(Debug, Clone)]
pub enum Target {
    File(FileOutput),
    Stream(StreamOutput),
}

impl Target {
    /// All outputs.
    pub fn all(config: &OutputConfig) -> Vec<Target> {
        let files = config.files.iter().cloned().map(Target::File);
        files.chain(config.streams.iter().cloned().map(Target::Stream)).collect()
    }

    /// The category whose name is in the path; `None` if the output is for all of them.
    pub fn category(&self) -> Option<ChartCategory> {
        match self {
            Target::File(output) => output.category,
            Target::Stream(_) => None,
        }
    }

    /// Whether an output without rows is of use: a document says what failed, and so does a lake.
    pub fn tells_failures(&self) -> bool {
        match self {
            Target::File(output) => output.format == Format::Json || output.is_lake(),
            Target::Stream(output) => output.format == Format::Json,
        }
    }

    /// The file that stays if nothing is written. An object may be there or not.
    pub fn old_file(&self) -> Option<&Place> {
        match self {
            Target::File(output) => Some(&output.place).filter(|place| place.path().is_none_or(Path::exists)),
            Target::Stream(_) => None,
        }
    }

    /// Whether it is in object storage.
    pub fn is_object(&self) -> bool {
        matches!(self, Target::File(FileOutput { place: Place::Object(_), .. }))
    }
}

/// Writes a file whole or not at all, and says so on the screen; or writes to a descriptor.
///
/// # Errors
/// If it cannot be written, or if the documents end in an error.
pub async fn write(
    config: &OutputConfig,
    target: &Target,
    selection: Selection,
    documents: Documents,
) -> Result<(), OutputError> {
    let documents = Counted { documents, layout: config.layout(), target: target.clone(), rows: 0, runs: 0 };
    match target.clone() {
        Target::Stream(output) => {
            let layout = layout_for(&output, config);
            run_blocking(move || documents.write_stream(&output, layout, selection)).await
        }
        Target::File(output) => {
            let place = output.place.clone();
            let what = match &place {
                Place::File(path) => {
                    let path = path.clone();
                    run_blocking(move || documents.write_file(&path, &output, selection)).await
                }
                Place::Object(object) => documents.write_object(object, &output, selection).await,
            };
            let what = what.map_err(|error| OutputError::new(&place, error))?;
            Screen::without_stats(config).show_file(&place, &what, pending()).await
        }
    }
}

/// Counts the rows on their way.
struct Counted {
    documents: Documents,
    layout: Layout,
    target: Target,
    rows: usize,
    runs: usize,
}

impl Iterator for Counted {
    type Item = io::Result<Arc<Document>>;

    fn next(&mut self) -> Option<Self::Item> {
        let document = self.documents.blocking_recv()?;
        Some(self.count(document))
    }
}

impl Counted {
    fn count(&mut self, document: io::Result<Arc<Document>>) -> io::Result<Arc<Document>> {
        let document = document?;
        self.runs += 1;
        self.rows += match self.has_entries() {
            true => document.videos.iter().map(|video| video.ranks.len()).sum(),
            false => document.videos.len(),
        };
        Ok(document)
    }

    fn has_entries(&self) -> bool {
        let format = match &self.target {
            Target::File(output) => output.format,
            Target::Stream(output) => output.format,
        };
        format.has_entries(self.layout.rows)
    }

    fn render(&mut self, format: Format, layout: Layout, selection: Selection, out: &mut Out<'_>) -> io::Result<()> {
        let Selection { names_categories, names_times } = selection;
        render_sequence(format, layout, Sequence { documents: self, names_categories, names_times }, out)
    }

    fn write_stream(mut self, output: &StreamOutput, layout: Layout, selection: Selection) -> Result<(), OutputError> {
        let written = output.descriptor.write(|out| self.render(output.format, layout, selection, out));
        written.map_err(|error| stream_error(&output.descriptor, error))
    }

    /// Returns what the file contains: `141 videos`.
    fn write_file(mut self, path: &Path, output: &FileOutput, selection: Selection) -> Result<String, WriteError> {
        match output.is_lake() {
            #[cfg(feature = "parquet")]
            true => self.add_to_lake(path)?,
            _ => file::replace(path, |out| self.render_file(output, selection, out))?,
        }
        Ok(self.describe())
    }

    fn render_file(&mut self, output: &FileOutput, selection: Selection, out: &mut Out<'_>) -> io::Result<()> {
        let layout = self.layout;
        let mut data = |out: &mut Out<'_>| self.render(output.format, layout, selection, out);
        if output.is_compressed { compressed(out, data) } else { data(out) }
    }

    fn describe(&self) -> String {
        let rows = match self.has_entries() {
            true => count(self.rows, "entry", "entries"),
            false => count(self.rows, "video", "videos"),
        };
        if self.runs > 1 { format!("{rows} of {}", count(self.runs, "run", "runs")) } else { rows }
    }

    /// As [`Counted::write_file`], in object storage.
    async fn write_object(
        mut self,
        object: &Object,
        output: &FileOutput,
        selection: Selection,
    ) -> Result<String, WriteError> {
        #[cfg(feature = "parquet")]
        if output.is_lake() {
            self.add_to_bucket(object).await?;
            return Ok(self.describe());
        }
        let (described, what) = oneshot::channel();
        let output = output.clone();
        let content = objects::content(move |out| {
            self.render_file(&output, selection, out)?;
            let _ = described.send(self.describe());
            Ok(())
        });
        let upload = object.upload(vec![vec![NewObject { object: object.clone(), content }]]);
        finish(upload).await?;
        Ok(what.await.unwrap_or_default())
    }

    /// Adds the files of each run that is not there yet. Those that are there have the facts of their time.
    #[cfg(feature = "parquet")]
    fn add_to_lake(&mut self, folder: &Path) -> Result<(), WriteError> {
        let mut known = 0;
        for document in self.by_ref() {
            let document = document.map_err(WriteError::File)?;
            if lake::has_run(folder, &document) {
                known += 1;
                continue;
            }
            lake::write(folder, &document)?;
        }
        log_known(known, &folder.display());
        Ok(())
    }

    /// As [`Counted::add_to_lake`], in object storage.
    #[cfg(feature = "parquet")]
    async fn add_to_bucket(&mut self, folder: &Object) -> Result<(), WriteError> {
        let mut known = 0;
        while let Some(document) = self.documents.recv().await {
            let document = self.count(document).map_err(WriteError::File)?;
            if lake::regions_object(folder, &document).exists().await? {
                known += 1;
                continue;
            }
            finish(folder.upload(vec![lake::objects(folder, &document)])).await?;
        }
        log_known(known, folder);
        Ok(())
    }
}

#[cfg(feature = "parquet")]
fn log_known(known: usize, lake: &dyn fmt::Display) {
    if known > 0 {
        let runs = count(known, "run", "runs");
        tracing::warn!("{lake} has {runs} of these already, which it keeps as they are");
    }
}

async fn finish(upload: Upload) -> Result<(), WriteError> {
    let written = upload.finish(pending::<Infallible>()).await;
    let Ok(written) = written;
    Ok(written?)
}
