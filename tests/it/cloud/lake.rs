//! Lakes in object storage.

use serde_json::Value;

use super::servers;
use crate::harness::{Answer, Run, Server};

#[test]
fn each_run_adds_an_object_to_each_table() {
    for bucket in servers::all() {
        let mut expected = Vec::new();
        for _ in 0..2 {
            // The same run into a folder, to compare with.
            let lakes = format!("-f parquet -o lake/ -o {}", bucket.address("deep/lake/"));
            let server = Server::of_charts("2026-11-20T12:00:00Z");
            let run = bucket.open_to(Run::on(&server, &format!("-q -r US,PL,XX -o run.json {lakes}")));
            let outcome = run.finish().exits(3);
            let document: Value = serde_json::from_str(&outcome.read("run.json")).unwrap();
            for table in ["entries", "regions"] {
                let name = format!("{table}/fetched_date=2026-11-20/{}.parquet", document["run_id"].as_str().unwrap());
                let file = std::fs::read(outcome.folder.path().join("lake").join(&name)).unwrap();
                assert!(bucket.read(&format!("deep/lake/{name}")) == file, "{name} differs");
                expected.push(format!("deep/lake/{name}"));
            }
            expected.sort();
            assert_eq!(bucket.keys(), expected);
        }
    }
}

#[test]
fn a_run_without_entries_adds_its_regions_alone() {
    for bucket in servers::all() {
        let down = Server::start(|_| Answer::new(503, ""));
        let arguments = format!("-q -r US,PL --retries 0 -f parquet -o {}", bucket.address("lake/"));
        bucket.open_to(Run::on(&down, &arguments)).finish().exits(1);
        let keys = bucket.keys();
        assert!(keys.len() == 1 && keys[0].starts_with("lake/regions/fetched_date="), "{keys:?}");
        let whole = format!("{arguments} --all-or-nothing");
        bucket.open_to(Run::on(&down, &whole)).finish().exits(1);
        assert_eq!(bucket.keys(), keys);
    }
}
