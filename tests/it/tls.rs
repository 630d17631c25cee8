//! HTTP/2 over TLS, with the tests' own certificate authority: one shared connection, and the faults that end it or one
//! of its streams.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use h2::Reason;
use h2::server::SendResponse;
use hyper::Response;
use hyper::body::Bytes;
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;
use tokio_rustls::TlsAcceptor;

use crate::harness::{Outcome, Run, ids, region_row};
use crate::raw_server::{PAGES, RawRequest, ids_of, page};

/// What the server does in place of a response.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fault {
    /// GOAWAY with an error, then the end of the connection.
    GoAway,
    /// GOAWAY without an error: later streams are not processed.
    GracefulGoAway,
    /// RST_STREAM with REFUSED_STREAM: the request was not processed.
    RefuseStream,
    /// RST_STREAM before the headers.
    Reset,
    /// RST_STREAM in the body.
    ResetInBody,
    /// The end of the connection, without a TLS close_notify.
    Close,
    CloseInBody,
    Stall,
    StallInBody,
}
use Fault::{Close, CloseInBody, GoAway, GracefulGoAway, RefuseStream, Reset, ResetInBody, Stall, StallInBody};

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A TLS acceptor with a certificate for this name, valid until the end of this year.
    pub fn server(&self, name: &str, until: i32) -> TlsAcceptor {
        self.issue(name, 2020, until).0
    }

    /// The same with a first year, and with the certificate as PEM.
    pub fn issue(&self, name: &str, from: i32, until: i32) -> (TlsAcceptor, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = params(name, from, until).signed_by(&key, &self.0).unwrap();
        (acceptor(&certificate, &key), certificate.pem())
    }
}

/// A self-signed certificate, as made by `openssl req -x509`.
pub fn self_signed(name: &str, until: i32) -> (TlsAcceptor, String) {
    let mut params = params(name, 2020, until);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    (acceptor(&certificate, &key), certificate.pem())
}

fn params(name: &str, from: i32, until: i32) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    (params.not_before, params.not_after) = (date_time_ymd(from, 1, 1), date_time_ymd(until, 12, 31));
    params
}

fn acceptor(certificate: &Certificate, key: &KeyPair) -> TlsAcceptor {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

/// A server on loopback. Its thread ends with the test's process.
pub struct Server {
    pub base_url: String,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    log: Mutex<Vec<RawRequest>>,
}

/// The fault for a request and the number of its connection, from 0.
type ChooseFault = dyn Fn(&RawRequest, usize) -> Option<Fault> + Send + Sync;

impl Server {
    pub fn start(
        acceptor: TlsAcceptor,
        fault: impl Fn(&RawRequest, usize) -> Option<Fault> + Send + Sync + 'static,
    ) -> Server {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let base_url = format!("https://localhost:{}/youtube/v3", listener.local_addr().unwrap().port());
        let (seen, fault): (_, Arc<ChooseFault>) = (Arc::new(Seen::default()), Arc::new(fault));
        let server = Server { base_url, seen: Arc::clone(&seen) };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                while let Ok((stream, _)) = listener.accept().await {
                    let number = seen.connections.fetch_add(1, SeqCst);
                    let fault = Arc::clone(&fault);
                    let fault = move |request: &RawRequest| fault(request, number);
                    tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&seen), fault));
                }
            });
        });
        server
    }

    pub fn connections(&self) -> usize {
        self.seen.connections.load(SeqCst)
    }

    pub fn log(&self) -> Vec<RawRequest> {
        self.seen.log.lock().unwrap().clone()
    }

    /// A run that trusts only this authority.
    pub fn run(&self, authority: &Authority, arguments: &str) -> Outcome {
        self.run_trusting(&authority.pem(), arguments)
    }

    /// A run with these certificates in `SSL_CERT_FILE`.
    pub fn run_trusting(&self, pem: &str, arguments: &str) -> Outcome {
        let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>()).file("authority.pem", pem);
        run = run.env("SSL_CERT_FILE", "authority.pem");
        run.command.args(["--json", "-vv", "--backoff", "1ms", "--base-url", &self.base_url]);
        run.finish()
    }
}

/// Serves one connection. Streams end it, with or without a GOAWAY, through a channel.
async fn serve(
    stream: tokio::net::TcpStream,
    acceptor: TlsAcceptor,
    seen: Arc<Seen>,
    fault: impl Fn(&RawRequest) -> Option<Fault>,
) {
    let Ok(tls) = acceptor.accept(stream).await else { return };
    let Ok(mut connection) = h2::server::handshake(tls).await else { return };
    let (end, mut ends) = unbounded_channel();
    loop {
        tokio::select! {
            accepted = connection.accept() => {
                let Some(Ok((request, respond))) = accepted else { return };
                let request = {
                    let mut log = seen.log.lock().unwrap();
                    let request = RawRequest::parse(request.uri().path_and_query().unwrap().as_str(), &log);
                    log.push(request.clone());
                    request
                };
                tokio::spawn(respond_to(respond, fault(&request), request, end.clone()));
            }
            Some(fault) = ends.recv() => match fault {
                GoAway => connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM),
                GracefulGoAway => connection.graceful_shutdown(),
                _ => return,
            },
        }
    }
}

/// Serves one stream. The client may be gone, which the server ignores.
async fn respond_to(
    mut respond: SendResponse<Bytes>,
    fault: Option<Fault>,
    request: RawRequest,
    end: UnboundedSender<Fault>,
) {
    let body = page(&request.region, request.page.unwrap_or(0)).to_string();
    let head = Response::builder().header("content-type", "application/json").body(()).unwrap();
    if fault == Some(GracefulGoAway) {
        let _ = end.send(GracefulGoAway);
    }
    match fault {
        None | Some(GracefulGoAway) => {
            let Ok(mut stream) = respond.send_response(head, false) else { return };
            let _ = stream.send_data(body.into(), true);
        }
        Some(RefuseStream) => respond.send_reset(Reason::REFUSED_STREAM),
        Some(Reset) => respond.send_reset(Reason::INTERNAL_ERROR),
        Some(Stall) => std::future::pending().await,
        Some(fault @ (GoAway | Close)) => {
            let _ = end.send(fault);
            std::future::pending().await
        }
        Some(fault @ (ResetInBody | CloseInBody | StallInBody)) => {
            let Ok(mut stream) = respond.send_response(head, false) else { return };
            let _ = stream.send_data(body[..1000].to_owned().into(), false);
            sleep(Duration::from_millis(30)).await;
            match fault {
                ResetInBody => stream.send_reset(Reason::INTERNAL_ERROR),
                StallInBody => std::future::pending().await,
                _ => {
                    let _ = end.send(fault);
                    std::future::pending().await
                }
            }
        }
    }
}

fn all_ids(regions: &[&str], pages: std::ops::Range<usize>) -> Vec<String> {
    regions.iter().flat_map(|region| pages.clone().flat_map(|page| ids_of(region, page))).collect()
}

#[test]
fn a_run_uses_one_connection_for_all_regions_and_pages() {
    let authority = Authority::new();
    let server = Server::start(authority.server("localhost", 2400), |_, _| None);
    let outcome = server.run(&authority, "-r US,PL,DE,FR -n 150 -c 1").exits(0);
    assert_eq!(ids(&outcome.document()), all_ids(&["US", "PL", "DE", "FR"], 0..PAGES));
    assert_eq!((server.connections(), server.log().len()), (1, 12));
}

/// Each fault with its error kind, and how often its request is resent at once because the server may not have seen it.
const FAULTS: [(Fault, &str, usize); 7] = [
    (GoAway, "connect", 1),
    (Reset, "connect", 0),
    (ResetInBody, "truncated", 0),
    (Close, "connect", 1),
    (CloseInBody, "truncated", 0),
    (Stall, "timeout", 0),
    (StallInBody, "timeout", 0),
];

/// Checks each fault in its own thread. The timeout is short if it ends the attempt. Otherwise a busy machine must not end
/// it first.
fn each_in_parallel(check: impl Fn(Fault, &str, usize, &str) + Sync) {
    thread::scope(|scope| {
        for (fault, kind, resent) in FAULTS {
            let timeout = if kind == "timeout" { "--timeout 800ms" } else { "--timeout 20s" };
            let check = &check;
            scope.spawn(move || check(fault, kind, resent, timeout));
        }
    });
}

#[test]
fn each_lasting_fault_fails_the_region_and_keeps_earlier_pages() {
    let authority = Authority::new();
    each_in_parallel(|fault, kind, resent, timeout| {
        for at in 0..PAGES {
            let faulty =
                move |request: &RawRequest, _| (request.region == "PL" && request.page == Some(at)).then_some(fault);
            let server = Server::start(authority.server("localhost", 2400), faulty);
            // With -c 1, since the end of a connection ends all requests in flight on it.
            let outcome = server.run(&authority, &format!("-r US,PL,DE -n 150 -c 1 --retries 1 {timeout}"));
            let (shown, document) = (format!("{fault:?}, page {at}: {}", outcome.stderr), outcome.document());
            assert_eq!(outcome.code, Some(3), "{shown}");
            let row = region_row(&document, "PL");
            let status = if at == 0 { "failed" } else { "partial" };
            assert_eq!((&row["status"], &row["error"]["kind"]), (&json!(status), &json!(kind)), "{shown}");
            let expected = [all_ids(&["US"], 0..PAGES), all_ids(&["PL"], 0..at), all_ids(&["DE"], 0..PAGES)].concat();
            assert_eq!(ids(&document), expected, "{shown}");
            assert_eq!(
                server.log().iter().filter(|request| request.region == "PL").count(),
                at + 2 + resent,
                "{shown}"
            );
            assert!(!outcome.stderr.contains("panicked"), "{shown}");
        }
    });
}

#[test]
fn each_passing_fault_costs_only_a_retry() {
    let authority = Authority::new();
    each_in_parallel(|fault, _, _, timeout| {
        for at in 0..PAGES {
            let faulty = move |request: &RawRequest, _| {
                (request.region == "PL" && request.page == Some(at) && request.nth == 0).then_some(fault)
            };
            let server = Server::start(authority.server("localhost", 2400), faulty);
            // Requests in flight on the same connection are sent again too.
            let outcome = server.run(&authority, &format!("-r US,PL,DE -n 150 -c 3 --retries 3 {timeout}"));
            let document = outcome.document();
            assert_eq!(outcome.code, Some(0), "{fault:?}, page {at}: {}", outcome.stderr);
            assert_eq!(ids(&document), all_ids(&["US", "PL", "DE"], 0..PAGES), "{fault:?}, page {at}");
            assert!(document["stats"]["retries"].as_u64().unwrap() >= 1);
            // Every request is counted. Those sent into a closing connection may not have arrived.
            assert!(document["stats"]["requests"].as_u64().unwrap() as usize >= server.log().len());
        }
    });
}

#[test]
fn an_invalid_certificate_is_explained_and_gets_no_request_and_no_retry() {
    let (authority, unknown) = (Authority::new(), Authority::new());
    for (acceptor, says) in [
        (unknown.server("localhost", 2400), "an authority that is not trusted here"),
        (self_signed("localhost", 2400).0, "self-signed, or that of an authority, and not trusted here"),
        (authority.server("localhost", 2021), "expired at 2021-12-31T00:00:00Z, and this machine's clock says 2"),
        (
            authority.issue("localhost", 2300, 2400).0,
            "is not valid before 2300-01-01T00:00:00Z, and this machine's clock says 2",
        ),
        (authority.server("elsewhere.example", 2400), "is for elsewhere.example, not for localhost"),
    ] {
        let server = Server::start(acceptor, |_, _| None);
        let outcome = server.run(&authority, "-r PL --retries 4").exits(1);
        let document = outcome.document();
        let row = region_row(&document, "PL");
        assert_eq!((&row["error"]["kind"], &row["requests"]), (&json!("tls"), &json!(1)), "{says}");
        assert_eq!(row["error"]["status"], Value::Null);
        assert!(row["error"]["message"].as_str().unwrap().contains(says), "{says}: {row}");
        assert_eq!((server.connections(), server.log().len()), (1, 0), "{says}");
    }
}

#[test]
fn a_trusted_server_certificate_is_valid_within_its_dates_and_for_its_names() {
    let trusted =
        |(acceptor, pem): (TlsAcceptor, String)| Server::start(acceptor, |_, _| None).run_trusting(&pem, "-r PL").code;
    assert_eq!(trusted(self_signed("localhost", 2400)), Some(0));
    assert_eq!(trusted(Authority::new().issue("localhost", 2020, 2400)), Some(0));
    assert_eq!(trusted(self_signed("localhost", 2021)), Some(1));
    assert_eq!(trusted(self_signed("elsewhere.example", 2400)), Some(1));
    assert_eq!(trusted(Authority::new().issue("localhost", 2020, 2021)), Some(1));
    assert_eq!(trusted(Authority::new().issue("elsewhere.example", 2020, 2400)), Some(1));
    // Another certificate for the same name.
    let (acceptor, _) = self_signed("localhost", 2400);
    assert_eq!(trusted((acceptor, self_signed("localhost", 2400).1)), Some(1));
}

#[test]
fn a_failed_handshake_is_retried() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("https://localhost:{}/youtube/v3", listener.local_addr().unwrap().port());
    let server = Server { base_url, seen: Arc::default() };
    let seen = Arc::clone(&server.seen);
    thread::spawn(move || {
        // The TLS alert handshake_failure.
        for mut stream in listener.incoming().map_while(Result::ok) {
            seen.connections.fetch_add(1, SeqCst);
            let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            let _ = std::io::Write::write_all(&mut stream, &[0x15, 3, 3, 0, 2, 2, 0x28]);
        }
    });
    let outcome = server.run(&Authority::new(), "-r PL --retries 2").exits(1);
    assert_eq!(region_row(&outcome.document(), "PL")["error"]["kind"], "tls");
    assert_eq!(server.connections(), 3);
}
