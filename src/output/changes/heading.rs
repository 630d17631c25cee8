//! Says which charts of a region are compared, and counts its moves.

use jiff::Timestamp;

use crate::history::changes::{RegionChanges, RegionTrends};
use crate::model::category::{Category, ChartCategory};
use crate::support::sanitize::one_line;

/// `Music, 2026-11-22 14:05 to 21:05 UTC, top 50`
pub(super) fn compared(trends: &RegionTrends, top: Option<u32>) -> String {
    let period = period(&trends.changes, top);
    match scope(trends) {
        scope if scope.is_empty() => period,
        // Without a category, the source needs no parentheses.
        scope => format!(
            "{}, {period}",
            scope.strip_prefix('(').and_then(|source| source.strip_suffix(')')).unwrap_or(&scope)
        ),
    }
}

/// `PL, Music: 2026-11-22 14:05 to 21:05 UTC, top 50: 5 entered, 5 left, 2 rose, 8 fell, 12 pushed`
pub(super) fn of_region(trends: &RegionTrends, top: Option<u32>) -> String {
    let region = &trends.changes;
    let scope = match scope(trends) {
        scope if scope.is_empty() => scope,
        source if source.starts_with('(') => format!(" {source}"),
        category => format!(", {category}"),
    };
    format!("{}{scope}: {}: {}", region.region, period(region, top), counts(region))
}

/// The category and the source, if they need to be named: `Music (demo)`.
fn scope(trends: &RegionTrends) -> String {
    let series = &trends.changes.series;
    let category = match series.category_id {
        Some(id) => Some(Category::new(id).to_string()),
        None => trends.names_category.then(|| ChartCategory::All.to_string()),
    };
    // A loaded document may name any source.
    let source = (series.source != "youtube").then(|| format!("({})", one_line(&series.source, 60)));
    category.into_iter().chain(source).collect::<Vec<_>>().join(" ")
}

fn period(changes: &RegionChanges, top: Option<u32>) -> String {
    let (from, to) = (changes.from.fetched_at, changes.to.fetched_at);
    let day = |time: Timestamp| time.strftime("%Y-%m-%d").to_string();
    let minute = |time: Timestamp| time.strftime("%H:%M").to_string();
    let until = if day(from) == day(to) { minute(to) } else { format!("{} {}", day(to), minute(to)) };
    let depth = match top.filter(|top| *top < changes.max_rank) {
        Some(top) => format!("top {top} of {}", changes.max_rank),
        None => format!("top {}", changes.max_rank),
    };
    format!("{} {} to {until} UTC, {depth}", day(from), minute(from))
}

/// `5 entered, 5 left, 2 rose, 8 fell, 12 pushed`
pub(super) fn counts(changes: &RegionChanges) -> String {
    let counts = changes.lists().map(|(change, moves)| format!("{} {change}", moves.len()));
    format!("{}, {} pushed", counts.join(", "), changes.pushed.len())
}
