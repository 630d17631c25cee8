//! The entries of charts as Parquet, for analysis at scale. Every file has the same columns, whatever was requested, so
//! that the files of many runs form one table.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::super::Out;
use super::entries::{FlatEntry, own_columns};
use crate::model::columns::Value;
use crate::model::video::COLUMNS;

/// Writes one file with all columns.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write(entries: &[FlatEntry<'_>], out: &mut Out<'_>) -> io::Result<()> {
    encode(entries, |_| true, out).map_err(io::Error::other)
}

/// Writes the file of a partition: without the region, which is in its path.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_partition(entries: &[FlatEntry<'_>], out: &mut Out<'_>) -> io::Result<()> {
    encode(entries, |name| name != "region", out).map_err(io::Error::other)
}

type AnyError = Box<dyn Error + Send + Sync>;

fn encode(entries: &[FlatEntry<'_>], is_wanted: impl Fn(&str) -> bool, out: &mut Out<'_>) -> Result<(), AnyError> {
    // All columns are nullable, so that the schema does not depend on the data of a run.
    let mut arrays = Vec::new();
    for column in own_columns().iter().filter(|column| is_wanted(column.name)) {
        arrays.push((column.name, array(&column.value, entries.iter())?, true));
    }
    for column in COLUMNS {
        arrays.push((column.name, array(&column.value, entries.iter().map(|entry| entry.video))?, true));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(arrays)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Names the parts of lists and maps as the format's specification does.
        .set_coerce_types(true)
        .set_created_by(concat!("trendfetch ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(out.write_all(&bytes)?)
}

/// The values of a column.
fn array<'r, R: 'r>(value: &Value<R>, rows: impl Iterator<Item = &'r R>) -> Result<ArrayRef, AnyError> {
    Ok(match value {
        Value::Text(value) | Value::FreeText(value) => Arc::new(rows.map(value).collect::<StringArray>()),
        Value::MadeText(value) => Arc::new(rows.map(|row| Some(value(row))).collect::<StringArray>()),
        // A count beyond 2^63 - 1 is null, as in the history: no type that all readers support can hold it.
        Value::Count(value) => Arc::new(rows.map(|row| i64::try_from(value(row)?).ok()).collect::<Int64Array>()),
        Value::Flag(value) => Arc::new(rows.map(value).collect::<BooleanArray>()),
        // UTC, microseconds.
        Value::Time(value) => {
            let microseconds = rows.map(|row| value(row).map(Timestamp::as_microsecond));
            Arc::new(microseconds.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        Value::Tags(value) => list(rows.map(|row| value(row).iter())),
        // Columns of a merged video, which is not a row here.
        Value::Regions(_) | Value::Ranks(_) => return Err("a row of one chart has no list of regions".into()),
    })
}

fn list<'a, T: Iterator<Item = &'a str>>(rows: impl Iterator<Item = T>) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new());
    rows.for_each(|texts| lists.append_value(texts.map(Some)));
    Arc::new(lists.finish())
}
