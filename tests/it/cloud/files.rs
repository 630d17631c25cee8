//! Files in object storage, compared byte for byte with the files of the same run.

use super::servers::{self, Bucket};
use crate::harness::{Answer, Run, Server, files_in};

/// A run that writes to files and to objects of the same names.
fn run_into(bucket: &Bucket, server: &Server, arguments: &str, names: &[&str]) -> Run {
    let mut run = bucket.open_to(Run::on(server, arguments));
    for name in names {
        run.command.args(["-o", name, "-o", &bucket.address(name)]);
    }
    run
}

#[test]
fn every_format_is_the_same_in_an_object_and_in_a_file() {
    let mut names = vec!["a.json", "a.json.gz", "a.ndjson", "a.csv", "a.csv.gz", "a.prom", "deep/er/b c+ü=1.json"];
    if cfg!(feature = "parquet") {
        names.push("a.parquet");
    }
    for bucket in servers::all() {
        let server = Server::of_pages(&["a", "b"]);
        let run = run_into(&bucket, &server, "-q -r US,PL", &names);
        std::fs::create_dir_all(run.path("deep/er")).unwrap();
        let outcome = run.finish().exits(0);
        assert_eq!(bucket.keys().len(), names.len(), "{:?}", bucket.keys());
        for name in &names {
            let file = std::fs::read(outcome.folder.path().join(name)).unwrap();
            assert!(!file.is_empty() && bucket.read(name) == file, "{} differs", bucket.address(name));
        }
    }
}

#[test]
fn a_large_file_is_uploaded_in_parts() {
    let server = Server::of_charts("2026-11-20T12:00:00Z");
    for bucket in servers::all() {
        let run = run_into(&bucket, &server, "-q -r all -n 200 -c 0", &["all.json"]);
        let outcome = run.finish().exits(0);
        let file = outcome.read("all.json").into_bytes();
        assert!(file.len() > 8 << 20, "{} bytes are one part", file.len());
        assert!(bucket.read("all.json") == file, "{} differs", bucket.address("all.json"));
        assert_eq!(bucket.keys(), ["all.json"]);
        assert_eq!(bucket.uploads(), [""; 0]);
    }
    let Some(bucket) = servers::s3() else { return };
    run_into(&bucket, &server, "-q -r all -n 200 -c 0", &["all.json"]).finish().exits(0);
    let log = bucket.log();
    let parts = log.iter().filter(|request| request.method == "PUT" && request.query.contains("partNumber="));
    assert!(parts.count() == 2, "{log:?}");
}

#[test]
fn each_category_has_its_object() {
    for bucket in servers::all() {
        let server = Server::start(|hit| match hit.query["videoCategoryId"].as_str() {
            "10" => Answer::page(&["m"], None),
            _ => Answer::page(&["n"], None),
        });
        let arguments = "-q -r US --category music,comedy";
        let outcome = run_into(&bucket, &server, arguments, &["{category}.json"]).finish().exits(0);
        assert_eq!(bucket.keys(), ["comedy.json", "music.json"]);
        for name in bucket.keys() {
            assert_eq!(String::from_utf8(bucket.read(&name)).unwrap(), outcome.read(&name));
        }
        assert_eq!(files_in(outcome.folder.path()), bucket.keys());
    }
}

#[test]
fn a_run_replaces_an_object_only_when_a_video_has_arrived() {
    for bucket in servers::all() {
        bucket.write("a.json", "old");
        let address = bucket.address("a.json");
        let down = Server::start(|_| Answer::new(503, ""));
        let run = bucket.open_to(Run::on(&down, &format!("-q -r US --retries 0 -o {address}")));
        run.finish().exits(1);
        assert_eq!(bucket.read("a.json"), b"old");
        let run = bucket.open_to(Run::on(&Server::of_pages(&["a"]), &format!("-q -r US -o {address}")));
        run.finish().exits(0);
        assert!(bucket.read("a.json").starts_with(b"{"));
        assert_eq!(bucket.keys(), ["a.json"]);
    }
}

#[test]
fn a_bucket_that_does_not_exist_costs_no_unit() {
    for bucket in servers::all() {
        let server = Server::of_pages(&["a"]);
        let missing = bucket.address("a.json").replace(&bucket.name, "no-such-bucket");
        let outcome = bucket.open_to(Run::on(&server, &format!("-r US -o {missing}"))).finish().exits(1);
        assert!(outcome.stderr.contains(&missing) && outcome.stderr.contains("no-such-bucket"), "{}", outcome.stderr);
        assert!(server.log().is_empty(), "{missing} was found too late");
    }
}

#[test]
fn wrong_credentials_cost_no_unit_and_are_not_shown() {
    for bucket in servers::all() {
        let secrets = ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_ACCOUNT_KEY"];
        // Google's server accepts everyone.
        for (name, value) in bucket.environment().iter().filter(|(name, _)| secrets.contains(&name.as_str())) {
            let server = Server::of_pages(&["a"]);
            // Still Base64.
            let wrong = format!("WRONG{}", &value[5..]);
            let run = bucket.open_to(Run::on(&server, &format!("-vv -r US -o {}", bucket.address("a.json"))));
            let outcome = run.env(name, &wrong).finish().exits(1);
            assert!(outcome.stderr.contains(&bucket.address("a.json")), "{name}: {}", outcome.stderr);
            for (_, secret) in bucket.environment().iter().filter(|(name, _)| name.ends_with("_KEY")) {
                assert!(!outcome.stderr.contains(secret) && !outcome.stderr.contains(&wrong), "{}", outcome.stderr);
            }
            assert!(server.log().is_empty() && bucket.keys().is_empty(), "{name}");
        }
    }
}
