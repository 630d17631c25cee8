//! A folder of Parquet, partitioned as Hive does it: `fetched_date=2026-11-22/region=PL/RUN_ID.parquet`. Each run adds
//! its files and touches no other.

use std::fs::{self, File};
use std::path::Path;

use super::entries::entries;
use super::parquet;
use crate::model::{Document, RegionStats, Status};
use crate::output::error::WriteError;
use crate::output::file;

/// Gives the temporary file its name. It lies in the dataset's folder itself, so that the next run finds what a killed
/// one left, whatever the date.
const PART: &str = "part.parquet";

/// Finds out whether files can be written into the folder, and makes it where it is missing.
///
/// # Errors
/// When it cannot.
pub(in crate::output) fn check(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(WriteError::File)?;
    file::check(&folder.join(PART))
}

/// Adds the file of each region that answered, an empty chart's too. A region that failed has none.
///
/// # Errors
/// Whatever goes wrong. Each file is whole or not there.
pub(in crate::output) fn write(folder: &Path, document: &Document) -> Result<(), WriteError> {
    let entries = entries(document);
    let mut left = entries.as_slice();
    let date = format!("fetched_date={}", document.fetched_at.strftime("%F"));
    // Both lists are in the order asked for.
    for RegionStats { region, status, .. } in &document.stats.regions {
        let (rows, others) = left.split_at(left.partition_point(|entry| entry.region == *region));
        left = others;
        if *status == Status::Failed {
            continue;
        }
        let partition = format!("{date}/region={region}");
        fs::create_dir_all(folder.join(&partition)).map_err(WriteError::File)?;
        let name = format!("{partition}/{}.parquet", document.run_id);
        file::create(folder, &name, PART, |out| parquet::write_partition(rows, out))?;
    }
    // Makes the new folders last through a power cut, as the files themselves do.
    for made in [folder, &folder.join(date)] {
        let _ = File::open(made).and_then(|made| made.sync_all());
    }
    Ok(())
}
