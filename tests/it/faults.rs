//! A server of bytes: every way in which an answer can go wrong, on the first, a middle and the
//! last page of a region, with the other regions whole each time.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::harness::{Hit, Run, item, read_request, region_row};

/// Longer than the attempts of these tests may take.
const STALL: Duration = Duration::from_millis(1200);

/// What the victim's page gets. Writing fails where the program has hung up already.
type Act = fn(&mut TcpStream) -> std::io::Result<()>;

/// Name, the kind it ends in (`ok` where it is no fault at all), whether the page is asked again, what is sent.
type Fault = (&'static str, &'static str, bool, Act);

const FAULTS: &[Fault] = &[
    // The connection
    ("closed before a byte", "truncated", true, |_| Ok(())),
    ("reset before a byte", "connect", true, reset),
    ("closed within the status line", "truncated", true, |s| s.write_all(b"HTTP/1.1 20")),
    ("closed within the headers", "truncated", true, |s| s.write_all(b"HTTP/1.1 200 OK\r\ncontent-le")),
    ("closed behind the headers", "truncated", true, |s| s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")),
    ("reset within the headers", "connect", true, |s| s.write_all(b"HTTP/1.1 200 OK\r\n").and_then(|()| reset(s))),
    ("reset within the body", "truncated", true, |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"items\"")?;
        sleep(Duration::from_millis(20));
        reset(s)
    }),
    ("stalls before a byte", "timeout", true, stall),
    ("stalls within the headers", "timeout", true, |s| s.write_all(b"HTTP/1.1 200 OK\r\n").and_then(|()| stall(s))),
    ("stalls within the body", "timeout", true, |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{").and_then(|()| stall(s))
    }),
    ("drips its headers", "timeout", true, |s| {
        drip(s, b"HTTP/1.1 200 OK\r\nx-filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
    }),
    ("drips its body", "timeout", true, |s| {
        s.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n")?;
        drip(s, b"{\"items\": [                                                ")
    }),
    // Lengths
    ("a length longer than the body", "truncated", true, |s| send(s, "200 OK", "content-length: 9999\r\n", &page())),
    ("a length shorter than the body", "truncated", true, |s| send(s, "200 OK", "content-length: 40\r\n", &page())),
    ("a length that is no number", "bad_response", false, |s| send(s, "200 OK", "content-length: many\r\n", &page())),
    ("two lengths that differ", "bad_response", false, |s| {
        send(s, "200 OK", "content-length: 5\r\ncontent-length: 6\r\n", b"12345")
    }),
    ("no length, cut by closing", "truncated", true, |s| send(s, "200 OK", "connection: close\r\n", &page()[..90])),
    ("chunks cut short", "truncated", true, |s| send(s, "200 OK", CHUNKED, b"40\r\n{\"items\"")),
    ("chunks without an end", "truncated", true, |s| send(s, "200 OK", CHUNKED, b"c\r\n{\"items\":[]}\r\n")),
    ("a chunk of no size", "truncated", true, |s| send(s, "200 OK", CHUNKED, b"zz\r\n{}\r\n0\r\n\r\n")),
    ("a chunk of endless size", "truncated", true, |s| {
        send(s, "200 OK", CHUNKED, b"fffffffffffffffffff\r\n{}\r\n0\r\n\r\n")
    }),
    // HTTP
    ("not HTTP", "bad_response", false, |s| s.write_all(b"220 mail.example.org ESMTP ready\r\n\r\n")),
    ("an older HTTP of bare HTML", "bad_response", false, |s| s.write_all(b"<html><p>Hello</html>\r\n\r\n")),
    ("a status that is no number", "bad_response", false, |s| s.write_all(b"HTTP/1.1 two hundred\r\n\r\n")),
    ("a header without a colon", "bad_response", false, |s| s.write_all(b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n")),
    ("one header without an end", "bad_response", false, |s| endless(s, b"HTTP/1.1 200 OK\r\nx: ", &[b'a'; 4096])),
    ("headers without an end", "bad_response", false, |s| endless(s, b"HTTP/1.1 200 OK\r\n", b"x-more: and more\r\n")),
    ("a body without an end", "too_large", false, |s| endless(s, b"HTTP/1.1 200 OK\r\n\r\n", &[b' '; 65536])),
    ("interim answers without an end", "timeout", true, |s| {
        for _ in 0..40 {
            s.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            sleep(Duration::from_millis(20));
        }
        stall(s)
    }),
    // Compression
    ("gzip in name only", "truncated", true, |s| whole(s, "200 OK", GZIP, &page())),
    ("gzip cut short", "truncated", true, |s| {
        let packed = gzip(&page());
        whole(s, "200 OK", GZIP, &packed[..packed.len() / 2])
    }),
    ("gzip of a wrong checksum", "truncated", true, |s| {
        let mut packed = gzip(&page());
        let checksum = packed.len() - 8;
        packed[checksum] ^= 0xff;
        whole(s, "200 OK", GZIP, &packed)
    }),
    ("a gzip bomb", "too_large", false, |s| whole(s, "200 OK", GZIP, &BOMB)),
    ("gzip within gzip", "bad_response", false, |s| whole(s, "200 OK", GZIP, &gzip(&gzip(&page())))),
    ("a compression nobody asked for", "bad_response", false, |s| {
        whole(s, "200 OK", "content-encoding: br\r\n", b"\x0b\x02\x80")
    }),
    ("gzip as it should be", "ok", false, |s| whole(s, "200 OK", GZIP, &gzip(&page()))),
    // Sizes and shapes
    ("more than 8 MiB", "too_large", false, |s| whole(s, "200 OK", "", &vec![b' '; 9 << 20])),
    ("an empty body", "truncated", true, |s| whole(s, "200 OK", "", b"")),
    ("white space", "truncated", true, |s| whole(s, "200 OK", "", b" \n ")),
    ("JSON that ends in a string", "truncated", true, |s| whole(s, "200 OK", "", b"{\"items\":[{\"id\":\"a")),
    ("JSON that ends in a list", "truncated", true, |s| whole(s, "200 OK", "", b"{\"items\":[{\"id\":\"a\"},")),
    ("HTML with 200", "bad_response", false, |s| {
        whole(s, "200 OK", "content-type: text/html\r\n", b"<!doctype html><p>Log in")
    }),
    ("JSON null", "bad_response", false, |s| whole(s, "200 OK", "", b"null")),
    ("a JSON string", "bad_response", false, |s| whole(s, "200 OK", "", b"\"quota\"")),
    ("a JSON list", "bad_response", false, |s| whole(s, "200 OK", "", b"[{\"id\":\"a\"}]")),
    ("an object of another shape", "bad_response", false, |s| whole(s, "200 OK", "", b"{\"ok\":true}")),
    ("items of another type", "bad_response", false, |s| whole(s, "200 OK", "", b"{\"items\":{\"a\":1}}")),
    ("UTF-16", "bad_response", false, |s| whole(s, "200 OK", "", b"\xff\xfe{\0}\0")),
    ("100,000 lists within each other", "bad_response", false, |s| {
        whole(s, "200 OK", "", "[".repeat(100_000).as_bytes())
    }),
    ("a deep item among good ones", "ok", false, |s| {
        let deep = format!(
            "{{\"items\":[{},{{\"id\":\"deep\",\"x\":{}{}}}]}}",
            item("fine"),
            "[".repeat(100_000),
            "]".repeat(100_000)
        );
        whole(s, "200 OK", "", deep.as_bytes())
    }),
    ("four million items", "ok", false, |s| {
        let zeros = format!("{{\"items\":[{}0]}}", "0,".repeat(4_000_000));
        whole(s, "200 OK", "", zeros.as_bytes())
    }),
    ("items that are no videos", "ok", false, |s| {
        whole(s, "200 OK", "", b"{\"items\":[null,5,\"x\",[],{},{\"id\":{}},{\"id\":\"a b\"}]}")
    }),
    ("numbers beyond 64 bits", "ok", false, |s| {
        whole(s, "200 OK", "", b"{\"items\":[{\"id\":\"a\",\"statistics\":{\"viewCount\":\"99999999999999999999999\",\"likeCount\":1e999}}]}")
    }),
    ("bytes that are not UTF-8", "ok", false, |s| {
        whole(s, "200 OK", "", b"{\"items\":[{\"id\":\"a\",\"snippet\":{\"title\":\"\xff\xfe\"}}]}")
    }),
    // Statuses
    ("204 without a body", "bad_response", false, |s| s.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")),
    ("206", "bad_response", false, |s| whole(s, "206 Partial Content", "", &page())),
    ("a redirect", "bad_response", false, |s| whole(s, "301 Moved", "location: http://127.0.0.1:1/\r\n", b"")),
    ("a redirect to itself", "bad_response", false, |s| whole(s, "307 Again", "location: /youtube/v3/videos\r\n", b"")),
    ("304", "bad_response", false, |s| s.write_all(b"HTTP/1.1 304 Not Modified\r\n\r\n")),
    ("404 of HTML", "bad_response", false, |s| whole(s, "404 Not Found", "", b"<h1>Nothing here</h1>")),
    ("418", "bad_response", false, |s| whole(s, "418 Teapot", "", b"")),
    ("408", "server_error", true, |s| whole(s, "408 Slow", "", b"")),
    ("500 of HTML", "server_error", true, |s| whole(s, "500 Oops", "", b"<h1>Oops</h1>")),
    ("599", "server_error", true, |s| whole(s, "599 ?", "", b"")),
    ("999", "bad_response", false, |s| whole(s, "999 ?", "", b"")),
    ("503 that asks for years", "server_error", false, |s| whole(s, "503 Later", "retry-after: 99999999\r\n", b"")),
    ("429 that asks for no time", "rate_limited", true, |s| whole(s, "429 Slow", "retry-after: 0\r\n", b"")),
];

/// 64 MiB of nothing. Packing it takes longer than an attempt may.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| gzip(&vec![b' '; 64 << 20]));

const CHUNKED: &str = "transfer-encoding: chunked\r\n";
const GZIP: &str = "content-encoding: gzip\r\n";

fn page() -> Vec<u8> {
    json!({"kind": "youtube#videoListResponse", "items": [item("of-the-fault")]}).to_string().into_bytes()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn send(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    stream.write_all(&[format!("HTTP/1.1 {status}\r\n{headers}\r\n").as_bytes(), body].concat())
}

fn whole(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    send(stream, status, &format!("content-length: {}\r\n{headers}", body.len()), body)
}

fn reset(stream: &mut TcpStream) -> std::io::Result<()> {
    socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO))
}

fn stall(_: &mut TcpStream) -> std::io::Result<()> {
    sleep(STALL);
    Ok(())
}

fn drip(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        stream.write_all(&[*byte])?;
        sleep(Duration::from_millis(40));
    }
    Ok(())
}

/// At most 64 MiB, should the program read on.
fn endless(stream: &mut TcpStream, before: &[u8], again: &[u8]) -> std::io::Result<()> {
    stream.write_all(before)?;
    for _ in 0..(64 << 20) / again.len() {
        stream.write_all(again)?;
    }
    Ok(())
}

/// Serves three pages of every region, but for PL, whose page of this token gets the fault.
/// Returns the address and how often that page was asked for.
fn start(victim: Option<&'static str>, act: Act) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/youtube/v3", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let counter = Arc::clone(&counter);
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                while let Some(hit) = read_request(&mut reader) {
                    if hit.region() == "PL" && hit.token() == victim {
                        counter.fetch_add(1, SeqCst);
                        let _ = act(&mut stream);
                        // A close with unread bytes would be a reset.
                        return;
                    }
                    if whole(&mut stream, "200 OK", "", good(&hit).as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (base_url, asked)
}

fn good(hit: &Hit) -> String {
    let next = match hit.token() {
        None => Some("t1"),
        Some("t1") => Some("t2"),
        Some(_) => None,
    };
    let items: Vec<Value> =
        (0..50).map(|place| item(&format!("{}-{}-{place}", hit.region(), hit.token().unwrap_or("t0")))).collect();
    json!({"items": items, "nextPageToken": next}).to_string()
}

/// One fault on one page; what is wrong with the outcome, if anything.
fn check(&(name, kind, is_retried, act): &Fault, pages_before: usize) -> Result<(), String> {
    let victim = [None, Some("t1"), Some("t2")][pages_before];
    let (base_url, asked) = start(victim, act);
    let arguments = "-r US,PL,GB -n 150 --json --retries 1 --backoff 1ms --timeout 400ms --max-wait 1m -vv";
    let arguments: Vec<&str> = arguments.split(' ').chain(["--base-url", &base_url]).collect();
    let outcome = Run::new(&arguments).finish();
    let (code, stderr) = (outcome.code, outcome.stderr.clone());
    let document = outcome.document();
    let expect = |what: &str, is: String, should: String| {
        if is == should {
            Ok(())
        } else {
            Err(format!("{name} on page {}: {what} is {is} and should be {should}", pages_before + 1))
        }
    };
    let row = region_row(&document, "PL");
    let status = match (kind, pages_before) {
        ("ok", _) => "ok",
        (_, 0) => "failed",
        _ => "partial",
    };
    expect("status", row["status"].to_string(), format!("\"{status}\""))?;
    if kind != "ok" {
        expect("kind", row["error"]["kind"].to_string(), format!("\"{kind}\""))?;
        expect("videos before it", row["videos"].to_string(), (50 * pages_before).to_string())?;
        expect("exit", format!("{code:?}"), "Some(3)".into())?;
    }
    expect("times asked", asked.load(SeqCst).to_string(), (1 + usize::from(is_retried)).to_string())?;
    for other in ["US", "GB"] {
        expect(other, region_row(&document, other)["videos"].to_string(), "150".into())?;
    }
    expect("panics", stderr.matches("panicked").count().to_string(), "0".into())
}

#[test]
fn every_fault_on_every_page_ends_as_it_should_and_leaves_the_other_regions_whole() {
    assert!(FAULTS.len() >= 40 && BOMB.len() < 1 << 20);
    let cases: Vec<(&Fault, usize)> = FAULTS.iter().flat_map(|fault| [0, 1, 2].map(|page| (fault, page))).collect();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some((fault, page)) = cases.get(next.fetch_add(1, SeqCst)) {
                    wrong.lock().unwrap().extend(check(fault, *page).err());
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    println!("{} classes of faults, {} cases", FAULTS.len(), cases.len());
}
