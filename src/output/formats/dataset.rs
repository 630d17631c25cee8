//! A folder of Parquet files, partitioned like those of Hive: `fetched_date=2026-11-22/region=PL/RUN_ID.parquet`. Each
//! run adds its files and touches no other.

use std::fs::{self, File};
use std::path::Path;

use super::entries::entries;
use super::parquet;
use crate::model::{Document, RegionStats, Status};
use crate::output::error::WriteError;
use crate::output::file;

/// The name from which that of the temporary file is derived. The temporary file is in the dataset's folder itself, so
/// that the next run finds that of a killed one, whatever the date.
const PART: &str = "part.parquet";

/// Creates the folder if it is missing, and checks that files can be written into it.
///
/// # Errors
/// If the folder cannot be created or written to.
pub(in crate::output) fn check(folder: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(folder).map_err(WriteError::File)?;
    file::check(&folder.join(PART))
}

/// Adds a file for each region with a page, even if its chart is empty. A region that failed has no file.
///
/// # Errors
/// If a file cannot be written. Each file is then complete or absent.
pub(in crate::output) fn write(folder: &Path, document: &Document) -> Result<(), WriteError> {
    let entries = entries(document);
    let mut remaining = entries.as_slice();
    let date = format!("fetched_date={}", document.fetched_at.strftime("%F"));
    // Both lists are in the order requested.
    for RegionStats { region, status, .. } in &document.stats.regions {
        let (rows, others) = remaining.split_at(remaining.partition_point(|entry| entry.chart.region == *region));
        remaining = others;
        if *status == Status::Failed {
            continue;
        }
        let partition = format!("{date}/region={region}");
        fs::create_dir_all(folder.join(&partition)).map_err(WriteError::File)?;
        let name = format!("{partition}/{}.parquet", document.run_id);
        file::create(folder, &name, PART, |out| parquet::write_partition(rows, out))?;
    }
    // Makes the new folders durable, as the files already are.
    for created in [folder, &folder.join(date)] {
        let _ = File::open(created).and_then(|created| created.sync_all());
    }
    Ok(())
}
