//! Stage 1: fetches the charts of all regions and categories concurrently, within the limits of the key.
//!
//! - `chart_task` — one chart: the page loop
//! - `attempts` — one page: the attempt loop
//! - `throttle` — when to send: permits, the hold after a rate limit, the end of sending
//! - [`retry`] — what follows from a failure: a table and pure decisions
//! - `budget` — quota units and retries
//! - `server_clock` — how far this machine's clock is ahead of the server's

mod attempts;
mod budget;
mod chart_task;
pub mod retry;
mod server_clock;
#[cfg(test)]
mod table_tests;
mod throttle;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::model::category::{Category, ChartCategory};
use crate::model::error::{ErrorKind, RegionError};
use crate::model::{ChartId, RegionChart, Request, whole_seconds};
use crate::youtube::client::Transport;
use crate::youtube::request::PAGE_SIZE;
use budget::Budget;
use retry::RetryPolicy;
use server_clock::ServerClock;
use throttle::{Stop, Throttle};

pub use throttle::RESTART_JITTER;

/// What to fetch, and within which limits.
#[derive(Debug, Clone)]
pub struct Plan {
    /// One for each category. All share the permits, the holds, the budgets and the deadline.
    pub requests: Vec<Request>,
    /// Charts that are not requested, since YouTube recently had none: when it said so.
    pub absent: HashMap<ChartId, Timestamp>,
    /// Whether to request descriptions.
    pub description: bool,
    /// The most requests in flight; `None` is no limit.
    pub concurrency: Option<usize>,
    pub retry: RetryPolicy,
    /// For all requests together, from the start.
    pub deadline: Option<Duration>,
    /// The most quota units that all requests together may spend.
    pub max_units: Option<u32>,
}

impl Plan {
    /// How many charts of the request will be fetched.
    pub fn charts_of(&self, request: &Request) -> usize {
        request.charts().filter(|chart| !self.absent.contains_key(chart)).count()
    }

    /// How many pages a request takes without failures, which is also its cost in quota units.
    pub fn pages_of(&self, request: &Request) -> u32 {
        pages_per_chart(request).saturating_mul(u32::try_from(self.charts_of(request)).unwrap_or(u32::MAX))
    }

    /// Every chart with the number of entries that its request asks for.
    fn charts(&self) -> impl Iterator<Item = (ChartId, u32)> {
        self.requests.iter().flat_map(|request| request.charts().map(|chart| (chart, request.max_results)))
    }

    /// How many pages all requests take.
    pub fn pages(&self) -> u32 {
        self.requests.iter().map(|request| self.pages_of(request)).fold(0, u32::saturating_add)
    }
}

/// The number of pages of a whole chart, of at most 50 entries each.
pub fn pages_per_chart(request: &Request) -> u32 {
    request.max_results.div_ceil(PAGE_SIZE)
}

/// When the run began, by the monotonic and by the wall clock. Durations come from the monotonic one alone.
#[derive(Debug, Clone, Copy)]
pub struct StartTime {
    pub instant: Instant,
    pub timestamp: Timestamp,
}

impl StartTime {
    /// The wall-clock time now, derived from the monotonic clock: the wall clock may have been set meanwhile.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.instant.elapsed()).unwrap_or_default();
        self.timestamp.checked_add(elapsed).unwrap_or(self.timestamp)
    }
}

/// What happens while a chart is fetched, for the progress display.
#[derive(Debug)]
pub enum Event<'a> {
    /// An attempt was sent.
    Sent {
        /// Attempts for this chart so far, this one included.
        attempts: u32,
    },
    /// A page arrived.
    Arrived {
        /// Videos of this chart so far.
        videos: usize,
    },
    /// The request will be sent again after this wait.
    Retrying(Duration, &'a RegionError),
    /// A rate limit holds all requests for this long.
    Held(Duration),
    /// The chart is finished.
    Ended,
}

/// Receives events. Must not block.
pub trait Observer: Send + Sync {
    /// `chart_index` is the position of the chart among those of all requests of the plan.
    fn observe(&self, chart_index: usize, event: &Event<'_>);
}

/// What [`fetch`] returns.
#[derive(Debug)]
pub struct FetchOutcome {
    /// The charts of each request, all in the order of the plan.
    pub charts: Vec<Vec<RegionChart>>,
    /// For how long rate limits held sending.
    pub held: Duration,
    /// How far this machine's clock is ahead of the server's, by the `Date` of its responses. Negative if it is behind,
    /// `None` if no response has a `Date`.
    pub clock_ahead: Option<SignedDuration>,
}

/// Fetches all charts of the plan. Failures are in the charts. The run ends early when `cancelled` resolves.
pub async fn fetch<T: Transport>(
    plan: Plan,
    start: StartTime,
    transport: T,
    observer: Arc<dyn Observer>,
    cancelled: impl Future<Output = ()>,
) -> FetchOutcome {
    let run = Arc::new(RunContext::new(plan, start, transport, observer));
    let mut tasks = JoinSet::new();
    for (index, (chart, max_results)) in run.plan.charts().enumerate() {
        // All concurrency starts here: every chart is a task, and `throttle` decides which of them may send.
        let run = Arc::clone(&run);
        tasks.spawn(async move { (index, chart_task::fetch(run, index, chart, max_results).await) });
    }
    let mut charts = Vec::with_capacity(tasks.len());
    let mut cancelled = pin!(cancelled);
    let mut deadline = pin!(run.wait_for_deadline());
    let (mut is_cancelled, mut is_deadline_over) = (false, false);
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                None => break,
                Some(Ok(chart)) => charts.push(chart),
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            },
            () = &mut cancelled, if !is_cancelled => {
                is_cancelled = true;
                run.throttle.stop(Stop::abandon(ErrorKind::Cancelled, "the run was interrupted"));
            }
            () = &mut deadline, if !is_deadline_over => {
                is_deadline_over = true;
                run.throttle.stop(Stop::abandon(ErrorKind::Deadline, "not finished when --deadline had passed"));
            }
        }
    }
    charts.sort_unstable_by_key(|(index, _)| *index);
    let mut charts = charts.into_iter().map(|(_, chart)| chart);
    let charts_of = |request: &Request| charts.by_ref().take(request.regions.len()).collect();
    FetchOutcome {
        charts: run.plan.requests.iter().map(charts_of).collect(),
        held: run.throttle.held(),
        clock_ahead: run.clock.ahead(),
    }
}

/// What the tasks of a run share.
struct RunContext<T> {
    plan: Plan,
    start: StartTime,
    transport: T,
    observer: Arc<dyn Observer>,
    throttle: Throttle,
    units: Budget,
    retries: Budget,
    /// Whether any request has succeeded.
    has_success: AtomicBool,
    /// Categories of which YouTube refused a parameter: what their unfinished charts report.
    refused_categories: Mutex<HashMap<Category, Stop>>,
    clock: ServerClock,
}

impl<T> RunContext<T> {
    fn new(plan: Plan, start: StartTime, transport: T, observer: Arc<dyn Observer>) -> RunContext<T> {
        RunContext {
            throttle: Throttle::new(plan.concurrency),
            units: Budget::units(plan.max_units),
            retries: Budget::retries(plan.pages()),
            has_success: AtomicBool::new(false),
            refused_categories: Mutex::default(),
            clock: ServerClock::default(),
            plan,
            start,
            transport,
            observer,
        }
    }

    /// Fails if no quota unit is left, so that no task waits for a request that may not be sent.
    fn check_units(&self) -> Result<(), Stop> {
        if self.units.is_spent() { Err(self.out_of_units()) } else { Ok(()) }
    }

    fn spend_unit(&self) -> Result<(), Stop> {
        if self.units.try_take() { Ok(()) } else { Err(self.out_of_units()) }
    }

    /// Ends the run because its units are spent.
    fn out_of_units(&self) -> Stop {
        let stop = Stop::finish(ErrorKind::Budget, "--max-units is spent; what had arrived by then is kept");
        self.throttle.stop(stop.clone());
        stop
    }

    /// Ends the run. A refused parameter of one of several categories ends only that category: the parameter may be the
    /// category, which the other requests do not have.
    fn stop_after(&self, chart: ChartId, stop: Stop) {
        match chart.category {
            Some(category) if stop.error.kind == ErrorKind::BadParameter && self.plan.requests.len() > 1 => {
                self.refused_categories().insert(category, stop);
            }
            _ => self.throttle.stop(stop),
        }
    }

    /// Fails if a parameter of the chart's category was refused.
    fn check_category(&self, chart: ChartId) -> Result<(), Stop> {
        let refused = chart.category.and_then(|category| self.refused_categories().get(&category).cloned());
        refused.map_or(Ok(()), Err)
    }

    fn refused_categories(&self) -> MutexGuard<'_, HashMap<Category, Stop>> {
        // The map is valid even if another task panicked.
        self.refused_categories.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The category for log lines: if one was requested, or if there are several.
    fn category_name(&self, chart: ChartId) -> Option<String> {
        let is_named = self.plan.requests.len() > 1 || chart.category.is_some();
        is_named.then(|| ChartCategory::from_id(chart.category.map(Category::id)).to_string())
    }

    fn note_success(&self) {
        self.has_success.store(true, Relaxed);
    }

    fn has_success(&self) -> bool {
        self.has_success.load(Relaxed)
    }

    /// The wall-clock time in whole seconds.
    fn now(&self) -> Timestamp {
        whole_seconds(self.start.now())
    }

    /// What is left of the deadline.
    fn time_left(&self) -> Option<Duration> {
        self.plan.deadline.map(|deadline| deadline.saturating_sub(self.start.instant.elapsed()))
    }

    async fn wait_for_deadline(&self) {
        match self.plan.deadline.and_then(|deadline| self.start.instant.checked_add(deadline)) {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}
