//! A server whose answers are bytes: cut, dripped, reset, stalled, packed, false, without end.

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

/// Pages of each region's chart, of 50 places each.
pub const PAGES: usize = 3;

/// One request, as far as the tests care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub region: String,
    /// From 0, by its token `t1`, `t2`, ...; another token is `None`.
    pub page: Option<usize>,
    /// How many of this region and page came before.
    pub nth: usize,
    pub at: Instant,
}

impl Asked {
    /// Reads the target of a request.
    pub fn of(target: &str, log: &[Asked]) -> Asked {
        let url = url::Url::parse("http://host").unwrap().join(target).unwrap();
        let parameter =
            |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        let page = parameter("pageToken").map_or(Some(0), |token| token.strip_prefix('t')?.parse().ok());
        let region = parameter("regionCode").unwrap();
        let nth = log.iter().filter(|earlier| earlier.region == region && earlier.page == page).count();
        Asked { region, page, nth, at: Instant::now() }
    }
}

/// What the server does, one after the other. When nothing is left, it waits for the next request.
#[derive(Debug, Clone)]
pub enum Step {
    Say(Vec<u8>),
    /// One byte at a time, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Again and again, with a pause after each, until the client is gone.
    Endlessly(Vec<u8>, Duration),
    /// Nothing, until the client is gone.
    Stall,
    Close,
    /// A TCP reset in place of an orderly end.
    Reset,
}

/// A server on loopback. Its thread ends with the test's process.
pub struct Bytes {
    pub base_url: String,
    log: Arc<Mutex<Vec<Asked>>>,
    /// Connections to the address that no request may reach.
    elsewhere: Arc<AtomicUsize>,
}

impl Bytes {
    /// `fault` gives the steps for a request, from an address that redirects may name; without
    /// steps the page is answered as it should be.
    pub fn start(fault: impl Fn(&Asked, &str) -> Option<Vec<Step>> + Send + Sync + 'static) -> Bytes {
        let (elsewhere, forbidden) = count_connections();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("http://{}/youtube/v3", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (fault, seen) = (Arc::new(fault), Arc::clone(&log));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (fault, seen, forbidden) = (Arc::clone(&fault), Arc::clone(&seen), forbidden.clone());
                thread::spawn(move || serve(stream, &seen, |asked| fault(asked, &forbidden)));
            }
        });
        Bytes { base_url, log, elsewhere }
    }

    pub fn log(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }

    /// How often this page was asked for.
    pub fn times(&self, region: &str, page: usize) -> usize {
        self.log().iter().filter(|asked| asked.region == region && asked.page == Some(page)).count()
    }

    pub fn went_elsewhere(&self) -> usize {
        self.elsewhere.load(SeqCst)
    }
}

/// A listener that counts, and its address.
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

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, fault: impl Fn(&Asked) -> Option<Vec<Step>>) {
    stream.set_nodelay(true).unwrap();
    while let Some(target) = read_target(&mut stream) {
        let asked = {
            let mut log = log.lock().unwrap();
            let asked = Asked::of(&target, &log);
            log.push(asked.clone());
            asked
        };
        let good = || vec![Step::Say(good(&asked.region, asked.page.unwrap_or(0)))];
        for step in fault(&asked).unwrap_or_else(good) {
            // The client may be gone, which is no concern of the server.
            if take(step, &mut stream).is_none() {
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

/// `None` when the connection is over.
fn take(step: Step, stream: &mut TcpStream) -> Option<()> {
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
            // What was sent before is to arrive first: a reset overtakes it.
            sleep(Duration::from_millis(20));
            socket2::SockRef::from(&*stream).set_linger(Some(Duration::ZERO)).unwrap();
            None
        }
    }
}

/// Waits for something that another thread brings about.
#[track_caller]
pub fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        sleep(Duration::from_millis(1));
    }
}

/// The ids of a page: `PL-1-0` to `PL-1-49`.
pub fn ids_of(region: &str, page: usize) -> Vec<String> {
    (0..50).map(|place| format!("{region}-{page}-{place}")).collect()
}

/// A page as it should be.
pub fn page(region: &str, page: usize) -> Value {
    let items: Vec<Value> = ids_of(region, page).iter().map(|id| item(id)).collect();
    let next = (page + 1 < PAGES).then(|| format!("t{}", page + 1));
    json!({"kind": "youtube#videoListResponse", "nextPageToken": next, "items": items})
}

/// The answer of a page as it should be. Each is made once, since many tests ask for the same.
fn good(region: &str, place: usize) -> Vec<u8> {
    static ANSWERS: Mutex<BTreeMap<(String, usize), Vec<u8>>> = Mutex::new(BTreeMap::new());
    let make = || ok(page(region, place).to_string());
    ANSWERS.lock().unwrap().entry((region.to_owned(), place)).or_insert_with(make).clone()
}

/// A whole answer with this status line and these header lines, and the length of its body.
pub fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

pub fn ok(body: impl AsRef<[u8]>) -> Vec<u8> {
    answer("200 OK", "content-type: application/json\r\n", body)
}

/// A body in chunks of 1,000 bytes, with the last, empty one.
pub fn chunked(body: &[u8]) -> Vec<u8> {
    let chunk = |part: &[u8]| [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
    body.chunks(1000).chain([&[] as &[u8]]).flat_map(chunk).collect()
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// The start of a gzip body, and a piece of about 1 KB that may follow it any number of times:
/// each unpacks to a MiB of spaces.
pub fn bomb() -> (Vec<u8>, Vec<u8>) {
    let start = gzip("")[..10].to_vec();
    let mut piece = Vec::with_capacity(1 << 16);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(&vec![b' '; 1 << 20], &mut piece, FlushCompress::Full).unwrap();
    assert_eq!(compress.total_in(), 1 << 20, "the piece is whole");
    (start, piece)
}
