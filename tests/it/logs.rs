//! The lines of standard error: with the time where nothing else adds it, and as JSON objects where those are asked for.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::AsFd;
use std::process::Command;
use std::thread;

use rustix::fs::fstat;
use serde_json::Value;

use crate::harness::{Run, Server, is_time};
use crate::tools::are_installed;

/// The exit status, the command line, and a variable.
type Start = (i32, &'static str, Option<(&'static str, &'static str)>);

/// Every kind of start that says something on standard error.
const STARTS: &[Start] = &[
    // clap's errors.
    (2, "--bogus", None),
    (2, "--jsn", None),
    (2, "-f xml", None),
    (2, "-n 999", None),
    (2, "--category Musik", None),
    (2, "--json -f csv", None),
    (2, "chnages", None),
    (2, "prune --store history.db", None),
    (2, "report", None),
    (2, "completions csh", None),
    // The program's own, before there is a log.
    (2, "PL", None),
    (2, "-r US GB", None),
    (2, "--json changes", None),
    (2, "--demo", Some(("RUST_LOG", "=,=loud="))),
    // And afterwards.
    (2, "-r UK", None),
    (2, "-r US", Some(("YOUTUBE_API_KEY", ""))),
    (2, "changes", None),
    (2, "man unknown", None),
    (1, "load missing.json --store history.db", None),
    (1, "--demo=calm -r US -o missing/folder/trends.json", None),
    // Runs.
    (3, "--demo=outage -r US,GB,PL -q --retries 0", None),
    (4, "--demo=quota -r US,GB,PL,DE -q", None),
    (3, "--demo=calm -r US,XX -o trends.json", None),
    (0, "--demo=calm -r US -v --store history.db", None),
    (0, "--demo=calm -r US -vv -o -", Some(("RUST_LOG", "trendfetch=debug"))),
    (0, "-v --demo=calm -r US --store history.db --min-interval 7h", None),
    (0, "changes -v --store history.db", None),
    (0, "prune -v --keep 30d --store history.db", None),
];

/// Checks the starts side by side, since they wait most of the time.
fn each_start(check: impl Fn(&Start) + Sync) {
    thread::scope(|scope| {
        for start in STARTS {
            scope.spawn(|| check(start));
        }
    });
}

/// The lines that a start appends to a file on standard error, under these further variables.
fn logged(start: &str, code: i32, variables: &[(&str, &str)]) -> Vec<String> {
    let mut run = Run::new(&start.split(' ').collect::<Vec<_>>()).file("log", "yesterday\n");
    let log = File::options().append(true).open(run.path("log")).unwrap();
    run.command.stderr(log).envs(variables.iter().copied());
    let is_command = ["changes", "prune"].iter().any(|command| start.contains(command)) && code == 0;
    if is_command || start.contains("--min-interval") {
        let mut first = Run::new(&["-q", "--demo=calm", "-r", "US", "--store", "history.db"]);
        first.command.current_dir(&run.folder);
        first.finish().exits(0);
    }
    let status = run.command.stdout(std::process::Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(code), "{start}");
    let log = fs::read_to_string(run.path("log")).unwrap();
    let lines: Vec<String> = log.strip_prefix("yesterday\n").unwrap().lines().map(str::to_owned).collect();
    assert!(!lines.is_empty(), "{start}");
    lines
}

#[test]
fn every_line_of_a_log_file_begins_with_the_time() {
    each_start(|(code, start, variable)| {
        let stats_are_on_stderr = start.contains("-o -");
        for line in logged(start, *code, variable.as_slice()) {
            let (time, text) = line.split_once(' ').unwrap_or_default();
            assert!(is_time(time) || stats_are_on_stderr, "{start}: {line}");
            assert!(!text.is_empty() || stats_are_on_stderr, "{start}: {line}");
        }
    });
}

#[test]
fn every_line_is_an_object_where_json_is_asked_for() {
    each_start(|(code, start, variable)| {
        for asked in [format!("--log-format json {start}"), format!("{start} --log-format=json")] {
            let lines = logged(&asked, *code, variable.as_slice());
            let objects: Vec<Value> = lines
                .iter()
                .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{asked}: {error}: {line}")))
                .collect();
            for object in &objects {
                assert!(is_time(object["timestamp"].as_str().unwrap()), "{asked}: {object}");
                let level = object["level"].as_str().unwrap();
                assert!(["ERROR", "WARN", "INFO", "DEBUG"].contains(&level), "{asked}: {object}");
                assert!(!object["message"].as_str().unwrap().is_empty(), "{asked}: {object}");
            }
            // An error of the start has one line.
            assert!(*code != 2 || (objects.len() == 1 && objects[0]["level"] == "ERROR"), "{asked}: {objects:?}");
        }
    });
}

#[test]
fn the_figures_of_a_run_are_the_last_object_of_its_log() {
    let (early, late) = (Server::of_pages(&["a", "b"]), Server::of_pages(&["b", "c", "d"]));
    let folder = Run::new(&["--version"]);
    let run = |server: &Server, line: &str| {
        let mut run = Run::on(server, line);
        run.command.current_dir(&folder.folder);
        run.finish().exits(0)
    };
    let stored = "-r US --log-format json -f ndjson --store history.db -o copy.json -o -";
    let lines =
        |stderr: &str| -> Vec<Value> { stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect() };
    let first = lines(&run(&early, stored).stderr);
    assert!(first.last().unwrap().get("entered").is_none(), "{first:?}");
    let second = run(&late, stored);
    let objects = lines(&second.stderr);
    assert_eq!((objects.len(), second.stdout.lines().count()), (1, 3), "{}", second.stderr);
    let last = &objects[0];
    for (field, value) in [
        ("raw", 3),
        ("unique", 3),
        ("multi_region", 0),
        ("skipped", 0),
        ("entered", 2),
        ("left", 1),
        ("quota_units", 1),
        ("held_ms", 0),
    ] {
        assert_eq!(last[field], value, "{field}: {last}");
    }
    assert_eq!((&last["message"], &last["outcome"]), (&"run ended".into(), &"complete".into()));
    // The statistics are for people where they have standard output to themselves, and absent with -q.
    let outcome = run(&late, "-r US --log-format json");
    assert!(outcome.stdout.contains("Distinct videos") && lines(&outcome.stderr).len() == 1);
    assert_eq!(run(&late, "-r US --log-format json -q --json").stderr, "");
    let refused = Run::on(&late, "--progress always --log-format json").finish().exits(2);
    let refused: Value = serde_json::from_str(&refused.stderr).unwrap();
    assert!(refused["message"].as_str().unwrap().starts_with("--progress always cannot be used with"));
}

fn stream_name(stream: impl AsFd) -> String {
    let stat = fstat(stream).unwrap();
    format!("{}:{}", stat.st_dev, stat.st_ino)
}

#[test]
fn the_journal_gets_no_second_time() {
    let start = "--demo=outage -r US,GB,PL -q --retries 0";
    let (mut reader, pipe) = std::io::pipe().unwrap();
    let journal = stream_name(&pipe);
    for arguments in [start, "--bogus", "-r UK"] {
        let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>()).env("JOURNAL_STREAM", &journal);
        run.command.stderr(pipe.try_clone().unwrap()).stdout(std::process::Stdio::null()).status().unwrap();
    }
    // The same variable in a child whose standard error is a file.
    assert!(logged(start, 3, &[("JOURNAL_STREAM", &journal)]).iter().all(|line| is_time(&line[..24])));
    drop(pipe);
    let mut log = String::new();
    reader.read_to_string(&mut log).unwrap();
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines.len(), 3, "{log}");
    assert!(lines[0].starts_with("ERROR 1 of 3 regions failed"), "{log}");
    assert!(
        lines[1].starts_with("error: unexpected argument '--bogus' found") && lines[2].starts_with("error: "),
        "{log}"
    );
    assert!(lines[1].ends_with("; see trendfetch --help"), "{log}");
    let refused = logged("report --store history.db", 2, &[]);
    assert!(refused[0].ends_with("not provided: --output <FILE>; see trendfetch report --help"), "{refused:?}");
    for other in ["", "0:0", "8:1:2", &journal[1..], "journal"] {
        let lines = logged("-r UK", 2, &[("JOURNAL_STREAM", other)]);
        assert!(is_time(&lines[0][..24]), "{other}: {lines:?}");
    }
}

#[test]
fn a_terminal_gets_no_times_and_the_whole_usage() {
    if !are_installed(&["script"], "what a terminal gets of the log") {
        return;
    }
    let shown = |arguments: &str| {
        let program = format!("{} {arguments}", env!("CARGO_BIN_EXE_trendfetch"));
        let mut command = Command::new("script");
        command.args(["--quiet", "--command", &program, "/dev/null"]).env_clear();
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let usage = shown("--bogus");
    assert!(
        usage.starts_with("error: unexpected argument '--bogus' found") && usage.contains("Usage: trendfetch"),
        "{usage}"
    );
    assert!(shown("-r UK").starts_with("error: 'UK'"));
    let failed = shown("--demo=outage -r US,GB,PL -q --retries 0 --progress never");
    assert!(failed.starts_with("ERROR 1 of 3 regions failed"), "{failed}");
}
