//! The network settings of the environment: proxies, and trusted certificates.

use std::fs::Permissions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{Outcome, Run, Server};
use crate::secrets::{assert_clean, canary, variants};
use crate::tls::{self, Authority};
use crate::tools::may_run_without_rights;

const VARIABLES: [&str; 6] = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

#[test]
fn a_malformed_proxy_is_exit_2_and_its_value_is_not_shown() {
    let server = Server::of_pages(&["a"]);
    for (value, message) in [
        ("http://", "write http://host:port"),
        ("http://user:canary@proxy:99999", "write http://host:port"),
        ("http//canary:3128", "a path is not supported"),
        ("http://user:ca#nary@proxy:3128", "write http://host:port"),
        ("http://user:12#canary@proxy:3128", "a path is not supported"),
        ("http://proxy/canary.pac", "a path is not supported"),
        ("canary proxy", "write http://host:port"),
        ("'http://canary:3128'", "write http://host:port"),
        ("socks5:canary:1080", "write http://host:port"),
        ("socks5://can ary:1080", "write http://host:port"),
        ("htp://user:canary@proxy:3128", "http, https, socks5 and socks5h are supported"),
        ("socks6://canary:1080", "http, https, socks5 and socks5h are supported"),
    ] {
        for variable in VARIABLES {
            let outcome = Run::on(&server, "-r US -vv").env(variable, value).finish().exits(2);
            assert!(outcome.stderr.contains(&format!("{variable} is not a proxy's address")), "{}", outcome.stderr);
            assert!(outcome.stderr.contains(message), "{value}: {}", outcome.stderr);
            assert!(!outcome.stderr.contains("canary") && !outcome.stderr.contains("nary@"), "{}", outcome.stderr);
        }
    }
    assert!(server.log().is_empty());
    // Commands that send nothing over the network need no proxy.
    for arguments in [["--demo=calm", "-rIN"], ["--dry-run", "-rIN"]] {
        Run::new(&arguments).env("HTTPS_PROXY", "http://").finish().exits(0);
    }
}

#[test]
fn http_proxy_is_ignored_in_a_cgi_program() {
    let server = Server::of_pages(&["a"]);
    let run = |variable: &str| Run::on(&server, "-r US").env("REQUEST_METHOD", "GET").env(variable, "http://").finish();
    run("HTTP_PROXY").exits(0);
    run("HTTPS_PROXY").exits(2);
}

/// A proxy that connects every client to one port of this machine, and records what clients send.
struct Proxy {
    port: u16,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    fn start(target: u16, greet: fn(&mut TcpStream, &Mutex<Vec<u8>>)) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let seen = Arc::clone(&proxy.seen);
        thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                greet(&mut client, &seen);
                let mut server = TcpStream::connect(("127.0.0.1", target)).unwrap();
                let (mut back, mut to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || std::io::copy(&mut back, &mut to));
                let seen = Arc::clone(&seen);
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = client.read(&mut buffer) {
                        seen.lock().unwrap().extend_from_slice(&buffer[..length]);
                        let _ = server.write_all(&buffer[..length]);
                    }
                });
            }
        });
        proxy
    }

    fn seen(&self) -> Vec<u8> {
        self.seen.lock().unwrap().clone()
    }

    fn seen_text(&self) -> String {
        String::from_utf8_lossy(&self.seen()).into_owned()
    }
}

/// The proxy's part of CONNECT (RFC 9110 §9.3.6).
fn connect(client: &mut TcpStream, seen: &Mutex<Vec<u8>>) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && reader.read_until(b'\n', &mut head).unwrap() > 0 {}
    seen.lock().unwrap().extend_from_slice(&head);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
}

/// The proxy's part of SOCKS 5 (RFC 1928), with a login (RFC 1929) where one is offered.
fn socks5(client: &mut TcpStream, seen: &Mutex<Vec<u8>>) {
    let mut take = |length: usize| {
        let mut bytes = vec![0; length];
        client.read_exact(&mut bytes).unwrap();
        seen.lock().unwrap().extend_from_slice(&bytes);
        (bytes, client.try_clone().unwrap())
    };
    let (greeting, _) = take(2);
    let (methods, mut answer) = take(greeting[1].into());
    if methods.contains(&2) {
        answer.write_all(&[5, 2]).unwrap();
        let user = take(2).0[1];
        let password = take(usize::from(user) + 1).0[usize::from(user)];
        take(password.into()).1.write_all(&[1, 0]).unwrap();
    } else {
        answer.write_all(&[5, 0]).unwrap();
    }
    let host = take(5).0[4];
    take(usize::from(host) + 2).1.write_all(&[5, 0, 0, 1, 127, 0, 0, 1, 0, 0]).unwrap();
}

/// A server that is only reachable through a proxy, since its name does not exist.
struct ServerBehindProxy {
    authority: Authority,
    server: tls::Server,
    port: u16,
}

impl ServerBehindProxy {
    fn new() -> ServerBehindProxy {
        let authority = Authority::new();
        let server = tls::Server::start(authority.server("youtube.invalid", 2400), |_, _| None);
        let port = server.base_url.parse::<url::Url>().unwrap().port().unwrap();
        ServerBehindProxy { authority, server, port }
    }

    fn run(&self, variable: &str, value: &str, key: &str) -> Outcome {
        let run = Run::new(&["-r", "US", "-vv", "--json", "--retries", "0", "--base-url"])
            .file("authority.pem", &self.authority.pem());
        let mut run = run.env("SSL_CERT_FILE", "authority.pem").env("RUST_LOG", "trace").env(variable, value);
        run.command.arg(format!("https://youtube.invalid:{}/youtube/v3", self.port));
        run.env("YOUTUBE_API_KEY", key).finish()
    }
}

#[test]
fn a_proxy_sees_neither_the_key_nor_the_request() {
    let hidden = ServerBehindProxy::new();
    let (key, password) = (canary(1), canary(2));
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for form in ["http://user:{password}@{host}/", "user:{password}@{host}"] {
            let proxy = Proxy::start(hidden.port, connect);
            let value = form.replace("{password}", &password).replace("{host}", &format!("127.0.0.1:{}", proxy.port));
            let before = hidden.server.log().len();
            let outcome = hidden.run(variable, &value, &key).exits(0);
            assert_eq!(hidden.server.log().len(), before + 1, "{variable}={form}");

            let seen = proxy.seen_text();
            assert!(seen.starts_with(&format!("CONNECT youtube.invalid:{} HTTP/1.1\r\n", hidden.port)), "{seen}");
            let login = STANDARD.encode(format!("user:{password}"));
            assert!(seen.to_lowercase().contains("proxy-authorization: basic ") && seen.contains(&login), "{seen}");
            assert_clean("what a proxy sees", &proxy.seen(), &variants(&key));
            assert!(!seen.contains("regionCode"), "{seen}");
            for (what, text) in [("standard output", &outcome.stdout), ("standard error", &outcome.stderr)] {
                assert_clean(what, text.as_bytes(), &variants(&key));
                assert_clean(what, text.as_bytes(), &variants(&password));
                assert_clean(what, text.as_bytes(), std::slice::from_ref(&login));
            }
        }
    }
}

#[test]
fn a_socks_proxy_works_with_and_without_a_login() {
    let hidden = ServerBehindProxy::new();
    let (key, password) = (canary(1), canary(2));
    for login in ["", "user:{password}@"] {
        let proxy = Proxy::start(hidden.port, socks5);
        let login = login.replace("{password}", &password);
        let outcome = hidden.run("ALL_PROXY", &format!("socks5h://{login}127.0.0.1:{}", proxy.port), &key).exits(0);
        let seen = proxy.seen_text();
        assert!(
            seen.contains("youtube.invalid") && seen.contains(&login.replace("user:", "").replace('@', "")),
            "{seen}"
        );
        assert_clean("what a proxy sees", &proxy.seen(), &variants(&key));
        assert_clean("standard error", outcome.stderr.as_bytes(), &variants(&password));
    }
    assert_eq!(hidden.server.log().len(), 2);
}

#[test]
fn the_login_of_a_failing_proxy_is_not_shown() {
    let hidden = ServerBehindProxy::new();
    let password = canary(3);
    let refuse: fn(&mut TcpStream, &Mutex<Vec<u8>>) = |client, _| {
        let _ = client.read(&mut [0; 4096]);
        let _ = client.write_all(b"HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n");
    };
    let refusing = Proxy::start(hidden.port, refuse);
    for port in [refusing.port, 1] {
        for scheme in ["http", "https", "socks5h"] {
            let value = format!("{scheme}://user:{password}@127.0.0.1:{port}");
            let outcome = hidden.run("HTTPS_PROXY", &value, "AIzaKey");
            assert_ne!(outcome.code, Some(0), "{value}");
            for text in [&outcome.stdout, &outcome.stderr] {
                assert_clean(scheme, text.as_bytes(), &variants(&password));
            }
        }
    }
    assert!(hidden.server.log().is_empty());
}

#[test]
fn loopback_bypasses_the_proxy() {
    let authority = Authority::new();
    let server = tls::Server::start(authority.server("localhost", 2400), |_, _| None);
    let plain = Server::of_pages(&["a"]);
    let proxy = Proxy::start(1, connect);
    let with_proxy = |mut run: Run| {
        for variable in VARIABLES {
            run = run.env(variable, &format!("http://127.0.0.1:{}", proxy.port));
        }
        run.finish().exits(0)
    };
    let run = Run::new(&["-r", "US", "--base-url", &server.base_url]).file("authority.pem", &authority.pem());
    with_proxy(run.env("SSL_CERT_FILE", "authority.pem"));
    with_proxy(Run::on(&plain, "-r US"));
    assert_eq!((server.log().len(), plain.log().len(), proxy.seen().len()), (1, 1, 0));
}

#[test]
fn unusable_certificates_are_named_and_nothing_is_sent() {
    let authority = Authority::new();
    let server = tls::Server::start(authority.server("localhost", 2400), |_, _| None);
    let pem = authority.pem();
    for (variable, value, message) in [
        ("SSL_CERT_FILE", "missing.pem", "SSL_CERT_FILE: cannot read missing.pem: No such file"),
        ("SSL_CERT_FILE", ".", "SSL_CERT_FILE: cannot read .: Is a directory"),
        ("SSL_CERT_FILE", "empty.pem", "SSL_CERT_FILE: empty.pem holds no certificate"),
        ("SSL_CERT_FILE", "/dev/null", "SSL_CERT_FILE: /dev/null holds no certificate"),
        ("SSL_CERT_FILE", "der.pem", "openssl x509 -inform der"),
        ("SSL_CERT_FILE", "cut.pem", "SSL_CERT_FILE: cut.pem holds no certificate"),
        ("SSL_CERT_FILE", "junk.pem", "SSL_CERT_FILE: junk.pem holds no certificate"),
        ("SSL_CERT_DIR", "missing", "SSL_CERT_DIR: cannot read missing: No such file"),
        ("SSL_CERT_DIR", "good:missing", "SSL_CERT_DIR: cannot read missing: No such file"),
        ("SSL_CERT_DIR", "good/authority.pem", "SSL_CERT_DIR: cannot read good/authority.pem: Not a directory"),
        ("SSL_CERT_DIR", "none", "SSL_CERT_DIR: there is no certificate"),
    ] {
        let run = folder(&server, &pem).env(variable, value);
        let outcome = run.finish().exits(2);
        assert!(outcome.stderr.contains(message), "{variable}={value}: {}", outcome.stderr);
        assert!(outcome.stderr.contains("unset") || outcome.stderr.contains("name a file"), "{}", outcome.stderr);
    }
    assert_eq!(server.connections(), 0);

    for (variable, value) in
        [("SSL_CERT_FILE", "good/authority.pem"), ("SSL_CERT_DIR", "good"), ("SSL_CERT_DIR", "none::good")]
    {
        folder(&server, &pem).env(variable, value).finish().exits(0);
    }
    if may_run_without_rights("certificates that may not be read") {
        let run = folder(&server, &pem);
        std::fs::set_permissions(run.path("good/authority.pem"), Permissions::from_mode(0o000)).unwrap();
        let outcome = run.env("SSL_CERT_FILE", "good/authority.pem").without_rights().finish().exits(2);
        assert!(outcome.stderr.contains("good/authority.pem: Permission denied"), "{}", outcome.stderr);
    }
    // Loopback without TLS needs no certificates.
    Run::on(&Server::of_pages(&["a"]), "-r US").env("SSL_CERT_FILE", "missing.pem").finish().exits(0);
}

/// A run in a folder with certificates and with files that are not certificates.
fn folder(server: &tls::Server, pem: &str) -> Run {
    let run = Run::new(&["-r", "US", "--base-url", &server.base_url]);
    for name in ["good", "none"] {
        std::fs::create_dir(run.path(name)).unwrap();
    }
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    std::fs::write(run.path("der.pem"), STANDARD.decode(base64).unwrap()).unwrap();
    run.file("good/authority.pem", pem)
        .file("none/readme", "no certificate")
        .file("empty.pem", "")
        .file("cut.pem", &pem[..pem.len() / 2])
        .file("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
}
