//! The table of faults: a name, what becomes of the page, and what the server does in place of its answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::ILL;
use crate::harness::KEY;
use crate::raw_server::Step::{self, Close, Drip, Endlessly, Reset, Say, Stall};
use crate::raw_server::{answer, bomb, chunked, gzip, ok, page};

/// What becomes of the page at fault.
#[derive(Debug, Clone, Copy)]
pub enum Scope {
    /// The region fails with this kind after so many requests for the page; the pages before stay.
    Fails(&'static str, usize),
    /// The region fails with this kind after two requests for the page, and a third one that is sent at once where
    /// the connection had been used before: the server may not have seen that request.
    Closes(&'static str),
    /// The page comes whole after so many requests.
    Whole(usize),
    /// The page is read, but for its first place, which counts as skipped.
    Skips,
    /// The page is read; its first place holds the video of place 7.
    Repeats,
    /// The page is read, and the chart ends with it.
    LastPage,
    /// The page is empty; the chart goes on where it says.
    Empty,
}
use Scope::{Closes, Empty, Fails, LastPage, Repeats, Skips, Whole};

pub struct Class {
    pub name: &'static str,
    pub ends: Scope,
    /// What the server does.
    pub steps: Box<Steps>,
}

type Steps = dyn Fn(&Request) -> Vec<Step> + Send + Sync;

/// A request for the page at fault.
pub struct Request<'a> {
    pub page: usize,
    pub nth: usize,
    /// An address that must not be asked.
    pub elsewhere: &'a str,
}

impl Request<'_> {
    /// The page as it should be.
    fn good(&self) -> Value {
        page(ILL, self.page)
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

pub fn class(name: &'static str, ends: Scope, steps: impl Fn(&Request) -> Vec<Step> + Send + Sync + 'static) -> Class {
    Class { name, ends, steps: Box::new(steps) }
}

/// These bytes, and then the end of the connection.
fn cut(name: &'static str, ends: Scope, bytes: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Class {
    class(name, ends, move |request| vec![Say(bytes(request)), Close])
}

/// These bytes, and the connection stays open for the next request.
fn says(name: &'static str, ends: Scope, bytes: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Class {
    class(name, ends, move |request| vec![Say(bytes(request))])
}

/// A whole 200 with this body.
fn body(name: &'static str, ends: Scope, body: impl Fn(&Request) -> Vec<u8> + Send + Sync + 'static) -> Class {
    says(name, ends, move |request| ok(body(request)))
}

/// A whole 200 with this body, the same each time.
fn fixed(name: &'static str, ends: Scope, text: impl AsRef<[u8]>) -> Class {
    let bytes = ok(text);
    says(name, ends, move |_| bytes.clone())
}

/// A whole answer with this status line and header lines, and a body as proxies send it.
fn status(name: &'static str, ends: Scope, line: &'static str, headers: &'static str) -> Class {
    says(name, ends, move |_| answer(line, headers, HTML))
}

/// The first answer is this, the second one good.
fn once(name: &'static str, steps: impl Fn() -> Vec<Step> + Send + Sync + 'static) -> Class {
    class(name, Whole(2), move |request| if request.nth == 0 { steps() } else { vec![Say(ok(request.body()))] })
}

const HTML: &str = "<!doctype html><title>Log in</title><p>This network asks for a <b>login</b>.";
const BROKEN: Scope = Fails("truncated", 2);
const LATE: Scope = Fails("timeout", 2);
const ODD: Scope = Fails("bad_response", 1);
const LARGE: Scope = Fails("too_large", 1);
const ILL_SERVER: Scope = Fails("server_error", 2);

const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const GZIP: &str = "content-encoding: gzip\r\n";
const MILLI: Duration = Duration::from_millis(1);

fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A head that promises `more` bytes beyond those of the body.
fn promising(body: &[u8], more: usize) -> Vec<u8> {
    join(&[format!("{HEAD}content-length: {}\r\n\r\n", body.len() + more).as_bytes(), body])
}

/// The connection.
fn connection() -> Vec<Class> {
    vec![
        class("closed before any byte", Closes("truncated"), |_| vec![Close]),
        class("reset before any byte", Closes("connect"), |_| vec![Reset]),
        class("reset in the headers", Closes("connect"), |_| vec![Say(HEAD.into()), Reset]),
        class("reset in the body", BROKEN, |request| vec![Say(promising(&request.body(), 9)), Reset]),
        cut("closed in the status line", Closes("truncated"), |_| b"HTTP/1.1 20".into()),
        cut("closed in the headers", Closes("truncated"), |_| HEAD.into()),
        cut("closed after the headers", BROKEN, |_| promising(b"", 500)),
        cut("closed in the body", BROKEN, |request| promising(&request.body()[..5000], 500)),
        class("dripping", LATE, |request| vec![Drip(ok(request.body()), 50 * MILLI)]),
        class("a stall before the headers", LATE, |_| vec![Stall]),
        class("a stall in the headers", LATE, |_| vec![Say(HEAD.into()), Stall]),
        class("a stall in the body", LATE, |request| vec![Say(promising(&request.body(), 1)), Stall]),
        class("a length of terabytes and a stall", LATE, |_| vec![Say(promising(b"{", 9 << 40)), Stall]),
        once("reset once", || vec![Reset]),
        once("closed once", || vec![Close]),
        once("a stall once", || vec![Stall]),
    ]
}

/// HTTP/1.1 around the body.
fn framing() -> Vec<Class> {
    vec![
        cut("Content-Length longer than the body", BROKEN, |request| promising(&request.body(), 1)),
        cut("Content-Length shorter than the body", BROKEN, |request| {
            let body = request.body();
            join(&[&promising(&body[..body.len() - 9], 0), &body[body.len() - 9..]])
        }),
        cut("Content-Length that is no number", ODD, |_| format!("{HEAD}content-length: many\r\n\r\n{{}}").into()),
        cut("two different Content-Lengths", ODD, |_| {
            format!("{HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{{}}").into()
        }),
        cut("chunks that are cut short", BROKEN, |request| {
            join(&[CHUNKED.as_bytes(), &chunked(&request.body())[..3000]])
        }),
        cut("chunks without the last one", BROKEN, |request| {
            let chunks = chunked(&request.body());
            join(&[CHUNKED.as_bytes(), &chunks[..chunks.len() - 5]])
        }),
        cut("a chunk of no size", BROKEN, |_| format!("{CHUNKED}zz\r\n{{}}\r\n0\r\n\r\n").into()),
        cut("a chunk of more than 2^64 bytes", BROKEN, |_| format!("{CHUNKED}fffffffffffffffff\r\n{{}}").into()),
        class("an endless body", LARGE, |_| {
            let chunk = [b"10000\r\n".as_slice(), &[b' '; 1 << 16], b"\r\n"].concat();
            vec![Say(CHUNKED.into()), Endlessly(chunk, Duration::ZERO)]
        }),
        class("an endless body that is slow", LATE, |_| {
            vec![Say(CHUNKED.into()), Endlessly(b"1\r\n \r\n".into(), 10 * MILLI)]
        }),
        class("one endless header", ODD, |_| {
            vec![Say(format!("{HEAD}x: ").into()), Endlessly(vec![b'x'; 1 << 14], Duration::ZERO)]
        }),
        class("endless headers", ODD, |_| vec![Say(HEAD.into()), Endlessly(b"x: y\r\n".repeat(999), Duration::ZERO)]),
        class("an endless status line", ODD, |_| {
            vec![Say(b"HTTP/1.1 200 ".into()), Endlessly(vec![b'O'; 1 << 14], Duration::ZERO)]
        }),
        class("endless 100 Continue", LATE, |_| vec![Endlessly(b"HTTP/1.1 100 Continue\r\n\r\n".into(), MILLI)]),
        says("fifty times 100 Continue", Whole(1), |request| {
            join(&[&b"HTTP/1.1 100 Continue\r\n\r\n".repeat(50), &ok(request.body())])
        }),
        says("early hints", Whole(1), |request| {
            join(&[b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", &ok(request.body())])
        }),
        cut("101 Switching Protocols", ODD, |_| {
            b"HTTP/1.1 101 X\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n".into()
        }),
        cut("not HTTP at all", ODD, |_| b"SSH-2.0-OpenSSH_9.6\r\n".into()),
        cut("TLS where HTTP was expected", ODD, |_| vec![0x15, 3, 1, 0, 2, 2, 0x28]),
        cut("HTTP/0.9", ODD, |request| request.body()),
        cut("HTTP/3.7", ODD, |_| b"HTTP/3.7 200 OK\r\n\r\n{}".into()),
        cut("a status line of garbage", ODD, |_| b"HTTP/1.1 two hundred\r\n\r\n{}".into()),
        cut("status 000", ODD, |_| b"HTTP/1.1 000 X\r\ncontent-length: 0\r\n\r\n".into()),
        cut("a header without a colon", ODD, |_| format!("{HEAD}nothing\r\n\r\n{{}}").into()),
        cut("NUL in a header", ODD, |_| format!("{HEAD}x: \0\r\n\r\n{{}}").into()),
        cut("HTTP/1.0 without a length", Whole(1), |request| join(&[b"HTTP/1.0 200 OK\r\n\r\n", &request.body()])),
        cut("HTTP/1.0 that is cut short", BROKEN, |request| {
            join(&[b"HTTP/1.0 200 OK\r\n\r\n", &request.body()[..5000]])
        }),
        says("two answers for one request", Whole(1), |request| {
            join(&[&ok(request.body()), &ok(r#"{"items":[{"id":"stale"}]}"#)])
        }),
    ]
}

/// Content-Encoding and size.
fn packing() -> Vec<Class> {
    vec![
        says("gzip", Whole(1), |request| answer("200 OK", GZIP, gzip(request.body()))),
        says("gzip that is plain", BROKEN, |request| answer("200 OK", GZIP, request.body())),
        says("gzip that is cut short", BROKEN, |request| {
            let packed = gzip(request.body());
            answer("200 OK", GZIP, &packed[..packed.len() / 2])
        }),
        says("gzip without its last bytes", BROKEN, |request| {
            let packed = gzip(request.body());
            answer("200 OK", GZIP, &packed[..packed.len() - 6])
        }),
        says("gzip with a wrong checksum", BROKEN, |request| {
            let mut packed = gzip(request.body());
            let checksum = packed.len() - 8;
            packed[checksum] ^= 1;
            answer("200 OK", GZIP, packed)
        }),
        says("gzip with a flipped bit", BROKEN, |request| {
            let mut packed = gzip(request.body());
            packed[40] ^= 0x10;
            answer("200 OK", GZIP, packed)
        }),
        class("a gzip bomb", LARGE, |_| {
            let (start, piece) = bomb();
            let head = format!("HTTP/1.1 200 OK\r\n{GZIP}content-length: {}\r\n\r\n", start.len() + 256 * piece.len());
            vec![Say(join(&[head.as_bytes(), &start, &piece.repeat(256)])), Close]
        }),
        says("gzip of gzip", ODD, |request| answer("200 OK", GZIP, gzip(gzip(request.body())))),
        says("gzip that no header tells of", ODD, |request| ok(gzip(request.body()))),
        says("an unknown Content-Encoding", ODD, |request| {
            answer("200 OK", "content-encoding: br\r\n", join(&[b"\x1b\x80\x00", &request.body()]))
        }),
        body("a body over 8 MiB", LARGE, |request| join(&[&request.body(), &vec![b' '; 8 << 20]])),
        body("a body of 7 MiB", Whole(1), |request| join(&[&request.body(), &vec![b' '; 7 << 20]])),
    ]
}

/// What ends early, and what is no chart.
fn bodies() -> Vec<Class> {
    let deep = |open: &str| open.repeat(100_000);
    let nested = format!("{}{}", deep("["), deep("]"));
    let objects = format!("{}1{}", deep(r#"{"a":"#), deep("}"));
    let (in_item, in_id, in_error) = (nested.clone(), nested.clone(), nested);
    let (in_field, in_part) = (objects.clone(), objects);
    vec![
        fixed("an empty body", BROKEN, ""),
        fixed("white space alone", BROKEN, " \r\n\t \n"),
        body("JSON that ends after one byte", BROKEN, |request| request.body()[..1].into()),
        body("JSON that ends in a name", BROKEN, |request| request.body()[..5].into()),
        body("JSON that ends between items", BROKEN, |request| {
            let body = request.body();
            let end = body.windows(3).rposition(|three| three == b"},{").unwrap();
            body[..end + 2].into()
        }),
        body("JSON that ends in a text", BROKEN, |request| {
            let body = request.body();
            let end = body.windows(8).rposition(|eight| eight == b"Title of").unwrap();
            body[..end + 4].into()
        }),
        body("JSON without its last byte", BROKEN, |request| {
            let body = request.body();
            body[..body.len() - 1].into()
        }),
        fixed("nesting that never closes", BROKEN, format!(r#"{{"items":[{}"#, deep("["))),
        fixed("HTML", ODD, HTML),
        fixed("null", ODD, "null"),
        fixed("a number", ODD, "42"),
        fixed("a text", ODD, "\"items\""),
        fixed("a list", ODD, "[]"),
        body("a list of pages", ODD, |request| json!([request.good()]).to_string().into()),
        fixed("an empty object", ODD, "{}"),
        fixed("an object of another shape", ODD, r#"{"kind":"youtube#searchListResponse","results":[]}"#),
        body("another kind of list", ODD, |request| {
            let mut page = request.good();
            page["kind"] = json!("youtube#searchListResponse");
            page.to_string().into()
        }),
        fixed("an error with 200", ODD, r#"{"error":{"code":403,"errors":[{"reason":"quotaExceeded"}]}}"#),
        fixed("items that are an object", ODD, r#"{"kind":"youtube#videoListResponse","items":{"0":{"id":"a"}}}"#),
        fixed("items that are a text", ODD, r#"{"items":"none"}"#),
        body("JSON with something after it", ODD, |request| join(&[&request.body(), b"{}"])),
        body("a guard before the JSON", ODD, |request| join(&[b")]}'\n", &request.body()])),
        body("JSON as a script", ODD, |request| join(&[b"callback(", &request.body(), b");"])),
        body("a byte order mark", Whole(1), |request| join(&["\u{feff}".as_bytes(), &request.body()])),
        body("UTF-16", ODD, |request| request.good().to_string().encode_utf16().flat_map(u16::to_le_bytes).collect()),
        fixed("NUL bytes", ODD, [0; 4096]),
        body("NUL in a text", ODD, |request| request.with_first("{\"id\":\"a\0b\"}")),
        body("items given twice", Whole(1), |request| request.with_field(r#""items":[]"#)),
        body("invalid UTF-8 in an id", Skips, |request| {
            let text = request.with_first(r#"{"id":"?"}"#);
            let place = text.windows(3).position(|three| three == b"\"?\"").unwrap();
            join(&[&text[..place + 1], b"\xff\xc0\xaf", &text[place + 2..]])
        }),
        body("an item that is null", Skips, |request| request.with_first("null")),
        body("an item that is a list", Skips, |request| request.with_first("[1,[2]]")),
        body("an item without an id", Skips, |request| request.with_first(r#"{"snippet":{}}"#)),
        body("an id of another type", Skips, |request| request.with_first(r#"{"id":{"videoId":"a"}}"#)),
        body("an id given twice", Whole(1), |request| {
            request.with_first(&format!(r#"{{"id":"lost","id":"{ILL}-{}-0"}}"#, request.page))
        }),
        body("a number that no computer holds", Whole(1), |request| {
            let id = format!("{ILL}-{}-0", request.page);
            request.with_first(&format!(r#"{{"id":"{id}","statistics":{{"viewCount":1e999}}}}"#))
        }),
        body("half a surrogate pair", Whole(1), |request| {
            let id = format!("{ILL}-{}-0", request.page);
            request.with_first(&format!(r#"{{"id":"{id}","snippet":{{"title":"\ud83d"}},"\ude00":0}}"#))
        }),
        body("half a surrogate pair in an id", Skips, |request| request.with_first(r#"{"id":"a\ud83d"}"#)),
        body("100,000 levels in place of an id", Skips, move |request| {
            request.with_first(&format!(r#"{{"id":{in_id},"snippet":{{}}}}"#))
        }),
        body("100,000 levels in an item", Whole(1), move |request| {
            let id = format!("{ILL}-{}-0", request.page);
            request
                .with_first(&format!(r#"{{"id":"{id}","statistics":{in_item},"snippet":{{"thumbnails":{in_part}}}}}"#))
        }),
        body("100,000 levels in an ignored field", Whole(1), move |request| {
            request.with_field(&format!(r#""etag":{in_field}"#))
        }),
        says("100,000 levels in an error", ILL_SERVER, move |_| {
            answer("500 X", "", format!(r#"{{"error":{in_error}}}"#))
        }),
        body("wrong types in every part", Whole(1), |request| {
            let mut page = request.good();
            for (place, odd) in [json!(5), json!("x"), json!([[]]), json!({"a": null}), json!(true)].iter().enumerate()
            {
                for part in ["snippet", "contentDetails", "statistics", "status"] {
                    page["items"][place][part] = odd.clone();
                }
            }
            page.to_string().into()
        }),
        body("numbers beyond 64 bits", Whole(1), |request| {
            let first = format!(
                r#"{{"id":"{ILL}-{}-0","statistics":{{"viewCount":18446744073709551616,"likeCount":"99999999999999999999","commentCount":-1}}}}"#,
                request.page
            );
            request.with_first(&first)
        }),
        body("an id twice on a page", Repeats, |request| {
            request.with_first(&format!(r#"{{"id":"{ILL}-{}-7"}}"#, request.page))
        }),
        body("twice as many items as asked for", Whole(1), |request| {
            let mut page = request.good();
            let items = page["items"].as_array_mut().unwrap();
            items.extend((0..50).map(|place| json!({ "id": format!("more-{place}") })));
            page.to_string().into()
        }),
    ]
}

/// Statuses other than 200.
fn statuses() -> Vec<Class> {
    let to = |name, line: &'static str, location: &'static str| {
        says(name, ODD, move |request| {
            let location = location.replace("ELSEWHERE", request.elsewhere);
            answer(line, &format!("location: {location}\r\n"), HTML)
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
        status("a redirect without a Location", ODD, "302 Found", ""),
        says("204", ODD, |_| b"HTTP/1.1 204 No Content\r\n\r\n".into()),
        says("206", ODD, |request| answer("206 Partial Content", "content-range: bytes 0-1/2\r\n", request.body())),
        says("304", ODD, |_| b"HTTP/1.1 304 Not Modified\r\n\r\n".into()),
        says("status 999", ODD, |request| answer("999 Denied", "", request.body())),
        status("403 with HTML", Fails("forbidden", 1), "403 Forbidden", ""),
        status("404 with HTML", ODD, "404 Not Found", ""),
        status("410 with HTML", ODD, "410 Gone", ""),
        status("451 with HTML", ODD, "451 Unavailable For Legal Reasons", ""),
        status("408 with HTML", ILL_SERVER, "408 Request Timeout", ""),
        status("500 with HTML", ILL_SERVER, "500 X", ""),
        status("502 with HTML", ILL_SERVER, "502 Bad Gateway", ""),
        status("503 with HTML", ILL_SERVER, "503 Service Unavailable", "retry-after: 0\r\n"),
        status("599 with HTML", ILL_SERVER, "599 X", ""),
        says("500 with an empty body", ILL_SERVER, |_| answer("500 X", "", "")),
        says("500 with bytes that are no text", ILL_SERVER, |_| answer("500 X", "", [0xff, 0, 0xfe, 0x9b, 0x1b, b'['])),
        cut("500 that is cut short", ILL_SERVER, |_| b"HTTP/1.1 500 X\r\ncontent-length: 9\r\n\r\n{".into()),
        says("500 that repeats the key", ILL_SERVER, |_| {
            answer(
                "500 X",
                "",
                json!({"error": {"message": format!("for {KEY}"), "errors": [{"reason": KEY}]}}).to_string(),
            )
        }),
        status("429 with Retry-After 0", Fails("rate_limited", 2), "429 X", "retry-after: 0\r\n"),
        status(
            "429 until a day gone by",
            Fails("rate_limited", 2),
            "429 X",
            "retry-after: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
        ),
        status(
            "503 with a Retry-After of garbage",
            ILL_SERVER,
            "503 X",
            "retry-after: soon\r\nretry-after: \u{ff}\r\n",
        ),
        status("503 with a negative Retry-After", ILL_SERVER, "503 X", "retry-after: -5\r\n"),
        status(
            "503 with an endless Retry-After",
            Fails("server_error", 1),
            "503 X",
            "retry-after: 99999999999999999999999\r\n",
        ),
        once("500 once", || vec![Say(answer("500 X", "", HTML))]),
        once("503 once, with a Retry-After of garbage", || vec![Say(answer("503 X", "retry-after: soon\r\n", HTML))]),
        once("429 once, with a Retry-After of garbage", || vec![Say(answer("429 X", "retry-after: soon\r\n", HTML))]),
    ]
}

/// Page tokens.
fn paging() -> Vec<Class> {
    let token = |name, ends, token: fn(&Request) -> Value| {
        body(name, ends, move |request| {
            let mut page = request.good();
            page["nextPageToken"] = token(request);
            page.to_string().into()
        })
    };
    vec![
        // The last page asked for is the end in any case.
        token("a page without a token", LastPage, |_| Value::Null),
        token("an empty token", LastPage, |_| json!("")),
        token("a token of another type", LastPage, |_| json!({"token": 5})),
        token("pages without end", Whole(1), |request| json!(format!("t{}", request.page + 1))),
        body("an empty page with a token", Empty, |request| {
            json!({"items": [], "nextPageToken": request.good()["nextPageToken"]}).to_string().into()
        }),
    ]
}

pub fn table() -> Vec<Class> {
    let mut table = statuses();
    // Those that wait come first, so that the rest fills the time.
    table.reverse();
    table.extend([connection(), framing(), packing(), bodies(), paging()].into_iter().flatten());
    table
}
