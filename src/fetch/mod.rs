//! Stage 1: asks for the chart of every region at once, a few requests in flight.
//!
//! - [`api`] — the request for a page, and its answer
//! - [`transport`] — the way there; only its folder names reqwest
//! - `refusal` — an answer that is no page, and what it means
//! - [`retry`] — what follows from a failure: the table, and pure decisions
//! - `throttle` — when to send: the shared hold, the end of sending
//! - `permits` — how many at once, and who is next
//! - `budget` — units and retries
//! - `server_clock` — by how much this machine's clock is ahead of the server's
//! - `chart` — one region: the page loop
//! - `attempts` — one page: the loop of attempts

mod attempts;
mod budget;
mod priority_semaphore;
mod region_task;
pub mod retry;
mod server_clock;
mod throttle;

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::model::category::Category;
use crate::model::error::{ErrorKind, RegionError};
use crate::model::region::Region;
use crate::model::{RegionChart, whole_seconds};
use crate::youtube::client::Transport;
use budget::Budget;
use retry::RetryPolicy;
use server_clock::ServerClock;
use throttle::{Stop, Throttle};

pub use throttle::RESTART_JITTER;

/// What to fetch, and within which limits.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Without repeats; charts come back in this order.
    pub regions: Vec<Region>,
    /// Places per region, 1 to 200.
    pub max_results: u32,
    /// One category, or all.
    pub category: Option<Category>,
    /// Whether to ask for descriptions.
    pub description: bool,
    /// Most requests in flight; `None` is no limit.
    pub concurrency: Option<usize>,
    /// When to try again.
    pub retry: RetryPolicy,
    /// For the whole run, from its start.
    pub deadline: Option<Duration>,
    /// Most attempts.
    pub max_units: Option<u32>,
}

impl Plan {
    /// Pages of at most 50 that a whole chart of the asked depth takes.
    pub fn pages_per_region(&self) -> u32 {
        self.max_results.div_ceil(crate::youtube::request::PAGE_SIZE)
    }

    /// Requests of a run without a failure, and so its price in quota units.
    pub fn requests(&self) -> u32 {
        self.pages_per_region().saturating_mul(u32::try_from(self.regions.len()).unwrap_or(u32::MAX))
    }
}

/// When the run began, by both clocks. Durations come from the steady one alone.
#[derive(Debug, Clone, Copy)]
pub struct StartTime {
    /// The steady clock.
    pub instant: Instant,
    /// The wall clock.
    pub timestamp: Timestamp,
}

impl StartTime {
    /// The wall clock now, without asking it again: it may have been set meanwhile.
    pub fn now(&self) -> Timestamp {
        let elapsed = SignedDuration::try_from(self.instant.elapsed()).unwrap_or_default();
        self.timestamp.checked_add(elapsed).unwrap_or(self.timestamp)
    }
}

/// What happens while a region is fetched, for a display.
#[derive(Debug)]
pub enum Event<'a> {
    /// An attempt was sent: so many by now.
    Sent {
        /// Attempts of this region, this one included.
        attempts: u32,
    },
    /// A page came: so many videos by now.
    Arrived {
        /// Of this region.
        videos: usize,
    },
    /// The request will be sent again after this wait.
    Retrying(Duration, &'a RegionError),
    /// The server asked this region, and so all, for silence.
    Held(Duration),
    /// The region is finished.
    Ended,
}

/// Told what happens; must not block.
pub trait Observer: Send + Sync {
    /// `index` is the region's place in the plan.
    fn observe(&self, index: usize, event: &Event<'_>);
}

/// What a run brought.
#[derive(Debug)]
pub struct Fetched {
    /// One per region, in the order of the plan.
    pub charts: Vec<RegionChart>,
    /// For how long the server had asked for silence.
    pub held: Duration,
    /// By how much this machine's clock is ahead of the server's, by the `Date` of its answers; negative where it is
    /// behind, `None` where no answer has one.
    pub clock_ahead: Option<SignedDuration>,
}

/// Fetches all charts of the plan. Failures are in the charts; `cancelled` scope the run early.
pub async fn fetch<T: Transport>(
    plan: Plan,
    start: StartTime,
    transport: T,
    observer: Arc<dyn Observer>,
    cancelled: impl Future<Output = ()>,
) -> Fetched {
    let run = Arc::new(Run::new(plan, start, transport, observer));
    let mut tasks = JoinSet::new();
    for index in 0..run.plan.regions.len() {
        // The one line of concurrency: every region is a task, and `throttle` says which of them sends.
        let run = Arc::clone(&run);
        tasks.spawn(async move { (index, region_task::fetch(run, index).await) });
    }
    let mut charts = Vec::with_capacity(run.plan.regions.len());
    let mut cancelled = pin!(cancelled);
    let mut deadline = pin!(run.deadline());
    let (mut on_cancelled, mut on_deadline) = (true, true);
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                None => break,
                Some(Ok(chart)) => charts.push(chart),
                Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            },
            () = &mut cancelled, if on_cancelled => {
                on_cancelled = false;
                run.throttle.stop(Stop::abandon(ErrorKind::Cancelled, "the run was interrupted"));
            }
            () = &mut deadline, if on_deadline => {
                on_deadline = false;
                run.throttle.stop(Stop::abandon(ErrorKind::Deadline, "not finished when --deadline had passed"));
            }
        }
    }
    charts.sort_unstable_by_key(|(index, _)| *index);
    Fetched {
        charts: charts.into_iter().map(|(_, chart)| chart).collect(),
        held: run.throttle.held(),
        clock_ahead: run.clock.ahead(),
    }
}

/// What the regions of a run share.
struct Run<T> {
    plan: Plan,
    start: StartTime,
    transport: T,
    observer: Arc<dyn Observer>,
    throttle: Throttle,
    units: Budget,
    retries: Budget,
    /// Whether any request has succeeded.
    answered: AtomicBool,
    clock: ServerClock,
}

impl<T> Run<T> {
    fn new(plan: Plan, start: StartTime, transport: T, observer: Arc<dyn Observer>) -> Run<T> {
        Run {
            throttle: Throttle::new(plan.concurrency),
            units: Budget::of_units(plan.max_units),
            retries: Budget::of_retries(plan.requests()),
            answered: AtomicBool::new(false),
            clock: ServerClock::default(),
            plan,
            start,
            transport,
            observer,
        }
    }

    /// Takes one quota unit.
    fn spend(&self) -> Result<(), Stop> {
        if self.units.take() { Ok(()) } else { Err(self.out_of_units()) }
    }

    /// Whether a quota unit is left. Nobody waits for a request that cannot be paid for.
    fn can_pay(&self) -> Result<(), Stop> {
        if self.units.is_spent() { Err(self.out_of_units()) } else { Ok(()) }
    }

    /// Scope the run for want of units.
    fn out_of_units(&self) -> Stop {
        let stop = Stop::finish(ErrorKind::Budget, "--max-units is spent; what had arrived by then is kept");
        self.throttle.stop(stop.clone());
        stop
    }

    fn has_answered(&self) {
        self.answered.store(true, Relaxed);
    }

    fn is_answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    /// The wall clock, in whole seconds.
    fn now(&self) -> Timestamp {
        whole_seconds(self.start.now())
    }

    /// What is left of the deadline.
    fn left(&self) -> Option<Duration> {
        self.plan.deadline.map(|deadline| deadline.saturating_sub(self.start.instant.elapsed()))
    }

    async fn deadline(&self) {
        match self.plan.deadline.and_then(|deadline| self.start.instant.checked_add(deadline)) {
            Some(deadline) => sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    }
}
