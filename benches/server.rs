//! A loopback server for `benches/compare`: charts of invented videos, as large as real ones, over HTTP/1.1 and, with a
//! certificate authority of its own, HTTP/2. It responds from memory, so that its own work is not measured.
//!
//! `server FOLDER` writes the authority to `FOLDER/authority.pem`, prints the two base URLs, and exits when its standard
//! input closes. The path before `/videos` sets the latency: `fixed-400`, or `drawn-7` (200 to 500 ms, seeded with 7);
//! with anything else there is none. `GET /count` returns the counts since the last such request.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints its results and may panic"
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

#[derive(Default)]
struct ServerState {
    connections: AtomicU64,
    requests: AtomicU64,
    bytes: AtomicU64,
    /// The path and query of the last request.
    last: Mutex<String>,
    /// By region, page, whether `fields` was set, and whether compressed.
    bodies: Mutex<HashMap<(String, u64, bool, bool), Bytes>>,
}

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder for the authority"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(serve(folder));
}

async fn serve(folder: PathBuf) {
    let state = Arc::new(ServerState::default());
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let secure = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let tls = tls_acceptor(&folder);
    println!("http://127.0.0.1:{}\nhttps://localhost:{}", port(&plain), port(&secure));
    std::io::stdout().flush().expect("standard output");
    // Exit with the parent process.
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

/// TLS with a certificate for localhost. Writes the certificate of its authority to the folder.
fn tls_acceptor(folder: &std::path::Path) -> TlsAcceptor {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // With the same name as the server's certificate, OpenSSL would treat that one as self-signed.
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

async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, state: Arc<ServerState>) {
    state.connections.fetch_add(1, Relaxed);
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let state = state.clone();
        async move { Ok::<_, Infallible>(respond(&request, &state).await) }
    });
    // A client may disconnect at any time.
    match tls {
        None => drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await),
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                drop(auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await);
            }
        }
    }
}

async fn respond(request: &Request<Incoming>, state: &ServerState) -> Response<Full<Bytes>> {
    if request.uri().path() == "/count" {
        let [connections, requests, bytes] =
            [&state.connections, &state.requests, &state.bytes].map(|count| count.swap(0, Relaxed));
        let last = state.last.lock().expect("nobody panics").clone();
        // Without the connection of this request.
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
    let existing = state.bodies.lock().expect("nobody panics").get(&key).cloned();
    let body = existing.unwrap_or_else(|| {
        let body = body(&region, page, key.2, accepts_gzip);
        state.bodies.lock().expect("nobody panics").insert(key, body.clone());
        body
    });
    // Even a sleep of zero would last until the timer's next millisecond.
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

/// Set by the first part of the path.
fn latency(path: &str, region: &str) -> Option<Duration> {
    let (kind, number) = path.trim_start_matches('/').split('/').next()?.split_once('-')?;
    let number = number.parse().ok()?;
    match kind {
        "fixed" => Some(Duration::from_millis(number)),
        "drawn" => Some(Duration::from_millis(drawn(number, region))),
        _ => None,
    }
}

/// Depends on the seed and the region only. `benches/compare` has the same function.
fn drawn(seed: u64, region: &str) -> u64 {
    let sum = region.bytes().fold(seed, |sum, byte| (sum * 31 + u64::from(byte) * 7919) % 1_000_003);
    200 + sum % 301
}

/// A page with items as large as real ones: 3.9 KB on average, of which more than a quarter is the description
/// (measured on a US page of 2023-11, from a public repository).
fn body(region: &str, page: u64, has_fields: bool, is_compressed: bool) -> Bytes {
    let items: Vec<Value> = (0..PAGE).map(|index| item(region, page * PAGE + index, has_fields)).collect();
    let mut list = json!({"kind": "youtube#videoListResponse", "items": items});
    if page + 1 < PAGES {
        list["nextPageToken"] = json!(format!("p{}", page + 1));
    }
    // The API indents by default.
    let text = if has_fields { list.to_string() } else { serde_json::to_string_pretty(&list).expect("JSON") };
    if !is_compressed {
        return text.into();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory").into()
}

fn item(region: &str, index: u64, has_fields: bool) -> Value {
    // Every fourth video is in all charts.
    let owner = if index.is_multiple_of(4) { "XX" } else { region };
    let seed = owner.bytes().fold(index, |sum, byte| sum * 131 + u64::from(byte));
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut words = |count: usize| -> String {
        let word = |rng: &mut fastrand::Rng| (0..rng.usize(3..10)).map(|_| rng.lowercase()).collect::<String>();
        (0..count).map(|_| word(&mut rng)).collect::<Vec<_>>().join(" ")
    };
    let id = format!("{owner}{index:09}");
    let thumbnail = |name: &str, width: u32, height: u32| json!({"url": format!("https://i.ytimg.com/vi/{id}/{name}.jpg"), "width": width, "height": height});
    let mut snippet = json!({
        "publishedAt": "2026-11-20T15:00:08Z", "channelId": format!("UC{id}{id}"), "title": words(8),
        "thumbnails": {"default": thumbnail("default", 120, 90), "medium": thumbnail("mqdefault", 320, 180),
            "high": thumbnail("hqdefault", 480, 360), "standard": thumbnail("sddefault", 640, 480),
            "maxres": thumbnail("maxresdefault", 1280, 720)},
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
