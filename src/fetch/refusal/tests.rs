use std::fmt::Write as _;

use serde_json::json;

use super::*;
use crate::fetch::retry::rule;
use crate::fetch::transport::Head;

const HTML: &str = "<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title><p>That’s an error.</html>";

fn now() -> Timestamp {
    "2026-11-22T21:00:00Z".parse().unwrap()
}

fn reply(status: u16, body: impl AsRef<[u8]>) -> Reply {
    Reply { head: Head { status, ..Head::default() }, body: body.as_ref().to_vec() }
}

fn failure(status: u16, body: impl AsRef<[u8]>) -> Failure {
    read(&reply(status, body), now())
}

/// The layout of old: `errors[]` alone.
fn errors(reason: &str) -> String {
    saying(reason, "Said.")
}

fn saying(reason: &str, message: &str) -> String {
    let errors = json!([{"message": message, "domain": "global", "reason": reason}]);
    json!({"error": {"message": message, "errors": errors}}).to_string()
}

/// With the parameter at fault.
fn located(reason: &str, location: &str) -> String {
    let errors = json!([{"domain": "global", "reason": reason, "location": location, "locationType": "parameter"}]);
    json!({"error": {"message": "Invalid value.", "errors": errors}}).to_string()
}

/// The layout of today: `errors[]`, `details[]` and `status`.
fn whole(reason: &str, detail: &str, status: &str) -> String {
    with_metadata(reason, detail, status, json!({"service": "youtube.googleapis.com"}))
}

fn with_metadata(reason: &str, detail: &str, status: &str, metadata: Value) -> String {
    let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail, "metadata": metadata});
    let errors = json!([{"message": "Said.", "domain": "global", "reason": reason}]);
    json!({"error": {"message": "Said.", "status": status, "errors": errors, "details": [info]}}).to_string()
}

/// `errors[]` and `status`, as from the front end of Google's APIs.
fn coded(reason: &str, status: &str) -> String {
    json!({"error": {"message": "Said.", "status": status, "errors": [{"reason": reason}]}}).to_string()
}

/// A limit of Google's quota service.
fn limit(unit: &str) -> String {
    with_metadata("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", json!({"quota_unit": unit}))
}

/// After the body in googleapis/google-api-python-client#2753: no details, so only the message tells.
fn metric(limit: &str) -> String {
    let message = format!(
        "Quota exceeded for quota metric 'Queries' and limit 'Queries {limit}' of service 'youtube.googleapis.com' for consumer 'project_number:1'."
    );
    saying("rateLimitExceeded", &message)
}

fn word(word: &str) -> String {
    json!({ "error": word }).to_string()
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
        (301, String::new()),
        (400, HTML.into()),
        (401, HTML.into()),
        (403, HTML.into()),
        (404, HTML.into()),
        (407, HTML.into()),
        (408, String::new()),
        (429, String::new()),
        (500, HTML.into()),
        (599, String::new()),
    ];
    let mut table = String::new();
    for (status, body) in rows {
        let Failure { error, .. } = failure(status, body);
        let (rule, reason) = (rule(error.kind), error.reason.unwrap_or("-".into()));
        let (kind, retry, ends) = (error.kind.as_str(), format!("{:?}", rule.retry), rule.ends);
        writeln!(table, "{status} {kind:18} {reason:29} {retry:7} {ends:?}").unwrap();
    }
    assert_eq!(
        table,
        "\
400 key_rejected       API_KEY_INVALID               Never   Batch
400 key_rejected       keyInvalid                    Never   Batch
400 key_rejected       keyExpired                    Never   Batch
403 key_rejected       accessNotConfigured           Never   Batch
403 key_rejected       SERVICE_DISABLED              Never   Batch
403 key_rejected       ipRefererBlocked              Never   Batch
403 key_rejected       API_KEY_IP_ADDRESS_BLOCKED    Never   Batch
403 key_rejected       API_KEY_HTTP_REFERRER_BLOCKED Never   Batch
403 key_rejected       API_KEY_SERVICE_BLOCKED       Never   Batch
403 key_rejected       CONSUMER_INVALID              Never   Batch
403 key_rejected       CONSUMER_SUSPENDED            Never   Batch
403 key_rejected       BILLING_DISABLED              Never   Batch
401 key_rejected       authError                     Never   Batch
401 key_rejected       required                      Never   Batch
401 key_rejected       CREDENTIALS_MISSING           Never   Batch
403 key_rejected       forbidden                     Never   Batch
403 forbidden          forbidden                     Never   BatchUnlessAnswered
403 quota_exceeded     quotaExceeded                 Never   Batch
403 quota_exceeded     dailyLimitExceeded            Never   Batch
403 key_rejected       dailyLimitExceededUnreg       Never   Batch
429 quota_exceeded     RATE_LIMIT_EXCEEDED           Never   Batch
429 rate_limited       RATE_LIMIT_EXCEEDED           Hold    Region
429 quota_exceeded     rateLimitExceeded             Never   Batch
429 rate_limited       rateLimitExceeded             Hold    Region
403 rate_limited       rateLimitExceeded             Hold    Region
403 rate_limited       userRateLimitExceeded         Hold    Region
403 rate_limited       servingLimitExceeded          Hold    Region
429 rate_limited       concurrentLimitExceeded       Hold    Region
429 rate_limited       RESOURCE_EXHAUSTED            Hold    Region
400 region_unsupported invalidRegionCode             Never   Region
400 region_unsupported invalidParameter              Never   Region
400 region_unsupported invalidValue                  Never   Region
400 region_unsupported badRequest                    Never   Region
404 region_unsupported badRequest                    Never   Region
400 bad_request        invalidParameter              Never   Batch
400 bad_request        invalidValue                  Never   Batch
400 bad_request        INVALID_ARGUMENT              Never   BatchUnlessAnswered
400 bad_request        missingRequiredParameter      Never   Batch
400 bad_request        unexpectedParameter           Never   Batch
400 bad_request        incompatibleParameters        Never   Batch
400 bad_request        invalidFilters                Never   BatchUnlessAnswered
400 bad_request        unknownPart                   Never   Batch
400 region_unsupported videoChartNotFound            Never   Region
404 region_unsupported videoChartNotFound            Never   Region
404 region_unsupported notFound                      Never   Region
400 bad_response       invalidPageToken              Never   Region
500 server_error       backendError                  Backoff Region
500 server_error       internalError                 Backoff Region
502 server_error       processingFailure             Backoff Region
503 server_error       SERVICE_UNAVAILABLE           Backoff Region
504 server_error       DEADLINE_EXCEEDED             Backoff Region
418 bad_response       teapot                        Never   Region
301 bad_response       -                             Never   Region
400 bad_request        -                             Never   BatchUnlessAnswered
401 key_rejected       -                             Never   Batch
403 forbidden          -                             Never   BatchUnlessAnswered
404 bad_response       -                             Never   Region
407 bad_response       -                             Never   Region
408 server_error       -                             Backoff Region
429 rate_limited       -                             Hold    Region
500 server_error       -                             Backoff Region
599 server_error       -                             Backoff Region
"
    );
}

#[test]
fn the_region_is_named_by_a_location_else_by_the_message() {
    let region = |message: &str, location: Option<&str>| {
        let errors = json!([{"reason": "badRequest", "location": location}]);
        let body = json!({"error": {"message": message, "errors": errors}}).to_string();
        failure(400, body).kind() == Kind::RegionUnsupported
    };
    assert!(region("Invalid value.", Some("regionCode")));
    assert!(region("Invalid value for regionCode: XX", None));
    assert!(!region("chart needs regionCode", Some("chart")));
    assert!(!region("Invalid value.", None));
}

#[test]
fn any_status_with_any_layout_is_read_and_the_layouts_agree() {
    for status in 100..=599 {
        for reason in ["quotaExceeded", "keyInvalid", "notFound", "rateLimitExceeded", "backendError", "news"] {
            let details = json!({"error": {"details": [{"reason": reason}]}}).to_string();
            let status_word = json!({"error": {"status": reason}}).to_string();
            let said = [errors(reason), coded(reason, "NEWS"), details, status_word, word(reason)];
            let read = said.map(|body| failure(status, body).error);
            for error in &read {
                let of_first = (read[0].kind, Some(reason), Some(status));
                assert_eq!((error.kind, error.reason.as_deref(), error.status), of_first, "{error}");
                assert!(!error.message.is_empty());
            }
        }
        for silent in ["", HTML, "{}", "[]", "null", r#""x""#, "\u{feff}{}", r#"{"error":null}"#, r#"{"error":[]}"#] {
            let error = failure(status, silent).error;
            let expected = match status {
                400 => Kind::BadRequest,
                401 => Kind::KeyRejected,
                403 => Kind::Forbidden,
                408 | 500.. => Kind::ServerError,
                429 => Kind::RateLimited,
                _ => Kind::BadResponse,
            };
            assert_eq!((error.kind, &error.reason), (expected, &None), "{status} {silent}");
            assert!(!error.message.is_empty());
        }
    }
}

#[test]
fn fields_of_another_type_say_nothing() {
    for odd in
        [json!(null), json!(5), json!("x"), json!([null, 5, "x", [], {"reason": 5, "retryDelay": {}}]), json!({})]
    {
        let error = json!({"code": odd, "message": odd, "status": 7, "errors": odd, "details": odd});
        let Failure { error, retry_after, .. } = failure(503, json!({ "error": error }).to_string());
        assert_eq!((error.kind, error.reason, retry_after), (Kind::ServerError, None, None), "{odd}");
    }
    let deep = format!(r#"{{"error":{{"errors":{}{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(failure(403, deep).kind(), Kind::Forbidden);
}

#[test]
fn a_message_is_one_line_without_markup_or_controls() {
    let message = |text: &str| failure(403, saying("quotaExceeded", text)).error.message;
    assert_eq!(
        message("You have exceeded\nyour <a href=\"/youtube/v3/getting-started#quota\">quota</a>.\u{1b}[2J"),
        r"You have exceeded your quota.\u{1b}[2J"
    );
    assert_eq!(message(&"ż".repeat(301)).chars().count(), 300);
    assert_eq!(message("<code></code> "), "HTTP status 403 without an explanation");
    let oauth = json!({"error": "invalid_request", "error_description": "Missing <b>key</b>."}).to_string();
    assert_eq!(failure(400, oauth).error.message, "Missing key.");
}

fn wait(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let mut reply = reply(429, errors("x"));
    reply.head.retry_after = Some(retry_after.into());
    reply.head.date = date.map(str::to_owned);
    read(&reply, now()).retry_after
}

#[test]
fn retry_after_is_seconds_or_one_of_three_forms_of_a_date() {
    let cases = [
        ("120", Some(120)),
        ("0", Some(0)),
        ("  7 ", Some(7)),
        ("007", Some(7)),
        ("Sun, 22 Nov 2026 21:00:30 GMT", Some(30)),
        (" Sun, 22 Nov 2026 21:00:30 GMT ", Some(30)),
        ("Sunday, 22-Nov-26 21:00:30 GMT", Some(30)),
        ("Sun Nov 22 21:00:30 2026", Some(30)),
        ("Sun, 22 Nov 2026 20:59:59 GMT", Some(0)),
        ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ("", None),
        (" ", None),
        ("-5", None),
        ("+5", None),
        ("5s", None),
        ("1e3", None),
        ("inf", None),
        (".", None),
        ("1.2.3", None),
        ("soon", None),
        ("٣", None),
        ("Sun, 22 Nov 2026 25:00:30 GMT", None),
        ("2026-11-22T21:00:30Z", None),
    ];
    for (value, seconds) in cases {
        assert_eq!(wait(value, None), seconds.map(Duration::from_secs), "{value:?}");
    }
    assert_eq!(wait("1.5", None), Some(Duration::from_millis(1500)));
    for huge in ["18446744073709551616", &"9".repeat(400)] {
        assert_eq!(wait(huge, None), Some(Duration::MAX));
    }
}

#[test]
fn a_date_is_read_by_the_clock_of_the_server() {
    let until = "Sun, 22 Nov 2026 21:00:30 GMT";
    let seconds = |date| wait(until, Some(date)).map(|wait| wait.as_secs());
    assert_eq!(seconds("Sun, 22 Nov 2026 20:00:30 GMT"), Some(3600));
    assert_eq!(seconds("Sun, 22 Nov 2026 21:00:31 GMT"), Some(0));
    assert_eq!(seconds("yesterday"), Some(30), "then by ours");
    assert_eq!(wait("9", Some("Sun, 22 Nov 2026 20:00:30 GMT")), Some(Duration::from_secs(9)));
}

#[test]
fn the_header_goes_before_retry_info_and_garbage_is_no_header() {
    let wait = |header: Option<&str>, delay: Value| {
        let help = json!({"@type": "type.googleapis.com/google.rpc.Help"});
        let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
        let body = json!({"error": {"status": "RESOURCE_EXHAUSTED", "details": [help, info]}}).to_string();
        let mut reply = reply(429, body);
        reply.head.retry_after = header.map(str::to_owned);
        read(&reply, now()).retry_after
    };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(wait(None, json!("30s")), seconds(30));
    assert_eq!(wait(None, json!("3.5s")), Some(Duration::from_millis(3500)));
    assert_eq!(wait(Some("7"), json!("30s")), seconds(7));
    assert_eq!(wait(Some("0"), json!("30s")), seconds(0));
    assert_eq!(wait(Some("soon"), json!("30s")), seconds(30));
    for garbage in [json!("30"), json!("-3s"), json!("s"), json!("soon"), json!(30), json!({"seconds": 30})] {
        assert_eq!(wait(None, garbage.clone()), None, "{garbage}");
    }
}

#[test]
fn no_key_seen_is_told_from_a_403_without_a_reason() {
    let body = r#"{"error":{"message":"Method doesn't allow unregistered callers","status":"PERMISSION_DENIED"}}"#;
    assert_eq!(failure(403, body).kind(), Kind::KeyRejected);
    assert_eq!(failure(403, r#"{"error":{"message":"No","status":"PERMISSION_DENIED"}}"#).kind(), Kind::Forbidden);
}

#[test]
fn a_401_is_a_refused_key_whatever_else_it_says() {
    assert_eq!(failure(401, r#"{"error":{"errors":[{"reason":"invalidValue"}]}}"#).kind(), Kind::KeyRejected);
}
