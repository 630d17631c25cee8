//! The merged chart as a table for people.

use std::io::{self, Write};

use super::Out;
use super::columns::{left, lines, right};
use crate::support::human::grouped;
use crate::model::{Report, TrendingVideo};
use crate::support::sanitize::one_line;

/// Writes the table, at most `width` columns wide.
///
/// # Errors
/// What the writer gives.
pub(super) fn write(report: &Report, width: usize, out: &mut Out<'_>) -> io::Result<()> {
    let rows: Vec<Vec<String>> = report.videos.iter().enumerate().map(|(index, video)| row(index + 1, video)).collect();
    let columns = [right("#"), left("Title"), left("Channel"), right("Views"), left("Rank by region")];
    for line in lines(&columns, &rows, width, 1) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn row(number: usize, video: &TrendingVideo) -> Vec<String> {
    let facts = &video.video;
    let mut ranks: Vec<String> = video.places.iter().take(2).map(|(region, rank)| format!("{region} {rank}")).collect();
    if video.places.len() > ranks.len() {
        ranks.push(format!("+{}", video.places.len() - ranks.len()));
    }
    vec![
        number.to_string(),
        one_line(&facts.title, 120),
        one_line(&facts.channel, 16),
        facts.counts.views.map_or_else(|| "-".to_owned(), grouped),
        ranks.join(", "),
    ]
}
