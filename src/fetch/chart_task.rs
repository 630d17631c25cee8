//! Fetches one chart, page by page.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::attempts::PageFetcher;
use super::{Event, RunContext};
use crate::model::category::Category;
use crate::model::error::{ErrorKind, RegionError, RegionFailure};
use crate::model::region::Region;
use crate::model::{ChartEntry, ChartId, FetchMetrics, RegionChart, RegionOutcome};
use crate::youtube::client::Transport;
use crate::youtube::request::{PAGE_SIZE, PageRequest};

/// YouTube's reason when it refuses a page token. The chart can be read again from its start.
const INVALID_PAGE_TOKEN: &str = "invalidPageToken";

/// Fetches a chart of the plan. `index` is its position among those of all requests.
pub(super) async fn fetch<T: Transport>(
    run: Arc<RunContext<T>>,
    index: usize,
    id: ChartId,
    max_results: u32,
) -> RegionChart {
    let (region, category) = (id.region, run.category_name(id));
    let category = category.as_deref();
    if let Some(since) = run.plan.absent.get(&id) {
        tracing::info!(%region, category, "not requested: YouTube had no such chart at {since}");
        run.observer.observe(index, &Event::Ended);
        return absent_chart(region, *since);
    }
    let mut fetcher = PageFetcher::new(&run, index, id);
    let mut chart = fetch_pages(&run, &mut fetcher, max_results).await;
    if chart.is_token_refused() {
        tracing::info!(%region, category, "YouTube refuses its own page token; the chart is read again from its start");
        let second = fetch_pages(&run, &mut fetcher, max_results).await;
        if second.failure.is_none() || second.entries.len() >= chart.entries.len() {
            chart = second;
        }
    }
    match &chart.failure {
        Some(failure) => tracing::info!(%region, category, error = %failure.error, "region failed"),
        None if chart.entries.is_empty() && chart.skipped > 0 => {
            tracing::warn!(%region, category, "none of the chart's {} items has a usable id", chart.skipped);
        }
        None if chart.entries.is_empty() => {
            tracing::warn!(%region, category, "the chart is empty; YouTube offers no video for this region and category");
        }
        None => tracing::info!(%region, category, videos = chart.entries.len(), "region done"),
    }
    run.observer.observe(index, &Event::Ended);
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

/// The chart of a pair that is not requested.
fn absent_chart(region: Region, since: Timestamp) -> RegionChart {
    let error = RegionError {
        kind: ErrorKind::RegionUnsupported,
        status: None,
        reason: None,
        message: format!(
            "not requested, since YouTube had no such chart at {since}; it is requested again after a week"
        ),
    };
    RegionChart {
        entries: Vec::new(),
        outcome: RegionOutcome {
            region,
            entries: 0,
            skipped: 0,
            answered: false,
            failure: Some(RegionFailure { error, remedy: None }),
            metrics: FetchMetrics::default(),
        },
    }
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
async fn fetch_pages<T: Transport>(
    run: &RunContext<T>,
    fetcher: &mut PageFetcher<'_, T>,
    max_results: u32,
) -> PartialChart {
    let ChartId { region, category } = fetcher.chart();
    let category_name = run.category_name(fetcher.chart());
    let (mut chart, mut tokens) = (PartialChart::default(), HashSet::new());
    let mut request = PageRequest {
        region,
        category_id: category.map(Category::id),
        offset: 0,
        size: max_results.min(PAGE_SIZE),
        token: None,
        description: run.plan.description,
    };
    let category = category_name.as_deref();
    for _ in 0..max_results.div_ceil(PAGE_SIZE) {
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
        request.size = max_results.saturating_sub(request.offset).min(PAGE_SIZE);
        let Some(token) = page.next_page_token.filter(|_| request.size > 0) else { return chart };
        if !tokens.insert(token.clone()) {
            tracing::warn!(%region, category, "YouTube repeats a page token; the chart ends here");
            return chart;
        }
        request.token = Some(token);
    }
    tracing::warn!(
        %region,
        category,
        "YouTube's pages were shorter than requested: the chart ends after {} of {} entries, though more would follow",
        request.offset,
        max_results
    );
    chart
}
