//! What the parts share: programs that are run, and how long they take.

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

pub(super) async fn keep(location: &str, document: &Arc<Document>) -> Duration {
    let location = Location::parse(location, "the benchmark").expect("a location");
    let mut backend = history::open(&location, Access::Create).await.expect("a history");
    let began = Instant::now();
    backend.record(document, None).await.expect("the run is kept");
    let took = began.elapsed();
    backend.close().await;
    took
}

pub(super) fn sqlite3(file: &Path, script: &str) -> String {
    fed("sqlite3", Command::new("sqlite3").arg(file), script)
}

/// What a program prints that reads `script`.
fn fed(name: &str, command: &mut Command, script: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(name);
    child.stdin.take().expect("its input").write_all(script.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{name}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(super) fn psql(url: &str, script: &str) {
    fed("psql", Command::new("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url]), script);
}

/// How long the program takes, and the most memory that it had, in KiB.
pub(super) fn time(arguments: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_trendfetch"))
        .args(arguments)
        .env("YOUTUBE_API_KEY", "benchmark")
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    let status = format!("/proc/{}/status", child.id());
    loop {
        if let Some(ended) = child.try_wait().expect("it can be asked") {
            assert!(ended.success());
            return (began.elapsed(), peak);
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
