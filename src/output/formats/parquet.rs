//! Parquet, for analysis at scale: the entries of charts, and the regions of runs. All files of a table have the same
//! columns, whatever was requested, so that the files of many runs form one table.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};

use super::super::Out;
use super::entries::{FlatEntry, entries, own_columns};
use super::regions;
use crate::model::columns::{Column, Value};
use crate::model::video::COLUMNS;
use crate::model::{Document, SCHEMA_VERSION};

/// The columns without nulls. All others may be null in any file, so that the schema does not depend on the data.
const REQUIRED: [&str; 9] =
    ["run_id", "fetched_at", "source", "region", "rank", "video_id", "status", "videos", "max_results"];

/// A row group ends with the first chart that fills it up to this many entries. DuckDB skips row groups, here by region.
/// Smaller ones would slow down every query that skips nothing: with 1,000 entries, DuckDB takes twice as long.
const ROW_GROUP: usize = 5_000;

/// Spark also skips the pages within a row group.
const PAGE: usize = 1_024;

/// Writes the entries of all charts, by region and rank, those of several categories one category after the other.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_entries(documents: &[Arc<Document>], out: &mut Out<'_>) -> io::Result<()> {
    encode_entries(documents, out).map_err(io::Error::other)
}

/// Writes the regions that the run requested, by code.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_regions(document: &Arc<Document>, out: &mut Out<'_>) -> io::Result<()> {
    encode_regions(document, out).map_err(io::Error::other)
}

type AnyError = Box<dyn Error + Send + Sync>;

/// A column with all its values, and whether it may contain nulls.
type ArrayColumn = (&'static str, ArrayRef, bool);

fn encode_entries(documents: &[Arc<Document>], out: &mut Out<'_>) -> Result<(), AnyError> {
    let mut entries: Vec<FlatEntry<'_>> = documents.iter().flat_map(|document| entries(document)).collect();
    entries.sort_by_key(|entry| (entry.document.request.category_id, entry.chart.region, entry.rank));
    let mut columns = Vec::new();
    for column in &own_columns() {
        columns.push(array_column(column, entries.iter())?);
    }
    for column in COLUMNS {
        columns.push(array_column(column, entries.iter().map(|entry| entry.video))?);
    }
    let is_sorted = documents.len() == 1;
    let properties = properties(documents)
        .set_sorting_columns(is_sorted.then(|| sorting(&columns, &["region", "rank"])).flatten())
        // The entries of one video over time.
        .set_column_bloom_filter_max_ndv("video_id".into(), ROW_GROUP as u64);
    encode(columns, &row_groups(&entries), properties.build(), out)
}

fn encode_regions(document: &Arc<Document>, out: &mut Out<'_>) -> Result<(), AnyError> {
    let regions = regions::regions(document);
    let columns = regions::columns();
    let columns: Vec<_> =
        columns.iter().map(|column| array_column(column, regions.iter())).collect::<Result<_, _>>()?;
    let properties = properties(std::slice::from_ref(document)).set_sorting_columns(sorting(&columns, &["region"]));
    encode(columns, &[regions.len()], properties.build(), out)
}

/// The number of entries in each row group.
fn row_groups(entries: &[FlatEntry<'_>]) -> Vec<usize> {
    let mut groups = vec![0];
    for chart in entries.chunk_by(|one, other| one.chart.region == other.chart.region) {
        match groups.last_mut() {
            Some(group) if *group < ROW_GROUP => *group += chart.len(),
            _ => groups.push(chart.len()),
        }
    }
    groups
}

fn properties(documents: &[Arc<Document>]) -> WriterPropertiesBuilder {
    let run_ids: Vec<&str> = documents.iter().map(|document| document.run_id.as_str()).collect();
    let metadata = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Names the parts of lists as the format's specification does.
        .set_coerce_types(true)
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE)
        // Within a row group, the rows are in the order of no other column.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled("region".into(), EnabledStatistics::Page)
        .set_key_value_metadata(Some(vec![
            metadata("schema_version", SCHEMA_VERSION.to_string()),
            metadata("run_id", run_ids.join(",")),
        ]))
        .set_created_by(concat!("trendfetch ", env!("CARGO_PKG_VERSION")).to_owned())
}

/// Tells readers by which columns the rows are sorted.
fn sorting(columns: &[ArrayColumn], names: &[&str]) -> Option<Vec<SortingColumn>> {
    let sorting_column = |name| {
        let position = columns.iter().position(|(column, ..)| column == name)?;
        Some(SortingColumn { column_idx: i32::try_from(position).ok()?, descending: false, nulls_first: false })
    };
    names.iter().map(sorting_column).collect()
}

fn encode(
    columns: Vec<ArrayColumn>,
    row_groups: &[usize],
    properties: WriterProperties,
    out: &mut Out<'_>,
) -> Result<(), AnyError> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    let mut start = 0;
    for length in row_groups {
        writer.write(&batch.slice(start, *length))?;
        writer.flush()?;
        start += length;
    }
    writer.close()?;
    Ok(out.write_all(&bytes)?)
}

fn array_column<'r, R: 'r>(column: &Column<R>, rows: impl Iterator<Item = &'r R>) -> Result<ArrayColumn, AnyError> {
    Ok((column.name, array(&column.value, rows)?, !REQUIRED.contains(&column.name)))
}

/// The values of a column.
fn array<'r, R: 'r>(value: &Value<R>, rows: impl Iterator<Item = &'r R>) -> Result<ArrayRef, AnyError> {
    Ok(match value {
        Value::Text(value) | Value::FreeText(value) => Arc::new(rows.map(value).collect::<StringArray>()),
        Value::MadeText(value) => Arc::new(rows.map(|row| Some(value(row))).collect::<StringArray>()),
        // All numbers have the type that readers choose for those of JSON. A count beyond 2^63 - 1 is null, as in the
        // history: no type that all readers support can hold it.
        Value::Count(value) => Arc::new(rows.map(|row| i64::try_from(value(row)?).ok()).collect::<Int64Array>()),
        Value::Flag(value) => Arc::new(rows.map(value).collect::<BooleanArray>()),
        // UTC, microseconds.
        Value::Time(value) => {
            let microseconds = rows.map(|row| value(row).map(Timestamp::as_microsecond));
            Arc::new(microseconds.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        Value::Tags(value) => {
            let mut lists = ListBuilder::new(StringBuilder::new());
            rows.for_each(|row| lists.append_value(value(row).iter().map(Some)));
            Arc::new(lists.finish())
        }
        // Columns of a merged video, which is not a row here.
        Value::Regions(_) | Value::Ranks(_) => return Err("a row of one chart has no list of regions".into()),
    })
}
