//! Large objects, which are uploaded in parts: whole, or without a trace.

use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::store::{Fault, ObjectStore, Operation, Request};
use super::{command, run};
use crate::harness::{Outcome, Run, Server};
use crate::processes::WITHOUT_THREADS;
use crate::tools::{are_installed, may_run_without_rights};

/// About 25 MB of JSON: four parts.
const LARGE: &str = "-r all -o s3://charts/x.json";

/// A fault of the nth request for an operation on the large object. The trial before the run has begun an upload of its
/// own.
fn at(operation: Operation, nth: usize, fault: Fault) -> impl Fn(&Request) -> Option<Fault> + Send + Sync {
    move |request| (request.operation == operation && request.nth == nth).then(|| fault.clone())
}

#[test]
fn parts_become_one_object() {
    let (server, store) = (Server::of_large_pages(), ObjectStore::start());
    let outcome = run(&server, &store, LARGE).finish().exits(0);
    let document: Value = serde_json::from_slice(&store.bytes("x.json")).unwrap();
    assert!(document["videos"].as_array().unwrap().len() > 5000, "{}", outcome.stdout);
    assert_eq!((store.count(Operation::Part), store.incomplete()), (4, vec![]));
    assert_eq!((store.count(Operation::Put), store.media_type("x.json")), (0, "application/json".to_owned()));
}

#[test]
fn a_program_that_can_start_no_thread_uploads_too() {
    let what = "an upload that can start no thread";
    if !are_installed(&["prlimit"], what) || !may_run_without_rights(what) {
        return;
    }
    let (server, mut store) = (Server::of_large_pages(), ObjectStore::start());
    // A host name, so that it must be resolved.
    store.endpoint = store.endpoint.replace("127.0.0.1", "localhost");
    let outcome = run(&server, &store, LARGE).under(&WITHOUT_THREADS).without_rights().finish().exits(0);
    assert_eq!(outcome.stderr, "");
    assert!(serde_json::from_slice::<Value>(&store.bytes("x.json")).is_ok());
    assert_eq!((store.count(Operation::Part), store.incomplete()), (4, vec![]));
}

#[test]
fn a_part_is_repeated_after_a_passing_fault() {
    let server = Server::of_large_pages();
    for fault in [Fault::Error(503, None, "SlowDown"), Fault::Cut, Fault::Reset] {
        let store = ObjectStore::with_faults(at(Operation::Part, 1, fault.clone()));
        run(&server, &store, &format!("{LARGE} --backoff 10ms")).finish().exits(0);
        assert_eq!((store.count(Operation::Part), store.incomplete()), (5, vec![]), "{fault:?}");
        assert!(serde_json::from_slice::<Value>(&store.bytes("x.json")).is_ok());
    }
}

#[test]
fn a_failed_upload_is_abandoned() {
    let server = Server::of_large_pages();
    for operation in [Operation::Part, Operation::Complete] {
        let denied = Fault::Error(403, None, "AccessDenied");
        let store = ObjectStore::with_faults(move |request| (request.operation == operation).then(|| denied.clone()));
        store.put("x.json", "old");
        let outcome = run(&server, &store, LARGE).finish().exits(1);
        assert!(
            outcome.stderr.contains("cannot write s3://charts/x.json: the credentials do not allow that"),
            "{}",
            outcome.stderr
        );
        assert_eq!((store.count(operation), store.incomplete()), (1, vec![]));
        assert_eq!(store.text("x.json"), "old");
    }
}

#[test]
fn the_deadline_abandons_an_upload() {
    let server = Server::of_large_pages();
    for operation in [Operation::Part, Operation::Complete] {
        let store = ObjectStore::with_faults(at(operation, 0, Fault::Stall));
        let began = Instant::now();
        let outcome = run(&server, &store, &format!("{LARGE} --deadline 15s --timeout 60s")).finish().exits(1);
        assert!(outcome.stderr.contains("it was not done when --deadline ended the run"), "{}", outcome.stderr);
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!((store.keys(), store.incomplete()), (vec![], vec![]), "{operation:?}");
    }
}

#[test]
fn a_signal_abandons_an_upload() {
    let server = Server::of_large_pages();
    let store = ObjectStore::with_faults(at(Operation::Part, 1, Fault::Stall));
    let outcome = signalled(run(&server, &store, &format!("{LARGE} --timeout 60s")), &store);
    assert_eq!(outcome.code, Some(143), "{}", outcome.stderr);
    assert_eq!((store.keys(), store.incomplete()), (vec![], vec![]));
}

#[cfg(feature = "sqlite")]
#[test]
fn a_signal_abandons_the_upload_of_an_export() {
    let server = Server::of_large_pages();
    let store = ObjectStore::with_faults(at(Operation::Part, 1, Fault::Stall));
    let outcome = Run::on(&server, "-r all -q --store h.db").finish().exits(0);
    let mut export = command(&store, "export --store h.db -o s3://charts/x.ndjson");
    export.command.current_dir(outcome.folder.path());
    let ended = signalled(export, &store);
    assert_eq!(ended.code, Some(143), "{}", ended.stderr);
    assert_eq!((store.keys(), store.incomplete()), (vec![], vec![]));
}

/// Ends the process by SIGTERM once its second part has arrived.
fn signalled(mut run: Run, store: &ObjectStore) -> Outcome {
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while store.count(Operation::Part) < 2 {
        assert!(began.elapsed() < Duration::from_secs(60), "no part arrives");
        sleep(Duration::from_millis(10));
    }
    assert_eq!(store.incomplete().len(), 1);
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    Outcome::new(child.wait_with_output().unwrap(), run.folder)
}
