//! Parquet files, read with DuckDB and Arrow, and the error of a build without Parquet.

#[cfg(not(feature = "parquet"))]
#[test]
fn a_build_without_parquet_says_so() {
    use crate::harness::Run;
    for arguments in [["-f", "parquet"], ["-o", "trends.parquet"]] {
        let outcome = Run::new(&[&["--demo=calm", "-r", "US"][..], &arguments].concat()).finish().exits(2);
        assert!(outcome.stderr.contains("build it with --features parquet"), "{}", outcome.stderr);
        assert!(outcome.files().is_empty());
    }
    assert!(!Run::new(&["--help"]).finish().stdout.to_lowercase().contains("parquet"));
}

#[cfg(feature = "parquet")]
mod enabled {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use serde_json::{Value, json};

    use crate::harness::{Answer, Outcome, Run, Server, files_in, item};
    use crate::tools::python;

    const SKIPPED: &str = "Parquet, read with DuckDB and Arrow";

    /// Runs a Python program and parses the JSON that it prints.
    fn run_python(python: &str, program: &str, folder: &Path) -> Value {
        let output = Command::new(python).args(["-c", program]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// US and PL share a video, and PL has one with missing and very large values. MT is empty, and DE fails.
    fn server() -> Server {
        Server::start(|hit| match hit.region() {
            "US" => Answer::page(&["a", "b"], None),
            "PL" => {
                let unusual = json!({"id": "unusual", "snippet": {"title": "Zażółć \u{0} =1+1 🎬", "tags": ["", "a|b"]},
                    "statistics": {"viewCount": "18446744073709551615", "likeCount": "9223372036854775807"}});
                Answer::json(&json!({"items": [unusual, item("b")]}))
            }
            "MT" => Answer::json(&json!({"items": []})),
            _ => Answer::refusal(404, "notFound"),
        })
    }

    fn run(arguments: &str, exit: i32) -> Outcome {
        Run::on(&server(), &format!("-q -r US,PL,MT,DE {arguments}")).finish().exits(exit)
    }

    #[test]
    fn a_dataset_and_a_file_have_the_entries_of_ndjson() {
        let Some(python) = python(&["duckdb", "pyarrow"], SKIPPED) else { return };
        let outcome = run("-f parquet -o lake/ -o entries.ndjson -o one.parquet --rows entries", 3);
        let program = "
import duckdb, json
columns = duckdb.sql(\"describe from 'one.parquet'\").fetchall()
kinds = {name: kind for name, kind, *_ in columns}
lists = ', '.join(name for name, *_ in columns)
def rows(source):
    found = duckdb.sql(f\"select {lists} from {source} order by region desc, rank\").fetchall()
    return [[value if isinstance(value, (str, int, bool, list, dict, type(None))) else value.strftime('%Y-%m-%dT%H:%M:%SZ') for value in row] for row in found]
duckdb.sql(\"set timezone = 'UTC'\")
lake = \"read_parquet('lake/**/*.parquet', hive_partitioning = true)\"
dates = duckdb.sql(f'select distinct fetched_date = fetched_at::date from {lake}').fetchall()
print(json.dumps([kinds, [name for name, *_ in columns], rows(\"'one.parquet'\"), rows(lake), dates]))";
        let found = run_python(&python, program, outcome.folder.path());
        let [kinds, names, one, lake, dates] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!(lake, one, "the dataset and the file have the same entries");
        assert_eq!(dates, &json!([[true]]));
        for (name, kind) in [
            ("fetched_at", "TIMESTAMP WITH TIME ZONE"),
            ("rank", "BIGINT"),
            ("embeddable", "BOOLEAN"),
            ("tags", "VARCHAR[]"),
        ] {
            assert_eq!(kinds[name], kind);
        }
        // The same as NDJSON, except counts beyond i64 and the description, which was not requested.
        let entries: Vec<Value> =
            outcome.read("entries.ndjson").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(entries.len(), 4);
        assert_eq!(one.as_array().unwrap().len(), 4);
        for (entry, row) in entries.iter().zip(one.as_array().unwrap()) {
            for (name, value) in names.as_array().unwrap().iter().zip(row.as_array().unwrap()) {
                let name = name.as_str().unwrap();
                let expected = match (name, &entry[name]) {
                    ("views", views) if views.as_u64() > Some(i64::MAX as u64) => &Value::Null,
                    (_, expected) => expected,
                };
                assert_eq!(value, expected, "{name}");
            }
        }
        let mut expected: Vec<&str> = entries[0].as_object().unwrap().keys().map(String::as_str).collect();
        expected.push("description");
        expected.sort_unstable();
        let mut names: Vec<&str> = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, expected);

        let program = "
import json, pyarrow.dataset as dataset
files = dataset.dataset('lake')
table = dataset.dataset('lake', partitioning='hive').to_table()
print(json.dumps([table.num_rows, sorted(set(table['region'].to_pylist())), table['tags'].to_pylist(),
    'region' in files.schema.names, str(files.schema.field('fetched_at').type)]))";
        let found = run_python(&python, program, outcome.folder.path());
        assert_eq!((&found[0], &found[1]), (&json!(4), &json!(["PL", "US"])));
        assert!(found[2].as_array().unwrap().contains(&json!(["", "a|b"])), "{found}");
        assert_eq!(
            (&found[3], &found[4]),
            (&json!(false), &json!("timestamp[us, tz=UTC]")),
            "partition columns are only in the path"
        );
    }

    #[test]
    fn each_run_adds_a_file_per_fetched_region() {
        let outcome = run("-f parquet -o lake/ --json -o run.json", 2);
        assert!(outcome.files().is_empty(), "--json and --format at once");
        let lake = tempfile::tempdir().unwrap();
        let folder = lake.path().join("deep/lake");
        let into = |slash: &str| format!("-f parquet -o {}{slash} -o run.json", folder.display());
        let documents = [run(&into("/"), 3), run(&into(""), 3)]
            .map(|outcome| serde_json::from_str::<Value>(&outcome.read("run.json")).unwrap());
        // Partitioned by date and region. An empty chart has a file, a failed region has none.
        let date = format!("fetched_date={}", &documents[0]["fetched_at"].as_str().unwrap()[..10]);
        assert!(files_in(&folder).contains(&date), "{:?}", files_in(&folder));
        assert!(files_in(&folder).iter().all(|name| name.starts_with("fetched_date=")), "no temporary files are left");
        assert_eq!(files_in(&folder.join(&date)), ["region=MT", "region=PL", "region=US"]);
        let mut expected = documents.map(|document| format!("{}.parquet", document["run_id"].as_str().unwrap()));
        expected.sort();
        assert_eq!(files_in(&folder.join(date).join("region=MT")), expected);
    }

    #[test]
    fn an_unwritable_folder_is_reported_before_any_request() {
        let server = server();
        let outcome = Run::on(&server, "-r US -f parquet -o there/lake/").file("there", "a file").finish().exits(1);
        assert!(outcome.stderr.contains("cannot write there/lake/"), "{}", outcome.stderr);
        let blocked = Run::on(&server, "-r US -f parquet -o lake/");
        fs::create_dir_all(blocked.path("lake/.part.parquet.trendfetch-tmp")).unwrap();
        let outcome = blocked.finish().exits(1);
        assert!(outcome.stderr.contains("is in the way and is not a regular file; remove it"), "{}", outcome.stderr);
        assert!(server.log().is_empty());
    }

    #[test]
    fn the_folder_is_unchanged_without_videos_or_with_all_or_nothing() {
        let nothing = Server::start(|_| Answer::new(503, ""));
        let arguments = "-r US --retries 0 -f parquet -o lake/";
        assert!(files_in(&Run::on(&nothing, arguments).finish().exits(1).folder.path().join("lake")).is_empty());
        let outcome = run("-f parquet -o lake/ --all-or-nothing", 3);
        assert!(files_in(&outcome.folder.path().join("lake")).is_empty());
    }

    #[test]
    fn standard_output_and_a_file_extension_write_one_file() {
        let magic = b"PAR1";
        let output = Run::on(&server(), "-q -r US -f parquet").command.output().unwrap();
        assert!(output.status.success() && output.stdout.starts_with(magic) && output.stdout.ends_with(magic));
        let outcome = Run::on(&server(), "-q -r US -o trends.parquet").finish().exits(0);
        assert!(fs::read(outcome.folder.path().join("trends.parquet")).unwrap().starts_with(magic));
    }
}
