//! When a request may be sent: permits, the silence that the server asked for, and the end of sending.
//!
//! The order of an attempt: wait out the hold, take a permit, look at the hold again, send, give
//! the permit back. A permit is never held while waiting, so any number of limited regions cannot
//! park the others. After a hold, sending starts gently: see [`RESTART_JITTER`] and [`RESTART_WINDOW`].

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::permits::{Permit, Permits};
use crate::error::{Kind, RegionError};

/// The restart after a hold is spread over so much time, lest all come at once.
pub const RESTART_JITTER: Duration = Duration::from_millis(250);

/// In the first second after a hold no more requests are sent than may be in flight, however
/// quickly they are answered: a limit that was just met is not run into again at full speed.
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
    pub(super) fn finish(kind: Kind, message: impl Into<String>) -> Stop {
        Stop {
            error: RegionError { kind, status: None, reason: None, message: message.into() },
            in_flight: InFlight::Finish,
        }
    }

    /// A stop that abandons them.
    pub(super) fn abandon(kind: Kind, message: impl Into<String>) -> Stop {
        Stop { in_flight: InFlight::Abandon, ..Stop::finish(kind, message) }
    }
}

/// Shared by all regions of a run, since the limits belong to the key.
#[derive(Debug)]
pub(super) struct Pace {
    concurrency: usize,
    permits: Permits,
    state: watch::Sender<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The end of the latest hold, also when it has passed.
    held_until: Option<Instant>,
    sent_since_hold: usize,
    held: Duration,
    stop: Option<Stop>,
}

impl State {
    fn enter(&mut self, concurrency: usize) -> Result<bool, Stop> {
        if let Some(stop) = &self.stop {
            return Err(stop.clone());
        }
        let is_open = self.closed_until(concurrency).is_none();
        self.sent_since_hold += usize::from(is_open);
        Ok(is_open)
    }

    /// When sending may be tried again, while it may not.
    fn closed_until(&self, concurrency: usize) -> Option<Instant> {
        let (now, held_until) = (Instant::now(), self.held_until?);
        let window_ends = held_until + RESTART_WINDOW;
        if held_until > now {
            return Some(held_until);
        }
        (window_ends > now && self.sent_since_hold >= concurrency).then_some(window_ends)
    }
}

impl Pace {
    /// At most `concurrency` requests at once; `None` is no limit.
    pub(super) fn new(concurrency: Option<usize>) -> Pace {
        let concurrency = concurrency.unwrap_or(usize::MAX);
        Pace { concurrency, permits: Permits::new(concurrency), state: watch::Sender::default() }
    }

    /// Waits until one request may be sent, behind regions that have longer `to_go`. The permit is for one attempt;
    /// `used`, that of the page before, is given back once this one is in the queue, lest it goes to another whose need
    /// is less.
    ///
    /// # Errors
    /// When no further request may be sent.
    pub(super) async fn admit(&self, to_go: Duration, mut used: Option<Permit>) -> Result<Permit, Stop> {
        loop {
            let closed_until = self.state.borrow().closed_until(self.concurrency);
            if let Some(opens) = closed_until {
                drop(used.take());
                let jitter = RESTART_JITTER.mul_f64(fastrand::f64());
                tokio::select! {
                    biased;
                    stop = self.stopped() => return Err(stop),
                    () = sleep_until(opens + jitter) => continue,
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

    /// Nobody sends for `wait` from now. A shorter hold never shortens a longer one.
    pub(super) fn hold(&self, wait: Duration) {
        let now = Instant::now();
        self.state.send_modify(|state| {
            let until = now + wait;
            let from = state.held_until.map_or(now, |held_until| held_until.max(now));
            state.held += until.saturating_duration_since(from);
            state.held_until = Some(until.max(from));
            state.sent_since_hold = 0;
        });
    }

    /// Ends sending. The first reason stays, except that requests under way can still be abandoned.
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
