//! Reads a snapshot from a history.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Origin, Snapshot};
use crate::history::changes;
use crate::history::{Backend, ChartRef, ChartSeries, HistoryError, MAX_RETENTION, Period, RegionAttempt, SeriesRuns};
use crate::model::category::ChartCategory;
use crate::model::region::Region;
use crate::report::region_history::{Chart, RANK_PLOT_ENTRIES, RegionHistory};

impl Snapshot {
    /// Reads the runs of `category`, or by default of the source and category of the newest run, restricted to
    /// `regions` if given. Returns `None` when there is no such run.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn from_history(
        backend: &mut dyn Backend,
        regions: Option<&[Region]>,
        category: Option<ChartCategory>,
        now: Timestamp,
    ) -> Result<Option<Snapshot>, HistoryError> {
        backend.begin_snapshot().await?;
        let mut others = backend.series(now).await?;
        let matches = |known: &SeriesRuns| category.is_none_or(|category| known.series.category_id == category.id());
        let Some(index) = others.iter().position(matches) else { return Ok(None) };
        let SeriesRuns { series, newest, .. } = others.remove(index);
        let since = newest.checked_sub(MAX_RETENTION).unwrap_or(Timestamp::MIN);

        let period =
            Period { source: series.source.clone(), categories: vec![series.category_id], since, until: newest };
        let attempts = backend.region_attempts(&period).await?;
        let oldest = attempts.first().map_or(newest, |attempt| attempt.fetched_at);
        let mut histories = group_by_region(attempts, regions);
        add_charts(backend, &mut histories, &series).await?;
        add_video_ranks(backend, &mut histories, &series).await?;
        let origin = Origin::History { runs: oldest..=newest, others };
        Ok(Some(Snapshot { made_at: now, origin, series, regions: histories }))
    }
}

/// One history per region that has attempts: those of `regions` in that order, or all of them by code.
fn group_by_region(attempts: Vec<RegionAttempt>, regions: Option<&[Region]>) -> Vec<RegionHistory> {
    let mut by_region: HashMap<Region, Vec<RegionAttempt>> = HashMap::new();
    for attempt in attempts {
        by_region.entry(attempt.region).or_default().push(attempt);
    }
    let mut known: Vec<Region> = by_region.keys().copied().collect();
    known.sort_unstable();
    let selected = regions.unwrap_or(&known).iter();
    selected.filter_map(|region| Some(RegionHistory::new(*region, by_region.remove(region)?))).collect()
}

/// Reads the last two complete charts of each region.
async fn add_charts(
    backend: &mut dyn Backend,
    regions: &mut [RegionHistory],
    series: &ChartSeries,
) -> Result<(), HistoryError> {
    let last_two = |history: &RegionHistory| -> Vec<ChartRef> {
        let complete = history.attempts.iter().rev().filter(|attempt| attempt.is_whole());
        complete.take(2).map(|attempt| chart_ref(attempt, series)).collect()
    };
    let refs: Vec<Vec<ChartRef>> = regions.iter().map(last_two).collect();
    let mut charts = backend.chart_entries(&refs.concat()).await?.into_iter();
    for (history, refs) in regions.iter_mut().zip(refs) {
        let mut charts = refs.into_iter().zip(charts.by_ref());
        let Some((to, entries)) = charts.next() else { continue };
        if let Some((from, before)) = charts.next() {
            history.changes = Some(changes::compare((&from, &before), (&to, &entries)));
            history.previous = Some(Chart { fetched_at: from.fetched_at, entries: before });
        }
        history.chart = Some(Chart { fetched_at: to.fetched_at, entries });
    }
    Ok(())
}

/// Reads the top ranks of each region's recent charts if there are at least two.
async fn add_video_ranks(
    backend: &mut dyn Backend,
    regions: &mut [RegionHistory],
    series: &ChartSeries,
) -> Result<(), HistoryError> {
    let recent = |history: &RegionHistory| -> Vec<ChartRef> {
        let complete = history.recent_attempts().iter().filter(|attempt| attempt.is_whole());
        let recent: Vec<ChartRef> = complete.map(|attempt| chart_ref(attempt, series)).collect();
        if recent.len() < 2 { Vec::new() } else { recent }
    };
    let refs: Vec<Vec<ChartRef>> = regions.iter().map(recent).collect();
    let mut video_ranks = backend.video_ranks(&refs.concat(), RANK_PLOT_ENTRIES).await?.into_iter();
    for (history, refs) in regions.iter_mut().zip(refs) {
        history.video_ranks = video_ranks.by_ref().take(refs.len()).flatten().collect();
    }
    Ok(())
}

/// The chart that a complete attempt fetched.
fn chart_ref(attempt: &RegionAttempt, series: &ChartSeries) -> ChartRef {
    ChartRef {
        region: attempt.region,
        run_id: attempt.run_id.clone(),
        number: attempt.number,
        fetched_at: attempt.fetched_at,
        series: series.clone(),
        max_results: attempt.max_results,
    }
}
