//! The README and `.env.example` against the program: what they say is so, and what they show runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;
use trendfetch::output::exit_status;

mod commands;
mod messages;
mod recipes;

const README: &str = include_str!("../../README.md");
const ENV_EXAMPLE: &str = include_str!("../../.env.example");

/// Options in the README that are those of cargo, jq, systemctl and PostgreSQL's tools.
const OF_OTHERS: [&str; 23] = [
    "--all-targets",
    "--all-features",
    "--arg",
    "--bench",
    "--compressed",
    "--features",
    "--fuzz-dir",
    "--lines",
    "--locked",
    "--no-default-features",
    "--no-deps",
    "--no-pager",
    "--now",
    "--open",
    "--owner",
    "--parallel",
    "--path",
    "--pwprompt",
    "--release",
    "--runs",
    "--target",
    "--test",
    "--unit",
];

#[test]
fn the_option_table_is_that_of_help() {
    let help = options_of(&["--help"]);
    assert!(help.contains("--regions") && help.contains("--version"), "{help:?}");

    let table: BTreeSet<String> = rows(section("Options")).iter().flat_map(|row| long_options(row[0])).collect();
    assert_eq!(table, help);

    let of_commands: BTreeSet<String> =
        ["changes", "report", "load", "prune"].iter().flat_map(|command| options_of(&[command, "--help"])).collect();
    let stale: Vec<String> = long_options(README)
        .into_iter()
        .filter(|option| {
            !help.contains(option) && !of_commands.contains(option) && !OF_OTHERS.contains(&option.as_str())
        })
        .collect();
    assert!(stale.is_empty(), "README.md names options that do not exist: {stale:?}");
}

/// The options that a help text explains.
fn options_of(arguments: &[&str]) -> BTreeSet<String> {
    printed(arguments)
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .filter_map(|line| long_options(line).first().cloned())
        .collect()
}

#[test]
fn every_block_is_of_a_kind_that_a_test_looks_at() {
    let known = [
        "crontab",
        "ini",
        "jsonc",
        "python",
        "sh",
        "sh feed",
        "sh question",
        "sh recipe",
        "sql",
        "sql lake",
        "sql question",
        "sql recipe",
        "text",
    ];
    let fences = README.lines().filter_map(|line| line.strip_prefix("```"));
    let infos: BTreeSet<&str> = fences.filter(|info| !info.is_empty()).collect();
    assert_eq!(infos, BTreeSet::from(known));
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let is_kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-');
    let anchor = |heading: &str| {
        heading.trim().to_lowercase().chars().filter(is_kept).map(|kept| if kept == ' ' { '-' } else { kept }).collect()
    };
    let headings: BTreeSet<String> =
        README.lines().filter(|line| line.starts_with("##")).map(|line| anchor(line.trim_start_matches('#'))).collect();
    let links = README.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
    let dead: Vec<&str> = links.filter(|link| !headings.contains(*link)).collect();
    assert!(dead.is_empty(), "{dead:?}");
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let said: Vec<(String, &str)> =
        rows(section("Exit codes")).iter().map(|row| (row[0].replace('`', ""), row[1])).collect();
    let meant: Vec<(String, &str)> =
        exit_status::TABLE.iter().map(|(code, text)| ((*code).to_owned(), *text)).collect();
    assert_eq!(said, meant);
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
    let example = section("The document");
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
            assert!(example.contains(&format!("\"{field}\":")), "{path}/{field} is not in the README's example");
        }
    }
}

#[test]
fn the_example_of_the_document_is_a_document() {
    let example = blocks("jsonc")[0];
    let without_comments: String = example.lines().map(|line| line.split(" // ").next().unwrap_or(line)).collect();
    let document: Value = serde_json::from_str(&without_comments).unwrap();
    let schema: Value = serde_json::from_str(&printed(&["schema"])).unwrap();
    let errors: Vec<String> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(&document).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn every_kind_of_failure_is_in_the_table() {
    let said: BTreeSet<&str> = rows(section("When things fail")).iter().map(|row| row[1].trim_matches('`')).collect();
    let meant: BTreeSet<&str> = trendfetch::model::error::ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(said, meant);
}

fn program(folder: &Path) -> Command {
    in_folder(env!("CARGO_BIN_EXE_trendfetch"), folder)
}

/// A program in a folder, whatever the environment of the one who runs the tests says of ours.
fn in_folder(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder);
    for name in [
        "YOUTUBE_API_KEY",
        "TRENDFETCH_REGIONS",
        "TRENDFETCH_STORE",
        "TRENDFETCH_BASE_URL",
        "CREDENTIALS_DIRECTORY",
        "STATE_DIRECTORY",
        "RUST_LOG",
    ] {
        command.env_remove(name);
    }
    command
}

fn printed(arguments: &[&str]) -> String {
    let folder = TempDir::new().unwrap();
    let output = program(folder.path()).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The text under a heading of the second level, up to the next one.
fn section(heading: &str) -> &'static str {
    let (_, rest) = README
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("README.md has no heading '{heading}'"));
    rest.split("\n## ").next().unwrap_or(rest)
}

/// The cells of each row of the first table in a text.
fn rows(text: &'static str) -> Vec<Vec<&'static str>> {
    text.lines()
        .skip_while(|line| !line.starts_with("| ---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect()
}

/// The fenced blocks with this info string.
fn blocks(info: &str) -> Vec<&'static str> {
    README.split(&format!("\n```{info}\n")).skip(1).filter_map(|rest| rest.split("\n```").next()).collect()
}

/// Every `--name` in a text, in alphabetical order.
fn long_options(text: &str) -> BTreeSet<String> {
    text.split(|character: char| !(character.is_ascii_lowercase() || character == '-'))
        .filter(|word| word.starts_with("--") && word.len() > 2 && !word.starts_with("---"))
        .map(str::to_owned)
        .collect()
}
