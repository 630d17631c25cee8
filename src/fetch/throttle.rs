//! When a request may be sent: concurrency permits, the hold after a rate limit, and the end of sending.
//!
//! The order of an attempt: wait until sending is open, take a permit, check again, send, release the permit. No task
//! holds a permit while it waits, so rate-limited regions cannot keep the others from sending. Permits are granted in
//! the order in which tasks wait for them. After a hold, sending restarts gently: see [`RESTART_JITTER`] and
//! [`RESTART_WINDOW`].
//!
//! Holds are counted, so that an attempt can tell whether it met the limit of the current hold or a new one: see
//! [`Throttle::fruitless_holds`].

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use crate::model::error::{ErrorKind, RegionError, RegionFailure};

/// Requests after a hold are spread over this time, those that are sent again over its first half. The window below
/// does not replace it: without jitter, all permits, or all regions where concurrency is unlimited, would be sent in
/// the same millisecond.
pub const RESTART_JITTER: Duration = Duration::from_millis(250);

/// Within this time after a hold, no more requests are sent than may be in flight at once, even if further holds
/// follow. Jitter does not replace this: with responses within 100 ms, three permits would send 28 requests in that
/// second.
pub(super) const RESTART_WINDOW: Duration = Duration::from_secs(1);

/// Why no further request is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    /// What every unfinished region reports.
    pub(super) error: RegionError,
    pub(super) in_flight: InFlight,
}

/// What becomes of requests in flight at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    /// They are paid for, so the run waits for their responses.
    Finish,
    /// There is no time left for them.
    Abandon,
}

impl Stop {
    /// A stop that lets requests in flight finish.
    pub(super) fn finish(kind: ErrorKind, message: impl Into<String>) -> Stop {
        Stop { error: RegionError::new(kind, message), in_flight: InFlight::Finish }
    }

    /// A stop that abandons requests in flight.
    pub(super) fn abandon(kind: ErrorKind, message: impl Into<String>) -> Stop {
        Stop { in_flight: InFlight::Abandon, ..Stop::finish(kind, message) }
    }
}

impl From<Stop> for RegionFailure {
    fn from(stop: Stop) -> RegionFailure {
        stop.error.into()
    }
}

/// Shared by all regions of a run, since rate limits belong to the key.
#[derive(Debug)]
pub(super) struct Throttle {
    /// `None` is no limit.
    concurrency: Option<usize>,
    permits: Semaphore,
    state: watch::Sender<State>,
}

/// No request is sent while this guard exists: an error response is being read, and what it says may concern all
/// regions.
#[derive(Debug)]
pub(super) struct ErrorResponseGuard<'a>(&'a Throttle);

impl Drop for ErrorResponseGuard<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.error_responses -= 1);
    }
}

impl Throttle {
    pub(super) fn new(concurrency: Option<usize>) -> Throttle {
        let permits = concurrency.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        Throttle { concurrency, permits: Semaphore::new(permits), state: watch::Sender::default() }
    }

    /// Waits until one request may be sent. The permit is for one attempt.
    ///
    /// # Errors
    /// When no further request may be sent.
    pub(super) async fn acquire(&self, is_resend: bool) -> Result<SemaphorePermit<'_>, Stop> {
        loop {
            self.wait_until_open(is_resend).await?;
            let permit = tokio::select! {
                biased;
                stop = self.stopped() => return Err(stop),
                permit = self.permit() => permit,
            };
            // A hold or a stop may have begun while this task waited for its permit.
            if self.try_begin()? {
                return Ok(permit);
            }
        }
    }

    async fn wait_until_open(&self, is_resend: bool) -> Result<(), Stop> {
        loop {
            self.error_responses_read().await?;
            let blocked_until = self.state.borrow().blocked_until(self.concurrency, Instant::now());
            let Some(reopens_at) = blocked_until else { return Ok(()) };
            let share = if is_resend { fastrand::f64() / 2.0 } else { (fastrand::f64() + 1.0) / 2.0 };
            tokio::select! {
                biased;
                stop = self.stopped() => return Err(stop),
                () = sleep_until(reopens_at + RESTART_JITTER.mul_f64(share)) => {}
            }
        }
    }

    async fn error_responses_read(&self) -> Result<(), Stop> {
        let mut state = self.state.subscribe();
        // The sender lives as long as self, so waiting never fails.
        let read = state.wait_for(|state| state.error_responses == 0 || state.stop.is_some()).await;
        read.map_or(Ok(()), |state| state.stop.clone().map_or(Ok(()), Err))
    }

    async fn permit(&self) -> SemaphorePermit<'_> {
        match self.permits.acquire().await {
            Ok(permit) => permit,
            // The semaphore is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Counts one request, unless sending is closed for now.
    fn try_begin(&self) -> Result<bool, Stop> {
        let mut begun = Ok(false);
        self.state.send_if_modified(|state| {
            begun = state.try_begin(self.concurrency);
            false // no task waits for this count
        });
        begun
    }

    /// The number of holds so far. An attempt remembers it when it is sent.
    pub(super) fn hold_count(&self) -> u32 {
        self.state.borrow().hold_count
    }

    /// The number of holds since the last success, without the hold that belongs to this rate-limited attempt. If the
    /// latest hold began while the attempt was in flight, the attempt met the same limit and belongs to that hold;
    /// otherwise it leads to a new one.
    pub(super) fn fruitless_holds(&self, hold_count_at_send: u32) -> u32 {
        let state = self.state.borrow();
        let fruitless = state.hold_count - state.hold_count_at_success;
        fruitless.saturating_sub(u32::from(hold_count_at_send < state.hold_count))
    }

    pub(super) fn note_success(&self, hold_count_at_send: u32) {
        self.state.send_if_modified(|state| {
            state.hold_count_at_success = state.hold_count_at_success.max(hold_count_at_send);
            false // no task waits for this count
        });
    }

    /// Closes sending for `wait` from now. A shorter hold never shortens a longer one.
    pub(super) fn hold(&self, wait: Duration, hold_count_at_send: u32) {
        let now = Instant::now();
        self.state.send_modify(|state| {
            let until = now + wait;
            let from = state.held_until.map_or(now, |held_until| held_until.max(now));
            state.held += until.saturating_duration_since(from);
            state.held_until = Some(until.max(from));
            while state.restart_sends.front().is_some_and(|sent| *sent + RESTART_WINDOW <= now) {
                state.restart_sends.pop_front();
            }
            state.hold_count += u32::from(hold_count_at_send == state.hold_count);
        });
    }

    /// Closes sending until the guard is dropped.
    pub(super) fn begin_error_response(&self) -> ErrorResponseGuard<'_> {
        self.state.send_modify(|state| state.error_responses += 1);
        ErrorResponseGuard(self)
    }

    /// Ends sending. The first reason stays, except that requests in flight can still be abandoned.
    pub(super) fn stop(&self, stop: Stop) {
        self.state.send_modify(|state| match &state.stop {
            Some(earlier) if earlier.in_flight == stop.in_flight || stop.in_flight == InFlight::Finish => {}
            _ => state.stop = Some(stop),
        });
    }

    /// Resolves when sending has ended.
    pub(super) async fn stopped(&self) -> Stop {
        self.stopped_with(|_| true).await
    }

    /// Resolves when requests in flight are to be abandoned.
    pub(super) async fn abandoned(&self) -> Stop {
        self.stopped_with(|stop| stop.in_flight == InFlight::Abandon).await
    }

    async fn stopped_with(&self, is_wanted: impl Fn(&Stop) -> bool) -> Stop {
        let mut state = self.state.subscribe();
        loop {
            if let Some(stop) = state.borrow_and_update().stop.as_ref().filter(|stop| is_wanted(stop)) {
                return stop.clone();
            }
            // The sender lives as long as self, so this never fails.
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// For how long sending was held, up to now.
    pub(super) fn held(&self) -> Duration {
        let state = self.state.borrow();
        let remaining =
            state.held_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        state.held.saturating_sub(remaining)
    }
}

#[derive(Debug, Default)]
struct State {
    /// The end of the latest hold, even if it has passed.
    held_until: Option<Instant>,
    /// When requests were sent within [`RESTART_WINDOW`] after a hold.
    restart_sends: VecDeque<Instant>,
    held: Duration,
    hold_count: u32,
    /// `hold_count` when the latest request that succeeded was sent.
    hold_count_at_success: u32,
    /// Error responses whose body is being read.
    error_responses: usize,
    stop: Option<Stop>,
}

impl State {
    fn try_begin(&mut self, concurrency: Option<usize>) -> Result<bool, Stop> {
        if let Some(stop) = &self.stop {
            return Err(stop.clone());
        }
        let now = Instant::now();
        let is_open = self.error_responses == 0 && self.blocked_until(concurrency, now).is_none();
        if is_open && concurrency.is_some() && self.is_restarting(now) {
            self.restart_sends.push_back(now);
        }
        Ok(is_open)
    }

    /// When sending may be tried again, if it is closed now.
    fn blocked_until(&self, concurrency: Option<usize>, now: Instant) -> Option<Instant> {
        let held_until = self.held_until.filter(|held_until| *held_until > now);
        if held_until.is_some() || !self.is_restarting(now) {
            return held_until;
        }
        // One of the last `concurrency` sends must be a whole window ago.
        let earliest = self.restart_sends.iter().rev().nth(concurrency?.saturating_sub(1));
        earliest.map(|sent| *sent + RESTART_WINDOW).filter(|reopens_at| *reopens_at > now)
    }

    fn is_restarting(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|held_until| held_until + RESTART_WINDOW > now)
    }
}
