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

/// A page ends with the first chart that fills it up to this many rows. Spark also skips the pages within a row group.
const PAGE: usize = 1_024;

/// Writes the entries of all charts, run by run, those of a run by region and rank.
///
/// # Errors
/// Any error of the writer or of the documents.
pub(super) fn write_entries(
    documents: impl Iterator<Item = io::Result<Arc<Document>>>,
    out: &mut Out<'_>,
) -> io::Result<()> {
    encode_entries(documents, out).map_err(io_error)
}

/// Writes the regions that the run requested, by code.
///
/// # Errors
/// Any error of the writer.
pub(super) fn write_regions(document: &Arc<Document>, out: &mut Out<'_>) -> io::Result<()> {
    encode_regions(document, out).map_err(io_error)
}

type AnyError = Box<dyn Error + Send + Sync>;

/// The error of the output as it is, since a closed pipe is recognized by its kind.
fn io_error(error: AnyError) -> io::Error {
    error.downcast::<io::Error>().map_or_else(io::Error::other, |error| *error)
}

/// A column with all its values, and whether it may contain nulls.
type ArrayColumn = (&'static str, ArrayRef, bool);

fn encode_entries(
    documents: impl Iterator<Item = io::Result<Arc<Document>>>,
    out: &mut Out<'_>,
) -> Result<(), AnyError> {
    let mut documents = documents.peekable();
    let first = documents.next_if(|_| true);
    // Each run is sorted, but several together are not.
    let is_sorted = documents.peek().is_none();
    let no_columns = entry_columns(&[])?;
    let properties = properties()
        .set_sorting_columns(is_sorted.then(|| sorting(&no_columns, &["region", "rank"])).flatten())
        // The entries of one video over time.
        .set_column_bloom_filter_max_ndv("video_id".into(), ROW_GROUP as u64);
    let mut file = ParquetFile::new(no_columns, properties.build(), out)?;
    for document in first.into_iter().chain(documents) {
        let document = document?;
        let mut entries = entries(&document);
        entries.sort_by_key(|entry| (entry.chart.region, entry.rank));
        file.add_run(&document.run_id);
        let columns = entry_columns(&entries)?;
        file.write(columns, entries.chunk_by(|one, other| one.chart.region == other.chart.region).map(<[_]>::len))?;
    }
    file.finish()
}

fn entry_columns(entries: &[FlatEntry<'_>]) -> Result<Vec<ArrayColumn>, AnyError> {
    let mut columns = Vec::new();
    for column in &own_columns() {
        columns.push(array_column(column, entries.iter())?);
    }
    for column in COLUMNS {
        columns.push(array_column(column, entries.iter().map(|entry| entry.video))?);
    }
    Ok(columns)
}

fn encode_regions(document: &Arc<Document>, out: &mut Out<'_>) -> Result<(), AnyError> {
    let regions = regions::regions(document);
    let columns = regions::columns();
    let columns: Vec<_> =
        columns.iter().map(|column| array_column(column, regions.iter())).collect::<Result<_, _>>()?;
    let properties = properties().set_sorting_columns(sorting(&columns, &["region"]));
    let mut file = ParquetFile::new(columns.clone(), properties.build(), out)?;
    file.add_run(&document.run_id);
    file.write(columns, [regions.len()].into_iter())?;
    file.finish()
}

fn metadata(key: &str, value: String) -> KeyValue {
    KeyValue::new(key.to_owned(), value)
}

fn properties() -> WriterPropertiesBuilder {
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Names the parts of lists as the format's specification does.
        .set_coerce_types(true)
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE)
        // Within a row group, the rows are in the order of no other column.
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_column_statistics_enabled("region".into(), EnabledStatistics::Page)
        .set_key_value_metadata(Some(vec![metadata("schema_version", SCHEMA_VERSION.to_string())]))
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

/// A file that is written row group by row group, so that only one of them needs to be in memory.
struct ParquetFile<'a, 'b> {
    writer: ArrowWriter<Vec<u8>>,
    out: &'a mut Out<'b>,
    run_ids: Vec<String>,
}

impl<'a, 'b> ParquetFile<'a, 'b> {
    /// Begins a file with the schema of these columns.
    fn new(
        columns: Vec<ArrayColumn>,
        properties: WriterProperties,
        out: &'a mut Out<'b>,
    ) -> Result<ParquetFile<'a, 'b>, AnyError> {
        let schema = RecordBatch::try_from_iter_with_nullable(columns)?.schema();
        let writer = ArrowWriter::try_new(Vec::new(), schema, Some(properties))?;
        Ok(ParquetFile { writer, out, run_ids: Vec::new() })
    }

    /// Names a run in the metadata.
    fn add_run(&mut self, id: &str) {
        self.run_ids.push(id.to_owned());
    }

    /// Writes rows, whose charts have these lengths. A row group ends with the chart that fills it.
    fn write(&mut self, columns: Vec<ArrayColumn>, charts: impl Iterator<Item = usize>) -> Result<(), AnyError> {
        let batch = RecordBatch::try_from_iter_with_nullable(columns)?;
        let mut start = 0;
        for length in charts {
            self.writer.write(&batch.slice(start, length))?;
            start += length;
            if self.writer.in_progress_rows() >= ROW_GROUP {
                self.writer.flush()?;
                self.write_out()?;
            }
        }
        Ok(())
    }

    /// Passes on what is encoded. The writer itself counts the bytes.
    fn write_out(&mut self) -> io::Result<()> {
        let bytes = std::mem::take(self.writer.inner_mut());
        self.out.write_all(&bytes)
    }

    fn finish(mut self) -> Result<(), AnyError> {
        self.writer.append_key_value_metadata(metadata("run_id", self.run_ids.join(",")));
        self.writer.finish()?;
        Ok(self.write_out()?)
    }
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
