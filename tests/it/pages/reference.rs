//! Compares the lists on the pages with the program: options, exit statuses, fields and columns.

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::TempDir;
use trendfetch::output::exit_status;

use super::{Page, code_words, printed, program, rows};

const ENV_EXAMPLE: &str = include_str!("../../../.env.example");

/// Options on the pages that are those of other programs.
const OF_OTHERS: &[&str] = &[
    "--all-features",
    "--all-targets",
    "--arg",
    "--bench",
    "--build-context",
    "--compressed",
    "--detach",
    "--features",
    "--force",
    "--follow",
    "--from",
    "--from-file",
    "--fuzz-dir",
    "--ignorefile",
    "--init",
    "--lib",
    "--lines",
    "--locked",
    "--no-default-features",
    "--no-deps",
    "--no-pager",
    "--nocapture",
    "--now",
    "--open",
    "--owner",
    "--parallel",
    "--path",
    "--private",
    "--push",
    "--profile",
    "--pwprompt",
    "--read-only",
    "--release",
    "--repo",
    "--rm",
    "--runs",
    "--secret",
    "--source",
    "--target",
    "--test",
    "--unit",
    "--user",
    "--userns",
];

#[test]
fn the_daily_options_are_those_of_the_short_help() {
    let readme = Page::read("README.md");
    let table: BTreeSet<String> =
        rows(readme.section("Daily options")).iter().flat_map(|row| long_options(row[0])).map(str::to_owned).collect();
    let mut daily = options_of(&["-h"]);
    assert!(daily.remove("--help") && daily.remove("--version"), "{daily:?}");
    assert_eq!(table, daily);
}

#[test]
fn no_page_names_an_option_that_does_not_exist() {
    let mut known = options_of(&["--help"]);
    for command in ["changes", "export", "status", "report", "load", "prune", "demo", "man"] {
        known.extend(options_of(&[command, "--help"]));
    }
    known.extend(OF_OTHERS.iter().copied().map(str::to_owned));
    for page in Page::all() {
        let stale: BTreeSet<&str> = long_options(&page.text).filter(|option| !known.contains(*option)).collect();
        assert!(stale.is_empty(), "{} names options that do not exist: {stale:?}", page.name);
    }
}

/// The options that a help text explains.
fn options_of(arguments: &[&str]) -> BTreeSet<String> {
    printed(arguments)
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .filter_map(|line| long_options(line).next().map(str::to_owned))
        .collect()
}

/// Every `--name` in a text.
fn long_options(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| !(character.is_ascii_lowercase() || character == '-'))
        .filter(|word| word.starts_with("--") && word.len() > 2 && !word.starts_with("---"))
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let readme = Page::read("README.md");
    let said: Vec<(String, &str)> =
        rows(readme.section("Exit status")).iter().map(|row| (row[0].replace('`', ""), row[1])).collect();
    let meant: Vec<(String, &str)> =
        exit_status::TABLE.iter().map(|(code, text)| ((*code).to_owned(), *text)).collect();
    assert_eq!(said, meant);
}

#[test]
fn the_sets_of_regions_are_those_of_the_program() {
    let readme = Page::read("README.md");
    for set in ["dailywatch", "viralvidvault"] {
        let document = printed(&["--demo=calm", "-c", "0", "-n", "1", "-q", "--json", "-r", set]);
        let document: Value = serde_json::from_str(&document).unwrap();
        let codes: Vec<&str> =
            document["request"]["regions"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
        let (last, others) = codes.split_last().unwrap();
        let sentence = format!("`{set}` is {} and {last}", others.join(", "));
        let text = readme.section("Ten examples").replace('\n', " ");
        assert!(text.contains(&sentence), "README.md does not say: {sentence}");
    }
}

#[test]
fn the_example_of_env_names_what_is_read_and_nothing_else() {
    let lines = ENV_EXAMPLE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let names: Vec<&str> = lines
        .map(|line| line.strip_suffix('=').unwrap_or_else(|| panic!("not a name and nothing else: {line}")))
        .collect();
    assert_eq!(names, ["YOUTUBE_API_KEY", "TRENDFETCH_REGIONS", "TRENDFETCH_STORE"]);

    // Copied and not filled in, it changes nothing: the defaults hold.
    let folder = TempDir::new().unwrap();
    let price = || program(folder.path()).arg("--dry-run").output().unwrap();
    let without = price();
    std::fs::write(folder.path().join(".env"), ENV_EXAMPLE).unwrap();
    assert!(without.status.success());
    assert_eq!(price(), without);
}

#[test]
fn every_field_of_the_document_is_in_its_example() {
    let schema: Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    let data = Page::read("docs/data.md");
    let example = data.block("jsonc");
    for path in [
        "/properties",
        "/properties/request/properties",
        "/$defs/stats/properties",
        "/$defs/region_stats/properties",
        "/$defs/region_stats/properties/error/properties",
        "/$defs/video/properties",
    ] {
        let fields = schema.pointer(path).and_then(Value::as_object).unwrap_or_else(|| panic!("no {path}"));
        for field in fields.keys() {
            assert!(example.contains(&format!("\"{field}\":")), "{path}/{field} is not in the example of docs/data.md");
        }
    }
}

#[test]
fn the_example_of_the_document_is_a_document() {
    let data = Page::read("docs/data.md");
    let without_comments: String =
        data.block("jsonc").lines().map(|line| line.split(" // ").next().unwrap_or(line)).collect();
    let document: Value = serde_json::from_str(&without_comments).unwrap();
    let schema: Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn the_columns_of_a_chart_entry_are_those_of_its_csv() {
    let arguments = ["--demo=calm", "-r", "IN", "-n", "1", "-q", "-f", "csv", "--rows", "entries", "--description"];
    let csv = printed(&arguments);
    let columns: BTreeSet<&str> = csv.lines().next().unwrap().split(',').collect();
    let data = Page::read("docs/data.md");
    let said: BTreeSet<&str> = rows(data.section("Chart entries")).iter().flat_map(|row| code_words(row[0])).collect();
    assert_eq!(said, columns);
}

#[cfg(feature = "sqlite")]
#[test]
fn the_tables_are_those_of_a_history() {
    let folder = TempDir::new().unwrap();
    let run = ["--demo=calm", "-r", "IN", "-n", "1", "-q", "--store", "history.db"];
    assert!(program(folder.path()).args(run).status().unwrap().success());
    let history = rusqlite::Connection::open(folder.path().join("history.db")).unwrap();
    let names = |sql: &str| -> BTreeSet<String> {
        let mut statement = history.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };

    let data = Page::read("docs/data.md");
    let section = data.section("Tables of the history");
    let mut said = BTreeSet::new();
    for row in rows(section) {
        let table = *code_words(row[0]).first().unwrap();
        // What stands in parentheses explains the column before it.
        let columns: String =
            row[2].split('(').map(|part| part.split_once(')').map_or(part, |(_, rest)| rest)).collect();
        let columns: BTreeSet<String> = code_words(&columns).into_iter().map(str::to_owned).collect();
        assert_eq!(columns, names(&format!("SELECT name FROM pragma_table_info('{table}')")), "{table}");
        said.insert(table);
    }
    let others: BTreeSet<String> = names("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")
        .into_iter()
        .filter(|name| !said.contains(name.as_str()) && !name.starts_with("sqlite_"))
        .collect();
    let untold: Vec<&String> = others.iter().filter(|name| !section.contains(&format!("`{name}`"))).collect();
    assert!(untold.is_empty(), "docs/data.md does not name {untold:?}");
}

#[test]
fn the_metrics_are_those_of_a_run() {
    let folder = TempDir::new().unwrap();
    let run = ["--demo=calm", "-r", "US", "-n", "1", "-q", "--store", "history.db", "-o", "run.prom"];
    // The second run has something to compare with.
    for _ in 0..2 {
        assert!(program(folder.path()).args(run).status().unwrap().success());
    }
    let metrics = std::fs::read_to_string(folder.path().join("run.prom")).unwrap();
    let written: BTreeSet<&str> =
        metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();

    let page = Page::read("docs/scheduling.md");
    let section = page.section("Monitoring").split("\n### ").find(|part| part.starts_with("Metrics")).unwrap();
    let table: BTreeSet<&str> = rows(section).iter().flat_map(|row| code_words(row[0])).collect();
    assert_eq!(table, written);
    // The rule and the query name no others.
    let words = section.split(|character: char| character != '_' && !character.is_ascii_alphanumeric());
    let named: BTreeSet<&str> = words.filter(|word| word.starts_with("trendfetch_")).collect();
    assert_eq!(named, written);
}
