//! When a run must stop: after a signal, or at `--deadline`.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// The time to store and write what arrived, after a signal or after a deadline that ended the fetching.
pub const GRACE: Duration = Duration::from_secs(2);

/// What ended a run early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    Signal,
    /// `--deadline`
    Deadline,
}

impl fmt::Display for Interruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Interruption::Signal => "a signal",
            Interruption::Deadline => "--deadline",
        })
    }
}

/// The first signal of a run.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedSignal {
    pub at: Instant,
    pub number: u8,
}

/// The deadline of a run, and the signals that it receives.
#[derive(Debug, Clone)]
pub struct TimeLimit {
    deadline: Option<Instant>,
    signalled: watch::Receiver<Option<ReceivedSignal>>,
}

impl TimeLimit {
    /// `signalled` holds the first signal.
    pub fn new(deadline: Option<Instant>, signalled: watch::Receiver<Option<ReceivedSignal>>) -> TimeLimit {
        TimeLimit { deadline, signalled }
    }

    /// Waits for a signal, and returns when it was received.
    pub async fn signal(&self) -> Instant {
        let mut signalled = self.signalled.clone();
        let received = signalled.wait_for(Option::is_some).await.ok().and_then(|received| *received);
        match received {
            Some(signal) => signal.at,
            // The sender is gone, so no signal can come.
            None => std::future::pending().await,
        }
    }

    /// The number of the signal that was received, if any.
    pub fn signal_number(&self) -> Option<u8> {
        self.signalled.borrow().map(|signal| signal.number)
    }

    /// What has interrupted the run so far.
    pub fn interruption(&self) -> Option<Interruption> {
        if self.signalled.borrow().is_some() {
            return Some(Interruption::Signal);
        }
        self.deadline.filter(|deadline| *deadline <= Instant::now()).map(|_| Interruption::Deadline)
    }

    /// Waits until `grace` after a signal, or until the deadline.
    pub async fn interrupted(&self, grace: Duration) -> Interruption {
        tokio::select! {
            () = async { until(Some(self.signal().await + grace)).await } => Interruption::Signal,
            () = until(self.deadline) => Interruption::Deadline,
        }
    }

    /// Waits until `reserve` before the run must end. That is [`GRACE`] after a signal, or the deadline; but no sooner
    /// than [`GRACE`] after `fetched`, the end of the fetching, so that what arrived can be written.
    pub async fn end(&self, fetched: Instant, reserve: Duration) -> Interruption {
        let deadline = self.deadline.map(|deadline| deadline.max(fetched + GRACE));
        tokio::select! {
            () = async { until(Some(self.signal().await + GRACE - reserve)).await } => Interruption::Signal,
            () = until(deadline.map(|deadline| deadline - reserve)) => Interruption::Deadline,
        }
    }
}

async fn until(instant: Option<Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When and why a run must end: times in seconds after its start.
    async fn run_end(
        deadline: Option<u64>,
        fetched: u64,
        signal: Option<u64>,
        reserve: Duration,
    ) -> (Duration, Interruption) {
        let start = Instant::now();
        let seconds = |seconds| start + Duration::from_secs(seconds);
        let (_sender, signalled) = watch::channel(signal.map(|at| ReceivedSignal { at: seconds(at), number: 15 }));
        let limit = TimeLimit::new(deadline.map(seconds), signalled);
        let why = limit.end(seconds(fetched), reserve).await;
        (start.elapsed(), why)
    }

    #[tokio::test(start_paused = true)]
    async fn at_least_two_seconds_are_left_to_write() {
        use Interruption::{Deadline, Signal};
        let (none, second) = (Duration::ZERO, Duration::from_secs(1));
        for (deadline, fetched, signal, reserve, expected) in [
            (Some(10), 3, None, none, (10, Deadline)),
            (Some(10), 3, None, second, (9, Deadline)),
            (Some(10), 9, None, none, (11, Deadline)),
            (Some(10), 10, None, second, (11, Deadline)),
            (None, 3, Some(3), none, (5, Signal)),
            (None, 3, Some(3), second, (4, Signal)),
            (Some(4), 1, Some(3), none, (4, Deadline)),
            (Some(60), 3, Some(3), none, (5, Signal)),
        ] {
            let (took, why) = run_end(deadline, fetched, signal, reserve).await;
            // Paused time advances in whole milliseconds.
            assert_eq!((took.as_secs(), why), expected, "{deadline:?} {fetched} {signal:?} {reserve:?}");
        }
    }
}
