//! What is written, and what is not.

use std::io::Read;

use serde_json::Value;

use super::store::{ObjectStore, Operation};
use super::{lines, run};
use crate::harness::{Answer, Server};

#[test]
fn every_format_is_written() {
    let (server, store) = (Server::of_pages(&["a", "b"]), ObjectStore::start());
    let arguments = "-r US,PL -o s3://charts/a/x.json -o s3://charts/a/y.csv.gz -o S3://charts/z.prom -o local.ndjson";
    let outcome = run(&server, &store, arguments).finish().exits(0);
    assert_eq!(store.keys(), ["a/x.json", "a/y.csv.gz", "z.prom"]);
    let document: Value = serde_json::from_str(&store.text("a/x.json")).unwrap();
    assert_eq!(document["videos"].as_array().unwrap().len(), 4);
    let mut csv = String::new();
    flate2::read::GzDecoder::new(&store.bytes("a/y.csv.gz")[..]).read_to_string(&mut csv).unwrap();
    assert_eq!(csv.lines().count(), 5);
    assert!(store.text("z.prom").ends_with("# EOF\n"));
    assert_eq!(outcome.read("local.ndjson").lines().count(), 4);
    let written = "wrote s3://charts/a/x.json (4 videos)\nwrote s3://charts/a/y.csv.gz (4 videos)\n\
                   wrote local.ndjson (4 videos)\nwrote s3://charts/z.prom (metrics)\n";
    assert!(outcome.stdout.ends_with(written), "{}", outcome.stdout);
    assert!(lines(&outcome).is_empty(), "{}", outcome.stderr);
    for (key, media_type) in
        [("a/x.json", "application/json"), ("a/y.csv.gz", "application/gzip"), ("z.prom", "text/plain; charset=utf-8")]
    {
        assert_eq!(store.media_type(key), media_type, "{key}");
    }
    // One trial for each folder, of which nothing is left.
    use Operation::{Abandon, Begin, Put};
    assert_eq!(store.operations()[..4], [Begin, Abandon, Begin, Abandon]);
    assert_eq!((store.count(Put), store.incomplete()), (3, vec![]));
}

#[test]
fn each_category_has_its_key() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    let arguments = "-r US --category all,music -o s3://charts/{category}/x.json -o s3://charts/{category}.csv";
    run(&server, &store, arguments).finish().exits(0);
    assert_eq!(store.keys(), ["all.csv", "all/x.json", "music.csv", "music/x.json"]);
}

#[test]
fn the_old_object_stays_as_an_old_file_does() {
    let store = ObjectStore::start();
    store.put("x.json", "old");
    let broken = Server::start(|_| Answer::refusal(403, "forbidden"));
    let outcome = run(&broken, &store, "-r US -o s3://charts/x.json").finish().exits(1);
    assert!(outcome.stderr.contains("s3://charts/x.json is left as it was: no video arrived"), "{}", outcome.stderr);
    let partial = Server::start(|hit| match hit.region() {
        "US" => Answer::page(&["a"], None),
        _ => Answer::refusal(403, "forbidden"),
    });
    let arguments = "-r US,PL --all-or-nothing -o s3://charts/x.json";
    run(&partial, &store, arguments).finish().exits(3);
    assert_eq!(store.text("x.json"), "old");
    assert_eq!((store.count(Operation::Put), store.incomplete()), (0, vec![]));
    run(&partial, &store, "-r US,PL -o s3://charts/x.json").finish().exits(3);
    assert!(store.text("x.json").contains("Title of a"));
}

#[test]
fn a_dry_run_sends_nothing() {
    let (server, store) = (Server::of_pages(&["a"]), ObjectStore::start());
    run(&server, &store, "-r US --dry-run -o s3://charts/x.json").finish().exits(0);
    assert_eq!((server.log().len(), store.log().len()), (0, 0));
}
