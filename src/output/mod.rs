//! Stage 4: writes the document as data for programs and as text for people. Renderers take a writer; only this module
//! decides which of them writes where.

mod category_table;
pub mod changes;
mod columns;
pub mod diagnosis;
mod dry_run;
mod error;
pub mod exit_status;
pub mod export;
mod file;
mod file_descriptor;
mod formats;
pub mod logging;
mod objects;
pub mod progress;
mod rescue;
mod schema;
mod screen;
mod stats_table;
pub mod status;
mod stream;
mod write;

use std::fmt;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::bucket::Object;
use crate::model::category::ChartCategory;
use crate::support::blocking::run_blocking;

use error::WriteError;
use formats::Layout;

pub use changes::ChangesFormat;
pub use dry_run::describe_plan;
pub use error::OutputError;
pub use file_descriptor::FileDescriptor;
pub use formats::{Format, RowKind};
pub use rescue::Rescue;
pub use schema::{Shape, schema};
pub use stats_table::Extras;
pub use write::write;

/// The default quota of a project (YouTube Data API, "Quota costs").
const UNITS_PER_DAY: &str = "10,000";

/// Where a renderer writes. Buffered outside of the `dyn`, since a document is written in half a million small pieces.
pub(crate) type Out<'a> = BufWriter<&'a mut dyn Write>;

/// Where the stats go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatsTarget {
    /// Standard output, unless the data goes there.
    Stdout,
    Stderr,
    /// Standard error is a log of JSON objects, and the last one has the counts.
    Log,
    /// `-q`
    None,
}

/// Where an output is that is written whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    /// In object storage.
    Object(Object),
}

impl Place {
    /// The path in the file system, if it is there.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Place::File(path) => Some(path),
            Place::Object(_) => None,
        }
    }

    /// The object, if it is in object storage.
    pub fn object(&self) -> Option<&Object> {
        match self {
            Place::File(_) => None,
            Place::Object(object) => Some(object),
        }
    }

    /// Whether both lead to one file or object, existing or not.
    pub fn is_same(&self, other: &Place) -> bool {
        match (self, other) {
            (Place::File(one), Place::File(other)) => is_same_file(one, other),
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
            Place::Object(object) => object.fmt(f),
        }
    }
}

/// A file to write, or a folder to which files are added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileOutput {
    pub place: Place,
    pub format: Format,
    /// Whether it is compressed with gzip.
    pub is_compressed: bool,
    /// The category whose name is in the path; `None` if the output is for all of them.
    pub category: Option<ChartCategory>,
}

impl FileOutput {
    /// Whether this is a folder to which each run adds Parquet files.
    fn is_lake(&self) -> bool {
        let is_folder = || match &self.place {
            Place::File(path) => path.as_os_str().as_encoded_bytes().ends_with(b"/") || path.is_dir(),
            Place::Object(object) => object.is_folder(),
        };
        self.format == Format::Parquet && is_folder()
    }
}

/// Data that goes to an open descriptor.
#[derive(Debug, Clone)]
pub struct StreamOutput {
    pub descriptor: FileDescriptor,
    pub format: Format,
}

/// What a run writes, and where.
#[derive(Debug, Clone)]
pub struct OutputConfig {
    pub files: Vec<FileOutput>,
    /// Standard output is one of them, if data goes there.
    pub streams: Vec<StreamOutput>,
    /// For ndjson and csv.
    pub rows: RowKind,
    /// Whether videos have descriptions.
    pub description: bool,
    /// Whether CSV begins with a byte order mark.
    pub csv_bom: bool,
    /// Whether a partial run leaves the old files unchanged.
    pub all_or_nothing: bool,
    pub stats: StatsTarget,
    /// Whether the stats are coloured.
    pub color: bool,
    /// Whether titles on a terminal are links.
    pub links: bool,
    /// Whether the stats of several categories show each region.
    pub details: bool,
}

impl OutputConfig {
    /// Whether it is of use to know what changed since earlier runs.
    pub fn shows_changes(&self) -> bool {
        self.stats != StatsTarget::None || self.only(|format| format == Format::Prom).has_outputs()
    }

    /// Whether an output has this format.
    pub fn has_format(&self, format: Format) -> bool {
        self.only(|found| found == format).has_outputs()
    }

    /// The same with the outputs in some formats only.
    fn only(&self, is_wanted: impl Fn(Format) -> bool) -> OutputConfig {
        let mut config = self.clone();
        config.files.retain(|file| is_wanted(file.format));
        config.streams.retain(|stream| is_wanted(stream.format));
        config
    }

    fn has_outputs(&self) -> bool {
        !self.files.is_empty() || !self.streams.is_empty()
    }

    /// The layout of what goes to a file or a pipe.
    fn layout(&self) -> Layout {
        Layout {
            rows: self.rows,
            description: self.description,
            csv_bom: self.csv_bom,
            width: usize::MAX,
            links: false,
        }
    }
}

/// Checks that all outputs can be written.
///
/// # Errors
/// For the first that cannot.
pub async fn check(config: &OutputConfig) -> Result<(), OutputError> {
    let local = config.clone();
    run_blocking(move || check_local(&local)).await?;
    objects::check(&config.files).await
}

fn check_local(config: &OutputConfig) -> Result<(), OutputError> {
    for output in &config.files {
        let Place::File(path) = &output.place else { continue };
        if let (Some(_), Some(folder)) = (output.category, path.parent()) {
            // It may be named after the category.
            let made = std::fs::create_dir_all(folder);
            made.map_err(|error| OutputError::new(folder.display(), WriteError::File(error)))?;
        }
        let checked = match output.is_lake() {
            #[cfg(feature = "parquet")]
            true => formats::lake::check(path),
            _ => file::check(path),
        };
        checked.map_err(|error| OutputError::new(path.display(), error))?;
    }
    for stream in &config.streams {
        stream.descriptor.check_for_data().map_err(|error| stream_error(&stream.descriptor, error))?;
    }
    match config.stats {
        StatsTarget::Stdout => {
            let stdout = FileDescriptor::stdout();
            stdout.check().map_err(|error| stream_error(&stdout, error))
        }
        StatsTarget::Stderr | StatsTarget::Log | StatsTarget::None => Ok(()),
    }
}

/// Whether two paths lead to one file, existing or not.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()));
    match (identity(one), identity(other)) {
        (None, None) => file::canonical(one).is_some_and(|path| Some(path) == file::canonical(other)),
        (one, other) => one == other,
    }
}

/// Writes `text` to a descriptor, or otherwise to a file or an object, whole or not at all.
///
/// # Errors
/// If it cannot be written. An old file is unchanged then.
pub async fn save(place: &Place, descriptor: Option<&FileDescriptor>, text: String) -> Result<(), OutputError> {
    match (descriptor, place) {
        (Some(descriptor), _) => print_to(descriptor, |out| out.write_all(text.as_bytes())),
        (None, Place::File(path)) => save_file(path, &text),
        (None, Place::Object(object)) => {
            object.write(text.into_bytes()).await.map_err(|error| OutputError::new(place, error.into()))
        }
    }
}

/// Writes `text` to a file, whole or not at all.
///
/// # Errors
/// If it cannot be written. An old file is unchanged then.
pub fn save_file(path: &Path, text: &str) -> Result<(), OutputError> {
    let written = file::replace(path, |out| out.write_all(text.as_bytes()));
    written.map_err(|error| OutputError::new(path.display(), error))
}

/// Prints `text` on standard output. A closed pipe is not an error.
///
/// # Errors
/// If writing fails otherwise.
pub fn print(text: &str) -> Result<(), OutputError> {
    print_to(&FileDescriptor::stdout(), |out| out.write_all(text.as_bytes()))
}

fn print_to(
    descriptor: &FileDescriptor,
    content: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> Result<(), OutputError> {
    descriptor.write(content).map_err(|error| stream_error(descriptor, error))
}

fn stream_error(descriptor: &FileDescriptor, error: WriteError) -> OutputError {
    OutputError::new(format_args!("to {descriptor}"), error)
}
