//! A lake in a bucket: two objects a run, of which the entries come first.

use super::store::{Fault, ObjectStore, Operation};
use super::{command, run};
use crate::harness::{Answer, Run, Server};

const LAKE: &str = "-r US -f parquet -o s3://charts/lake/";

fn tables(store: &ObjectStore) -> Vec<String> {
    store.keys().iter().map(|key| key.split('/').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn a_run_adds_its_entries_then_its_regions() {
    let (server, store) = (Server::of_pages(&["a", "b"]), ObjectStore::start());
    let outcome = run(&server, &store, LAKE).finish().exits(0);
    assert!(outcome.stdout.ends_with("wrote s3://charts/lake/ (2 entries)\n"), "{}", outcome.stdout);
    let written: Vec<String> = store
        .log()
        .iter()
        .filter(|request| request.operation == Operation::Put)
        .map(|request| request.key.clone())
        .collect();
    let [entries, regions] = &written[..] else { panic!("{written:?}") };
    assert!(entries.starts_with("lake/entries/fetched_date=20") && entries.ends_with(".parquet"), "{entries}");
    assert_eq!(regions, &entries.replace("entries", "regions"));
    assert!(store.bytes(entries).starts_with(b"PAR1") && store.bytes(entries).ends_with(b"PAR1"));
    run(&server, &store, LAKE).finish().exits(0);
    assert_eq!(tables(&store), ["entries", "entries", "regions", "regions"]);
}

#[test]
fn a_run_without_videos_adds_its_regions_alone() {
    let (server, store) = (Server::start(|_| Answer::refusal(403, "forbidden")), ObjectStore::start());
    run(&server, &store, LAKE).finish().exits(1);
    assert_eq!(tables(&store), ["regions"]);
}

#[test]
fn entries_without_regions_are_removed() {
    let server = Server::of_pages(&["a"]);
    let fails =
        |request: &super::store::Request| request.operation == Operation::Put && request.key.contains("/regions/");
    for fault in [Fault::Error(403, None, "AccessDenied"), Fault::Stall] {
        let scripted = fault.clone();
        let store = ObjectStore::with_faults(move |request| fails(request).then(|| scripted.clone()));
        let outcome = run(&server, &store, &format!("{LAKE} --retries 0 --timeout 1s")).finish().exits(1);
        assert!(outcome.stderr.contains("cannot write s3://charts/lake/: "), "{}", outcome.stderr);
        assert_eq!((store.keys(), store.count(Operation::Delete)), (vec![], 1), "{fault:?}");
    }
    let denied = Fault::Error(403, None, "AccessDenied");
    let store = ObjectStore::with_faults(move |request| {
        (fails(request) || request.operation == Operation::Delete).then(|| denied.clone())
    });
    let outcome = run(&server, &store, LAKE).finish().exits(1);
    assert!(outcome.stderr.contains("could not be removed: the credentials do not allow that"), "{}", outcome.stderr);
    assert_eq!(tables(&store), ["entries"]);
}

#[cfg(feature = "sqlite")]
#[test]
fn an_export_adds_what_is_not_there_yet() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    let folder = Run::on(&server, "-r US -q --store h.db").finish().exits(0).folder;
    for (written, says) in [(2, ""), (0, "s3://charts/lake/ has 1 run of these already, which it keeps as they are")] {
        let before = store.count(Operation::Put);
        let mut export = command(&store, "export --store h.db -f parquet -o s3://charts/lake/");
        export.command.current_dir(folder.path());
        let outcome = export.finish().exits(0);
        assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
        assert_eq!(store.count(Operation::Put) - before, written);
    }
    assert_eq!(tables(&store), ["entries", "regions"]);
}
