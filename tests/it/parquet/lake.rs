//! The lake: the files of many runs, read as two tables.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::shared::{run_python, server};
use crate::harness::{Answer, Outcome, Run, Server, files_in};
use crate::tools::{are_installed, may_trace, python};

const SKIPPED: &str = "a lake of Parquet files, read with other programs";

/// A run on `server` into `lake`, which is outside of its folder.
fn run_into(lake: &Path, server: &Server, arguments: &str) -> Run {
    let mut run = Run::on(server, arguments);
    run.command.args(["-f", "parquet", "-o"]).arg(lake.join(""));
    run
}

/// All files below a folder, hidden ones too, by their paths in it.
fn files_below(folder: &Path) -> Vec<String> {
    let below = |name: &String| -> Vec<String> {
        let path = folder.join(name);
        match path.is_dir() {
            true => files_below(&path).iter().map(|file| format!("{name}/{file}")).collect(),
            false => vec![name.clone()],
        }
    };
    files_in(folder).iter().flat_map(below).collect()
}

/// What a run's two files are called.
fn names(document: &Value) -> [String; 2] {
    let text = |key: &str| document[key].as_str().unwrap();
    let name = format!("fetched_date={}/{}.parquet", &text("fetched_at")[..10], text("run_id"));
    [format!("entries/{name}"), format!("regions/{name}")]
}

fn document(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.read("run.json")).unwrap()
}

#[test]
fn each_run_adds_a_file_to_each_table() {
    let folder = TempDir::new().unwrap();
    let lake = folder.path().join("deep/lake");
    let mut expected = Vec::new();
    for slash in ["/", ""] {
        let arguments = format!("-q -r US,PL,MT,DE -o run.json -f parquet -o {}{slash}", lake.display());
        let outcome = Run::on(&server(), &arguments).finish().exits(3);
        expected.extend(names(&document(&outcome)));
        expected.sort();
        assert_eq!(files_below(&lake), expected);
    }
}

/// The entries in both tables, by four readers. DE failed and MT is empty: only the regions tell them apart.
const BY_FOUR_READERS: &str = "
import duckdb, json, pandas, polars, pyarrow.dataset as dataset
entries = sorted(map(list, duckdb.sql(\"select region, rank, video_id from 'lake/entries/**/*.parquet'\").fetchall()))
frame = polars.read_parquet('lake/entries/').sort('region', 'rank')
assert sorted(map(list, frame.select('region', 'rank', 'video_id').rows())) == entries, frame
table = dataset.dataset('lake/entries', partitioning='hive').to_table()
assert sorted(map(list, zip(*(table[name].to_pylist() for name in ('region', 'rank', 'video_id'))))) == entries, table
frame = pandas.read_parquet('lake/entries')
assert sorted(map(list, frame[['region', 'rank', 'video_id']].itertuples(index=False))) == entries, frame
assert 'fetched_date' in frame.columns and 'fetched_date' not in dataset.dataset('lake/entries').schema.names
regions = duckdb.sql(\"select region, status, videos, max_results, category_id, error_kind from 'lake/regions/**/*.parquet'\").fetchall()
joined = duckdb.sql(\"\"\"select r.region, r.status, count(e.video_id) from 'lake/regions/**/*.parquet' r
    left join 'lake/entries/**/*.parquet' e using (run_id, region) group by all order by all\"\"\").fetchall()
dates = duckdb.sql(\"select bool_and(fetched_date = fetched_at::date) from 'lake/*/**/*.parquet'\").fetchall()
print(json.dumps([entries, sorted(regions), joined, dates]))";

#[test]
fn four_readers_find_the_entries_and_the_regions_that_failed() {
    let Some(python) = python(&["duckdb", "pyarrow", "polars", "pandas"], SKIPPED) else { return };
    let arguments = "-q -r US,PL,MT,DE --category Music -f parquet -o lake/";
    let outcome = Run::on(&server(), arguments).finish().exits(3);
    let found = run_python(&python, BY_FOUR_READERS, outcome.folder.path());
    assert_eq!(found[0], json!([["PL", 1, "unusual"], ["PL", 2, "b"], ["US", 1, "a"], ["US", 2, "b"]]));
    assert_eq!(
        found[1],
        json!([
            ["DE", "failed", 0, 50, 10, "region_unsupported"],
            ["MT", "ok", 0, 50, 10, null],
            ["PL", "ok", 2, 50, 10, null],
            ["US", "ok", 2, 50, 10, null]
        ])
    );
    assert_eq!(found[2], json!([["DE", "failed", 0], ["MT", "ok", 0], ["PL", "ok", 2], ["US", "ok", 2]]));
    assert_eq!(found[3], json!([[true]]));
}

#[test]
fn duckdb_reads_the_files_of_a_day_only() {
    let Some(python) = python(&["duckdb"], SKIPPED) else { return };
    let folder = TempDir::new().unwrap();
    let lake = folder.path().join("lake");
    for day in ["2026-11-20", "2026-11-21", "2026-11-21"] {
        let server = Server::of_charts(&format!("{day}T12:00:00Z"));
        run_into(&lake, &server, "-q -r US,PL -n 50").finish().exits(0);
    }
    assert_eq!(files_in(&lake.join("entries")), ["fetched_date=2026-11-20", "fetched_date=2026-11-21"]);
    let program = "
import duckdb, json
query = \"select count(*) from 'lake/entries/**/*.parquet' where fetched_date = '2026-11-20' and region = 'PL'\"
print(json.dumps([duckdb.sql(query).fetchall(), duckdb.sql('explain analyze ' + query).fetchall()[0][1]]))";
    let found = run_python(&python, program, folder.path());
    assert_eq!(found[0], json!([[50]]));
    assert!(found[1].as_str().unwrap().contains("Total Files Read: 1 "), "{}", found[1]);
}

#[test]
fn a_run_without_entries_adds_its_regions_alone() {
    let down = Server::start(|_| Answer::new(503, ""));
    let lake = TempDir::new().unwrap();
    let outcome = run_into(lake.path(), &down, "-q -r US,PL --retries 0 -o run.json").finish().exits(1);
    assert!(!outcome.stderr.contains(" is left as it was"), "{}", outcome.stderr);
    let files = files_below(lake.path());
    assert!(files.len() == 1 && files[0].starts_with("regions/fetched_date="), "{files:?}");
    let Some(python) = python(&["duckdb"], SKIPPED) else { return };
    let program = "
import duckdb, json
print(json.dumps(duckdb.sql(\"select region, status, error_kind from 'regions/**/*.parquet'\").fetchall()))";
    let found = run_python(&python, program, lake.path());
    assert_eq!(found, json!([["PL", "failed", "server_error"], ["US", "failed", "server_error"]]));
}

#[test]
fn all_or_nothing_adds_whole_runs_only() {
    let lake = TempDir::new().unwrap();
    let outcome = run_into(lake.path(), &server(), "-r US,DE --all-or-nothing").finish().exits(3);
    assert!(outcome.stderr.contains("is left as it was: the run is partial"), "{}", outcome.stderr);
    run_into(lake.path(), &server(), "-q -r DE --all-or-nothing").finish().exits(1);
    assert!(files_below(lake.path()).is_empty());
    run_into(lake.path(), &server(), "-q -r US --all-or-nothing").finish().exits(0);
    assert_eq!(files_below(lake.path()).len(), 2);
}

#[test]
fn an_unwritable_folder_is_reported_before_any_request() {
    let server = server();
    for lake in ["there/lake/", "./"] {
        let run = Run::on(&server, &format!("-r US -f parquet -o {lake}")).file("there", "").file("entries", "");
        let outcome = run.finish().exits(1);
        assert!(outcome.stderr.contains(&format!("cannot write {lake}")), "{}", outcome.stderr);
    }
    let blocked = Run::on(&server, "-r US -f parquet -o lake/");
    fs::create_dir_all(blocked.path("lake/.part.parquet.trendfetch-tmp")).unwrap();
    let outcome = blocked.finish().exits(1);
    assert!(outcome.stderr.contains("is in the way and is not a regular file; remove it"), "{}", outcome.stderr);
    assert!(server.log().is_empty());
}

/// Runs under strace, which does `what` to the rename number `nth`.
fn run_with_rename(lake: &Path, what: &str, nth: usize) -> std::process::Output {
    let inject = format!("inject=rename,renameat,renameat2:{what}:when={nth}");
    let launcher = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-e", &inject];
    run_into(lake, &server(), "-q -r US,PL").under(&launcher).command.output().unwrap()
}

#[test]
fn both_files_of_a_run_are_there_or_none() {
    let what = "a run that is killed while it adds to a lake";
    if !are_installed(&["strace"], what) || !may_trace(what) {
        return;
    }
    // The entries come first, then the regions.
    for nth in [1, 2] {
        let lake = TempDir::new().unwrap();
        let output = run_with_rename(lake.path(), "error=EIO", nth);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(files_below(lake.path()).is_empty(), "rename {nth} failed: {:?}", files_below(lake.path()));

        let output = run_with_rename(lake.path(), "signal=KILL", nth);
        assert!(!output.status.success(), "{output:?}");
        let visible = || files_below(lake.path()).into_iter().filter(|file| !file.starts_with('.')).collect::<Vec<_>>();
        let left = visible();
        assert_eq!(left.iter().map(|file| &file[..7]).collect::<Vec<_>>(), ["entries"][..nth - 1]);
        // The next run completes the one, and removes what is left of the other, even if it adds nothing itself.
        let down = Server::start(|_| Answer::refusal(404, "notFound"));
        run_into(lake.path(), &down, "-q -r US --all-or-nothing").finish().exits(1);
        let expected: Vec<String> =
            left.iter().flat_map(|file| [file.clone(), file.replace("entries/", "regions/")]).collect();
        assert_eq!(files_below(lake.path()), expected, "killed at rename {nth}");
    }
}

/// Several runs at once into one lake.
#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    let lake = TempDir::new().unwrap();
    let server = server();
    let mut runs: Vec<(Run, std::process::Child)> = (0..6)
        .map(|_| {
            let mut run = run_into(lake.path(), &server, "-q -r US,PL");
            let child = Command::spawn(&mut run.command).unwrap();
            (run, child)
        })
        .collect();
    assert!(runs.iter_mut().all(|(_, child)| child.wait().unwrap().success()));
    let files = files_below(lake.path());
    assert_eq!(files.len(), 12, "{files:?}");
    assert!(files.iter().all(|file| file.ends_with(".parquet") && !file.starts_with('.')), "{files:?}");
}
