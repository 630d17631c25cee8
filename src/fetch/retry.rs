//! What follows from a failure, as values. Nothing here waits or sends; the caller does.

use std::time::Duration;

use crate::model::error::ErrorKind;
use crate::youtube::failure::Failure;

/// How a kind of failure is handled: its row in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whether, and how, to try again.
    pub retry: Retry,
    /// How far it reaches once it is final.
    pub scope: Scope,
}

/// Whether another attempt can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It cannot.
    Never,
    /// After a backoff that holds back this request alone.
    Backoff,
    /// After a silence that everybody keeps, since the limit belongs to the key.
    Hold,
}

/// What a final failure scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// This region; the others go on.
    Region,
    /// The whole run: no other request could succeed.
    Run,
    /// The run while nothing has succeeded, later the region.
    RunUnlessAnswered,
}

/// The table.
pub fn rule(kind: ErrorKind) -> Rule {
    use Retry::{Backoff, Hold, Never};
    use Scope::{Region, Run, RunUnlessAnswered};
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
        ErrorKind::BadRequest => (Never, RunUnlessAnswered),
        ErrorKind::BadResponse => (Never, Region),
        ErrorKind::TooLarge => (Never, Region),
        ErrorKind::Forbidden => (Never, RunUnlessAnswered),
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
    /// The first backoff; it doubles with every attempt.
    pub backoff: Duration,
    /// The longest wait that a server may impose.
    pub max_wait: Duration,
}

/// The longest backoff: 30 s.
pub const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The waits after a rate limit that says neither how long nor of which window it is, one after another while no
/// request succeeds; the last one is repeated.
pub const DEFAULT_HOLDS: [Duration; 4] =
    [Duration::from_secs(5), Duration::from_secs(10), Duration::from_secs(20), Duration::from_secs(40)];

/// After this many holds without a success between them the limit is no longer waited for.
pub const FRUITLESS_HOLDS: u32 = 5;

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// For how long nobody may send, where the server asked for that.
    pub hold: Option<Duration>,
    /// What becomes of the request that failed.
    pub next: Next,
}

/// What becomes of a request that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Send it again at once, on a fresh connection.
    AtOnce,
    /// Send it again once the hold has passed.
    AfterHold,
    /// Send it again after so long, if the run's budget of retries allows.
    AfterBackoff(Duration),
    /// It has failed for good.
    GiveUp(Scope),
    /// So long a silence was asked for that the run does not wait for it.
    TooLong {
        /// What was asked.
        asked: Duration,
        /// What that scope.
        scope: Scope,
    },
    /// The limit has outlasted so many holds that the run does not wait for another one.
    StillLimited,
}

/// What came before an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Before {
    /// Attempts of the same request that were answered or failed, [`Next::AtOnce`] aside.
    pub tries: u32,
    /// Whether the request was sent again at once already.
    pub is_resent: bool,
    /// Holds of the run without a success between them.
    pub holds: u32,
}

/// Decides what follows from the failure of a request. `jitter` is from 0 up to 1; `left` is what is left of the
/// deadline.
///
/// The backoff has full jitter: a uniform share of `backoff · 2^tried`, at most [`MAX_BACKOFF`]
/// (Google Cloud, "Retry strategy"). A 5xx that names a time (RFC 9110 §10.2.3) is not asked again
/// before it, nor at all when that is longer than the patience of the run. A hold beyond that
/// patience scope the batch, since it belongs to the key. A hold that the server does not name is our guess: the window
/// of the limit where that is known, at most `--max-wait`. None is shorter than the backoff would be, so that
/// `Retry-After: 0` starts no storm.
pub fn decide(
    failure: &Failure,
    before: Before,
    policy: &RetryPolicy,
    left: Option<Duration>,
    jitter: f64,
) -> Decision {
    let Rule { retry, scope } = rule(failure.kind());
    let patience = left.map_or(policy.max_wait, |left| left.min(policy.max_wait));
    let unless_last = |again| if before.tries < policy.retries { again } else { Next::GiveUp(scope) };
    let ceiling = policy.backoff.saturating_mul(2_u32.saturating_pow(before.tries)).min(MAX_BACKOFF);
    let backoff = ceiling.mul_f64(jitter);
    let (hold, next) = match (retry, failure.retry_after) {
        _ if failure.delivery.is_sent_again() && !before.is_resent => (None, Next::AtOnce),
        (Retry::Never, _) => (None, Next::GiveUp(scope)),
        (Retry::Hold, _) if before.holds >= FRUITLESS_HOLDS.max(policy.retries.saturating_add(1)) => {
            (None, Next::StillLimited)
        }
        (Retry::Hold, asked) => {
            let guess = failure.window.unwrap_or(default_hold(before.holds)).min(policy.max_wait);
            match asked.unwrap_or(guess) {
                asked if asked > patience => (None, Next::TooLong { asked, scope: Scope::Run }),
                asked => (Some(asked.max(backoff)), unless_last(Next::AfterHold)),
            }
        }
        (Retry::Backoff, Some(asked)) if asked > patience => (None, Next::TooLong { asked, scope }),
        (Retry::Backoff, asked) => (None, unless_last(Next::AfterBackoff(backoff.max(asked.unwrap_or_default())))),
    };
    Decision { hold, next }
}

fn default_hold(holds: u32) -> Duration {
    let last = DEFAULT_HOLDS.len() - 1;
    DEFAULT_HOLDS[last.min(holds as usize)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::youtube::failure::Delivery;

    const POLICY: RetryPolicy =
        RetryPolicy { retries: 4, backoff: Duration::from_millis(500), max_wait: Duration::from_secs(60) };

    fn failure(kind: ErrorKind, retry_after: Option<u64>) -> Failure {
        Failure { retry_after: retry_after.map(Duration::from_secs), ..Failure::new(kind, "") }
    }

    fn after(tries: u32) -> Before {
        Before { tries, ..Before::default() }
    }

    #[test]
    fn the_backoff_doubles_up_to_its_ceiling() {
        let policy = RetryPolicy { retries: 9, ..POLICY };
        let waits = (0..9).map(|tried| {
            match decide(&failure(ErrorKind::ServerError, None), after(tried), &policy, None, 1.0).next {
                Next::AfterBackoff(wait) => wait.as_millis(),
                other => panic!("{other:?}"),
            }
        });
        assert_eq!(waits.collect::<Vec<_>>(), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        assert_eq!(
            decide(&failure(ErrorKind::ServerError, None), after(2), &POLICY, None, 0.0).next,
            Next::AfterBackoff(Duration::ZERO)
        );
        assert_eq!(
            decide(&failure(ErrorKind::ServerError, None), after(4), &POLICY, None, 0.5).next,
            Next::GiveUp(Scope::Region)
        );
    }

    #[test]
    fn a_limit_holds_everybody_for_exactly_what_was_asked() {
        let decide = |asked, tried, left: Option<u64>| {
            decide(&failure(ErrorKind::RateLimited, asked), after(tried), &POLICY, left.map(Duration::from_secs), 0.8)
        };
        let seconds = Duration::from_secs;
        let held = |asked, next| Decision { hold: Some(seconds(asked)), next };
        assert_eq!(decide(Some(7), 0, None), held(7, Next::AfterHold));
        assert_eq!(decide(None, 0, None), held(5, Next::AfterHold));
        assert_eq!(decide(Some(60), 0, None), held(60, Next::AfterHold));
        assert_eq!(
            decide(Some(61), 0, None),
            Decision { hold: None, next: Next::TooLong { asked: seconds(61), scope: Scope::Run } }
        );
        assert_eq!(
            decide(Some(9), 0, Some(8)),
            Decision { hold: None, next: Next::TooLong { asked: seconds(9), scope: Scope::Run } }
        );
        // The request gives up; the silence is kept all the same.
        assert_eq!(decide(Some(7), 4, None), held(7, Next::GiveUp(Scope::Region)));
    }

    #[test]
    fn a_server_error_that_names_a_time_is_not_asked_before_it() {
        let next = |asked| decide(&failure(ErrorKind::ServerError, Some(asked)), after(0), &POLICY, None, 0.5).next;
        assert_eq!(next(3), Next::AfterBackoff(Duration::from_secs(3)));
        assert_eq!(next(61), Next::TooLong { asked: Duration::from_secs(61), scope: Scope::Region });
    }

    fn hold(failure: &Failure, before: Before, policy: &RetryPolicy, jitter: f64) -> Option<Duration> {
        decide(failure, before, policy, None, jitter).hold
    }

    #[test]
    fn a_hold_is_never_shorter_than_the_backoff_would_be() {
        let backoff = |tries| hold(&failure(ErrorKind::RateLimited, Some(0)), after(tries), &POLICY, 0.5);
        assert_eq!(backoff(0), Some(Duration::from_millis(250)));
        assert_eq!(backoff(3), Some(Duration::from_millis(2000)));
    }

    #[test]
    fn a_limit_without_a_time_is_held_by_its_window_or_ever_longer() {
        let seconds = Duration::from_secs;
        let guess = |window: Option<u64>, holds, max_wait| {
            let failure = Failure { window: window.map(seconds), ..failure(ErrorKind::RateLimited, None) };
            let before = Before { holds, ..Before::default() };
            hold(&failure, before, &RetryPolicy { max_wait: seconds(max_wait), ..POLICY }, 0.0)
        };
        assert_eq!([0, 1, 2, 3, 4].map(|holds| guess(None, holds, 60)), [5, 10, 20, 40, 40].map(|s| Some(seconds(s))));
        assert_eq!(guess(Some(60), 0, 60), Some(seconds(60)));
        // Our guess does not go beyond what may be waited, and is no wait that the server imposed.
        assert_eq!((guess(Some(100), 0, 60), guess(None, 3, 30)), (Some(seconds(60)), Some(seconds(30))));
    }

    #[test]
    fn a_limit_that_outlasts_five_holds_or_all_retries_ends_the_run() {
        let next = |holds, retries| {
            let before = Before { holds, ..Before::default() };
            decide(&failure(ErrorKind::RateLimited, Some(1)), before, &RetryPolicy { retries, ..POLICY }, None, 0.0)
                .next
        };
        assert_eq!((next(4, 4), next(5, 4)), (Next::AfterHold, Next::StillLimited));
        assert_eq!((next(4, 1), next(5, 1)), (Next::AfterHold, Next::StillLimited));
        assert_eq!((next(10, 10), next(11, 10)), (Next::AfterHold, Next::StillLimited));
    }

    #[test]
    fn an_unseen_request_is_sent_again_at_once_and_only_once() {
        let next = |delivery, before, retries| {
            let failure = Failure { delivery, ..failure(ErrorKind::Connect, None) };
            decide(&failure, before, &RetryPolicy { retries, ..POLICY }, None, 0.0).next
        };
        let resent = Before { is_resent: true, ..Before::default() };
        for delivery in [Delivery::ClosedConnection, Delivery::NotProcessed] {
            assert_eq!(next(delivery, Before::default(), 0), Next::AtOnce);
            assert_eq!(next(delivery, resent, 0), Next::GiveUp(Scope::Region));
            assert_eq!(next(delivery, resent, 1), Next::AfterBackoff(Duration::ZERO));
        }
        for delivery in [Delivery::Sent, Delivery::NotSent] {
            assert_eq!(next(delivery, Before::default(), 0), Next::GiveUp(Scope::Region));
        }
    }
}
