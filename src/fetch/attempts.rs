//! Fetches one page, in as many attempts as its failures allow.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::retry::{AttemptState, NextStep, Scope, decide};
use super::throttle::{ErrorResponseGuard, Stop};
use super::{Event, RunContext};
use crate::model::error::{ErrorKind, RegionFailure, Remedy};
use crate::model::{ChartId, FetchMetrics};
use crate::normalize::Page;
use crate::support::human::format_wait;
use crate::support::sanitize::one_line;
use crate::youtube::client::{Body, Response, Transport};
use crate::youtube::failure::AttemptFailure;
use crate::youtube::request::{self, PageRequest};

/// The longest wait for the body of an error response. The status and the headers are used even without it.
const ERROR_BODY_TIMEOUT: Duration = Duration::from_secs(1);

/// Suffix of the message when a wait exceeds the limits of the run.
const LONGER_THAN_ALLOWED: &str = "longer than --max-wait or --deadline allows";

/// How many characters of a response body the log shows with `-vv`.
const LOGGED_BODY: usize = 200;

/// Fetches the pages of one chart and counts what that takes.
pub(super) struct PageFetcher<'a, T> {
    run: &'a RunContext<T>,
    index: usize,
    chart: ChartId,
    first_sent: Option<Instant>,
    metrics: FetchMetrics,
}

/// How one attempt ended.
enum AttemptOutcome<'a> {
    Page(Page),
    /// The guard, if any, keeps the other regions from sending until the failure has taken effect.
    Failed(AttemptFailure, Option<ErrorResponseGuard<'a>>),
    Abandoned(Stop),
}

/// When a request is sent again.
enum Resend {
    Now,
    After(Duration),
}

impl<'a, T: Transport> PageFetcher<'a, T> {
    /// `index` is the position of the chart among those of all requests.
    pub(super) fn new(run: &'a RunContext<T>, index: usize, chart: ChartId) -> PageFetcher<'a, T> {
        PageFetcher { run, index, chart, first_sent: None, metrics: FetchMetrics::default() }
    }

    pub(super) fn chart(&self) -> ChartId {
        self.chart
    }

    pub(super) fn observe(&self, event: &Event<'_>) {
        self.run.observer.observe(self.index, event);
    }

    pub(super) fn metrics(&self) -> FetchMetrics {
        FetchMetrics { elapsed: self.first_sent.map_or(Duration::ZERO, |sent| sent.elapsed()), ..self.metrics }
    }

    /// Fetches one page. Waits, sends and retries until there is a page or a final error.
    pub(super) async fn fetch(&mut self, request: &PageRequest) -> Result<Page, RegionFailure> {
        let run = self.run;
        let query = request.query();
        let mut state = AttemptState::default();
        loop {
            run.check_units()?;
            let is_resend = state.failures > 0 || state.is_resent;
            let permit = run.throttle.acquire(is_resend).await?;
            run.check_category(self.chart)?;
            run.spend_unit()?;
            let hold_count = run.throttle.hold_count();
            let (failure, guard) = match self.attempt(request, &query, is_resend).await {
                AttemptOutcome::Page(page) => {
                    run.throttle.note_success(hold_count);
                    return Ok(page);
                }
                AttemptOutcome::Abandoned(stop) => return Err(stop.into()),
                AttemptOutcome::Failed(failure, guard) => (failure, guard),
            };
            state.fruitless_holds = run.throttle.fruitless_holds(hold_count);
            let resend = self.handle_failure(failure, state, hold_count);
            // Dropped only now, so that a hold or a stop takes effect before another region can send.
            drop((guard, permit));
            match resend? {
                Resend::Now => state.is_resent = true,
                Resend::After(wait) => {
                    tokio::select! {
                        biased;
                        stop = run.throttle.stopped() => return Err(stop.into()),
                        () = sleep(wait) => self.metrics.sequential_time += wait,
                    }
                    state.failures += 1;
                }
            }
        }
    }

    /// Sends the request once and counts it.
    async fn attempt(
        &mut self,
        request: &PageRequest,
        query: &[(&'static str, String)],
        is_resend: bool,
    ) -> AttemptOutcome<'a> {
        let run = self.run;
        self.metrics.requests += 1;
        self.metrics.retries += u32::from(is_resend);
        self.observe(&Event::Sent { attempts: self.metrics.requests });
        let (region, category) = (self.chart.region, run.category_name(self.chart));
        tracing::debug!(%region, category, offset = request.offset, is_resend, "sending");
        let sent = Instant::now();
        self.first_sent.get_or_insert(sent);
        let outcome = tokio::select! {
            biased;
            stop = run.throttle.abandoned() => AttemptOutcome::Abandoned(stop),
            received = receive(run, request, query) => match received {
                Ok(page) => {
                    run.note_success();
                    AttemptOutcome::Page(page)
                }
                Err((failure, guard)) => {
                    AttemptOutcome::Failed(failure.redact(|text| run.transport.redact(text)), guard)
                }
            },
        };
        self.metrics.sequential_time += sent.elapsed();
        outcome
    }

    /// Decides what follows from a failure, and applies what concerns the other regions: the hold, the end of the run.
    fn handle_failure(
        &mut self,
        failure: AttemptFailure,
        state: AttemptState,
        hold_count: u32,
    ) -> Result<Resend, RegionFailure> {
        let run = self.run;
        let (region, category) = (self.chart.region, run.category_name(self.chart));
        let category = category.as_deref();
        self.metrics.rate_limited += u32::from(failure.kind() == ErrorKind::RateLimited);
        if !failure.delivery.costs_unit() {
            self.metrics.unbilled += 1;
            run.units.give_back();
        }
        let decision = decide(&failure, state, &run.plan.retry, run.time_left(), fastrand::f64());
        tracing::debug!(%region, category, error = %failure.error, ?decision, "attempt failed");
        if let Some(wait) = decision.hold {
            tracing::info!(%region, category, ?wait, "held by a rate limit");
            run.throttle.hold(wait, hold_count);
            self.observe(&Event::Held(wait));
        }
        match decision.next_step {
            NextStep::ResendNow | NextStep::ResendAfterHold | NextStep::ResendAfterBackoff(_)
                if run.units.is_spent() =>
            {
                Err(run.out_of_units().into())
            }
            NextStep::ResendNow => Ok(Resend::Now),
            NextStep::ResendAfterHold => Ok(Resend::After(Duration::ZERO)),
            NextStep::ResendAfterBackoff(wait) if run.retries.try_take() => {
                self.observe(&Event::Retrying(wait, &failure.error));
                Ok(Resend::After(wait))
            }
            last_step => {
                let (failure, scope) = final_failure(failure, last_step, state.fruitless_holds);
                if scope == Scope::Run || (scope == Scope::RunUntilSuccess && !run.has_success()) {
                    let message =
                        format!("not requested, after the response for {}: {}", self.chart, failure.error.message);
                    run.stop_after(self.chart, Stop::finish(failure.error.kind, message));
                }
                Err(failure)
            }
        }
    }
}

/// What to report when a request is not sent again, and what that ends.
fn final_failure(failure: AttemptFailure, last_step: NextStep, fruitless_holds: u32) -> (RegionFailure, Scope) {
    let AttemptFailure { mut error, remedy, retry_after, .. } = failure;
    let (clause, remedy, scope) = match last_step {
        NextStep::GiveUp(scope) => return (RegionFailure { error, remedy }, scope),
        NextStep::WaitTooLong { requested, scope } => {
            let requested = format_wait(requested);
            let clause = match retry_after {
                Some(_) => format!("the server asked to wait {requested}, {LONGER_THAN_ALLOWED}"),
                None => format!("a wait of {requested} is {LONGER_THAN_ALLOWED}"),
            };
            (clause, Some(Remedy::RaiseMaxWait), scope)
        }
        NextStep::StillLimited => (
            format!("still limited after {fruitless_holds} waits without one success between them"),
            Some(Remedy::CheckQuotas),
            Scope::Run,
        ),
        // A retry that the budget does not allow.
        NextStep::ResendNow | NextStep::ResendAfterHold | NextStep::ResendAfterBackoff(_) => {
            ("not retried, since this run's retries are used up".to_owned(), remedy, Scope::Region)
        }
    };
    append_clause(&mut error.message, &clause);
    (RegionFailure { error, remedy }, scope)
}

/// Sends the request and reads the response. A page is read to its end. For an error response the status and headers
/// are enough, and its body is used as far as it arrives within [`ERROR_BODY_TIMEOUT`].
async fn receive<'a, T: Transport>(
    run: &'a RunContext<T>,
    request: &PageRequest,
    query: &[(&'static str, String)],
) -> Result<Page, (AttemptFailure, Option<ErrorResponseGuard<'a>>)> {
    let without_guard = |failure| (failure, None);
    let (head, mut body) = run.transport.get(query).await.map_err(without_guard)?;
    let arrived_at = run.start.now();
    // A 5xx does not concern the other regions; any other error may.
    let guard = (head.status != 200 && head.status < 500).then(|| run.throttle.begin_error_response());
    if head.status == 200 {
        body.read().await.map_err(without_guard)?;
    } else {
        // How reading ends does not matter: what has arrived is used.
        let _ = timeout(ERROR_BODY_TIMEOUT, body.read()).await;
    }
    let response = Response { head, body: body.into_bytes() };
    let page = request::read_response(&response, request, run.now());
    run.clock.note(&response.head, arrived_at, page.is_ok());
    page.map_err(|failure| {
        let body = one_line(&String::from_utf8_lossy(&response.body), LOGGED_BODY);
        tracing::debug!(region = %request.region, status = response.head.status, body = run.transport.redact(&body), "no page");
        (failure, guard)
    })
}

/// Adds a clause to a message from YouTube, which may end in a full stop.
fn append_clause(message: &mut String, clause: &str) {
    message.truncate(message.trim_end_matches('.').len());
    message.push_str("; ");
    message.push_str(clause);
}
