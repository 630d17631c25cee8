//! Which part of each chart a category takes. Pure.

use std::collections::HashMap;

use super::snapshot::Snapshot;
use crate::history::HistoryEntry;
use crate::model::category::Category;
use crate::model::region::Region;

/// Categories with a colour of their own; the others share one.
const COLORS: usize = 9;

/// A category's part of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    /// `None` where YouTube names none.
    pub category: Option<Category>,
    pub entries: usize,
    /// Of the chart's entries, in a hundred.
    pub percent: f64,
}

/// The categories of some entries, the largest first.
pub(super) fn shares<'a>(entries: impl Iterator<Item = &'a HistoryEntry>) -> Vec<Share> {
    let mut counts: HashMap<Option<Category>, usize> = HashMap::new();
    let mut total = 0;
    for entry in entries {
        *counts.entry(entry.category).or_default() += 1;
        total += 1;
    }
    let percent = |entries: usize| entries as f64 * 100.0 / f64::from(total.max(1));
    let mut shares: Vec<Share> =
        counts.into_iter().map(|(category, entries)| Share { category, entries, percent: percent(entries) }).collect();
    shares.sort_by_key(|share| (std::cmp::Reverse(share.entries), share.category));
    shares
}

/// What people call it.
pub(super) fn name(category: Option<Category>) -> String {
    match category {
        None => "No category".to_owned(),
        Some(category) => category.name().map_or_else(|| format!("Category {}", category.id()), str::to_owned),
    }
}

/// The plot, and the table behind it.
#[derive(Debug, Default)]
pub(super) struct Categories {
    /// Names by colour; the last one stands for all others, where there are any.
    pub legend: Vec<String>,
    pub bars: Vec<Bar>,
}

/// A region's chart, divided.
#[derive(Debug)]
pub(super) struct Bar {
    pub region: Region,
    pub segments: Vec<Segment>,
    /// Percent of each name of the legend.
    pub percents: Vec<f64>,
    /// The largest three in words.
    pub words: String,
}

/// A piece of a bar that is 1000 long.
#[derive(Debug)]
pub(super) struct Segment {
    pub color: usize,
    pub from: u32,
    pub length: u32,
    pub label: String,
}

impl Categories {
    pub(super) fn of(snapshot: &Snapshot) -> Categories {
        let charts: Vec<(Region, Vec<Share>)> = snapshot
            .regions
            .iter()
            .filter_map(|past| Some((past.region, past.chart.as_ref()?)))
            .filter(|(_, chart)| !chart.entries.is_empty())
            .map(|(region, chart)| (region, shares(chart.entries.iter())))
            .collect();
        let mut totals: HashMap<Option<Category>, f64> = HashMap::new();
        for share in charts.iter().flat_map(|(_, shares)| shares) {
            *totals.entry(share.category).or_default() += share.percent;
        }
        let mut order: Vec<(Option<Category>, f64)> = totals.into_iter().collect();
        order.sort_by(|one, other| other.1.total_cmp(&one.1).then(one.0.cmp(&other.0)));
        let mut legend: Vec<String> = order.iter().take(COLORS).map(|(category, _)| name(*category)).collect();
        if order.len() > COLORS {
            legend.push("Others".to_owned());
        }
        let color = |category: Option<Category>| {
            order.iter().position(|(other, _)| *other == category).map_or(COLORS, |entry| entry.min(COLORS))
        };
        let bars = charts.iter().map(|(region, shares)| bar(*region, shares, legend.len(), color)).collect();
        Categories { legend, bars }
    }
}

fn bar(region: Region, shares: &[Share], colors: usize, color: impl Fn(Option<Category>) -> usize) -> Bar {
    let mut percents = vec![0.0; colors];
    for share in shares {
        if let Some(percent) = percents.get_mut(color(share.category)) {
            *percent += share.percent;
        }
    }
    let mut segments = Vec::new();
    let mut end = 0.0;
    for share in shares {
        let from = end;
        end += share.percent * 10.0;
        let label = format!("{} {:.0} %", name(share.category), share.percent);
        let (from, to) = (from.round() as u32, end.round() as u32);
        segments.push(Segment { color: color(share.category), from, length: to - from, label });
    }
    // The same colour at the same end in every bar.
    segments.sort_by_key(|segment| segment.color);
    let mut from = 0;
    for segment in &mut segments {
        segment.from = from;
        from += segment.length;
    }
    let words = shares.iter().take(3).map(|share| format!("{} {:.0} %", name(share.category), share.percent));
    Bar { region, segments, percents, words: words.collect::<Vec<_>>().join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{charted, entries, of_categories, past, snapshot};

    /// How many entries each category has.
    type Counts<'a> = &'a [(Option<u32>, usize)];

    fn of(regions: &[(&str, Counts<'_>)]) -> Categories {
        let charts = regions.iter().map(|(code, counts)| charted(code, of_categories(counts)));
        Categories::of(&snapshot(charts.collect()))
    }

    fn colors(bar: &Bar) -> Vec<usize> {
        bar.segments.iter().map(|segment| segment.color).collect()
    }

    #[test]
    fn shares_come_by_size_then_by_number() {
        let found = shares(of_categories(&[(Some(20), 1), (None, 1), (Some(10), 5), (Some(1), 1)]).iter());
        let share =
            |category: Option<u32>, entries, percent| Share { category: category.map(Category::new), entries, percent };
        let small = [share(None, 1, 12.5), share(Some(1), 1, 12.5), share(Some(20), 1, 12.5)];
        assert_eq!(found[0], share(Some(10), 5, 62.5));
        assert_eq!(found[1..], small);
        assert_eq!(shares([].iter()), []);
    }

    #[test]
    fn every_category_has_a_name() {
        let names = [None, Some(10), Some(99)].map(|id| name(id.map(Category::new)));
        assert_eq!(names, ["No category", "Music", "Category 99"]);
    }

    #[test]
    fn a_bar_is_a_thousand_long_without_holes_whatever_its_parts() {
        let parts = (1..=40).map(|parts| (0..parts).map(|part| (Some(part), 1 + part as usize % 3)).collect());
        let thirds = vec![(Some(10), 1), (Some(20), 1), (None, 1)];
        let all: Vec<Vec<(Option<u32>, usize)>> = parts.chain([thirds]).collect();
        for counts in all {
            let found = of(&[("US", &counts)]);
            let mut end = 0;
            for segment in &found.bars[0].segments {
                assert_eq!(segment.from, end, "{counts:?}");
                end += segment.length;
            }
            assert_eq!((end, found.bars[0].segments.len()), (1000, counts.len()), "{counts:?}");
            assert!((found.bars[0].percents.iter().sum::<f64>() - 100.0).abs() < 1e-9, "{counts:?}");
        }
    }

    #[test]
    fn colours_go_by_all_charts_together_and_stand_in_the_same_order_in_each() {
        let found = of(&[
            ("US", &[(Some(10), 6), (Some(20), 4)]),
            ("GB", &[(Some(20), 9), (None, 1)]),
            ("PL", &[(None, 5), (Some(10), 5)]),
        ]);
        assert_eq!(found.legend, ["Gaming", "Music", "No category"]);
        assert_eq!(found.bars.iter().map(|bar| bar.region.code()).collect::<Vec<_>>(), ["US", "GB", "PL"]);
        let percents: Vec<&[f64]> = found.bars.iter().map(|bar| &*bar.percents).collect();
        assert_eq!(percents, [[40.0, 60.0, 0.0], [90.0, 0.0, 10.0], [0.0, 50.0, 50.0]]);
        assert_eq!(found.bars.iter().map(colors).collect::<Vec<_>>(), [[0, 1], [0, 2], [1, 2]]);
        let segment = |segment: &Segment| (segment.from, segment.length, segment.label.clone());
        let of_us: Vec<_> = found.bars[0].segments.iter().map(segment).collect();
        assert_eq!(of_us, [(0, 400, "Gaming 40 %".to_owned()), (400, 600, "Music 60 %".to_owned())]);
    }

    #[test]
    fn a_chart_counts_by_its_parts_and_not_by_its_length() {
        let found = of(&[("US", &[(Some(10), 120), (Some(20), 80)]), ("GB", &[(Some(20), 10)])]);
        assert_eq!(found.legend, ["Gaming", "Music"]);
    }

    #[test]
    fn beyond_nine_colours_the_others_share_one() {
        let counts: Vec<(Option<u32>, usize)> = (1..=12).map(|id| (Some(id), 20 - id as usize)).collect();
        let nine = of(&[("US", &counts[..9])]);
        assert_eq!((nine.legend.len(), &*nine.legend[8]), (9, "Category 9"));
        let all = of(&[("US", &counts)]);
        assert_eq!((all.legend.len(), &*all.legend[9]), (10, "Others"));
        assert_eq!(all.legend[..9], nine.legend);
        assert_eq!(colors(&all.bars[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9]);
        // 10, 9 and 8 of 162.
        assert!((all.bars[0].percents[9] - 2700.0 / 162.0).abs() < 1e-9, "{:?}", all.bars[0].percents);
    }

    #[test]
    fn the_words_name_the_largest_three() {
        let found = of(&[("US", &[(Some(20), 1), (None, 2), (Some(10), 4), (Some(99), 3)])]);
        assert_eq!(found.bars[0].words, "Music 40 %, Category 99 30 %, No category 20 %");
    }

    #[test]
    fn a_region_without_places_has_no_bar() {
        let none = past(charted("GB", Vec::new()).attempts);
        let found = Categories::of(&snapshot(vec![none, charted("US", Vec::new()), charted("PL", entries(&["a"]))]));
        assert_eq!(found.bars.iter().map(|bar| bar.region.code()).collect::<Vec<_>>(), ["PL"]);
        let nothing = of(&[]);
        assert!(nothing.legend.is_empty() && nothing.bars.is_empty());
    }
}
