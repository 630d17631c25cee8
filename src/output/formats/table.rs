//! The format `table`: the merged chart for people.

use std::io::{self, Write};

use crate::model::{Document, MergedVideo};
use crate::output::Out;
use crate::output::columns::{align, left, right};
use crate::support::human::group_digits;
use crate::support::sanitize::one_line;

/// Writes the table, at most `width` characters wide.
pub(super) fn write(document: &Document, width: usize, out: &mut Out<'_>) -> io::Result<()> {
    let rows: Vec<Vec<String>> =
        document.videos.iter().enumerate().map(|(index, video)| row(index + 1, video)).collect();
    let columns = [right("#"), left("Title"), left("Channel"), right("Views"), left("Rank by region")];
    for line in align(&columns, &rows, width, 1) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn row(number: usize, video: &MergedVideo) -> Vec<String> {
    let mut ranks: Vec<String> = video.ranks.iter().take(2).map(|(region, rank)| format!("{region} {rank}")).collect();
    if video.ranks.len() > ranks.len() {
        ranks.push(format!("+{}", video.ranks.len() - ranks.len()));
    }
    vec![
        number.to_string(),
        one_line(&video.video.title, 120),
        one_line(&video.video.channel, 16),
        video.video.views.map_or_else(|| "-".to_owned(), group_digits),
        ranks.join(", "),
    ]
}
