//! The README and `.env.example` against the program: what they say is so, and what they show runs.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;
use trendfetch::exit;

use crate::harness::{Answer, Server};
use crate::tools::are_there;

const README: &str = include_str!("../../README.md");
const ENV_EXAMPLE: &str = include_str!("../../.env.example");

/// Options in the README that are those of cargo, jq, systemctl and PostgreSQL's tools.
const OF_OTHERS: [&str; 19] = [
    "--arg",
    "--bench",
    "--compressed",
    "--features",
    "--fuzz-dir",
    "--lines",
    "--locked",
    "--no-default-features",
    "--no-pager",
    "--now",
    "--open",
    "--owner",
    "--parallel",
    "--path",
    "--pwprompt",
    "--release",
    "--runs",
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
fn the_exit_codes_are_those_of_the_program() {
    let said: Vec<(String, &str)> =
        rows(section("Exit codes")).iter().map(|row| (row[0].replace('`', ""), row[1])).collect();
    let meant: Vec<(String, &str)> = exit::TABLE.iter().map(|(code, text)| ((*code).to_owned(), *text)).collect();
    assert_eq!(said, meant);
}

#[test]
fn every_jq_recipe_runs_on_a_document_of_the_demo() {
    let recipes = blocks("sh recipe");
    assert!(recipes.len() >= 8, "only {} recipes", recipes.len());
    if !are_there(&["jq"], "the recipes of README.md") {
        return;
    }
    let folder = TempDir::new().unwrap();
    let demo = ["--demo=calm", "-r", "US,GB,PL", "-n", "50", "-q", "-o", "trends.json"];
    assert!(program(folder.path()).args(demo).status().unwrap().success());
    for recipe in recipes {
        let output = Command::new("sh").arg("-c").arg(recipe).current_dir(folder.path()).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(recipe.contains("trends.json"), "{recipe}");
        assert!(output.status.success() && complaint.is_empty(), "{recipe}\n{complaint}");
        assert!(!output.stdout.trim_ascii().is_empty(), "nothing printed by {recipe}");
    }
}

/// The lines for cron, in a home with the program where they look for it: what they write is there, and whoever waits
/// for a call gets it after a run that went well and only then.
#[test]
fn the_lines_for_cron_do_what_the_readme_says() {
    if !are_there(&["curl"], "the lines for cron of README.md") {
        return;
    }
    let commands: Vec<&str> = blocks("crontab")
        .into_iter()
        .filter_map(|block| block.split_once("5 * * * *  "))
        .map(|(_, command)| command)
        .filter(|command| !command.contains("trendfetch\" report"))
        .collect();
    assert_eq!(commands.len(), 3);
    for command in commands {
        for is_up in [true, false] {
            let server = Server::start(move |hit| match hit.path.as_str() {
                "/youtube/v3/videos" if !is_up => Answer::refusal(400, "keyInvalid"),
                _ => Answer::page(&["a"], None),
            });
            let home = TempDir::new().unwrap();
            std::fs::create_dir_all(home.path().join(".cargo/bin")).unwrap();
            std::fs::create_dir(home.path().join("trends")).unwrap();
            std::fs::write(home.path().join("trends/.env"), "YOUTUBE_API_KEY=AIza-of-the-readme").unwrap();
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_trendfetch"), home.path().join(".cargo/bin/trendfetch"))
                .unwrap();
            // The hour that is due, and the address that is called, are the test's.
            let due =
                command.replace("-eq 0", "-ge 0").replace("https://ping.example", &server.base_url).replace("\\%", "%");
            let mut shell = in_folder("sh", home.path());
            shell.arg("-c").arg(due).env("HOME", home.path()).env("TRENDFETCH_BASE_URL", &server.base_url);
            let ran = shell.output().unwrap();
            let called = server.log().iter().any(|hit| hit.path.ends_with("/your-id"));
            assert_eq!(called, is_up && command.contains("ping.example"), "{command}");
            assert_eq!(ran.status.success(), is_up, "{}", String::from_utf8_lossy(&ran.stderr));
            assert_eq!(
                ran.stderr.is_empty() && ran.stdout.is_empty(),
                is_up,
                "silent where all went well, and only there"
            );
            assert_eq!(home.path().join("trends/trends.json").exists(), is_up);
        }
    }
}

#[test]
fn a_log_of_json_is_asked_as_the_readme_says() {
    if !are_there(&["jq"], "the question to a log of README.md") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let folder = TempDir::new().unwrap();
    let folder_of_program = Path::new(env!("CARGO_BIN_EXE_trendfetch")).parent().unwrap().to_owned();
    let said = blocks("sh").into_iter().find(|block| block.contains("run ended")).unwrap();
    let mut shell = in_folder("sh", folder.path());
    let commands = format!("set -e; PATH=\"{}:$PATH\"\n{said}", folder_of_program.display());
    shell.arg("-c").arg(commands).env("YOUTUBE_API_KEY", "AIza-of-the-readme");
    let asked = shell.env("TRENDFETCH_BASE_URL", &server.base_url).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let line: Value = serde_json::from_slice(&asked.stdout).unwrap();
    let answer = (&line["outcome"], &line["regions_failed"], &line["unique"], &line["quota_units"]);
    assert_eq!(answer, (&json!("complete"), &json!(0), &json!(3), &json!(3)));
    assert!(line["timestamp"].is_string() && line["run_id"].is_string(), "{line}");
    assert!(std::fs::read_to_string(folder.path().join("statistics.txt")).unwrap().contains("unique"));
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
    let meant: BTreeSet<&str> = trendfetch::error::Kind::ALL.iter().map(|kind| kind.as_str()).collect();
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
