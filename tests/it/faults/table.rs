//! The table of faults: a name, what is expected of the page, and what the server does in place of its response.

use std::time::Duration;

use serde_json::{Value, json};

use super::FAULTY;
use crate::harness::KEY;
use crate::raw_server::Step::{self, Close, Drip, Endlessly, Reset, Say, Stall};
use crate::raw_server::{bomb, chunked, gzip, ok, page, response};

/// What is expected of the page with the fault.
#[derive(Debug, Clone, Copy)]
pub enum Expected {
    /// The region fails with this kind after so many requests for the page. Earlier pages are kept.
    Fails(&'static str, usize),
    /// The region fails with this kind after two requests for the page, and a third one if the connection had been used
    /// before: such a request is resent at once, since the server may not have seen it.
    Closes(&'static str),
    /// The page arrives complete after so many requests.
    Whole(usize),
    /// The page is read except for its first item, which counts as skipped.
    Skips,
    /// The page is read; its first item is the video at index 7.
    Repeats,
    /// The page is read, and the chart ends with it.
    LastPage,
    /// The page is empty, and the chart continues after it.
    Empty,
}
use Expected::{Closes, Empty, Fails, LastPage, Repeats, Skips, Whole};

pub struct FaultCase {
    pub name: &'static str,
    pub expected: Expected,
    /// What the server does.
    pub steps: Box<Steps>,
}

type Steps = dyn Fn(&FaultyRequest) -> Vec<Step> + Send + Sync;

/// A request for the page with the fault.
pub struct FaultyRequest<'a> {
    pub page: usize,
    pub nth: usize,
    /// An address that must not be contacted.
    pub elsewhere: &'a str,
}

impl FaultyRequest<'_> {
    /// The page without the fault.
    fn good(&self) -> Value {
        page(FAULTY, self.page)
    }
    fn body(&self) -> Vec<u8> {
        self.good().to_string().into_bytes()
    }
    /// The page with its first item replaced by this JSON, whatever it is.
    fn with_first(&self, item: &str) -> Vec<u8> {
        let mut page = self.good();
        page["items"][0] = json!("FIRST");
        page.to_string().replacen("\"FIRST\"", item, 1).into_bytes()
    }
    /// The page with a field in front.
    fn with_field(&self, field: &str) -> Vec<u8> {
        format!("{{{field},{}", &self.good().to_string()[1..]).into_bytes()
    }
}

pub fn case(
    name: &'static str,
    expected: Expected,
    steps: impl Fn(&FaultyRequest) -> Vec<Step> + Send + Sync + 'static,
) -> FaultCase {
    FaultCase { name, expected, steps: Box::new(steps) }
}

/// These bytes, then the end of the connection.
fn closing(
    name: &'static str,
    expected: Expected,
    bytes: impl Fn(&FaultyRequest) -> Vec<u8> + Send + Sync + 'static,
) -> FaultCase {
    case(name, expected, move |request| vec![Say(bytes(request)), Close])
}

/// These bytes. The connection stays open for the next request.
fn keeping_open(
    name: &'static str,
    expected: Expected,
    bytes: impl Fn(&FaultyRequest) -> Vec<u8> + Send + Sync + 'static,
) -> FaultCase {
    case(name, expected, move |request| vec![Say(bytes(request))])
}

/// A complete 200 with this body.
fn body(
    name: &'static str,
    expected: Expected,
    body: impl Fn(&FaultyRequest) -> Vec<u8> + Send + Sync + 'static,
) -> FaultCase {
    keeping_open(name, expected, move |request| ok(body(request)))
}

/// A complete 200 with this body, the same each time.
fn fixed(name: &'static str, expected: Expected, text: impl AsRef<[u8]>) -> FaultCase {
    let bytes = ok(text);
    keeping_open(name, expected, move |_| bytes.clone())
}

/// A complete response with this status line and these headers, and a body as proxies send it.
fn status(name: &'static str, expected: Expected, line: &'static str, headers: &'static str) -> FaultCase {
    keeping_open(name, expected, move |_| response(line, headers, HTML))
}

/// The fault on the first request; the second one succeeds.
fn once(name: &'static str, steps: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> FaultCase {
    case(name, Whole(2), move |request| if request.nth == 0 { steps() } else { vec![Say(ok(request.body()))] })
}

const HTML: &str = "<!doctype html><title>Log in</title><p>This network asks for a <b>login</b>.";
const TRUNCATED: Expected = Fails("truncated", 2);
const TIMEOUT: Expected = Fails("timeout", 2);
const BAD_RESPONSE: Expected = Fails("bad_response", 1);
const TOO_LARGE: Expected = Fails("too_large", 1);
const SERVER_ERROR: Expected = Fails("server_error", 2);

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const GZIP: &str = "content-encoding: gzip\r\n";
const MILLI: Duration = Duration::from_millis(1);

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A head whose `Content-Length` exceeds the body by `more` bytes.
fn with_longer_length(body: &[u8], more: usize) -> Vec<u8> {
    join(&[format!("{HEAD}content-length: {}\r\n\r\n", body.len() + more).as_bytes(), body])
}

fn connection_faults() -> Vec<FaultCase> {
    vec![
        case("closed before any byte", Closes("truncated"), |_| vec![Close]),
        case("reset before any byte", Closes("connect"), |_| vec![Reset]),
        case("reset in the headers", Closes("connect"), |_| vec![Say(HEAD.into()), Reset]),
        case("reset in the body", TRUNCATED, |request| vec![Say(with_longer_length(&request.body(), 9)), Reset]),
        closing("closed in the status line", Closes("truncated"), |_| b"HTTP/1.1 20".into()),
        closing("closed in the headers", Closes("truncated"), |_| HEAD.into()),
        closing("closed after the headers", TRUNCATED, |_| with_longer_length(b"", 500)),
        closing("closed in the body", TRUNCATED, |request| with_longer_length(&request.body()[..5000], 500)),
        case("dripping", TIMEOUT, |request| vec![Drip(ok(request.body()), 50 * MILLI)]),
        case("a stall before the headers", TIMEOUT, |_| vec![Stall]),
        case("a stall in the headers", TIMEOUT, |_| vec![Say(HEAD.into()), Stall]),
        case("a stall in the body", TIMEOUT, |request| vec![Say(with_longer_length(&request.body(), 1)), Stall]),
        case("a length of terabytes and a stall", TIMEOUT, |_| vec![Say(with_longer_length(b"{", 9 << 40)), Stall]),
        once("reset once", || vec![Reset]),
        once("closed once", || vec![Close]),
        once("a stall once", || vec![Stall]),
    ]
}

/// HTTP/1.1 around the body.
fn framing() -> Vec<FaultCase> {
    vec![
        closing("Content-Length longer than the body", TRUNCATED, |request| with_longer_length(&request.body(), 1)),
        closing("Content-Length shorter than the body", TRUNCATED, |request| {
            let body = request.body();
            join(&[&with_longer_length(&body[..body.len() - 9], 0), &body[body.len() - 9..]])
        }),
        closing("Content-Length that is not a number", BAD_RESPONSE, |_| {
            format!("{HEAD}content-length: many\r\n\r\n{{}}").into()
        }),
        closing("two different Content-Lengths", BAD_RESPONSE, |_| {
            format!("{HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}").into()
        }),
        closing("chunks that are cut short", TRUNCATED, |request| {
            join(&[CHUNKED.as_bytes(), &chunked(&request.body())[..3000]])
        }),
        closing("chunks without the last one", TRUNCATED, |request| {
            let chunks = chunked(&request.body());
            join(&[CHUNKED.as_bytes(), &chunks[..chunks.len() - 5]])
        }),
        closing("a chunk of no size", TRUNCATED, |_| format!("{CHUNKED}zz\r\n{{}}\r\n0\r\n\r\n").into()),
        closing("a chunk of more than 2^64 bytes", TRUNCATED, |_| format!("{CHUNKED}fffffffffffffffff\r\n{{}}").into()),
        case("an endless body", TOO_LARGE, |_| {
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
            vec![Say(CHUNKED.into()), Endlessly(chunk, Duration::ZERO)]
        }),
        case("an endless body that is slow", TIMEOUT, |_| {
            vec![Say(CHUNKED.into()), Endlessly(b"1\r\n \r\n".into(), 10 * MILLI)]
        }),
        case("one endless header", BAD_RESPONSE, |_| {
            vec![Say(format!("{HEAD}x: ").into()), Endlessly(vec![b'x'; 1 << 14], Duration::ZERO)]
        }),
        case("endless headers", BAD_RESPONSE, |_| {
            vec![Say(HEAD.into()), Endlessly(b"x: y\r\n".repeat(999), Duration::ZERO)]
        }),
        case("an endless status line", BAD_RESPONSE, |_| {
            vec![Say(b"HTTP/1.1 200 ".into()), Endlessly(vec![b'O'; 1 << 14], Duration::ZERO)]
        }),
        case("endless 100 Continue", TIMEOUT, |_| vec![Endlessly(b"HTTP/1.1 100 Continue\r\n\r\n".into(), MILLI)]),
        keeping_open("fifty times 100 Continue", Whole(1), |request| {
            join(&[&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50), &ok(request.body())])
        }),
        keeping_open("early hints", Whole(1), |request| {
            join(&[b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", &ok(request.body())])
        }),
        closing("101 Switching Protocols", BAD_RESPONSE, |_| {
            b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".into()
        }),
        closing("not HTTP at all", BAD_RESPONSE, |_| b"SSH-2.0-OpenSSH_9.6\r\n".into()),
        closing("TLS where HTTP was expected", BAD_RESPONSE, |_| vec![0x15, 3, 1, 0, 2, 2, 0x28]),
        closing("HTTP/0.9", BAD_RESPONSE, |request| request.body()),
        closing("HTTP/3.7", BAD_RESPONSE, |_| b"HTTP/3.7 200 OK\r\n\r\n{}".into()),
        closing("a status line of garbage", BAD_RESPONSE, |_| b"HTTP/1.1 two hundred\r\n\r\n{}".into()),
        closing("status 000", BAD_RESPONSE, |_| b"HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n".into()),
        closing("a header without a colon", BAD_RESPONSE, |_| format!("{HEAD}nothing\r\n\r\n{{}}").into()),
        closing("NUL in a header", BAD_RESPONSE, |_| format!("{HEAD}x: \0\r\n\r\n{{}}").into()),
        closing("HTTP/1.0 without a length", Whole(1), |request| join(&[b"HTTP/1.0 200 OK\r\n\r\n", &request.body()])),
        closing("HTTP/1.0 that is truncated", TRUNCATED, |request| {
            join(&[b"HTTP/1.0 200 OK\r\n\r\n", &request.body()[..5000]])
        }),
        keeping_open("two responses to one request", Whole(1), |request| {
            join(&[&ok(request.body()), &ok(r#"{"items":[{"id":"stale"}]}"#)])
        }),
    ]
}

/// Content-Encoding and size.
fn encodings() -> Vec<FaultCase> {
    vec![
        keeping_open("gzip", Whole(1), |request| response("200 OK", GZIP, gzip(request.body()))),
        keeping_open("gzip that is plain", TRUNCATED, |request| response("200 OK", GZIP, request.body())),
        keeping_open("gzip that is truncated", TRUNCATED, |request| {
            let compressed = gzip(request.body());
            response("200 OK", GZIP, &compressed[..compressed.len() / 2])
        }),
        keeping_open("gzip without its last bytes", TRUNCATED, |request| {
            let compressed = gzip(request.body());
            response("200 OK", GZIP, &compressed[..compressed.len() - 6])
        }),
        keeping_open("gzip with a wrong checksum", TRUNCATED, |request| {
            let mut compressed = gzip(request.body());
            let checksum = compressed.len() - 8;
            compressed[checksum] ^= 1;
            response("200 OK", GZIP, compressed)
        }),
        keeping_open("gzip with a flipped bit", TRUNCATED, |request| {
            let mut compressed = gzip(request.body());
            compressed[40] ^= 0x10;
            response("200 OK", GZIP, compressed)
        }),
        case("a gzip bomb", TOO_LARGE, |_| {
            let (start, piece) = bomb();
            let head = format!("HTTP/1.1 200 OK\r\n{GZIP}content-length: {}\r\n\r\n", start.len() + 256 * piece.len());
            vec![Say(join(&[head.as_bytes(), &start, &piece.repeat(256)])), Close]
        }),
        keeping_open("gzip of gzip", BAD_RESPONSE, |request| response("200 OK", GZIP, gzip(gzip(request.body())))),
        keeping_open("gzip without its header", BAD_RESPONSE, |request| ok(gzip(request.body()))),
        keeping_open("an unknown Content-Encoding", BAD_RESPONSE, |request| {
            response("200 OK", "content-encoding: br\r\n", join(&[b"\x1b\x80\x00", &request.body()]))
        }),
        body("a body over 8 MiB", TOO_LARGE, |request| join(&[&request.body(), &vec![b' '; 8 << 20]])),
        body("a body of 7 MiB", Whole(1), |request| join(&[&request.body(), &vec![b' '; 7 << 20]])),
    ]
}

/// Bodies that end early, and bodies that are not a chart.
fn bodies() -> Vec<FaultCase> {
    let deep = |open: &str| open.repeat(100_000);
    let nested = format!("{}{}", deep("["), deep("]"));
    let objects = format!("{}1{}", deep(r#"{"a":"#), deep("}"));
    let (in_item, in_id, in_error) = (nested.clone(), nested.clone(), nested);
    let (in_field, in_part) = (objects.clone(), objects);
    vec![
        fixed("an empty body", TRUNCATED, ""),
        fixed("white space alone", TRUNCATED, " \r\n\t \n"),
        body("JSON that ends after one byte", TRUNCATED, |request| request.body()[..1].into()),
        body("JSON that ends in a name", TRUNCATED, |request| request.body()[..5].into()),
        body("JSON that ends between items", TRUNCATED, |request| {
            let body = request.body();
            let end = body.windows(3).rposition(|three| three == b"},{").unwrap();
            body[..end + 2].into()
        }),
        body("JSON that ends in a text", TRUNCATED, |request| {
            let body = request.body();
            let end = body.windows(8).rposition(|eight| eight == b"Title of").unwrap();
            body[..end + 4].into()
        }),
        body("JSON without its last byte", TRUNCATED, |request| {
            let body = request.body();
            body[..body.len() - 1].into()
        }),
        fixed("nesting that never closes", TRUNCATED, format!(r#"{{"items":[{}"#, deep("["))),
        fixed("HTML", BAD_RESPONSE, HTML),
        fixed("null", BAD_RESPONSE, "null"),
        fixed("a number", BAD_RESPONSE, "42"),
        fixed("a text", BAD_RESPONSE, "\"items\""),
        fixed("a list", BAD_RESPONSE, "[]"),
        body("a list of pages", BAD_RESPONSE, |request| json!([request.good()]).to_string().into()),
        fixed("an empty object", BAD_RESPONSE, "{}"),
        fixed("an object of another shape", BAD_RESPONSE, r#"{"kind":"youtube#searchListResponse","results":[]}"#),
        body("another kind of list", BAD_RESPONSE, |request| {
            let mut page = request.good();
            page["kind"] = json!("youtube#searchListResponse");
            page.to_string().into()
        }),
        fixed("an error with 200", BAD_RESPONSE, r#"{"error":{"code":403,"errors":[{"reason":"quotaExceeded"}]}}"#),
        fixed(
            "items that are an object",
            BAD_RESPONSE,
            r#"{"kind":"youtube#videoListResponse","items":{"0":{"id":"a"}}}"#,
        ),
        fixed("items that are a text", BAD_RESPONSE, r#"{"items":"none"}"#),
        body("JSON with something after it", BAD_RESPONSE, |request| join(&[&request.body(), b"{}"])),
        body("a guard before the JSON", BAD_RESPONSE, |request| join(&[b")]}'\n", &request.body()])),
        body("JSON as a script", BAD_RESPONSE, |request| join(&[b"callback(", &request.body(), b");"])),
        body("a byte order mark", Whole(1), |request| join(&["\u{feff}".as_bytes(), &request.body()])),
        body("UTF-16", BAD_RESPONSE, |request| {
            request.good().to_string().encode_utf16().flat_map(u16::to_le_bytes).collect()
        }),
        fixed("NUL bytes", BAD_RESPONSE, [0; 4096]),
        body("NUL in a text", BAD_RESPONSE, |request| request.with_first("{\"id\":\"a\0b\"}")),
        body("repeated items", Whole(1), |request| request.with_field(r#""items":[]"#)),
        body("invalid UTF-8 in an id", Skips, |request| {
            let text = request.with_first(r#"{"id":"?"}"#);
            let index = text.windows(3).position(|three| three == b"\"?\"").unwrap();
            join(&[&text[..index + 1], b"\xff\xc0\xaf", &text[index + 2..]])
        }),
        body("an item that is null", Skips, |request| request.with_first("null")),
        body("an item that is a list", Skips, |request| request.with_first("[1,[2]]")),
        body("an item without an id", Skips, |request| request.with_first(r#"{"snippet":{}}"#)),
        body("an id of another type", Skips, |request| request.with_first(r#"{"id":{"videoId":"a"}}"#)),
        body("a repeated id field", Whole(1), |request| {
            request.with_first(&format!(r#"{{"id":"lost","id":"{FAULTY}-{}-0"}}"#, request.page))
        }),
        body("a number beyond f64", Whole(1), |request| {
            let id = format!("{FAULTY}-{}-0", request.page);
            request.with_first(&format!(r#"{{"id":"{id}","statistics":{{"viewCount":1e999}}}}"#))
        }),
        body("an unpaired surrogate", Whole(1), |request| {
            let id = format!("{FAULTY}-{}-0", request.page);
            request.with_first(&format!(r#"{{"id":"{id}","snippet":{{"title":"\ud83d"}},"\ude00":0}}"#))
        }),
        body("an unpaired surrogate in an id", Skips, |request| request.with_first(r#"{"id":"a\ud83d"}"#)),
        body("100,000 levels in place of an id", Skips, move |request| {
            request.with_first(&format!(r#"{{"id":{in_id},"snippet":{{}}}}"#))
        }),
        body("100,000 levels in an item", Whole(1), move |request| {
            let id = format!("{FAULTY}-{}-0", request.page);
            request
                .with_first(&format!(r#"{{"id":"{id}","statistics":{in_item},"snippet":{{"thumbnails":{in_part}}}}}"#))
        }),
        body("100,000 levels in an ignored field", Whole(1), move |request| {
            request.with_field(&format!(r#""etag":{in_field}"#))
        }),
        keeping_open("100,000 levels in an error", SERVER_ERROR, move |_| {
            response("500 X", "", format!(r#"{{"error":{in_error}}}"#))
        }),
        body("wrong types in every part", Whole(1), |request| {
            let mut page = request.good();
            for (index, wrong) in
                [json!(5), json!("x"), json!([[]]), json!({"a": null}), json!(true)].iter().enumerate()
            {
                for part in ["snippet", "contentDetails", "statistics", "status"] {
                    page["items"][index][part] = wrong.clone();
                }
            }
            page.to_string().into()
        }),
        body("numbers beyond 64 bits", Whole(1), |request| {
            let first = format!(
                r#"{{"id":"{FAULTY}-{}-0","statistics":{{"viewCount":18446744073709551616,"likeCount":"99999999999999999999","commentCount":-1}}}}"#,
                request.page
            );
            request.with_first(&first)
        }),
        body("a repeated id on a page", Repeats, |request| {
            request.with_first(&format!(r#"{{"id":"{FAULTY}-{}-7"}}"#, request.page))
        }),
        body("twice as many items as requested", Whole(1), |request| {
            let mut page = request.good();
            let items = page["items"].as_array_mut().unwrap();
            items.extend((0..50).map(|index| json!({ "id": format!("more-{index}") })));
            page.to_string().into()
        }),
    ]
}

/// Statuses other than 200.
fn statuses() -> Vec<FaultCase> {
    let to = |name, line: &'static str, location: &'static str| {
        keeping_open(name, BAD_RESPONSE, move |request| {
            let location = location.replace("ELSEWHERE", request.elsewhere);
            response(line, &format!("location: {location}\r\n"), HTML)
        })
    };
    vec![
        to("301 elsewhere", "301 Moved Permanently", "http://ELSEWHERE/youtube/v3/videos"),
        to("302 elsewhere", "302 Found", "http://ELSEWHERE/youtube/v3/videos"),
        to("303 elsewhere", "303 See Other", "http://ELSEWHERE/"),
        to("307 elsewhere", "307 Temporary Redirect", "//ELSEWHERE/youtube/v3/videos"),
        to("308 elsewhere", "308 Permanent Redirect", "http://ELSEWHERE/youtube/v3/videos"),
        to("a redirect to another scheme", "302 Found", "https://ELSEWHERE/"),
        to("a redirect to itself", "302 Found", ""),
        to("a redirect to nowhere", "302 Found", "::::"),
        status("a redirect without a Location", BAD_RESPONSE, "302 Found", ""),
        keeping_open("204", BAD_RESPONSE, |_| b"HTTP/1.1 204 No Content\r\n\r\n".into()),
        keeping_open("206", BAD_RESPONSE, |request| {
            response("206 Partial Content", "content-range: bytes 0-1/2\r\n", request.body())
        }),
        keeping_open("304", BAD_RESPONSE, |_| b"HTTP/1.1 304 Not Modified\r\n\r\n".into()),
        keeping_open("status 999", BAD_RESPONSE, |request| response("999 Denied", "", request.body())),
        status("403 with HTML", Fails("forbidden", 1), "403 Forbidden", ""),
        status("404 with HTML", BAD_RESPONSE, "404 Not Found", ""),
        status("410 with HTML", BAD_RESPONSE, "410 Gone", ""),
        status("451 with HTML", BAD_RESPONSE, "451 Unavailable For Legal Reasons", ""),
        status("408 with HTML", SERVER_ERROR, "408 Request Timeout", ""),
        status("500 with HTML", SERVER_ERROR, "500 X", ""),
        status("502 with HTML", SERVER_ERROR, "502 Bad Gateway", ""),
        status("503 with HTML", SERVER_ERROR, "503 Service Unavailable", "retry-after: 0\r\n"),
        status("599 with HTML", SERVER_ERROR, "599 X", ""),
        keeping_open("500 with an empty body", SERVER_ERROR, |_| response("500 X", "", "")),
        keeping_open("500 with bytes that are not text", SERVER_ERROR, |_| {
            response("500 X", "", [0xff, 0, 0xfe, 0x9b, 0x1b, b'['])
        }),
        closing("500 that is truncated", SERVER_ERROR, |_| b"HTTP/1.1 500 X\r\ncontent-length: 9\r\n\r\n{".into()),
        keeping_open("500 that repeats the key", SERVER_ERROR, |_| {
            response(
                "500 X",
                "",
                json!({"error": {"message": format!("for {KEY}"), "errors": [{"reason": KEY}]}}).to_string(),
            )
        }),
        status("429 with Retry-After 0", Fails("rate_limited", 2), "429 X", "retry-after: 0\r\n"),
        status(
            "429 until a date in the past",
            Fails("rate_limited", 2),
            "429 X",
            "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        ),
        status(
            "503 with an invalid Retry-After",
            SERVER_ERROR,
            "503 X",
            "retry-after: soon\r\nretry-after: \u{ff}\r\n",
        ),
        status("503 with a negative Retry-After", SERVER_ERROR, "503 X", "retry-after: -5\r\n"),
        status(
            "503 with an endless Retry-After",
            Fails("server_error", 1),
            "503 X",
            "retry-after: 99999999999999999999999\r\n",
        ),
        once("500 once", || vec![Say(response("500 X", "", HTML))]),
        once("503 once, with an invalid Retry-After", || vec![Say(response("503 X", "retry-after: soon\r\n", HTML))]),
        once("429 once, with an invalid Retry-After", || vec![Say(response("429 X", "retry-after: soon\r\n", HTML))]),
    ]
}

/// Page tokens.
fn paging() -> Vec<FaultCase> {
    let token = |name, expected, token: fn(&FaultyRequest) -> Value| {
        body(name, expected, move |request| {
            let mut page = request.good();
            page["nextPageToken"] = token(request);
            page.to_string().into()
        })
    };
    vec![
        // The chart ends with the last requested page in any case.
        token("a page without a token", LastPage, |_| Value::Null),
        token("an empty token", LastPage, |_| json!("")),
        token("a token of another type", LastPage, |_| json!({"token": 5})),
        token("pages without end", Whole(1), |request| json!(format!("t{}", request.page + 1))),
        body("an empty page with a token", Empty, |request| {
            json!({"items": [], "nextPageToken": request.good()["nextPageToken"]}).to_string().into()
        }),
    ]
}

pub fn table() -> Vec<FaultCase> {
    let mut table = statuses();
    // Those that wait come first, so that the others run meanwhile.
    table.reverse();
    table.extend([connection_faults(), framing(), encodings(), bodies(), paging()].into_iter().flatten());
    table
}
