//! Parquet: what independent readers find in it, and what a program without it says.

#[cfg(not(feature = "parquet"))]
#[test]
fn a_program_without_it_says_so() {
    use crate::harness::Run;
    for arguments in [["-f", "parquet"], ["-o", "trends.parquet"]] {
        let outcome = Run::new(&[&["--demo=calm", "-r", "US"][..], &arguments].concat()).finish().exits(2);
        assert!(outcome.stderr.contains("build it with --features parquet"), "{}", outcome.stderr);
        assert!(outcome.files().is_empty());
    }
    assert!(!Run::new(&["--help"]).finish().stdout.to_lowercase().contains("parquet"));
}

#[cfg(feature = "parquet")]
mod with_it {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use serde_json::{Value, json};

    use crate::harness::{Answer, Outcome, Run, Server, files_in, item};
    use crate::tools::python;

    const WHAT: &str = "Parquet, read back by DuckDB and by Arrow";

    /// What a program in Python prints, which is JSON.
    fn asked(python: &str, program: &str, folder: &Path) -> Value {
        let output = Command::new(python).args(["-c", program]).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Two regions; the second has one video of the first, and one whose facts are missing or beyond all bounds.
    fn server() -> Server {
        Server::start(|hit| match hit.region() {
            "US" => Answer::page(&["a", "b"], None),
            "PL" => {
                let odd = json!({"id": "odd", "snippet": {"title": "Zażółć \u{0} =1+1 🎬", "tags": ["", "a|b"]},
                    "statistics": {"viewCount": "18446744073709551615", "likeCount": "9223372036854775807"}});
                Answer::json(&json!({"items": [odd, item("b")]}))
            }
            "MT" => Answer::json(&json!({"items": []})),
            _ => Answer::refusal(404, "notFound"),
        })
    }

    fn run(arguments: &str, exit: i32) -> Outcome {
        Run::on(&server(), &format!("-q -r US,PL,MT,DE {arguments}")).finish().exits(exit)
    }

    #[test]
    fn a_dataset_holds_the_entries_of_the_csv() {
        let Some(python) = python(&["duckdb", "pyarrow"], WHAT) else { return };
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
        let found = asked(&python, program, outcome.folder.path());
        let [kinds, names, one, lake, dates] = found.as_array().unwrap().as_slice() else { panic!("{found}") };
        assert_eq!(lake, one, "the folder and the file hold the same");
        assert_eq!(dates, &json!([[true]]));
        for (name, kind) in [
            ("fetched_at", "TIMESTAMP WITH TIME ZONE"),
            ("rank", "BIGINT"),
            ("embeddable", "BOOLEAN"),
            ("tags", "VARCHAR[]"),
            ("ranks", "MAP(VARCHAR, BIGINT)"),
        ] {
            assert_eq!(kinds[name], kind);
        }
        // As ndjson has them, in its order; but for counts that no reader could hold, and a description that was not asked for.
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
        let found = asked(&python, program, outcome.folder.path());
        assert_eq!((&found[0], &found[1]), (&json!(4), &json!(["PL", "US"])));
        assert!(found[2].as_array().unwrap().contains(&json!(["", "a|b"])), "{found}");
        assert_eq!(
            (&found[3], &found[4]),
            (&json!(false), &json!("timestamp[us, tz=UTC]")),
            "what is in the path is not in the file"
        );
    }

    #[test]
    fn each_region_that_answered_has_a_file_and_each_run_adds_its_own() {
        let outcome = run("-f parquet -o lake/ --json -o run.json", 2);
        assert!(outcome.files().is_empty(), "--json and --format at once");
        let lake = tempfile::tempdir().unwrap();
        let folder = lake.path().join("deep/lake");
        let into = |slash: &str| format!("-f parquet -o {}{slash} -o run.json", folder.display());
        let documents = [run(&into("/"), 3), run(&into(""), 3)]
            .map(|outcome| serde_json::from_str::<Value>(&outcome.read("run.json")).unwrap());
        // The date of the run, and below it the regions; an empty chart is there, a failed region is not.
        let date = format!("fetched_date={}", &documents[0]["fetched_at"].as_str().unwrap()[..10]);
        assert!(files_in(&folder).contains(&date), "{:?}", files_in(&folder));
        assert!(files_in(&folder).iter().all(|name| name.starts_with("fetched_date=")), "nothing temporary is left");
        assert_eq!(files_in(&folder.join(&date)), ["region=MT", "region=PL", "region=US"]);
        let mut expected = documents.map(|document| format!("{}.parquet", document["run_id"].as_str().unwrap()));
        expected.sort();
        assert_eq!(files_in(&folder.join(date).join("region=MT")), expected);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_found_before_anything_is_sent() {
        let server = server();
        let outcome = Run::on(&server, "-r US -f parquet -o there/lake/").file("there", "a file").finish().exits(1);
        assert!(outcome.stderr.contains("cannot write there/lake/"), "{}", outcome.stderr);
        let in_the_way = Run::on(&server, "-r US -f parquet -o lake/");
        fs::create_dir_all(in_the_way.path("lake/.part.parquet.trendfetch-tmp")).unwrap();
        let outcome = in_the_way.finish().exits(1);
        assert!(outcome.stderr.contains("is in the way and is not a regular file; remove it"), "{}", outcome.stderr);
        assert!(server.log().is_empty());
    }

    #[test]
    fn no_video_and_all_or_nothing_leave_the_folder_as_it_was() {
        let nothing = Server::start(|_| Answer::new(503, ""));
        let arguments = "-r US --retries 0 -f parquet -o lake/";
        assert!(files_in(&Run::on(&nothing, arguments).finish().exits(1).folder.path().join("lake")).is_empty());
        let outcome = run("-f parquet -o lake/ --all-or-nothing", 3);
        assert!(files_in(&outcome.folder.path().join("lake")).is_empty());
    }

    #[test]
    fn standard_output_and_an_extension_take_one_file() {
        let magic = b"PAR1";
        let output = Run::on(&server(), "-q -r US -f parquet").command.output().unwrap();
        assert!(output.status.success() && output.stdout.starts_with(magic) && output.stdout.ends_with(magic));
        let outcome = Run::on(&server(), "-q -r US -o trends.parquet").finish().exits(0);
        assert!(fs::read(outcome.folder.path().join("trends.parquet")).unwrap().starts_with(magic));
    }
}
