//! Property tests: the fuzz targets of `tests/fuzz` with the same oracles, on stable Rust, and text from outside on its
//! way through the whole program.

use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, tz::TimeZone};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use trendfetch::model::error::ErrorKind;
use trendfetch::normalize::{self, PageError, PageRange};
use trendfetch::support::sanitize;
use trendfetch::youtube::client::{Response, ResponseHead};
use trendfetch::youtube::request;

use crate::harness::{Answer, Outcome, Run, Server, item};

#[path = "../fuzz/oracles.rs"]
mod oracles;

use oracles::{NOW, assert_visible, error_response, is_invisible, now, request, response};

/// Failures are not persisted, so that nothing is written into the repository.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 20 * cases, ..ProptestConfig::default() }
}

const STATUSES: RangeInclusive<u16> = 100..=599;

/// Terminal control sequences, invisible characters, formula prefixes, cell separators, and phrases of error messages.
const HOSTILE_TEXTS: &[&str] = &[
    "\u{1b}[2J",
    "\u{1b}[31m",
    "\u{1b}]8;;https://example.org\u{7}",
    "\u{1b}]0;t\u{1b}\\",
    "\u{9b}31m",
    "\u{9d}0;t\u{9c}",
    "\0",
    "\u{7}",
    "\u{8}",
    "\t",
    "\n",
    "\r",
    "\r\n",
    "\u{7f}",
    "\u{85}",
    "\u{ad}",
    "\u{61c}",
    "\u{200b}",
    "\u{200d}",
    "\u{200f}",
    "\u{202e}",
    "\u{2028}",
    "\u{2066}",
    "\u{2069}",
    "\u{feff}",
    "\u{1bca0}",
    "\u{e0041}",
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "\"",
    "'",
    ",",
    ";",
    "|",
    "<b>",
    "</b>",
    "<",
    ">",
    "…",
    " ",
    "  ",
    "日本",
    "ż",
    "🎵",
    "per day",
    "regionCode",
    "unregistered callers",
];

/// Items of a region list other than codes.
const REGION_ITEMS: &[&str] = &["all", "dailywatch", "ViralVidVault", "South Korea", "*", "", " pl ", "\u{212a}O", "İ"];

fn hostile_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => select(HOSTILE_TEXTS).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => "[a-zA-Z ]{0,9}",
    ];
    vec(piece, 0..7).prop_map(|pieces| pieces.concat())
}

/// Arbitrary JSON with the field names of pages and error responses.
fn arbitrary_json() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &[
        "id",
        "snippet",
        "title",
        "channelTitle",
        "channelId",
        "tags",
        "thumbnails",
        "default",
        "maxres",
        "url",
        "categoryId",
        "publishedAt",
        "defaultLanguage",
        "defaultAudioLanguage",
        "liveBroadcastContent",
        "contentDetails",
        "duration",
        "contentRating",
        "ytRating",
        "statistics",
        "viewCount",
        "likeCount",
        "status",
        "embeddable",
        "error",
        "errors",
        "details",
        "reason",
        "message",
        "location",
        "metadata",
        "quota_unit",
        "retryDelay",
        "error_description",
    ];
    const TEXTS: &[&str] = &[
        "abcdefghijk",
        "-_",
        "PT1H2M3S",
        "P0D",
        "PT99999999999H",
        "P1W",
        "2026-11-20T10:00:00Z",
        "-000001-01-01T00:00:00Z",
        "0000-12-31T23:59:60Z",
        "18446744073709551616",
        "20",
        "en-US",
        "zxx",
        "mul",
        "iw",
        "ji",
        "live",
        "ytAgeRestricted",
        "quotaExceeded",
        "API_KEY_INVALID",
        "rateLimitExceeded",
        "regionCode",
        "1/d/{project}",
        "3.5s",
        "UNAVAILABLE",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(TEXTS).prop_map(Value::from),
        hostile_text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 60, 6, |inner| {
        let object = vec((select(NAMES), inner.clone()), 0..6);
        prop_oneof![
            vec(inner, 0..5).prop_map(Value::from),
            object.prop_map(|fields| Value::from(Map::from_iter(
                fields.into_iter().map(|(name, value)| (name.into(), value))
            ))),
        ]
    })
}

/// The text of an object that may have duplicate fields and numbers beyond the range of f64.
fn unusual_json() -> impl Strategy<Value = String> {
    const NAMES: &[&str] =
        &["id", "kind", "items", "snippet", "title", "tags", "thumbnails", "high", "url", "statistics"];
    let leaf = prop_oneof![
        1 => Just("1e999".to_owned()),
        2 => Just(r#""youtube#videoListResponse""#.to_owned()),
        9 => arbitrary_json().prop_map(|json| json.to_string()),
    ];
    let json = leaf.prop_recursive(4, 60, 6, |inner| {
        let field = (select(NAMES), inner.clone()).prop_map(|(name, value)| format!("{name:?}:{value}"));
        prop_oneof![
            vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(","))),
            vec(field, 0..9).prop_map(|fields| format!("{{{}}}", fields.join(","))),
        ]
    });
    vec(json, 0..4).prop_map(|items| format!(r#"{{"items":5,"items":[{}]}}"#, items.join(",")))
}

/// JSON escapes, with their UTF-16 code units.
fn escapes() -> impl Strategy<Value = Vec<(&'static str, &'static [u16])>> {
    const ESCAPES: &[(&str, &[u16])] = &[
        (r"\ud83d", &[0xd83d]),
        (r"\uDBFF", &[0xdbff]),
        (r"\ude00", &[0xde00]),
        (r"\ud83d\ude00", &[0xd83d, 0xde00]),
        (r"\u0041", &[0x41]),
        (r"\\", &[0x5c]),
        (r#"\""#, &[0x22]),
        (r"\n", &[0xa]),
        ("ud83d", &[0x75, 0x64, 0x38, 0x33, 0x64]),
        ("1e999", &[0x31, 0x65, 0x39, 0x39, 0x39]),
        ("ż", &[0x17c]),
    ];
    vec(select(ESCAPES), 0..9)
}

/// A valid item, one with an arbitrary value somewhere, or arbitrary JSON.
fn arbitrary_item() -> impl Strategy<Value = Value> {
    const POINTERS: &[&str] = &[
        "/id",
        "/snippet",
        "/snippet/title",
        "/snippet/tags",
        "/snippet/thumbnails/default",
        "/snippet/categoryId",
        "/snippet/publishedAt",
        "/snippet/defaultAudioLanguage",
        "/contentDetails",
        "/contentDetails/duration",
        "/statistics",
        "/statistics/viewCount",
        "/status/embeddable",
    ];
    let changed = (select(POINTERS), arbitrary_json()).prop_map(|(pointer, value)| {
        let mut item = item("abcdefghijk");
        *item.pointer_mut(pointer).unwrap() = value;
        item
    });
    prop_oneof![Just(item("abcdefghijk")), changed, arbitrary_json()]
}

fn body(items: &[Value], ascii: bool) -> Vec<u8> {
    let body = json!({"kind": "youtube#videoListResponse", "items": items, "nextPageToken": "CDIQAA"}).to_string();
    if !ascii {
        return body.into_bytes();
    }
    let mut units = [0; 2];
    let escaped = body.chars().map(|character| match character {
        plain if plain.is_ascii() => plain.to_string(),
        other => other.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect(),
    });
    escaped.collect::<String>().into_bytes()
}

fn read_page(body: &[u8]) -> Result<normalize::Page, PageError> {
    normalize::parse_page(body, PageRange { offset: 0, size: 50, description: false, fetched_at: now() })
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn any_bytes_are_an_ordered_page_or_an_error(bytes in vec(any::<u8>(), 0..200)) {
        oracles::check_page(&bytes);
    }

    #[test]
    fn any_json_is_an_ordered_page_or_an_error(json in arbitrary_json()) {
        oracles::check_page(json.to_string().as_bytes());
    }

    #[test]
    fn invalid_items_do_not_affect_valid_ones(items in vec(arbitrary_item(), 0..60), ascii: bool) {
        let body = body(&items, ascii);
        oracles::check_page(&body);
        let page = read_page(&body).unwrap();
        let valid = items.iter().take(50).filter(|it| **it == item("abcdefghijk")).count();
        prop_assert_eq!(page.items as usize, items.len().min(50));
        prop_assert!(page.entries.len() >= valid);
    }

    #[test]
    fn json_with_repeated_fields_and_huge_numbers_is_a_page(json in unusual_json()) {
        oracles::check_page(json.as_bytes());
        prop_assert!(read_page(json.as_bytes()).is_ok());
    }

    #[test]
    fn unpaired_surrogates_are_replaced_everywhere(escapes in escapes()) {
        let json: String = escapes.iter().map(|(json, _)| *json).collect();
        let text = String::from_utf16_lossy(&escapes.iter().flat_map(|(_, units)| *units).copied().collect::<Vec<_>>());
        let body = format!(
            r#"{{"{json}":"{json}","items":[{{"id":"a","{json}":["{json}"],"snippet":{{"title":"{json}","tags":["{json}"]}}}}]}}"#
        );
        oracles::check_page(body.as_bytes());
        let page = read_page(body.as_bytes()).unwrap();
        let video = &page.entries[0].video;
        prop_assert_eq!((&*video.title, video.tags.iter().collect::<Vec<_>>()), (&*text, vec![&*text]), "{}", body);
    }

    #[test]
    fn a_page_cut_anywhere_is_truncated(
        items in vec(arbitrary_item(), 0..4), ascii: bool, cut in any::<proptest::sample::Index>(),
    ) {
        let body = ["\u{feff}".as_bytes(), &body(&items, ascii)].concat();
        let cut = cut.index(body.len());
        let cut = &body[..cut];
        prop_assert_eq!(read_page(cut), Err(PageError::Truncated), "{:?}", String::from_utf8_lossy(cut));
    }

    #[test]
    fn any_error_response_has_a_kind_a_clean_message_and_a_bounded_wait(
        status in STATUSES.prop_filter("a page", |status| *status != 200),
        retry_after in proptest::option::of(header_value()),
        date in proptest::option::of(header_value()),
        body in prop_oneof![
            arbitrary_json().prop_map(|json| json.to_string()),
            arbitrary_json().prop_map(|json| json!({ "error": json }).to_string()),
            (hostile_text(), hostile_text()).prop_map(|(reason, message)| with_details(&reason, "vague", "NEWS", &message)),
            (hostile_text(), hostile_text()).prop_map(|(reason, message)| with_string(&reason, &message)),
            hostile_text(),
        ],
    ) {
        oracles::check_error_response(&Response { head: ResponseHead { status, retry_after, date, ..ResponseHead::default() }, body: body.into_bytes() });
    }

    #[test]
    fn the_three_date_formats_request_the_same_wait(until in 0_i64..3_000_000_000, ahead in -5_000_i64..5_000) {
        let until = if ahead % 2 == 0 { until } else { NOW + ahead };
        let wait = |value: String| error_response(&Response { head: ResponseHead { status: 503, retry_after: Some(value), ..ResponseHead::default() }, body: Vec::new() }).retry_after;
        let date = Timestamp::from_second(until).unwrap().to_zoned(TimeZone::UTC);
        let expected = Some(Duration::from_secs(u64::try_from(until - NOW).unwrap_or(0)));
        prop_assert_eq!(wait(date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()), expected);
        prop_assert_eq!(wait(date.strftime("%A, %d-%b-%y %H:%M:%S GMT").to_string()), expected);
        prop_assert_eq!(wait(date.strftime("%a %b %e %H:%M:%S %Y").to_string()), expected);
    }

    #[test]
    fn a_region_list_is_ordered_and_distinct_or_has_a_clean_error(
        items in vec(prop_oneof![
            4 => "[a-zA-Z]{2}",
            1 => select(REGION_ITEMS).prop_map(str::to_owned),
            1 => hostile_text(),
        ], 0..9),
    ) {
        oracles::check_regions(&items.join(","));
    }

    #[test]
    fn any_document_round_trips_or_is_rejected(
        at in any::<proptest::sample::Index>(), length in 0_usize..12, inserted in prop_oneof![hostile_text(), "[0-9\\[\\]{}\",:a-z-]{0,6}"],
    ) {
        let document = include_bytes!("../fuzz/seeds/document/demo.json");
        let at = at.index(document.len());
        let changed = [&document[..at], inserted.as_bytes(), document.get(at + length..).unwrap_or_default()].concat();
        oracles::check_document(document);
        oracles::check_document(&changed);
    }

    #[test]
    fn text_for_a_terminal_is_complete_or_ends_in_an_ellipsis(raw in hostile_text(), limit in 0_usize..40) {
        oracles::check_text(&raw, limit);
    }
}

#[test]
fn every_control_or_invisible_character_is_escaped() {
    for character in '\0'..=char::MAX {
        assert_visible("escape_invisible", &sanitize::escape_invisible(&character.to_string()));
    }
}

/// Found by `a_page_cut_anywhere_is_truncated`: serde_json reports an invalid number.
#[test]
fn a_page_cut_within_a_number_is_truncated() {
    for cut in ["-", "1.", "1e", "1.5E+", "-0.5e-"] {
        let body = format!(r#"{{"items":[{{"id":"a","height":{cut}"#);
        assert_eq!(read_page(body.as_bytes()), Err(PageError::Truncated), "{cut}");
    }
    assert_eq!(read_page(b"Service temporarily unavailable"), Err(PageError::WrongShape));
}

fn header_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{1,25}",
        "[-+ ]?[0-9.]{0,9}[es]?",
        (0_i64..4_000_000_000)
            .prop_map(|at| { httpdate::fmt_http_date(SystemTime::from(Timestamp::from_second(at).unwrap())) }),
        "(Sun|Mon), [0-9]{2} Nov 2026 [0-9]{2}:[0-9]{2}:[0-9]{2} GMT",
        hostile_text(),
    ]
}

/// An error response with `errors[]` only.
fn with_errors(reason: &str, message: &str) -> String {
    json!({"error": {"code": 400, "message": message, "errors": [{"reason": reason, "message": message}]}}).to_string()
}

/// An error response with `errors[]`, `details[]` and `status`.
fn with_details(detail: &str, reason: &str, status: &str, message: &str) -> String {
    let details = json!([{"@type": "x"}, {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": detail}]);
    json!({"error": {"message": message, "status": status, "errors": [{"reason": reason}], "details": details}})
        .to_string()
}

/// An OAuth error response, in which `error` is a string.
fn with_string(reason: &str, message: &str) -> String {
    json!({"error": reason, "error_description": message}).to_string()
}

/// The reasons of "YouTube Data API - Errors" and of `google.rpc.Code`, and their kinds under any status except 401, 407
/// and 429. The second kind applies if the message names a daily limit or the region.
const REASONS: &[(ErrorKind, ErrorKind, &[&str])] = {
    use ErrorKind::{
        BadParameter, BadRequest, BadResponse, KeyRejected, QuotaExceeded, RateLimited, RegionUnsupported, ServerError,
    };
    &[
        (
            KeyRejected,
            KeyRejected,
            &[
                "API_KEY_INVALID",
                "API_KEY_SERVICE_BLOCKED",
                "API_KEY_IP_ADDRESS_BLOCKED",
                "API_KEY_HTTP_REFERRER_BLOCKED",
                "keyInvalid",
                "keyExpired",
                "accessNotConfigured",
                "SERVICE_DISABLED",
                "ipRefererBlocked",
                "CONSUMER_INVALID",
                "CONSUMER_SUSPENDED",
                "BILLING_DISABLED",
                "authError",
                "CREDENTIALS_MISSING",
                "UNAUTHENTICATED",
            ],
        ),
        (QuotaExceeded, QuotaExceeded, &["quotaExceeded", "dailyLimitExceeded"]),
        (
            RateLimited,
            QuotaExceeded,
            &[
                "rateLimitExceeded",
                "RATE_LIMIT_EXCEEDED",
                "userRateLimitExceeded",
                "servingLimitExceeded",
                "concurrentLimitExceeded",
                "RESOURCE_EXHAUSTED",
            ],
        ),
        (RegionUnsupported, RegionUnsupported, &["videoChartNotFound", "notFound", "invalidRegionCode", "NOT_FOUND"]),
        (BadResponse, BadResponse, &["invalidPageToken"]),
        (
            BadRequest,
            RegionUnsupported,
            &["invalidParameter", "invalidValue", "INVALID_ARGUMENT", "FAILED_PRECONDITION"],
        ),
        (
            BadParameter,
            RegionUnsupported,
            &[
                "missingRequiredParameter",
                "unexpectedParameter",
                "incompatibleParameters",
                "invalidFilters",
                "unknownPart",
            ],
        ),
        (
            ServerError,
            ServerError,
            &[
                "backendError",
                "internalError",
                "processingFailure",
                "SERVICE_UNAVAILABLE",
                "UNAVAILABLE",
                "INTERNAL",
                "DEADLINE_EXCEEDED",
            ],
        ),
    ]
};

#[test]
fn all_layouts_agree_on_every_reason_under_every_status() {
    for (kind, kind_by_message, reasons) in REASONS {
        for (message, expected) in [("A message.", kind), ("10 per day, for regionCode", kind_by_message)] {
            for reason in *reasons {
                let bodies = [
                    with_errors(reason, message),
                    // The more specific field takes precedence.
                    with_details(reason, "quotaExceeded", "UNAVAILABLE", message),
                    with_details("news", reason, "UNAVAILABLE", message),
                    with_string(reason, message),
                ];
                for status in STATUSES.filter(|status| *status != 200) {
                    let expected = match (status, *expected) {
                        (401, _) => ErrorKind::KeyRejected,
                        (407, _) => ErrorKind::ProxyLogin,
                        (429, kind @ (ErrorKind::KeyRejected | ErrorKind::QuotaExceeded)) => kind,
                        (429, _) if message.contains("per day") => ErrorKind::QuotaExceeded,
                        (429, _) => ErrorKind::RateLimited,
                        (_, kind) => kind,
                    };
                    for body in &bodies {
                        let error = error_response(&response(status, body.as_str())).error;
                        assert_eq!((error.kind, &*error.message), (expected, message), "{status} {body}");
                        let has_reason = error.reason.as_deref() == Some(reason);
                        assert!(has_reason || [401, 407, 429].contains(&status), "{status} {body}: {:?}", error.reason);
                    }
                }
            }
        }
    }
}

#[test]
fn only_status_200_returns_a_page() {
    let page = body(&[item("abcdefghijk")], false);
    for status in STATUSES {
        let outcome = request::read_response(&response(status, page.clone()), &request(), now());
        assert_eq!(outcome.is_ok(), status == 200, "{status}");
        if status != 200 {
            oracles::check_error_response(&response(status, page.clone()));
        }
    }
}

/// Text from outside in one run: titles with channels, and error reasons with messages.
#[derive(Debug, Clone)]
struct OutsideText {
    titles: Vec<(String, String)>,
    errors: [(String, String); 4],
}

fn outside_text() -> impl Strategy<Value = OutsideText> {
    let pair = || (hostile_text(), hostile_text());
    let errors = [pair(), pair(), pair(), pair()];
    (vec(pair(), 20..40), errors).prop_map(|(titles, errors)| OutsideText { titles, errors })
}

/// A server that returns the titles for US, and errors in four layouts for four other regions.
fn server(text: &OutsideText) -> Server {
    let items: Vec<Value> =
        text.titles.iter().enumerate().map(|(index, (title, channel))| video(index, title, channel)).collect();
    let [first, second, third, fourth] = text.errors.clone();
    Server::start(move |hit| match hit.region() {
        "US" => Answer::json(&json!({"items": items})),
        "GB" => Answer::new(404, with_errors(&first.0, &first.1)),
        "PL" => Answer::new(503, with_details(&second.0, "backendError", "UNAVAILABLE", &second.1)),
        "DE" => Answer::new(404, with_string(&third.0, &third.1)),
        _ => {
            let named = json!([{"reason": fourth.0, "location": "regionCode"}]);
            Answer::new(400, json!({"error": {"message": fourth.1, "errors": named}}).to_string())
        }
    })
}

fn video(index: usize, title: &str, channel: &str) -> Value {
    let mut video = item(&format!("{}video-{index}", if index.is_multiple_of(2) { "-" } else { "" }));
    video["snippet"]["title"] = title.into();
    video["snippet"]["channelTitle"] = channel.into();
    video["snippet"]["tags"] = json!([channel, title]);
    video["snippet"]["channelId"] = title.into();
    video["snippet"]["thumbnails"]["default"]["url"] = channel.into();
    video
}

fn run_with(text: &OutsideText, options: &str) -> Outcome {
    let options = format!("-r US,GB,PL,DE,FR -c 0 --retries 1 --backoff 1ms {options}");
    Run::on(&server(text), &options).finish().exits(3)
}

/// Line feeds are the program's own.
#[track_caller]
fn assert_lines_visible(what: &str, text: &str) {
    text.split('\n').for_each(|line| assert_visible(what, line));
}

/// Removes the cursor movements of progress lines: `\r`, `ESC [ n A`, `ESC [ K` and the like. Of these, the texts of this
/// file only contain `\r`, which the other runs check.
fn without_cursor_moves(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        let command = after.strip_prefix('[').map(|after| after.trim_start_matches(|it: char| it.is_ascii_digit()));
        match command.and_then(|after| after.strip_prefix(['A', 'B', 'C', 'D', 'K'])) {
            Some(remaining) => rest = remaining,
            None => {
                out.push('\u{1b}');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out.replace('\r', "")
}

/// The cell of a value that is not free text.
fn exact_cell(value: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match value {
        Value::Null => String::new(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join("|"),
        Value::Object(values) => {
            values.iter().map(|(key, value)| format!("{key}:{value}")).collect::<Vec<_>>().join("|")
        }
        value => text(value),
    }
}

/// Whether a spreadsheet would treat the cell as a formula.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])
}

proptest! {
    #![proptest_config(cases(4))]

    #[test]
    fn text_from_outside_cannot_control_the_terminal(text in outside_text()) {
        let shown = run_with(&text, "-f table -v");
        assert_lines_visible("the table", &shown.stdout);
        assert_lines_visible("stats and log", &shown.stderr);
        prop_assert_eq!(shown.stdout.lines().count(), 1 + text.titles.len(), "a title starts a new line");
        prop_assert!(shown.stderr.contains("4 of 5 regions failed"));

        let drawn = run_with(&text, "-vv --progress always");
        assert_lines_visible("the stats", &drawn.stdout);
        prop_assert!(drawn.stderr.contains('\u{1b}'), "no progress is shown");
        assert_lines_visible("the progress", &without_cursor_moves(&drawn.stderr));
        // Progress lines are redrawn again and again, so each is checked by itself.
        for line in drawn.stderr.split(['\n', '\r']) {
            prop_assert!(line.len() < 4_000, "a line is too long");
        }
    }

    #[test]
    fn json_keeps_text_from_outside_and_log_lines_stay_valid(text in outside_text()) {
        let outcome = run_with(&text, "-o out.json -v --log-format json");
        let document: Value = serde_json::from_str(&outcome.read("out.json")).unwrap();
        for (index, (title, channel)) in text.titles.iter().enumerate() {
            let video = &document["videos"][index];
            prop_assert_eq!((&video["title"], &video["channel"]), (&json!(title), &json!(channel)));
        }
        assert_lines_visible("the log", &outcome.stderr);
        prop_assert!(!outcome.stderr.is_empty());
        for line in outcome.stderr.lines() {
            let line: Result<Value, _> = serde_json::from_str(line);
            prop_assert!(line.is_ok_and(|line| line["level"].is_string()), "{}", outcome.stderr);
        }
    }

    #[test]
    fn csv_cells_keep_their_values_and_are_never_formulas(text in outside_text()) {
        for rows in ["videos", "entries"] {
            let options = format!("-o out.csv -o out.ndjson --rows {rows} --description");
            let outcome = run_with(&text, &options);
            let csv = outcome.read("out.csv");
            let mut reader = csv::Reader::from_reader(csv.as_bytes());
            let columns = reader.headers().unwrap().clone();
            let records: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            prop_assert_eq!(records.len(), text.titles.len());
            let objects = outcome.read("out.ndjson");
            let objects = objects.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            for (record, (object, (title, channel))) in records.iter().zip(objects.zip(&text.titles)) {
                let tags = format!("{channel}|{title}");
                for (name, cell) in columns.iter().zip(record) {
                    let free_text = match name {
                        "title" => title,
                        "channel" => channel,
                        "tags" => &tags,
                        "description" => "",
                        _ => {
                            prop_assert!(!is_formula(cell) || matches!(name, "video_id" | "channel_id"), "{}: {:?}", name, cell);
                            prop_assert_eq!(cell, exact_cell(&object[name]), "{}", name);
                            continue;
                        }
                    };
                    let same = free_text.replace(|it: char| it.is_control() && it != '\n' && it != '\r', "\u{fffd}");
                    let expected = if is_formula(&same) { format!("'{same}") } else { same };
                    prop_assert_eq!(cell, &*expected, "{}", name);
                }
            }
        }
    }
}

#[test]
fn the_checks_of_this_file_recognize_hostile_text() {
    assert!(HOSTILE_TEXTS.concat().chars().filter(|character| is_invisible(*character)).count() > 25);
    assert_eq!(without_cursor_moves("\r\u{1b}[2Ka\u{1b}[1Ab\u{1b}[2J\u{1b}[31m"), "ab\u{1b}[2J\u{1b}[31m");
}
