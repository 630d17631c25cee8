//! Every fault that an answer can have, on the first, a middle and the last page of a chart, while
//! the charts of two other regions come whole.

mod refusals;
mod table;

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, sleep};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, Outcome, Run, Server, ids, peak_kib, region_row};
use crate::raw_server::{Asked, Bytes, PAGES, Step, ids_of, ok, page, wait_until};
use table::Scope::{Closes, Empty, Fails, LastPage, Repeats, Skips, Whole};
use table::{Class, Request, class, table};

/// The region whose answers are at fault; the others are asked before and after it.
const ILL: &str = "PL";
const WELL: [&str; 2] = ["US", "DE"];

/// A server with one class of fault on one page of one region.
fn server(class: &Arc<Class>, page: usize) -> Bytes {
    let (class, log) = (Arc::clone(class), Arc::new(Mutex::new(Vec::<Asked>::new())));
    Bytes::start(move |asked, elsewhere| {
        log.lock().unwrap().push(asked.clone());
        if asked.region != ILL || asked.page != Some(page) {
            return None;
        }
        // By its second page another region shows that it has its first: from then on a 403 is of this region alone.
        wait_until("another region has a page", || {
            log.lock().unwrap().iter().any(|other| other.region != ILL && other.page == Some(1))
        });
        Some((class.steps)(&Request { page, nth: asked.nth, elsewhere }))
    })
}

fn run(class: &Class, server: &Bytes) -> Run {
    let slow = class.name.contains("stall") || matches!(class.ends, Fails("timeout", _));
    // Short where the timeout is what ends it; elsewhere a busy machine must not end it first.
    let timeout = if slow { "1s" } else { "20s" };
    let arguments = format!("-r {},{ILL},{} -n 150 --json -vv --retries 1 --backoff 1ms", WELL[0], WELL[1]);
    let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>());
    run.command.args(["--timeout", timeout, "--base-url", &server.base_url]);
    run
}

/// Asserts what the contract says of this class on this page.
fn check(class: &Class, at: usize, server: &Bytes, outcome: &Outcome) {
    let document = outcome.document();
    let row = region_row(&document, ILL);
    let full = |pages: std::ops::Range<usize>| pages.flat_map(|page| ids_of(ILL, page)).collect::<Vec<_>>();
    let first = at * 50;
    let with_first = |first_ids: &[usize]| {
        let mut ids = full(0..PAGES);
        let places: Vec<String> = first_ids.iter().map(|place| ids[first + place].clone()).collect();
        ids.splice(first..first + 8, places);
        ids
    };
    let failed = if at == 0 { "failed" } else { "partial" };
    let (status, kind, asked, expected, skipped): (_, _, _, Vec<String>, _) = match class.ends {
        Fails(kind, asked) => (failed, json!(kind), asked, full(0..at), 0),
        Closes(kind) => (failed, json!(kind), server.times(ILL, at).clamp(2, 3), full(0..at), 0),
        Whole(asked) => ("ok", Value::Null, asked, full(0..PAGES), 0),
        Skips => ("ok", Value::Null, 1, with_first(&[1, 2, 3, 4, 5, 6, 7]), 1),
        // The first rank counts, so place 7 comes first.
        Repeats => ("ok", Value::Null, 1, with_first(&[7, 1, 2, 3, 4, 5, 6]), 0),
        LastPage => ("ok", Value::Null, 1, full(0..at + 1), 0),
        Empty => ("ok", Value::Null, 1, full(0..at).into_iter().chain(full(at + 1..PAGES)).collect(), 0),
    };
    assert_eq!((&row["status"], &row["error"]["kind"]), (&json!(status), &kind), "{row} {}", outcome.stderr);
    assert_eq!(outcome.code, Some(if status == "ok" { 0 } else { 3 }));
    assert_eq!(document["stats"]["skipped"], skipped);
    assert_eq!(server.times(ILL, at), asked, "requests for the page");
    assert_eq!(server.went_elsewhere(), 0, "another address was asked");
    let sent = server.log().iter().filter(|asked| asked.region == ILL).count();
    assert_eq!((&row["requests"], &row["retries"]), (&json!(sent), &json!(asked - 1)));
    let of = |region: &str| -> Vec<String> {
        ids(&document).into_iter().filter(|id| id.starts_with(region)).map(str::to_owned).collect()
    };
    assert_eq!(of(ILL), expected);
    for well in WELL {
        assert_eq!(region_row(&document, well)["status"], "ok", "{}", outcome.stderr);
        assert_eq!(of(well), (0..PAGES).flat_map(|page| ids_of(well, page)).collect::<Vec<_>>());
    }
    assert_eq!(ids(&document).len(), expected.len() + WELL.len() * PAGES * 50, "videos of nobody");
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
}

#[test]
fn each_fault_on_each_page_ends_as_the_contract_says_and_the_other_regions_come_whole() {
    let table: Vec<Arc<Class>> = table().into_iter().map(Arc::new).collect();
    let names: std::collections::HashSet<_> = table.iter().map(|class| class.name).collect();
    assert!(names.len() == table.len() && table.len() >= 40);
    let cases: Vec<_> = table.iter().flat_map(|class| (0..PAGES).map(move |page| (class, page))).collect();
    println!("{} classes of faults, {} cases", table.len(), cases.len());
    let name = |(class, page): &(&Arc<Class>, usize)| format!("{}, page {}", class.name, page + 1);
    each_in_parallel(8, &cases, name, |(class, page)| {
        let server = server(class, *page);
        check(class, *page, &server, &run(class, &server).finish());
    });
}

/// Checks the cases, so many at a time, and says which of them failed.
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
                    // A thread of this name, so that what it says when it fails begins with it.
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
fn a_token_that_repeats_ends_the_chart_wherever_it_comes() {
    // The token given with each page, the pages asked for, and whether it is said.
    for (tokens, pages, warns) in [(["t1", "t1"], 2, true), (["t2", "t2"], 2, true), (["t1", "t2"], 3, false)] {
        let server = Bytes::start(move |asked, _| {
            let place = (asked.region == ILL).then_some(asked.page?)?;
            let mut page = page(ILL, place);
            page["nextPageToken"] = json!(tokens.get(if place == 0 { 0 } else { 1 })?);
            Some(vec![Step::Say(ok(page.to_string()))])
        });
        let class = class("", Whole(1), |_| Vec::new());
        let outcome = run(&class, &server).finish().exits(0);
        assert_eq!(region_row(&outcome.document(), ILL)["requests"], pages, "{tokens:?}");
        assert_eq!(region_row(&outcome.document(), WELL[0])["videos"], 150);
        assert_eq!(outcome.stderr.contains("repeats a page token"), warns, "{tokens:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_has_no_end_takes_bounded_memory() {
    let names =
        ["an endless body", "one endless header", "endless headers", "a gzip bomb", "100,000 levels in an item"];
    let items = class("millions of items", Empty, |_| {
        vec![Step::Say(ok(format!("{{\"items\":[{}0]}}", "0,".repeat(4_000_000))))]
    });
    let classes = table().into_iter().filter(|class| names.contains(&class.name)).chain([items]);
    for class in classes.map(Arc::new) {
        let server = server(&class, 1);
        assert_takes_little_memory(class.name, run(&class, &server));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn texts_of_megabytes_are_not_kept_whole() {
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
