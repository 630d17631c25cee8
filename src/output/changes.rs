//! What changed, for people and for programs.

use std::io::{self, Write};

use clap::ValueEnum;
use console::Term;
use jiff::Timestamp;

use super::grid::{left, lines, right};
use super::{OutputError, json, to_stream, width_of};
use crate::category::Category;
use crate::store::changes::{Changes, Move, RegionChanges};
use crate::text::one_line;

/// How changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// Prints the changes to standard output.
///
/// # Errors
/// Any fault of the stream but a closed pipe.
pub fn print(changes: &Changes, format: Format) -> Result<(), OutputError> {
    to_stream(io::stdout().lock(), |out| match format {
        Format::Json => json(changes, out),
        Format::Table => table(changes, width_of(&Term::stdout()), out),
    })
}

fn table(changes: &Changes, width: usize, out: &mut dyn Write) -> io::Result<()> {
    for (index, region) in changes.regions.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", heading(region))?;
        let columns = [left("What"), right("Rank"), right("Was"), right("In chart"), left("Title"), left("Channel")];
        let what =
            [("entered", &region.entered), ("left", &region.left), ("rose", &region.rose), ("fell", &region.fell)];
        let rows: Vec<Vec<String>> =
            what.into_iter().flat_map(|(what, moves)| moves.iter().map(move |each| row(what, each, region))).collect();
        if rows.is_empty() {
            continue;
        }
        for line in lines(&columns, &rows, width, 4) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// `PL, Music: 2026-11-22 14:00 to 21:00 UTC, 50 places: 5 entered, 5 left, 20 rose, 18 fell`
fn heading(region: &RegionChanges) -> String {
    let category = region.category_id.map_or_else(String::new, |id| {
        let category = Category::new(id);
        format!(", {}", category.name().map_or_else(|| format!("category {id}"), str::to_owned))
    });
    let source = if region.source == "youtube" { String::new() } else { format!(" ({})", region.source) };
    let (from, to) = (region.from.fetched_at, region.to.fetched_at);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let minute = |time: Timestamp| time.strftime("%H:%M").to_string();
    let to = if day(from) == day(to) { minute(to) } else { format!("{} {}", day(to), minute(to)) };
    format!(
        "{}{category}{source}: {} {} to {to} UTC, {} places: {} entered, {} left, {} rose, {} fell",
        region.region,
        day(from),
        minute(from),
        region.depth,
        region.entered.len(),
        region.left.len(),
        region.rose.len(),
        region.fell.len()
    )
}

fn row(what: &str, each: &Move, region: &RegionChanges) -> Vec<String> {
    let rank = |rank: Option<u32>| rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
    // A video that left was last there in the earlier fetch.
    let last = if each.rank.is_some() { region.to.fetched_at } else { region.from.fetched_at };
    vec![
        what.to_owned(),
        rank(each.rank),
        rank(each.previous_rank),
        span(last.duration_since(each.first_seen_at).as_secs()),
        one_line(&each.title, 120),
        one_line(&each.channel, 16),
    ]
}

/// `3d 4h`, `7h 0m`, `5m`
fn span(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => "new".to_owned(),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_for_people() {
        for (seconds, shown) in
            [(0, "new"), (59, "new"), (300, "5m"), (25_200, "7h 0m"), (273_600, "3d 4h"), (-5, "new")]
        {
            assert_eq!(span(seconds), shown);
        }
    }
}
