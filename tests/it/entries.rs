//! Rows of chart entries: what they say about the run and the chart, and how Polars and pandas read the rows of several
//! runs as one table.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Answer, Hit, Outcome, Run, Server, item};
use crate::tools::python;

/// A page of two. US and GB share a video; the second page of PL fails; DE fails as a whole.
fn page(hit: &Hit) -> Answer {
    match (hit.region(), hit.token()) {
        ("DE", _) => Answer::refusal(404, "notFound"),
        ("PL", None) => Answer::page(&["a", "polish"], Some("second")),
        ("PL", Some(_)) => Answer::refusal(404, "notFound"),
        (region, _) => {
            let mut unusual = item(&format!("only-{region}"));
            unusual["snippet"]["title"] = "Zażółć, \"gęślą\" | jaźń".into();
            unusual["statistics"] = json!({"viewCount": "7"});
            Answer::json(&json!({"items": [item("a"), unusual]}))
        }
    }
}

fn entries(regions: &str, more: &str, file: &str, exit: i32) -> Outcome {
    Run::on(&Server::start(page), &format!("-q -r {regions} -n 100 --rows entries -o {file} {more}"))
        .finish()
        .exits(exit)
}

fn rows(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_row_has_the_chart_it_is_from_and_no_list_of_regions() {
    let said = |arguments: &str| -> Vec<String> {
        let outcome = entries("GB,PL,DE", arguments, "entries.ndjson", 3);
        let rows = rows(&outcome.read("entries.ndjson"));
        assert!(rows.iter().all(|row| row.get("regions").is_none() && row.get("ranks").is_none()), "{rows:?}");
        let said = |row: &Value| {
            ["region", "chart_category_id", "region_status", "rank", "video_id"].map(|key| row[key].to_string())
        };
        rows.iter().map(|row| said(row).join(" ")).collect()
    };
    let all = said("");
    assert_eq!(
        all,
        [
            r#""GB" null "ok" 1 "a""#,
            r#""GB" null "ok" 2 "only-GB""#,
            r#""PL" null "partial" 1 "a""#,
            r#""PL" null "partial" 2 "polish""#,
        ]
    );
    let music: Vec<String> = all.iter().map(|row| row.replace("null", "10")).collect();
    assert_eq!(said("--category Music"), music);
}

/// Prints the rows of the files in `sys.argv` as JSON. Polars takes the types from the first file, in which a column may
/// be null throughout: as docs/data.md says, it needs the type of `chart_category_id` then.
const BY_POLARS: &str = "
import json, polars, sys
frame = polars.scan_ndjson(sys.argv[1:], schema_overrides={'chart_category_id': polars.Int64}).collect()
print(json.dumps(frame.to_dicts()))";
const BY_PANDAS: &str = "
import json, pandas, sys
frame = pandas.concat(pandas.read_csv(file) for file in sys.argv[1:])
print(frame.to_json(orient='records'))";

fn read_by(python: &str, program: &str, files: &[&Outcome], name: &str) -> Vec<Value> {
    let paths = files.iter().map(|outcome| outcome.folder.path().join(name));
    let output = Command::new(python).args(["-c", program]).args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn polars_reads_the_rows_of_runs_of_different_regions_as_one_frame() {
    let Some(python) = python(&["polars"], "entries of two runs, read with Polars") else { return };
    let runs = [entries("US,GB", "", "entries.ndjson", 0), entries("PL,SE", "--category Music", "entries.ndjson", 3)];
    let frame = read_by(&python, BY_POLARS, &[&runs[0], &runs[1]], "entries.ndjson");
    let written: Vec<Value> = runs.iter().flat_map(|run| rows(&run.read("entries.ndjson"))).collect();
    assert_eq!(written.len(), 8);
    assert_eq!(frame, written);
}

#[test]
fn pandas_reads_the_same_values_from_csv() {
    let Some(python) = python(&["pandas"], "entries of two runs, read with pandas") else { return };
    let runs = ["US,GB", "PL,SE"].map(|regions| {
        let exit = if regions.contains("PL") { 3 } else { 0 };
        entries(regions, "-o entries.csv", "entries.ndjson", exit)
    });
    let frame = read_by(&python, BY_PANDAS, &[&runs[0], &runs[1]], "entries.csv");
    let written: Vec<Value> = runs.iter().flat_map(|run| rows(&run.read("entries.ndjson"))).collect();
    assert_eq!(frame.len(), written.len());
    for (row, entry) in frame.iter().zip(&written) {
        for (name, value) in entry.as_object().unwrap() {
            // CSV has one kind of empty cell, and text instead of lists.
            let expected = match value {
                Value::Array(tags) if tags.is_empty() => Value::Null,
                Value::Array(tags) => tags.iter().map(|tag| tag.as_str().unwrap()).collect::<Vec<_>>().join("|").into(),
                Value::String(text) if text.is_empty() => Value::Null,
                value => value.clone(),
            };
            let is_same = match (row[name].as_f64(), expected.as_f64()) {
                (Some(number), Some(other)) => number == other,
                _ => row[name] == expected,
            };
            assert!(is_same, "{name}: {} is not {expected}", row[name]);
        }
    }
}
