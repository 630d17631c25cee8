//! All moves, for people.

use std::io::{self, Write};

use console::Style;
use jiff::Timestamp;

use crate::history::changes::{ChartRanks, Move, RegionTrends};
use crate::model::category::Category;
use crate::output::Out;
use crate::output::columns::{align, left, right};
use crate::support::human::format_span;
use crate::support::sanitize::one_line;

pub(super) fn write(regions: &[RegionTrends], width: usize, color: bool, out: &mut Out<'_>) -> io::Result<()> {
    let bold = Style::new().bold().force_styling(color);
    for (index, region) in regions.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}", bold.apply_to(heading(region)))?;
        let columns = [
            left("Change"),
            right("Rank"),
            right("Previous"),
            right("Time in chart"),
            left("Trend"),
            left("Title"),
            left("Channel"),
        ];
        // The words say the same without colour.
        let plain = Style::new();
        let changes = [
            ("entered", &region.changes.entered, plain.clone().cyan()),
            ("left", &region.changes.left, plain.clone().dim()),
            ("rose", &region.changes.rose, plain.clone().green()),
            ("fell", &region.changes.fell, plain.yellow()),
        ];
        let rows: Vec<Vec<String>> = changes
            .iter()
            .flat_map(|(change, moves, style)| {
                let change = style.clone().force_styling(color).apply_to(change).to_string();
                moves.iter().map(move |each| row(change.clone(), each, region))
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        for line in align(&columns, &rows, width, columns.len() - 2) {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

/// `PL, Music: 2026-11-22 14:00 to 21:00 UTC, top 50: 5 entered, 5 left, 20 rose, 18 fell`
fn heading(trends: &RegionTrends) -> String {
    let region = &trends.changes;
    let category = match region.series.category_id {
        Some(id) => format!(", {}", Category::new(id)),
        None if trends.names_category => ", all categories".to_owned(),
        None => String::new(),
    };
    // A loaded document may name any source.
    let source = match region.series.source.as_str() {
        "youtube" => String::new(),
        source => format!(" ({})", one_line(source, 60)),
    };
    let (from, to) = (region.from.fetched_at, region.to.fetched_at);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let minute = |time: Timestamp| time.strftime("%H:%M").to_string();
    let to = if day(from) == day(to) { minute(to) } else { format!("{} {}", day(to), minute(to)) };
    format!(
        "{}{category}{source}: {} {} to {to} UTC, top {}: {} entered, {} left, {} rose, {} fell",
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

/// `▁▃▆█·?`: one character for each run. `·` means that the video was not in the chart, and `?` that this is unknown,
/// because the run fetched fewer entries than are compared. From bar to bar the rank doubles (1, 2, to 4, to 8, … beyond
/// 64), so that differences show at the top of the chart, where they matter most.
fn sparkline(video_id: &str, recent: &[ChartRanks], max_rank: u32) -> String {
    const BARS: [char; 8] = ['█', '▇', '▆', '▅', '▄', '▃', '▂', '▁'];
    let doublings = |rank: u32| (u32::BITS - rank.saturating_sub(1).leading_zeros()) as usize;
    let bar = |rank: &u32| BARS[doublings(*rank).min(BARS.len() - 1)];
    let absent = |chart: &ChartRanks| if chart.max_results < max_rank { '?' } else { '·' };
    recent.iter().map(|chart| chart.by_video.get(video_id).map_or_else(|| absent(chart), bar)).collect()
}

fn row(change: String, each: &Move, trends: &RegionTrends) -> Vec<String> {
    let region = &trends.changes;
    let rank = |rank: Option<u32>| rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string());
    // A video that left was last seen in the earlier fetch.
    let last = if each.rank.is_some() { region.to.fetched_at } else { region.from.fetched_at };
    vec![
        change,
        rank(each.rank),
        rank(each.previous_rank),
        time_in_chart(last.duration_since(each.first_seen_at).as_secs()),
        sparkline(&each.video_id, &trends.recent_ranks, region.max_rank),
        one_line(&each.title, 120),
        one_line(&each.channel, 16),
    ]
}

fn time_in_chart(seconds: i64) -> String {
    if seconds < 60 { "new".to_owned() } else { format_span(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_better_rank_has_a_higher_bar() {
        let ranks = [Some(1), Some(2), Some(4), Some(5), None, Some(16), Some(17), Some(64), Some(65), Some(u32::MAX)];
        let mut recent = ranks.map(|rank| ChartRanks {
            by_video: rank.map(|rank| ("a".to_owned(), rank)).into_iter().collect(),
            max_results: 50,
        });
        assert_eq!(sparkline("a", &recent, 50), "█▇▆▅·▄▃▂▁▁");
        assert_eq!(sparkline("b", &recent[..2], 50), "··");
        assert_eq!(sparkline("a", &[], 50), "");
        // A run that fetched fewer entries leaves the rest unknown.
        recent[0].max_results = 49;
        recent[4].max_results = 5;
        assert_eq!(sparkline("a", &recent, 50), "█▇▆▅?▄▃▂▁▁");
        assert_eq!(sparkline("b", &recent[..2], 50), "?·");
    }
}
