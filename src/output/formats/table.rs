//! The format `table`: the merged chart for people, by best rank.

use std::io::{self, Write};

use console::measure_text_width;

use super::{Layout, Sequence};
use crate::model::{Document, MergedVideo};
use crate::output::Out;
use crate::output::columns::{Shrink, TextColumn, fit, join, left, right};
use crate::support::human::group_digits;
use crate::support::sanitize::one_line;

const TITLE: usize = 1;
const CHANNEL: usize = 2;
const VIEWS: usize = 3;

/// On a narrow terminal, the title keeps the most room. A number, or an id, is useless if truncated.
const SHRINKS: [Shrink; 8] =
    [(TITLE, 32), (CHANNEL, 16), (TITLE, 24), (CHANNEL, 10), (TITLE, 18), (CHANNEL, 0), (VIEWS, 0), (TITLE, 8)];

/// More than the longest title.
const WHOLE: usize = 10_000;

/// Writes a table for each document, which has a heading if there are several.
pub(super) fn write(sequence: Sequence<'_>, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
    for (index, document) in sequence.documents.enumerate() {
        let document = document?;
        let category = document.request.category_name();
        let heading = match (sequence.names_times, sequence.names_categories) {
            (true, true) => Some(format!("{}, {category}", document.fetched_at)),
            (true, false) => Some(document.fetched_at.to_string()),
            (false, true) => Some(category),
            (false, false) => None,
        };
        if let Some(heading) = heading {
            let gap = if index > 0 { "\n" } else { "" };
            writeln!(out, "{gap}{heading}")?;
        }
        write_one(&document, layout, out)?;
    }
    Ok(())
}

/// Writes a table. Each title is a link to its video, or there is a column with the video's id.
fn write_one(document: &Document, layout: Layout, out: &mut Out<'_>) -> io::Result<()> {
    let max_ranks = match layout.width {
        ..100 => 1,
        100..400 => 3,
        _ => usize::MAX,
    };
    let videos = document.by_best_rank();
    let mut rows: Vec<Vec<String>> =
        videos.iter().enumerate().map(|(index, video)| row(index + 1, video, max_ranks)).collect();
    let mut columns: Vec<TextColumn> = vec![right("#"), left("Title"), left("Channel"), right("Views"), left("Ranks")];
    if !layout.links {
        columns.push(left("Video"));
        rows.iter_mut().zip(&videos).for_each(|(row, video)| row.push(video.video.id.to_string()));
    }
    let mut lines = fit(&columns, &rows, layout.width, &SHRINKS);
    if layout.links {
        lines.iter_mut().skip(1).zip(&videos).for_each(|(line, video)| line[TITLE] = link(&line[TITLE], &video.url()));
    }
    lines.iter().try_for_each(|line| writeln!(out, "{}", join(line)))
}

fn row(number: usize, video: &MergedVideo, max_ranks: usize) -> Vec<String> {
    vec![
        number.to_string(),
        one_line(&video.video.title, WHOLE),
        one_line(&video.video.channel, WHOLE),
        video.video.views.map_or_else(|| "-".to_owned(), group_digits),
        best_ranks(video, max_ranks),
    ]
}

/// `PL 1, US 4, +2`: the best ranks, and how many more there are.
pub(in crate::output) fn best_ranks(video: &MergedVideo, max: usize) -> String {
    let mut ranks = video.ranks.clone();
    ranks.sort_by_key(|(_, rank)| *rank);
    let shown = ranks.iter().take(max).map(|(region, rank)| format!("{region} {rank}"));
    let more = ranks.len().saturating_sub(max);
    shown.chain((more > 0).then(|| format!("+{more}"))).collect::<Vec<_>>().join(", ")
}

/// The text of a cell as a terminal link (OSC 8). The padding behind it is not part of the link.
pub(in crate::output) fn link(cell: &str, url: &str) -> String {
    let text = cell.trim_end();
    let padding = measure_text_width(cell) - measure_text_width(text);
    format!("\u{1b}]8;;{url}\u{1b}\\{text}\u{1b}]8;;\u{1b}\\{:padding$}", "")
}
