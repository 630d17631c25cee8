use serde_json::{Value, json};

use super::*;
use crate::model::error::Remedy;
use crate::youtube::client::ResponseHead;

pub(super) const HTML: &str = "<!DOCTYPE html><html><title>Error 404 (Not Found)!!1</title><p>That’s an error.</html>";

fn now() -> Timestamp {
    "2026-11-22T21:00:00Z".parse().unwrap()
}

fn reply(status: u16, body: impl AsRef<[u8]>) -> Response {
    Response { head: ResponseHead { status, ..ResponseHead::default() }, body: body.as_ref().to_vec() }
}

pub(super) fn failure(status: u16, body: impl AsRef<[u8]>) -> AttemptFailure {
    read(&reply(status, body), now())
}

/// The layout of old: `errors[]` alone.
pub(super) fn errors(reason: &str) -> String {
    saying(reason, "Said.")
}

pub(super) fn saying(reason: &str, message: &str) -> String {
    let errors = json!([{"message": message, "domain": "global", "reason": reason}]);
    json!({"error": {"message": message, "errors": errors}}).to_string()
}

/// The layout of today: `errors[]`, `details[]` and `status`.
pub(super) fn whole(reason: &str, detail: &str, status: &str) -> String {
    with_metadata(reason, detail, status, json!({"service": "youtube.googleapis.com"}))
}

pub(super) fn with_metadata(reason: &str, detail: &str, status: &str, metadata: Value) -> String {
    let info = json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail, "metadata": metadata});
    let errors = json!([{"message": "Said.", "domain": "global", "reason": reason}]);
    json!({"error": {"message": "Said.", "status": status, "errors": errors, "details": [info]}}).to_string()
}

/// `errors[]` and `status`, as from the front end of Google's APIs.
pub(super) fn coded(reason: &str, status: &str) -> String {
    json!({"error": {"message": "Said.", "status": status, "errors": [{"reason": reason}]}}).to_string()
}

/// A limit of Google's quota service.
pub(super) fn limit(unit: &str) -> String {
    with_metadata("rateLimitExceeded", "RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", json!({"quota_unit": unit}))
}

/// After the body in googleapis/google-api-python-client#2753: no details, so only the message tells.
pub(super) fn metric(limit: &str) -> String {
    let message = format!(
        "Quota exceeded for quota metric 'Queries' and limit 'Queries {limit}' of service 'youtube.googleapis.com' for consumer 'project_number:1'."
    );
    saying("rateLimitExceeded", &message)
}

/// A body of old, in which only the message tells.
pub(super) fn forbidden(message: &str) -> String {
    json!({"error": {"message": message, "status": "PERMISSION_DENIED", "errors": [{"reason": "forbidden"}]}})
        .to_string()
}

pub(super) fn word(word: &str) -> String {
    json!({ "error": word }).to_string()
}

#[test]
fn the_region_is_named_by_a_location_else_by_the_message() {
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
                400 => ErrorKind::BadRequest,
                401 => ErrorKind::KeyRejected,
                403 => ErrorKind::Forbidden,
                407 => ErrorKind::ProxyLogin,
                408 | 500.. => ErrorKind::ServerError,
                429 => ErrorKind::RateLimited,
                _ => ErrorKind::BadResponse,
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
        let AttemptFailure { error, retry_after, .. } = failure(503, json!({ "error": error }).to_string());
        assert_eq!((error.kind, error.reason, retry_after), (ErrorKind::ServerError, None, None), "{odd}");
    }
    let deep = format!(r#"{{"error":{{"errors":{}{}}}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(failure(403, deep).kind(), ErrorKind::Forbidden);
}

#[test]
fn a_message_is_one_line_without_markup_or_controls() {
    let message = |text: &str| failure(403, saying("quotaExceeded", text)).error.message;
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
    assert_eq!(failure(403, body).kind(), ErrorKind::KeyRejected);
    assert_eq!(failure(403, r#"{"error":{"message":"No","status":"PERMISSION_DENIED"}}"#).kind(), ErrorKind::Forbidden);
}

#[test]
fn a_401_is_a_refused_key_whatever_else_it_says() {
    assert_eq!(failure(401, r#"{"error":{"errors":[{"reason":"invalidValue"}]}}"#).kind(), ErrorKind::KeyRejected);
}

#[test]
fn a_limit_that_names_its_window_is_waited_out_for_it() {
    let window = |status, body: String| failure(status, body).limit_window.map(|window| window.as_secs());
    assert_eq!(window(429, limit("1/min/{project}")), Some(60));
    assert_eq!(window(429, limit("1/100s/{project}/{user}")), Some(100));
    assert_eq!(window(429, metric("per minute")), Some(60));
    assert_eq!(window(403, saying("userRateLimitExceeded", "100 Queries per 100 seconds per user")), Some(100));
    assert_eq!(window(429, metric("per day")), None);
    assert_eq!(window(429, limit("1/{project}")), None);
    // The unit goes before the text, also for a reason that is about a day without it.
    let both = with_metadata("quotaExceeded", "RATE_LIMIT_EXCEEDED", "X", json!({"quota_unit": "1/min/{project}"}));
    let both = both.replace("Said.", "10,000 queries per day");
    assert_eq!((failure(403, &both).kind(), window(403, both)), (ErrorKind::RateLimited, Some(60)));
    // Without a limit there is nothing to wait for.
    assert_eq!(window(403, saying("keyInvalid", "per minute")), None);
}

#[test]
fn a_body_with_a_broken_end_is_read_as_far_as_it_goes() {
    let body = whole("badRequest", "API_KEY_INVALID", "INVALID_ARGUMENT");
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
fn an_answer_that_does_not_explain_itself_is_described() {
    let said = |status, location: Option<&str>, body: &str| {
        let mut reply = reply(status, body);
        reply.head.location = location.map(str::to_owned);
        let error = read(&reply, now()).error;
        (error.message, error.remedy)
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
        (503, None, "upstream connect error", "the server has trouble (it says 'upstream connect error')", None),
        (
            302,
            Some("https://portal.example.org/login?next=x"),
            "",
            "a redirect to portal.example.org, which is not followed: the key would go with it",
            login,
        ),
        (302, Some("/x"), "", "a redirect, which is not followed: the key would go with it", None),
        (511, None, HTML, "the network wants a login (a web page titled 'Error 404 (Not Found)!!1')", login),
        (407, None, "", "the proxy wants a login (407)", None),
        (410, None, "", "nothing there any more; is --base-url right?", None),
        (204, None, "", "an answer without content, where a chart was asked for", None),
        (206, None, "", "a part of an answer, though the whole was asked for", None),
        (
            304,
            None,
            "",
            "not modified, it says, though no earlier answer was named; a cache in between is at fault",
            None,
        ),
        (
            451,
            None,
            "",
            "not available for legal reasons; the country or the network forbids it",
            Some(Remedy::CheckNetwork),
        ),
    ] {
        assert_eq!(said(status, location, body), (message.to_owned(), remedy));
    }
}

#[test]
fn an_answer_with_200_that_is_no_chart_says_what_it_is() {
    let said = |body: &str| read_other(&reply(200, body)).error;
    let question = "is a proxy or a login page in between?";
    for (body, message) in [
        (
            "<title>Log in</title>",
            format!("the answer is no chart of YouTube's (a web page titled 'Log in'); {question}"),
        ),
        ("Access denied", format!("the answer is no chart of YouTube's (it says 'Access denied'); {question}")),
        ("{}", format!("the answer is no chart of YouTube's; {question}")),
        (
            r#"{"kind":"youtube#searchListResponse"}"#,
            "the answer is no chart but a 'youtube#searchListResponse'".into(),
        ),
        (&forbidden("Not you"), "an error with status 200: Not you".into()),
    ] {
        let error = said(body);
        assert_eq!((error.kind, error.status, error.message), (ErrorKind::BadResponse, Some(200), message));
    }
    assert_eq!(said("<p>").remedy, Some(Remedy::LogInToNetwork));
}
