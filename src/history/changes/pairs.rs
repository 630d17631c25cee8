//! Finds the two charts of each region that are compared.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::Query;
use crate::history::{Backend, ChartFilter, ChartRef, HistoryError};
use crate::model::category::ChartCategory;
use crate::model::region::Region;
use crate::model::whole_seconds;

/// Two complete charts of one region and series.
pub(super) struct Pair {
    pub(super) from: ChartRef,
    pub(super) to: ChartRef,
    /// The newest charts of the series, newest first: as many as were requested, if there are as many.
    pub(super) recent: Vec<ChartRef>,
    /// Whether the region has charts of other categories too.
    pub(super) has_other_categories: bool,
}

/// The charts to compare in each region that has two, in the order requested.
pub(super) async fn find(
    backend: &mut dyn Backend,
    query: &Query<'_>,
    recent_charts: usize,
) -> Result<Vec<Pair>, HistoryError> {
    let limit = u32::try_from(recent_charts.max(2)).unwrap_or(u32::MAX);
    let mut newest = by_region(backend.newest_charts(&filter(query, query.until, limit)).await?);
    let mut earlier = match query.since {
        Some(since) => by_region(backend.newest_charts(&filter(query, last_before(since), 1)).await?),
        None => HashMap::new(),
    };
    let pair = |region: &Region| {
        let newest = newest.remove(region)?;
        match query.since {
            Some(since) => pair_since(newest, &earlier.remove(region)?, since),
            None => last_two(newest),
        }
    };
    Ok(query.regions.iter().filter_map(pair).collect())
}

fn filter(query: &Query<'_>, until: Timestamp, limit: u32) -> ChartFilter {
    let category_id = query.category.map(ChartCategory::id);
    ChartFilter { regions: query.regions.to_vec(), source: None, category_id, until, limit }
}

/// The last time before this one at which a run can begin: runs are dated in whole seconds.
fn last_before(time: Timestamp) -> Timestamp {
    let before = time.checked_sub(SignedDuration::from_nanos(1)).unwrap_or(Timestamp::MIN);
    whole_seconds(before)
}

fn by_region(charts: Vec<ChartRef>) -> HashMap<Region, Vec<ChartRef>> {
    let mut by_region: HashMap<Region, Vec<ChartRef>> = HashMap::new();
    for chart in charts {
        by_region.entry(chart.region).or_default().push(chart);
    }
    by_region
}

/// Picks one series from the charts of a region, which come newest first: that of the newest chart that has an earlier
/// one to compare with.
fn last_two(newest: Vec<ChartRef>) -> Option<Pair> {
    let two = newest.iter().enumerate().find_map(|(index, to)| {
        let from = newest[index + 1..].iter().find(|from| from.series == to.series)?;
        Some((from.clone(), to.clone()))
    });
    pair(two, newest)
}

/// The same, with the earlier chart from before `since`, and the newer one not.
fn pair_since(newest: Vec<ChartRef>, earlier: &[ChartRef], since: Timestamp) -> Option<Pair> {
    let two = newest.iter().filter(|to| to.fetched_at >= since).find_map(|to| {
        let from = earlier.iter().find(|from| from.series == to.series)?;
        Some((from.clone(), to.clone()))
    });
    pair(two, newest)
}

fn pair(two: Option<(ChartRef, ChartRef)>, newest: Vec<ChartRef>) -> Option<Pair> {
    let (from, to) = two?;
    let has_other_categories = newest.iter().any(|chart| chart.series.category_id != to.series.category_id);
    let recent = newest.into_iter().filter(|chart| chart.series == to.series).collect();
    Some(Pair { from, to, recent, has_other_categories })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ChartSeries;

    fn chart_ref(run_id: &str, source: &str, category_id: Option<u32>) -> ChartRef {
        let fetched_at = Timestamp::UNIX_EPOCH;
        let series = ChartSeries { source: source.into(), category_id };
        let region = Region::new("PL").unwrap();
        ChartRef { region, run_id: run_id.into(), number: 0, fetched_at, series, max_results: 50 }
    }

    #[test]
    fn only_charts_of_one_series_are_compared() {
        let newest_first = [
            chart_ref("5", "demo", None),
            chart_ref("4", "youtube", Some(10)),
            chart_ref("3", "youtube", None),
            chart_ref("2", "youtube", None),
            chart_ref("1", "youtube", Some(10)),
        ];
        let ids = |charts: &[ChartRef]| -> Option<Vec<String>> {
            let Pair { from, to, .. } = last_two(charts.to_vec())?;
            Some(vec![to.run_id, from.run_id])
        };
        assert_eq!(ids(&newest_first), Some(vec!["4".into(), "1".into()]));
        assert_eq!(ids(&newest_first[..4]), Some(vec!["3".into(), "2".into()]));
        assert_eq!(ids(&newest_first[..3]), None);
        assert_eq!(ids(&[]), None);
    }
}
