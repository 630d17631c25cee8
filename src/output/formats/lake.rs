//! A folder of Parquet files to which each run adds two: `entries/fetched_date=2026-11-22/RUN_ID.parquet`, its chart
//! entries, and `regions/fetched_date=2026-11-22/RUN_ID.parquet`, the regions that it requested.
//!
//! Both files appear, or none. The file of the regions is written first, under a pending name, and renamed last. If the
//! process is killed between the two renames, the next run finds the pending file and renames it. Until then, the entries
//! are without their regions, which is the harmless half: all that they say is true. Regions without their entries would
//! say that the videos had left the charts.
//!
//! In object storage, where nothing can be renamed, the entries are written before the regions for the same reason.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::super::Out;
use super::parquet;
use crate::bucket::{NewObject, Object};
use crate::model::Document;
use crate::output::error::WriteError;
use crate::output::{file, objects};

const ENTRIES: &str = "entries";
const REGIONS: &str = "regions";

/// The name from which that of the temporary file is derived. The temporary file is in the lake's folder itself, so that
/// the next run finds that of a killed one, whatever the date.
const PART: &str = "part.parquet";

/// What follows the date and the run in the name of a pending file. No reader takes such a file for a part of the table.
const PENDING: &str = ".parquet.trendfetch-tmp";

/// Creates the folder if it is missing, checks that files can be written into it, and completes what a killed run left.
///
/// # Errors
/// If the folder cannot be created or written to.
pub(in crate::output) fn check(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(WriteError::File)?;
    file::check(&folder.join(PART))?;
    for table in [ENTRIES, REGIONS].map(|table| folder.join(table)).iter().filter(|table| table.exists()) {
        file::check(&table.join(PART))?;
    }
    file::unless_in_use(folder, PART, || complete_pending(folder))
}

/// Adds the files of a run. There is no file of entries if there are none, for instance because every region failed.
///
/// # Errors
/// If a file cannot be written. Then there is none of this run.
pub(in crate::output) fn write(folder: &Path, document: &Arc<Document>) -> Result<(), WriteError> {
    let run = RunFiles::new(folder, document);
    let regions = |out: &mut Out<'_>| parquet::write_regions(document, out);
    run.create_folder(REGIONS)?;
    if document.videos.is_empty() {
        return file::create(folder, &run.name(REGIONS), PART, regions);
    }
    run.create_folder(ENTRIES)?;
    let pending = run.pending();
    let written = file::create(folder, &run.name(ENTRIES), PART, |out| {
        file::write_new(&pending, regions)?;
        write_entries(document, out)
    });
    let published = written.and_then(|()| run.publish().map_err(WriteError::File));
    if published.is_err() {
        let _ = fs::remove_file(folder.join(run.name(ENTRIES)));
        let _ = fs::remove_file(pending);
    }
    published
}

/// The objects that a run adds to a lake in object storage. Nothing can be renamed there, so the entries are written
/// first, and removed again if the regions cannot be written.
pub(in crate::output) fn objects(lake: &Object, document: &Arc<Document>) -> Vec<NewObject> {
    let run = RunFiles::new(Path::new(""), document);
    let object = |table: &str, encode: fn(&Arc<Document>, &mut Out<'_>) -> io::Result<()>| {
        let document = Arc::clone(document);
        let content = objects::content(move |out| encode(&document, out));
        NewObject { object: lake.child(&run.name(table)), content }
    };
    let entries = (!document.videos.is_empty()).then(|| object(ENTRIES, write_entries));
    entries.into_iter().chain([object(REGIONS, parquet::write_regions)]).collect()
}

fn write_entries(document: &Arc<Document>, out: &mut Out<'_>) -> io::Result<()> {
    parquet::write_entries(std::iter::once(Ok(Arc::clone(document))), out)
}

/// The object by which a lake in object storage has the run.
pub(in crate::output) fn regions_object(lake: &Object, document: &Document) -> Object {
    lake.child(&RunFiles::new(Path::new(""), document).name(REGIONS))
}

/// Whether the lake has the run.
pub(in crate::output) fn has_run(folder: &Path, document: &Document) -> bool {
    folder.join(RunFiles::new(folder, document).name(REGIONS)).exists()
}

/// Where the files of a run are.
struct RunFiles<'a> {
    folder: &'a Path,
    /// `fetched_date=2026-11-22`
    partition: String,
    run_id: String,
}

impl RunFiles<'_> {
    fn new<'a>(folder: &'a Path, document: &Document) -> RunFiles<'a> {
        let partition = format!("fetched_date={}", document.fetched_at.strftime("%F"));
        RunFiles { folder, partition, run_id: document.run_id.clone() }
    }

    /// The run to which a pending file belongs.
    fn of_pending<'a>(folder: &'a Path, name: &OsStr) -> Option<RunFiles<'a>> {
        let (partition, run_id) = name.to_str()?.strip_prefix('.')?.strip_suffix(PENDING)?.split_once('.')?;
        Some(RunFiles { folder, partition: partition.to_owned(), run_id: run_id.to_owned() })
    }

    /// The name of the run's file in the lake.
    fn name(&self, table: &str) -> String {
        format!("{table}/{}/{}.parquet", self.partition, self.run_id)
    }

    fn pending(&self) -> PathBuf {
        self.folder.join(format!(".{}.{}{PENDING}", self.partition, self.run_id))
    }

    /// Creates the folder of the partition, durably.
    fn create_folder(&self, table: &str) -> Result<(), WriteError> {
        let table = self.folder.join(table);
        fs::create_dir_all(table.join(&self.partition)).map_err(WriteError::File)?;
        [self.folder, &table].into_iter().for_each(file::sync_folder);
        Ok(())
    }

    /// Gives the pending file its name.
    fn publish(&self) -> io::Result<()> {
        let target = self.folder.join(self.name(REGIONS));
        match fs::rename(self.pending(), &target) {
            // Another run, which began in between, has done it.
            Err(error) if error.kind() == io::ErrorKind::NotFound && target.exists() => Ok(()),
            Ok(()) => {
                file::sync_folder(file::folder_of(&target));
                Ok(())
            }
            failed => failed,
        }
    }
}

/// Renames the pending files of runs whose entries are in the lake, and removes the others. A pending file is complete
/// before the entries get their name.
fn complete_pending(folder: &Path) -> io::Result<()> {
    for file in fs::read_dir(folder)? {
        let Some(run) = RunFiles::of_pending(folder, &file?.file_name()) else { continue };
        if folder.join(run.name(ENTRIES)).exists() { run.publish()? } else { fs::remove_file(run.pending())? }
    }
    Ok(())
}
