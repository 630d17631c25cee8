//! What follows from a failure, as values. Nothing here waits or sends; the caller does.

use std::time::Duration;

use super::failure::Failure;
use crate::error::Kind;

/// How a kind of failure is handled: its row in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Whether, and how, to try again.
    pub retry: Retry,
    /// How far it reaches once it is final.
    pub ends: Ends,
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

/// What a final failure ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ends {
    /// This region; the others go on.
    Region,
    /// The whole run: no other request could succeed.
    Batch,
    /// The run while nothing has succeeded, later the region.
    BatchUnlessAnswered,
}

/// The table.
pub fn rule(kind: Kind) -> Rule {
    use Ends::{Batch, BatchUnlessAnswered, Region};
    use Retry::{Backoff, Hold, Never};
    let (retry, ends) = match kind {
        Kind::KeyRejected => (Never, Batch),
        Kind::QuotaExceeded => (Never, Batch),
        Kind::RateLimited => (Hold, Region),
        Kind::ServerError => (Backoff, Region),
        Kind::Connect => (Backoff, Region),
        Kind::Tls => (Backoff, Region),
        Kind::Certificate => (Never, Region),
        Kind::Timeout => (Backoff, Region),
        Kind::Truncated => (Backoff, Region),
        Kind::RegionUnsupported => (Never, Region),
        Kind::BadRequest => (Never, Batch),
        Kind::BadResponse => (Never, Region),
        Kind::TooLarge => (Never, Region),
        Kind::Forbidden => (Never, BatchUnlessAnswered),
        Kind::Budget => (Never, Batch),
        Kind::Deadline => (Never, Batch),
        Kind::Cancelled => (Never, Batch),
    };
    Rule { retry, ends }
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

/// The wait after a rate limit that does not say how long.
pub const DEFAULT_HOLD: Duration = Duration::from_secs(5);

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
    /// Send it again once the hold has passed.
    AfterHold,
    /// Send it again after so long, if the run's budget of retries allows.
    AfterBackoff(Duration),
    /// It has failed for good.
    GiveUp(Ends),
    /// So long a silence was asked for that the run does not wait for it.
    TooLong {
        /// What was asked.
        asked: Duration,
        /// What that ends.
        ends: Ends,
    },
}

/// Decides what follows from the failure of a request that was tried `tried` times before.
/// `jitter` is from 0 up to 1; `left` is what is left of the deadline.
///
/// The backoff has full jitter: a uniform share of `backoff · 2^tried`, at most [`MAX_BACKOFF`]
/// (Google Cloud, "Retry strategy"). A 5xx that names a time (RFC 9110 §10.2.3) is not asked again
/// before it, nor at all when that is longer than the patience of the run. A hold beyond that
/// patience ends the batch, since it belongs to the key.
pub fn decide(failure: &Failure, tried: u32, policy: &RetryPolicy, left: Option<Duration>, jitter: f64) -> Decision {
    let Rule { retry, ends } = rule(failure.kind());
    let patience = left.map_or(policy.max_wait, |left| left.min(policy.max_wait));
    let unless_last = |again| if tried < policy.retries { again } else { Next::GiveUp(ends) };
    let (hold, next) = match (retry, failure.retry_after) {
        (Retry::Never, _) => (None, Next::GiveUp(ends)),
        (Retry::Hold, asked) => match asked.unwrap_or(DEFAULT_HOLD) {
            asked if asked > patience => (None, Next::TooLong { asked, ends: Ends::Batch }),
            asked => (Some(asked), unless_last(Next::AfterHold)),
        },
        (Retry::Backoff, Some(asked)) if asked > patience => (None, Next::TooLong { asked, ends }),
        (Retry::Backoff, asked) => {
            let ceiling = policy.backoff.saturating_mul(2_u32.saturating_pow(tried)).min(MAX_BACKOFF);
            let wait = ceiling.mul_f64(jitter).max(asked.unwrap_or_default());
            (None, unless_last(Next::AfterBackoff(wait)))
        }
    };
    Decision { hold, next }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy =
        RetryPolicy { retries: 4, backoff: Duration::from_millis(500), max_wait: Duration::from_secs(60) };

    fn failure(kind: Kind, retry_after: Option<u64>) -> Failure {
        Failure { retry_after: retry_after.map(Duration::from_secs), ..Failure::new(kind, "") }
    }

    #[test]
    fn the_backoff_doubles_up_to_its_ceiling() {
        let policy = RetryPolicy { retries: 9, ..POLICY };
        let waits =
            (0..9).map(|tried| match decide(&failure(Kind::ServerError, None), tried, &policy, None, 1.0).next {
                Next::AfterBackoff(wait) => wait.as_millis(),
                other => panic!("{other:?}"),
            });
        assert_eq!(waits.collect::<Vec<_>>(), [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
        assert_eq!(
            decide(&failure(Kind::ServerError, None), 2, &POLICY, None, 0.0).next,
            Next::AfterBackoff(Duration::ZERO)
        );
        assert_eq!(decide(&failure(Kind::ServerError, None), 4, &POLICY, None, 0.5).next, Next::GiveUp(Ends::Region));
    }

    #[test]
    fn a_limit_holds_everybody_for_exactly_what_was_asked() {
        let decide = |asked, tried, left: Option<u64>| {
            decide(&failure(Kind::RateLimited, asked), tried, &POLICY, left.map(Duration::from_secs), 0.9)
        };
        let seconds = Duration::from_secs;
        let held = |asked, next| Decision { hold: Some(seconds(asked)), next };
        assert_eq!(decide(Some(7), 0, None), held(7, Next::AfterHold));
        assert_eq!(decide(None, 0, None), held(5, Next::AfterHold));
        assert_eq!(decide(Some(60), 0, None), held(60, Next::AfterHold));
        assert_eq!(
            decide(Some(61), 0, None),
            Decision { hold: None, next: Next::TooLong { asked: seconds(61), ends: Ends::Batch } }
        );
        assert_eq!(
            decide(Some(9), 0, Some(8)),
            Decision { hold: None, next: Next::TooLong { asked: seconds(9), ends: Ends::Batch } }
        );
        // The request gives up; the silence is kept all the same.
        assert_eq!(decide(Some(7), 4, None), held(7, Next::GiveUp(Ends::Region)));
    }

    #[test]
    fn a_server_error_that_names_a_time_is_not_asked_before_it() {
        let next = |asked| decide(&failure(Kind::ServerError, Some(asked)), 0, &POLICY, None, 0.5).next;
        assert_eq!(next(3), Next::AfterBackoff(Duration::from_secs(3)));
        assert_eq!(next(61), Next::TooLong { asked: Duration::from_secs(61), ends: Ends::Region });
    }
}
