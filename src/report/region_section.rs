//! One region's section of the page. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::fmt;

use super::categories::category_name;
use super::limits::Limits;
use super::rank_plot::RankPlot;
use super::region_history::RegionHistory;
use super::text::{date_time, describe_error_kind};
use crate::history::HistoryEntry;
use crate::history::changes::{Move, RegionChanges};
use crate::model::Status;
use crate::support::human::{format_span, group_digits};

/// The only host that images are loaded from. The page's Content-Security-Policy has the same.
const IMAGE_HOST: &str = "https://i.ytimg.com/";

pub(super) struct RegionSection<'a> {
    pub history: &'a RegionHistory,
    pub rank_plot: Option<RankPlot<'a>>,
    pub move_lists: Vec<MoveList<'a>>,
    pub rows: Vec<ChartRow<'a>>,
}

/// The videos that entered, left, rose or fell.
pub(super) struct MoveList<'a> {
    pub heading: &'static str,
    pub total: usize,
    pub moves: Vec<&'a Move>,
}

pub(super) struct ChartRow<'a> {
    pub entry: &'a HistoryEntry,
    pub change: RankChange,
    pub minutes_in_chart: i64,
}

/// How an entry changed since the chart before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RankChange {
    New,
    By(i64),
    /// There is no earlier chart, or it was not fetched so far down.
    Unknown,
}

impl<'a> RegionSection<'a> {
    pub(super) fn new(history: &'a RegionHistory, limits: Limits) -> RegionSection<'a> {
        RegionSection {
            history,
            rank_plot: RankPlot::new(history, limits.runs),
            move_lists: move_lists(history, limits.moves),
            rows: rows(history, limits.entries),
        }
    }

    pub(super) fn code(&self) -> &str {
        self.history.region.code()
    }

    pub(super) fn name(&self) -> String {
        if self.history.region.is_known() {
            format!("{} ({})", self.history.region.name(), self.code())
        } else {
            self.code().to_owned()
        }
    }

    pub(super) fn has_changes(&self) -> bool {
        self.history.changes.is_some()
    }

    pub(super) fn last_status(&self) -> String {
        let Some(latest) = self.history.latest_attempt() else { return "never requested".to_owned() };
        let reason = latest.error.as_ref().map_or("", |(kind, _)| describe_error_kind(kind));
        match (latest.status, latest.videos) {
            (Status::Ok, 0) => "ok, but the chart is empty".to_owned(),
            (Status::Ok, _) => "ok".to_owned(),
            (Status::Partial, _) => format!("partial: {reason}"),
            (Status::Failed, _) => format!("failed: {reason}"),
        }
    }

    pub(super) fn summary(&self) -> String {
        let Some(chart) = &self.history.chart else { return format!("No complete chart yet; {}.", self.last_status()) };
        let count = chart.entries.len();
        let noun = if count == 1 { "entry" } else { "entries" };
        let mut summary = format!("{count} {noun}, {}", date_time(&chart.fetched_at));
        if let Some(changes) = &self.history.changes {
            summary.push_str(&summarize_changes(changes, count));
        }
        if let Some(latest) = self.history.latest_attempt().filter(|latest| latest.status != Status::Ok) {
            let (time, status) = (date_time(&latest.fetched_at), self.last_status());
            summary.push_str(&format!(". The last run, {time}, was not complete: {status}"));
        }
        summary + "."
    }

    pub(super) fn caption(&self) -> String {
        let total = self.history.chart.as_ref().map_or(0, |chart| chart.entries.len());
        if self.rows.len() < total {
            format!("The first {} of {total} entries; the page has no room for more.", self.rows.len())
        } else {
            format!("The chart of {}", self.name())
        }
    }
}

fn summarize_changes(changes: &RegionChanges, chart_length: usize) -> String {
    let top =
        if (changes.max_rank as usize) < chart_length { format!(" (top {})", changes.max_rank) } else { String::new() };
    format!(
        ". Since {}{top}: {} entered, {} left, {} rose, {} fell",
        date_time(&changes.from.fetched_at),
        changes.entered.len(),
        changes.left.len(),
        changes.rose.len(),
        changes.fell.len()
    )
}

fn rows<'a>(history: &'a RegionHistory, max_entries: usize) -> Vec<ChartRow<'a>> {
    let Some(chart) = &history.chart else { return Vec::new() };
    let changes = rank_changes(history);
    let row = |entry: &'a HistoryEntry| {
        let is_compared = history.changes.as_ref().is_some_and(|changes| entry.rank <= changes.max_rank);
        let unmoved = if is_compared { RankChange::By(0) } else { RankChange::Unknown };
        let change = changes.get(&*entry.video_id).copied().unwrap_or(unmoved);
        let minutes = chart.fetched_at.duration_since(entry.first_seen_at).as_secs() / 60;
        ChartRow { entry, change, minutes_in_chart: minutes.max(0) }
    };
    chart.entries.iter().take(max_entries).map(row).collect()
}

/// The changes of the videos that entered or whose rank changed.
fn rank_changes(history: &RegionHistory) -> HashMap<&str, RankChange> {
    let Some(changes) = &history.changes else { return HashMap::new() };
    let moves = [&changes.entered, &changes.rose, &changes.fell, &changes.pushed].into_iter().flatten();
    let change = |moved: &Move| match moved.previous_rank.zip(moved.rank) {
        None => RankChange::New,
        Some((previous, rank)) => RankChange::By(i64::from(previous) - i64::from(rank)),
    };
    moves.map(|moved| (&*moved.video_id, change(moved))).collect()
}

/// Lists entered and left videos by rank, and risen and fallen ones by distance.
fn move_lists(history: &RegionHistory, max_moves: usize) -> Vec<MoveList<'_>> {
    let Some(changes) = history.changes.as_ref().filter(|_| max_moves > 0) else { return Vec::new() };
    let lists =
        [("Entered", &changes.entered), ("Left", &changes.left), ("Rose", &changes.rose), ("Fell", &changes.fell)];
    lists
        .into_iter()
        .filter(|(_, moves)| !moves.is_empty())
        .map(|(heading, moves)| {
            let mut shown: Vec<&Move> = moves.iter().collect();
            // The sort is stable: without a distance, the order by rank remains.
            shown.sort_by_key(|moved| Reverse(distance(moved)));
            shown.truncate(max_moves);
            MoveList { heading, total: moves.len(), moves: shown }
        })
        .collect()
}

/// 0 for a video that entered or left.
fn distance(moved: &Move) -> u32 {
    moved.rank.zip(moved.previous_rank).map_or(0, |(rank, previous)| rank.abs_diff(previous))
}

impl ChartRow<'_> {
    pub(super) fn category(&self) -> String {
        self.entry.category.map_or_else(|| "–".to_owned(), |category| category_name(Some(category)))
    }

    pub(super) fn views(&self) -> String {
        self.entry.views.map_or_else(|| "–".to_owned(), group_digits)
    }

    pub(super) fn time_in_chart(&self) -> String {
        if self.minutes_in_chart == 0 { "new".to_owned() } else { format_span(self.minutes_in_chart * 60) }
    }

    pub(super) fn thumbnail(&self) -> Option<&str> {
        self.entry.thumbnail.as_deref().filter(|url| url.starts_with(IMAGE_HOST))
    }
}

impl RankChange {
    pub(super) fn css_class(self) -> &'static str {
        match self {
            RankChange::New => "new",
            RankChange::By(1..) => "up",
            RankChange::By(..0) => "down",
            RankChange::By(0) | RankChange::Unknown => "",
        }
    }
}

impl fmt::Display for RankChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RankChange::New => f.write_str("new"),
            RankChange::By(0) => f.write_str("0"),
            RankChange::By(by @ 1..) => write!(f, "+{by}"),
            // U+2212 is a minus sign as wide as the plus sign.
            RankChange::By(by) => write!(f, "\u{2212}{}", by.unsigned_abs()),
            RankChange::Unknown => f.write_str("–"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{entries, entry, region, with_chart, with_two_charts};

    const LIMITS: Limits = Limits { entries: 200, moves: 10, runs: 28 };

    /// The id, change and CSS class of each row.
    fn changes(history: &RegionHistory) -> Vec<(&str, String, &'static str)> {
        let rows = RegionSection::new(history, LIMITS).rows;
        rows.iter().map(|row| (&*row.entry.video_id, row.change.to_string(), row.change.css_class())).collect()
    }

    #[test]
    fn entries_show_their_change_down_to_the_smaller_limit() {
        let (before, now) = (entries(&["a", "b", "c", "d"]), entries(&["b", "new", "c", "a", "e", "d"]));
        let history = with_two_charts("US", (4, before), (6, now));
        let row = |id, text: &str, class| (id, text.to_owned(), class);
        let expected = [
            row("b", "+1", "up"),
            row("new", "new", "new"),
            row("c", "0", ""),
            row("a", "\u{2212}3", "down"),
            row("e", "–", ""),
            row("d", "–", ""),
        ];
        assert_eq!(changes(&history), expected);
    }

    #[test]
    fn without_an_earlier_chart_no_change_is_known() {
        assert!(rank_changes(&with_chart("US", entries(&["a"]))).is_empty());
        assert_eq!(changes(&with_chart("US", entries(&["a"]))), [("a", "–".to_owned(), "")]);
    }

    /// Each list as `Rose 3: b c`.
    fn listed(history: &RegionHistory, max_moves: usize) -> Vec<String> {
        let ids = |moves: &[&Move]| moves.iter().map(|each| format!(" {}", each.video_id)).collect::<String>();
        move_lists(history, max_moves)
            .iter()
            .map(|list| format!("{} {}:{}", list.heading, list.total, ids(&list.moves)))
            .collect()
    }

    #[test]
    fn moves_are_listed_by_rank_or_distance_up_to_the_limit() {
        let before = entries(&["x", "a", "b", "c", "d", "y"]);
        let now = entries(&["d", "m", "b", "a", "n", "c"]);
        let history = with_two_charts("US", (50, before), (50, now));
        assert_eq!(listed(&history, 10), ["Entered 2: m n", "Left 2: x y", "Rose 1: d", "Fell 2: a c"]);
        assert_eq!(listed(&history, 1), ["Entered 2: m", "Left 2: x", "Rose 1: d", "Fell 2: a"]);
        assert_eq!(listed(&history, 0), [""; 0]);
        let (before, now) = (entries(&["a", "b", "c", "d"]), entries(&["b", "d", "a", "c"]));
        let history = with_two_charts("US", (50, before), (50, now));
        assert_eq!(listed(&history, 10), ["Rose 2: d b", "Fell 2: a c"], "the farthest first, without empty lists");
    }

    #[test]
    fn the_caption_of_a_shortened_chart_says_so() {
        let history = with_chart("US", entries(&["a", "b", "c"]));
        let caption = |entries| RegionSection::new(&history, Limits { entries, ..LIMITS }).caption();
        assert_eq!(caption(2), "The first 2 of 3 entries; the page has no room for more.");
        assert_eq!(caption(3), "The chart of United States (US)");
    }

    #[test]
    fn thumbnails_come_only_from_the_host_of_the_policy() {
        let thumbnail = |url: Option<&str>| {
            let entry = HistoryEntry { thumbnail: url.map(str::to_owned), ..entry(1, "a") };
            ChartRow { entry: &entry, change: RankChange::New, minutes_in_chart: 0 }.thumbnail().map(str::to_owned)
        };
        let good = "https://i.ytimg.com/vi/a/hqdefault.jpg";
        assert_eq!(thumbnail(Some(good)).as_deref(), Some(good));
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
            assert_eq!(thumbnail(Some(other)), None, "{other}");
        }
        assert_eq!(thumbnail(None), None);
    }

    #[test]
    fn an_unknown_region_is_named_by_its_code() {
        let (known, unknown) = (with_chart("PL", Vec::new()), with_chart("XX", Vec::new()));
        assert_eq!(RegionSection::new(&known, LIMITS).name(), "Poland (PL)");
        assert_eq!(RegionSection::new(&unknown, LIMITS).name(), "XX");
        assert_eq!(unknown.region, region("XX"));
    }
}
