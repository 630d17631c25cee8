//! Stage 4: the report as data for programs and as text for people. Renderers take a writer; this
//! file alone decides which of them writes where.

pub mod changes;
mod csv;
#[cfg(feature = "parquet")]
mod dataset;
mod entries;
mod file;
mod format;
mod grid;
#[cfg(feature = "parquet")]
mod parquet;
mod price;
pub mod progress;
mod summary;
mod table;

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use console::Term;
use serde::Serialize;

use crate::model::Report;
use crate::store::since::Since;

use entries::entries;

pub use changes::Format as ChangesFormat;
pub use format::{Format, Rows};
pub use price::price;

/// The quota of a project that was not given another one ("Quota costs").
const UNITS_PER_DAY: &str = "10,000";

/// The width of a table that goes into a file or a pipe, so that its content depends on nothing.
const WIDTH: usize = 80;

/// The JSON Schema of the document, draft 2020-12.
pub const SCHEMA: &str = include_str!("schema.json");

/// Where a renderer writes: in a type of its own, since a document is written in half a million small pieces.
pub(crate) type Out<'a> = BufWriter<&'a mut dyn Write>;

/// Where the stats go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatsTo {
    /// Standard output, when no data is there.
    Stdout,
    /// Standard error.
    Stderr,
    /// Nowhere: `-q`.
    Nowhere,
}

/// A file to write, or a folder to which files are added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutput {
    /// Where.
    pub path: PathBuf,
    /// What.
    pub format: Format,
}

impl FileOutput {
    /// Whether this is a folder to which each run adds files of Parquet.
    fn is_dataset(&self) -> bool {
        let is_folder = || self.path.as_os_str().as_encoded_bytes().ends_with(b"/") || self.path.is_dir();
        self.format == Format::Parquet && is_folder()
    }
}

/// Everything that a run writes.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Written whole or not at all.
    pub files: Vec<FileOutput>,
    /// The data on standard output.
    pub stdout: Option<Format>,
    /// For ndjson and csv.
    pub rows: Rows,
    /// Whether descriptions were asked for.
    pub description: bool,
    /// A partial run leaves the old files too.
    pub all_or_nothing: bool,
    /// Where the stats go.
    pub stats: StatsTo,
    /// Whether the stats have colours.
    pub color: bool,
}

/// An output that cannot be written. The sentence names it.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// A file.
    #[error("cannot write {}: {error}; {}", path.display(), remedy(error))]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Standard output or standard error.
    #[error("cannot write to the standard streams: {0}; look at what they are redirected to")]
    Stream(io::Error),
}

fn remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "create the folder first",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose a folder that you may write to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room; the old file is as it was",
        io::ErrorKind::IsADirectory => "name a file in it",
        io::ErrorKind::NotADirectory => "a part of its path is a file; name another",
        _ => "an old file there is as it was",
    }
}

/// Finds out, before anything is sent, whether the files can be written.
///
/// # Errors
/// The first that cannot.
pub fn check(outputs: &Outputs) -> Result<(), OutputError> {
    outputs.files.iter().try_for_each(|output| {
        let checked = match output.is_dataset() {
            #[cfg(feature = "parquet")]
            true => dataset::check(&output.path),
            _ => file::check(&output.path),
        };
        checked.map_err(|error| OutputError::File { path: output.path.clone(), error })
    })
}

/// Gives the temporary file of a rescued document its name.
const RESCUED: &str = "trendfetch-run.json";

/// Takes away what a run left that was killed while it saved its document.
pub fn sweep(folders: &[PathBuf]) {
    folders.iter().for_each(|folder| file::sweep(folder, RESCUED));
}

/// Saves the document as `trendfetch-RUN_ID.json` in the first of these folders that takes it, and
/// returns its absolute path.
///
/// # Errors
/// When none does: what kept the last one from it.
pub fn rescue(folders: &[PathBuf], report: &Report) -> Result<PathBuf, OutputError> {
    let name = format!("trendfetch-{}.json", report.run_id);
    let mut saved = Err(OutputError::File { path: PathBuf::from(&name), error: io::ErrorKind::NotFound.into() });
    for folder in folders {
        let path = folder.join(&name);
        let path = std::path::absolute(&path).unwrap_or(path);
        saved = match file::create(folder, &name, RESCUED, |out| json(report, out)) {
            Ok(()) => return Ok(path),
            Err(error) => Err(OutputError::File { path, error }),
        };
    }
    saved
}

/// Writes everything that can be written, and returns what could not. `since` is what the history
/// says has changed.
pub fn write(outputs: &Outputs, report: &Report, since: Option<Since>) -> Vec<OutputError> {
    let mut errors = Vec::new();
    if let Some(reason) = keeps_old_files(outputs, report) {
        for output in &outputs.files {
            tracing::warn!("{} is left as it was: {reason}", output.path.display());
        }
    } else {
        for output in &outputs.files {
            let written = match output.is_dataset() {
                #[cfg(feature = "parquet")]
                true => dataset::write(&output.path, report),
                _ => file::replace(&output.path, |out| render(output.format, outputs, report, WIDTH, out)),
            };
            errors.extend(written.err().map(|error| OutputError::File { path: output.path.clone(), error }));
        }
    }
    if let Some(format) = outputs.stdout {
        let width = width_of(&Term::stdout());
        errors.extend(to_stream(io::stdout().lock(), |out| render(format, outputs, report, width, out)).err());
    }
    let stats = |term: Term, out: &mut Out<'_>| summary::write(report, since, width_of(&term), outputs.color, out);
    let stats = match outputs.stats {
        StatsTo::Stdout => to_stream(io::stdout().lock(), |out| stats(Term::stdout(), out)),
        StatsTo::Stderr => to_stream(io::stderr().lock(), |out| stats(Term::stderr(), out)),
        StatsTo::Nowhere => Ok(()),
    };
    errors.extend(stats.err());
    errors
}

/// Whether two paths lead to one file, there or not yet.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    let absolute = |path: &Path| std::path::absolute(path).ok();
    match (identity(one), identity(other)) {
        (Some(one), Some(other)) => one == other,
        _ => absolute(one).is_some_and(|one| Some(one) == absolute(other)),
    }
}

/// Writes `text` to a file, whole or not at all; `-` is standard output.
///
/// # Errors
/// When it cannot be written; an old file is as it was then.
pub fn save(path: &Path, text: &str) -> Result<(), OutputError> {
    if path.as_os_str() == "-" {
        return print(text);
    }
    let written = file::replace(path, |out| out.write_all(text.as_bytes()));
    written.map_err(|error| OutputError::File { path: path.to_owned(), error })
}

/// Prints `text` to standard output. A closed pipe is no error.
///
/// # Errors
/// Any other fault of the stream.
pub fn print(text: &str) -> Result<(), OutputError> {
    to_stream(io::stdout().lock(), |out| out.write_all(text.as_bytes()))
}

/// Prints an error on standard error where no log line can: before the log is set up, and when the process ends.
pub fn complain(message: &str) {
    // Nothing can be done about a standard error that is gone.
    let _ = writeln!(io::stderr(), "error: {}", crate::text::visible(message));
}

fn keeps_old_files(outputs: &Outputs, report: &Report) -> Option<&'static str> {
    if report.videos.is_empty() {
        return Some("no video arrived");
    }
    let is_partial = !report.stats.regions_failed.is_empty();
    (outputs.all_or_nothing && is_partial).then_some("the run is partial, and --all-or-nothing is given")
}

fn render(format: Format, outputs: &Outputs, report: &Report, width: usize, out: &mut Out<'_>) -> io::Result<()> {
    match (format, outputs.rows) {
        (Format::Json, _) => json(report, out),
        (Format::Ndjson, Rows::Videos) => lines(&report.videos, out),
        (Format::Ndjson, Rows::Entries) => lines(entries(report), out),
        (Format::Csv, rows) => csv::write(report, rows, outputs.description, out),
        (Format::Table, _) => table::write(report, width, out),
        #[cfg(feature = "parquet")]
        (Format::Parquet, _) => parquet::write(&entries(report), out),
        #[cfg(not(feature = "parquet"))]
        (Format::Parquet, _) => Err(io::ErrorKind::Unsupported.into()),
    }
}

fn json<T: Serialize>(document: &T, out: &mut Out<'_>) -> io::Result<()> {
    serde_json::to_writer(&mut *out, document)?;
    out.write_all(b"\n")
}

fn lines<T: Serialize>(rows: impl IntoIterator<Item = T>, out: &mut Out<'_>) -> io::Result<()> {
    for row in rows {
        json(&row, out)?;
    }
    Ok(())
}

fn to_stream(mut stream: impl Write, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), OutputError> {
    let mut buffered = Out::with_capacity(1 << 16, &mut stream);
    match content(&mut buffered).and_then(|()| buffered.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is buffered has nowhere to go; dropping the writer would try again.
            let _ = buffered.into_parts();
            Ok(())
        }
        other => other.map_err(OutputError::Stream),
    }
}

/// The width of what is printed there.
fn width_of(term: &Term) -> usize {
    if term.is_term() { usize::from(term.size().1).clamp(40, 160) } else { WIDTH }
}
