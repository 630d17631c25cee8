//! Fetches one region's chart, page by page.

use std::collections::HashSet;
use std::sync::Arc;

use super::attempts::PageFetcher;
use super::{Event, RunContext};
use crate::model::error::{ErrorKind, RegionFailure};
use crate::model::{ChartEntry, RegionChart, RegionOutcome};
use crate::youtube::client::Transport;
use crate::youtube::request::{PAGE_SIZE, PageRequest};

/// YouTube's reason when it refuses a page token. The chart can be read again from its start.
const INVALID_PAGE_TOKEN: &str = "invalidPageToken";

/// Fetches the chart of the plan's region with this index.
pub(super) async fn fetch<T: Transport>(run: Arc<RunContext<T>>, region_index: usize) -> RegionChart {
    let region = run.plan.request.regions[region_index];
    let mut fetcher = PageFetcher::new(&run, region_index);
    let mut chart = fetch_pages(&run, &mut fetcher).await;
    if chart.is_token_refused() {
        tracing::info!(%region, "YouTube refuses its own page token; the chart is read again from its start");
        let second = fetch_pages(&run, &mut fetcher).await;
        if second.failure.is_none() || second.entries.len() >= chart.entries.len() {
            chart = second;
        }
    }
    match &chart.failure {
        Some(failure) => tracing::info!(%region, error = %failure.error, "region failed"),
        None if chart.entries.is_empty() && chart.skipped > 0 => {
            tracing::warn!(%region, "none of the chart's {} items has a usable id", chart.skipped);
        }
        None if chart.entries.is_empty() => {
            tracing::warn!(%region, "the chart is empty; YouTube offers no video for this region and category");
        }
        None => tracing::info!(%region, videos = chart.entries.len(), "region done"),
    }
    run.observer.observe(region_index, &Event::Ended);
    let outcome = RegionOutcome {
        region,
        entries: chart.entries.len(),
        skipped: chart.skipped,
        answered: chart.answered,
        failure: chart.failure,
        metrics: fetcher.metrics(),
    };
    RegionChart { entries: chart.entries, outcome }
}

/// A chart as far as it was read.
#[derive(Default)]
struct PartialChart {
    entries: Vec<ChartEntry>,
    skipped: u32,
    answered: bool,
    failure: Option<RegionFailure>,
}

impl PartialChart {
    fn is_token_refused(&self) -> bool {
        self.failure.as_ref().is_some_and(|RegionFailure { error, .. }| {
            error.kind == ErrorKind::BadResponse && error.reason.as_deref() == Some(INVALID_PAGE_TOKEN)
        })
    }
}

/// Reads pages until one has no token, or until as many pages or entries as requested have arrived; `totalResults` is
/// not reliable. A page that is shorter than requested is followed by the next one. Pages that arrived before a failure
/// are kept.
async fn fetch_pages<T: Transport>(run: &RunContext<T>, fetcher: &mut PageFetcher<'_, T>) -> PartialChart {
    let plan = &run.plan;
    let (mut chart, mut tokens) = (PartialChart::default(), HashSet::new());
    let mut request = PageRequest {
        region: fetcher.region(),
        category_id: plan.request.category_id,
        offset: 0,
        size: plan.request.max_results.min(PAGE_SIZE),
        token: None,
        description: plan.description,
    };
    for _ in 0..plan.pages_per_region() {
        let page = match fetcher.fetch(&request).await {
            Ok(page) => page,
            Err(failure) => {
                chart.failure = Some(failure);
                return chart;
            }
        };
        chart.answered = true;
        chart.skipped += page.skipped;
        chart.entries.extend(page.entries);
        fetcher.observe(&Event::Arrived { videos: chart.entries.len() });
        request.offset += page.items;
        request.size = plan.request.max_results.saturating_sub(request.offset).min(PAGE_SIZE);
        let Some(token) = page.next_page_token.filter(|_| request.size > 0) else { return chart };
        if !tokens.insert(token.clone()) {
            tracing::warn!(region = %fetcher.region(), "YouTube repeats a page token; the chart ends here");
            return chart;
        }
        request.token = Some(token);
    }
    tracing::warn!(
        region = %fetcher.region(),
        "YouTube's pages were shorter than requested: the chart ends after {} of {} entries, though more would follow",
        request.offset,
        plan.request.max_results
    );
    chart
}
