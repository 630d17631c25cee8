//! Connections that end through no fault of the request: nothing is lost, and little is sent twice.

use std::collections::HashSet;
use std::net::TcpListener;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Answer, Run, Server, region_row};
use crate::raw_server::{PAGES, RawRequest, RawServer, Step, ok, page};
use crate::tls::{self, Authority, Fault};

/// Regions of the built-in table.
const ALL: usize = 111;

fn run(server: &RawServer, arguments: &str) -> Run {
    let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>());
    run.command.args(["--json", "-vv", "--base-url", &server.base_url]);
    run
}

#[test]
fn a_server_that_closes_after_each_response_costs_no_region() {
    let server = RawServer::start(|request, _| {
        Some(vec![Step::Say(ok(page(&request.region, request.page.unwrap()).to_string())), Step::Close])
    });
    let outcome = run(&server, "-r all -n 150 --retries 0").finish().exits(0);
    let stats = &outcome.document()["stats"];
    let (requests, pages) = (stats["requests"].as_u64().unwrap() as usize, ALL * PAGES);
    println!("{requests} requests for {pages} pages");
    assert!(requests <= pages * 105 / 100, "{requests} requests");
    assert_eq!(stats["quota_units"], requests);
}

#[test]
fn a_closed_connection_is_replaced_at_once_and_without_a_retry() {
    // The second page is requested on the connection of the first one.
    let server =
        RawServer::start(|request, _| (request.page == Some(1) && request.nth == 0).then(|| vec![Step::Close]));
    let outcome = run(&server, "-r PL -n 150 -c 1 --retries 0").finish().exits(0);
    let stats = &outcome.document()["stats"];
    assert_eq!((&stats["requests"], &stats["retries"], &stats["quota_units"]), (&json!(4), &json!(1), &json!(4)));
    // Only once: a connection that is closed again is a failure.
    let server = RawServer::start(|request, _| (request.page == Some(1)).then(|| vec![Step::Close]));
    let outcome = run(&server, "-r PL -n 150 -c 1 --retries 0").finish().exits(3);
    assert_eq!(region_row(&outcome.document(), "PL")["error"]["kind"], "truncated");
    assert_eq!(server.times("PL", 1), 2);
}

#[test]
fn a_new_connection_that_is_closed_is_a_failure() {
    let server = RawServer::start(|request, _| (request.nth == 0).then(|| vec![Step::Close]));
    run(&server, "-r PL -n 50 --retries 0").finish().exits(1);
    assert_eq!(server.times("PL", 0), 1);
}

#[test]
fn an_attempt_without_a_connection_costs_no_unit() {
    // No server listens there any more.
    let base_url = format!("http://{}/", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let mut refused = Run::new(&["-r", "PL,US", "--json", "--retries", "2", "--backoff", "1ms"]);
    refused.command.args(["--base-url", &base_url]);
    let document = refused.finish().exits(1).document();
    assert_eq!((&document["stats"]["requests"], &document["stats"]["quota_units"]), (&json!(6), &json!(0)));
    assert_eq!(region_row(&document, "US")["error"]["kind"], "connect");

    let mut unknown = Run::new(&["-r", "PL", "--json", "--retries", "0"]);
    unknown.command.args(["--base-url", "https://no-such-host.invalid/"]);
    let document = unknown.finish().exits(1).document();
    assert_eq!((&document["stats"]["requests"], &document["stats"]["quota_units"]), (&json!(1), &json!(0)));
}

#[test]
fn all_regions_share_one_connection_over_http2() {
    let authority = Authority::new();
    let server = tls::Server::start(authority.server("localhost", 2400), |_, _| None);
    server.run(&authority, "-r all -c 0").exits(0);
    assert_eq!((server.connections(), server.log().len()), (1, ALL));
}

#[test]
fn refused_streams_are_resent_and_cost_neither_a_retry_nor_a_unit() {
    let authority = Authority::new();
    for concurrency in ["-c 3", "-c 0"] {
        let once = |request: &RawRequest, _| (request.nth == 0).then_some(Fault::RefuseStream);
        let server = tls::Server::start(authority.server("localhost", 2400), once);
        let outcome = server.run(&authority, &format!("-r all --retries 0 {concurrency}")).exits(0);
        let stats = &outcome.document()["stats"];
        assert_eq!((&stats["requests"], &stats["quota_units"]), (&json!(2 * ALL), &json!(ALL)), "{concurrency}");
    }
}

#[test]
fn a_graceful_goaway_costs_no_region() {
    let authority = Authority::new();
    // Each connection serves two requests.
    let seen = Mutex::new(HashSet::new());
    let goaway =
        move |_: &RawRequest, connection| (!seen.lock().unwrap().insert(connection)).then_some(Fault::GracefulGoAway);
    let server = tls::Server::start(authority.server("localhost", 2400), goaway);
    let outcome = server.run(&authority, "-r all --retries 0").exits(0);
    let requests = outcome.document()["stats"]["requests"].as_u64().unwrap();
    println!("{requests} requests, {} connections", server.connections());
    assert_eq!(outcome.document()["stats"]["quota_units"], ALL);
}

#[test]
fn a_stalled_connection_is_abandoned_after_the_first_timeout() {
    let authority = Authority::new();
    // The first connection serves five requests and then none, while TCP stays up.
    let count = Mutex::new(0);
    let stall = move |_: &RawRequest, connection| {
        let mut count = count.lock().unwrap();
        *count += usize::from(connection == 0);
        (connection == 0 && *count > 5).then_some(Fault::Stall)
    };
    let server = tls::Server::start(authority.server("localhost", 2400), stall);
    let outcome = server.run(&authority, "-r all --timeout 3s").exits(0);
    let requests = outcome.document()["stats"]["requests"].as_u64().unwrap() as usize;
    // The timeout is long enough for every other request, however busy the machine is.
    assert!(requests <= ALL + 3, "{requests} requests: at most one per permit was lost");
}

#[test]
fn a_refused_page_token_restarts_the_chart_once() {
    let token_of = |hit: &crate::harness::Hit| hit.token().map(str::to_owned);
    let server = Server::start(move |hit| match (token_of(hit).as_deref(), hit.nth) {
        (None, _) => Answer::page(&["a", "b"], Some("old")),
        (Some(_), 1) => Answer::refusal(400, "invalidPageToken"),
        (Some(_), _) => Answer::page(&["c"], None),
    });
    let outcome = Run::on(&server, "-r PL -n 100 --json").finish().exits(0);
    assert_eq!(crate::harness::ids(&outcome.document()), ["a", "b", "c"]);
    assert_eq!(server.log().len(), 4);

    let server = Server::start(move |hit| match token_of(hit) {
        None => Answer::page(&["a", "b"], Some("old")),
        Some(_) => Answer::refusal(400, "invalidPageToken"),
    });
    let document = Run::on(&server, "-r PL -n 100 --json").finish().exits(3).document();
    assert_eq!((crate::harness::ids(&document).len(), server.log().len()), (2, 4));
    assert_eq!(region_row(&document, "PL")["status"], "partial");
}

#[test]
fn short_pages_are_followed_up_to_the_requested_number() {
    let server = Server::start(|hit| Answer::page(&[format!("v{}", hit.nth)], Some(&format!("t{}", hit.nth))));
    let outcome = Run::on(&server, "-r PL -n 100 --json").finish().exits(0);
    assert_eq!((outcome.document()["stats"]["raw"].clone(), server.log().len()), (json!(2), 2));
    assert!(outcome.stderr.contains("shorter than requested"), "{}", outcome.stderr);
    // As many as requested, though more exist: no warning.
    let server = Server::start(|_| Answer::page(&["a", "b"], Some("more")));
    let outcome = Run::on(&server, "-r PL -n 2 --json").finish().exits(0);
    assert!(!outcome.stderr.contains("shorter"), "{}", outcome.stderr);
}

#[test]
fn a_stalled_body_of_a_429_neither_delays_nor_prevents_its_hold() {
    let log = std::sync::Arc::new(Mutex::new(Vec::<(Instant, RawRequest)>::new()));
    let seen = std::sync::Arc::clone(&log);
    let server = RawServer::start(move |request, _| {
        log.lock().unwrap().push((Instant::now(), request.clone()));
        let head = "HTTP/1.1 429 X\r\nretry-after: 2\r\ncontent-length: 500\r\n\r\n{\"error\": {";
        (request.region == "US" && request.nth == 0).then(|| vec![Step::Say(head.into()), Step::Stall])
    });
    run(&server, "-r US,GB,DE,FR,IN,BR,AU,CA -c 2 -n 50").finish().exits(0);
    let log = seen.lock().unwrap();
    let first = log[0].0;
    // Two are sent at once, and perhaps one more before the head of the 429 has arrived.
    let early = log.iter().filter(|(at, _)| *at < first + Duration::from_secs(2)).count();
    assert!((2..=3).contains(&early), "{early} of {} requests before Retry-After had passed", log.len());
}
