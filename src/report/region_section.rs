//! One region's section of the page. Pure.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::chart_row::{ChartRow, chart_rows};
use super::limits::Limits;
use super::rank_plot::RankPlot;
use super::region_history::RegionHistory;
use super::text::{date_time, describe_error_kind};
use crate::history::HistoryEntry;
use crate::history::changes::{Move, RegionChanges};
use crate::model::Status;
use crate::support::human::count;

pub(super) struct RegionSection<'a> {
    pub history: &'a RegionHistory,
    pub rank_plot: Option<RankPlot<'a>>,
    pub move_lists: Vec<MoveList<'a>>,
    pub rows: Vec<ChartRow<'a>>,
}

/// The videos that are new, returned, left, rose or fell.
pub(super) struct MoveList<'a> {
    pub heading: &'static str,
    pub total: usize,
    pub moves: Vec<&'a Move>,
}

impl<'a> RegionSection<'a> {
    pub(super) fn new(history: &'a RegionHistory, limits: Limits) -> RegionSection<'a> {
        RegionSection {
            history,
            rank_plot: RankPlot::new(history, limits.runs),
            move_lists: move_lists(history, limits.moves),
            rows: chart_rows(history, limits.entries),
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

    /// Whether there were earlier charts, so that peaks and runs say something.
    pub(super) fn has_records(&self) -> bool {
        self.has_changes() && !self.history.records.is_empty()
    }

    pub(super) fn top_entry(&self) -> Option<&'a HistoryEntry> {
        self.history.chart.as_ref()?.entries.first()
    }

    pub(super) fn entry_count(&self) -> usize {
        self.history.chart.as_ref().map_or(0, |chart| chart.entries.len())
    }

    /// The numbers of videos that are new, returned, left, rose and fell, each with its CSS class.
    pub(super) fn change_counts(&self) -> [(&'static str, String); 5] {
        let counts = self.history.changes.as_ref().map(|changes| {
            let (new, returned) = (newcomers(changes).len(), returned(changes).len());
            [new, returned, changes.left.len(), changes.rose.len(), changes.fell.len()]
        });
        let classes = ["fresh", "returned", "left", "rose", "fell"];
        std::array::from_fn(|index| {
            (classes[index], counts.map_or_else(|| "–".to_owned(), |counts| counts[index].to_string()))
        })
    }

    /// The line that stands for the folded section.
    pub(super) fn brief(&self) -> String {
        let Some(chart) = &self.history.chart else { return self.last_status() };
        let mut parts = vec![count(chart.entries.len(), "entry", "entries")];
        if let Some(changes) = &self.history.changes {
            let moved = [
                (newcomers(changes).len(), "new"),
                (returned(changes).len(), "returned"),
                (changes.left.len(), "left"),
            ];
            parts.extend(moved.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        }
        if self.history.latest_attempt().is_some_and(|latest| latest.status != Status::Ok) {
            parts.push(self.last_status());
        }
        parts.join(" · ")
    }

    /// The meaning of the columns.
    pub(super) fn explanation(&self) -> String {
        let Some(changes) = &self.history.changes else { return String::new() };
        let since = date_time(&changes.from.fetched_at);
        let complete = self.history.attempts.iter().filter(|attempt| attempt.is_whole()).count();
        format!(
            "Change and gained views: since {since} UTC; – unchanged, ? not known. \
             Peak and runs: the best rank in, and the number of, the last {complete} complete charts of the region."
        )
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

    /// When the chart before is from, and the numbers of videos that moved since.
    pub(super) fn comparison(&self) -> Option<(&Timestamp, String)> {
        let (chart, changes) = (self.history.chart.as_ref()?, self.history.changes.as_ref()?);
        let is_shorter = (changes.max_rank as usize) < chart.entries.len();
        let top = if is_shorter { format!(" (top {})", changes.max_rank) } else { String::new() };
        let text = format!(
            "{top}: {} new, {} returned, {} left, {} rose, {} fell, {} pushed",
            newcomers(changes).len(),
            returned(changes).len(),
            changes.left.len(),
            changes.rose.len(),
            changes.fell.len(),
            changes.pushed.len()
        );
        Some((&changes.from.fetched_at, text))
    }

    /// Why the chart is not that of the last run; empty if it is.
    pub(super) fn warning(&self) -> String {
        if self.history.chart.is_none() {
            return format!("No complete chart yet; {}.", self.last_status());
        }
        let incomplete = self.history.latest_attempt().filter(|latest| latest.status != Status::Ok);
        incomplete.map_or_else(String::new, |latest| {
            let time = date_time(&latest.fetched_at);
            format!("The last run, {time}, was not complete: {}.", self.last_status())
        })
    }

    pub(super) fn caption(&self) -> String {
        let total = self.history.chart.as_ref().map_or(0, |chart| chart.entries.len());
        if self.rows.len() < total {
            format!("The first {} of {total} entries; the page has no room for more", self.rows.len())
        } else {
            format!("Chart of {}: {}", self.name(), count(total, "entry", "entries"))
        }
    }
}

/// The videos that this chart had for the first time.
pub(super) fn newcomers(changes: &RegionChanges) -> Vec<&Move> {
    changes.entered.iter().filter(|moved| moved.first_seen_at >= changes.to.fetched_at).collect()
}

/// The videos that entered, and had been in the chart before.
pub(super) fn returned(changes: &RegionChanges) -> Vec<&Move> {
    changes.entered.iter().filter(|moved| moved.first_seen_at < changes.to.fetched_at).collect()
}

/// Lists videos that entered or left by rank, and risen and fallen ones by distance.
fn move_lists(history: &RegionHistory, max_moves: usize) -> Vec<MoveList<'_>> {
    let Some(changes) = history.changes.as_ref().filter(|_| max_moves > 0) else { return Vec::new() };
    let lists = [
        ("New", newcomers(changes)),
        ("Returned", returned(changes)),
        ("Left", changes.left.iter().collect()),
        ("Rose", changes.rose.iter().collect()),
        ("Fell", changes.fell.iter().collect()),
    ];
    lists
        .into_iter()
        .filter(|(_, moves)| !moves.is_empty())
        .map(|(heading, moves)| {
            let total = moves.len();
            let mut shown = moves;
            // The sort is stable: without a distance, the order by rank remains.
            shown.sort_by_key(|moved| Reverse(distance(moved)));
            shown.truncate(max_moves);
            MoveList { heading, total, moves: shown }
        })
        .collect()
}

/// 0 for a video that entered or left.
fn distance(moved: &Move) -> u32 {
    moved.rank.zip(moved.previous_rank).map_or(0, |(rank, previous)| rank.abs_diff(previous))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, entries, region, with_chart, with_two_charts};

    const LIMITS: Limits = Limits { entries: 200, moves: 10, runs: 28, other_titles: true };

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
        let mut now = entries(&["d", "m", "b", "a", "n", "c", "r"]);
        now.iter_mut()
            .filter(|entry| ["m", "n"].contains(&&*entry.video_id))
            .for_each(|entry| entry.first_seen_at = at(1));
        let history = with_two_charts("US", (50, before), (50, now));
        assert_eq!(listed(&history, 10), ["New 2: m n", "Returned 1: r", "Left 2: x y", "Rose 1: d", "Fell 2: a c"]);
        assert_eq!(listed(&history, 1), ["New 2: m", "Returned 1: r", "Left 2: x", "Rose 1: d", "Fell 2: a"]);
        assert_eq!(listed(&history, 0), [""; 0]);
        let (before, now) = (entries(&["a", "b", "c", "d"]), entries(&["b", "d", "a", "c"]));
        let history = with_two_charts("US", (50, before), (50, now));
        assert_eq!(listed(&history, 10), ["Rose 2: d b", "Fell 2: a c"], "the farthest first, without empty lists");
    }

    #[test]
    fn the_caption_of_a_shortened_chart_says_so() {
        let history = with_chart("US", entries(&["a", "b", "c"]));
        let caption = |entries| RegionSection::new(&history, Limits { entries, ..LIMITS }).caption();
        assert_eq!(caption(2), "The first 2 of 3 entries; the page has no room for more");
        assert_eq!(caption(3), "Chart of United States (US): 3 entries");
    }

    #[test]
    fn an_unknown_region_is_named_by_its_code() {
        let (known, unknown) = (with_chart("PL", Vec::new()), with_chart("XX", Vec::new()));
        assert_eq!(RegionSection::new(&known, LIMITS).name(), "Poland (PL)");
        assert_eq!(RegionSection::new(&unknown, LIMITS).name(), "XX");
        assert_eq!(unknown.region, region("XX"));
    }
}
