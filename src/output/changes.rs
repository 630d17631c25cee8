//! What changed, for people and for programs.

use std::io::{self, Write};

use clap::ValueEnum;
use console::{Style, Term};
use jiff::Timestamp;

use super::columns::{left, lines, right, width_of};
use super::formats::json;
use super::{Descriptor, Out, OutputError, print_to};
use crate::history::changes::{Changes, ChartRanks, Move, RegionChanges};
use crate::model::category::Category;
use crate::support::human::format_span;
use crate::support::sanitize::one_line;

/// How changes are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

/// How many runs a line of ranks shows.
pub fn trail_columns(format: Format) -> usize {
    match format {
        Format::Json => 0,
        Format::Table if width_of(&Term::stdout()) < 100 => 8,
        Format::Table => 16,
    }
}

/// Prints the changes to standard output.
///
/// # Errors
/// Any fault of the stream but a closed pipe.
pub fn print(changes: &Changes, format: Format, color: bool) -> Result<(), OutputError> {
    print_to(&Descriptor::stdout(), |out| match format {
        Format::Json => json(changes, out),
        Format::Table => table(changes, width_of(&Term::stdout()), color, out),
    })
}

fn table(changes: &Changes, width: usize, color: bool, out: &mut Out<'_>) -> io::Result<()> {
    let bold = Style::new().bold().force_styling(color);
    for (index, region) in changes.regions.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", bold.apply_to(heading(region)))?;
        let columns = [
            left("What"),
            right("Rank"),
            right("Was"),
            right("In chart"),
            left("Ranks"),
            left("Title"),
            left("Channel"),
        ];
        // Colour repeats what the words say.
        let plain = Style::new();
        let what = [
            ("entered", &region.entered, plain.clone().cyan()),
            ("left", &region.left, plain.clone().dim()),
            ("rose", &region.rose, plain.clone().green()),
            ("fell", &region.fell, plain.yellow()),
        ];
        let rows: Vec<Vec<String>> = what
            .iter()
            .flat_map(|(what, moves, style)| {
                let what = style.clone().force_styling(color).apply_to(what).to_string();
                moves.iter().map(move |each| row(what.clone(), each, region))
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        for line in lines(&columns, &rows, width, columns.len() - 2) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// `PL, Music: 2026-11-22 14:00 to 21:00 UTC, 50 places: 5 entered, 5 left, 20 rose, 18 fell`
fn heading(region: &RegionChanges) -> String {
    let name = |id| Category::new(id).name().map_or_else(|| format!("category {id}"), str::to_owned);
    let category = match region.series.category_id {
        Some(id) => format!(", {}", name(id)),
        None if region.names_category => ", all categories".to_owned(),
        None => String::new(),
    };
    // A document that was loaded may hold anything there.
    let source = match region.series.source.as_str() {
        "youtube" => String::new(),
        source => format!(" ({})", one_line(source, 60)),
    };
    let (from, to) = (region.from.fetched_at, region.to.fetched_at);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let minute = |time: Timestamp| time.strftime("%H:%M").to_string();
    let to = if day(from) == day(to) { minute(to) } else { format!("{} {}", day(to), minute(to)) };
    format!(
        "{}{category}{source}: {} {} to {to} UTC, {} places: {} entered, {} left, {} rose, {} fell",
        region.region,
        day(from),
        minute(from),
        region.max_rank,
        region.entered.len(),
        region.left.len(),
        region.rose.len(),
        region.fell.len()
    )
}

/// `▁▃▆█·?`: a column for each run, `·` where the video was not in the chart, and `?` where that is not known, since the
/// run asked for fewer places than the `max_rank` down to which two are compared. Each bar stands for twice the rank of the
/// next higher one (1, 2, to 4, to 8, … beyond 64), so that the top, where a place counts most, is told apart.
fn sparkline(video_id: &str, recent: &[ChartRanks], max_rank: u32) -> String {
    const BARS: [char; 8] = ['█', '▇', '▆', '▅', '▄', '▃', '▂', '▁'];
    let doublings = |rank: u32| (u32::BITS - rank.saturating_sub(1).leading_zeros()) as usize;
    let bar = |rank: &u32| BARS[doublings(*rank).min(BARS.len() - 1)];
    let absent = |chart: &ChartRanks| if chart.max_results < max_rank { '?' } else { '·' };
    recent.iter().map(|chart| chart.by_video.get(video_id).map_or_else(|| absent(chart), bar)).collect()
}

fn row(what: String, each: &Move, region: &RegionChanges) -> Vec<String> {
    let rank = |rank: Option<u32>| rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
    // A video that left was last there in the earlier fetch.
    let last = if each.rank.is_some() { region.to.fetched_at } else { region.from.fetched_at };
    vec![
        what,
        rank(each.rank),
        rank(each.previous_rank),
        in_chart(last.duration_since(each.first_seen_at).as_secs()),
        sparkline(&each.video_id, &region.recent_ranks, region.max_rank),
        one_line(&each.title, 120),
        one_line(&each.channel, 16),
    ]
}

fn in_chart(seconds: i64) -> String {
    if seconds < 60 { "new".to_owned() } else { format_span(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_the_rank_the_higher_the_bar() {
        let ranks = [Some(1), Some(2), Some(4), Some(5), None, Some(16), Some(17), Some(64), Some(65), Some(u32::MAX)];
        let mut trail = ranks.map(|rank| ChartRanks {
            by_video: rank.map(|rank| ("a".to_owned(), rank)).into_iter().collect(),
            max_results: 50,
        });
        assert_eq!(sparkline("a", &trail, 50), "█▇▆▅·▄▃▂▁▁");
        assert_eq!(sparkline("b", &trail[..2], 50), "··");
        assert_eq!(sparkline("a", &[], 50), "");
        // What a run did not ask for is not known.
        trail[0].max_results = 49;
        trail[4].max_results = 5;
        assert_eq!(sparkline("a", &trail, 50), "█▇▆▅?▄▃▂▁▁");
        assert_eq!(sparkline("b", &trail[..2], 50), "?·");
    }
}
