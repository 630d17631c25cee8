//! One region's chart: its pages one after another, each tried until it comes or has failed for good.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api::{self, PAGE_SIZE, PageRequest};
use super::failure::Failure;
use super::pace::Stop;
use super::permits::Permit;
use super::retry::{Ends, Next, decide};
use super::transport::Transport;
use super::{Event, LONGER_THAN_ALLOWED, Run};
use crate::error::{Kind, RegionError};
use crate::figures::wait;
use crate::model::{Effort, RegionChart, RegionOutcome};
use crate::normalize::Page;
use crate::region::Region;

/// Fetches the chart of the `index`th region of the plan.
pub(super) async fn fetch<T: Transport>(run: Arc<Run<T>>, index: usize) -> RegionChart {
    let region = run.plan.regions[index];
    let effort = Effort::default();
    let outcome = RegionOutcome { region, places: 0, skipped: 0, answered: false, error: None, effort };
    let chart = RegionChart { sightings: Vec::new(), outcome };
    let mut task = Task { run: &run, index, began: None, pages: 0, used: None, chart };
    let ended = task.pages().await;
    let elapsed = task.began.map_or(Duration::ZERO, |began| began.elapsed());
    let mut chart = task.chart;
    chart.outcome.places = chart.sightings.len();
    chart.outcome.effort.elapsed = elapsed;
    match &ended {
        Err(error) => tracing::info!(%region, %error, "region failed"),
        Ok(()) if chart.sightings.is_empty() && chart.outcome.skipped > 0 => {
            tracing::warn!(%region, "none of the chart's {} items has a usable id", chart.outcome.skipped);
        }
        Ok(()) if chart.sightings.is_empty() => {
            tracing::warn!(%region, "the chart is empty; YouTube offers no video for this region and category");
        }
        Ok(()) => tracing::info!(%region, videos = chart.sightings.len(), "region done"),
    }
    chart.outcome.error = ended.err();
    run.observer.observe(index, &Event::Ended);
    chart
}

struct Task<'a, T> {
    run: &'a Run<T>,
    index: usize,
    /// When the first attempt was sent.
    began: Option<Instant>,
    /// Pages that came.
    pages: u32,
    /// The permit of the page before, until the next one is in the queue.
    used: Option<Permit>,
    chart: RegionChart,
}

/// How an attempt ended.
enum Attempt {
    Page(Page),
    Failed(Failure),
    Abandoned(Stop),
}

impl<T: Transport> Task<'_, T> {
    /// The page loop. Pages that came before a failure stay in the chart. It ends where no token is
    /// given, never by counting to `totalResults`, and never goes beyond what was asked for.
    async fn pages(&mut self) -> Result<(), RegionError> {
        let plan = &self.run.plan;
        let mut tokens = HashSet::new();
        let mut request = PageRequest {
            region: self.region(),
            category: plan.category,
            offset: 0,
            size: plan.max_results.min(PAGE_SIZE),
            token: None,
            description: plan.description,
        };
        for _ in 0..plan.pages_per_region() {
            let page = self.page(&request).await?;
            self.pages += 1;
            self.chart.outcome.answered = true;
            self.chart.outcome.skipped += page.skipped;
            self.chart.sightings.extend(page.sightings);
            self.run.observer.observe(self.index, &Event::Arrived { videos: self.chart.sightings.len() });
            request.offset += page.places;
            request.size = plan.max_results.saturating_sub(request.offset).min(PAGE_SIZE);
            let Some(token) = page.next.filter(|_| request.size > 0) else { break };
            if !tokens.insert(token.clone()) {
                tracing::warn!(region = %self.region(), "YouTube repeats a page token; the chart ends here");
                break;
            }
            request.token = Some(token);
        }
        Ok(())
    }

    /// One page, through as many attempts as its failures allow.
    async fn page(&mut self, request: &PageRequest) -> Result<Page, RegionError> {
        let run = self.run;
        let query = request.query();
        let mut tried = 0;
        loop {
            let permit = run.pace.admit(self.to_go(), self.used.take()).await.map_err(|stop| stop.error)?;
            run.spend().map_err(|stop| stop.error)?;
            let failure = match self.attempt(request, &query, tried).await {
                Attempt::Page(page) => {
                    self.used = Some(permit);
                    return Ok(page);
                }
                Attempt::Abandoned(stop) => return Err(stop.error),
                Attempt::Failed(failure) => failure,
            };
            // What follows for the others takes effect before the permit lets one of them go on.
            let next = self.follow(failure, tried);
            drop(permit);
            let wait = next?;
            tokio::select! {
                biased;
                stop = run.pace.stopped() => return Err(stop.error),
                () = sleep(wait) => self.chart.outcome.effort.alone += wait,
            }
            tried += 1;
        }
    }

    /// For how long the region will still be at work, if its other pages take what those took that came. Of a region
    /// without a page nothing is known.
    fn to_go(&self) -> Duration {
        let pages_to_go = self.run.plan.pages_per_region().saturating_sub(self.pages);
        let a_page = self.chart.outcome.effort.alone.checked_div(self.pages);
        a_page.map_or(Duration::MAX, |a_page| a_page.saturating_mul(pages_to_go))
    }

    /// Sends once.
    async fn attempt(&mut self, request: &PageRequest, query: &[(&'static str, String)], tried: u32) -> Attempt {
        let run = self.run;
        let effort = &mut self.chart.outcome.effort;
        effort.requests += 1;
        effort.retries += u32::from(tried > 0);
        run.observer.observe(self.index, &Event::Sent { attempts: effort.requests });
        tracing::debug!(region = %request.region, offset = request.offset, tried, "sending");
        let sent = Instant::now();
        self.began.get_or_insert(sent);
        let attempt = tokio::select! {
            biased;
            stop = run.pace.abandoned() => Attempt::Abandoned(stop),
            reply = run.transport.get(query) => match reply.and_then(|reply| api::read(&reply, request, run.now())) {
                Ok(page) => {
                    run.answered.store(true, Relaxed);
                    Attempt::Page(page)
                }
                Err(failure) => Attempt::Failed(failure.conceal(|text| run.transport.conceal(text))),
            },
        };
        effort.alone += sent.elapsed();
        attempt
    }

    /// Lets a failure take effect; returns how long this request waits before it is sent again.
    fn follow(&mut self, failure: Failure, tried: u32) -> Result<Duration, RegionError> {
        let (run, region) = (self.run, self.region());
        self.chart.outcome.effort.rate_limited += u32::from(failure.kind() == Kind::RateLimited);
        let decision = decide(&failure, tried, &run.plan.retry, run.left(), fastrand::f64());
        tracing::debug!(%region, error = %failure.error, ?decision, "attempt failed");
        if let Some(wait) = decision.hold {
            tracing::info!(%region, ?wait, "held by a rate limit");
            run.pace.hold(wait);
            run.observer.observe(self.index, &Event::Held(wait));
        }
        let mut error = failure.error;
        let ends = match decision.next {
            Next::AfterHold => return Ok(Duration::ZERO),
            Next::AfterBackoff(wait) if run.retries.take() => {
                run.observer.observe(self.index, &Event::Retrying(wait, &error));
                return Ok(wait);
            }
            Next::AfterBackoff(_) => {
                cut_full_stop(&mut error.message);
                error.message.push_str("; not tried again, since this run's retries are used up");
                Ends::Region
            }
            Next::TooLong { asked, ends } => {
                let asked = wait(asked);
                cut_full_stop(&mut error.message);
                error.message.push_str(&match failure.retry_after {
                    Some(_) => {
                        format!("; the server asked to wait {asked}, {LONGER_THAN_ALLOWED}")
                    }
                    None => format!("; a wait of {asked} is {LONGER_THAN_ALLOWED}"),
                });
                ends
            }
            Next::GiveUp(ends) => ends,
        };
        if ends == Ends::Batch || (ends == Ends::BatchUnlessAnswered && !run.answered.load(Relaxed)) {
            run.pace.stop(Stop::finish(
                error.kind,
                format!("not asked further, after the answer for {region}: {}", error.message),
            ));
        }
        Err(error)
    }

    fn region(&self) -> Region {
        self.chart.outcome.region
    }
}

/// A sentence of YouTube's goes on with one of ours.
fn cut_full_stop(message: &mut String) {
    message.truncate(message.trim_end_matches('.').len());
}
