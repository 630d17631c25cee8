//! The share of each category in each chart. Pure.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::snapshot::Snapshot;
use crate::history::HistoryEntry;
use crate::model::category::Category;
use crate::model::region::Region;

/// How many categories have a colour of their own. The others share one.
const COLORS: usize = 9;

/// The length of a bar, in units of its SVG.
const BAR_LENGTH: f64 = 1000.0;

/// How many categories the text below a bar names.
const NAMED_CATEGORIES: usize = 3;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct CategoryShare {
    /// `None` for videos without a category.
    pub category: Option<Category>,
    pub entries: usize,
    /// Percent of the chart's entries.
    pub percent: f64,
}

/// The stacked bars of all regions, and the data of the table behind them.
#[derive(Debug, Default)]
pub(super) struct CategoryChart {
    /// Names by colour. If there are more categories than colours, the last name is "Others".
    pub legend: Vec<String>,
    /// All regions together; `None` for a single region. Each chart counts the same, whatever its length.
    pub all: Option<CategoryBar>,
    pub bars: Vec<CategoryBar>,
}

#[derive(Debug)]
pub(super) struct CategoryBar {
    /// `None` for all regions together.
    pub region: Option<Region>,
    pub name: String,
    pub segments: Vec<BarSegment>,
    /// By colour, like the legend.
    pub percents: Vec<f64>,
    /// The largest categories as text.
    pub summary: String,
}

#[derive(Debug)]
pub(super) struct BarSegment {
    pub color: usize,
    pub x: u32,
    pub width: u32,
    pub label: String,
}

/// The share of each category, largest first.
pub(super) fn category_shares<'a>(entries: impl Iterator<Item = &'a HistoryEntry>) -> Vec<CategoryShare> {
    let mut counts: HashMap<Option<Category>, usize> = HashMap::new();
    let mut total = 0;
    for entry in entries {
        *counts.entry(entry.category).or_default() += 1;
        total += 1;
    }
    let percent = |entries: usize| entries as f64 * 100.0 / f64::from(total.max(1));
    let share = |(category, entries)| CategoryShare { category, entries, percent: percent(entries) };
    let mut shares: Vec<CategoryShare> = counts.into_iter().map(share).collect();
    shares.sort_by_key(|share| (Reverse(share.entries), share.category));
    shares
}

pub(super) fn category_name(category: Option<Category>) -> String {
    match category {
        None => "No category".to_owned(),
        Some(category) => category.to_string(),
    }
}

impl CategoryChart {
    pub(super) fn new(snapshot: &Snapshot) -> CategoryChart {
        let charts: Vec<(Region, Vec<CategoryShare>)> = snapshot
            .regions
            .iter()
            .filter_map(|history| Some((history.region, history.chart.as_ref()?)))
            .filter(|(_, chart)| !chart.entries.is_empty())
            .map(|(region, chart)| (region, category_shares(chart.entries.iter())))
            .collect();
        let mean = mean_shares(&charts);
        let order: Vec<Option<Category>> = mean.iter().map(|share| share.category).collect();
        let mut legend: Vec<String> = order.iter().take(COLORS).map(|category| category_name(*category)).collect();
        if order.len() > COLORS {
            legend.push("Others".to_owned());
        }
        let color = |category: Option<Category>| {
            order.iter().position(|other| *other == category).map_or(COLORS, |index| index.min(COLORS))
        };
        let bars = charts.iter().map(|(region, shares)| bar(Some(*region), shares, legend.len(), color)).collect();
        let all = (charts.len() > 1).then(|| bar(None, &mean, legend.len(), color));
        CategoryChart { legend, all, bars }
    }
}

/// The mean share of each category over all charts, largest first. Each chart counts the same, whatever its length.
fn mean_shares(charts: &[(Region, Vec<CategoryShare>)]) -> Vec<CategoryShare> {
    let mut totals: HashMap<Option<Category>, (usize, f64)> = HashMap::new();
    for share in charts.iter().flat_map(|(_, shares)| shares) {
        let total = totals.entry(share.category).or_default();
        *total = (total.0 + share.entries, total.1 + share.percent);
    }
    let share =
        |(category, (entries, percent))| CategoryShare { category, entries, percent: percent / charts.len() as f64 };
    let mut shares: Vec<CategoryShare> = totals.into_iter().map(share).collect();
    shares.sort_by(|one, other| other.percent.total_cmp(&one.percent).then(one.category.cmp(&other.category)));
    shares
}

fn bar(
    region: Option<Region>,
    shares: &[CategoryShare],
    colors: usize,
    color: impl Fn(Option<Category>) -> usize,
) -> CategoryBar {
    let mut percents = vec![0.0; colors];
    for share in shares {
        if let Some(percent) = percents.get_mut(color(share.category)) {
            *percent += share.percent;
        }
    }
    let named = shares.iter().take(NAMED_CATEGORIES).map(label).collect::<Vec<_>>();
    let name = region.map_or_else(|| "All".to_owned(), |region| region.name().to_owned());
    CategoryBar { region, name, segments: segments(shares, color), percents, summary: named.join(", ") }
}

/// The segments of a bar. Their ends are rounded rather than their widths, so that the widths add up to the whole.
fn segments(shares: &[CategoryShare], color: impl Fn(Option<Category>) -> usize) -> Vec<BarSegment> {
    let mut segments = Vec::new();
    let mut end = 0.0;
    for share in shares {
        let start: f64 = end;
        end += BAR_LENGTH / 100.0 * share.percent;
        let width = end.round() as u32 - start.round() as u32;
        segments.push(BarSegment { color: color(share.category), x: 0, width, label: label(share) });
    }
    // All bars have the same order of colours.
    segments.sort_by_key(|segment| segment.color);
    let mut x = 0;
    for segment in &mut segments {
        segment.x = x;
        x += segment.width;
    }
    segments
}

fn label(share: &CategoryShare) -> String {
    format!("{} {:.0} %", category_name(share.category), share.percent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{entries, entries_by_category, snapshot, with_chart, without_chart};

    /// How many entries each category has.
    type Counts<'a> = &'a [(Option<u32>, usize)];

    fn category_chart(regions: &[(&str, Counts<'_>)]) -> CategoryChart {
        let charts = regions.iter().map(|(code, counts)| with_chart(code, entries_by_category(counts)));
        CategoryChart::new(&snapshot(charts.collect()))
    }

    fn colors(bar: &CategoryBar) -> Vec<usize> {
        bar.segments.iter().map(|segment| segment.color).collect()
    }

    #[test]
    fn shares_are_sorted_by_size_and_category() {
        let found =
            category_shares(entries_by_category(&[(Some(20), 1), (None, 1), (Some(10), 5), (Some(1), 1)]).iter());
        let share = |category: Option<u32>, entries, percent| CategoryShare {
            category: category.map(Category::new),
            entries,
            percent,
        };
        let small = [share(None, 1, 12.5), share(Some(1), 1, 12.5), share(Some(20), 1, 12.5)];
        assert_eq!(found[0], share(Some(10), 5, 62.5));
        assert_eq!(found[1..], small);
        assert_eq!(category_shares([].iter()), []);
    }

    #[test]
    fn every_category_has_a_name() {
        let names = [None, Some(10), Some(99)].map(|id| category_name(id.map(Category::new)));
        assert_eq!(names, ["No category", "Music", "Category 99"]);
    }

    #[test]
    fn a_bar_has_no_gaps_and_the_full_length() {
        let parts = (1..=40).map(|parts| (0..parts).map(|part| (Some(part), 1 + part as usize % 3)).collect());
        let thirds = vec![(Some(10), 1), (Some(20), 1), (None, 1)];
        let all: Vec<Vec<(Option<u32>, usize)>> = parts.chain([thirds]).collect();
        for counts in all {
            let found = category_chart(&[("US", &counts)]);
            let mut end = 0;
            for segment in &found.bars[0].segments {
                assert_eq!(segment.x, end, "{counts:?}");
                end += segment.width;
            }
            assert_eq!((end, found.bars[0].segments.len()), (1000, counts.len()), "{counts:?}");
            assert!((found.bars[0].percents.iter().sum::<f64>() - 100.0).abs() < 1e-9, "{counts:?}");
        }
    }

    #[test]
    fn colors_are_assigned_over_all_charts_and_keep_their_order() {
        let found = category_chart(&[
            ("US", &[(Some(10), 6), (Some(20), 4)]),
            ("GB", &[(Some(20), 9), (None, 1)]),
            ("PL", &[(None, 5), (Some(10), 5)]),
        ]);
        assert_eq!(found.legend, ["Gaming", "Music", "No category"]);
        assert_eq!(
            found.bars.iter().map(|bar| &*bar.name).collect::<Vec<_>>(),
            ["United States", "United Kingdom", "Poland"]
        );
        let percents: Vec<&[f64]> = found.bars.iter().map(|bar| &*bar.percents).collect();
        assert_eq!(percents, [[40.0, 60.0, 0.0], [90.0, 0.0, 10.0], [0.0, 50.0, 50.0]]);
        assert_eq!(found.bars.iter().map(colors).collect::<Vec<_>>(), [[0, 1], [0, 2], [1, 2]]);
        let segment = |segment: &BarSegment| (segment.x, segment.width, segment.label.clone());
        let of_us: Vec<_> = found.bars[0].segments.iter().map(segment).collect();
        assert_eq!(of_us, [(0, 400, "Gaming 40 %".to_owned()), (400, 600, "Music 60 %".to_owned())]);
    }

    #[test]
    fn each_chart_counts_the_same_whatever_its_length() {
        let found = category_chart(&[("US", &[(Some(10), 120), (Some(20), 80)]), ("GB", &[(Some(20), 10)])]);
        assert_eq!(found.legend, ["Gaming", "Music"]);
    }

    #[test]
    fn the_bar_of_all_regions_has_the_mean_shares() {
        let found = category_chart(&[("US", &[(Some(10), 120), (Some(20), 80)]), ("GB", &[(Some(20), 10)])]);
        let all = found.all.as_ref().unwrap();
        assert_eq!((&*all.name, &*all.summary, all.region), ("All", "Gaming 70 %, Music 30 %", None));
        assert!(category_chart(&[("US", &[(Some(10), 1)])]).all.is_none(), "one region needs no mean");
    }

    #[test]
    fn categories_beyond_the_ninth_share_a_color() {
        let counts: Vec<(Option<u32>, usize)> = (1..=12).map(|id| (Some(id), 20 - id as usize)).collect();
        let nine = category_chart(&[("US", &counts[..9])]);
        assert_eq!((nine.legend.len(), &*nine.legend[8]), (9, "Category 9"));
        let all = category_chart(&[("US", &counts)]);
        assert_eq!((all.legend.len(), &*all.legend[9]), (10, "Others"));
        assert_eq!(all.legend[..9], nine.legend);
        assert_eq!(colors(&all.bars[0]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9]);
        // 10, 9 and 8 of 162.
        assert!((all.bars[0].percents[9] - 2700.0 / 162.0).abs() < 1e-9, "{:?}", all.bars[0].percents);
    }

    #[test]
    fn the_summary_names_the_three_largest_categories() {
        let found = category_chart(&[("US", &[(Some(20), 1), (None, 2), (Some(10), 4), (Some(99), 3)])]);
        assert_eq!(found.bars[0].summary, "Music 40 %, Category 99 30 %, No category 20 %");
    }

    #[test]
    fn a_region_without_entries_has_no_bar() {
        let none = without_chart(with_chart("GB", Vec::new()).attempts);
        let found =
            CategoryChart::new(&snapshot(vec![none, with_chart("US", Vec::new()), with_chart("PL", entries(&["a"]))]));
        assert_eq!(found.bars.iter().map(|bar| &*bar.name).collect::<Vec<_>>(), ["Poland"]);
        let nothing = category_chart(&[]);
        assert!(nothing.legend.is_empty() && nothing.bars.is_empty());
    }
}
