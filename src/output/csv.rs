//! The document's videos as CSV (RFC 4180), safe to open in a spreadsheet.

use std::io;

use super::entries::{Entry, entries};
use super::{Out, Rows};
use crate::model::category::Category;
use crate::model::language::Language;
use crate::model::region::Region;
use crate::model::{Document, MergedVideo};

/// Writes a heading and the rows.
///
/// # Errors
/// What the writer gives.
pub(super) fn write(document: &Document, rows: Rows, with_description: bool, out: &mut Out<'_>) -> io::Result<()> {
    let columns = || {
        COLUMNS.iter().filter(move |(name, _)| match *name {
            "description" => with_description,
            // The run's own stands in front of an entry.
            "fetched_at" => rows == Rows::Videos,
            _ => true,
        })
    };
    let cells = |video| columns().map(move |(_, cell)| cell(video));
    let names = columns().map(|(name, _)| *name);
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    match rows {
        Rows::Videos => {
            csv.write_record(names).map_err(io_error)?;
            for video in &document.videos {
                csv.write_record(cells(video).map(harmless)).map_err(io_error)?;
            }
        }
        Rows::Entries => {
            let front = ["run_id", "fetched_at", "source", "region", "rank"];
            csv.write_record(front.into_iter().chain(names)).map_err(io_error)?;
            let of_run = [document.run_id.clone(), document.fetched_at.to_string(), document.source.clone()];
            for Entry { region, rank, video, .. } in entries(document) {
                let front = of_run.iter().cloned().chain([region.to_string(), rank.to_string()]);
                csv.write_record(front.chain(cells(video)).map(harmless)).map_err(io_error)?;
            }
        }
    }
    csv.flush()
}

/// What the writer said. The crate's own conversion would hide its kind, a closed pipe for instance.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

type Column = (&'static str, fn(&MergedVideo) -> String);

/// The fields of a video in the document, in its order.
const COLUMNS: &[Column] = &[
    ("video_id", |row| row.video.id.to_string()),
    ("url", |row| row.url()),
    ("title", |row| row.video.title.to_string()),
    ("channel", |row| row.video.channel.to_string()),
    ("channel_id", |row| shown(row.video.channel_id.as_ref())),
    ("category_id", |row| shown(row.video.category.map(Category::id))),
    ("category", |row| shown(row.video.category.and_then(Category::name))),
    ("views", |row| shown(row.video.counts.views)),
    ("likes", |row| shown(row.video.counts.likes)),
    ("comments", |row| shown(row.video.counts.comments)),
    ("published_at", |row| shown(row.video.published_at)),
    ("duration_seconds", |row| shown(row.video.duration_seconds)),
    ("live", |row| row.video.live.as_str().to_owned()),
    ("embeddable", |row| shown(row.video.embeddable)),
    ("age_restricted", |row| shown(row.video.age_restricted)),
    ("tags", |row| row.video.tags.iter().collect::<Vec<_>>().join("|")),
    ("thumbnail", |row| shown(row.video.thumbnail.as_ref())),
    ("description", |row| shown(row.video.description.as_ref())),
    ("declared_language", |row| shown(row.video.declared_language.as_ref().map(Language::code))),
    ("primary_language", |row| row.primary_language().to_owned()),
    ("search_config", |row| row.search_config().to_owned()),
    ("regions", |row| joined(row, |region, _| region.to_string())),
    ("ranks", |row| joined(row, |region, rank| format!("{region}:{rank}"))),
    ("fetched_at", |row| row.fetched_at.to_string()),
];

/// An empty cell where there is nothing.
fn shown<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn joined(row: &MergedVideo, place: fn(Region, u32) -> String) -> String {
    row.ranks.iter().map(|(region, rank)| place(*region, *rank)).collect::<Vec<_>>().join("|")
}

/// Control characters other than line breaks become U+FFFD, and a cell that a spreadsheet would
/// take for a formula gets an apostrophe in front (OWASP, "CSV Injection"; the full-width signs
/// count as well in East Asian editions).
fn harmless(cell: String) -> String {
    let is_control = |character: char| character.is_control() && !matches!(character, '\n' | '\r');
    let cell = if cell.contains(is_control) { cell.replace(is_control, "\u{fffd}") } else { cell };
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\n', '\r', '＝', '＋', '－', '＠']);
    if is_formula { format!("'{cell}") } else { cell }
}
