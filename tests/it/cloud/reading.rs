//! Documents in object storage, read with `load` and `report --from`.

use super::servers::{self, Bucket};
use crate::harness::{Outcome, Run, Server};

/// A bucket with a document, and a folder with the same one.
fn saved(bucket: &Bucket, name: &str) -> Outcome {
    let arguments = format!("-q -r US,PL -o {name} -o {}", bucket.address(name));
    bucket.open_to(Run::on(&Server::of_pages(&["a", "b"]), &arguments)).finish().exits(0)
}

/// What a command prints in the folder of an earlier run.
fn printed(bucket: &Bucket, folder: &Outcome, arguments: &[&str]) -> String {
    let mut run = bucket.open_to(Run::new(arguments));
    run.command.current_dir(&folder.folder);
    run.finish().exits(0).stdout
}

#[test]
fn a_document_is_loaded_from_object_storage_as_from_a_file() {
    for bucket in servers::all() {
        for name in ["run.json", "run.json.gz"] {
            let folder = saved(&bucket, name);
            let stored =
                [("file.db", name.to_owned()), ("object.db", bucket.address(name))].map(|(store, document)| {
                    printed(&bucket, &folder, &["load", "-q", &document, "--store", store]);
                    printed(&bucket, &folder, &["export", "--store", store, "-f", "ndjson"])
                });
            assert!(stored[0].lines().count() == 4 && stored[0] == stored[1], "{}\n{}", stored[0], stored[1]);
        }
    }
}

#[test]
fn a_report_is_made_from_object_storage_as_from_a_file() {
    for bucket in servers::all() {
        let folder = saved(&bucket, "run.json");
        let pages = ["run.json".to_owned(), bucket.address("run.json")]
            .map(|document| printed(&bucket, &folder, &["report", "-q", "--from", &document, "-o", "-"]));
        assert!(pages[0].contains("<html") && pages[0] == pages[1]);
    }
}

#[test]
fn a_missing_object_is_named() {
    for bucket in servers::all() {
        let address = bucket.address("run.json");
        for arguments in [["load", &address, "--store", "a.db"], ["report", "--from", &address, "-o=a.html"]] {
            let outcome = bucket.open_to(Run::new(&arguments)).finish();
            assert!(outcome.code != Some(0) && outcome.stderr.contains(&address), "{}", outcome.stderr);
            assert!(!outcome.files().contains(&"a.html".to_owned()));
        }
    }
}
