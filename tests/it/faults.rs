//! Every fault that a response can have, on the first, a middle and the last page of a chart. The charts of two other
//! regions must be complete each time.

mod error_responses;
mod table;

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Outcome, Run, Server, ids, peak_kib, region_row};
use crate::raw_server::{PAGES, RawRequest, RawServer, Step, ids_of, ok, page, wait_until};
use table::Expected::{Closes, Empty, Fails, LastPage, Repeats, Skips, Whole};
use table::{FaultCase, FaultyRequest, case, table};

/// The region whose responses have the fault. The others are requested before and after it.
const FAULTY: &str = "PL";
const HEALTHY: [&str; 2] = ["US", "DE"];

/// A server with one fault on one page of one region.
fn server(case: &Arc<FaultCase>, page: usize) -> RawServer {
    let (case, log) = (Arc::clone(case), Arc::new(Mutex::new(Vec::<RawRequest>::new())));
    RawServer::start(move |request, elsewhere| {
        log.lock().unwrap().push(request.clone());
        if request.region != FAULTY || request.page != Some(page) {
            return None;
        }
        // A region that requests its second page has its first one. From then on, a 403 concerns this region alone.
        wait_until("another region has a page", || {
            log.lock().unwrap().iter().any(|other| other.region != FAULTY && other.page == Some(1))
        });
        Some((case.steps)(&FaultyRequest { page, nth: request.nth, elsewhere }))
    })
}

fn run(case: &FaultCase, server: &RawServer) -> Run {
    let slow = case.name.contains("stall") || matches!(case.expected, Fails("timeout", _));
    // Short if the timeout ends the attempt. Otherwise a busy machine must not end it first.
    let timeout = if slow { "1s" } else { "20s" };
    let arguments = format!("-r {},{FAULTY},{} -n 150 --json -vv --retries 1 --backoff 1ms", HEALTHY[0], HEALTHY[1]);
    let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>());
    run.command.args(["--timeout", timeout, "--base-url", &server.base_url]);
    run
}

/// Asserts the expected end of this fault on page `at`.
fn check(case: &FaultCase, at: usize, server: &RawServer, outcome: &Outcome) {
    let document = outcome.document();
    let row = region_row(&document, FAULTY);
    let complete = |pages: std::ops::Range<usize>| pages.flat_map(|page| ids_of(FAULTY, page)).collect::<Vec<_>>();
    let first = at * 50;
    let with_first = |first_ids: &[usize]| {
        let mut ids = complete(0..PAGES);
        let kept: Vec<String> = first_ids.iter().map(|index| ids[first + index].clone()).collect();
        ids.splice(first..first + 8, kept);
        ids
    };
    let failed = if at == 0 { "failed" } else { "partial" };
    let (status, kind, attempts, expected, skipped): (_, _, _, Vec<String>, _) = match case.expected {
        Fails(kind, attempts) => (failed, json!(kind), attempts, complete(0..at), 0),
        Closes(kind) => (failed, json!(kind), server.times(FAULTY, at).clamp(2, 3), complete(0..at), 0),
        Whole(attempts) => ("ok", Value::Null, attempts, complete(0..PAGES), 0),
        Skips => ("ok", Value::Null, 1, with_first(&[1, 2, 3, 4, 5, 6, 7]), 1),
        // The first rank counts, so the entry at index 7 comes first.
        Repeats => ("ok", Value::Null, 1, with_first(&[7, 1, 2, 3, 4, 5, 6]), 0),
        LastPage => ("ok", Value::Null, 1, complete(0..at + 1), 0),
        Empty => ("ok", Value::Null, 1, complete(0..at).into_iter().chain(complete(at + 1..PAGES)).collect(), 0),
    };
    assert_eq!((&row["status"], &row["error"]["kind"]), (&json!(status), &kind), "{row} {}", outcome.stderr);
    assert_eq!(outcome.code, Some(if status == "ok" { 0 } else { 3 }));
    assert_eq!(document["stats"]["skipped"], skipped);
    assert_eq!(server.times(FAULTY, at), attempts, "requests for the page");
    assert_eq!(server.forbidden_connections(), 0, "the redirect was followed");
    let sent = server.log().iter().filter(|request| request.region == FAULTY).count();
    assert_eq!((&row["requests"], &row["retries"]), (&json!(sent), &json!(attempts - 1)));
    let of = |region: &str| -> Vec<String> {
        ids(&document).into_iter().filter(|id| id.starts_with(region)).map(str::to_owned).collect()
    };
    assert_eq!(of(FAULTY), expected);
    for healthy in HEALTHY {
        assert_eq!(region_row(&document, healthy)["status"], "ok", "{}", outcome.stderr);
        assert_eq!(of(healthy), (0..PAGES).flat_map(|page| ids_of(healthy, page)).collect::<Vec<_>>());
    }
    assert_eq!(ids(&document).len(), expected.len() + HEALTHY.len() * PAGES * 50, "videos of other regions");
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
}

#[test]
fn each_fault_on_each_page_ends_as_expected_and_spares_the_other_regions() {
    let table: Vec<Arc<FaultCase>> = table().into_iter().map(Arc::new).collect();
    let names: std::collections::HashSet<_> = table.iter().map(|case| case.name).collect();
    assert!(names.len() == table.len() && table.len() >= 40);
    let cases: Vec<_> = table.iter().flat_map(|case| (0..PAGES).map(move |page| (case, page))).collect();
    println!("{} faults, {} cases", table.len(), cases.len());
    let name = |(case, page): &(&Arc<FaultCase>, usize)| format!("{}, page {}", case.name, page + 1);
    each_in_parallel(8, &cases, name, |(case, page)| {
        let server = server(case, *page);
        check(case, *page, &server, &run(case, &server).finish());
    });
}

/// Checks the cases, `at_once` at a time, and lists those that failed.
fn each_in_parallel<T: Sync>(
    at_once: usize,
    cases: &[T],
    name: impl Fn(&T) -> String + Sync,
    check: impl Fn(&T) + Sync,
) {
    let (next, failed) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, SeqCst)) {
                    // A thread with the case's name, so that a panic message begins with it.
                    let named = thread::Builder::new().name(name(case)).spawn_scoped(scope, || check(case)).unwrap();
                    if named.join().is_err() {
                        failed.lock().unwrap().push(name(case));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(failed.is_empty(), "{} of {} failed: {failed:#?}", failed.len(), cases.len());
}

#[test]
fn a_repeated_page_token_ends_the_chart() {
    // The token of each page, the number of requests, and whether there is a warning.
    for (tokens, pages, warns) in [(["t1", "t1"], 2, true), (["t2", "t2"], 2, true), (["t1", "t2"], 3, false)] {
        let server = RawServer::start(move |request, _| {
            let number = (request.region == FAULTY).then_some(request.page?)?;
            let mut page = page(FAULTY, number);
            page["nextPageToken"] = json!(tokens.get(if number == 0 { 0 } else { 1 })?);
            Some(vec![Step::Say(ok(page.to_string()))])
        });
        let case = case("", Whole(1), |_| Vec::new());
        let outcome = run(&case, &server).finish().exits(0);
        assert_eq!(region_row(&outcome.document(), FAULTY)["requests"], pages, "{tokens:?}");
        assert_eq!(region_row(&outcome.document(), HEALTHY[0])["videos"], 150);
        assert_eq!(outcome.stderr.contains("repeats a page token"), warns, "{tokens:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn endless_responses_take_bounded_memory() {
    let names =
        ["an endless body", "one endless header", "endless headers", "a gzip bomb", "100,000 levels in an item"];
    let items = case("millions of items", Empty, |_| {
        vec![Step::Say(ok(format!("{{\"items\":[{}0]}}", "0,".repeat(4_000_000))))]
    });
    let cases = table().into_iter().filter(|case| names.contains(&case.name)).chain([items]);
    for case in cases.map(Arc::new) {
        let server = server(&case, 1);
        assert_takes_little_memory(case.name, run(&case, &server));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn texts_of_megabytes_are_truncated() {
    let server = Server::start(|hit| {
        let long = "x".repeat(1_300_000);
        let pictures = json!({"high": {"url": long}});
        let snippet = json!({"title": long, "channelTitle": long, "channelId": long, "tags": ["a", long], "description": long, "thumbnails": pictures});
        Answer::json(&json!({"items": [{"id": hit.region(), "snippet": snippet}]}))
    });
    let regions = "US,GB,DE,FR,IN,BR,AU,CA,PL,NL,SE,NO,AT,JP,KR,MX";
    assert_takes_little_memory("long texts", Run::on(&server, &format!("-r {regions} -c 1 --json --description")));
    assert_eq!(server.log().len(), 16);
}

#[cfg(target_os = "linux")]
fn assert_takes_little_memory(name: &str, mut run: Run) {
    let mut child = run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = 0_u64;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(peak_kib(child.id()));
        sleep(Duration::from_millis(1));
    }
    println!("{name}: {peak} KiB");
    assert!((1..64 * 1024).contains(&peak), "{name}: {peak} KiB");
}
