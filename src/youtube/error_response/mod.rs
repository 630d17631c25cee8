//! What a response that is not a page means.
//!
//! - `error_body` — the JSON of an error, even if it is truncated
//! - `classify` — the error's kind and remedy, by its reasons, its message and its status
//! - `limit` — the rate limit or quota that it names
//! - `unexplained` — the message for a response without one

mod classify;
mod error_body;
mod limit;
mod unexplained;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::model::error::{ErrorKind, RegionError};
use crate::support::sanitize::{one_line, strip_html};
use crate::youtube::client::Response;
use crate::youtube::failure::{AttemptFailure, Delivery};
use classify::{Class, classify};
use error_body::ErrorBody;
use limit::LimitWindow;

/// The longest reason and message, in characters.
const MAX_REASON: usize = 60;
const MAX_MESSAGE: usize = 300;

/// Reads a response whose status is not 200. `now` is the wall clock, for a date in `Retry-After`.
pub(super) fn read(response: &Response, now: Timestamp) -> AttemptFailure {
    let body = ErrorBody::parse(&response.body);
    let status = response.head.status;
    let (Class { kind, mut remedy }, reason) = classify(status, &body);
    let reason = reason.map(|reason| one_line(&strip_html(reason), MAX_REASON)).filter(|reason| !reason.is_empty());
    let mut message = one_line(&strip_html(&body.message), MAX_MESSAGE);
    if message.is_empty() {
        let description = unexplained::describe(response, kind);
        message = description.message;
        remedy = remedy.or(description.remedy);
    }
    let limit_window = match body.limit.window {
        Some(LimitWindow::Shorter(window)) if kind == ErrorKind::RateLimited => Some(window),
        _ => None,
    };
    AttemptFailure {
        error: RegionError { kind, status: Some(status), reason, message },
        remedy,
        retry_after: retry_after(response, now).or(body.retry_delay),
        limit_window,
        delivery: Delivery::Sent,
    }
}

/// Reads a response whose status is 200 but whose body is not a chart.
pub(super) fn read_not_a_chart(response: &Response) -> AttemptFailure {
    let description = unexplained::describe_not_a_chart(&response.body);
    let mut failure =
        AttemptFailure::new(ErrorKind::BadResponse, description.message).with_status(response.head.status);
    failure.remedy = description.remedy;
    failure
}

/// Parses the `Retry-After` header: seconds, or a date in one of three forms (RFC 9110 §5.6.7, §10.2.3), relative to
/// the server's own clock if it sends a `Date`. A date in the past is no wait. An invalid value counts as absent.
fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let value = response.head.retry_after.as_deref()?.trim();
    if let Some(seconds) = parse_seconds(value) {
        return Some(seconds);
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let server_now = response.head.date.as_deref().and_then(|date| httpdate::parse_http_date(date).ok());
    Some(until.duration_since(server_now.unwrap_or(SystemTime::from(now))).unwrap_or_default())
}

/// Parses `120` or `1.5`. A number beyond the range of `Duration` becomes its maximum.
fn parse_seconds(text: &str) -> Option<Duration> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = text.parse().ok()?;
    Some(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

#[cfg(test)]
pub(crate) mod tests;
