//! Proxies that do not connect to the server, and the messages about them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::Value;

use crate::harness::{Outcome, Run};

/// A proxy that reads once and sends the next of its responses, and records what it has read.
struct Proxy {
    port: u16,
    received: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start(responses: &'static [&'static [u8]]) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy { port: listener.local_addr().unwrap().port(), received: Arc::default() };
        let received = Arc::clone(&proxy.received);
        thread::spawn(move || {
            for mut client in listener.incoming().map_while(Result::ok) {
                let mut bytes = [0; 4096];
                for response in responses {
                    let length = client.read(&mut bytes).unwrap_or(0);
                    received.lock().unwrap().push(String::from_utf8_lossy(&bytes[..length]).into_owned());
                    let _ = client.write_all(response);
                }
            }
        });
        proxy
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().unwrap().clone()
    }
}

/// The host youtube.invalid does not exist, so nothing is sent to it.
fn run(variable: &str, value: &str) -> Outcome {
    let base_url = "https://youtube.invalid/youtube/v3";
    let arguments = ["-q", "-r", "US,GB,DE,FR,IN,BR", "-c", "3", "--backoff", "1ms", "--json", "--base-url", base_url];
    let outcome = Run::new(&arguments).env(variable, value).finish().exits(1);
    assert!(!outcome.stderr.contains("secret") && !outcome.stdout.contains("secret"), "{}", outcome.stderr);
    outcome
}

fn kinds(outcome: &Outcome) -> Vec<Value> {
    let mut kinds: Vec<Value> = Vec::new();
    for row in outcome.document()["stats"]["regions"].as_array().unwrap() {
        if !kinds.contains(&row["error"]["kind"]) {
            kinds.push(row["error"]["kind"].clone());
        }
    }
    kinds
}

#[test]
fn a_required_proxy_login_is_not_retried() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        let proxy =
            Proxy::start(&[b"HTTP/1.1 407 X\r\nProxy-Authenticate: Basic realm=\"a\"\r\nContent-Length: 0\r\n\r\n"]);
        for (login, message) in [
            ("", format!("the proxy of {variable} requires a login (407)")),
            ("user:secret@", format!("the proxy does not accept the login in {variable} (407)")),
        ] {
            let before = proxy.received().len();
            let outcome = run(variable, &format!("http://{login}127.0.0.1:{}", proxy.port));
            assert_eq!(kinds(&outcome), ["proxy"]);
            assert!((1..=3).contains(&(proxy.received().len() - before)), "{:?}", proxy.received());
            let remedy = format!("-> write the login into {variable}, as in http://name:password@host:port");
            assert!(outcome.stderr.contains(&message) && outcome.stderr.contains(&remedy), "{}", outcome.stderr);
        }
    }
}

#[test]
fn a_proxy_that_refuses_is_quoted_and_retried() {
    for (response, message) in [
        (
            b"HTTP/1.1 403 Blocked by policy\r\n\r\n".as_slice(),
            "refuses to connect to the server (403 Blocked by policy)",
        ),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", "refuses to connect to the server (502 Bad Gateway)"),
        (b"HTTP/1.1 503 \x1b[2J\r\n\r\n", r"refuses to connect to the server (503 \u{1b}[2J)"),
        (b"220 mail.example.org ESMTP\r\n\r\n", "the proxy of HTTPS_PROXY refuses to connect to the server"),
        (b"", "does not respond like a proxy"),
    ] {
        let proxy = Proxy::start(Box::leak(Box::new([response])));
        let outcome = run("HTTPS_PROXY", &format!("http://user:secret@127.0.0.1:{}", proxy.port));
        assert_eq!(kinds(&outcome), ["proxy"], "{message}");
        assert!(
            outcome.stderr.contains("HTTPS_PROXY") && outcome.stderr.contains(message),
            "{message}: {}",
            outcome.stderr
        );
        let received = proxy.received();
        assert!(
            received.len() > 6 && received.iter().all(|received| received.starts_with("CONNECT youtube.invalid:443 ")),
            "{received:?}"
        );
    }
}

#[test]
fn an_unreachable_proxy_is_named() {
    for variable in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        for proxy in [
            "http://127.0.0.1:1",
            "https://127.0.0.1:1",
            "socks5h://127.0.0.1:1",
            "socks4a://127.0.0.1:1",
            "http://proxy.invalid:3128",
        ] {
            let outcome = run(variable, proxy);
            assert_eq!(kinds(&outcome), ["connect"], "{proxy}");
            let message = format!("no connection to the proxy of {variable}: ");
            assert!(outcome.stderr.contains(&message), "{proxy}: {}", outcome.stderr);
            assert!(outcome.stderr.contains(&format!("-> check {variable} in the environment")), "{}", outcome.stderr);
        }
    }
}

#[test]
fn a_socks_proxy_that_refuses_is_distinguished_from_one_that_requires_a_login() {
    for (login, responses, kind, message) in [
        ("", &[b"\x05\xff".as_slice()] as &[&[u8]], "proxy", "the proxy of ALL_PROXY"),
        ("user:secret@", &[b"\x05\x02", b"\x01\x01"], "proxy", "does not accept the login in ALL_PROXY"),
        (
            "",
            &[b"\x05\x00", b"\x05\x02\x00\x01\x00\x00\x00\x00\x00\x00"],
            "proxy",
            "refuses to connect to the server (",
        ),
    ] {
        let proxy = Proxy::start(Box::leak(responses.to_vec().into_boxed_slice()));
        let outcome = run("ALL_PROXY", &format!("socks5h://{login}127.0.0.1:{}", proxy.port));
        assert_eq!(kinds(&outcome), [kind], "{message}: {}", outcome.stderr);
        assert!(outcome.stderr.contains(message), "{message}: {}", outcome.stderr);
    }
}
