//! One page, through as many attempts as its failures allow.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::priority_semaphore::Permit;
use super::retry::{Before, Next, Scope, decide};
use super::throttle::{Reading, Stop};
use super::{Event, Run};
use crate::model::Effort;
use crate::model::error::{ErrorKind, RegionError, Remedy};
use crate::model::region::Region;
use crate::normalize::Page;
use crate::support::human::format_wait;
use crate::support::sanitize::one_line;
use crate::youtube::client::{Body, Response, Transport};
use crate::youtube::failure::Failure;
use crate::youtube::request::{self, PageRequest};

/// How long the body of a refusal is waited for. Its status and headers count without it.
pub(super) const REFUSAL_BODY: Duration = Duration::from_secs(1);

/// Suffix of the message where a wait is longer than the limits of the run.
const LONGER_THAN_ALLOWED: &str = "longer than --max-wait or --deadline allows";

/// As much of a refusal's body as the log shows with `-vv`.
const SHOWN: usize = 200;

/// The attempts of one region.
pub(super) struct Attempts<'a, T> {
    run: &'a Run<T>,
    index: usize,
    /// When the first one was sent.
    began: Option<Instant>,
    /// Pages that have arrived.
    pages: u32,
    effort: Effort,
    /// The permit of the attempt before, until the next one is in the queue.
    used: Option<Permit>,
}

/// How an attempt ended.
enum Attempt<'a> {
    Page(Page),
    /// With what holds the others back until the failure has taken effect.
    Failed(Failure, Option<Reading<'a>>),
    Abandoned(Stop),
}

/// When a request is sent again.
enum Again {
    AtOnce,
    After(Duration),
}

impl<'a, T: Transport> Attempts<'a, T> {
    pub(super) fn new(run: &'a Run<T>, index: usize) -> Attempts<'a, T> {
        Attempts { run, index, began: None, pages: 0, effort: Effort::default(), used: None }
    }

    pub(super) fn region(&self) -> Region {
        self.run.plan.regions[self.index]
    }

    pub(super) fn observe(&self, event: &Event<'_>) {
        self.run.observer.observe(self.index, event);
    }

    /// What they cost up to now.
    pub(super) fn effort(&self) -> Effort {
        Effort { elapsed: self.began.map_or(Duration::ZERO, |began| began.elapsed()), ..self.effort }
    }

    /// Fetches the page with this `number`, from 0.
    pub(super) async fn page(&mut self, request: &PageRequest, number: u32) -> Result<Page, RegionError> {
        let run = self.run;
        let query = request.query();
        let to_go = self.to_go(number);
        let mut before = Before::default();
        loop {
            run.can_pay().map_err(|stop| stop.error)?;
            let is_again = before.tries > 0 || before.is_resent;
            let permit = run.throttle.admit(to_go, is_again, self.used.take()).await.map_err(|stop| stop.error)?;
            run.spend().map_err(|stop| stop.error)?;
            let holds = run.throttle.holds();
            let (failure, reading) = match self.attempt(request, &query, is_again).await {
                Attempt::Page(page) => {
                    run.throttle.succeeded(holds);
                    self.pages += 1;
                    self.used = Some(permit);
                    return Ok(page);
                }
                Attempt::Abandoned(stop) => return Err(stop.error),
                Attempt::Failed(failure, reading) => (failure, reading),
            };
            before.holds = run.throttle.steps_before(holds);
            // What follows for the others takes effect before one of them can go on.
            let again = self.follow(failure, before, holds);
            drop(reading);
            match again? {
                Again::AtOnce => {
                    before.is_resent = true;
                    self.used = Some(permit);
                }
                Again::After(wait) => {
                    drop(permit);
                    tokio::select! {
                        biased;
                        stop = run.throttle.stopped() => return Err(stop.error),
                        () = sleep(wait) => self.effort.alone += wait,
                    }
                    before.tries += 1;
                }
            }
        }
    }

    /// For how long the region will still be at work, if its other pages take what those took that came. Of a region
    /// without a page nothing is known.
    fn to_go(&self, number: u32) -> Duration {
        let pages_to_go = self.run.plan.pages_per_region().saturating_sub(number);
        let a_page = self.effort.alone.checked_div(self.pages);
        a_page.map_or(Duration::MAX, |a_page| a_page.saturating_mul(pages_to_go))
    }

    /// Sends the request once and counts it.
    async fn attempt(
        &mut self,
        request: &PageRequest,
        query: &[(&'static str, String)],
        is_again: bool,
    ) -> Attempt<'a> {
        let run = self.run;
        self.effort.requests += 1;
        self.effort.retries += u32::from(is_again);
        self.observe(&Event::Sent { attempts: self.effort.requests });
        tracing::debug!(region = %request.region, offset = request.offset, is_again, "sending");
        let sent = Instant::now();
        self.began.get_or_insert(sent);
        let attempt = tokio::select! {
            biased;
            stop = run.throttle.abandoned() => Attempt::Abandoned(stop),
            received = receive(run, request, query) => match received {
                Ok(page) => {
                    run.has_answered();
                    Attempt::Page(page)
                }
                Err((failure, reading)) => Attempt::Failed(failure.redact(|text| run.transport.redact(text)), reading),
            },
        };
        self.effort.alone += sent.elapsed();
        attempt
    }

    /// Lets a failure take effect.
    fn follow(&mut self, failure: Failure, before: Before, holds: u32) -> Result<Again, RegionError> {
        let (run, region) = (self.run, self.region());
        self.effort.rate_limited += u32::from(failure.kind() == ErrorKind::RateLimited);
        if !failure.delivery.costs_unit() {
            self.effort.unbilled += 1;
            run.units.give_back();
        }
        let decision = decide(&failure, before, &run.plan.retry, run.left(), fastrand::f64());
        tracing::debug!(%region, error = %failure.error, ?decision, "attempt failed");
        if let Some(wait) = decision.hold {
            tracing::info!(%region, ?wait, "held by a rate limit");
            run.throttle.hold(wait, holds);
            self.observe(&Event::Held(wait));
        }
        let mut error = failure.error;
        let scope = match decision.next {
            Next::AtOnce | Next::AfterHold | Next::AfterBackoff(_) if run.units.is_spent() => {
                return Err(run.out_of_units().error);
            }
            Next::AtOnce => return Ok(Again::AtOnce),
            Next::AfterHold => return Ok(Again::After(Duration::ZERO)),
            Next::AfterBackoff(wait) if run.retries.take() => {
                self.observe(&Event::Retrying(wait, &error));
                return Ok(Again::After(wait));
            }
            Next::AfterBackoff(_) => {
                add(&mut error.message, "not tried again, since this run's retries are used up");
                Scope::Region
            }
            Next::TooLong { asked, scope } => {
                let asked = format_wait(asked);
                let why = match failure.retry_after {
                    Some(_) => format!("the server asked to wait {asked}, {LONGER_THAN_ALLOWED}"),
                    None => format!("a wait of {asked} is {LONGER_THAN_ALLOWED}"),
                };
                add(&mut error.message, &why);
                error.remedy = Some(Remedy::RaiseMaxWait);
                scope
            }
            Next::StillLimited => {
                let why = format!("still limited after {} waits without one success between them", before.holds);
                add(&mut error.message, &why);
                error.remedy = Some(Remedy::CheckQuotas);
                Scope::Run
            }
            Next::GiveUp(scope) => scope,
        };
        if scope == Scope::Run || (scope == Scope::RunUnlessAnswered && !run.is_answered()) {
            run.throttle.stop(Stop::finish(
                error.kind,
                format!("not asked further, after the answer for {region}: {}", error.message),
            ));
        }
        Err(error)
    }
}

/// Sends, and reads the answer. A page is read to its end; of a refusal, status and headers are enough, and its body
/// counts as far as it comes in a short time.
async fn receive<'a, T: Transport>(
    run: &'a Run<T>,
    request: &PageRequest,
    query: &[(&'static str, String)],
) -> Result<Page, (Failure, Option<Reading<'a>>)> {
    let alone = |failure| (failure, None);
    let (head, mut body) = run.transport.get(query).await.map_err(alone)?;
    let arrived_at = run.start.now();
    // A server in trouble is no concern of the other regions; any other refusal may be.
    let reading = (head.status != 200 && head.status < 500).then(|| run.throttle.read_refusal());
    if head.status == 200 {
        body.read().await.map_err(alone)?;
    } else {
        // How it scope does not matter.
        let _ = timeout(REFUSAL_BODY, body.read()).await;
    }
    let reply = Response { head, body: body.into_bytes() };
    let page = request::read(&reply, request, run.now());
    run.clock.note(&reply.head, arrived_at, page.is_ok());
    page.map_err(|failure| {
        let body = one_line(&String::from_utf8_lossy(&reply.body), SHOWN);
        tracing::debug!(region = %request.region, status = reply.head.status, body = run.transport.redact(&body), "no page");
        (failure, reading)
    })
}

/// Adds a clause to a sentence of YouTube's, which may end in a full stop.
fn add(message: &mut String, clause: &str) {
    message.truncate(message.trim_end_matches('.').len());
    message.push_str("; ");
    message.push_str(clause);
}
