//! Stage 4: the document as data for programs and as text for people. Renderers take a writer; this
//! file alone decides which of them writes where.

pub mod changes;
mod columns;
mod descriptor;
pub mod diagnosis;
mod dry_run;
pub mod exit_status;
mod fault;
mod file;
mod formats;
pub mod logging;
pub mod progress;
mod statistics;
mod stream;
mod write;

use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::model::Document;

use fault::Fault;
use formats::{Layout, json};

pub use changes::Format as ChangesFormat;
pub use descriptor::Descriptor;
pub use dry_run::price;
pub use fault::OutputError;
pub use formats::{Format, Rows, schema};
pub use write::write;

/// The quota of a project that was not given another one ("Quota costs").
const UNITS_PER_DAY: &str = "10,000";

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

/// Data on an open descriptor.
#[derive(Debug, Clone)]
pub struct StreamOutput {
    /// Where.
    pub descriptor: Descriptor,
    /// What.
    pub format: Format,
}

/// Everything that a run writes.
#[derive(Debug, Clone)]
pub struct Outputs {
    /// Written whole or not at all, but for pipes and devices.
    pub files: Vec<FileOutput>,
    /// The data on open descriptors; standard output is one.
    pub streams: Vec<StreamOutput>,
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

impl Outputs {
    fn layout(&self, width: usize) -> Layout {
        Layout { rows: self.rows, description: self.description, width }
    }
}

/// Finds out, before anything is sent, whether the outputs can be written.
///
/// # Errors
/// The first that cannot.
pub fn check(outputs: &Outputs) -> Result<(), OutputError> {
    for output in &outputs.files {
        let checked = match output.is_dataset() {
            #[cfg(feature = "parquet")]
            true => formats::dataset::check(&output.path),
            _ => file::check(&output.path),
        };
        checked.map_err(|fault| OutputError::new(output.path.display(), fault))?;
    }
    for stream in &outputs.streams {
        stream.descriptor.check_for_data().map_err(|fault| to(&stream.descriptor, fault))?;
    }
    match outputs.stats {
        StatsTo::Stdout => Descriptor::stdout().check().map_err(|fault| to(&Descriptor::stdout(), fault)),
        StatsTo::Stderr | StatsTo::Nowhere => Ok(()),
    }
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
pub fn rescue(folders: &[PathBuf], document: &Document) -> Result<PathBuf, OutputError> {
    let name = format!("trendfetch-{}.json", document.run_id);
    let mut saved = Err(OutputError::new(&name, Fault::of_file(io::ErrorKind::NotFound.into())));
    for folder in folders {
        let path = folder.join(&name);
        let path = std::path::absolute(&path).unwrap_or(path);
        saved = match file::create(folder, &name, RESCUED, |out| json(document, out)) {
            Ok(()) => return Ok(path),
            Err(fault) => Err(OutputError::new(path.display(), fault)),
        };
    }
    saved
}

/// Whether two paths lead to one file, there or not yet.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    match (identity(one), identity(other)) {
        (None, None) => file::place(one).is_some_and(|place| Some(place) == file::place(other)),
        (one, other) => one == other,
    }
}

/// Writes `text` to a file, whole or not at all, or to a descriptor, where the path stands for one.
///
/// # Errors
/// When it cannot be written; an old file is as it was then.
pub fn save(path: &Path, descriptor: Option<&Descriptor>, text: &str) -> Result<(), OutputError> {
    match descriptor {
        Some(descriptor) => print_to(descriptor, |out| out.write_all(text.as_bytes())),
        None => {
            let written = file::replace(path, |out| out.write_all(text.as_bytes()));
            written.map_err(|fault| OutputError::new(path.display(), fault))
        }
    }
}

/// Prints `text` to standard output. A closed pipe is no error.
///
/// # Errors
/// Any other fault of the stream.
pub fn print(text: &str) -> Result<(), OutputError> {
    print_to(&Descriptor::stdout(), |out| out.write_all(text.as_bytes()))
}

fn print_to(descriptor: &Descriptor, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), OutputError> {
    descriptor.write(content).map_err(|fault| to(descriptor, fault))
}

fn to(descriptor: &Descriptor, fault: Fault) -> OutputError {
    OutputError::new(format_args!("to {descriptor}"), fault)
}

/// Prints an error on standard error where no log line can: before the log is set up, and when the process ends.
pub fn print_error(message: &str) {
    Descriptor::stderr()
        .write_unless_full(&format!("error: {}\n", crate::support::sanitize::escape_invisible(message)));
}
