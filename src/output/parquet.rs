//! The places of charts as Parquet, for those who analyse at scale. Every file has the same columns, whatever was asked
//! for, so that files of many runs are one table.

use std::error::Error;
use std::io::{self, Write};
use std::sync::Arc;

use arrow_array::builder::{Int64Builder, ListBuilder, MapBuilder, StringBuilder};
use arrow_array::{ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use jiff::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Out;
use super::entries::Entry;
use crate::model::category::Category;
use crate::model::language::Language;

/// Writes one file with all columns.
///
/// # Errors
/// What the writer gives.
pub(super) fn write(entries: &[Entry<'_>], out: &mut Out<'_>) -> io::Result<()> {
    encode(entries, |_| true, out).map_err(io::Error::other)
}

/// Writes the file of a partition: without the region, which is in its path.
///
/// # Errors
/// As above.
pub(super) fn write_partition(entries: &[Entry<'_>], out: &mut Out<'_>) -> io::Result<()> {
    encode(entries, |name| name != "region", out).map_err(io::Error::other)
}

fn encode(
    entries: &[Entry<'_>],
    is_wanted: impl Fn(&str) -> bool,
    out: &mut Out<'_>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arrays = Vec::with_capacity(COLUMNS.len());
    for (name, cells) in COLUMNS.iter().filter(|(name, _)| is_wanted(name)) {
        // All may be null: whether a column is does not depend on what a run brought.
        arrays.push((*name, cells.array(entries)?, true));
    }
    let batch = RecordBatch::try_from_iter_with_nullable(arrays)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // Lists and maps as the format's specification names their parts.
        .set_coerce_types(true)
        .set_created_by(concat!("trendfetch ", env!("CARGO_PKG_VERSION")).to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties))?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(out.write_all(&bytes)?)
}

/// What a column holds, and how a row's cell is found.
enum Cells {
    Text(fn(&Entry<'_>) -> Option<String>),
    /// A count beyond 2^63 - 1 is null, as in the history: no type of all readers holds it.
    Number(fn(&Entry<'_>) -> Option<u64>),
    Flag(fn(&Entry<'_>) -> Option<bool>),
    /// UTC, microseconds.
    Time(fn(&Entry<'_>) -> Option<Timestamp>),
    Texts(fn(&Entry<'_>) -> Vec<String>),
    Ranks,
}

impl Cells {
    fn array(&self, entries: &[Entry<'_>]) -> Result<ArrayRef, Box<dyn Error + Send + Sync>> {
        Ok(match self {
            Cells::Text(cell) => Arc::new(entries.iter().map(cell).collect::<StringArray>()),
            Cells::Number(cell) => {
                let number = |entry| cell(entry).and_then(|number| i64::try_from(number).ok());
                Arc::new(entries.iter().map(number).collect::<Int64Array>())
            }
            Cells::Flag(cell) => Arc::new(entries.iter().map(cell).collect::<BooleanArray>()),
            Cells::Time(cell) => {
                let time = |entry| cell(entry).map(Timestamp::as_microsecond);
                Arc::new(entries.iter().map(time).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Cells::Texts(cell) => {
                let mut lists = ListBuilder::new(StringBuilder::new());
                entries.iter().for_each(|entry| lists.append_value(cell(entry).into_iter().map(Some)));
                Arc::new(lists.finish())
            }
            Cells::Ranks => {
                let mut maps = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
                for entry in entries {
                    for (region, rank) in &entry.video.ranks {
                        maps.keys().append_value(region.code());
                        maps.values().append_value(i64::from(*rank));
                    }
                    maps.append(true)?;
                }
                Arc::new(maps.finish())
            }
        })
    }
}

/// The columns of `--rows entries`, in their order; a description is null where it was not asked for.
const COLUMNS: &[(&str, Cells)] = &[
    ("run_id", Cells::Text(|row| Some(row.document.run_id.clone()))),
    ("fetched_at", Cells::Time(|row| Some(row.document.fetched_at))),
    ("source", Cells::Text(|row| Some(row.document.source.clone()))),
    ("region", Cells::Text(|row| Some(row.region.to_string()))),
    ("rank", Cells::Number(|row| Some(row.rank.into()))),
    ("video_id", Cells::Text(|row| Some(row.video.video.id.to_string()))),
    ("url", Cells::Text(|row| Some(row.video.url()))),
    ("title", Cells::Text(|row| Some(row.video.video.title.to_string()))),
    ("channel", Cells::Text(|row| Some(row.video.video.channel.to_string()))),
    ("channel_id", Cells::Text(|row| text(row.video.video.channel_id.as_ref()))),
    ("category_id", Cells::Number(|row| row.video.video.category.map(|category| category.id().into()))),
    ("category", Cells::Text(|row| text(row.video.video.category.and_then(Category::name)))),
    ("views", Cells::Number(|row| row.video.video.counts.views)),
    ("likes", Cells::Number(|row| row.video.video.counts.likes)),
    ("comments", Cells::Number(|row| row.video.video.counts.comments)),
    ("published_at", Cells::Time(|row| row.video.video.published_at)),
    ("duration_seconds", Cells::Number(|row| row.video.video.duration_seconds)),
    ("live", Cells::Text(|row| text(Some(row.video.video.live.as_str())))),
    ("embeddable", Cells::Flag(|row| row.video.video.embeddable)),
    ("age_restricted", Cells::Flag(|row| row.video.video.age_restricted)),
    ("tags", Cells::Texts(|row| row.video.video.tags.iter().map(str::to_owned).collect())),
    ("thumbnail", Cells::Text(|row| text(row.video.video.thumbnail.as_ref()))),
    ("description", Cells::Text(|row| text(row.video.video.description.as_ref()))),
    ("declared_language", Cells::Text(|row| text(row.video.video.declared_language.as_ref().map(Language::code)))),
    ("primary_language", Cells::Text(|row| text(Some(row.video.primary_language())))),
    ("search_config", Cells::Text(|row| text(Some(row.video.search_config())))),
    ("regions", Cells::Texts(|row| row.video.ranks.iter().map(|(region, _)| region.to_string()).collect())),
    ("ranks", Cells::Ranks),
];

fn text<T: AsRef<str>>(value: Option<T>) -> Option<String> {
    value.map(|value| value.as_ref().to_owned())
}
