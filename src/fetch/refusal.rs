//! An answer that is no page: what YouTube says in it, and what that means.
//!
//! Sources: "YouTube Data API - Errors"; `google.api.ErrorReason`; `google.rpc.Code`; and recorded
//! bodies, which put the telling word into `details[].reason` and a vague one into `errors[].reason`.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use serde_json::Value;

use super::failure::{Delivery, Failure};
use super::transport::Reply;
use crate::error::{Kind, RegionError};
use crate::text::{one_line, without_markup};

/// Reads an answer whose status is not 200. `now` is the wall clock, for a date in `Retry-After`.
pub(super) fn read(reply: &Reply, now: Timestamp) -> Failure {
    let said = Said::read(&reply.body);
    let status = reply.head.status;
    let (kind, reason) = classify(status, &said);
    let reason = reason.map(|word| one_line(&without_markup(&word), 60)).filter(|word| !word.is_empty());
    let message = match one_line(&without_markup(&said.message), 300) {
        empty if empty.is_empty() => describe(status, kind),
        message => message,
    };
    Failure {
        error: RegionError { kind, status: Some(status), reason, message },
        retry_after: retry_after(reply, now).or(said.retry_delay),
        window: None,
        delivery: Delivery::Sent,
    }
}

/// What an error body says, whichever of the layouts it has. A body that is no JSON says nothing.
#[derive(Debug, Default)]
struct Said {
    /// `error.details[].reason`
    details: Vec<String>,
    /// `error.errors[].reason`, or the word in place of the object
    errors: Vec<String>,
    /// `error.status`, the name of a gRPC code
    status: Option<String>,
    message: String,
    /// Whether the region is the parameter at fault, by its location or else by the message.
    names_region: bool,
    /// Whether a parameter is named as the fault, by a location or by the reason.
    names_parameter: bool,
    /// Whether the limit is one per day.
    per_day: bool,
    /// `google.rpc.RetryInfo`
    retry_delay: Option<Duration>,
}

impl Said {
    fn read(body: &[u8]) -> Said {
        let Ok(value) = serde_json::from_str::<Value>(&String::from_utf8_lossy(body)) else { return Said::default() };
        let error = &value["error"];
        if let Some(word) = error.as_str() {
            let message = value["error_description"].as_str().unwrap_or(word).to_owned();
            return Said {
                errors: vec![word.to_owned()],
                names_region: message.contains("regionCode"),
                per_day: message.to_lowercase().contains("per day"),
                message,
                ..Said::default()
            };
        }
        let each = |list: &str, field: &str| -> Vec<String> {
            let items = error[list].as_array().map(Vec::as_slice).unwrap_or_default();
            items.iter().filter_map(|item| item[field].as_str()).map(str::to_owned).collect()
        };
        let message = error["message"].as_str().unwrap_or_default().to_owned();
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let unit_per_day =
            |detail: &Value| detail["metadata"]["quota_unit"].as_str().is_some_and(|unit| unit.contains("/d/"));
        let locations = each("errors", "location");
        Said {
            details: each("details", "reason"),
            errors: each("errors", "reason"),
            status: error["status"].as_str().map(str::to_owned),
            names_parameter: !locations.is_empty(),
            names_region: locations.iter().any(|location| location == "regionCode")
                || (locations.is_empty() && message.contains("regionCode")),
            per_day: details.iter().any(unit_per_day) || message.to_lowercase().contains("per day"),
            retry_delay: details
                .iter()
                .find_map(|detail| parse_seconds(detail["retryDelay"].as_str()?.strip_suffix('s')?)),
            message,
        }
    }
}

/// The kind, and the word that decided it: `details[].reason`, then `errors[].reason`, then
/// `status`, then the HTTP code.
fn classify(status: u16, said: &Said) -> (Kind, Option<String>) {
    let words = said.details.iter().chain(&said.errors).chain(&said.status);
    if status == 401 {
        return (Kind::KeyRejected, words.clone().next().cloned());
    }
    let decided = words.clone().find_map(|word| Some((by_word(word, said)?, Some(word.clone()))));
    decided.unwrap_or_else(|| (by_code(status, said), words.clone().next().cloned()))
}

fn by_word(word: &str, said: &Said) -> Option<Kind> {
    Some(match word {
        "keyInvalid" | "keyExpired" | "accessNotConfigured" | "SERVICE_DISABLED" | "ipRefererBlocked" => {
            Kind::KeyRejected
        }
        "CONSUMER_INVALID" | "CONSUMER_SUSPENDED" | "BILLING_DISABLED" => Kind::KeyRejected,
        "authError" | "CREDENTIALS_MISSING" | "UNAUTHENTICATED" | "dailyLimitExceededUnreg" => Kind::KeyRejected,
        // API_KEY_INVALID, API_KEY_SERVICE_BLOCKED and its kin.
        word if word.starts_with("API_KEY_") => Kind::KeyRejected,
        // "Method doesn't allow unregistered callers": no key was seen.
        "forbidden" | "PERMISSION_DENIED" if said.message.contains("unregistered callers") => Kind::KeyRejected,
        "quotaExceeded" | "dailyLimitExceeded" => Kind::QuotaExceeded,
        "rateLimitExceeded" | "RATE_LIMIT_EXCEEDED" | "userRateLimitExceeded" => limited(said),
        "servingLimitExceeded" | "concurrentLimitExceeded" | "RESOURCE_EXHAUSTED" => limited(said),
        "videoChartNotFound" | "notFound" | "invalidRegionCode" | "NOT_FOUND" => Kind::RegionUnsupported,
        // The server does not take its own token back; nothing of ours is wrong.
        "invalidPageToken" => Kind::BadResponse,
        "invalidParameter" | "invalidValue" | "missingRequiredParameter" | "unexpectedParameter" => refused(said),
        "incompatibleParameters" | "invalidFilters" | "unknownPart" => refused(said),
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => refused(said),
        "backendError" | "internalError" | "processingFailure" | "SERVICE_UNAVAILABLE" => Kind::ServerError,
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" => Kind::ServerError,
        _ => return None,
    })
}

fn by_code(status: u16, said: &Said) -> Kind {
    match status {
        400 => refused(said),
        403 => Kind::Forbidden,
        404 if said.names_region => Kind::RegionUnsupported,
        408 | 500..=599 => Kind::ServerError,
        429 => limited(said),
        _ => Kind::BadResponse,
    }
}

fn limited(said: &Said) -> Kind {
    if said.per_day { Kind::QuotaExceeded } else { Kind::RateLimited }
}

fn refused(said: &Said) -> Kind {
    match said {
        Said { names_region: true, .. } => Kind::RegionUnsupported,
        Said { names_parameter: true, .. } => Kind::BadParameter,
        _ => Kind::BadRequest,
    }
}

/// For an answer that does not explain itself.
fn describe(status: u16, kind: Kind) -> String {
    match (status, kind) {
        (300..=399, _) => "a redirect, which is not followed: the key would go with it".into(),
        (404, Kind::BadResponse) => "nothing there; is --base-url right?".into(),
        (407, _) => "the proxy of the environment asks for a login".into(),
        (_, Kind::RateLimited) => "too many requests".into(),
        (_, Kind::ServerError) => "the server has trouble".into(),
        _ => format!("HTTP status {status} without an explanation"),
    }
}

/// The `Retry-After` header: seconds, or a date in one of three forms (RFC 9110 §5.6.7, §10.2.3),
/// which is read by the server's own clock where it tells it. A date in the past is no wait at
/// all; garbage is as if there were none.
fn retry_after(reply: &Reply, now: Timestamp) -> Option<Duration> {
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
mod tests;
