//! What changed, in a few lines for each region: counts, and the moves that matter most.
//!
//! These are the new entries with the best ranks, the climbs over the most ranks, and the exits from the best ranks: three of
//! each for one region, one of each for several. Many regions have a line each, with the highest new entry.

use std::cmp::Reverse;
use std::io::{self, Write};

use super::Look;
use super::heading::{compared, counts};
use crate::history::changes::{Move, RegionChanges, RegionTrends};
use crate::output::Out;
use crate::output::columns::{Shrink, TextColumn, fit, join, left, right};
use crate::support::sanitize::one_line;

/// More regions than this have only a line each.
const MAX_BLOCKS: usize = 12;

/// Of a move, in this order: change, title, channel.
const MOVE_SHRINKS: [Shrink; 6] = [(1, 32), (2, 16), (1, 24), (2, 10), (1, 18), (2, 0)];

/// The last column, with a title.
const LINE_SHRINKS: [Shrink; 1] = [(6, 12)];

pub(super) fn write(regions: &[RegionTrends], look: Look, out: &mut Out<'_>) -> io::Result<()> {
    let mut is_shortened = false;
    for (index, (heading, group)) in groups(regions, look).into_iter().enumerate() {
        let gap = if index > 0 { "\n" } else { "" };
        writeln!(out, "{gap}{}", look.bold(&heading))?;
        is_shortened |= match regions.len() {
            ..=MAX_BLOCKS => write_blocks(&group, if regions.len() == 1 { 3 } else { 1 }, look, out)?,
            _ => write_lines(&group, look, out)?,
        };
    }
    if is_shortened {
        writeln!(out, "\n{}", look.dim("--all lists every move"))?;
    }
    Ok(())
}

/// The regions whose charts are of the same runs, with what these are.
fn groups(regions: &[RegionTrends], look: Look) -> Vec<(String, Vec<&RegionChanges>)> {
    let mut groups: Vec<(String, Vec<&RegionChanges>)> = Vec::new();
    for region in regions {
        let heading = compared(region, look.top);
        match groups.iter_mut().find(|(other, _)| *other == heading) {
            Some((_, group)) => group.push(&region.changes),
            None => groups.push((heading, vec![&region.changes])),
        }
    }
    groups
}

/// Writes the counts of each region, and `max` moves of each kind. Returns whether there are more moves.
fn write_blocks(group: &[&RegionChanges], max: usize, look: Look, out: &mut Out<'_>) -> io::Result<bool> {
    let moves: Vec<Vec<Vec<String>>> = group.iter().map(|region| moves_that_matter(region, max, look)).collect();
    let columns = [left(""), left(""), left("")];
    let mut lines = fit(&columns, &moves.concat(), look.width, &MOVE_SHRINKS).into_iter().skip(1);
    for (region, moves) in group.iter().zip(&moves) {
        writeln!(out, "{}  {}", look.bold(region.region.code()), counts(region))?;
        lines.by_ref().take(moves.len()).try_for_each(|line| writeln!(out, "{}", join(&line)))?;
    }
    let shown = moves.iter().map(Vec::len);
    Ok(group.iter().zip(shown).any(|(region, shown)| move_count(region) > shown))
}

/// Writes a line for each region. Returns whether there are more moves than it shows.
fn write_lines(group: &[&RegionChanges], look: Look, out: &mut Out<'_>) -> io::Result<bool> {
    let columns: [TextColumn; 7] = [
        left("Region"),
        right("Entered"),
        right("Left"),
        right("Rose"),
        right("Fell"),
        right("Pushed"),
        left("Highest new entry"),
    ];
    let rows: Vec<Vec<String>> = group.iter().map(|region| line(region)).collect();
    let lines = fit(&columns, &rows, look.width, &LINE_SHRINKS);
    lines.iter().try_for_each(|line| writeln!(out, "{}", join(line)))?;
    Ok(group.iter().any(|region| move_count(region) > usize::from(!region.entered.is_empty())))
}

fn move_count(region: &RegionChanges) -> usize {
    region.lists().iter().map(|(_, moves)| moves.len()).sum()
}

fn line(region: &RegionChanges) -> Vec<String> {
    let lists = [&region.entered, &region.left, &region.rose, &region.fell, &region.pushed];
    let highest = region.entered.first();
    let highest =
        highest.map(|entered| format!("{:>3}  {}", rank(entered.rank), one_line(&entered.title, Look::WHOLE)));
    let counts = lists.map(|moves| moves.len().to_string());
    [region.region.to_string()].into_iter().chain(counts).chain([highest.unwrap_or_default()]).collect()
}

fn moves_that_matter(region: &RegionChanges, max: usize, look: Look) -> Vec<Vec<String>> {
    let mut climbs: Vec<&Move> = region.rose.iter().collect();
    climbs.sort_by_key(|climb| Reverse(climb.distance()));
    let row = |change: &str, ranks: String, moved: &Move| {
        let text = |text: &str| one_line(text, Look::WHOLE);
        vec![format!("    {} {ranks}", look.change(change)), text(&moved.title), text(&moved.channel)]
    };
    let entered =
        region.entered.iter().take(max).map(|moved| row("entered", format!("at {}", rank(moved.rank)), moved));
    let climb = |moved: &Move| format!("from {} to {}", rank(moved.previous_rank), rank(moved.rank));
    let climbs = climbs.into_iter().take(max).map(|moved| row("rose", climb(moved), moved));
    let exit = |moved: &Move| format!("from {}", rank(moved.previous_rank));
    let exits = region.left.iter().take(max).map(|moved| row("left", exit(moved), moved));
    entered.chain(climbs).chain(exits).collect()
}

fn rank(rank: Option<u32>) -> String {
    rank.map_or_else(|| "-".to_owned(), |rank| rank.to_string())
}

#[cfg(test)]
mod tests {
    use std::io::BufWriter;

    use console::measure_text_width;
    use jiff::Timestamp;

    use super::*;
    use crate::history::ChartSeries;
    use crate::history::changes::RunRef;
    use crate::model::region::Region;

    fn moved(id: u32, rank: Option<u32>, previous_rank: Option<u32>) -> Move {
        Move {
            video_id: format!("v{id}"),
            title: format!(
                "日本語の題名 {id}, which is longer than a terminal of any usual width is: {}",
                "x ".repeat(60)
            ),
            channel: "A channel with a rather long name".into(),
            rank,
            previous_rank,
            first_seen_at: Timestamp::UNIX_EPOCH,
            views: None,
        }
    }

    fn region(code: Region) -> RegionTrends {
        let run = || RunRef { run_id: String::new(), fetched_at: Timestamp::UNIX_EPOCH };
        let changes = RegionChanges {
            region: code,
            from: run(),
            to: run(),
            entered: [3, 7, 100].map(|rank| moved(rank, Some(rank), None)).into(),
            left: [1, 5, 200].map(|rank| moved(rank, None, Some(rank))).into(),
            rose: [(2, 9), (4, 150), (6, 8), (9, 20)].map(|(now, before)| moved(now, Some(now), Some(before))).into(),
            fell: vec![moved(0, Some(50), Some(2)); 64],
            pushed: vec![moved(0, Some(50), Some(2)); 106],
            max_rank: 200,
            series: ChartSeries { source: "youtube".into(), category_id: None },
        };
        RegionTrends { changes, names_category: false, recent_ranks: Vec::new() }
    }

    fn shown(regions: usize, width: usize) -> Vec<String> {
        let regions: Vec<RegionTrends> = Region::all().take(regions).map(region).collect();
        let mut text: Vec<u8> = Vec::new();
        {
            let mut out = BufWriter::new(&mut text as &mut dyn Write);
            write(&regions, Look { width, color: false, top: None }, &mut out).unwrap();
        }
        String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        for (regions, lines) in [(1, 1 + 1 + 9 + 2), (8, 1 + 8 * 4 + 2), (111, 1 + 1 + 111 + 2)] {
            for width in [60, 80, 140] {
                let shown = shown(regions, width);
                assert_eq!(shown.len(), lines, "{shown:#?}");
                for line in &shown {
                    assert!(measure_text_width(line) <= width, "{width}: {line}");
                }
                let titles = shown.iter().filter(|line| line.contains('日')).count();
                assert_eq!(
                    titles,
                    if regions == 1 {
                        9
                    } else if regions == 8 {
                        24
                    } else {
                        111
                    },
                    "{shown:#?}"
                );
            }
            let whole = shown(regions, usize::MAX);
            assert!(!whole.iter().any(|line| line.contains('…')), "{whole:#?}");
        }
    }

    #[test]
    fn the_highest_entries_and_exits_and_the_biggest_climbs_are_shown() {
        let shown: Vec<String> =
            shown(1, 80).iter().map(|line| line.split(" 日").next().unwrap().trim().to_owned()).collect();
        let expected = [
            "1970-01-01 00:00 to 00:00 UTC, top 200",
            "AE  3 entered, 3 left, 4 rose, 64 fell, 106 pushed",
            "entered at 3",
            "entered at 7",
            "entered at 100",
            "rose from 150 to 4",
            "rose from 20 to 9",
            "rose from 9 to 2",
            "left from 1",
            "left from 5",
            "left from 200",
            "",
            "--all lists every move",
        ];
        assert_eq!(shown, expected);
    }
}
