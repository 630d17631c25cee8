//! A server whose responses are raw bytes: truncated, slow, reset, stalled, invalid, endless.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use flate2::{Compress, Compression, FlushCompress};
use serde_json::{Value, json};

use crate::harness::item;

/// Pages of each region's chart, of 50 items each.
pub const PAGES: usize = 3;

/// The parts of a request that the tests use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRequest {
    pub region: String,
    /// From 0, by its token `t1`, `t2`, ... `None` if the token is unknown.
    pub page: Option<usize>,
    /// How many requests for this region and page came before.
    pub nth: usize,
    pub at: Instant,
}

impl RawRequest {
    /// Parses the target of a request.
    pub fn parse(target: &str, log: &[RawRequest]) -> RawRequest {
        let url = url::Url::parse("http://host").unwrap().join(target).unwrap();
        let parameter =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let page = parameter("pageToken").map_or(Some(0), |token| token.strip_prefix('t')?.parse().ok());
        let region = parameter("regionCode").unwrap();
        let nth = log.iter().filter(|earlier| earlier.region == region && earlier.page == page).count();
        RawRequest { region, page, nth, at: Instant::now() }
    }
}

/// One action of the server. After the last one, it waits for the next request.
#[derive(Debug, Clone)]
pub enum Step {
    Say(Vec<u8>),
    /// One byte at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Repeated with a pause after each, until the client is gone.
    Endlessly(Vec<u8>, Duration),
    /// Sends nothing until the client is gone.
    Stall,
    Close,
    /// A TCP reset in place of an orderly close.
    Reset,
}

/// A server on loopback. Its thread ends with the test's process.
pub struct RawServer {
    pub base_url: String,
    log: Arc<Mutex<Vec<RawRequest>>>,
    /// Connections to the address that must not be contacted.
    forbidden_connections: Arc<AtomicUsize>,
}

impl RawServer {
    /// `fault` returns the steps for a request, given an address that redirects may name. If it returns `None`, the
    /// server sends the page without a fault.
    pub fn start(fault: impl Fn(&RawRequest, &str) -> Option<Vec<Step>> + Send + Sync + 'static) -> RawServer {
        let (forbidden_connections, forbidden) = count_connections();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/youtube/v3", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (fault, seen) = (Arc::new(fault), Arc::clone(&log));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (fault, seen, forbidden) = (Arc::clone(&fault), Arc::clone(&seen), forbidden.clone());
                thread::spawn(move || serve(stream, &seen, |request| fault(request, &forbidden)));
            }
        });
        RawServer { base_url, log, forbidden_connections }
    }

    pub fn log(&self) -> Vec<RawRequest> {
        self.log.lock().unwrap().clone()
    }

    /// How often this page was requested.
    pub fn times(&self, region: &str, page: usize) -> usize {
        self.log().iter().filter(|request| request.region == region && request.page == Some(page)).count()
    }

    pub fn forbidden_connections(&self) -> usize {
        self.forbidden_connections.load(SeqCst)
    }
}

/// A listener that counts connections, and its address.
fn count_connections() -> (Arc<AtomicUsize>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|_| {
            counted.fetch_add(1, SeqCst);
        });
    });
    (count, address)
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<RawRequest>>, fault: impl Fn(&RawRequest) -> Option<Vec<Step>>) {
    stream.set_nodelay(true).unwrap();
    while let Some(target) = read_target(&mut stream) {
        let request = {
            let mut log = log.lock().unwrap();
            let request = RawRequest::parse(&target, &log);
            log.push(request.clone());
            request
        };
        let good = || vec![Step::Say(good(&request.region, request.page.unwrap_or(0)))];
        for step in fault(&request).unwrap_or_else(good) {
            // The client may be gone, which the server ignores.
            if perform(step, &mut stream).is_none() {
                return;
            }
        }
    }
}

/// The target of the next request; `None` when the client is gone.
fn read_target(stream: &mut TcpStream) -> Option<String> {
    let (mut head, mut chunk) = (Vec::new(), [0; 4096]);
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut chunk).ok()? {
            0 => return None,
            length => head.extend_from_slice(&chunk[..length]),
        }
    }
    Some(String::from_utf8(head).unwrap().split(' ').nth(1)?.to_owned())
}

/// `None` when the connection has ended.
fn perform(step: Step, stream: &mut TcpStream) -> Option<()> {
    match step {
        Step::Say(bytes) => stream.write_all(&bytes).ok(),
        Step::Drip(bytes, pause) => bytes.iter().try_for_each(|byte| {
            stream.write_all(&[*byte]).ok()?;
            sleep(pause);
            Some(())
        }),
        Step::Endlessly(bytes, pause) => {
            while stream.write_all(&bytes).is_ok() {
                sleep(pause);
            }
            None
        }
        Step::Stall => {
            while stream.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
            None
        }
        Step::Close => {
            let _ = stream.shutdown(Shutdown::Both);
            None
        }
        Step::Reset => {
            // Lets earlier bytes arrive: a reset overtakes them.
            sleep(Duration::from_millis(20));
            socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).unwrap();
            None
        }
    }
}

/// Waits until another thread has made the condition true.
#[track_caller]
pub fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "timed out waiting until {what}");
        sleep(Duration::from_millis(1));
    }
}

/// The ids of a page: `PL-1-0` to `PL-1-49`.
pub fn ids_of(region: &str, page: usize) -> Vec<String> {
    (0..50).map(|index| format!("{region}-{page}-{index}")).collect()
}

/// A page without a fault.
pub fn page(region: &str, page: usize) -> Value {
    let items: Vec<Value> = ids_of(region, page).iter().map(|id| item(id)).collect();
    let next = (page + 1 < PAGES).then(|| format!("t{}", page + 1));
    json!({"kind": "youtube#videoListResponse", "nextPageToken": next, "items": items})
}

/// The response with a page without a fault. Each is built once, since many tests request the same.
fn good(region: &str, number: usize) -> Vec<u8> {
    static RESPONSES: Mutex<BTreeMap<(String, usize), Vec<u8>>> = Mutex::new(BTreeMap::new());
    let make = || ok(page(region, number).to_string());
    RESPONSES.lock().unwrap().entry((region.to_owned(), number)).or_insert_with(make).clone()
}

/// A complete response with this status line and these header lines, and the length of its body.
pub fn response(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    response("200 OK", "content-type: application/json\r\n", body)
}

/// A body in chunks of 1,000 bytes, with the final empty one.
pub fn chunked(body: &[u8]) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    body.chunks(1000).chain([&[] as &[u8]]).flat_map(chunk).collect()
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// The start of a gzip body, and a piece of about 1 KB that may follow it any number of times. Each piece decompresses to
/// a MiB of spaces.
pub fn bomb() -> (Vec<u8>, Vec<u8>) {
    let start = gzip("")[..10].to_vec();
    let mut piece = Vec::with_capacity(1 << 16);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&vec![b' '; 1 << 20], &mut piece, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), 1 << 20, "the piece is whole");
    (start, piece)
}
