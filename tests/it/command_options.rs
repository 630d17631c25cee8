//! The options of subcommands: before and after the name, and those that every command has.

use serde_json::Value;

use crate::harness::{Outcome, Run, Server};

const COMMANDS: [&str; 8] = ["changes", "report", "load", "prune", "regions", "completions", "man", "schema"];

fn arguments(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A folder with the documents of two runs, both of which `history.db` has.
fn with_history() -> Run {
    let (early, late) = (Server::of_pages(&["a", "b"]), Server::of_pages(&["b", "c"]));
    let folder = Run::new(&["--version"]);
    for (server, file) in [(early, "early.json"), (late, "late.json")] {
        let options = ["-q", "-r", "US,PL", "--store", "history.db", "-o", file, "--base-url", &server.base_url];
        in_folder(&folder, &options).exits(0);
    }
    folder
}

/// Runs the program in the folder of another run.
fn in_folder(folder: &Run, options: &[&str]) -> Outcome {
    let mut run = Run::new(options);
    run.command.current_dir(&folder.folder);
    run.finish()
}

#[test]
fn options_of_a_command_stand_before_or_after_its_name() {
    let folder = with_history();
    let run = |line: &str| in_folder(&folder, &arguments(line));
    let changes = run("changes --store history.db -r PL -f json").exits(0);
    assert_eq!(changes.document()["regions"][0]["region"], "PL");
    for line in [
        "--store history.db changes -r PL -f json",
        "--store=history.db -r PL -fjson changes",
        "-r PL -f json changes --store history.db",
        "--store history.db changes --store history.db -r PL -f json",
    ] {
        assert_eq!(run(line).exits(0).stdout, changes.stdout, "{line}");
    }
    // Lists add up, as they do behind the name.
    let both = run("--store history.db -r PL changes -r US -f json").exits(0).document();
    assert_eq!(both["regions"].as_array().unwrap().len(), 2);
    run("--store history.db --keep 30d prune").exits(0);
    // These options are not those of a run.
    run("--store history.db --log 90d prune").exits(0);
    run("--thumbnails --from early.json -o early.html report").exits(0);
    let misplaced = run("--thumbnails --store history.db changes").exits(2).stderr;
    assert!(misplaced.contains("--thumbnails is an option of another command, and `changes`"), "{misplaced}");
    run("--store other.db load early.json").exits(0);
    run("-o page.html --store history.db report").exits(0);
    assert!(folder.path("other.db").exists() && folder.path("page.html").exists());
}

#[test]
fn an_option_given_differently_before_and_after_is_refused() {
    let run = |line: &str| Run::new(&arguments(line)).finish().exits(2).stderr;
    assert!(run("--store a.db changes --store b.db").contains("--store names two histories"));
    assert!(run("-f json changes -f table").contains("cannot be used multiple times"));
    assert!(run("--keep 7d prune --keep 8d").contains("cannot be used multiple times"));
    assert!(run("-q changes -v").contains("cannot be used with"));
    assert!(run("--color always regions --color never").contains("cannot be used multiple times"));
}

#[test]
fn an_option_that_only_a_run_has_is_refused_before_a_command() {
    for (line, says) in [
        ("--json changes", "`changes` does not have it; write: trendfetch changes --format json"),
        ("-o codes.txt man", "`man` does not have it; write: trendfetch man > FILE"),
        ("--keep 7d load x.json", "write: trendfetch prune --keep DUR"),
        ("-n 5 --store x.db changes", "--max-results is an option of a run, and `changes` does not have it; see "),
        ("-r US load x.json", "see trendfetch load --help"),
        ("--demo report -o page.html", "--demo is an option of a run"),
        ("--progress never schema", "--progress is an option of a run"),
    ] {
        let outcome = Run::new(&arguments(line)).finish().exits(2);
        assert!(outcome.stderr.contains(says) && outcome.stderr.lines().count() == 1, "{line}: {}", outcome.stderr);
        assert!(outcome.files().is_empty(), "{line}");
    }
}

#[test]
fn every_command_explains_the_options_of_the_screen() {
    for command in COMMANDS {
        let help = |option: &str| Run::new(&[command, option]).finish().exits(0).stdout;
        let (_, screen) =
            help("--help").split_once("\nScreen:\n").map(|(own, screen)| (own.len(), screen.to_owned())).unwrap();
        for option in ["--color <WHEN>", "-q, --quiet", "-v, --verbose", "--log-format <FORMAT>"] {
            assert!(screen.contains(option), "{command}: {option}");
        }
        assert!(!help("-h").contains("--log-format"), "{command}");
    }
}

#[test]
fn quiet_commands_print_data_and_errors_alone() {
    let folder = with_history();
    let run = |line: &str| in_folder(&folder, &arguments(line)).exits(0);
    let silent = |line: &str| {
        let outcome = run(line);
        assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("", ""), "{line}");
    };
    silent("load -q early.json --store history.db");
    silent("-q load early.json --store new.db");
    silent("-q prune -q --store history.db --keep 30d");
    silent("-q report --store history.db -o page.html");
    silent("-q man --out pages");
    // SE was never fetched.
    let loud = run("changes -r PL,SE --store history.db");
    let quiet = run("changes -q -r PL,SE --store history.db");
    assert!(loud.stderr.contains("SE: no two complete charts") && quiet.stderr.is_empty(), "{}", quiet.stderr);
    assert!(!quiet.stdout.is_empty() && quiet.stdout == loud.stdout);
    for command in ["regions", "schema", "man", "completions bash"] {
        assert_eq!(run(command).stdout, run(&format!("-q {command}")).stdout);
        assert!(!run(command).stdout.is_empty());
    }
    let failed = in_folder(&folder, &arguments("load -q missing.json --store history.db")).exits(1);
    assert!(failed.stderr.contains("missing.json"), "{}", failed.stderr);
}

#[test]
fn every_command_has_colours_and_a_log() {
    let folder = with_history();
    let run = |line: &str| in_folder(&folder, &arguments(line)).exits(0);
    let changes = "changes -r PL,SE --store history.db";
    for line in [format!("--color always {changes}"), format!("{changes} --color=always")] {
        assert!(run(&line).stdout.contains("\u{1b}[1mPL"), "{line}");
    }
    assert!(!run(changes).stdout.contains('\u{1b}'));
    for line in [format!("--log-format json {changes}"), format!("{changes} --log-format json")] {
        let warning: Value = serde_json::from_str(run(&line).stderr.trim_end()).unwrap();
        assert_eq!(warning["level"], "WARN", "{line}");
    }
    for line in ["-v prune --keep 30d --store history.db", "load -v early.json --store history.db"] {
        let log = run(line).stderr;
        assert!(log.contains("INFO the history is /") && log.contains("/history.db"), "{line}: {log}");
    }
    let command = arguments("prune --keep 30d --store history.db");
    let mut logged = Run::new(&command).env("RUST_LOG", "info");
    logged.command.current_dir(&folder.folder);
    assert!(logged.finish().exits(0).stderr.contains("INFO the history is"));
}
