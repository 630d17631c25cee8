//! Which part of each chart a category takes. Pure.

use std::collections::HashMap;

use super::snapshot::Snapshot;
use crate::category::Category;
use crate::region::Region;
use crate::store::Place;

/// Categories with a colour of their own; the others share one.
const COLORS: usize = 9;

/// A category's part of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Share {
    /// `None` where YouTube names none.
    pub category: Option<Category>,
    pub places: usize,
    /// Of the chart's places, in a hundred.
    pub percent: f64,
}

/// The categories of some places, the largest first.
pub(super) fn shares<'a>(places: impl Iterator<Item = &'a Place>) -> Vec<Share> {
    let mut counts: HashMap<Option<Category>, usize> = HashMap::new();
    let mut total = 0;
    for place in places {
        *counts.entry(place.category).or_default() += 1;
        total += 1;
    }
    let percent = |places: usize| places as f64 * 100.0 / f64::from(total.max(1));
    let mut shares: Vec<Share> =
        counts.into_iter().map(|(category, places)| Share { category, places, percent: percent(places) }).collect();
    shares.sort_by_key(|share| (std::cmp::Reverse(share.places), share.category));
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
            .filter(|(_, chart)| !chart.places.is_empty())
            .map(|(region, chart)| (region, shares(chart.places.iter())))
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
            order.iter().position(|(other, _)| *other == category).map_or(COLORS, |place| place.min(COLORS))
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
