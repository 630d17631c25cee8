//! What the name of an output says: compressed files, and names that are refused.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::symlink;
use std::process::Command;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::harness::{Answer, Outcome, Run, Server, item};
use crate::tools::python;

fn bytes(outcome: &Outcome, name: &str) -> Vec<u8> {
    fs::read(outcome.folder.path().join(name)).unwrap()
}

fn decompressed(outcome: &Outcome, name: &str) -> String {
    let mut text = String::new();
    GzDecoder::new(bytes(outcome, name).as_slice()).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn gz_after_a_text_format_compresses_it() {
    let server = Server::of_large_pages();
    let outputs = "-o a.json -o a.ndjson -o a.csv -o a.json.gz -o b.JSON.GZ -o a.ndjson.gz -o a.jsonl.gz -o a.csv.gz";
    let outcome = Run::on(&server, &format!("-r US,GB -q --csv-bom --rows entries {outputs}")).finish().exits(0);
    assert_eq!(outcome.stderr, "");
    for (plain, compressed) in
        [("a.json", "a.json.gz"), ("a.ndjson", "a.ndjson.gz"), ("a.ndjson", "a.jsonl.gz"), ("a.csv", "a.csv.gz")]
    {
        assert_eq!(decompressed(&outcome, compressed), outcome.read(plain), "{compressed}");
        assert!(bytes(&outcome, compressed).len() < bytes(&outcome, plain).len() / 5);
    }
    // Neither a time nor a name is in the file.
    assert!(bytes(&outcome, "a.json.gz") == bytes(&outcome, "b.JSON.GZ"));
    assert_eq!(outcome.files().len(), 8);
}

#[test]
fn gz_alone_leaves_the_format_to_the_option() {
    let server = Server::of_pages(&["a"]);
    let content = |options: &str, name: &str| {
        let outcome = Run::on(&server, &format!("-r US -o {name} {options}")).finish().exits(0);
        (decompressed(&outcome, name), outcome.stderr)
    };
    let (json, no_warning) = content("", "trends.gz");
    assert!(json.starts_with("{\"schema_version\"") && no_warning.is_empty(), "{no_warning}");
    assert!(content("-f csv", "trends.gz").0.starts_with("video_id,"));
    assert!(content("-f ndjson", ".json.gz").0.starts_with("{\"video_id\""));
    assert!(content("-f table", "trends.gz").0.contains("Title of US-a"));
    let (json, warning) = content("", "trends.text.gz");
    assert!(json.starts_with('{') && warning.contains("the extension of trends.text.gz is not that of a format"));
}

#[test]
fn a_compressed_file_is_replaced_whole_or_not_at_all() {
    let failing = Server::start(|_| Answer::new(403, ""));
    let outcome = Run::on(&failing, "-r US -o trends.json.gz").file("trends.json.gz", "yesterday").finish().exits(1);
    assert_eq!(outcome.read("trends.json.gz"), "yesterday");
    let server = Server::of_large_pages();
    let run = Run::on(&server, "-r US,GB -o full.json.gz -o good.csv.gz");
    symlink("/dev/full", run.path("full.json.gz")).unwrap();
    let outcome = run.finish().exits(1);
    assert!(outcome.stderr.contains("cannot write full.json.gz: No space left"), "{}", outcome.stderr);
    assert_eq!(decompressed(&outcome, "good.csv.gz").lines().count(), 101);
    assert_eq!(outcome.files(), ["full.json.gz", "good.csv.gz"]);
}

#[test]
fn python_and_duckdb_read_compressed_files_as_they_are() {
    const READ: &str = r#"
import duckdb, gzip, json, pandas
table = pandas.read_csv("rows.csv.gz")
objects = duckdb.sql("SELECT video_id, region FROM 'rows.ndjson.gz'").fetchall()
document = json.load(gzip.open("run.json.gz", "rt", encoding="utf-8"))
found = [list(zip(table["video_id"], table["region"])), objects, [(v["video_id"], r) for v in document["videos"] for r in v["regions"]]]
assert found == [[("-minus", "US"), ("two", "US")]] * 3, found
assert table["title"].tolist() == ["Zażółć 🎵", "Title of two"], table
"#;
    let Some(python) = python(&["duckdb", "pandas"], "reading compressed files with Python and DuckDB") else { return };
    let server = Server::start(|_| {
        let mut first = item("-minus");
        first["snippet"]["title"] = "Zażółć 🎵".into();
        Answer::json(&serde_json::json!({ "items": [first, item("two")] }))
    });
    let options = "-r US -q --rows entries -o rows.csv.gz -o rows.ndjson.gz -o run.json.gz";
    let outcome = Run::on(&server, options).finish().exits(0);
    let read = Command::new(python).args(["-c", READ]).current_dir(&outcome.folder).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
}

#[cfg(all(feature = "sqlite", feature = "report"))]
#[test]
fn load_and_report_read_compressed_documents_whatever_their_names() {
    let server = Server::of_pages(&["a"]);
    let outcome = Run::on(&server, "-r US -q -o run.json.gz").finish().exits(0);
    let document = bytes(&outcome, "run.json.gz");
    let with = |arguments: &str, name: &str, content: &[u8]| {
        let run = Run::new(&arguments.split_whitespace().collect::<Vec<_>>());
        fs::write(run.path(name), content).unwrap();
        run
    };
    let plain = decompressed(&outcome, "run.json.gz");
    let half = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let (first, second) = plain.as_bytes().split_at(plain.len() / 2);
    let two_members = [half(first), half(second)].concat();
    for (name, content) in [
        ("run.json.gz", document.as_slice()),
        ("misnamed.json", &document),
        ("plain.json.gz", plain.as_bytes()),
        ("two.gz", &two_members),
    ] {
        let loaded = with(&format!("load {name} --store h.db"), name, content).finish().exits(0);
        assert!(loaded.stdout.contains("is in the history now"), "{}", loaded.stdout);
        let page = with(&format!("report --from {name} -o page.html"), name, content).finish().exits(0);
        assert!(page.read("page.html").contains("Title of US-a"));
    }
    let mut piped = with("report --from - -o page.html", "run", &document);
    piped.command.stdin(fs::File::open(piped.path("run")).unwrap());
    assert!(piped.finish().exits(0).read("page.html").contains("Title of US-a"));

    let mut damaged = document.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    for broken in [&document[..document.len() - 5], &document[..10], &damaged] {
        let said = with("load run.gz --store h.db", "run.gz", broken).finish().exits(1).stderr;
        assert!(
            said.contains("run.gz is not a trendfetch JSON document: it is compressed with gzip, and damaged"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1);
    }
}

/// Asserts exit 2 with one sentence, before anything is sent or written.
#[track_caller]
fn assert_refused(server: &Server, arguments: &str, says: &str) {
    let outcome = Run::on(server, arguments).finish().exits(2);
    assert!(outcome.stderr.starts_with("error: ") && outcome.stderr.contains(says), "{arguments}: {}", outcome.stderr);
    assert_eq!((outcome.stderr.lines().count(), outcome.files().len(), server.log().len()), (1, 0, 0), "{arguments}");
    assert!(!outcome.stderr.contains("canary"), "{}", outcome.stderr);
}

#[test]
fn names_of_other_formats_are_refused() {
    let server = Server::of_pages(&["a"]);
    for (name, says) in [
        ("x.tsv", "--output x.tsv: tab-separated values cannot be written; name a file such as trends.csv"),
        ("x.TSV", "tab-separated values"),
        ("x.tsv.gz", "tab-separated values"),
        ("x.xlsx", "spreadsheets cannot be written; name a file such as trends.csv, which they open (see --csv-bom)"),
        ("x.ods", "spreadsheets"),
        ("x.zip", "archives cannot be written; name a file such as trends.json.gz"),
        ("x.csv.zip", "archives"),
        ("x.tar.gz", "archives"),
        ("x.json.zst", "only gzip can be written; name a file such as trends.json.gz"),
        ("x.csv.bz2", "only gzip"),
        ("x.xz", "only gzip"),
        ("x.parquet.gz", "--output x.parquet.gz: Parquet is compressed already; leave out .gz"),
    ] {
        assert_refused(&server, &format!("-r US -o {name}"), says);
        // The name would still be wrong.
        assert_refused(&server, &format!("-r US -f csv -o {name}"), says);
    }
    assert_refused(&server, "-r US -f parquet -o x.gz", "Parquet is compressed already");
    let run = Run::on(&server, "-r US -o link.json.gz");
    symlink("/dev/stdout", run.path("link.json.gz")).unwrap();
    let said = run.finish().exits(2).stderr;
    assert!(said.contains("leads to standard output, where data is not compressed; pipe it through gzip"), "{said}");
}

#[test]
fn addresses_are_no_files() {
    let server = Server::of_pages(&["a"]);
    for (address, says) in [
        ("s33://bucket/x.json", "begins with s33:, as an address does; only files can be written"),
        ("htttps://me:canary@host/x.json", "if it is the name of a file, put ./ in front"),
        ("file:///tmp/x.json", "begins with file:, as an address does; give the path alone"),
        ("postgres://me:canary@host/d", "a history is given with --store"),
        ("sqlite:history.db", "a history is given with --store"),
    ] {
        assert_refused(&server, &format!("-r US -o {address}"), says);
        assert_refused(&server, &format!("-r US -f ndjson -o good.json -o {address}"), says);
    }
    for (arguments, says) in [
        ("report --from https://host/x.json -o x.html", "--from begins with https:"),
        ("report --from x.json -o x.html.gz", "--output x.html.gz: a page is not compressed; leave out .gz"),
    ] {
        let outcome = Run::new(&arguments.split_whitespace().collect::<Vec<_>>()).finish().exits(2);
        assert!(outcome.stderr.contains(says) && outcome.files().is_empty(), "{arguments}: {}", outcome.stderr);
    }
    for store in ["s3://bucket/h.db", "GS://bucket/h.db"] {
        assert_refused(
            &server,
            &format!("-r US --store {store}"),
            "a history cannot be in object storage; give a path",
        );
    }
    for store in ["postgre://me:canary@host/d", "postgress:/h/d", "mysql://me:canary@host/d"] {
        assert_refused(&server, &format!("-r US --store {store}"), "give a path, sqlite:PATH, or postgres://user@host");
    }

    // Such a name can still be that of a file.
    let run = Run::on(&server, "-r US -q -o ./s3:/x.json -o 12:30.json -o US:PL.csv");
    fs::create_dir(run.path("s3:")).unwrap();
    let outcome = run.finish().exits(0);
    assert_eq!(outcome.files(), ["12:30.json", "US:PL.csv", "s3:"]);
    assert!(serde_json::from_str::<Value>(&outcome.read("s3:/x.json")).is_ok());
}

#[cfg(not(feature = "cloud"))]
#[test]
fn object_storage_needs_its_feature() {
    let server = Server::of_pages(&["a"]);
    let says = "built without object storage; build it with --features cloud";
    for address in
        ["s3://bucket/x.json", "s3:/bucket/x.json", "S3://bucket/x.json", "gs://bucket/x.json.gz", "az:container/x"]
    {
        assert_refused(&server, &format!("-r US -o {address}"), says);
    }
    for arguments in [
        "load s3://bucket/x.json --store h.db",
        "report --from gs://bucket/x.json -o x.html",
        "report --from x.json -o s3://bucket/x.html",
        "export --store h.db -o az://container/x.csv",
    ] {
        let outcome = Run::new(&arguments.split_whitespace().collect::<Vec<_>>()).finish().exits(2);
        assert!(outcome.stderr.contains(says) && outcome.files().is_empty(), "{arguments}: {}", outcome.stderr);
    }
}
