//! The document's videos as CSV (RFC 4180), safe to open in a spreadsheet.

use std::io::{self, Write};

use super::{Entry, Rows, entries};
use crate::category::Category;
use crate::model::{Live, Report, TrendingVideo};

/// Writes a heading and the rows.
///
/// # Errors
/// What the writer gives.
pub(super) fn write(report: &Report, rows: Rows, with_description: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(out);
    let mut columns: Vec<&str> =
        VIDEO.iter().copied().filter(|column| with_description || *column != "description").collect();
    match rows {
        Rows::Videos => {
            csv.write_record(&columns)?;
            for video in &report.videos {
                csv.write_record(columns.iter().map(|column| harmless(cell(video, column))))?;
            }
        }
        Rows::Entries => {
            // The run's time stands in front; a row has one of that name.
            columns.retain(|column| *column != "fetched_at");
            csv.write_record(ENTRY.iter().chain(&columns))?;
            for Entry { region, rank, video, .. } in entries(report) {
                let head = [
                    report.run_id.clone(),
                    report.fetched_at.to_string(),
                    report.source.clone(),
                    region.to_string(),
                    rank.to_string(),
                ];
                let tail = columns.iter().map(|column| cell(video, column));
                csv.write_record(head.into_iter().chain(tail).map(harmless))?;
            }
        }
    }
    csv.flush()
}

/// The columns of an entry that are not the video's.
const ENTRY: &[&str] = &["run_id", "fetched_at", "source", "region", "rank"];

/// The fields of a video in the document, in its order.
const VIDEO: &[&str] = &[
    "video_id",
    "url",
    "title",
    "channel",
    "channel_id",
    "category_id",
    "category",
    "views",
    "likes",
    "comments",
    "published_at",
    "duration_seconds",
    "live",
    "embeddable",
    "age_restricted",
    "tags",
    "thumbnail",
    "description",
    "declared_language",
    "primary_language",
    "search_config",
    "regions",
    "ranks",
    "fetched_at",
];

fn cell(row: &TrendingVideo, column: &str) -> String {
    fn shown<T: ToString>(value: Option<T>) -> String {
        value.map(|value| value.to_string()).unwrap_or_default()
    }
    let video = &row.video;
    match column {
        "video_id" => video.id.clone(),
        "url" => row.url(),
        "title" => video.title.clone(),
        "channel" => video.channel.clone(),
        "channel_id" => shown(video.channel_id.as_ref()),
        "category_id" => shown(video.category.map(Category::id)),
        "category" => shown(video.category.and_then(Category::name)),
        "views" => shown(video.counts.views),
        "likes" => shown(video.counts.likes),
        "comments" => shown(video.counts.comments),
        "published_at" => shown(video.published_at),
        "duration_seconds" => shown(video.duration_seconds),
        "live" => match video.live {
            Live::None => "none",
            Live::Live => "live",
            Live::Upcoming => "upcoming",
        }
        .to_owned(),
        "embeddable" => shown(video.embeddable),
        "age_restricted" => shown(video.age_restricted),
        "tags" => video.tags.join("|"),
        "thumbnail" => shown(video.thumbnail.as_ref()),
        "description" => shown(video.description.as_ref()),
        "declared_language" => shown(video.declared_language.as_ref()),
        "primary_language" => row.primary_language().to_owned(),
        "search_config" => row.search_config().to_owned(),
        "regions" => row.places.iter().map(|(region, _)| region.to_string()).collect::<Vec<_>>().join("|"),
        "ranks" => row.places.iter().map(|(region, rank)| format!("{region}:{rank}")).collect::<Vec<_>>().join("|"),
        _ => row.fetched_at.to_string(),
    }
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
