//! An answer that is no page: what YouTube says in it, and what that means.
//!
//! - `error_body` — the JSON of an error, also where it is cut short
//! - `classify` — what its reasons mean: the kind of the error, and the remedy
//! - `limit` — the limit that it names
//! - `silent` — words for an answer that does not explain itself

mod classify;
mod error_body;
mod limit;
mod silent;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::model::error::{ErrorKind, RegionError};
use crate::support::sanitize::{one_line, strip_html};
use crate::youtube::client::Response;
use crate::youtube::failure::{AttemptFailure, Delivery};
use classify::{Class, classify};
use error_body::ErrorBody;
use limit::Window;

/// Reads an answer whose status is not 200. `now` is the wall clock, for a date in `Retry-After`.
pub(super) fn read(reply: &Response, now: Timestamp) -> AttemptFailure {
    let body = ErrorBody::read(&reply.body);
    let status = reply.head.status;
    let (Class { kind, mut remedy }, reason) = classify(status, &body);
    let reason = reason.map(|word| one_line(&strip_html(word), 60)).filter(|word| !word.is_empty());
    let mut message = one_line(&strip_html(&body.message), 300);
    if message.is_empty() {
        let silent = silent::describe(reply, kind);
        message = silent.message;
        remedy = remedy.or(silent.remedy);
    }
    let limit_window = match body.limit.window {
        Some(Window::Shorter(window)) if kind == ErrorKind::RateLimited => Some(window),
        _ => None,
    };
    AttemptFailure {
        error: RegionError { kind, status: Some(status), reason, message, remedy },
        retry_after: retry_after(reply, now).or(body.retry_delay),
        limit_window,
        delivery: Delivery::Sent,
    }
}

/// Reads an answer whose status is 200, though it is no chart.
pub(super) fn read_other(reply: &Response) -> AttemptFailure {
    let silent = silent::describe_other(&reply.body);
    let mut failure = AttemptFailure::new(ErrorKind::BadResponse, silent.message).with_status(reply.head.status);
    failure.error.remedy = silent.remedy;
    failure
}

/// The `Retry-After` header: seconds, or a date in one of three forms (RFC 9110 §5.6.7, §10.2.3),
/// which is read by the server's own clock where it tells it. A date in the past is no wait at
/// all; garbage is as if there were none.
fn retry_after(reply: &Response, now: Timestamp) -> Option<Duration> {
    let value = reply.head.retry_after.as_deref()?.trim();
    if let Some(seconds) = parse_seconds(value) {
        return Some(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let server_now = reply.head.date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok());
    Some(until.duration_since(server_now.unwrap_or(SystemTime::from(now))).unwrap_or_default())
}

/// `120` or `1.5`; a number too large for a duration is the longest there is.
fn parse_seconds(text: &str) -> Option<Duration> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod table_tests;
#[cfg(test)]
mod tests;
