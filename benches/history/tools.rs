//! Runs programs and measures them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use trendfetch::history::{self, Access, Location};
use trendfetch::model::Document;

pub(super) const REPEATS: usize = 5;

/// Stores a run and returns how long that took.
pub(super) async fn store(location: &str, document: &Arc<Document>) -> Duration {
    let location = Location::parse(location, "the benchmark").expect("a location");
    let mut backend = history::open(&location, Access::Create).await.expect("a history");
    let started = Instant::now();
    backend.record(document, None).await.expect("the run is stored");
    let elapsed = started.elapsed();
    backend.close().await;
    elapsed
}

pub(super) fn sqlite3(file: &Path, script: &str) -> String {
    run_script("sqlite3", Command::new("sqlite3").arg(file), script)
}

/// Feeds `script` to a program and returns its output.
fn run_script(name: &str, command: &mut Command, script: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(name);
    child.stdin.take().expect("standard input").write_all(script.as_bytes()).expect("the script is read");
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "{name}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn psql(url: &str, script: &str) {
    run_script("psql", Command::new("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url]), script);
}

/// Runs trendfetch and returns how long it took, and its peak memory in KiB.
pub(super) fn run_program(arguments: &[&str]) -> (Duration, u64) {
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_trendfetch"))
        .args(arguments)
        .env("YOUTUBE_API_KEY", "benchmark")
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    let status = format!("/proc/{}/status", child.id());
    loop {
        if let Some(ended) = child.try_wait().expect("its status") {
            assert!(ended.success());
            return (started.elapsed(), peak);
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        peak = peak.max(line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0));
        thread::sleep(Duration::from_micros(500));
    }
}

pub(super) fn compare(what: &str, mut ours: Vec<Duration>, mut theirs: Vec<Duration>) {
    ours.sort();
    theirs.sort();
    let median = |times: &[Duration]| times[times.len() / 2].as_secs_f64() * 1e3;
    let (ours, theirs) = (median(&ours), median(&theirs));
    println!("{what}: {ours:.1} ms, {theirs:.1} ms: {:.2} x, {:+.1} ms", ours / theirs, ours - theirs);
}
