//! Determines the kind of an error and its remedy.
//!
//! Sources: "YouTube Data API - Errors", "YouTube Data API - Core errors" (the domains `global` and `usageLimits`);
//! `google.api.ErrorReason`; `google.rpc.Code`; and recorded bodies, which have a specific reason in
//! `details[].reason` and a general one in `errors[].reason`.

use super::error_body::ErrorBody;
use super::limit::LimitWindow;
use crate::model::error::{ErrorKind, Remedy};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) kind: ErrorKind,
    /// `None` if the kind alone determines the remedy.
    pub(super) remedy: Option<Remedy>,
}

impl From<ErrorKind> for Class {
    fn from(kind: ErrorKind) -> Class {
        Class { kind, remedy: None }
    }
}

fn key_rejected(remedy: Remedy) -> Class {
    Class { kind: ErrorKind::KeyRejected, remedy: Some(remedy) }
}

/// Returns the class, and the reason to report: the one that decided, or else the first. Reasons take precedence over
/// the message, and the message over the status. A 429 is a rate limit unless its body names the key or a daily limit.
pub(super) fn classify(status: u16, body: &ErrorBody) -> (Class, Option<&str>) {
    let first = body.reasons.first().map(String::as_str);
    let by_reason =
        || body.reasons.iter().find_map(|reason| Some((classify_reason(reason, body)?, Some(reason.as_str()))));
    let by_message = || Some((classify_message(status, body)?, first));
    match (status, by_reason().or_else(by_message)) {
        (407, _) => (ErrorKind::ProxyLogin.into(), first),
        (401, Some((class, _))) if class.kind == ErrorKind::KeyRejected => (class, first),
        (401, _) => (ErrorKind::KeyRejected.into(), first),
        (429, Some((class, reason))) if matches!(class.kind, ErrorKind::KeyRejected | ErrorKind::QuotaExceeded) => {
            (class, reason)
        }
        (429, _) => (classify_limit(body, ErrorKind::RateLimited), first),
        (_, Some(classified)) => classified,
        _ => classify_usage_limit(status, body).unwrap_or_else(|| (classify_status(status, body), first)),
    }
}

/// `None` if the reason is unknown, or too general to decide.
fn classify_reason(reason: &str, body: &ErrorBody) -> Option<Class> {
    Some(match reason {
        "keyExpired" | "API_KEY_EXPIRED" => key_rejected(Remedy::ReplaceKey),
        "API_KEY_IP_ADDRESS_BLOCKED" | "IP_ADDRESS_BLOCKED" => key_rejected(Remedy::AllowAddress),
        "API_KEY_HTTP_REFERRER_BLOCKED" | "API_KEY_ANDROID_APP_BLOCKED" | "API_KEY_IOS_APP_BLOCKED" => {
            key_rejected(Remedy::AllowProgram)
        }
        "REFERER_BLOCKED" | "CLIENT_APP_BLOCKED" => key_rejected(Remedy::AllowProgram),
        "ipRefererBlocked" => classify_message(403, body).unwrap_or(key_rejected(Remedy::AllowProgram)),
        "API_KEY_SERVICE_BLOCKED" | "API_TARGET_BLOCKED" => key_rejected(Remedy::AllowApi),
        "accessNotConfigured" | "SERVICE_DISABLED" | "SERVICE_NOT_ACTIVATED" => {
            classify_message(403, body).unwrap_or(key_rejected(Remedy::EnableApi))
        }
        "CONSUMER_SUSPENDED" | "GCP_SUSPENDED" | "ABUSER_DETECTED" | "accountDisabled" => {
            key_rejected(Remedy::AppealSuspension)
        }
        "CONSUMER_INVALID" | "PROJECT_DELETED" | "PROJECT_INVALID" | "accountDeleted" => {
            key_rejected(Remedy::RestoreProject)
        }
        "BILLING_DISABLED" | "billingNotEnabled" | "dailyLimitExceeded402" | "quotaExceeded402" | "user402" => {
            key_rejected(Remedy::EnableBilling)
        }
        "LOCATION_POLICY_VIOLATED" | "LOCATION_TAX_POLICY_VIOLATED" | "SECURITY_POLICY_VIOLATED" => {
            key_rejected(Remedy::AskAdministrator)
        }
        "ORG_RESTRICTION_VIOLATION" | "ORG_RESTRICTION_HEADER_INVALID" | "USER_BLOCKED_BY_ADMIN" => {
            key_rejected(Remedy::AskAdministrator)
        }
        "RESOURCE_USAGE_RESTRICTION_VIOLATED" => key_rejected(Remedy::AskAdministrator),
        "USER_PROJECT_DENIED" | "RESOURCE_PROJECT_INVALID" | "SERVICE_NOT_VISIBLE" => {
            key_rejected(Remedy::CheckProject)
        }
        "keyInvalid" | "authError" | "CREDENTIALS_MISSING" | "OVERLOADED_CREDENTIALS" | "UNAUTHENTICATED" => {
            ErrorKind::KeyRejected.into()
        }
        "ACCOUNT_STATE_INVALID" | "SESSION_COOKIE_INVALID" | "MISSING_ORIGIN" => ErrorKind::KeyRejected.into(),
        // API_KEY_INVALID and API_KEY_NOT_FOUND, and reasons about credentials other than keys.
        reason if reason.starts_with("API_KEY_") || reason.starts_with("ACCESS_TOKEN_") => {
            classify_message(400, body).unwrap_or(ErrorKind::KeyRejected.into())
        }
        // A limit for unregistered callers: the server saw no key.
        reason if reason.ends_with("Unreg") => ErrorKind::KeyRejected.into(),
        "quotaExceeded" | "QUOTA_EXCEEDED" | "dailyLimitExceeded" | "variableTermExpiredDailyExceeded" => {
            classify_limit(body, ErrorKind::QuotaExceeded)
        }
        "RESOURCE_QUOTA_EXCEEDED" => Class { remedy: Some(Remedy::RaiseQuota), ..ErrorKind::QuotaExceeded.into() },
        "rateLimitExceeded" | "RATE_LIMIT_EXCEEDED" | "userRateLimitExceeded" => {
            classify_limit(body, ErrorKind::RateLimited)
        }
        "servingLimitExceeded" | "concurrentLimitExceeded" | "limitExceeded" | "variableTermLimitExceeded" => {
            classify_limit(body, ErrorKind::RateLimited)
        }
        "RESOURCE_EXHAUSTED" => classify_limit(body, ErrorKind::RateLimited),
        "videoChartNotFound" | "notFound" | "invalidRegionCode" | "NOT_FOUND" => ErrorKind::RegionUnsupported.into(),
        // The server refuses its own token; the request is correct.
        "invalidPageToken" => ErrorKind::BadResponse.into(),
        "missingRequiredParameter" | "unexpectedParameter" | "incompatibleParameters" | "invalidFilters" => {
            kind_of_parameter(body).unwrap_or(ErrorKind::BadParameter).into()
        }
        "unknownPart" | "SYSTEM_PARAMETER_UNSUPPORTED" => {
            kind_of_parameter(body).unwrap_or(ErrorKind::BadParameter).into()
        }
        "invalidParameter" | "invalidValue" => classify_bad_request(body).into(),
        // General reasons.
        "forbidden" | "PERMISSION_DENIED" => return classify_message(403, body),
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => {
            classify_message(400, body).unwrap_or(classify_bad_request(body).into())
        }
        "backendError" | "internalError" | "processingFailure" | "SERVICE_UNAVAILABLE" => ErrorKind::ServerError.into(),
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" => ErrorKind::ServerError.into(),
        _ => return None,
    })
}

/// Classifies by the message, for bodies whose reason is `forbidden`, `badRequest` or missing, as in older ones. Errors
/// that name a parameter are not about the key.
fn classify_message(status: u16, body: &ErrorBody) -> Option<Class> {
    if !matches!(status, 400 | 403 | 429) || body.has_location() {
        return None;
    }
    let message = body.message.to_lowercase();
    let (_, remedy) = MESSAGES.iter().find(|(part, _)| message.contains(part))?;
    Some(Class { kind: ErrorKind::KeyRejected, remedy: *remedy })
}

/// Parts of messages about the key or its project, in lower case. The first one found counts.
const MESSAGES: [(&str, Option<Remedy>); 22] = [
    // "Method doesn't allow unregistered callers": the server saw no key.
    ("unregistered callers", None),
    // "The provided API key has an IP address restriction. The originating IP address of the call (…) violates this"
    ("ip address restriction", Some(Remedy::AllowAddress)),
    ("originating ip address", Some(Remedy::AllowAddress)),
    // "The request did not specify any referer", "Requests from referer <empty> are blocked", "There is a per-IP or
    // per-Referer restriction configured on your API key"
    ("referer", Some(Remedy::AllowProgram)),
    ("referrer", Some(Remedy::AllowProgram)),
    // "Requests from this Android client application <empty> are blocked"
    ("client application", Some(Remedy::AllowProgram)),
    // "Requests to this API youtube method … are blocked"
    ("requests to this api", Some(Remedy::AllowApi)),
    // "Permission denied: Consumer 'api_key:…' has been suspended"
    ("suspended", Some(Remedy::AppealSuspension)),
    // "Project … has been scheduled for deletion and cannot be used for API calls"
    ("scheduled for deletion", Some(Remedy::RestoreProject)),
    ("has been deleted", Some(Remedy::RestoreProject)),
    ("access not configured", Some(Remedy::EnableApi)),
    // "YouTube Data API v3 has not been used in project … before or it is disabled"
    ("has not been used in project", Some(Remedy::EnableApi)),
    ("api is not enabled", Some(Remedy::EnableApi)),
    ("requires billing", Some(Remedy::EnableBilling)),
    ("billing account", Some(Remedy::EnableBilling)),
    // "API key expired. Please renew the API key."
    ("key expired", Some(Remedy::ReplaceKey)),
    ("key has expired", Some(Remedy::ReplaceKey)),
    ("reported as leaked", Some(Remedy::ReplaceKey)),
    ("location is not supported", Some(Remedy::AskAdministrator)),
    // "API key not valid. Please pass a valid API key."
    ("api key not valid", None),
    ("api key not found", None),
    ("pass a valid api key", None),
];

/// Classifies an unknown reason of the domain `usageLimits`, which concerns the key and its project.
fn classify_usage_limit(status: u16, body: &ErrorBody) -> Option<(Class, Option<&str>)> {
    let reason = body.reasons.first().filter(|_| body.is_usage_limit && (400..500).contains(&status))?;
    let is_limit = reason.contains("imit") || reason.contains("uota");
    let class =
        if is_limit { classify_limit(body, ErrorKind::RateLimited) } else { key_rejected(Remedy::CheckProject) };
    Some((class, Some(reason)))
}

fn classify_status(status: u16, body: &ErrorBody) -> Class {
    match status {
        400 => classify_bad_request(body),
        403 => ErrorKind::Forbidden,
        404 if body.names_parameter("regionCode") => ErrorKind::RegionUnsupported,
        408 | 500..=599 => ErrorKind::ServerError,
        _ => ErrorKind::BadResponse,
    }
    .into()
}

/// Classifies a limit by its window, or as `default` if it names none. A limit of zero allows nothing tomorrow either.
fn classify_limit(body: &ErrorBody, default: ErrorKind) -> Class {
    match body.limit.window {
        _ if body.limit.is_zero => Class { kind: ErrorKind::QuotaExceeded, remedy: Some(Remedy::RaiseQuota) },
        Some(LimitWindow::Day) => ErrorKind::QuotaExceeded.into(),
        Some(LimitWindow::Shorter(_)) => ErrorKind::RateLimited.into(),
        None => default.into(),
    }
}

fn classify_bad_request(body: &ErrorBody) -> ErrorKind {
    let names_our_parameter = body.has_location()
        || ["maxResults", "videoCategoryId", "prettyPrint"]
            .into_iter()
            .any(|parameter| body.names_parameter(parameter));
    kind_of_parameter(body).unwrap_or(if names_our_parameter { ErrorKind::BadParameter } else { ErrorKind::BadRequest })
}

/// The kind if the invalid parameter is the region, the page token or the key. Other parameters are the same in every
/// request.
fn kind_of_parameter(body: &ErrorBody) -> Option<ErrorKind> {
    if body.names_parameter("regionCode") {
        Some(ErrorKind::RegionUnsupported)
    } else if body.names_parameter("pageToken") {
        Some(ErrorKind::BadResponse)
    } else if body.has_location() && body.names_parameter("key") {
        Some(ErrorKind::KeyRejected)
    } else {
        None
    }
}
