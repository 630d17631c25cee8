//! A row of a region's chart, and how it changed since the chart before. Pure.

use std::collections::HashMap;
use std::fmt;

use super::categories::category_name;
use super::region_history::{RegionHistory, views_gained};
use super::text::signed;
use crate::history::{HistoryEntry, VideoRecord};
use crate::support::human::{format_span, group_digits};

/// The only host that images are loaded from. The page's Content-Security-Policy has the same.
const IMAGE_HOST: &str = "https://i.ytimg.com/";

pub(super) struct ChartRow<'a> {
    pub entry: &'a HistoryEntry,
    pub change: RankChange,
    pub minutes_in_chart: i64,
    /// Since the chart before.
    pub views_gained: Option<i64>,
    pub record: Option<&'a VideoRecord>,
}

/// How an entry changed since the chart before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RankChange {
    /// First seen in this chart.
    New,
    /// Seen before, but not in the chart before.
    Returned,
    By(i64),
    /// There is no earlier chart, or it was not fetched so far down.
    Unknown,
}

/// The first rows of the newest chart.
pub(super) fn chart_rows<'a>(history: &'a RegionHistory, max_rows: usize) -> Vec<ChartRow<'a>> {
    let Some(chart) = &history.chart else { return Vec::new() };
    let before = history.previous.iter().flat_map(|previous| &previous.entries);
    let before: HashMap<&str, &HistoryEntry> = before.map(|entry| (&*entry.video_id, entry)).collect();
    let row = |entry: &'a HistoryEntry| {
        let previous = before.get(&*entry.video_id).copied();
        let minutes = chart.fetched_at.duration_since(entry.first_seen_at).as_secs() / 60;
        ChartRow {
            entry,
            change: change(history, entry, previous),
            minutes_in_chart: minutes.max(0),
            views_gained: previous.and_then(|previous| views_gained(entry, previous)),
            record: history.records.get(&entry.video_id),
        }
    };
    chart.entries.iter().take(max_rows).map(row).collect()
}

fn change(history: &RegionHistory, entry: &HistoryEntry, previous: Option<&HistoryEntry>) -> RankChange {
    let Some(changes) = &history.changes else { return RankChange::Unknown };
    match previous {
        Some(previous) => RankChange::By(i64::from(previous.rank) - i64::from(entry.rank)),
        None if entry.rank > changes.max_rank => RankChange::Unknown,
        None if entry.first_seen_at < changes.to.fetched_at => RankChange::Returned,
        None => RankChange::New,
    }
}

impl ChartRow<'_> {
    pub(super) fn category(&self) -> String {
        self.entry.category.map_or_else(|| "–".to_owned(), |category| category_name(Some(category)))
    }

    pub(super) fn views(&self) -> String {
        self.entry.views.map_or_else(|| "–".to_owned(), group_digits)
    }

    pub(super) fn gained(&self) -> String {
        self.views_gained.map_or_else(|| "–".to_owned(), signed)
    }

    pub(super) fn time_in_chart(&self) -> String {
        if self.minutes_in_chart == 0 { "now".to_owned() } else { format_span(self.minutes_in_chart * 60) + " ago" }
    }

    pub(super) fn thumbnail(&self) -> Option<&str> {
        self.entry.thumbnail.as_deref().filter(|url| url.starts_with(IMAGE_HOST))
    }
}

impl RankChange {
    pub(super) fn css_class(self) -> &'static str {
        match self {
            RankChange::New | RankChange::Returned => "new",
            RankChange::By(1..) => "up",
            RankChange::By(..0) => "down",
            RankChange::By(0) | RankChange::Unknown => "same",
        }
    }
}

impl fmt::Display for RankChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RankChange::New => f.write_str("new"),
            RankChange::Returned => f.write_str("returned"),
            RankChange::By(0) => f.write_str("–"),
            RankChange::By(by) => f.write_str(&signed(*by)),
            RankChange::Unknown => f.write_str("?"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, entries, entry, with_chart, with_two_charts};

    /// The id, change and CSS class of each row.
    fn changes(history: &RegionHistory) -> Vec<(&str, String, &'static str)> {
        let rows = chart_rows(history, 200);
        rows.iter().map(|row| (&*row.entry.video_id, row.change.to_string(), row.change.css_class())).collect()
    }

    /// Entries that were first seen in the second of two charts, except those of the first.
    fn second_chart(ids: &[&str], before: &[HistoryEntry]) -> Vec<HistoryEntry> {
        let was_there = |id: &str| before.iter().any(|entry| entry.video_id == id);
        let first_seen_at = |id: &str| if was_there(id) { at(0) } else { at(1) };
        let each = entries(ids).into_iter();
        each.map(|entry| HistoryEntry { first_seen_at: first_seen_at(&entry.video_id), ..entry }).collect()
    }

    #[test]
    fn entries_show_their_change_down_to_the_smaller_limit() {
        let before = entries(&["a", "b", "c", "d"]);
        let now = second_chart(&["b", "n", "c", "a", "e", "d"], &before);
        let history = with_two_charts("US", (4, before), (6, now));
        let row = |id, text: &str, class| (id, text.to_owned(), class);
        let expected = [
            row("b", "+1", "up"),
            row("n", "new", "new"),
            row("c", "–", "same"),
            row("a", "\u{2212}3", "down"),
            row("e", "?", "same"),
            // The earlier run found it, and this one requested more.
            row("d", "\u{2212}2", "down"),
        ];
        assert_eq!(changes(&history), expected);
    }

    #[test]
    fn a_video_seen_before_has_returned() {
        let before = entries(&["a"]);
        let mut now = second_chart(&["a", "n", "back"], &before);
        now[2].first_seen_at = at(-5);
        let history = with_two_charts("US", (50, before), (50, now));
        assert_eq!(changes(&history)[1..], [("n", "new".to_owned(), "new"), ("back", "returned".to_owned(), "new")]);
    }

    #[test]
    fn without_an_earlier_chart_no_change_is_known() {
        assert_eq!(changes(&with_chart("US", entries(&["a"]))), [("a", "?".to_owned(), "same")]);
    }

    #[test]
    fn views_gained_are_the_difference_to_the_chart_before() {
        let with_views = |views: &[Option<u64>]| -> Vec<HistoryEntry> {
            (1..)
                .zip(views)
                .map(|(rank, views)| HistoryEntry { views: *views, ..entry(rank, &format!("v{rank}")) })
                .collect()
        };
        let before = with_views(&[Some(1_000), Some(20), Some(5), None]);
        let now = with_views(&[Some(13_345), Some(11), Some(5), Some(9), Some(7)]);
        let history = with_two_charts("US", (50, before), (50, now));
        let gained: Vec<String> = chart_rows(&history, 200).iter().map(ChartRow::gained).collect();
        assert_eq!(gained, ["+12,345", "\u{2212}9", "0", "–", "–"]);
    }

    #[test]
    fn thumbnails_come_only_from_the_host_of_the_policy() {
        let thumbnail = |url: Option<&str>| {
            let history = with_chart("US", vec![HistoryEntry { thumbnail: url.map(str::to_owned), ..entry(1, "a") }]);
            chart_rows(&history, 1)[0].thumbnail().map(str::to_owned)
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
}
