//! Checks that panic if a property does not hold for an input. The fuzz targets share them with the property tests in
//! `tests/it/properties.rs`.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use trendfetch::config::region_list;
use trendfetch::fetch::retry::{AttemptState, MAX_BACKOFF, NextStep, Retry, RetryPolicy, decide, rule};
use trendfetch::model::error::ErrorKind;
use trendfetch::model::read_document;
use trendfetch::model::region::Region;
use trendfetch::normalize::{self, Page, PageError, PageRange};
use trendfetch::support::sanitize;
use trendfetch::youtube::client::{Response, ResponseHead};
use trendfetch::youtube::failure::AttemptFailure;
use trendfetch::youtube::request::{self, PageRequest};

/// 2026-11-22T21:00:00Z
pub const NOW: i64 = 1_795_381_200;

pub fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

pub fn response(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response { head: ResponseHead { status, ..ResponseHead::default() }, body: body.into() }
}

pub fn request() -> PageRequest {
    PageRequest {
        region: Region::new("PL").unwrap(),
        category_id: Some(10),
        offset: 0,
        size: 50,
        token: None,
        description: false,
    }
}

/// Reads an error response as `fetch` does.
pub fn error_response(response: &Response) -> AttemptFailure {
    request::read_response(response, &request(), now()).expect_err("a status other than 200 is not a page")
}

/// Characters that control a terminal or are invisible, derived independently of `sanitize::is_invisible`: the assigned
/// characters of Unicode's `Cc`, `Zl`, `Zp`, `Bidi_Control` and `Default_Ignorable_Code_Point`, without the variation
/// selectors, which emoji and ideographs need.
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{2028}' | '\u{2029}'
        | '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

#[track_caller]
pub fn assert_visible(what: &str, text: &str) {
    let invisible: Vec<char> = text.chars().filter(|character| is_invisible(*character)).collect();
    assert!(invisible.is_empty(), "{what} has {invisible:?}: {text:?}");
}

/// A document that can be read is written as it was read.
pub fn check_document(bytes: &[u8]) {
    let Ok(document) = read_document::parse(bytes) else { return };
    let written = serde_json::to_string(&document).unwrap();
    let again = read_document::parse(written.as_bytes()).expect("the written document can be read");
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
    let requested: HashSet<Region> = document.request.regions.iter().copied().collect();
    let ranks: Vec<(Region, u32)> = document.videos.iter().flat_map(|video| video.ranks.clone()).collect();
    assert_eq!(ranks.iter().collect::<HashSet<_>>().len(), ranks.len(), "a rank is used twice");
    assert!(ranks.iter().all(|(region, rank)| requested.contains(region) && *rank >= 1));
}

/// Reads a body as a page at several positions of a chart.
pub fn check_page(body: &[u8]) {
    let read = |offset, size, description| {
        normalize::parse_page(body, PageRange { offset, size, description, fetched_at: now() })
    };
    let whole = read(0, 50, true);
    for (offset, size, description) in [(0, 50, true), (0, 1, false), (50, 50, false), (150, 7, true), (199, 1, true)] {
        let page = match (read(offset, size, description), &whole) {
            (Ok(page), Ok(_)) => page,
            (Err(malformed), Err(other)) if malformed == *other => continue,
            other => panic!("whether it is a page depends on the requested range: {other:?}"),
        };
        check_page_fits(&page, offset, size, description);
        // A smaller range has the first entries of the whole page, with ranks shifted by the offset.
        let beginning = whole.as_ref().unwrap().entries.iter().filter(|entry| entry.rank <= size);
        let same = |(a, b): (&trendfetch::model::ChartEntry, &trendfetch::model::ChartEntry)| {
            a.rank == b.rank + offset && a.video.id == b.video.id && a.video.title == b.video.title
        };
        assert_eq!(page.entries.len(), beginning.clone().count());
        assert!(page.entries.iter().zip(beginning).all(same));
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(body) {
        assert_ne!(whole, Err(PageError::Truncated), "complete JSON is reported as truncated");
        let kind = json["kind"].as_str().unwrap_or(KIND);
        assert!(kind == KIND || whole == Err(PageError::WrongShape), "{kind} is accepted as a chart");
        let is_chart = kind == KIND && json["items"].is_array();
        assert!(!is_chart || whole.is_ok(), "a chart is rejected");
        // Like `Value`, the reader uses the last of duplicate fields.
        let without_duplicates = json.to_string();
        let without_duplicates = normalize::parse_page(
            without_duplicates.as_bytes(),
            PageRange { offset: 0, size: 50, description: true, fetched_at: now() },
        );
        assert_eq!(without_duplicates, whole, "duplicate fields change the page");
    }
    // `read_response` agrees, with the error kinds of the document.
    let outcome = request::read_response(&response(200, body), &request(), now());
    match (outcome, whole) {
        (Ok(page), Ok(whole)) => assert_eq!((page.items, page.skipped), (whole.items, whole.skipped)),
        (Err(failure), Err(PageError::Truncated)) => assert_eq!(failure.kind(), ErrorKind::Truncated),
        (Err(failure), Err(PageError::WrongShape)) => assert_eq!(failure.kind(), ErrorKind::BadResponse),
        other => panic!("{other:?}"),
    }
}

const KIND: &str = "youtube#videoListResponse";

fn check_page_fits(page: &Page, offset: u32, size: u32, description: bool) {
    assert!(page.items <= size);
    assert_eq!(page.skipped as usize + page.entries.len(), page.items as usize);
    assert!(page.entries.is_sorted_by(|a, b| a.rank < b.rank), "ranks do not increase");
    assert!(page.next_page_token.as_deref() != Some(""));
    for entry in &page.entries {
        assert!((offset + 1..=offset + page.items).contains(&entry.rank), "rank {}", entry.rank);
        assert_eq!(entry.fetched_at, now());
        let video = &entry.video;
        let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        assert!((1..=64).contains(&video.id.len()) && video.id.bytes().all(is_id_byte), "id {:?}", video.id);
        assert_eq!(video.description.is_some(), description);
        let texts = [(&video.title, 1_000), (&video.channel, 1_000)];
        let texts = texts.into_iter().chain(video.description.as_ref().map(|text| (text, 20_000)));
        texts.for_each(|(text, limit)| assert!(text.chars().count() <= limit, "a text is too long"));
        assert!(video.tags.iter().collect::<Vec<_>>().join("|").chars().count() <= 10_000, "tags are too long");
        for text in [&video.channel_id, &video.thumbnail, &video.language_tag].into_iter().flatten() {
            assert!((1..=1_000).contains(&text.len()), "{text:?}");
        }
        if let Some(time) = video.published_at {
            assert!(time.to_string().bytes().next().is_some_and(|digit| digit.is_ascii_digit()), "{time}");
            assert!(!time.to_string().starts_with("0000"), "{time}");
        }
        assert_ne!(video.duration_seconds, Some(0));
        if let Some(language) = &video.declared_language {
            let code = language.code();
            assert!((2..=3).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_lowercase()));
            let no_language = ["und", "zxx", "mul", "mis"];
            let renamed = ["iw", "in", "ji", "jw", "mo", "fil"];
            assert!(!no_language.contains(&code) && !renamed.contains(&code), "{code}");
        }
    }
}

/// A response with a status other than 200.
pub fn check_error_response(response: &Response) {
    let failure = error_response(response);
    assert_eq!(failure, error_response(response), "the result depends on more than the response");
    let error = &failure.error;
    let head = &response.head;
    assert_eq!(error.status, Some(head.status));
    use ErrorKind::{
        BadParameter, BadRequest, BadResponse, Forbidden, KeyRejected, ProxyLogin, QuotaExceeded, RateLimited,
        RegionUnsupported, ServerError,
    };
    let kinds_of_responses = [
        BadParameter,
        BadRequest,
        BadResponse,
        Forbidden,
        KeyRejected,
        ProxyLogin,
        QuotaExceeded,
        RateLimited,
        RegionUnsupported,
        ServerError,
    ];
    assert!(kinds_of_responses.contains(&error.kind), "{error}");
    assert!(head.status != 401 || error.kind == KeyRejected);
    assert!(head.status != 407 || error.kind == ProxyLogin);
    assert!(head.status != 429 || [KeyRejected, QuotaExceeded, RateLimited].contains(&error.kind), "{error}");
    assert!(!error.message.is_empty() && error.message.chars().count() <= 300, "{error}");
    assert_visible("the message", &error.message);
    if let Some(expected) = head.retry_after.as_deref().and_then(|value| requested_wait(value, head.date.as_deref())) {
        assert_eq!(failure.retry_after, Some(expected));
    }
    // No wait exceeds the user's limit, and nothing overflows.
    let policy = RetryPolicy { retries: 4, backoff: Duration::from_millis(500), max_wait: Duration::from_secs(60) };
    let is_rate_limited = error.kind == RateLimited;
    for (failures, left) in [(0, None), (4, None), (u32::MAX, None), (0, Some(Duration::from_secs(3)))] {
        let state = AttemptState { failures, ..AttemptState::default() };
        let decision = decide(&failure, state, &policy, left, 0.999);
        let max_wait = left.unwrap_or(policy.max_wait);
        assert!(decision.hold.is_none_or(|hold| hold <= max_wait.max(MAX_BACKOFF) && is_rate_limited));
        match decision.next_step {
            NextStep::ResendAfterHold => assert!(decision.hold.is_some() && failures < policy.retries),
            NextStep::ResendAfterBackoff(wait) => {
                assert!(!is_rate_limited && wait <= max_wait.max(MAX_BACKOFF) && failures < policy.retries)
            }
            NextStep::WaitTooLong { requested, .. } => {
                assert!(requested > max_wait && failure.retry_after.is_none_or(|it| it == requested))
            }
            NextStep::ResendNow | NextStep::StillLimited => panic!("{decision:?} after a response without a hold"),
            NextStep::GiveUp(_) => assert!(failures >= policy.retries || rule(error.kind).retry == Retry::Never),
        }
    }
}

/// The wait of a `Retry-After` header, parsed independently: whole seconds below 2^53, or a date in the preferred format.
/// `None` for anything else.
fn requested_wait(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if (1..=15).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(Duration::from_secs(value.parse().unwrap()));
    }
    let seconds = |text: &str| {
        let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()?;
        let is_plain = date >= Timestamp::UNIX_EPOCH && httpdate::fmt_http_date(SystemTime::from(date)) == text;
        is_plain.then(|| date.as_second())
    };
    let until = seconds(value)?;
    let from = date.map_or(Some(NOW), seconds)?;
    Some(Duration::from_secs(u64::try_from(until - from).unwrap_or(0)))
}

/// The argument of `--regions`.
pub fn check_regions(typed: &str) {
    match region_list::parse(typed) {
        Ok(regions) => {
            assert!(!regions.is_empty());
            assert_eq!(regions.iter().collect::<HashSet<_>>().len(), regions.len(), "a region is listed twice");
            assert!(regions.iter().all(|region| matches!(region.code().as_bytes(), [b'A'..=b'Z', b'A'..=b'Z'])));
            let codes: Vec<String> = regions.iter().map(Region::to_string).collect();
            assert_eq!(region_list::parse(&codes.join(",")).as_deref(), Ok(&regions[..]), "the codes are not accepted");
            assert_eq!(region_list::parse(&typed.to_ascii_lowercase()).as_deref(), Ok(&regions[..]));
            assert_eq!(region_list::parse(&typed.to_ascii_uppercase()).as_deref(), Ok(&regions[..]));
        }
        Err(error) => {
            let message = error.to_string();
            assert!(!message.is_empty() && message.chars().count() < 300, "{message}");
            assert_visible("the message", &message);
        }
    }
}

/// Text that is shown in a terminal.
pub fn check_text(raw: &str, limit: usize) {
    let shown = sanitize::escape_invisible(raw);
    assert_visible("escape_invisible", &shown);
    assert_eq!(sanitize::escape_invisible(&shown), shown, "escape_invisible is not idempotent");
    if !raw.contains(sanitize::is_invisible) {
        assert!(matches!(shown, Cow::Borrowed(same) if same == raw), "harmless text changes");
    }
    let line = sanitize::one_line(raw, limit);
    assert_visible("one_line", &line);
    // The ellipsis takes one character even if the limit is 0.
    assert!(line.chars().count() <= limit.max(1), "{limit}: {line:?}");
    assert_eq!(line.trim(), line);
    assert!(!line.contains("  "), "{line:?}");
    assert_eq!(sanitize::one_line(&line, limit), line, "one_line is not idempotent");
    let joined = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.strip_suffix('…') {
        Some(kept) => assert!(joined == line || joined.starts_with(kept)),
        None => assert_eq!(joined, line, "text is missing without an ellipsis"),
    }
    let json = serde_json::to_string(raw).unwrap();
    let escaped = sanitize::escape_invisible_in_json(&json);
    assert_visible("escape_invisible_in_json", &escaped);
    assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), raw, "escaping changes the JSON value");
    let plain = sanitize::strip_html(raw);
    assert!(is_nested(raw) || !has_tag(&plain), "{plain:?}");
    assert!(plain.len() <= raw.len());
    assert!(has_tag(raw) || plain == raw, "text without markup changes");
}

/// Whether the text has a tag of an element that occurs in YouTube's error messages.
fn has_tag(text: &str) -> bool {
    let elements = "a b body br center code dd div dl dt em font h1 h2 h3 head hr html i img li ol p pre q small span \
                    strong sub sup table td tr tt u ul";
    let text = text.to_ascii_lowercase();
    text.split('<').skip(1).filter_map(|after| after.split_once('>')).any(|(tag, _)| {
        let name = tag.strip_prefix('/').unwrap_or(tag).split([' ', '\t', '\r', '\n', '/']).next();
        elements.split_whitespace().any(|element| Some(element) == name)
    })
}

/// Whether two `<` come before a `>`: removing the inner tag can then leave another one.
fn is_nested(text: &str) -> bool {
    text.split('>').any(|part| part.matches('<').count() > 1)
}
