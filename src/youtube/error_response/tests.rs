use serde_json::{Value, json};

use super::*;
use crate::model::error::Remedy;
use crate::youtube::client::ResponseHead;

pub(crate) const HTML: &str = "<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title><p>That’s an error.</html>";

fn now() -> Timestamp {
    "2026-11-22T21:00:00Z".parse().unwrap()
}

fn response(status: u16, body: impl AsRef<[u8]>) -> Response {
    Response { head: ResponseHead { status, ..ResponseHead::default() }, body: body.as_ref().to_vec() }
}

pub(crate) fn failure(status: u16, body: impl AsRef<[u8]>) -> AttemptFailure {
    read(&response(status, body), now())
}

/// The old layout: only `errors[]`.
pub(crate) fn errors(reason: &str) -> String {
    with_message(reason, "Said.")
}

pub(crate) fn with_message(reason: &str, message: &str) -> String {
    let errors = json!([{"message": message, "domain": "global", "reason": reason}]);
    json!({"error": {"message": message, "errors": errors}}).to_string()
}

/// The current layout: `errors[]`, `details[]` and `status`.
pub(crate) fn with_details(reason: &str, detail: &str, status: &str) -> String {
    with_metadata(reason, detail, status, json!({"service": "youtube.googleapis.com"}))
}

pub(crate) fn with_metadata(reason: &str, detail: &str, status: &str, metadata: Value) -> String {
    let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail, "metadata": metadata});
    let errors = json!([{"message": "Said.", "domain": "global", "reason": reason}]);
    json!({"error": {"message": "Said.", "status": status, "errors": errors, "details": [info]}}).to_string()
}

/// `errors[]` and `status`, as sent by the front end of Google's APIs.
pub(crate) fn with_status(reason: &str, status: &str) -> String {
    json!({"error": {"message": "Said.", "status": status, "errors": [{"reason": reason}]}}).to_string()
}

/// A limit of Google's quota service, with its unit.
pub(crate) fn quota_unit(unit: &str) -> String {
    with_metadata("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", json!({"quota_unit": unit}))
}

/// Like the body in googleapis/google-api-python-client#2753, which names the limit only in its message.
pub(crate) fn quota_metric(limit: &str) -> String {
    let message = format!(
        "Quota exceeded for quota metric 'Queries' and limit 'Queries {limit}' of service 'youtube.googleapis.com' for consumer 'project_number:1'."
    );
    with_message("rateLimitExceeded", &message)
}

/// An older body, in which only the message is specific.
pub(crate) fn forbidden(message: &str) -> String {
    json!({"error": {"message": message, "status": "PERMISSION_DENIED", "errors": [{"reason": "forbidden"}]}})
        .to_string()
}

pub(crate) fn error_string(word: &str) -> String {
    json!({ "error": word }).to_string()
}

#[test]
fn the_region_is_named_by_a_location_or_else_by_the_message() {
    let region = |message: &str, location: Option<&str>| {
        let errors = json!([{"reason": "badRequest", "location": location}]);
        let body = json!({"error": {"message": message, "errors": errors}}).to_string();
        failure(400, body).kind() == ErrorKind::RegionUnsupported
    };
    assert!(region("Invalid value.", Some("regionCode")));
    assert!(region("Invalid value for regionCode: XX", None));
    assert!(!region("chart needs regionCode", Some("chart")));
    assert!(!region("Invalid value.", None));
}

#[test]
fn every_status_is_read_alike_in_every_layout() {
    for status in 100..=599 {
        for reason in ["quotaExceeded", "keyInvalid", "notFound", "rateLimitExceeded", "backendError", "news"] {
            let details = json!({"error": {"details": [{"reason": reason}]}}).to_string();
            let status_field = json!({"error": {"status": reason}}).to_string();
            let bodies = [errors(reason), with_status(reason, "NEWS"), details, status_field, error_string(reason)];
            let read = bodies.map(|body| failure(status, body).error);
            for error in &read {
                let expected = (read[0].kind, Some(reason), Some(status));
                assert_eq!((error.kind, error.reason.as_deref(), error.status), expected, "{error}");
                assert!(!error.message.is_empty());
            }
        }
        for unexplained in
            ["", HTML, "{}", "[]", "null", r#""x""#, "\u{feff}{}", r#"{"error":null}"#, r#"{"error":[]}"#]
        {
            let error = failure(status, unexplained).error;
            let expected = match status {
                400 => ErrorKind::BadRequest,
                401 => ErrorKind::KeyRejected,
                403 => ErrorKind::Forbidden,
                407 => ErrorKind::ProxyLogin,
                408 | 500.. => ErrorKind::ServerError,
                429 => ErrorKind::RateLimited,
                _ => ErrorKind::BadResponse,
            };
            assert_eq!((error.kind, &error.reason), (expected, &None), "{status} {unexplained}");
            assert!(!error.message.is_empty());
        }
    }
}

#[test]
fn fields_of_another_type_are_ignored() {
    for wrong in
        [json!(null), json!(5), json!("x"), json!([null, 5, "x", [], {"reason": 5, "retryDelay": {}}]), json!({})]
    {
        let error = json!({"code": wrong, "message": wrong, "status": 7, "errors": wrong, "details": wrong});
        let AttemptFailure { error, retry_after, .. } = failure(503, json!({ "error": error }).to_string());
        assert_eq!((error.kind, error.reason, retry_after), (ErrorKind::ServerError, None, None), "{wrong}");
    }
    let deep = format!(r#"{{"error":{{"errors":{}{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(failure(403, deep).kind(), ErrorKind::Forbidden);
}

#[test]
fn a_message_is_one_line_without_markup_or_control_characters() {
    let message = |text: &str| failure(403, with_message("quotaExceeded", text)).error.message;
    assert_eq!(
        message("You have exceeded\nyour <a href=\"/youtube/v3/getting-started#quota\">quota</a>.\u{1b}[2J"),
        r"You have exceeded your quota.\u{1b}[2J"
    );
    assert_eq!(message(&"ż".repeat(301)).chars().count(), 300);
    assert_eq!(message("Requests from referer <empty>."), "Requests from referer <empty>.");
    assert_eq!(message("<code></code> "), "HTTP status 403 without an explanation");
    let oauth = json!({"error": "invalid_request", "error_description": "Missing <b>key</b>."}).to_string();
    assert_eq!(failure(400, oauth).error.message, "Missing key.");
}

fn wait(retry_after: &str, date: Option<&str>) -> Option<Duration> {
    let mut response = response(429, errors("x"));
    response.head.retry_after = Some(retry_after.into());
    response.head.date = date.map(str::to_owned);
    read(&response, now()).retry_after
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
fn a_date_is_relative_to_the_servers_clock() {
    let until = "Sun, 22 Nov 2026 21:00:30 GMT";
    let seconds = |date| wait(until, Some(date)).map(|wait| wait.as_secs());
    assert_eq!(seconds("Sun, 22 Nov 2026 20:00:30 GMT"), Some(3600));
    assert_eq!(seconds("Sun, 22 Nov 2026 21:00:31 GMT"), Some(0));
    assert_eq!(seconds("yesterday"), Some(30), "relative to this machine's clock");
    assert_eq!(wait("9", Some("Sun, 22 Nov 2026 20:00:30 GMT")), Some(Duration::from_secs(9)));
}

#[test]
fn the_header_takes_precedence_over_retry_info_unless_it_is_invalid() {
    let wait = |header: Option<&str>, delay: Value| {
        let help = json!({"@type": "type.googleapis.com/google.rpc.Help"});
        let info = json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay});
        let body = json!({"error": {"status": "RESOURCE_EXHAUSTED", "details": [help, info]}}).to_string();
        let mut response = response(429, body);
        response.head.retry_after = header.map(str::to_owned);
        read(&response, now()).retry_after
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
fn a_missing_key_is_distinguished_from_an_unexplained_403() {
    let body = r#"{"error":{"message":"Method doesn't allow unregistered callers","status":"PERMISSION_DENIED"}}"#;
    assert_eq!(failure(403, body).kind(), ErrorKind::KeyRejected);
    assert_eq!(failure(403, r#"{"error":{"message":"No","status":"PERMISSION_DENIED"}}"#).kind(), ErrorKind::Forbidden);
}

#[test]
fn a_401_is_always_a_rejected_key() {
    assert_eq!(failure(401, r#"{"error":{"errors":[{"reason":"invalidValue"}]}}"#).kind(), ErrorKind::KeyRejected);
}

#[test]
fn the_window_of_a_limit_is_read() {
    let window = |status, body: String| failure(status, body).limit_window.map(|window| window.as_secs());
    assert_eq!(window(429, quota_unit("1/min/{project}")), Some(60));
    assert_eq!(window(429, quota_unit("1/100s/{project}/{user}")), Some(100));
    assert_eq!(window(429, quota_metric("per minute")), Some(60));
    assert_eq!(window(403, with_message("userRateLimitExceeded", "100 Queries per 100 seconds per user")), Some(100));
    assert_eq!(window(429, quota_metric("per day")), None);
    assert_eq!(window(429, quota_unit("1/{project}")), None);
    // The unit takes precedence over the text and over a reason that means a daily limit.
    let both = with_metadata("quotaExceeded", "RATE_LIMIT_EXCEEDED", "X", json!({"quota_unit": "1/min/{project}"}));
    let both = both.replace("Said.", "10,000 queries per day");
    assert_eq!((failure(403, &both).kind(), window(403, both)), (ErrorKind::RateLimited, Some(60)));
    // Without a limit there is no window.
    assert_eq!(window(403, with_message("keyInvalid", "per minute")), None);
}

#[test]
fn a_body_with_a_broken_end_is_read_up_to_there() {
    let body = with_details("badRequest", "API_KEY_INVALID", "INVALID_ARGUMENT");
    assert_eq!(failure(400, format!("{body}\r\n0\r\n<html>")).kind(), ErrorKind::KeyRejected);
    let kind = |status, end: &str| {
        let body =
            r#"{"error":{"code":403,"message":"Quota","errors":[{"domain":"youtube.quota","reason":"quotaExceeded","#;
        failure(status, &body[..body.find(end).unwrap() + end.len()]).kind()
    };
    assert_eq!(
        (kind(403, "quotaExceeded\""), kind(403, "quotaExceeded")),
        (ErrorKind::QuotaExceeded, ErrorKind::Forbidden)
    );
    assert_eq!(
        (kind(500, "{"), kind(429, "{"), kind(401, "Quo")),
        (ErrorKind::ServerError, ErrorKind::RateLimited, ErrorKind::KeyRejected)
    );
}

#[test]
fn a_response_without_an_explanation_is_described() {
    let described = |status, location: Option<&str>, body: &str| {
        let mut response = response(status, body);
        response.head.location = location.map(str::to_owned);
        let failure = read(&response, now());
        (failure.error.message, failure.remedy)
    };
    let login = Some(Remedy::LogInToNetwork);
    let blocked = "<html><head><title>Attention Required! | Shield</title>";
    for (status, location, body, message, remedy) in [
        (
            403,
            None,
            blocked,
            "HTTP status 403 (a web page titled 'Attention Required! | Shield')",
            Some(Remedy::CheckNetwork),
        ),
        (403, None, "<h1>No</h1>", "HTTP status 403 (a web page)", Some(Remedy::CheckNetwork)),
        (403, None, "error code: 1020\n", "HTTP status 403 (it says 'error code: 1020')", Some(Remedy::CheckNetwork)),
        (403, None, "{}", "HTTP status 403 without an explanation", None),
        (429, None, blocked, "too many requests (a web page titled 'Attention Required! | Shield')", None),
        (503, None, "upstream connect error", "the server reported an error (it says 'upstream connect error')", None),
        (
            302,
            Some("https://portal.example.org/login?next=x"),
            "",
            "a redirect to portal.example.org, which is not followed: the key would go with it",
            login,
        ),
        (302, Some("/x"), "", "a redirect, which is not followed: the key would go with it", None),
        (511, None, HTML, "the network requires a login (a web page titled 'Error 404 (Not Found)!!1')", login),
        (407, None, "", "the proxy requires a login (407)", None),
        (410, None, "", "gone; is --base-url right?", None),
        (204, None, "", "a response without content", None),
        (206, None, "", "partial content, though the whole was requested", None),
        (304, None, "", "not modified, though the request was unconditional; a cache in between is at fault", None),
        (
            451,
            None,
            "",
            "not available for legal reasons; the country or the network forbids it",
            Some(Remedy::CheckNetwork),
        ),
    ] {
        assert_eq!(described(status, location, body), (message.to_owned(), remedy));
    }
}

#[test]
fn a_200_that_is_not_a_chart_is_described() {
    let described = |body: &str| read_not_a_chart(&response(200, body));
    let question = "is a proxy or a login page in between?";
    for (body, message) in [
        (
            "<title>Log in</title>",
            format!("the response is not a YouTube chart (a web page titled 'Log in'); {question}"),
        ),
        ("Access denied", format!("the response is not a YouTube chart (it says 'Access denied'); {question}")),
        ("{}", format!("the response is not a YouTube chart; {question}")),
        (
            r#"{"kind":"youtube#searchListResponse"}"#,
            "the response is not a chart but a 'youtube#searchListResponse'".into(),
        ),
        (&forbidden("Not you"), "an error with status 200: Not you".into()),
    ] {
        let error = described(body).error;
        assert_eq!((error.kind, error.status, error.message), (ErrorKind::BadResponse, Some(200), message));
    }
    assert_eq!(described("<p>").remedy, Some(Remedy::LogInToNetwork));
}
