//! The table of decisions: what each reason and each class of status ends in.

use std::fmt::Write as _;

use serde_json::json;

use super::tests::{HTML, coded, errors, failure, forbidden, limit, metric, saying, whole, with_metadata, word};
use crate::fetch::retry::rule;
use crate::youtube::failure::AttemptFailure;

/// A limit that allows nothing.
fn zero(unit: &str) -> String {
    let metadata = json!({"quota_limit": "defaultPerDayPerProject", "quota_limit_value": "0", "quota_unit": unit});
    with_metadata("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", metadata)
}

/// Of the domain that is about the key and its project.
fn usage(reason: &str, message: &str) -> String {
    let errors = json!([{"domain": "usageLimits", "reason": reason, "message": message}]);
    json!({"error": {"message": message, "errors": errors}}).to_string()
}

/// As the newer front end names a parameter.
fn violated(field: &str) -> String {
    let detail = json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [{"field": field}]});
    json!({"error": {"message": "Invalid value.", "status": "INVALID_ARGUMENT", "details": [detail]}}).to_string()
}

fn denied(detail: &str) -> String {
    whole("forbidden", detail, "PERMISSION_DENIED")
}

/// With the parameter at fault.
fn located(reason: &str, location: &str) -> String {
    let errors = json!([{"domain": "global", "reason": reason, "location": location, "locationType": "parameter"}]);
    json!({"error": {"message": "Invalid value.", "errors": errors}}).to_string()
}

#[test]
fn every_reason_and_every_class_of_status_has_its_row() {
    let rows = [
        (400, whole("badRequest", "API_KEY_INVALID", "INVALID_ARGUMENT")),
        (400, errors("keyInvalid")),
        (400, errors("keyExpired")),
        (403, errors("accessNotConfigured")),
        (403, whole("accessNotConfigured", "SERVICE_DISABLED", "PERMISSION_DENIED")),
        (403, errors("ipRefererBlocked")),
        (403, whole("forbidden", "API_KEY_IP_ADDRESS_BLOCKED", "PERMISSION_DENIED")),
        (403, whole("forbidden", "API_KEY_HTTP_REFERRER_BLOCKED", "PERMISSION_DENIED")),
        (403, whole("forbidden", "API_KEY_SERVICE_BLOCKED", "PERMISSION_DENIED")),
        (403, whole("forbidden", "CONSUMER_INVALID", "PERMISSION_DENIED")),
        (403, whole("forbidden", "CONSUMER_SUSPENDED", "PERMISSION_DENIED")),
        (403, whole("forbidden", "BILLING_DISABLED", "PERMISSION_DENIED")),
        (401, coded("authError", "UNAUTHENTICATED")),
        (401, coded("required", "UNAUTHENTICATED")),
        (401, whole("required", "CREDENTIALS_MISSING", "UNAUTHENTICATED")),
        // `forbidden`: no key was seen, and without more.
        (403, saying("forbidden", "Method doesn't allow unregistered callers (callers without established identity).")),
        (403, coded("forbidden", "PERMISSION_DENIED")),
        (403, errors("quotaExceeded")),
        (403, errors("dailyLimitExceeded")),
        (403, errors("dailyLimitExceededUnreg")),
        (429, errors("quotaExceeded")),
        (403, denied("QUOTA_EXCEEDED")),
        (403, denied("RESOURCE_QUOTA_EXCEEDED")),
        // What older bodies say of the key and its project.
        (403, usage("ipRefererBlocked", "There is a per-IP or per-Referer restriction configured on your API key.")),
        (403, usage("ipRefererBlocked", "The request did not specify any referer. Please ensure that …")),
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
            usage("accessNotConfigured", "Project 1 has been scheduled for deletion and cannot be used for API calls."),
        ),
        (403, usage("accessNotConfigured", "Access Not Configured. YouTube Data API has not been used in project 1 …")),
        (403, forbidden("YouTube Data API v3 has not been used in project 1 before or it is disabled.")),
        (403, forbidden("Your API key was reported as leaked. Please use another API key.")),
        (400, saying("badRequest", "API key not valid. Please pass a valid API key.")),
        (400, saying("badRequest", "API key expired. Please renew the API key.")),
        (403, usage("accountDeleted", "")),
        (403, usage("news", "")),
        (403, usage("newsLimit", "")),
        (403, usage("rateLimitExceededUnreg", "")),
        // The other reasons of google.api.ErrorReason.
        (403, denied("API_KEY_ANDROID_APP_BLOCKED")),
        (403, denied("API_KEY_IOS_APP_BLOCKED")),
        (403, denied("GCP_SUSPENDED")),
        (403, denied("LOCATION_POLICY_VIOLATED")),
        (403, denied("LOCATION_TAX_POLICY_VIOLATED")),
        (403, denied("SECURITY_POLICY_VIOLATED")),
        (403, denied("ORG_RESTRICTION_VIOLATION")),
        (400, denied("ORG_RESTRICTION_HEADER_INVALID")),
        (403, denied("RESOURCE_USAGE_RESTRICTION_VIOLATED")),
        (403, denied("USER_BLOCKED_BY_ADMIN")),
        (403, denied("USER_PROJECT_DENIED")),
        (400, denied("RESOURCE_PROJECT_INVALID")),
        (403, denied("SERVICE_NOT_VISIBLE")),
        (401, denied("ACCESS_TOKEN_EXPIRED")),
        (403, denied("ACCESS_TOKEN_SCOPE_INSUFFICIENT")),
        (401, denied("ACCOUNT_STATE_INVALID")),
        (401, denied("SESSION_COOKIE_INVALID")),
        (403, denied("MISSING_ORIGIN")),
        (400, denied("OVERLOADED_CREDENTIALS")),
        (400, denied("SYSTEM_PARAMETER_UNSUPPORTED")),
        // A 429 is a rate limit whatever else it says, unless it names the key or a limit per day.
        (429, whole("badRequest", "API_KEY_INVALID", "INVALID_ARGUMENT")),
        (429, errors("forbidden")),
        (429, errors("backendError")),
        (429, errors("videoChartNotFound")),
        (429, located("invalidValue", "regionCode")),
        (429, located("invalidPageToken", "pageToken")),
        (429, HTML.into()),
        // A limit of zero, by its unit per day and per minute.
        (429, zero("1/d/{project}")),
        (429, zero("1/min/{project}")),
        // A limit by its unit: per day, per minute; by its message: per day, per minute.
        (429, limit("1/d/{project}")),
        (429, limit("1/min/{project}/{user}")),
        (429, metric("per day")),
        (429, metric("per minute")),
        (403, errors("rateLimitExceeded")),
        (403, errors("userRateLimitExceeded")),
        (403, errors("servingLimitExceeded")),
        (429, errors("concurrentLimitExceeded")),
        (429, r#"{"error":{"status":"RESOURCE_EXHAUSTED"}}"#.into()),
        (400, located("invalidRegionCode", "regionCode")),
        (400, located("invalidParameter", "regionCode")),
        (400, located("invalidValue", "regionCode")),
        (400, located("badRequest", "regionCode")),
        (404, located("badRequest", "regionCode")),
        (400, located("invalidParameter", "maxResults")),
        (400, located("invalidValue", "maxResults")),
        (400, coded("badRequest", "INVALID_ARGUMENT")),
        (400, located("missingRequiredParameter", "part")),
        (400, located("unexpectedParameter", "chart")),
        (400, located("incompatibleParameters", "chart")),
        (400, errors("invalidFilters")),
        (400, errors("missingRequiredParameter")),
        (400, violated("region_code")),
        (400, violated("max_results")),
        (400, located("badRequest", "key")),
        (400, located("badRequest", "pageToken")),
        (400, saying("badRequest", "Invalid value for maxResults")),
        (400, saying("badRequest", "Invalid value for regionCode: XX")),
        (400, errors("badRequest")),
        (400, located("unknownPart", "part")),
        (400, errors("videoChartNotFound")),
        (404, errors("videoChartNotFound")),
        (404, coded("notFound", "NOT_FOUND")),
        (400, located("invalidPageToken", "pageToken")),
        (500, errors("backendError")),
        (500, coded("internalError", "INTERNAL")),
        (502, errors("processingFailure")),
        (503, whole("backendError", "SERVICE_UNAVAILABLE", "UNAVAILABLE")),
        (504, r#"{"error":{"status":"DEADLINE_EXCEEDED"}}"#.into()),
        // A word that nobody knows, then classes of status that explain nothing.
        (418, word("teapot")),
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
        let AttemptFailure { error, .. } = failure(status, body);
        let (rule, reason) = (rule(error.kind), error.reason.unwrap_or("-".into()));
        let (kind, retry, scope) = (error.kind.as_str(), format!("{:?}", rule.retry), format!("{:?}", rule.scope));
        let remedy = error.remedy.map_or("-".into(), |remedy| format!("{remedy:?}"));
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
403 forbidden          forbidden                           Never   RunUnlessAnswered -
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
400 bad_request        INVALID_ARGUMENT                    Never   RunUnlessAnswered -
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
400 bad_request        badRequest                          Never   RunUnlessAnswered -
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
400 bad_request        -                                   Never   RunUnlessAnswered CheckNetwork
401 key_rejected       -                                   Never   Run               -
403 forbidden          -                                   Never   RunUnlessAnswered CheckNetwork
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
