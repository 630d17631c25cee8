//! Limits and signal dispositions that the program inherits, and deadlines.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::databases::Store;
use crate::harness::{Answer, Outcome, Run, Server, ids};
use crate::tools::{are_installed, may_run_without_rights};

/// The limit counts all threads of a user, and the program itself is one, so it can start no other.
pub const WITHOUT_THREADS: [&str; 2] = ["prlimit", "--nproc=1:1"];

#[test]
fn everything_works_if_no_thread_can_be_started() {
    let what = "runs that can start no thread";
    if !are_installed(&["prlimit"], what) || !may_run_without_rights(what) {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let run =
        |arguments: &str| Run::new(&arguments.split(' ').collect::<Vec<_>>()).under(&WITHOUT_THREADS).without_rights();
    // A host name, so that it must be resolved.
    let address = server.base_url.replace("127.0.0.1", "localhost");
    let fetched = run(&format!("-r US,PL -o trends.json --store history.db --base-url {address}")).finish().exits(0);
    assert_eq!(fetched.stderr, "");
    let document: Value = serde_json::from_str(&fetched.read("trends.json")).unwrap();
    assert_eq!(ids(&document), ["US-a", "PL-a"]);
    assert_eq!(fetched.files(), ["history.db", "trends.json"]);

    let history = fetched.folder.path().join("history.db");
    let changes = run(&format!("changes -f json --store {}", history.display())).finish().exits(0);
    assert_eq!(changes.document()["schema_version"], 1);

    if let Some(store) = Store::postgres() {
        let by_name = store.url.replace("127.0.0.1", "localhost");
        assert_ne!(by_name, store.url);
        run(&format!("-r US -q --store {by_name} --base-url {address}")).finish().exits(0);
        assert_eq!(store.query("SELECT count(*) FROM runs"), ["1"]);
        let unknown = run("-r US --store postgres://no-such-host.invalid/trends").finish().exits(1);
        assert!(unknown.stderr.contains("check that the server runs"), "{}", unknown.stderr);
    }
}

/// Sends a signal to a run as soon as its first region has answered and the second one is requested.
fn signalled(signal: Signal, script: &str) -> Outcome {
    let server = Server::start(|hit| {
        let answer = Answer::page(&[hit.region()], None);
        if hit.region() == "US" { answer } else { answer.after(Duration::from_millis(700)) }
    });
    let run = Run::on(&server, "-r US,PL -c 1 -q -o trends.json").under(&["sh", "-c", script]);
    let Run { mut command, folder } = run;
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while server.log().len() < 2 {
        sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), signal).unwrap();
    Outcome::new(child.wait_with_output().unwrap(), folder)
}

#[test]
#[cfg(target_os = "linux")]
fn an_inherited_ignored_signal_stays_ignored() {
    for (signal, script) in [
        (Signal::INT, r#"trap "" INT; exec "$0" "$@""#),
        (Signal::HUP, r#"exec nohup "$0" "$@""#),
        (Signal::TERM, r#"trap "" TERM; exec "$0" "$@""#),
    ] {
        let outcome = signalled(signal, script).exits(0);
        let document: Value = serde_json::from_str(&outcome.read("trends.json")).unwrap();
        assert_eq!(ids(&document), ["US", "PL"], "{signal:?}");
    }
}

#[test]
fn a_run_that_is_signalled_keeps_what_arrived() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        if code == 129 && !cfg!(target_os = "linux") {
            continue;
        }
        let outcome = signalled(signal, r#"exec "$0" "$@""#).exits(code);
        let document: Value = serde_json::from_str(&outcome.read("trends.json")).unwrap();
        assert_eq!(
            (ids(&document), document["stats"]["regions"][1]["error"]["kind"].as_str()),
            (vec!["US"], Some("cancelled"))
        );
    }
}

/// Locks the history until the connection is dropped.
fn lock(history: &Path) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(history).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection.execute_batch("BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS other (x)").unwrap();
    connection
}

#[test]
fn a_deadline_ends_a_run_whose_history_is_locked() {
    let server = Server::of_pages(&["a"]);
    let run = Run::on(&server, "-r US -o trends.json --deadline 1s --store sqlite:h.db?journal_mode=delete");
    let _locked = lock(&run.path("h.db"));
    let start = Instant::now();
    let outcome = run.finish().exits(1);
    assert!(outcome.stderr.contains("before anything was sent: --deadline had passed"), "{}", outcome.stderr);
    assert!(start.elapsed() >= Duration::from_secs(1) && server.log().is_empty());
}

#[test]
fn a_deadline_leaves_time_to_save_an_unstored_run() {
    let (history, locked) = (Arc::new(OnceLock::<PathBuf>::new()), Arc::new(Mutex::new(None)));
    let (path, lock_at) = (Arc::clone(&history), Arc::clone(&locked));
    let server = Server::start(move |_| {
        *lock_at.lock().unwrap() = Some(lock(path.get().unwrap()));
        Answer::page(&["a"], None)
    });
    let run = Run::on(&server, "-r US -q -o trends.json --deadline 2s --store h.db");
    history.set(run.path("h.db")).unwrap();
    let start = Instant::now();
    let outcome = run.finish().exits(1);
    assert!(
        outcome.stderr.contains("the run could not be stored in the history before --deadline ended it"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("the run is saved"), "{}", outcome.stderr);
    // It stops storing one second before the end.
    assert!(start.elapsed() >= Duration::from_secs(1));
    let document: Value = serde_json::from_str(&outcome.read("trends.json")).unwrap();
    let saved = format!("trendfetch-{}.json", document["run_id"].as_str().unwrap());
    assert_eq!(outcome.read(&saved), outcome.read("trends.json"));
    drop(locked.lock().unwrap().take());
}
