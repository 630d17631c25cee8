//! When a run stops waiting: a signal ends it, or `--deadline` does.

use std::fmt;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// How long a run may go on after a signal, or after a deadline that ended the fetching, to store and write what arrived.
pub const GRACE: Duration = Duration::from_secs(2);

/// What ended a run before it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// A signal.
    Signal,
    /// `--deadline`.
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

/// The limits of a run.
#[derive(Debug, Clone)]
pub struct TimeLimit {
    deadline: Option<Instant>,
    signalled: watch::Receiver<Option<Instant>>,
}

impl TimeLimit {
    /// `signalled` tells when a signal came.
    pub fn new(deadline: Option<Instant>, signalled: watch::Receiver<Option<Instant>>) -> TimeLimit {
        TimeLimit { deadline, signalled }
    }

    /// Waits for a signal, and says when it came.
    pub async fn signal(&self) -> Instant {
        let mut signalled = self.signalled.clone();
        let came = signalled.wait_for(Option::is_some).await.ok().and_then(|at| *at);
        match came {
            Some(at) => at,
            // Without a sender, no signal can come any more.
            None => std::future::pending().await,
        }
    }

    /// What has interrupted the run by now.
    pub fn passed(&self) -> Option<Interruption> {
        if self.signalled.borrow().is_some() {
            return Some(Interruption::Signal);
        }
        self.deadline.filter(|deadline| *deadline <= Instant::now()).map(|_| Interruption::Deadline)
    }

    /// Waits until so long after a signal, or until the deadline.
    pub async fn interrupted(&self, patience: Duration) -> Interruption {
        tokio::select! {
            () = async { until(Some(self.signal().await + patience)).await } => Interruption::Signal,
            () = until(self.deadline) => Interruption::Deadline,
        }
    }

    /// Waits until `reserve` before the end of a run whose fetching ended at `fetched`: [`GRACE`] after a signal; or the
    /// deadline, but no sooner than [`GRACE`] after `fetched`, so that what arrived can be written.
    pub async fn over(&self, fetched: Instant, reserve: Duration) -> Interruption {
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

    /// When a run of this deadline is over whose fetching ended after so many seconds, and why.
    async fn ends(
        deadline: Option<u64>,
        fetched: u64,
        signal: Option<u64>,
        reserve: Duration,
    ) -> (Duration, Interruption) {
        let start = Instant::now();
        let seconds = |seconds| start + Duration::from_secs(seconds);
        let (_tell, signalled) = watch::channel(signal.map(seconds));
        let limit = TimeLimit::new(deadline.map(seconds), signalled);
        let why = limit.over(seconds(fetched), reserve).await;
        (start.elapsed(), why)
    }

    #[tokio::test(start_paused = true)]
    async fn what_arrived_gets_two_seconds_and_a_deadline_that_is_far_is_kept() {
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
            let (took, why) = ends(deadline, fetched, signal, reserve).await;
            // Time stands in whole milliseconds.
            assert_eq!((took.as_secs(), why), expected, "{deadline:?} {fetched} {signal:?} {reserve:?}");
        }
    }
}
