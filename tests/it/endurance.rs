//! Runs that are killed at many moments, and runs that are large or many.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

#[cfg(target_os = "linux")]
use crate::harness::peak_kib;
use crate::harness::{Answer, Hit, Run, Server, files_in, item};

/// A page of a chart with 4 pages of 50. Each page is made once, since the server must be faster than the program.
fn full_chart_page(hit: &Hit) -> Answer {
    static PAGES: Mutex<BTreeMap<(String, usize), Answer>> = Mutex::new(BTreeMap::new());
    let page: usize = hit.token().map_or(0, |token| token.parse().unwrap());
    let make = || {
        let items: Vec<Value> = (0..50).map(|place| item(&format!("{}-{page}-{place}", hit.region()))).collect();
        let next = (page < 3).then(|| (page + 1).to_string());
        Answer::json(&serde_json::json!({"items": items, "nextPageToken": next}))
    };
    PAGES.lock().unwrap().entry((hit.region().to_owned(), page)).or_insert_with(make).clone()
}

fn send(signal: &str, child: &Child) {
    // It may have ended already.
    let _ = Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status();
}

fn spawn(run: &mut Run) -> Child {
    run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// How long an undisturbed run takes.
fn whole_run(run: &mut Run) -> Duration {
    let began = Instant::now();
    assert!(spawn(run).wait().unwrap().success());
    began.elapsed()
}

/// The parts of a document that these tests need. Parsing all of it would take longer than the run.
#[derive(Deserialize)]
struct Document {
    run_id: String,
    stats: Stats,
    videos: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Stats {
    raw: usize,
}

/// Reads a document that must be whole.
fn document(path: &Path) -> Document {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with("}\n"), "mixed or half: {} bytes", text.len());
    serde_json::from_str(&text).unwrap()
}

#[test]
fn sigkill_at_200_moments_leaves_a_whole_file() {
    let server = Server::start(full_chart_page);
    let mut run = Run::on(&server, "-r US,GB,DE,FR,IN,BR -n 200 -c 0 -q -o trends.json");
    let whole = whole_run(&mut run);
    let path = run.path("trends.json");
    let mut seen = document(&path).run_id;
    let (mut old, mut new, mut leftovers) = (0, 0, 0);
    for moment in 0..200_u32 {
        let mut child = spawn(&mut run);
        // Three of four fall into the last part of the run, where files are written.
        let share = if moment % 4 == 0 { f64::from(moment) / 200.0 } else { 0.6 + 0.5 * f64::from(moment) / 200.0 };
        sleep(whole.mul_f64(share));
        child.kill().unwrap();
        child.wait().unwrap();
        let document = document(&path);
        assert_eq!((document.stats.raw, document.videos.len()), (1200, 1200));
        if document.run_id == seen {
            old += 1
        } else {
            new += 1
        }
        seen = document.run_id;
        leftovers += files_in(run.folder.path()).len() - 1;
    }
    // The next run needs no repair and leaves nothing stale.
    whole_run(&mut run);
    assert_ne!(document(&path).run_id, seen);
    assert_eq!(files_in(run.folder.path()), ["trends.json"]);
    println!("killed 200 times: {old} old, {new} new, {leftovers} with a temporary file left");
}

#[test]
fn signals_at_50_moments_end_the_run_whole() {
    let server = Server::start(|hit| full_chart_page(hit).after(Duration::from_millis(10)));
    let mut run = Run::on(&server, "-r US,GB,DE,FR -n 200 -q -o trends.json");
    let whole = whole_run(&mut run);
    for moment in 0..50_u32 {
        let (signal, code) = if moment % 2 == 0 { ("-INT", 130) } else { ("-TERM", 143) };
        let mut child = spawn(&mut run);
        sleep(whole.mul_f64(f64::from(moment) / 50.0));
        send(signal, &child);
        let sent = Instant::now();
        let status = child.wait().unwrap();
        // Before the handlers are installed, the signal itself ends the process; and the run may have ended already.
        let by_signal = std::os::unix::process::ExitStatusExt::signal(&status);
        assert!(status.code() == Some(code) || by_signal.is_some() || status.success(), "{status:?} at {moment}");
        assert!(sent.elapsed() < Duration::from_secs(3));
        document(&run.path("trends.json"));
    }
    whole_run(&mut run);
    assert_eq!(files_in(run.folder.path()), ["trends.json"]);
}

#[test]
fn a_second_signal_ends_a_write_that_hangs() {
    let server = Server::of_pages(&["a"]);
    let mut run = Run::on(&server, "-r US -q -o pipe");
    // Nobody reads this FIFO, so opening it blocks.
    assert!(Command::new("mkfifo").arg(run.path("pipe")).status().unwrap().success());
    let mut child = spawn(&mut run);
    while server.log().is_empty() {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(200));
    send("-TERM", &child);
    sleep(Duration::from_millis(100));
    send("-INT", &child);
    let sent = Instant::now();
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(sent.elapsed() < Duration::from_secs(1), "{:?}", sent.elapsed());
}

#[cfg(target_os = "linux")]
#[test]
fn all_regions_need_few_descriptors_and_little_memory() {
    let server = Server::start(full_chart_page);
    let mut run = Run::on(&server, "-r all -n 200 -c 8 -q -o trends.json");
    let mut child = spawn(&mut run);
    let (mut descriptors, mut peak) = (0, 0_u64);
    let of_child = |name: &str| format!("/proc/{}/{name}", child.id());
    let (exe, fd) = (of_child("exe"), of_child("fd"));
    while child.try_wait().unwrap().is_none() {
        // Between fork and exec, the child has all descriptors of this process.
        if fs::read_link(&exe).is_ok_and(|program| program == Path::new(env!("CARGO_BIN_EXE_trendfetch"))) {
            descriptors = descriptors.max(fs::read_dir(&fd).map_or(0, Iterator::count));
        }
        peak = peak.max(peak_kib(child.id()));
        sleep(Duration::from_millis(5));
    }
    assert_eq!(document(&run.path("trends.json")).videos.len(), 22_200);
    println!("111 regions x 200: {descriptors} descriptors, {} MiB", peak / 1024);
    // Eight connections, the standard streams, and those of the runtime.
    assert!((8..=24).contains(&descriptors), "{descriptors}");
    assert!(peak < 96 * 1024, "{peak} KiB");
}

#[test]
fn successive_runs_leave_one_file() {
    let server = Server::of_pages(&["a"]);
    let mut run = Run::on(&server, "-r US -q -o trends.json");
    for _ in 0..100 {
        whole_run(&mut run);
    }
    assert_eq!(files_in(run.folder.path()), ["trends.json"]);
}
