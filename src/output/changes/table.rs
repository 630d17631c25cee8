//! All moves, for people.

use std::io::{self, Write};

use super::Look;
use super::heading;
use crate::history::changes::{ChartRanks, Move, RegionTrends};
use crate::output::Out;
use crate::output::columns::{Shrink, fit, join, left, right};
use crate::support::human::format_span;
use crate::support::sanitize::one_line;

const TITLE: usize = 5;
const CHANNEL: usize = 6;

/// On a narrow terminal, the title keeps the most room.
const SHRINKS: [Shrink; 6] = [(TITLE, 32), (CHANNEL, 16), (TITLE, 20), (CHANNEL, 8), (CHANNEL, 0), (TITLE, 8)];

pub(super) fn write(regions: &[RegionTrends], look: Look, out: &mut Out<'_>) -> io::Result<()> {
    for (index, region) in regions.iter().enumerate() {
        let gap = if index > 0 { "\n" } else { "" };
        writeln!(out, "{gap}{}", look.bold(&heading::of_region(region, look.top)))?;
        let columns = [
            left("Change"),
            right("Rank"),
            right("Previous"),
            right("Time in chart"),
            left("Trend"),
            left("Title"),
            left("Channel"),
        ];
        let lists = region.changes.lists().into_iter();
        let rows: Vec<Vec<String>> = lists
            .flat_map(|(change, moves)| moves.iter().map(move |each| row(look.change(change), each, region)))
            .collect();
        if rows.is_empty() {
            continue;
        }
        fit(&columns, &rows, look.width, &SHRINKS).iter().try_for_each(|line| writeln!(out, "{}", join(line)))?;
    }
    Ok(())
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
        one_line(&each.title, Look::WHOLE),
        one_line(&each.channel, Look::WHOLE),
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
