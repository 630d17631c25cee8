//! One region's chart: its pages one after another, each tried until it comes or has failed for good.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::api::{self, PAGE_SIZE, PageRequest};
use super::failure::Failure;
use super::pace::Stop;
use super::retry::{Ends, Next, Retry, decide, rule};
use super::transport::Transport;
use super::{Event, Run};
use crate::error::{Kind, RegionError};
use crate::model::{Effort, RegionChart};
use crate::normalize::Page;

/// Fetches the chart of the `index`th region of the plan.
pub(super) async fn fetch<T: Transport>(run: Arc<Run<T>>, index: usize) -> RegionChart {
    let mut task = Task { run: &run, index, effort: Effort::default(), began: None };
    let mut chart = RegionChart {
        region: run.plan.regions[index],
        sightings: Vec::new(),
        skipped: 0,
        answered: false,
        error: None,
        effort: Effort::default(),
    };
    chart.error = task.pages(&mut chart).await.err();
    chart.effort = task.effort;
    chart.effort.elapsed_ms = task.began.map_or(0, |began| super::millis(began.elapsed()));
    match &chart.error {
        Some(error) => tracing::info!(region = %chart.region, %error, "region failed"),
        None if chart.sightings.is_empty() => {
            tracing::warn!(region = %chart.region, "the chart is empty; YouTube offers no video for this region and category");
        }
        None => tracing::info!(region = %chart.region, videos = chart.sightings.len(), "region done"),
    }
    run.observer.observe(index, &Event::Ended(&chart));
    chart
}

struct Task<'a, T> {
    run: &'a Run<T>,
    index: usize,
    effort: Effort,
    /// When the first attempt was sent.
    began: Option<Instant>,
}

impl<T: Transport> Task<'_, T> {
    /// The page loop. Pages that came before a failure stay in the chart. It ends where no token is
    /// given, never by counting to `totalResults`, and never goes beyond what was asked for.
    async fn pages(&mut self, chart: &mut RegionChart) -> Result<(), RegionError> {
        let plan = &self.run.plan;
        let mut tokens = HashSet::new();
        let mut request = PageRequest {
            region: chart.region,
            category: plan.category,
            offset: 0,
            size: plan.max_results.min(PAGE_SIZE),
            token: None,
            description: plan.description,
        };
        for _ in 0..plan.pages_per_region() {
            let page = self.page(&request).await?;
            chart.answered = true;
            chart.skipped += page.skipped;
            chart.sightings.extend(page.sightings);
            self.run.observer.observe(self.index, &Event::Arrived { videos: chart.sightings.len() });
            request.offset += page.places;
            request.size = plan.max_results.saturating_sub(request.offset).min(PAGE_SIZE);
            let Some(token) = page.next.filter(|_| request.size > 0) else { break };
            if !tokens.insert(token.clone()) {
                tracing::warn!(region = %chart.region, "YouTube repeats a page token; the chart ends here");
                break;
            }
            request.token = Some(token);
        }
        Ok(())
    }

    /// One page, through as many attempts as its failures allow.
    async fn page(&mut self, request: &PageRequest) -> Result<Page, RegionError> {
        let query = request.query();
        let mut tried = 0;
        loop {
            let permit = self.run.pace.admit().await.map_err(|stop| stop.error)?;
            let failure = match self.attempt(request, &query, tried).await? {
                Ok(page) => {
                    self.run.answered.store(true, Relaxed);
                    return Ok(page);
                }
                Err(failure) => failure,
            };
            // What follows for the others takes effect before the permit lets one of them go on.
            let next = self.follow(failure, tried);
            drop(permit);
            let wait = next?;
            tokio::select! {
                biased;
                stop = self.run.pace.stopped() => return Err(stop.error),
                () = sleep(wait) => self.effort.alone_ms += super::millis(wait),
            }
            tried += 1;
        }
    }

    /// Sends once. The outer error ends the region without an answer.
    async fn attempt(
        &mut self,
        request: &PageRequest,
        query: &[(&'static str, String)],
        tried: u32,
    ) -> Result<Result<Page, Failure>, RegionError> {
        let run = self.run;
        if !run.units.take() {
            let stop = Stop::finish(Kind::Budget, "--max-units is spent; what had arrived by then is kept");
            run.pace.stop(stop.clone());
            return Err(stop.error);
        }
        self.effort.requests += 1;
        self.effort.retries += u32::from(tried > 0);
        run.observer.observe(self.index, &Event::Sent { attempts: self.effort.requests });
        let sent = Instant::now();
        self.began.get_or_insert(sent);
        tracing::debug!(region = %request.region, offset = request.offset, tried, "sending");
        let outcome = tokio::select! {
            biased;
            stop = run.pace.abandoned() => Err(stop.error),
            reply = run.transport.get(query) => Ok(reply.and_then(|reply| api::read(&reply, request, run.now()))),
        };
        self.effort.alone_ms += super::millis(sent.elapsed());
        outcome
    }

    /// Lets a failure take effect; returns how long this request waits before it is sent again.
    fn follow(&mut self, failure: Failure, tried: u32) -> Result<Duration, RegionError> {
        let run = self.run;
        let rule = rule(failure.kind());
        self.effort.rate_limited += u32::from(rule.retry == Retry::Hold);
        let decision = decide(&failure, tried, &run.plan.retry, run.left(), fastrand::f64());
        let mut error = failure.error;
        tracing::debug!(region = %run.plan.regions[self.index], %error, ?decision, "attempt failed");
        if let Some(wait) = decision.hold {
            tracing::info!(region = %run.plan.regions[self.index], ?wait, "held by a rate limit");
            run.pace.hold(wait);
            run.observer.observe(self.index, &Event::Held(wait));
        }
        match decision.next {
            Next::Again(wait) if rule.retry == Retry::Hold => return Ok(wait),
            Next::Again(wait) if run.retries.take() => {
                run.observer.observe(self.index, &Event::Retrying(wait, &error));
                return Ok(wait);
            }
            Next::Again(_) => error.message.push_str("; not tried again, since this run's retries are used up"),
            Next::GiveUpAll(asked) => {
                error.message = format!(
                    "YouTube asked to wait {} s, longer than --max-wait or --deadline allows; try again later",
                    asked.as_secs_f64().ceil()
                );
                run.pace.stop(Stop::finish(error.kind, error.message.clone()));
            }
            Next::GiveUp => {
                let ends_all = match rule.ends {
                    Ends::Region => false,
                    Ends::Batch => true,
                    Ends::BatchUnlessAnswered => !run.answered.load(Relaxed),
                };
                if ends_all {
                    let region = run.plan.regions[self.index];
                    run.pace.stop(Stop::finish(error.kind, format!("not asked, after what YouTube said to {region}")));
                }
            }
        }
        Err(error)
    }
}
