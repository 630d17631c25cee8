//! The format `prom`, as two parsers read it: that of Prometheus's text format and that of OpenMetrics.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Answer, Outcome, Run, Server};
use crate::tools::python;

/// Prints the value of each sample, after comparing what both parsers read.
const READ: &str = r#"
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as prometheus

text = open(sys.argv[1], newline="").read()
def read(parse):
    return [(family.name, family.type, family.documentation, family.samples) for family in parse(text)]
assert read(openmetrics) == read(prometheus), (read(openmetrics), read(prometheus))
samples = {}
for name, kind, documentation, found in read(openmetrics):
    assert kind == "gauge" and documentation and name.startswith("trendfetch_"), name
    for sample in found:
        labels = ",".join(f"{label}={value}" for label, value in sorted(sample.labels.items()))
        assert sample.name == name and sample.timestamp is None and f"{name} {labels}" not in samples
        samples[f"{name.removeprefix('trendfetch_')} {labels}"] = sample.value
print(json.dumps(samples))
"#;

const MODULES: &[&str] = &["prometheus_client.openmetrics.parser"];

/// The metrics of a file, or `None` if no parser is installed.
fn metrics(outcome: &Outcome, name: &str) -> Option<BTreeMap<String, f64>> {
    let python = python(MODULES, "metrics are read by Prometheus's parsers")?;
    let read = Command::new(python).args(["-c", READ]).arg(outcome.folder.path().join(name)).output().unwrap();
    assert!(read.status.success(), "{}{}", String::from_utf8_lossy(&read.stderr), outcome.read(name));
    Some(serde_json::from_slice(&read.stdout).unwrap())
}

/// The exit status in the metrics of a file, without a parser.
fn exit_status(outcome: &Outcome) -> Option<i32> {
    let text = fs::read_to_string(outcome.folder.path().join("run.prom")).ok()?;
    assert!(text.ends_with("# EOF\n"), "{text}");
    let line = text.lines().find(|line| line.starts_with("trendfetch_run_exit_status"))?;
    line.rsplit(' ').next()?.parse().ok()
}

fn partial_server() -> Server {
    Server::start(|hit| match hit.region() {
        "PL" => Answer::new(503, ""),
        region => Answer::page(&["shared", region], None),
    })
}

#[test]
fn metrics_have_the_figures_of_the_document() {
    let run = Run::on(&partial_server(), "-r US,GB,PL --retries 1 --backoff 1ms -o run.json -o run.prom -f prom -o -");
    let outcome = run.finish().exits(3);
    assert!(outcome.stdout == outcome.read("run.prom") && outcome.stderr.contains("\nwrote run.prom (metrics)\n"));
    let Some(metrics) = metrics(&outcome, "run.prom") else { return };
    let document: Value = serde_json::from_str(&outcome.read("run.json")).unwrap();
    let stats = &document["stats"];
    let of_run = |name: &str| metrics[&format!("run_{name} source=127.0.0.1")];
    for (name, key) in [
        ("requests", "requests"),
        ("retries", "retries"),
        ("rate_limits", "rate_limited"),
        ("quota_units", "quota_units"),
        ("videos", "unique"),
    ] {
        assert_eq!(of_run(name), stats[key].as_f64().unwrap(), "{name}");
    }
    assert_eq!(of_run("exit_status"), 3.0);
    assert_eq!(of_run("duration_seconds"), stats["elapsed_ms"].as_f64().unwrap() / 1000.0);
    assert_eq!(of_run("held_seconds"), stats["held_ms"].as_f64().unwrap() / 1000.0);
    let start: jiff::Timestamp = document["fetched_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(of_run("start_time_seconds"), start.as_second() as f64);
    for (region, complete, videos) in [("US", 1.0, 2.0), ("GB", 1.0, 2.0), ("PL", 0.0, 0.0)] {
        let of_region = |name: &str| metrics[&format!("region_{name} region={region},source=127.0.0.1")];
        assert_eq!((of_region("complete"), of_region("videos")), (complete, videos), "{region}");
    }
    let kinds: BTreeMap<&str, f64> = metrics
        .iter()
        .filter_map(|(name, failed)| Some((name.strip_prefix("run_failed_regions kind=")?, *failed)))
        .collect();
    assert_eq!((kinds["server_error,source=127.0.0.1"], kinds.values().sum::<f64>()), (1.0, 1.0));
    assert!(kinds.len() > 15, "each kind has a series, so that a query finds it: {kinds:?}");
}

#[test]
fn a_category_is_a_label() {
    let run = Run::new(&["--demo=calm", "-r", "US", "-q", "--category", "News & Politics", "-o", "run.prom"]);
    let outcome = run.without_key().finish().exits(0);
    let Some(metrics) = metrics(&outcome, "run.prom") else { return };
    assert!(metrics["region_videos category=News & Politics,region=US,source=demo"] > 0.0);
    assert!(metrics.keys().all(|name| name.contains("category=") && name.contains("source=demo")), "{metrics:?}");
}

#[test]
fn all_categories_are_in_one_file() {
    let run = Run::new(&["--demo=calm", "-r", "US,DE", "-q", "-c", "0", "--category", "all,Music", "-o", "run.prom"]);
    let outcome = run.without_key().finish().exits(0);
    let Some(metrics) = metrics(&outcome, "run.prom") else { return };
    for labels in ["category=Music,region=DE,source=demo", "region=DE,source=demo"] {
        assert!(metrics[&format!("region_videos {labels}")] > 0.0, "{labels}");
    }
    assert_eq!(metrics["run_requests category=Music,source=demo"], 2.0);
    assert_eq!(metrics["run_requests source=demo"], 2.0);
}

#[test]
fn with_a_history_metrics_count_what_entered_and_left() {
    let server = Server::start(|hit| match (hit.region(), hit.nth) {
        ("US", 0) => Answer::page(&["a", "b", "c"], None),
        ("US", _) => Answer::page(&["b", "x"], None),
        ("PL", 1) => Answer::new(503, ""),
        _ => Answer::page(&["a"], None),
    });
    let folder = tempfile::tempdir().unwrap();
    let run = |options: &str| {
        let mut run = Run::on(&server, &format!("-r US,PL -q --retries 0 --store h.db -o run.prom {options}"));
        run.command.current_dir(&folder);
        let outcome = run.finish();
        Outcome { folder: tempfile::tempdir().unwrap(), ..outcome }
    };
    let read = |outcome: &Outcome| {
        fs::copy(folder.path().join("run.prom"), outcome.folder.path().join("run.prom")).unwrap();
        metrics(outcome, "run.prom")
    };
    let first = run("").exits(0);
    let Some(first) = read(&first) else { return };
    assert!(!first.keys().any(|name| name.contains("entered") || name.contains("left")), "{first:?}");
    let second = read(&run("").exits(3)).unwrap();
    assert_eq!(second["region_entered_videos region=US,source=127.0.0.1"], 1.0);
    assert_eq!(second["region_left_videos region=US,source=127.0.0.1"], 2.0);
    assert!(!second.contains_key("region_left_videos region=PL,source=127.0.0.1"), "a failed region has left nothing");
    let third = read(&run("").exits(0)).unwrap();
    assert_eq!(third["region_entered_videos region=PL,source=127.0.0.1"], 0.0);

    // A start that is not due changes nothing.
    fs::write(folder.path().join("run.prom"), "old").unwrap();
    run("--min-interval 1h").exits(0);
    assert_eq!(fs::read_to_string(folder.path().join("run.prom")).unwrap(), "old");
}

#[test]
fn metrics_are_written_after_runs_that_brought_nothing() {
    let refusing = Server::start(|_| Answer::refusal(403, "quotaExceeded"));
    let failing = Server::start(|_| Answer::new(404, ""));
    let partial = partial_server();
    for (server, options, exit) in [
        (&failing, "-r US", 1),
        (&failing, "-r US --all-or-nothing", 1),
        (&partial, "-r US,PL --retries 0 --all-or-nothing", 3),
        (&refusing, "-r US", 4),
        (&partial, "-r US,GB --max-units 1", 4),
        (&partial, "-r US -o /dev/full", 1),
        (&partial, "-r US", 0),
    ] {
        let run = Run::on(server, &format!("-q -o run.json -o run.prom {options}"));
        let outcome = run.file("run.json", "old").file("run.prom", "old").finish().exits(exit);
        assert_eq!(exit_status(&outcome), Some(exit), "{options}");
        let keeps = exit == 1 && !options.contains("full")
            || options.contains("all-or-nothing")
            || server.base_url == refusing.base_url;
        assert_eq!(outcome.read("run.json") == "old", keeps, "{options}");
    }
}

#[test]
fn a_start_that_sends_nothing_leaves_the_metrics() {
    let server = Server::start(|_| Answer::page(&["a"], None).after(Duration::from_secs(2)));
    for options in ["-r UK", "-r US -n 0", "-r US --dry-run"] {
        let outcome = Run::on(&server, &format!("{options} -o run.prom")).file("run.prom", "old").finish();
        assert_eq!(outcome.read("run.prom"), "old", "{options}");
    }
    assert!(server.log().is_empty());
    // Another run of the same request is using the history.
    let mut first = Run::on(&server, "-r US -q --store h.db");
    let child = first.command.spawn().unwrap();
    while server.log().is_empty() {
        sleep(Duration::from_millis(5));
    }
    let mut second = Run::on(&server, "-r US -q --store h.db -o run.prom");
    second.command.current_dir(&first.folder);
    fs::write(first.path("run.prom"), "old").unwrap();
    second.finish().exits(75);
    assert_eq!(fs::read_to_string(first.path("run.prom")).unwrap(), "old");
    assert!(child.wait_with_output().unwrap().status.success());
}

#[test]
fn metrics_are_written_when_a_signal_or_the_deadline_ends_the_run() {
    let server = Server::start(|hit| {
        let answer = Answer::page(&[hit.region()], None);
        if hit.region() == "US" { answer } else { answer.after(Duration::from_secs(20)) }
    });
    let outcome = Run::on(&server, "-r US,PL -q --deadline 1s -o run.prom").finish().exits(3);
    assert_eq!(exit_status(&outcome), Some(3));
    assert!(outcome.read("run.prom").contains(r#"kind="deadline"} 1"#));

    // Also if an output blocks until the end.
    for (options, signal, exit) in [
        ("-r US,PL", Some(Signal::TERM), 143),
        ("-r US -o fifo", Some(Signal::INT), 130),
        ("-r US -o fifo --deadline 1s", None, 1),
    ] {
        let asked = server.log().len();
        let Run { mut command, folder } = Run::on(&server, &format!("-q -o run.prom {options}"));
        assert!(Command::new("mkfifo").arg(folder.path().join("fifo")).status().unwrap().success());
        let child = command.stderr(Stdio::piped()).spawn().unwrap();
        while server.log().len() < asked + if options.contains("PL") { 2 } else { 1 } {
            sleep(Duration::from_millis(5));
        }
        sleep(Duration::from_millis(100));
        signal.iter().for_each(|signal| kill_process(Pid::from_child(&child), *signal).unwrap());
        let ended = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        let outcome = Outcome { code: ended.status.code(), stdout: String::new(), stderr, folder }.exits(exit);
        assert_eq!(exit_status(&outcome), Some(exit), "{options}");
    }
}

#[test]
fn a_collector_may_read_the_file_and_finds_no_other() {
    let server = Server::of_pages(&["a"]);
    let run = Run::on(&server, "-r US -q -o run.prom").under(&["sh", "-c", r#"umask 022; exec "$0" "$@""#]);
    let outcome = run.finish().exits(0);
    assert_eq!(fs::metadata(outcome.folder.path().join("run.prom")).unwrap().permissions().mode() & 0o777, 0o644);
    assert_eq!(outcome.files(), ["run.prom"]);
    // The collector reads every file whose name ends in `.prom`, which a temporary one must not.
    let missing = Run::on(&server, "-r US -q -o run.prom").file(".run.prom.trendfetch-tmp", "half").finish().exits(0);
    assert_eq!(missing.files(), ["run.prom"]);
}
