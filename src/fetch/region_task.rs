//! One region's chart: its pages one after another.

use std::collections::HashSet;
use std::sync::Arc;

use super::attempts::Attempts;
use super::{Event, Run};
use crate::model::error::{ErrorKind, RegionError};
use crate::model::{ChartEntry, RegionChart, RegionOutcome};
use crate::youtube::client::Transport;
use crate::youtube::request::{PAGE_SIZE, PageRequest};

/// The reason of a refusal that is about the token alone: the chart can be read from its start again.
const TOKEN_REFUSED: &str = "invalidPageToken";

/// Fetches the chart of the `index`th region of the plan.
pub(super) async fn fetch<T: Transport>(run: Arc<Run<T>>, index: usize) -> RegionChart {
    let region = run.plan.regions[index];
    let mut attempts = Attempts::new(&run, index);
    let mut read = read(&run, &mut attempts).await;
    if read.is_token_refused() {
        tracing::info!(%region, "YouTube refuses its own page token; the chart is read again from its start");
        let again = self::read(&run, &mut attempts).await;
        if again.error.is_none() || again.entries.len() >= read.entries.len() {
            read = again;
        }
    }
    match &read.error {
        Some(error) => tracing::info!(%region, %error, "region failed"),
        None if read.entries.is_empty() && read.skipped > 0 => {
            tracing::warn!(%region, "none of the chart's {} items has a usable id", read.skipped);
        }
        None if read.entries.is_empty() => {
            tracing::warn!(%region, "the chart is empty; YouTube offers no video for this region and category");
        }
        None => tracing::info!(%region, videos = read.entries.len(), "region done"),
    }
    run.observer.observe(index, &Event::Ended);
    let outcome = RegionOutcome {
        region,
        entries: read.entries.len(),
        skipped: read.skipped,
        answered: read.answered,
        error: read.error,
        effort: attempts.effort(),
    };
    RegionChart { entries: read.entries, outcome }
}

/// A chart as far as it was read.
#[derive(Default)]
struct ReadChart {
    entries: Vec<ChartEntry>,
    skipped: u32,
    answered: bool,
    error: Option<RegionError>,
}

impl ReadChart {
    fn is_token_refused(&self) -> bool {
        let refused = |error: &RegionError| {
            error.kind == ErrorKind::BadResponse && error.reason.as_deref() == Some(TOKEN_REFUSED)
        };
        self.error.as_ref().is_some_and(refused)
    }
}

/// The page loop. Pages that came before a failure stay. It scope where no token is given, never by counting to
/// `totalResults`, and never goes beyond what was asked for: a page that is shorter than that is followed by the next
/// one as long as pages are left.
async fn read<T: Transport>(run: &Run<T>, attempts: &mut Attempts<'_, T>) -> ReadChart {
    let plan = &run.plan;
    let (mut chart, mut tokens) = (ReadChart::default(), HashSet::new());
    let mut request = PageRequest {
        region: attempts.region(),
        category: plan.category,
        offset: 0,
        size: plan.max_results.min(PAGE_SIZE),
        token: None,
        description: plan.description,
    };
    for number in 0..plan.pages_per_region() {
        let page = match attempts.page(&request, number).await {
            Ok(page) => page,
            Err(error) => {
                chart.error = Some(error);
                return chart;
            }
        };
        chart.answered = true;
        chart.skipped += page.skipped;
        chart.entries.extend(page.entries);
        attempts.observe(&Event::Arrived { videos: chart.entries.len() });
        request.offset += page.items;
        request.size = plan.max_results.saturating_sub(request.offset).min(PAGE_SIZE);
        let Some(token) = page.next.filter(|_| request.size > 0) else { return chart };
        if !tokens.insert(token.clone()) {
            tracing::warn!(region = %attempts.region(), "YouTube repeats a page token; the chart ends here");
            return chart;
        }
        request.token = Some(token);
    }
    tracing::warn!(
        region = %attempts.region(),
        "YouTube's pages were shorter than asked for: the chart ends after {} of {} places, though more would follow",
        request.offset,
        plan.max_results
    );
    chart
}
