//! The table of decisions: what follows from each reason and each class of status.

use std::fmt::Write as _;

use serde_json::json;

use super::retry::rule;
use crate::youtube::error_response::tests::{
    HTML, error_string, errors, failure, forbidden, quota_metric, quota_unit, with_details, with_message,
    with_metadata, with_status,
};
use crate::youtube::failure::AttemptFailure;

/// A limit that allows no requests.
fn zero_limit(unit: &str) -> String {
    let metadata = json!({"quota_limit": "defaultPerDayPerProject", "quota_limit_value": "0", "quota_unit": unit});
    with_metadata("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", metadata)
}

/// An error of the domain that concerns the key and its project.
fn usage_limit(reason: &str, message: &str) -> String {
    let errors = json!([{"domain": "usageLimits", "reason": reason, "message": message}]);
    json!({"error": {"message": message, "errors": errors}}).to_string()
}

/// An invalid parameter, as the newer front end names it.
fn field_violation(field: &str) -> String {
    let detail = json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]});
    json!({"error": {"message": "Invalid value.", "status": "INVALID_ARGUMENT", "details": [detail]}}).to_string()
}

fn permission_denied(detail: &str) -> String {
    with_details("forbidden", detail, "PERMISSION_DENIED")
}

/// An invalid parameter, as the older layout names it.
fn with_location(reason: &str, location: &str) -> String {
    let errors = json!([{"domain": "global", "reason": reason, "location": location, "locationType": "parameter"}]);
    json!({"error": {"message": "Invalid value.", "errors": errors}}).to_string()
}

#[test]
fn each_reason_and_each_class_of_status_is_decided() {
    let rows = [
        (400, with_details("badRequest", "API_KEY_INVALID", "INVALID_ARGUMENT")),
        (400, errors("keyInvalid")),
        (400, errors("keyExpired")),
        (403, errors("accessNotConfigured")),
        (403, with_details("accessNotConfigured", "SERVICE_DISABLED", "PERMISSION_DENIED")),
        (403, errors("ipRefererBlocked")),
        (403, with_details("forbidden", "API_KEY_IP_ADDRESS_BLOCKED", "PERMISSION_DENIED")),
        (403, with_details("forbidden", "API_KEY_HTTP_REFERRER_BLOCKED", "PERMISSION_DENIED")),
        (403, with_details("forbidden", "API_KEY_SERVICE_BLOCKED", "PERMISSION_DENIED")),
        (403, with_details("forbidden", "CONSUMER_INVALID", "PERMISSION_DENIED")),
        (403, with_details("forbidden", "CONSUMER_SUSPENDED", "PERMISSION_DENIED")),
        (403, with_details("forbidden", "BILLING_DISABLED", "PERMISSION_DENIED")),
        (401, with_status("authError", "UNAUTHENTICATED")),
        (401, with_status("required", "UNAUTHENTICATED")),
        (401, with_details("required", "CREDENTIALS_MISSING", "UNAUTHENTICATED")),
        // `forbidden`: without a key, and without an explanation.
        (
            403,
            with_message(
                "forbidden",
                "Method doesn't allow unregistered callers (callers without established identity).",
            ),
        ),
        (403, with_status("forbidden", "PERMISSION_DENIED")),
        (403, errors("quotaExceeded")),
        (403, errors("dailyLimitExceeded")),
        (403, errors("dailyLimitExceededUnreg")),
        (429, errors("quotaExceeded")),
        (403, permission_denied("QUOTA_EXCEEDED")),
        (403, permission_denied("RESOURCE_QUOTA_EXCEEDED")),
        // Older bodies about the key and its project.
        (
            403,
            usage_limit("ipRefererBlocked", "There is a per-IP or per-Referer restriction configured on your API key."),
        ),
        (403, usage_limit("ipRefererBlocked", "The request did not specify any referer. Please ensure that …")),
        (403, forbidden("Requests from referer <empty> are blocked.")),
        (403, forbidden("Requests from this Android client application <empty> are blocked.")),
        (403, forbidden("Requests from this iOS client application <empty> are blocked.")),
        (
            403,
            forbidden("The provided API key has an IP address restriction. The originating IP address of the call …"),
        ),
        (403, forbidden("Requests to this API youtube method youtube.api.v3.V3DataVideoService.List are blocked.")),
        (403, forbidden("Permission denied: Consumer 'api_key:x' has been suspended.")),
        (
            403,
            usage_limit(
                "accessNotConfigured",
                "Project 1 has been scheduled for deletion and cannot be used for API calls.",
            ),
        ),
        (
            403,
            usage_limit(
                "accessNotConfigured",
                "Access Not Configured. YouTube Data API has not been used in project 1 …",
            ),
        ),
        (403, forbidden("YouTube Data API v3 has not been used in project 1 before or it is disabled.")),
        (403, forbidden("Your API key was reported as leaked. Please use another API key.")),
        (400, with_message("badRequest", "API key not valid. Please pass a valid API key.")),
        (400, with_message("badRequest", "API key expired. Please renew the API key.")),
        (403, usage_limit("accountDeleted", "")),
        (403, usage_limit("news", "")),
        (403, usage_limit("newsLimit", "")),
        (403, usage_limit("rateLimitExceededUnreg", "")),
        // The other reasons of google.api.ErrorReason.
        (403, permission_denied("API_KEY_ANDROID_APP_BLOCKED")),
        (403, permission_denied("API_KEY_IOS_APP_BLOCKED")),
        (403, permission_denied("GCP_SUSPENDED")),
        (403, permission_denied("LOCATION_POLICY_VIOLATED")),
        (403, permission_denied("LOCATION_TAX_POLICY_VIOLATED")),
        (403, permission_denied("SECURITY_POLICY_VIOLATED")),
        (403, permission_denied("ORG_RESTRICTION_VIOLATION")),
        (400, permission_denied("ORG_RESTRICTION_HEADER_INVALID")),
        (403, permission_denied("RESOURCE_USAGE_RESTRICTION_VIOLATED")),
        (403, permission_denied("USER_BLOCKED_BY_ADMIN")),
        (403, permission_denied("USER_PROJECT_DENIED")),
        (400, permission_denied("RESOURCE_PROJECT_INVALID")),
        (403, permission_denied("SERVICE_NOT_VISIBLE")),
        (401, permission_denied("ACCESS_TOKEN_EXPIRED")),
        (403, permission_denied("ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
        (401, permission_denied("ACCOUNT_STATE_INVALID")),
        (401, permission_denied("SESSION_COOKIE_INVALID")),
        (403, permission_denied("MISSING_ORIGIN")),
        (400, permission_denied("OVERLOADED_CREDENTIALS")),
        (400, permission_denied("SYSTEM_PARAMETER_UNSUPPORTED")),
        // A 429 is a rate limit whatever its reason, unless it names the key or a daily limit.
        (429, with_details("badRequest", "API_KEY_INVALID", "INVALID_ARGUMENT")),
        (429, errors("forbidden")),
        (429, errors("backendError")),
        (429, errors("videoChartNotFound")),
        (429, with_location("invalidValue", "regionCode")),
        (429, with_location("invalidPageToken", "pageToken")),
        (429, HTML.into()),
        // A limit of zero, by its unit per day and per minute.
        (429, zero_limit("1/d/{project}")),
        (429, zero_limit("1/min/{project}")),
        // A limit by its unit: per day, per minute; by its message: per day, per minute.
        (429, quota_unit("1/d/{project}")),
        (429, quota_unit("1/min/{project}/{user}")),
        (429, quota_metric("per day")),
        (429, quota_metric("per minute")),
        (403, errors("rateLimitExceeded")),
        (403, errors("userRateLimitExceeded")),
        (403, errors("servingLimitExceeded")),
        (429, errors("concurrentLimitExceeded")),
        (429, r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#.into()),
        (400, with_location("invalidRegionCode", "regionCode")),
        (400, with_location("invalidParameter", "regionCode")),
        (400, with_location("invalidValue", "regionCode")),
        (400, with_location("badRequest", "regionCode")),
        (404, with_location("badRequest", "regionCode")),
        (400, with_location("invalidParameter", "maxResults")),
        (400, with_location("invalidValue", "maxResults")),
        (400, with_status("badRequest", "INVALID_ARGUMENT")),
        (400, with_location("missingRequiredParameter", "part")),
        (400, with_location("unexpectedParameter", "chart")),
        (400, with_location("incompatibleParameters", "chart")),
        (400, errors("invalidFilters")),
        (400, errors("missingRequiredParameter")),
        (400, field_violation("region_code")),
        (400, field_violation("max_results")),
        (400, with_location("badRequest", "key")),
        (400, with_location("badRequest", "pageToken")),
        (400, with_message("badRequest", "Invalid value for maxResults")),
        (400, with_message("badRequest", "Invalid value for regionCode: XX")),
        (400, errors("badRequest")),
        (400, with_location("unknownPart", "part")),
        (400, errors("videoChartNotFound")),
        (404, errors("videoChartNotFound")),
        (404, with_status("notFound", "NOT_FOUND")),
        (400, with_location("invalidPageToken", "pageToken")),
        (500, errors("backendError")),
        (500, with_status("internalError", "INTERNAL")),
        (502, errors("processingFailure")),
        (503, with_details("backendError", "SERVICE_UNAVAILABLE", "UNAVAILABLE")),
        (504, r#"{"error":{"status":"DEADLINE_EXCEEDED"}}"#.into()),
        // An unknown reason, then statuses without an explanation.
        (418, error_string("teapot")),
        (204, String::new()),
        (206, String::new()),
        (301, String::new()),
        (304, String::new()),
        (400, HTML.into()),
        (401, HTML.into()),
        (403, HTML.into()),
        (404, HTML.into()),
        (407, HTML.into()),
        (408, String::new()),
        (410, HTML.into()),
        (429, String::new()),
        (451, HTML.into()),
        (511, HTML.into()),
        (500, HTML.into()),
        (599, String::new()),
    ];
    let mut table = String::new();
    for (status, body) in rows {
        let AttemptFailure { error, remedy, .. } = failure(status, body);
        let (rule, reason) = (rule(error.kind), error.reason.unwrap_or("-".into()));
        let (kind, retry, scope) = (error.kind.as_str(), format!("{:?}", rule.retry), format!("{:?}", rule.scope));
        let remedy = remedy.map_or("-".into(), |remedy| format!("{remedy:?}"));
        writeln!(table, "{status} {kind:18} {reason:35} {retry:7} {scope:17} {remedy}").unwrap();
    }
    assert_eq!(
        table,
        "\
400 key_rejected       API_KEY_INVALID                     Never   Run               -
400 key_rejected       keyInvalid                          Never   Run               -
400 key_rejected       keyExpired                          Never   Run               ReplaceKey
403 key_rejected       accessNotConfigured                 Never   Run               EnableApi
403 key_rejected       SERVICE_DISABLED                    Never   Run               EnableApi
403 key_rejected       ipRefererBlocked                    Never   Run               AllowProgram
403 key_rejected       API_KEY_IP_ADDRESS_BLOCKED          Never   Run               AllowAddress
403 key_rejected       API_KEY_HTTP_REFERRER_BLOCKED       Never   Run               AllowProgram
403 key_rejected       API_KEY_SERVICE_BLOCKED             Never   Run               AllowApi
403 key_rejected       CONSUMER_INVALID                    Never   Run               RestoreProject
403 key_rejected       CONSUMER_SUSPENDED                  Never   Run               AppealSuspension
403 key_rejected       BILLING_DISABLED                    Never   Run               EnableBilling
401 key_rejected       authError                           Never   Run               -
401 key_rejected       required                            Never   Run               -
401 key_rejected       CREDENTIALS_MISSING                 Never   Run               -
403 key_rejected       forbidden                           Never   Run               -
403 forbidden          forbidden                           Never   RunUntilSuccess   -
403 quota_exceeded     quotaExceeded                       Never   Run               -
403 quota_exceeded     dailyLimitExceeded                  Never   Run               -
403 key_rejected       dailyLimitExceededUnreg             Never   Run               -
429 quota_exceeded     quotaExceeded                       Never   Run               -
403 quota_exceeded     QUOTA_EXCEEDED                      Never   Run               -
403 quota_exceeded     RESOURCE_QUOTA_EXCEEDED             Never   Run               RaiseQuota
403 key_rejected       ipRefererBlocked                    Never   Run               AllowProgram
403 key_rejected       ipRefererBlocked                    Never   Run               AllowProgram
403 key_rejected       forbidden                           Never   Run               AllowProgram
403 key_rejected       forbidden                           Never   Run               AllowProgram
403 key_rejected       forbidden                           Never   Run               AllowProgram
403 key_rejected       forbidden                           Never   Run               AllowAddress
403 key_rejected       forbidden                           Never   Run               AllowApi
403 key_rejected       forbidden                           Never   Run               AppealSuspension
403 key_rejected       accessNotConfigured                 Never   Run               RestoreProject
403 key_rejected       accessNotConfigured                 Never   Run               EnableApi
403 key_rejected       forbidden                           Never   Run               EnableApi
403 key_rejected       forbidden                           Never   Run               ReplaceKey
400 key_rejected       badRequest                          Never   Run               -
400 key_rejected       badRequest                          Never   Run               ReplaceKey
403 key_rejected       accountDeleted                      Never   Run               RestoreProject
403 key_rejected       news                                Never   Run               CheckProject
403 rate_limited       newsLimit                           Hold    Region            -
403 key_rejected       rateLimitExceededUnreg              Never   Run               -
403 key_rejected       API_KEY_ANDROID_APP_BLOCKED         Never   Run               AllowProgram
403 key_rejected       API_KEY_IOS_APP_BLOCKED             Never   Run               AllowProgram
403 key_rejected       GCP_SUSPENDED                       Never   Run               AppealSuspension
403 key_rejected       LOCATION_POLICY_VIOLATED            Never   Run               AskAdministrator
403 key_rejected       LOCATION_TAX_POLICY_VIOLATED        Never   Run               AskAdministrator
403 key_rejected       SECURITY_POLICY_VIOLATED            Never   Run               AskAdministrator
403 key_rejected       ORG_RESTRICTION_VIOLATION           Never   Run               AskAdministrator
400 key_rejected       ORG_RESTRICTION_HEADER_INVALID      Never   Run               AskAdministrator
403 key_rejected       RESOURCE_USAGE_RESTRICTION_VIOLATED Never   Run               AskAdministrator
403 key_rejected       USER_BLOCKED_BY_ADMIN               Never   Run               AskAdministrator
403 key_rejected       USER_PROJECT_DENIED                 Never   Run               CheckProject
400 key_rejected       RESOURCE_PROJECT_INVALID            Never   Run               CheckProject
403 key_rejected       SERVICE_NOT_VISIBLE                 Never   Run               CheckProject
401 key_rejected       ACCESS_TOKEN_EXPIRED                Never   Run               -
403 key_rejected       ACCESS_TOKEN_SCOPE_INSUFFICIENT     Never   Run               -
401 key_rejected       ACCOUNT_STATE_INVALID               Never   Run               -
401 key_rejected       SESSION_COOKIE_INVALID              Never   Run               -
403 key_rejected       MISSING_ORIGIN                      Never   Run               -
400 key_rejected       OVERLOADED_CREDENTIALS              Never   Run               -
400 bad_request        SYSTEM_PARAMETER_UNSUPPORTED        Never   Run               -
429 key_rejected       API_KEY_INVALID                     Never   Run               -
429 rate_limited       forbidden                           Hold    Region            -
429 rate_limited       backendError                        Hold    Region            -
429 rate_limited       videoChartNotFound                  Hold    Region            -
429 rate_limited       invalidValue                        Hold    Region            -
429 rate_limited       invalidPageToken                    Hold    Region            -
429 rate_limited       -                                   Hold    Region            -
429 quota_exceeded     RATE_LIMIT_EXCEEDED                 Never   Run               RaiseQuota
429 quota_exceeded     RATE_LIMIT_EXCEEDED                 Never   Run               RaiseQuota
429 quota_exceeded     RATE_LIMIT_EXCEEDED                 Never   Run               -
429 rate_limited       RATE_LIMIT_EXCEEDED                 Hold    Region            -
429 quota_exceeded     rateLimitExceeded                   Never   Run               -
429 rate_limited       rateLimitExceeded                   Hold    Region            -
403 rate_limited       rateLimitExceeded                   Hold    Region            -
403 rate_limited       userRateLimitExceeded               Hold    Region            -
403 rate_limited       servingLimitExceeded                Hold    Region            -
429 rate_limited       concurrentLimitExceeded             Hold    Region            -
429 rate_limited       RESOURCE_EXHAUSTED                  Hold    Region            -
400 region_unsupported invalidRegionCode                   Never   Region            -
400 region_unsupported invalidParameter                    Never   Region            -
400 region_unsupported invalidValue                        Never   Region            -
400 region_unsupported badRequest                          Never   Region            -
404 region_unsupported badRequest                          Never   Region            -
400 bad_request        invalidParameter                    Never   Run               -
400 bad_request        invalidValue                        Never   Run               -
400 bad_request        INVALID_ARGUMENT                    Never   RunUntilSuccess   -
400 bad_request        missingRequiredParameter            Never   Run               -
400 bad_request        unexpectedParameter                 Never   Run               -
400 bad_request        incompatibleParameters              Never   Run               -
400 bad_request        invalidFilters                      Never   Run               -
400 bad_request        missingRequiredParameter            Never   Run               -
400 region_unsupported INVALID_ARGUMENT                    Never   Region            -
400 bad_request        INVALID_ARGUMENT                    Never   Run               -
400 key_rejected       badRequest                          Never   Run               -
400 bad_response       badRequest                          Never   Region            -
400 bad_request        badRequest                          Never   Run               -
400 region_unsupported badRequest                          Never   Region            -
400 bad_request        badRequest                          Never   RunUntilSuccess   -
400 bad_request        unknownPart                         Never   Run               -
400 region_unsupported videoChartNotFound                  Never   Region            -
404 region_unsupported videoChartNotFound                  Never   Region            -
404 region_unsupported notFound                            Never   Region            -
400 bad_response       invalidPageToken                    Never   Region            -
500 server_error       backendError                        Backoff Region            -
500 server_error       internalError                       Backoff Region            -
502 server_error       processingFailure                   Backoff Region            -
503 server_error       SERVICE_UNAVAILABLE                 Backoff Region            -
504 server_error       DEADLINE_EXCEEDED                   Backoff Region            -
418 bad_response       teapot                              Never   Region            -
204 bad_response       -                                   Never   Region            -
206 bad_response       -                                   Never   Region            -
301 bad_response       -                                   Never   Region            -
304 bad_response       -                                   Never   Region            -
400 bad_request        -                                   Never   RunUntilSuccess   CheckNetwork
401 key_rejected       -                                   Never   Run               -
403 forbidden          -                                   Never   RunUntilSuccess   CheckNetwork
404 bad_response       -                                   Never   Region            -
407 proxy              -                                   Never   Run               -
408 server_error       -                                   Backoff Region            -
410 bad_response       -                                   Never   Region            -
429 rate_limited       -                                   Hold    Region            -
451 bad_response       -                                   Never   Region            CheckNetwork
511 server_error       -                                   Backoff Region            LogInToNetwork
500 server_error       -                                   Backoff Region            -
599 server_error       -                                   Backoff Region            -
"
    );
}
