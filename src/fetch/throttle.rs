//! When a request may be sent: permits, the silence that the server asked for, and the end of sending.
//!
//! The order of an attempt: wait out the hold, take a permit, look at the hold again, send, give
//! the permit back. A permit is never held while waiting, so any number of limited regions cannot
//! park the others. After a hold, sending starts gently: see [`RESTART_JITTER`] and [`RESTART_WINDOW`].
//!
//! Holds are counted, so that an attempt knows whether the limit it met is a further one: see [`Throttle::steps_before`].

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::priority_semaphore::{Permit, PrioritySemaphore};
use crate::model::error::{ErrorKind, RegionError};

/// The restart after a hold is spread over this time. Requests that met the limit go in its first half, and so before
/// those that were not sent yet.
pub const RESTART_JITTER: Duration = Duration::from_millis(250);

/// In the first second after a hold no more requests are sent than may be in flight, however quickly they are
/// answered and however many holds follow within it: a limit that was just met is not run into again at full speed.
pub(super) const RESTART_WINDOW: Duration = Duration::from_secs(1);

/// Why no further request is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stop {
    /// What every unfinished region reports.
    pub(super) error: RegionError,
    /// What becomes of the requests under way.
    pub(super) in_flight: InFlight,
}

/// What becomes of requests under way at a stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InFlight {
    /// They are paid for, so their answers are waited for.
    Finish,
    /// There is no time left for them.
    Abandon,
}

impl Stop {
    /// A stop that lets requests under way finish.
    pub(super) fn finish(kind: ErrorKind, message: impl Into<String>) -> Stop {
        Stop { error: RegionError::new(kind, message), in_flight: InFlight::Finish }
    }

    /// A stop that abandons them.
    pub(super) fn abandon(kind: ErrorKind, message: impl Into<String>) -> Stop {
        Stop { in_flight: InFlight::Abandon, ..Stop::finish(kind, message) }
    }
}

/// Shared by all regions of a run, since the limits belong to the key.
#[derive(Debug)]
pub(super) struct Throttle {
    concurrency: usize,
    permits: PrioritySemaphore,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The end of the latest hold, also when it has passed.
    held_until: Option<Instant>,
    /// When requests were sent within [`RESTART_WINDOW`] after a hold; no more than may be in flight.
    restarted: VecDeque<Instant>,
    held: Duration,
    /// Holds so far.
    holds: u32,
    /// As many of them had come before the latest request that succeeded was sent.
    holds_before_success: u32,
    /// Refusals whose body is being read.
    refusals: usize,
    stop: Option<Stop>,
}

impl State {
    fn enter(&mut self, concurrency: usize) -> Result<bool, Stop> {
        if let Some(stop) = &self.stop {
            return Err(stop.clone());
        }
        let now = Instant::now();
        let is_open = self.refusals == 0 && self.closed_until(concurrency, now).is_none();
        if is_open && concurrency != UNLIMITED && self.is_restarting(now) {
            self.restarted.push_back(now);
        }
        Ok(is_open)
    }

    /// When sending may be tried again, while it may not.
    fn closed_until(&self, concurrency: usize, now: Instant) -> Option<Instant> {
        let held_until = self.held_until.filter(|held_until| *held_until > now);
        if held_until.is_some() || !self.is_restarting(now) {
            return held_until;
        }
        // The latest of them, as many as may be in flight, are what the next one is measured against.
        let earliest = self.restarted.iter().rev().nth(concurrency.saturating_sub(1));
        earliest.map(|sent| *sent + RESTART_WINDOW).filter(|opens| *opens > now)
    }

    fn is_restarting(&self, now: Instant) -> bool {
        self.held_until.is_some_and(|held_until| held_until + RESTART_WINDOW > now)
    }
}

const UNLIMITED: usize = usize::MAX;

/// While it lives, nothing is sent: a refusal is being read, and what it means may concern everybody.
#[derive(Debug)]
pub(super) struct Reading<'a>(&'a Throttle);

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.state.send_modify(|state| state.refusals -= 1);
    }
}

impl Throttle {
    /// At most `concurrency` requests at once; `None` is no limit.
    pub(super) fn new(concurrency: Option<usize>) -> Throttle {
        let concurrency = concurrency.unwrap_or(UNLIMITED);
        Throttle { concurrency, permits: PrioritySemaphore::new(concurrency), state: watch::Sender::default() }
    }

    /// Waits until one request may be sent, behind regions that have longer `to_go`. The permit is for one attempt;
    /// `used`, that of the attempt before, is released only after this request is queued, so that the region keeps its
    /// turn. `is_again`: the request was sent before.
    ///
    /// # Errors
    /// When no further request may be sent.
    pub(super) async fn admit(
        &self,
        to_go: Duration,
        is_again: bool,
        mut used: Option<Permit>,
    ) -> Result<Permit, Stop> {
        loop {
            if self.state.borrow().refusals > 0 {
                drop(used.take());
                self.refusals_read().await?;
                continue;
            }
            let closed_until = self.state.borrow().closed_until(self.concurrency, Instant::now());
            if let Some(opens) = closed_until {
                drop(used.take());
                let share = if is_again { fastrand::f64() / 2.0 } else { (fastrand::f64() + 1.0) / 2.0 };
                tokio::select! {
                    biased;
                    stop = self.stopped() => return Err(stop),
                    () = sleep_until(opens + RESTART_JITTER.mul_f64(share)) => continue,
                }
            }
            let queued = self.permits.acquire(to_go);
            drop(used.take());
            let permit = tokio::select! {
                biased;
                stop = self.stopped() => return Err(stop),
                permit = queued => permit,
            };
            // A hold or a stop may have come while this one queued.
            if self.enter()? {
                return Ok(permit);
            }
        }
    }

    /// Holds so far: what an attempt notes when it is sent.
    pub(super) fn holds(&self) -> u32 {
        self.state.borrow().holds
    }

    /// Holds without a success between them that came before the one which an attempt of these `holds` now meets. An
    /// answer that was under way when the latest hold began belongs to that one.
    pub(super) fn steps_before(&self, holds: u32) -> u32 {
        let state = self.state.borrow();
        (state.holds - state.holds_before_success).saturating_sub(u32::from(holds < state.holds))
    }

    /// Notes the success of an attempt that was sent after so many `holds`.
    pub(super) fn succeeded(&self, holds: u32) {
        self.state.send_if_modified(|state| {
            state.holds_before_success = state.holds_before_success.max(holds);
            false // nobody waits for this count
        });
    }

    /// Nobody sends for `wait` from now, because of an attempt that was sent after so many `holds`. A shorter hold
    /// never shortens a longer one.
    pub(super) fn hold(&self, wait: Duration, holds: u32) {
        let now = Instant::now();
        self.state.send_modify(|state| {
            let until = now + wait;
            let from = state.held_until.map_or(now, |held_until| held_until.max(now));
            state.held += until.saturating_duration_since(from);
            state.held_until = Some(until.max(from));
            while state.restarted.front().is_some_and(|sent| *sent + RESTART_WINDOW <= now) {
                state.restarted.pop_front();
            }
            state.holds += u32::from(holds == state.holds);
        });
    }

    /// Nothing is sent while a refusal is read.
    pub(super) fn read_refusal(&self) -> Reading<'_> {
        self.state.send_modify(|state| state.refusals += 1);
        Reading(self)
    }

    async fn refusals_read(&self) -> Result<(), Stop> {
        let mut state = self.state.subscribe();
        // The sender lives as long as self, so waiting never fails.
        let read = state.wait_for(|state| state.refusals == 0 || state.stop.is_some()).await;
        read.map_or(Ok(()), |state| state.stop.clone().map_or(Ok(()), Err))
    }

    /// Scope sending. The first reason stays, except that requests under way can still be abandoned.
    pub(super) fn stop(&self, stop: Stop) {
        self.state.send_modify(|state| match &state.stop {
            Some(earlier) if earlier.in_flight == stop.in_flight || stop.in_flight == InFlight::Finish => {}
            _ => state.stop = Some(stop),
        });
    }

    /// Resolves when sending has ended.
    pub(super) async fn stopped(&self) -> Stop {
        self.when(|stop| Some(stop.clone())).await
    }

    /// Resolves when requests under way are to be abandoned.
    pub(super) async fn abandoned(&self) -> Stop {
        self.when(|stop| (stop.in_flight == InFlight::Abandon).then(|| stop.clone())).await
    }

    /// For how long sending was held, up to now.
    pub(super) fn held(&self) -> Duration {
        let state = self.state.borrow();
        let to_come = state.held_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        state.held.saturating_sub(to_come)
    }

    /// Counts one request, unless sending is closed for now.
    fn enter(&self) -> Result<bool, Stop> {
        let mut entered = Ok(false);
        self.state.send_if_modified(|state| {
            entered = state.enter(self.concurrency);
            false // nobody waits for this count
        });
        entered
    }

    async fn when(&self, wanted: impl Fn(&Stop) -> Option<Stop>) -> Stop {
        let mut state = self.state.subscribe();
        loop {
            if let Some(stop) = state.borrow_and_update().stop.as_ref().and_then(&wanted) {
                return stop;
            }
            // The sender lives as long as self, so this never fails.
            if state.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
