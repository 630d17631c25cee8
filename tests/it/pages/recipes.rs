//! Runs the recipes on what a run of the demo writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::{Page, in_folder, program};
use crate::tools::{are_installed, python};

/// A folder with what a run of the demo writes.
fn fetched(mode: &str, arguments: &[&str]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let demo = [mode, "-r", "US,GB,PL", "-q", "-o", "trends.json", "-o", "entries.ndjson", "--rows", "entries"];
    program(folder.path()).args(demo).args(arguments).status().unwrap();
    folder
}

/// What a command prints that must succeed without a complaint.
fn printed_by(command: &mut Command, what: &str) -> String {
    let output = command.output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaint.is_empty(), "{what}\n{complaint}");
    String::from_utf8(output.stdout).unwrap()
}

fn by_shell(recipe: &str, folder: &Path) -> String {
    printed_by(in_folder("sh", folder).args(["-ec", recipe]), recipe)
}

/// Rows of DuckDB as text, columns separated by tabs.
fn by_duckdb(python: &str, query: &str, folder: &Path) -> String {
    let program = "
import duckdb, sys
for row in duckdb.sql(sys.argv[1]).fetchall():
    print('\\t'.join('' if cell is None else str(cell) for cell in row))";
    printed_by(in_folder(python, folder).args(["-c", program, query]), query)
}

#[test]
fn every_jq_recipe_runs_on_a_document_of_the_demo() {
    if !are_installed(&["jq"], "the recipes for jq") {
        return;
    }
    let folder = fetched("--demo=calm", &[]);
    let mut tried = 0;
    for page in Page::all() {
        for recipe in page.blocks("sh recipe") {
            assert!(recipe.contains("trends.json"), "{recipe}");
            assert!(!by_shell(recipe, folder.path()).trim().is_empty(), "nothing printed by {recipe}");
            tried += 1;
        }
    }
    assert!(tried >= 12, "only {tried} recipes");
}

/// Two programs that know nothing of each other read two forms of the same run, and agree.
#[test]
fn jq_and_duckdb_give_the_same_answers_to_the_five_questions() {
    let data = Page::read("docs/data.md");
    let (by_jq, by_sql) = (data.blocks("sh question"), data.blocks("sql question"));
    assert_eq!((by_jq.len(), by_sql.len()), (5, 5));
    let what = "the five questions of docs/data.md";
    let Some(python) = python(&["duckdb"], what) else { return };
    if !are_installed(&["jq"], what) {
        return;
    }
    let folder = fetched("--demo=calm", &["--max-results", "120"]);
    let mut answers = BTreeSet::new();
    for (jq, sql) in by_jq.iter().zip(by_sql) {
        let answer = by_shell(jq, folder.path());
        assert!(answer.lines().count() >= 3, "{jq}\n{answer}");
        assert_eq!(by_duckdb(&python, sql, folder.path()), answer, "{sql}");
        answers.insert(answer);
    }
    assert_eq!(answers.len(), 5);
}

#[cfg(feature = "parquet")]
#[test]
fn the_questions_to_duckdb_have_the_same_answers_in_parquet() {
    let Some(python) = python(&["duckdb"], "the five questions of docs/data.md, to Parquet") else { return };
    let data = Page::read("docs/data.md");
    let folder = fetched("--demo=calm", &["-f", "parquet", "-o", "lake/"]);
    for sql in data.blocks("sql question") {
        let expected = by_duckdb(&python, sql, folder.path());
        let of_parquet = sql.replace("'entries.ndjson'", "'lake/entries/**/*.parquet'");
        assert_eq!(by_duckdb(&python, &of_parquet, folder.path()), expected, "{of_parquet}");
    }
}

#[cfg(feature = "parquet")]
#[test]
fn the_recipes_for_a_lake_tell_the_charts_from_the_failures() {
    let Some(python) = python(&["duckdb", "pandas", "polars", "pyarrow"], "the lake of docs/data.md") else { return };
    let data = Page::read("docs/data.md");
    // PL is down.
    let folder = fetched("--demo=outage", &["--retries", "0", "-f", "parquet", "-o", "lake/"]);
    let ranks = by_duckdb(&python, data.block("sql lake"), folder.path());
    assert!(ranks.contains("\tPL\tfailed\t\n") && ranks.contains("\tok\t1\n"), "{ranks}");
    assert_eq!(ranks.lines().count(), 3);

    let [by_polars, by_pandas] = data.blocks("python lake")[..] else { panic!("two recipes") };
    let printed = |recipe: &str| printed_by(in_folder(&python, folder.path()).args(["-c", recipe]), recipe);
    let top = printed(&by_polars.replace("PL", "US"));
    assert!(top.contains("shape: (3, 5)") && top.contains("ok"), "{top}");
    let counted: Vec<String> =
        printed(by_pandas).lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(counted, ["status failed ok", "region", "GB 0 1", "PL 1 0", "US 0 1"]);
}

#[test]
fn pandas_and_polars_count_what_the_document_counts() {
    let what = "the recipes of docs/data.md for pandas and Polars";
    let Some(python) = python(&["pandas", "polars"], what) else { return };
    let folder = fetched("--demo=calm", &[]);
    let document: Value = serde_json::from_slice(&fs::read(folder.path().join("trends.json")).unwrap()).unwrap();
    let counted = ["US", "GB", "PL"].map(|region| {
        let is_counted = |video: &&Value| video["category"] == "Gaming" && video["ranks"][region].is_u64();
        document["videos"].as_array().unwrap().iter().filter(is_counted).count().to_string()
    });
    let data = Page::read("docs/data.md");
    let recipes = data.blocks("python recipe");
    assert_eq!(recipes.len(), 2);
    for recipe in recipes {
        let table = printed_by(in_folder(&python, folder.path()).args(["-c", recipe]), recipe);
        let row_of = |word: &str| {
            let row = table.lines().find(|line| line.contains(word)).unwrap_or_else(|| panic!("{word}: {table}"));
            row.split(|character: char| !character.is_alphanumeric())
                .filter(|cell| !cell.is_empty())
                .collect::<Vec<_>>()
        };
        let (regions, gaming) = (row_of("US"), row_of("Gaming"));
        for (region, count) in ["US", "GB", "PL"].iter().zip(&counted) {
            let column = regions.iter().position(|cell| cell == region).unwrap();
            assert_eq!(gaming[column], count, "{table}");
        }
    }
}

#[test]
fn a_feed_has_a_file_for_each_region_and_keeps_that_of_one_that_failed() {
    if !are_installed(&["jq"], "the feed of docs/data.md") {
        return;
    }
    let data = Page::read("docs/data.md");
    let recipe = data.block("sh feed");
    let folder = fetched("--demo=calm", &[]);
    let read = |region: &str| fs::read_to_string(folder.path().join(format!("feed/{region}.json"))).unwrap();
    assert_eq!(by_shell(recipe, folder.path()), "");
    let before = ["US", "GB", "PL"].map(read);
    for feed in &before {
        let feed: Value = serde_json::from_str(feed).unwrap();
        let ranks: Vec<u64> =
            feed["videos"].as_array().unwrap().iter().map(|video| video["rank"].as_u64().unwrap()).collect();
        assert!(ranks.len() > 30 && ranks.is_sorted(), "{ranks:?}");
    }
    // The outage takes Poland, and its feed is yesterday's.
    let outage = fetched("--demo=outage", &["--retries", "0"]);
    let mut document: Value = serde_json::from_slice(&fs::read(outage.path().join("trends.json")).unwrap()).unwrap();
    document["fetched_at"] = "2030-01-01T00:00:00Z".into();
    fs::write(folder.path().join("trends.json"), document.to_string()).unwrap();
    by_shell(recipe, folder.path());
    assert!(read("PL") == before[2] && read("US").contains("2030-01-01T00:00:00Z"));
    assert_eq!(crate::harness::files_in(&folder.path().join("feed")), ["GB.json", "PL.json", "US.json"]);
}
