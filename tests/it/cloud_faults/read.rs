//! `load` and `report` read objects.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::store::{Fault, ObjectStore, Operation};
use super::{command, run};
use crate::harness::Server;

/// A store with a document as it is and compressed.
fn with_documents(store: ObjectStore) -> ObjectStore {
    let server = Server::of_pages(&["a", "b"]);
    run(&server, &store, "-r US -q -o s3://charts/x.json").finish().exits(0);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&store.bytes("x.json")).unwrap();
    store.put("packed", encoder.finish().unwrap());
    store
}

#[cfg(feature = "sqlite")]
#[test]
fn documents_are_loaded() {
    let store = with_documents(ObjectStore::start());
    let outcome = command(&store, "load s3://charts/x.json s3://charts/packed --store h.db").finish().exits(0);
    assert!(
        outcome.stdout.contains("2 documents: 1 loaded, 1 in the history already, 0 not loaded"),
        "{}",
        outcome.stdout
    );
}

#[cfg(feature = "sqlite")]
#[test]
fn what_cannot_be_read_is_named() {
    let store = with_documents(ObjectStore::start());
    store.put("page.html", "<html>");
    for (object, says) in [
        ("nothing.json", "cannot read s3://charts/nothing.json: there is no such object; correct the key"),
        ("page.html", "s3://charts/page.html is not a trendfetch JSON document: "),
    ] {
        let outcome = command(&store, &format!("load s3://charts/{object} --store h.db")).finish().exits(1);
        assert!(outcome.stderr.contains(says) && outcome.files().is_empty(), "{}", outcome.stderr);
    }
    let outcome = command(&store, "load s3://elsewhere/x.json --store h.db").finish().exits(1);
    assert!(outcome.stderr.contains("there is no bucket elsewhere"), "{}", outcome.stderr);
}

#[cfg(feature = "report")]
#[test]
fn a_page_is_made_of_one_object_and_written_to_another() {
    let store = with_documents(ObjectStore::start());
    command(&store, "report --from s3://charts/packed -o s3://charts/site/index.html").finish().exits(0);
    assert!(store.text("site/index.html").contains("Title of US-a"));
    assert_eq!(store.media_type("site/index.html"), "text/html; charset=utf-8");
    let outcome = command(&store, "report --from s3://charts/x.json -o s3://charts/x.json").finish().exits(2);
    assert!(outcome.stderr.contains("s3://charts/x.json is what the page is made from"), "{}", outcome.stderr);
}

#[cfg(feature = "sqlite")]
#[test]
fn a_passing_fault_is_waited_out() {
    let store = with_documents(ObjectStore::with_faults(|request| {
        (request.operation == Operation::Get && request.nth == 0).then_some(Fault::Error(503, None, "SlowDown"))
    }));
    command(&store, "load s3://charts/x.json --store h.db").finish().exits(0);
    assert_eq!(store.count(Operation::Get), 2);
}
