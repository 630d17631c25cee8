//! How the charts move, against the figures that `career` states.

use std::collections::{HashMap, HashSet};
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use super::*;

const START: Hour = Hour(498_000);

/// The regions of the captured charts, each with its charts of ten days at the same hour.
static DAYS: LazyLock<Vec<Vec<Vec<DemoVideo>>>> = LazyLock::new(|| {
    let regions = ["BR", "CA", "DE", "FR", "GB", "IN", "JP", "KR", "MX", "RU", "US"];
    regions.into_iter().map(|code| (0..10).map(|day| chart_of(code, day * 24)).collect()).collect()
});

fn chart_of(code: &str, hours: i64) -> Vec<DemoVideo> {
    chart(Region::new(code).unwrap(), Hour(START.0 + hours))
}

fn ids(chart: &[DemoVideo], depth: usize) -> Vec<&str> {
    chart.iter().take(depth).map(|video| video.id.as_str()).collect()
}

fn median(mut numbers: Vec<usize>) -> usize {
    numbers.sort_unstable();
    numbers[numbers.len() / 2]
}

/// Two charts of a region, one day apart.
struct Pair<'a> {
    before: &'a [DemoVideo],
    after: &'a [DemoVideo],
}

fn pairs() -> impl Iterator<Item = Pair<'static>> {
    DAYS.iter().flat_map(|days| days.windows(2).map(|pair| Pair { before: &pair[0], after: &pair[1] }))
}

impl Pair<'_> {
    /// The indices of the videos of the first `depth` that were not there the day before.
    fn newcomers(&self, depth: usize) -> Vec<usize> {
        let before = ids(self.before, depth);
        let after = ids(self.after, depth);
        (0..after.len()).filter(|index| !before.contains(&after[*index])).collect()
    }

    /// The videos that stayed: both indices.
    fn stayed(&self) -> Vec<(usize, usize)> {
        let after: HashMap<&str, usize> = ids(self.after, 200).into_iter().zip(0..).collect();
        let before = ids(self.before, 200).into_iter().enumerate();
        before.filter_map(|(index, id)| Some((index, *after.get(id)?))).collect()
    }
}

/// Checks a figure of all pairs: its median and each value.
fn check(
    name: &str,
    median_range: RangeInclusive<usize>,
    range: RangeInclusive<usize>,
    of: impl Fn(&Pair<'_>) -> usize,
) {
    let figures: Vec<usize> = pairs().map(|pair| of(&pair)).collect();
    assert!(median_range.contains(&median(figures.clone())), "{name}: {figures:?}");
    assert!(figures.iter().all(|figure| range.contains(figure)), "{name}: {figures:?}");
}

#[test]
fn as_many_videos_enter_and_leave_in_a_day_as_in_captured_charts() {
    check("new among the first 200, per mille", 180..=250, 120..=350, |pair| pair.newcomers(200).len() * 5);
    check("new among the first 50, per mille", 550..=650, 300..=900, |pair| pair.newcomers(50).len() * 20);
}

#[test]
fn videos_enter_high_and_low_and_sink() {
    check("the median rank of a new video", 15..=35, 8..=90, |pair| median(pair.newcomers(200)) + 1);
    check("the lowest rank of a new video", 120..=200, 50..=200, |pair| {
        pair.newcomers(200).into_iter().max().unwrap() + 1
    });
    check("how many rose", 1..=10, 0..=20, |pair| {
        pair.stayed().iter().filter(|(before, after)| after < before).count()
    });
    let sank = |pair: &Pair<'_>| pair.stayed().iter().map(|(before, after)| after.saturating_sub(*before)).collect();
    check("by how many ranks a video sank", 20..=60, 10..=90, |pair| median(sank(pair)));
}

#[test]
fn some_videos_return_after_a_day() {
    let (mut new, mut returned) = (0, 0);
    for days in DAYS.iter().flat_map(|days| days.windows(3)) {
        let [first, second, third] = [0, 1, 2].map(|day| ids(&days[day], 200).into_iter().collect::<HashSet<_>>());
        new += third.difference(&second).count();
        returned += third.difference(&second).filter(|id| first.contains(*id)).count();
    }
    assert!((10..=50).contains(&(returned * 1000 / new)), "{returned} of {new}");
}

#[test]
fn views_grow_like_captured_ones() {
    let growth = |pair: &Pair<'_>, depth: usize| {
        let stayed = pair.stayed().into_iter().filter(|(before, _)| *before < depth);
        median(
            stayed
                .map(|(before, after)| (pair.after[after].views * 1000 / pair.before[before].views.max(1)) as usize)
                .collect(),
        )
    };
    check("growth in a day of the first 200", 1050..=1200, 1040..=1310, |pair| growth(pair, 200));
    check("growth in a day of the first 50", 1200..=1500, 1140..=1800, |pair| growth(pair, 50));
}

#[test]
fn counts_never_shrink_and_nothing_else_of_a_video_changes() {
    // The regions share videos, and their counts may be minutes old.
    let charts_at = |hours: i64| ["US", "GB", "AT", "IN", "CA"].into_iter().flat_map(move |code| chart_of(code, hours));
    let mut earlier = HashMap::<String, Vec<DemoVideo>>::new();
    for hours in 0..40 {
        let mut current = HashMap::<String, Vec<DemoVideo>>::new();
        charts_at(hours).for_each(|video| current.entry(video.id.clone()).or_default().push(video));
        for (before, after) in current.iter().filter_map(|(id, after)| Some((earlier.get(id)?, after))) {
            let pairs = before.iter().flat_map(|before| after.iter().map(move |after| (before, after)));
            pairs.for_each(|(before, after)| assert_grown(before, after));
        }
        earlier.extend(current);
    }
}

fn assert_grown(before: &DemoVideo, after: &DemoVideo) {
    let DemoVideo { views, likes, comments, broadcast, .. } = *after;
    assert!(views >= before.views && likes >= before.likes && comments >= before.comments, "{before:?} {after:?}");
    // A broadcast begins.
    assert_eq!(DemoVideo { views, likes, comments, broadcast, ..before.clone() }, *after);
}

#[test]
fn a_chart_changes_every_hour_and_is_the_same_within_it() {
    let region = Region::new("PL").unwrap();
    for hours in 0..30 {
        assert_ne!(chart_of("PL", hours), chart_of("PL", hours + 1));
        assert_eq!(chart_of("PL", hours), *ChartCache::at(Hour(START.0 + hours)).chart(region));
    }
    // A run of seven hours later finds some newcomers, not a new chart.
    let (before, after) = (chart_of("PL", 0), chart_of("PL", 7));
    let new = Pair { before: &before, after: &after }.newcomers(50).len();
    assert!((4..=25).contains(&new), "{new}");
}

#[test]
fn the_chart_of_a_category_moves_too() {
    let region = Region::new("GB").unwrap();
    let at = |hours: i64| {
        let hour = Hour(START.0 + hours);
        category_chart(region, 25, &chart(region, hour), hour).unwrap()
    };
    let (before, after) = (at(0), at(24));
    let new = Pair { before: &before, after: &after }.newcomers(50).len();
    assert!((5..=45).contains(&new), "{new}");
}
