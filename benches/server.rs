//! A server on loopback for `benches/compare`: charts of invented videos of the size of real ones, over HTTP/1.1 and,
//! with a test authority of its own, HTTP/2. It answers from memory, so that the peers are measured and not it.
//!
//! `server FOLDER` writes the authority into `FOLDER/authority.pem`, prints the two base URLs, and ends with its
//! standard input. What it does is set by the path before `/videos`: `fixed-400`, `drawn-7` (200 to 500 ms by this
//! seed), `tail-1500` (so long for three regions, a tenth for the others), anything else answers at once. `GET /count`
//! says what came since the last time it was asked.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

const PAGE: u64 = 50;
const PAGES: u64 = 4;

/// What came, and what was made for it.
#[derive(Default)]
struct State {
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    /// The path and query of the last request.
    last: Mutex<String>,
    /// By region, page, whether with `fields`, whether packed.
    bodies: Mutex<HashMap<(String, u64, bool, bool), Bytes>>,
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder for the authority"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(serve(folder));
}

async fn serve(folder: PathBuf) {
    let state = Arc::new(State::default());
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let secure = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let tls = authority(&folder);
    println!("http://127.0.0.1:{}\nhttps://localhost:{}", port(&plain), port(&secure));
    std::io::stdout().flush().expect("somebody reads");
    // Ends with whoever started it.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        tokio::select! {
            stream = plain.accept() => tokio::spawn(connection(stream.expect("a connection").0, None, state.clone())),
            stream = secure.accept() => {
                tokio::spawn(connection(stream.expect("a connection").0, Some(tls.clone()), state.clone()))
            }
        };
    }
}

/// A certificate for localhost, by an authority whose own certificate is in the folder.
fn authority(folder: &std::path::Path) -> TlsAcceptor {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // With the name of its issuer, OpenSSL would take the server's certificate for self-signed.
    params.distinguished_name.push(DnType::CommonName, "authority of the benchmark");
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority");
    fs::write(folder.join("authority.pem"), authority.pem()).expect("the folder can be written");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    let certificate = params.signed_by(&key, &authority).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .expect("a certificate with its key");
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<State>) {
    state.connections.fetch_add(1, Relaxed);
    let _ = stream.set_nodelay(true);
    let answer = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(answer(&request, &state).await) }
    });
    // A peer that leaves is no fault.
    match tls {
        None => drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await),
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await);
            }
        }
    }
}

async fn answer(request: &Request<Incoming>, state: &State) -> Response<Full<Bytes>> {
    if request.uri().path() == "/count" {
        let [connections, requests, bytes] =
            [&state.connections, &state.requests, &state.bytes].map(|count| count.swap(0, Relaxed));
        let last = state.last.lock().expect("nobody panics").clone();
        // Without the one that asks.
        let counts = json!({"connections": connections - 1, "requests": requests, "bytes": bytes, "last": last});
        return Response::new(Full::new(counts.to_string().into()));
    }
    *state.last.lock().expect("nobody panics") = request.uri().to_string();
    let query = request.uri().query().unwrap_or_default();
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)).unwrap_or_default().to_owned();
    let (region, page) = (value("regionCode="), value("pageToken=p").parse().unwrap_or(0));
    let accepts_gzip =
        request.headers().get("accept-encoding").is_some_and(|value| value.as_bytes().windows(4).any(|w| w == b"gzip"));
    let key = (region.clone(), page, !value("fields=").is_empty(), accepts_gzip);
    let made = state.bodies.lock().expect("nobody panics").get(&key).cloned();
    let body = made.unwrap_or_else(|| {
        let body = body(&region, page, key.2, accepts_gzip);
        state.bodies.lock().expect("nobody panics").insert(key, body.clone());
        body
    });
    // A sleep of nothing would end with the timer's next millisecond.
    if let Some(latency) = latency(request.uri().path(), &region) {
        tokio::time::sleep(latency).await;
    }
    state.requests.fetch_add(1, Relaxed);
    state.bytes.fetch_add(body.len() as u64, Relaxed);
    let mut response = Response::builder().header("content-type", "application/json; charset=UTF-8");
    if accepts_gzip {
        response = response.header("content-encoding", "gzip");
    }
    response.body(Full::new(body)).expect("a response")
}

/// By the first part of the path; drawn ones depend on the seed and the region alone.
fn latency(path: &str, region: &str) -> Option<Duration> {
    let (how, number) = path.trim_start_matches('/').split('/').next()?.split_once('-')?;
    let number = number.parse().ok()?;
    match how {
        "fixed" => Some(Duration::from_millis(number)),
        "drawn" => Some(Duration::from_millis(drawn(number, region))),
        _ => None,
    }
}

/// `compare` knows the same sum.
fn drawn(seed: u64, region: &str) -> u64 {
    let sum = region.bytes().fold(seed, |sum, byte| (sum * 31 + u64::from(byte) * 7919) % 1_000_003);
    200 + sum % 301
}

/// A page, with the sizes of real items: 3.9 KB on average, more than a quarter of it the description (US page of
/// 2023-11, from a public repository).
fn body(region: &str, page: u64, has_fields: bool, packed: bool) -> Bytes {
    let items: Vec<Value> = (0..PAGE).map(|place| item(region, page * PAGE + place, has_fields)).collect();
    let mut list = json!({"kind": "youtube#videoListResponse", "items": items});
    if page + 1 < PAGES {
        list["nextPageToken"] = json!(format!("p{}", page + 1));
    }
    // Unless told otherwise, the API indents.
    let text = if has_fields { list.to_string() } else { serde_json::to_string_pretty(&list).expect("JSON") };
    if !packed {
        return text.into();
    }
    let mut packer = GzEncoder::new(Vec::new(), Compression::new(6));
    packer.write_all(text.as_bytes()).expect("memory");
    packer.finish().expect("memory").into()
}

fn item(region: &str, place: u64, has_fields: bool) -> Value {
    // Every fourth video is in all charts.
    let owner = if place.is_multiple_of(4) { "XX" } else { region };
    let seed = owner.bytes().fold(place, |sum, byte| sum * 131 + u64::from(byte));
    let mut dice = fastrand::Rng::with_seed(seed);
    let mut words = |count: usize| -> String {
        let word = |dice: &mut fastrand::Rng| (0..dice.usize(3..10)).map(|_| dice.lowercase()).collect::<String>();
        (0..count).map(|_| word(&mut dice)).collect::<Vec<_>>().join(" ")
    };
    let id = format!("{owner}{:09}", place);
    let picture = |name: &str, width: u32, height: u32| json!({"url": format!("https://i.ytimg.com/vi/{id}/{name}.jpg"), "width": width, "height": height});
    let mut snippet = json!({
        "publishedAt": "2026-11-20T15:00:08Z", "channelId": format!("UC{id}{id}"), "title": words(8),
        "thumbnails": {"default": picture("default", 120, 90), "medium": picture("mqdefault", 320, 180),
            "high": picture("hqdefault", 480, 360), "standard": picture("sddefault", 640, 480),
            "maxres": picture("maxresdefault", 1280, 720)},
        "channelTitle": words(2), "tags": (0..14).map(|_| words(2)).collect::<Vec<_>>(), "categoryId": "20",
        "liveBroadcastContent": "none", "defaultAudioLanguage": "en"
    });
    let statistics = json!({"viewCount": "1234567", "likeCount": "45678", "commentCount": "3210"});
    if has_fields {
        return json!({"id": id, "snippet": snippet, "contentDetails": {"duration": "PT12M34S", "contentRating": {}},
            "statistics": statistics, "status": {"embeddable": true}});
    }
    let description = words(155);
    snippet["localized"] = json!({"title": snippet["title"], "description": description});
    snippet["description"] = json!(description);
    json!({"kind": "youtube#video", "etag": "aaaaaaaaaaaaaaaaaaaaaaaaaaa", "id": id, "snippet": snippet,
        "contentDetails": {"duration": "PT12M34S", "dimension": "2d", "definition": "hd", "caption": "true",
            "licensedContent": true, "contentRating": {}, "projection": "rectangular"},
        "statistics": {"viewCount": "1234567", "likeCount": "45678", "favoriteCount": "0", "commentCount": "3210"},
        "status": {"uploadStatus": "processed", "privacyStatus": "public", "license": "youtube", "embeddable": true,
            "publicStatsViewable": true, "madeForKids": false}})
}
