//! A region's own part of the page. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use super::categories;
use super::page::Limits;
use super::rank_plot::Bump;
use super::snapshot::RegionPast;
use super::{cause, when};
use crate::history::HistoryEntry;
use crate::history::changes::Move;
use crate::model::Status;
use crate::support::human::{format_span, group_digits};

/// Pictures come from here and from nowhere else; the page's policy says the same.
const PICTURES: &str = "https://i.ytimg.com/";

/// A region.
pub(super) struct Section<'a> {
    pub past: &'a RegionPast,
    pub bump: Option<Bump<'a>>,
    pub lists: Vec<Moves<'a>>,
    pub rows: Vec<Row<'a>>,
}

/// One of: entered, left, rose, fell.
pub(super) struct Moves<'a> {
    pub name: &'static str,
    pub total: usize,
    pub moves: Vec<&'a Move>,
}

/// A entry of a chart.
pub(super) struct Row<'a> {
    pub entry: &'a HistoryEntry,
    pub moved: Moved,
    /// In the chart.
    pub minutes: i64,
}

/// Since the chart before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moved {
    New,
    By(i64),
    /// Below the depth that both charts have.
    Unknown,
}

impl<'a> Section<'a> {
    pub(super) fn of(past: &'a RegionPast, limits: Limits) -> Section<'a> {
        let moves = moves(past);
        let rows = past.chart.iter().flat_map(|chart| {
            chart.entries.iter().take(limits.entries).map(|entry| {
                let is_compared = past.changes.as_ref().is_some_and(|changes| entry.rank <= changes.depth);
                let stayed = if is_compared { Moved::By(0) } else { Moved::Unknown };
                let moved = moves.get(&*entry.video_id).copied().unwrap_or(stayed);
                let minutes = chart.fetched_at.duration_since(entry.first_seen_at).as_secs() / 60;
                Row { entry, moved, minutes: minutes.max(0) }
            })
        });
        Section { past, bump: Bump::of(past, limits.runs), lists: lists(past, limits.moves), rows: rows.collect() }
    }

    pub(super) fn code(&self) -> &str {
        self.past.region.code()
    }

    pub(super) fn name(&self) -> String {
        if self.past.region.is_known() {
            format!("{} ({})", self.past.region.name(), self.code())
        } else {
            self.code().to_owned()
        }
    }

    pub(super) fn has_past(&self) -> bool {
        self.past.changes.is_some()
    }

    pub(super) fn last_answer(&self) -> String {
        let Some(latest) = self.past.latest() else { return "never asked for".to_owned() };
        let kind = latest.error.as_ref().map_or("", |(kind, _)| cause(kind));
        match (latest.status, latest.videos) {
            (Status::Ok, 0) => "ok, but the chart is empty".to_owned(),
            (Status::Ok, _) => "ok".to_owned(),
            (Status::Partial, _) => format!("partial: {kind}"),
            (Status::Failed, _) => format!("failed: {kind}"),
        }
    }

    pub(super) fn summary(&self) -> String {
        let Some(chart) = &self.past.chart else { return format!("No whole chart yet; {}.", self.last_answer()) };
        let count = chart.entries.len();
        let mut text = format!("{count} {}, {}", if count == 1 { "place" } else { "places" }, when(&chart.fetched_at));
        if let Some(changes) = &self.past.changes {
            let since = changes.from.fetched_at;
            let depth = if (changes.depth as usize) < chart.entries.len() {
                format!(" (down to place {})", changes.depth)
            } else {
                String::new()
            };
            text.push_str(&format!(
                ". Since {}{depth}: {} entered, {} left, {} rose, {} fell",
                when(&since),
                changes.entered.len(),
                changes.left.len(),
                changes.rose.len(),
                changes.fell.len()
            ));
        }
        match self.past.latest() {
            Some(latest) if latest.status != Status::Ok => {
                text.push_str(&format!(
                    ". The last run of {} was no whole one: {}",
                    when(&latest.fetched_at),
                    self.last_answer()
                ));
            }
            _ => {}
        }
        text + "."
    }

    pub(super) fn caption(&self) -> String {
        let all = self.past.chart.as_ref().map_or(0, |chart| chart.entries.len());
        if self.rows.len() < all {
            format!("The first {} of {all} places; the page has no room for more.", self.rows.len())
        } else {
            format!("The chart of {}", self.name())
        }
    }
}

/// The videos that entered, rose or fell.
fn moves(past: &RegionPast) -> HashMap<&str, Moved> {
    let Some(changes) = &past.changes else { return HashMap::new() };
    let all = changes.entered.iter().chain(&changes.rose).chain(&changes.fell);
    let moved = |each: &Move| match each.previous_rank.zip(each.rank) {
        None => Moved::New,
        Some((previous, rank)) => Moved::By(i64::from(previous) - i64::from(rank)),
    };
    all.map(|each| (&*each.video_id, moved(each))).collect()
}

/// Entered and left by rank, the others by how far.
fn lists(past: &RegionPast, most: usize) -> Vec<Moves<'_>> {
    let Some(changes) = past.changes.as_ref().filter(|_| most > 0) else { return Vec::new() };
    let all =
        [("Entered", &changes.entered), ("Left", &changes.left), ("Rose", &changes.rose), ("Fell", &changes.fell)];
    all.into_iter()
        .filter(|(_, moves)| !moves.is_empty())
        .map(|(name, moves)| {
            let mut shown: Vec<&Move> = moves.iter().collect();
            // Who entered or left has one rank only, and comes by that.
            shown.sort_by_key(|each| Reverse(distance(each)));
            shown.truncate(most);
            Moves { name, total: moves.len(), moves: shown }
        })
        .collect()
}

fn distance(each: &Move) -> u32 {
    each.rank.zip(each.previous_rank).map_or(0, |(rank, previous)| rank.abs_diff(previous))
}

impl Row<'_> {
    pub(super) fn category(&self) -> String {
        self.entry.category.map_or_else(|| "–".to_owned(), |category| categories::name(Some(category)))
    }

    pub(super) fn views(&self) -> String {
        self.entry.views.map_or_else(|| "–".to_owned(), group_digits)
    }

    pub(super) fn in_chart(&self) -> String {
        if self.minutes == 0 { "new".to_owned() } else { format_span(self.minutes * 60) }
    }

    /// Only from the host that the page's policy allows.
    pub(super) fn picture(&self) -> Option<&str> {
        self.entry.thumbnail.as_deref().filter(|address| address.starts_with(PICTURES))
    }
}

impl Moved {
    pub(super) fn class(self) -> &'static str {
        match self {
            Moved::New => "new",
            Moved::By(1..) => "up",
            Moved::By(..0) => "down",
            Moved::By(0) | Moved::Unknown => "",
        }
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moved::New => f.write_str("new"),
            Moved::By(0) => f.write_str("0"),
            Moved::By(by @ 1..) => write!(f, "+{by}"),
            // U+2212: a minus that is as wide as the plus.
            Moved::By(by) => write!(f, "\u{2212}{}", by.unsigned_abs()),
            Moved::Unknown => f.write_str("–"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{charted, compared, entries, entry, region};

    const LIMITS: Limits = Limits { entries: 200, moves: 10, runs: 28 };

    /// What the rows of a chart say of moves: the id, the text, the class.
    fn shown(past: &RegionPast) -> Vec<(&str, String, &'static str)> {
        let rows = Section::of(past, LIMITS).rows;
        rows.iter().map(|row| (&*row.entry.video_id, row.moved.to_string(), row.moved.class())).collect()
    }

    #[test]
    fn each_place_tells_how_it_moved_down_to_the_depth_of_both_charts() {
        let (before, now) = (entries(&["a", "b", "c", "d"]), entries(&["b", "new", "c", "a", "e", "d"]));
        let past = compared("US", (4, before), (6, now));
        let row = |id, text: &str, class| (id, text.to_owned(), class);
        let expected = [
            row("b", "+1", "up"),
            row("new", "new", "new"),
            row("c", "0", ""),
            row("a", "\u{2212}3", "down"),
            row("e", "–", ""),
            row("d", "–", ""),
        ];
        assert_eq!(shown(&past), expected);
    }

    #[test]
    fn without_an_earlier_chart_no_move_is_known() {
        assert!(moves(&charted("US", entries(&["a"]))).is_empty());
        assert_eq!(shown(&charted("US", entries(&["a"]))), [("a", "–".to_owned(), "")]);
    }

    /// `Rose 3: b c`, one for each list.
    fn listed(past: &RegionPast, most: usize) -> Vec<String> {
        let ids = |moves: &[&Move]| moves.iter().map(|each| format!(" {}", each.video_id)).collect::<String>();
        lists(past, most).iter().map(|list| format!("{} {}:{}", list.name, list.total, ids(&list.moves))).collect()
    }

    #[test]
    fn lists_of_moves_come_by_rank_or_by_distance_and_are_cut() {
        let before = entries(&["x", "a", "b", "c", "d", "y"]);
        let now = entries(&["d", "m", "b", "a", "n", "c"]);
        let past = compared("US", (50, before), (50, now));
        assert_eq!(listed(&past, 10), ["Entered 2: m n", "Left 2: x y", "Rose 1: d", "Fell 2: a c"]);
        assert_eq!(listed(&past, 1), ["Entered 2: m", "Left 2: x", "Rose 1: d", "Fell 2: a"]);
        assert_eq!(listed(&past, 0), [""; 0]);
        let (before, now) = (entries(&["a", "b", "c", "d"]), entries(&["b", "d", "a", "c"]));
        let past = compared("US", (50, before), (50, now));
        assert_eq!(listed(&past, 10), ["Rose 2: d b", "Fell 2: a c"], "the farthest first, and no empty list");
    }

    #[test]
    fn a_cut_chart_says_so_above_its_rows() {
        let past = charted("US", entries(&["a", "b", "c"]));
        let caption = |entries| Section::of(&past, Limits { entries, ..LIMITS }).caption();
        assert_eq!(caption(2), "The first 2 of 3 places; the page has no room for more.");
        assert_eq!(caption(3), "The chart of United States (US)");
    }

    #[test]
    fn pictures_are_only_those_of_the_host_that_the_policy_allows() {
        let picture = |address: Option<&str>| {
            let entry = HistoryEntry { thumbnail: address.map(str::to_owned), ..entry(1, "a") };
            Row { entry: &entry, moved: Moved::New, minutes: 0 }.picture().map(str::to_owned)
        };
        let good = "https://i.ytimg.com/vi/a/hqdefault.jpg";
        assert_eq!(picture(Some(good)).as_deref(), Some(good));
        for other in [
            "https://i.ytimg.com.evil.example/vi/a.jpg",
            "https://i.ytimg.com@evil.example/vi/a.jpg",
            "https://i.ytimg.com",
            "http://i.ytimg.com/vi/a.jpg",
            "//i.ytimg.com/vi/a.jpg",
            " https://i.ytimg.com/vi/a.jpg",
            "https://evil.example/?https://i.ytimg.com/",
            "javascript:alert(1)",
            "",
        ] {
            assert_eq!(picture(Some(other)), None, "{other}");
        }
        assert_eq!(picture(None), None);
    }

    #[test]
    fn a_region_outside_the_table_goes_by_its_code_alone() {
        let (known, unknown) = (charted("PL", Vec::new()), charted("XX", Vec::new()));
        assert_eq!(Section::of(&known, LIMITS).name(), "Poland (PL)");
        assert_eq!(Section::of(&unknown, LIMITS).name(), "XX");
        assert_eq!(unknown.region, region("XX"));
    }
}
