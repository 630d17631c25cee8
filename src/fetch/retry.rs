//! What follows from a failed attempt, as values. Nothing here waits or sends; the caller does.

use std::time::Duration;

use crate::model::error::ErrorKind;
use crate::youtube::failure::AttemptFailure;

/// How one kind of error is handled: a row of the table in [`rule`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    pub retry: Retry,
    /// What fails once the error is final.
    pub scope: Scope,
}

/// Whether another attempt can succeed, and what it waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    Never,
    /// After a backoff of this request alone.
    Backoff,
    /// After a hold of all requests, since the limit belongs to the key.
    Hold,
}

/// What a final error ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This region; the others go on.
    Region,
    /// The whole run: no other request could succeed.
    Run,
    /// The whole run until a request has succeeded, and from then on only this region.
    RunUntilSuccess,
}

/// How an error of this kind is handled.
pub fn rule(kind: ErrorKind) -> Rule {
    use Retry::{Backoff, Hold, Never};
    use Scope::{Region, Run, RunUntilSuccess};
    let (retry, scope) = match kind {
        ErrorKind::KeyRejected => (Never, Run),
        ErrorKind::QuotaExceeded => (Never, Run),
        ErrorKind::RateLimited => (Hold, Region),
        ErrorKind::ServerError => (Backoff, Region),
        ErrorKind::Connect => (Backoff, Region),
        ErrorKind::Tls => (Backoff, Region),
        ErrorKind::Certificate => (Never, Region),
        ErrorKind::ProxyLogin => (Never, Run),
        ErrorKind::Proxy => (Backoff, Region),
        ErrorKind::Timeout => (Backoff, Region),
        ErrorKind::Truncated => (Backoff, Region),
        ErrorKind::RegionUnsupported => (Never, Region),
        ErrorKind::BadParameter => (Never, Run),
        ErrorKind::BadRequest => (Never, RunUntilSuccess),
        ErrorKind::BadResponse => (Never, Region),
        ErrorKind::TooLarge => (Never, Region),
        ErrorKind::Forbidden => (Never, RunUntilSuccess),
        ErrorKind::Budget => (Never, Run),
        ErrorKind::Deadline => (Never, Run),
        ErrorKind::Cancelled => (Never, Run),
    };
    Rule { retry, scope }
}

/// The limits that the user set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Further attempts of one request after the first.
    pub retries: u32,
    /// The first backoff. It doubles with every attempt.
    pub backoff: Duration,
    /// The longest wait that a server may impose.
    pub max_wait: Duration,
}

pub const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The holds after rate limits that name neither a time nor a window, one after another while no request succeeds.
/// The last one is repeated.
const DEFAULT_HOLDS: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20), Duration::from_secs(40)];

/// After this many holds without a success between them, the run no longer waits for the limit.
const MAX_FRUITLESS_HOLDS: u32 = 5;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryDecision {
    /// For how long no request may be sent.
    pub hold: Option<Duration>,
    pub next_step: NextStep,
}

/// What happens next to the request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Send it again without waiting, on a new connection.
    ResendNow,
    /// Send it again once the hold has passed.
    ResendAfterHold,
    /// Send it again after this wait, if the run's budget of retries allows.
    ResendAfterBackoff(Duration),
    GiveUp(Scope),
    /// Give up: the server requested a longer wait than the run allows.
    WaitTooLong {
        requested: Duration,
        scope: Scope,
    },
    /// End the run: the limit has outlasted `MAX_FRUITLESS_HOLDS`.
    StillLimited,
}

/// What happened to a request before its latest failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AttemptState {
    /// Earlier attempts that failed, those followed by [`NextStep::ResendNow`] aside.
    pub failures: u32,
    /// Whether the request was already resent without waiting.
    pub is_resent: bool,
    /// Holds of the run without a success between them.
    pub fruitless_holds: u32,
}

/// Decides what follows from the failure of a request. `jitter` is from 0 up to 1; `time_left` is what is left of the
/// deadline.
///
/// The backoff has full jitter: a uniform share of `backoff · 2^failures`, at most [`MAX_BACKOFF`] (Google Cloud,
/// "Retry strategy"). A 5xx with `Retry-After` (RFC 9110 §10.2.3) is not retried before that time, and not at all if it
/// exceeds `--max-wait` or the deadline. A hold that exceeds them ends the run, since the limit belongs to the key. If
/// the server names no time, the hold is a guess: the window of the limit if that is known, at most `--max-wait`. No
/// hold is shorter than the backoff would be, so that `Retry-After: 0` does not lead to a flood of requests.
pub fn decide(
    failure: &AttemptFailure,
    state: AttemptState,
    policy: &RetryPolicy,
    time_left: Option<Duration>,
    jitter: f64,
) -> RetryDecision {
    let Rule { retry, scope } = rule(failure.kind());
    let max_wait = time_left.map_or(policy.max_wait, |left| left.min(policy.max_wait));
    let max_holds = MAX_FRUITLESS_HOLDS.max(policy.retries.saturating_add(1));
    let unless_last = |resend| if state.failures < policy.retries { resend } else { NextStep::GiveUp(scope) };
    let backoff = backoff(policy, state.failures, jitter);
    let (hold, next_step) = match (retry, failure.retry_after) {
        _ if failure.delivery.allows_resend() && !state.is_resent => (None, NextStep::ResendNow),
        (Retry::Never, _) => (None, NextStep::GiveUp(scope)),
        (Retry::Hold, _) if state.fruitless_holds >= max_holds => (None, NextStep::StillLimited),
        (Retry::Hold, retry_after) => {
            let guess = failure.limit_window.unwrap_or(default_hold(state.fruitless_holds)).min(policy.max_wait);
            match retry_after.unwrap_or(guess) {
                requested if requested > max_wait => (None, NextStep::WaitTooLong { requested, scope: Scope::Run }),
                requested => (Some(requested.max(backoff)), unless_last(NextStep::ResendAfterHold)),
            }
        }
        (Retry::Backoff, Some(requested)) if requested > max_wait => (None, NextStep::WaitTooLong { requested, scope }),
        (Retry::Backoff, retry_after) => {
            (None, unless_last(NextStep::ResendAfterBackoff(backoff.max(retry_after.unwrap_or_default()))))
        }
    };
    RetryDecision { hold, next_step }
}

fn backoff(policy: &RetryPolicy, failures: u32, jitter: f64) -> Duration {
    policy.backoff.saturating_mul(2_u32.saturating_pow(failures)).min(MAX_BACKOFF).mul_f64(jitter)
}

fn default_hold(fruitless_holds: u32) -> Duration {
    let last = DEFAULT_HOLDS.len() - 1;
    DEFAULT_HOLDS[last.min(fruitless_holds as usize)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::youtube::failure::Delivery;

    const POLICY: RetryPolicy =
        RetryPolicy { retries: 4, backoff: Duration::from_millis(500), max_wait: Duration::from_secs(60) };

    fn failure(kind: ErrorKind, retry_after: Option<u64>) -> AttemptFailure {
        AttemptFailure { retry_after: retry_after.map(Duration::from_secs), ..AttemptFailure::new(kind, "") }
    }

    fn after(failures: u32) -> AttemptState {
        AttemptState { failures, ..AttemptState::default() }
    }

    #[test]
    fn the_backoff_doubles_up_to_its_ceiling() {
        let policy = RetryPolicy { retries: 9, ..POLICY };
        let waits = (0..9).map(|failures| {
            match decide(&failure(ErrorKind::ServerError, None), after(failures), &policy, None, 1.0).next_step {
                NextStep::ResendAfterBackoff(wait) => wait.as_millis(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(waits.collect::<Vec<_>>(), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        assert_eq!(
            decide(&failure(ErrorKind::ServerError, None), after(2), &POLICY, None, 0.0).next_step,
            NextStep::ResendAfterBackoff(Duration::ZERO)
        );
        assert_eq!(
            decide(&failure(ErrorKind::ServerError, None), after(4), &POLICY, None, 0.5).next_step,
            NextStep::GiveUp(Scope::Region)
        );
    }

    #[test]
    fn a_limit_holds_all_regions_for_exactly_the_requested_time() {
        let decide = |retry_after, failures, left: Option<u64>| {
            decide(
                &failure(ErrorKind::RateLimited, retry_after),
                after(failures),
                &POLICY,
                left.map(Duration::from_secs),
                0.8,
            )
        };
        let seconds = Duration::from_secs;
        let held = |hold, next_step| RetryDecision { hold: Some(seconds(hold)), next_step };
        assert_eq!(decide(Some(7), 0, None), held(7, NextStep::ResendAfterHold));
        assert_eq!(decide(None, 0, None), held(5, NextStep::ResendAfterHold));
        assert_eq!(decide(Some(60), 0, None), held(60, NextStep::ResendAfterHold));
        assert_eq!(
            decide(Some(61), 0, None),
            RetryDecision {
                hold: None,
                next_step: NextStep::WaitTooLong { requested: seconds(61), scope: Scope::Run }
            }
        );
        assert_eq!(
            decide(Some(9), 0, Some(8)),
            RetryDecision { hold: None, next_step: NextStep::WaitTooLong { requested: seconds(9), scope: Scope::Run } }
        );
        // The request gives up, but the hold still applies.
        assert_eq!(decide(Some(7), 4, None), held(7, NextStep::GiveUp(Scope::Region)));
    }

    #[test]
    fn a_server_error_with_retry_after_is_not_retried_before_it() {
        let next = |retry_after| {
            decide(&failure(ErrorKind::ServerError, Some(retry_after)), after(0), &POLICY, None, 0.5).next_step
        };
        assert_eq!(next(3), NextStep::ResendAfterBackoff(Duration::from_secs(3)));
        assert_eq!(next(61), NextStep::WaitTooLong { requested: Duration::from_secs(61), scope: Scope::Region });
    }

    fn hold(failure: &AttemptFailure, state: AttemptState, policy: &RetryPolicy, jitter: f64) -> Option<Duration> {
        decide(failure, state, policy, None, jitter).hold
    }

    #[test]
    fn a_hold_is_never_shorter_than_the_backoff_would_be() {
        let backoff = |failures| hold(&failure(ErrorKind::RateLimited, Some(0)), after(failures), &POLICY, 0.5);
        assert_eq!(backoff(0), Some(Duration::from_millis(250)));
        assert_eq!(backoff(3), Some(Duration::from_millis(2000)));
    }

    #[test]
    fn a_limit_without_a_time_holds_for_its_window_or_longer_each_time() {
        let seconds = Duration::from_secs;
        let guess = |window: Option<u64>, holds, max_wait| {
            let failure = AttemptFailure { limit_window: window.map(seconds), ..failure(ErrorKind::RateLimited, None) };
            let state = AttemptState { fruitless_holds: holds, ..AttemptState::default() };
            hold(&failure, state, &RetryPolicy { max_wait: seconds(max_wait), ..POLICY }, 0.0)
        };
        assert_eq!([0, 1, 2, 3, 4].map(|holds| guess(None, holds, 60)), [5, 10, 20, 40, 40].map(|s| Some(seconds(s))));
        assert_eq!(guess(Some(60), 0, 60), Some(seconds(60)));
        // A guess is cut to --max-wait: it is not a wait that the server imposed.
        assert_eq!((guess(Some(100), 0, 60), guess(None, 3, 30)), (Some(seconds(60)), Some(seconds(30))));
    }

    #[test]
    fn a_limit_that_outlasts_five_holds_or_all_retries_ends_the_run() {
        let next = |holds, retries| {
            let state = AttemptState { fruitless_holds: holds, ..AttemptState::default() };
            decide(&failure(ErrorKind::RateLimited, Some(1)), state, &RetryPolicy { retries, ..POLICY }, None, 0.0)
                .next_step
        };
        assert_eq!((next(4, 4), next(5, 4)), (NextStep::ResendAfterHold, NextStep::StillLimited));
        assert_eq!((next(4, 1), next(5, 1)), (NextStep::ResendAfterHold, NextStep::StillLimited));
        assert_eq!((next(10, 10), next(11, 10)), (NextStep::ResendAfterHold, NextStep::StillLimited));
    }

    #[test]
    fn an_unprocessed_request_is_resent_at_once_and_only_once() {
        let next = |delivery, state, retries| {
            let failure = AttemptFailure { delivery, ..failure(ErrorKind::Connect, None) };
            decide(&failure, state, &RetryPolicy { retries, ..POLICY }, None, 0.0).next_step
        };
        let resent = AttemptState { is_resent: true, ..AttemptState::default() };
        for delivery in [Delivery::ClosedConnection, Delivery::NotProcessed] {
            assert_eq!(next(delivery, AttemptState::default(), 0), NextStep::ResendNow);
            assert_eq!(next(delivery, resent, 0), NextStep::GiveUp(Scope::Region));
            assert_eq!(next(delivery, resent, 1), NextStep::ResendAfterBackoff(Duration::ZERO));
        }
        for delivery in [Delivery::Sent, Delivery::NotSent] {
            assert_eq!(next(delivery, AttemptState::default(), 0), NextStep::GiveUp(Scope::Region));
        }
    }
}
