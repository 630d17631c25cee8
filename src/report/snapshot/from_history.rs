//! Reads snapshots from a history, in a number of queries that depends neither on the regions nor on the categories.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Origin, Snapshot, sort_by_name};
use crate::history::changes;
use crate::history::{Backend, ChartRef, ChartSeries, HistoryError, MAX_RETENTION, Period, RegionAttempt, SeriesRuns};
use crate::model::category::ChartCategory;
use crate::model::region::Region;
use crate::report::region_history::{Chart, RANK_PLOT_ENTRIES, RegionHistory};

impl Snapshot {
    /// Reads the runs of `category`, or by default of every category of the newest run's source, restricted to
    /// `regions` if given. The chart of all categories comes first, then the others by name. The result is empty when
    /// there is no such run.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub async fn from_history(
        backend: &mut dyn Backend,
        regions: Option<&[Region]>,
        category: Option<ChartCategory>,
        now: Timestamp,
    ) -> Result<Vec<Snapshot>, HistoryError> {
        backend.begin_snapshot().await?;
        let known = backend.series(now).await?;
        let is_wanted = |known: &SeriesRuns| category.is_none_or(|category| known.series.category_id == category.id());
        let Some(newest) = known.iter().find(|known| is_wanted(known)) else { return Ok(Vec::new()) };
        let (source, newest) = (newest.series.source.clone(), newest.newest);
        let since = newest.checked_sub(MAX_RETENTION).unwrap_or(Timestamp::MIN);
        let is_shown = |known: &SeriesRuns| known.series.source == source && known.newest >= since && is_wanted(known);
        let (mut shown, others): (Vec<SeriesRuns>, Vec<SeriesRuns>) = known.into_iter().partition(is_shown);
        shown.sort_by_cached_key(|shown| ChartCategory::from_id(shown.series.category_id).sort_key());
        // Those that were not asked for are no news.
        let others: Vec<SeriesRuns> = others.into_iter().filter(|other| other.series.source != source).collect();

        let categories = shown.iter().map(|shown| shown.series.category_id).collect();
        let period = Period { source, categories, since, until: newest };
        let mut attempts: HashMap<Option<u32>, Vec<RegionAttempt>> = HashMap::new();
        for attempt in backend.region_attempts(&period).await? {
            attempts.entry(attempt.category_id).or_default().push(attempt);
        }
        let mut snapshots: Vec<Snapshot> = shown
            .into_iter()
            .map(|SeriesRuns { series, newest, .. }| {
                let attempts = attempts.remove(&series.category_id).unwrap_or_default();
                let oldest = attempts.first().map_or(newest, |attempt| attempt.fetched_at);
                let origin = Origin::History { runs: oldest..=newest, others: others.clone() };
                Snapshot { made_at: now, origin, regions: group_by_region(attempts, regions), series }
            })
            .collect();
        add_charts(backend, &mut snapshots).await?;
        add_video_ranks(backend, &mut snapshots).await?;
        add_video_records(backend, &mut snapshots).await?;
        Ok(snapshots)
    }
}

/// One history per region that has attempts: those of `regions` in that order, or all of them by name.
fn group_by_region(attempts: Vec<RegionAttempt>, regions: Option<&[Region]>) -> Vec<RegionHistory> {
    let mut by_region: HashMap<Region, Vec<RegionAttempt>> = HashMap::new();
    for attempt in attempts {
        by_region.entry(attempt.region).or_default().push(attempt);
    }
    let mut known: Vec<Region> = by_region.keys().copied().collect();
    sort_by_name(&mut known, |region| *region);
    let selected = regions.unwrap_or(&known).iter();
    selected.filter_map(|region| Some(RegionHistory::new(*region, by_region.remove(region)?))).collect()
}

/// Reads the last two complete charts of each region.
async fn add_charts(backend: &mut dyn Backend, snapshots: &mut [Snapshot]) -> Result<(), HistoryError> {
    let last_two = |history: &RegionHistory, series: &ChartSeries| {
        let mut charts = complete_charts(&history.attempts, series);
        charts.reverse();
        charts.truncate(2);
        charts
    };
    let refs = by_region(snapshots, last_two);
    let mut charts = backend.chart_entries(&refs.concat()).await?.into_iter();
    for (history, refs) in regions_of(snapshots).zip(refs) {
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
async fn add_video_ranks(backend: &mut dyn Backend, snapshots: &mut [Snapshot]) -> Result<(), HistoryError> {
    let recent = |history: &RegionHistory, series: &ChartSeries| {
        let recent = complete_charts(history.recent_attempts(), series);
        if recent.len() < 2 { Vec::new() } else { recent }
    };
    let refs = by_region(snapshots, recent);
    let mut video_ranks = backend.video_ranks(&refs.concat(), RANK_PLOT_ENTRIES).await?.into_iter();
    for (history, refs) in regions_of(snapshots).zip(refs) {
        history.video_ranks = video_ranks.by_ref().take(refs.len()).flatten().collect();
    }
    Ok(())
}

/// Reads how high and how often the videos of each newest chart were in the charts of the region.
async fn add_video_records(backend: &mut dyn Backend, snapshots: &mut [Snapshot]) -> Result<(), HistoryError> {
    let all = |history: &RegionHistory, series: &ChartSeries| complete_charts(&history.attempts, series);
    let mut refs = by_region(snapshots, all);
    refs.retain(|charts| !charts.is_empty());
    let mut records = backend.video_records(&refs).await?.into_iter();
    for history in regions_of(snapshots).filter(|history| history.chart.is_some()) {
        let records = records.next().unwrap_or_default();
        history.records = records.into_iter().map(|record| (record.video_id.clone(), record)).collect();
    }
    Ok(())
}

fn regions_of(snapshots: &mut [Snapshot]) -> impl Iterator<Item = &mut RegionHistory> {
    snapshots.iter_mut().flat_map(|snapshot| &mut snapshot.regions)
}

/// What `charts` selects for each region of each snapshot.
fn by_region(
    snapshots: &[Snapshot],
    charts: impl Fn(&RegionHistory, &ChartSeries) -> Vec<ChartRef>,
) -> Vec<Vec<ChartRef>> {
    let of_snapshot = |snapshot: &Snapshot| -> Vec<Vec<ChartRef>> {
        snapshot.regions.iter().map(|history| charts(history, &snapshot.series)).collect()
    };
    snapshots.iter().flat_map(of_snapshot).collect()
}

/// The complete charts among these attempts, oldest first.
fn complete_charts(attempts: &[RegionAttempt], series: &ChartSeries) -> Vec<ChartRef> {
    let chart = |attempt: &RegionAttempt| ChartRef {
        region: attempt.region,
        run_id: attempt.run_id.clone(),
        number: attempt.number,
        fetched_at: attempt.fetched_at,
        series: series.clone(),
        max_results: attempt.max_results,
    };
    attempts.iter().filter(|attempt| attempt.is_whole()).map(chart).collect()
}
