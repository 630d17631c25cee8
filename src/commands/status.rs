//! `status`: whether the charts of a history are fresh, for a monitoring system.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::{EMPTY_HISTORY, known_regions, location};
use crate::cli::StatusArgs;
use crate::config::env::Env;
use crate::config::region_list;
use crate::history::freshness::{ChartStatus, Freshness, judge};
use crate::history::{self, Access, Backend, ChartFilter, ChartSeries, DROPPED_AFTER, Period, RegionAttempt};
use crate::model::category::ChartCategory;
use crate::model::region::Region;
use crate::output;
use crate::output::exit_status::ExitStatus;

pub(super) async fn run(args: &StatusArgs, env: &Env, now: Timestamp) -> anyhow::Result<ExitStatus> {
    let location = location(&args.store, env)?;
    let regions = if args.regions.is_empty() { None } else { Some(region_list::parse(&args.regions.join(","))?) };
    let categories: Option<Vec<Option<u32>>> =
        args.categories()?.map(|categories| categories.into_iter().map(ChartCategory::id).collect());
    let mut backend = history::open(&location, Access::Read).await?;
    let found = find(&mut *backend, args, regions.as_deref(), categories.as_deref(), now).await;
    backend.close().await;
    let charts = found?;
    output::status::print(&charts, args.format, now)?;
    Ok(exit(&charts))
}

fn exit(charts: &[ChartStatus]) -> ExitStatus {
    let expected = || charts.iter().filter(|chart| chart.state != Freshness::Unsupported);
    if expected().all(|chart| chart.fetched_at.is_none()) {
        ExitStatus::Failed
    } else if expected().any(|chart| chart.state != Freshness::Fresh) {
        ExitStatus::Partial
    } else {
        ExitStatus::Complete
    }
}

async fn find(
    backend: &mut dyn Backend,
    args: &StatusArgs,
    regions: Option<&[Region]>,
    categories: Option<&[Option<u32>]>,
    now: Timestamp,
) -> anyhow::Result<Vec<ChartStatus>> {
    backend.begin_snapshot().await?;
    if known_regions(backend, now).await?.is_empty() {
        tracing::warn!("{EMPTY_HISTORY}");
    }
    let mut charts = Vec::new();
    for series in backend.series(now).await? {
        if categories.is_none_or(|categories| categories.contains(&series.series.category_id)) {
            charts.extend(charts_of(backend, args, regions, &series.series, now).await?);
        }
    }
    Ok(charts)
}

async fn charts_of(
    backend: &mut dyn Backend,
    args: &StatusArgs,
    regions: Option<&[Region]>,
    series: &ChartSeries,
    now: Timestamp,
) -> anyhow::Result<Vec<ChartStatus>> {
    let period = Period {
        source: series.source.clone(),
        categories: vec![series.category_id],
        since: now.checked_sub(DROPPED_AFTER).unwrap_or(Timestamp::UNIX_EPOCH),
        until: now.checked_add(SignedDuration::from_mins(1)).unwrap_or(now),
    };
    let attempts = backend.region_attempts(&period).await?;
    let requested = || attempts.iter().map(|attempt| attempt.region).collect::<BTreeSet<_>>().into_iter().collect();
    let regions: Vec<Region> = regions.map_or_else(requested, <[Region]>::to_vec);
    let filter = ChartFilter {
        regions: regions.clone(),
        source: Some(series.source.clone()),
        category_id: Some(series.category_id),
        until: now,
        limit: 1,
    };
    let newest = backend.newest_charts(&filter).await?;
    let chart = |region: Region| {
        let fetched_at = newest.iter().find(|chart| chart.region == region).map(|chart| chart.fetched_at);
        let own: Vec<&RegionAttempt> = attempts.iter().filter(|attempt| attempt.region == region).collect();
        judge(series, region, fetched_at, &own, (now, args.max_age, args.min_interval))
    };
    Ok(regions.into_iter().map(chart).collect())
}
