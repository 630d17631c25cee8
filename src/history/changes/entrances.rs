//! Each time that a video entered a chart, for a feed: what a reader of a feed has seen must not depend on when the feed was
//! made, so all charts of a period are compared, each with the one before.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::{Move, Query, compare, pairs};
use crate::history::{Backend, ChartRef, ChartSeries, HistoryError};
use crate::model::region::Region;

/// A video that entered a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrance {
    pub region: Region,
    pub series: ChartSeries,
    /// Start of the first run that found it there.
    pub entered_at: Timestamp,
    pub moved: Move,
}

/// What entered in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entrances {
    /// Newest first, then by region and rank.
    pub list: Vec<Entrance>,
    /// The regions with two comparable charts, in the order requested.
    pub regions: Vec<Region>,
    /// Start of the newest run that was compared.
    pub newest: Option<Timestamp>,
}

/// Finds what entered in the charts of the query's period.
///
/// # Errors
/// When the history cannot be read.
pub async fn find_entrances(backend: &mut dyn Backend, query: &Query<'_>) -> Result<Entrances, HistoryError> {
    // Two charts, or all of the period.
    let recent_charts = if query.since.is_some() { usize::MAX } else { 2 };
    let pairs = pairs::find(backend, query, recent_charts).await?;
    let mut found = Entrances {
        list: Vec::new(),
        regions: pairs.iter().map(|pair| pair.to.region).collect(),
        newest: pairs.iter().map(|pair| pair.to.fetched_at).max(),
    };
    let periods: Vec<Vec<ChartRef>> = pairs.into_iter().map(period).collect();
    let mut entries = backend.chart_entries(&periods.concat()).await?.into_iter();
    for charts in &periods {
        let charts: Vec<_> = charts.iter().zip(entries.by_ref()).collect();
        for [(from, before), (to, now)] in charts.array_windows() {
            let mut changes = compare((from, before), (to, now));
            changes.retain_top(query.top);
            found.list.extend(changes.entered.into_iter().map(|moved| entrance(to, moved)));
        }
    }
    found.list.sort_by_key(|entrance| Reverse(entrance.entered_at));
    Ok(found)
}

/// The charts from the earlier one of a pair to the later one, oldest first.
fn period(pair: pairs::Pair) -> Vec<ChartRef> {
    let is_between =
        |chart: &ChartRef| pair.from.fetched_at < chart.fetched_at && chart.fetched_at < pair.to.fetched_at;
    let mut charts = vec![pair.to.clone()];
    charts.extend(pair.recent.iter().filter(|chart| is_between(chart)).cloned());
    charts.push(pair.from);
    charts.reverse();
    charts
}

fn entrance(to: &ChartRef, moved: Move) -> Entrance {
    Entrance { region: to.region, series: to.series.clone(), entered_at: to.fetched_at, moved }
}
