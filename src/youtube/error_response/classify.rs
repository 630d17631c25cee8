//! What the reasons of an error mean.
//!
//! Sources: "YouTube Data API - Errors", "YouTube Data API - Core errors" (the domains `global` and `usageLimits`);
//! `google.api.ErrorReason`; `google.rpc.Code`; and recorded bodies, which put the telling word into
//! `details[].reason` and a vague one into `errors[].reason`.

use super::error_body::ErrorBody;
use super::limit::Window;
use crate::model::error::{ErrorKind, Remedy};

/// What an error is, and what to do about it where the kind does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Class {
    pub(super) kind: ErrorKind,
    pub(super) remedy: Option<Remedy>,
}

impl From<ErrorKind> for Class {
    fn from(kind: ErrorKind) -> Class {
        Class { kind, remedy: None }
    }
}

fn rejected(remedy: Remedy) -> Class {
    Class { kind: ErrorKind::KeyRejected, remedy: Some(remedy) }
}

/// The class, and the reason to report: the one that decided, else the first. A reason goes before the message, the
/// message before the status. A 429 is a rate limit unless its body names the key or a limit per day.
pub(super) fn classify(status: u16, body: &ErrorBody) -> (Class, Option<&str>) {
    let first = body.reasons.first().map(String::as_str);
    let of_reasons =
        || body.reasons.iter().find_map(|reason| Some((classify_reason(reason, body)?, Some(reason.as_str()))));
    let of_message = || Some((classify_message(status, body)?, first));
    let told = of_reasons().or_else(of_message);
    match (status, told) {
        (407, _) => (ErrorKind::ProxyLogin.into(), first),
        (401, Some((class, _))) if class.kind == ErrorKind::KeyRejected => (class, first),
        (401, _) => (ErrorKind::KeyRejected.into(), first),
        (429, Some((class, reason))) if matches!(class.kind, ErrorKind::KeyRejected | ErrorKind::QuotaExceeded) => {
            (class, reason)
        }
        (429, _) => (limited(body, ErrorKind::RateLimited), first),
        (_, Some(told)) => told,
        _ => classify_usage_limit(status, body).unwrap_or_else(|| (classify_status(status, body), first)),
    }
}

/// A reason that tells by itself.
fn classify_reason(reason: &str, body: &ErrorBody) -> Option<Class> {
    Some(match reason {
        "keyExpired" | "API_KEY_EXPIRED" => rejected(Remedy::ReplaceKey),
        "API_KEY_IP_ADDRESS_BLOCKED" | "IP_ADDRESS_BLOCKED" => rejected(Remedy::AllowAddress),
        "API_KEY_HTTP_REFERRER_BLOCKED" | "API_KEY_ANDROID_APP_BLOCKED" | "API_KEY_IOS_APP_BLOCKED" => {
            rejected(Remedy::AllowProgram)
        }
        "REFERER_BLOCKED" | "CLIENT_APP_BLOCKED" => rejected(Remedy::AllowProgram),
        "ipRefererBlocked" => classify_message(403, body).unwrap_or(rejected(Remedy::AllowProgram)),
        "API_KEY_SERVICE_BLOCKED" | "API_TARGET_BLOCKED" => rejected(Remedy::AllowApi),
        "accessNotConfigured" | "SERVICE_DISABLED" | "SERVICE_NOT_ACTIVATED" => {
            classify_message(403, body).unwrap_or(rejected(Remedy::EnableApi))
        }
        "CONSUMER_SUSPENDED" | "GCP_SUSPENDED" | "ABUSER_DETECTED" | "accountDisabled" => {
            rejected(Remedy::AppealSuspension)
        }
        "CONSUMER_INVALID" | "PROJECT_DELETED" | "PROJECT_INVALID" | "accountDeleted" => {
            rejected(Remedy::RestoreProject)
        }
        "BILLING_DISABLED" | "billingNotEnabled" | "dailyLimitExceeded402" | "quotaExceeded402" | "user402" => {
            rejected(Remedy::EnableBilling)
        }
        "LOCATION_POLICY_VIOLATED" | "LOCATION_TAX_POLICY_VIOLATED" | "SECURITY_POLICY_VIOLATED" => {
            rejected(Remedy::AskAdministrator)
        }
        "ORG_RESTRICTION_VIOLATION" | "ORG_RESTRICTION_HEADER_INVALID" | "USER_BLOCKED_BY_ADMIN" => {
            rejected(Remedy::AskAdministrator)
        }
        "RESOURCE_USAGE_RESTRICTION_VIOLATED" => rejected(Remedy::AskAdministrator),
        "USER_PROJECT_DENIED" | "RESOURCE_PROJECT_INVALID" | "SERVICE_NOT_VISIBLE" => rejected(Remedy::CheckProject),
        "keyInvalid" | "authError" | "CREDENTIALS_MISSING" | "OVERLOADED_CREDENTIALS" | "UNAUTHENTICATED" => {
            ErrorKind::KeyRejected.into()
        }
        "ACCOUNT_STATE_INVALID" | "SESSION_COOKIE_INVALID" | "MISSING_ORIGIN" => ErrorKind::KeyRejected.into(),
        // API_KEY_INVALID and API_KEY_NOT_FOUND, and what is said of credentials that are no key.
        reason if reason.starts_with("API_KEY_") || reason.starts_with("ACCESS_TOKEN_") => {
            classify_message(400, body).unwrap_or(ErrorKind::KeyRejected.into())
        }
        // A limit of those who send no key: none was seen.
        reason if reason.ends_with("Unreg") => ErrorKind::KeyRejected.into(),
        "quotaExceeded" | "QUOTA_EXCEEDED" | "dailyLimitExceeded" | "variableTermExpiredDailyExceeded" => {
            limited(body, ErrorKind::QuotaExceeded)
        }
        "RESOURCE_QUOTA_EXCEEDED" => Class { remedy: Some(Remedy::RaiseQuota), ..ErrorKind::QuotaExceeded.into() },
        "rateLimitExceeded" | "RATE_LIMIT_EXCEEDED" | "userRateLimitExceeded" => limited(body, ErrorKind::RateLimited),
        "servingLimitExceeded" | "concurrentLimitExceeded" | "limitExceeded" | "variableTermLimitExceeded" => {
            limited(body, ErrorKind::RateLimited)
        }
        "RESOURCE_EXHAUSTED" => limited(body, ErrorKind::RateLimited),
        "videoChartNotFound" | "notFound" | "invalidRegionCode" | "NOT_FOUND" => ErrorKind::RegionUnsupported.into(),
        // The server does not take its own token back; nothing of ours is wrong.
        "invalidPageToken" => ErrorKind::BadResponse.into(),
        "missingRequiredParameter" | "unexpectedParameter" | "incompatibleParameters" | "invalidFilters" => {
            named(body).unwrap_or(ErrorKind::BadParameter).into()
        }
        "unknownPart" | "SYSTEM_PARAMETER_UNSUPPORTED" => named(body).unwrap_or(ErrorKind::BadParameter).into(),
        "invalidParameter" | "invalidValue" => refused(body).into(),
        // Vague ones.
        "forbidden" | "PERMISSION_DENIED" => return classify_message(403, body),
        "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "OUT_OF_RANGE" => {
            classify_message(400, body).unwrap_or(refused(body).into())
        }
        "backendError" | "internalError" | "processingFailure" | "SERVICE_UNAVAILABLE" => ErrorKind::ServerError.into(),
        "UNAVAILABLE" | "INTERNAL" | "DEADLINE_EXCEEDED" => ErrorKind::ServerError.into(),
        _ => return None,
    })
}

/// What the message tells where the reason is `forbidden`, `badRequest` or none at all, as in older bodies; and no
/// parameter is named.
fn classify_message(status: u16, body: &ErrorBody) -> Option<Class> {
    if !matches!(status, 400 | 403 | 429) || body.has_location() {
        return None;
    }
    let message = body.message.to_lowercase();
    let (_, remedy) = MESSAGES.iter().find(|(part, _)| message.contains(part))?;
    Some(Class { kind: ErrorKind::KeyRejected, remedy: *remedy })
}

/// Parts of messages, in lower case, that are about the key or its project; the first one that is there counts.
const MESSAGES: [(&str, Option<Remedy>); 22] = [
    // "Method doesn't allow unregistered callers": no key was seen.
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

/// A reason of the domain that is about the key and its project, and that is not known by its name.
fn classify_usage_limit(status: u16, body: &ErrorBody) -> Option<(Class, Option<&str>)> {
    let reason = body.reasons.first().filter(|_| body.is_of_usage_limits && (400..500).contains(&status))?;
    let is_limit = reason.contains("imit") || reason.contains("uota");
    let class = if is_limit { limited(body, ErrorKind::RateLimited) } else { rejected(Remedy::CheckProject) };
    Some((class, Some(reason)))
}

fn classify_status(status: u16, body: &ErrorBody) -> Class {
    match status {
        400 => refused(body),
        403 => ErrorKind::Forbidden,
        404 if body.names("regionCode") => ErrorKind::RegionUnsupported,
        408 | 500..=599 => ErrorKind::ServerError,
        _ => ErrorKind::BadResponse,
    }
    .into()
}

/// A limit, of this kind where it does not name its window. One of zero allows nothing tomorrow either.
fn limited(body: &ErrorBody, kind: ErrorKind) -> Class {
    match body.limit.window {
        _ if body.limit.is_zero => Class { kind: ErrorKind::QuotaExceeded, remedy: Some(Remedy::RaiseQuota) },
        Some(Window::Day) => ErrorKind::QuotaExceeded.into(),
        Some(Window::Shorter(_)) => ErrorKind::RateLimited.into(),
        None => kind.into(),
    }
}

fn refused(body: &ErrorBody) -> ErrorKind {
    let names_ours = body.has_location()
        || ["maxResults", "videoCategoryId", "prettyPrint"].into_iter().any(|parameter| body.names(parameter));
    named(body).unwrap_or(if names_ours { ErrorKind::BadParameter } else { ErrorKind::BadRequest })
}

/// The kind where the parameter at fault does not make the whole request wrong: the region, the page token, the key.
fn named(body: &ErrorBody) -> Option<ErrorKind> {
    if body.names("regionCode") {
        Some(ErrorKind::RegionUnsupported)
    } else if body.names("pageToken") {
        Some(ErrorKind::BadResponse)
    } else if body.has_location() && body.names("key") {
        Some(ErrorKind::KeyRejected)
    } else {
        None
    }
}
