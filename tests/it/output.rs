//! The outputs: formats, files, standard streams and log lines, mostly of the demo.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::harness::{Answer, Run, Server, files_in, item};
use crate::tools::python;

fn demo(arguments: &str) -> Run {
    Run::new(&arguments.split_whitespace().collect::<Vec<_>>()).without_key()
}

#[test]
fn demo_modes_have_their_outcomes() {
    let stats = |arguments: &str, exit| demo(arguments).finish().exits(exit).document()["stats"].clone();
    let limited = stats("--demo -r US,GB,PL --json", 0);
    assert_eq!(
        (&limited["rate_limited"], &limited["retries"], &limited["held_ms"]),
        (&json!(1), &json!(1), &json!(1000))
    );
    let calm = stats("--demo=calm -r US,GB,PL --json", 0);
    assert_eq!((&calm["requests"], &calm["rate_limited"]), (&json!(3), &json!(0)));
    let outage = stats("--demo=outage -r US,GB,PL --json --backoff 1ms", 3);
    assert_eq!(outage["regions_failed"], json!(["PL"]));
    assert!(outage["regions"][2]["error"]["message"].as_str().unwrap().starts_with("The demo's service"), "{outage}");
    assert_eq!(stats("--demo=quota -r US,GB,PL,NL -c 1 --json", 4)["regions_ok"], json!(["US", "GB"]));
    // Enough for every kind of video, at any hour.
    let many = "--demo=calm -r dailywatch,viralvidvault,JP,KR -n 200 -c 0 --timeout 60s --json";
    let document = demo(many).finish().document();
    assert_eq!(document["source"], "demo");
    let any =
        |field: &str, value: Value| document["videos"].as_array().unwrap().iter().any(|video| video[field] == value);
    assert!(any("live", json!("live")) && any("likes", Value::Null) && any("comments", Value::Null));
}

#[test]
fn a_retry_after_beyond_max_wait_has_its_own_remedy() {
    let said = demo("--demo -r US --max-wait 500ms -q").finish().exits(1).stderr;
    let expected = "of the demo; the server asked to wait 1 s, longer than --max-wait or --deadline allows \
                    -> raise --max-wait, or run again later\n";
    assert!(said.ends_with(expected), "{said}");
}

#[test]
fn stats_go_to_stderr_if_data_goes_to_stdout() {
    let server = Server::of_pages(&["a"]);
    let on = |arguments: &str| Run::on(&server, arguments).finish().exits(0);
    let stats = "Distinct videos";
    let outcome = on("-r US");
    assert!(outcome.stdout.contains(stats) && outcome.stderr.is_empty(), "{}", outcome.stderr);
    let outcome = on("-r US --json");
    assert!(outcome.document()["videos"].is_array() && outcome.stderr.contains(stats));
    let outcome = on("-r US -o a.csv --json");
    assert!(outcome.stdout.contains(stats) && outcome.read("a.csv").starts_with("video_id,"));
    let outcome = on("-r US -o a.json -o -");
    assert_eq!(
        outcome.document().to_string(),
        serde_json::from_str::<Value>(&outcome.read("a.json")).unwrap().to_string()
    );
    let outcome = on("-r US -q -o a.jsonl");
    assert!(outcome.stdout.is_empty() && outcome.stderr.is_empty());
    assert_eq!(outcome.read("a.jsonl").lines().count(), 1);
}

#[test]
fn stats_fit_into_80_columns_and_have_labels() {
    let outcome = demo("--demo=outage -r all --retries 0 -c 0 --timeout 60s").finish().exits(3);
    for line in outcome.stdout.lines() {
        assert!(console::measure_text_width(line) <= 80, "{line}");
    }
    for name in
        ["Chart entries", "Distinct videos", "In two or more regions", "Most shared", "Requests", "Quota units", "Time"]
    {
        assert!(outcome.stdout.lines().any(|line| line.starts_with(name)), "{name}: {}", outcome.stdout);
    }
    assert!(!outcome.stdout.contains('\u{1b}'));
    assert!(demo("--demo=calm -r US --color always").finish().stdout.contains('\u{1b}'));
}

#[test]
fn ndjson_and_csv_have_rows_of_videos_or_entries() {
    let server = Server::start(|hit| Answer::page(&["shared", &format!("only-{}", hit.region())], None));
    let out = |arguments: &str| Run::on(&server, &format!("-q -r US,GB {arguments}")).finish().exits(0).stdout;
    let videos = out("-f ndjson");
    assert_eq!(videos.lines().count(), 3);
    let entries = out("-f ndjson --rows entries");
    let rows: Vec<Value> = entries.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let found: Vec<String> =
        rows.iter().map(|row| format!("{} {} {}", row["region"], row["rank"], row["video_id"])).collect();
    assert_eq!(found, [r#""US" 1 "shared""#, r#""US" 2 "only-US""#, r#""GB" 1 "shared""#, r#""GB" 2 "only-GB""#]);
    assert_eq!(out("-f csv --rows entries").lines().count(), 5);
}

#[test]
fn csv_columns_are_the_keys_of_the_document() {
    for rows in ["videos", "entries"] {
        let header = |more: &str| {
            demo(&format!("--demo=calm -r US -q -f csv --rows {rows} {more}"))
                .finish()
                .stdout
                .lines()
                .next()
                .unwrap()
                .to_owned()
        };
        let keys = |more: &str| {
            let line = demo(&format!("--demo=calm -r US -q -f ndjson --rows {rows} {more}"))
                .finish()
                .stdout
                .lines()
                .next()
                .unwrap()
                .to_owned();
            ordered_keys(&line)
        };
        assert_eq!(header("").trim_end().split(',').collect::<Vec<_>>(), keys(""));
        assert_eq!(header("--description").trim_end().split(',').collect::<Vec<_>>(), keys("--description"));
    }
}

/// The keys of a JSON object in the order of the text.
fn ordered_keys(line: &str) -> Vec<String> {
    let object: serde_json::Map<String, Value> = serde_json::from_str(line).unwrap();
    let mut keys: Vec<String> = object.keys().cloned().collect();
    keys.sort_by_key(|key| line.find(&format!("\"{key}\":")).unwrap());
    keys
}

#[test]
fn hostile_text_is_raw_in_json_and_escaped_elsewhere() {
    const TITLE: &str = "=cmd|'/C calc'!A0\u{1b}[2J\u{202e}\u{9b}\r\nsecond \"line\"";
    let server = Server::start(|_| {
        let mut item = item("-minus");
        item["snippet"]["title"] = json!(TITLE);
        item["snippet"]["channelTitle"] = json!("\u{200b}@SUM(A1)");
        Answer::json(&json!({ "items": [item] }))
    });
    let run = |format: &str| Run::on(&server, &format!("-r US -q -f {format}")).finish().exits(0).stdout;
    let document: Value = serde_json::from_str(&run("json")).unwrap();
    assert_eq!(document["videos"][0]["title"], TITLE);
    let table = run("table");
    assert!(
        table.chars().all(|character| character == '\n' || !character.is_control()) && !table.contains('\u{202e}'),
        "{table:?}"
    );
    let csv = run("csv");
    assert!(csv.contains("\"'=cmd|'/C calc'!A0\u{fffd}[2J\u{202e}\u{fffd}\r\nsecond \"\"line\"\"\""), "{csv:?}");
    assert!(csv.contains("\r\n-minus,https://www.youtube.com/watch?v=-minus,"), "{csv:?}");
}

/// Reads two files of one run with Python's csv and with pandas, joins them by id, and compares what is not free text.
const JOIN: &str = r#"
import csv, json, sys, pandas
ids = ["-minus", "--", "0123", "1e5", "_a", "NaN"]
with open("rows.ndjson", encoding="utf-8") as lines:
    objects = {(row["video_id"], row.get("region")): row for row in map(json.loads, lines)}
encoding = sys.argv[1]
with open("rows.csv", encoding=encoding, newline="") as file:
    rows = list(csv.DictReader(file))
assert sorted({row["video_id"] for row in rows}) == sorted(ids), rows[0]
def text(value):
    if value is None: return ""
    if isinstance(value, bool): return str(value).lower()
    if isinstance(value, list): return "|".join(value)
    if isinstance(value, dict): return "|".join(f"{key}:{value[key]}" for key in value)
    return str(value)
for row in rows:
    object = objects[row["video_id"], row.get("region")]
    assert list(row) == list(object), (list(row), list(object))
    for name in object:
        if name not in ("title", "channel", "tags"):
            assert row[name] == text(object[name]), (name, row[name], object[name])
    assert (row["title"], row["channel"]) == ("'=1+1; é 🎵", "'-5"), row
    assert row["tags"] == "'@tag|=x|�y", row["tags"]
table = pandas.read_csv("rows.csv", dtype=str, keep_default_na=False, encoding=encoding)
other = pandas.read_json("rows.ndjson", lines=True, dtype=False, convert_dates=False)
assert len(table.merge(other, on="video_id" if "region" not in table else ["video_id", "region"])) == len(rows)
"#;

#[test]
fn python_and_pandas_join_the_rows_of_csv_and_json_by_id() {
    let Some(python) = python(&["pandas"], "reading CSV with Python") else { return };
    let server = Server::start(|_| {
        let items = ["-minus", "--", "0123", "1e5", "_a", "NaN"].map(|id| {
            let mut item = item(id);
            item["snippet"]["title"] = json!("=1+1; \u{e9} \u{1f3b5}");
            item["snippet"]["channelTitle"] = json!("-5");
            item["snippet"]["channelId"] = json!("-channel");
            item["snippet"]["tags"] = json!(["@tag", "=x", "\ty"]);
            item["statistics"] = json!({"viewCount": "9007199254740993"});
            item
        });
        Answer::json(&json!({ "items": items }))
    });
    for (options, encoding) in [("--rows videos", "utf-8"), ("--rows entries --csv-bom", "utf-8-sig")] {
        let outcome = Run::on(&server, &format!("-r US,GB -q -o rows.csv -o rows.ndjson {options}")).finish().exits(0);
        let csv = outcome.read("rows.csv");
        assert_eq!(csv.starts_with("\u{feff}"), options.contains("--csv-bom"), "{options}");
        assert!(outcome.read("rows.ndjson").starts_with('{'), "only CSV has a byte order mark");
        let joined = Command::new(&python).args(["-c", JOIN, encoding]).current_dir(&outcome.folder).output().unwrap();
        assert!(joined.status.success(), "{options}: {}", String::from_utf8_lossy(&joined.stderr));
    }
}

#[test]
fn a_byte_order_mark_is_for_csv_alone() {
    let csv = demo("--demo=calm -r US -n 1 -q --csv-bom -f csv").finish().exits(0).stdout;
    assert!(csv.starts_with("\u{feff}video_id,"), "{csv}");
    let refused = demo("--demo=calm -r US --csv-bom -o a.json").finish().exits(2);
    assert_eq!(refused.stderr, "error: --csv-bom requires --format csv or -o FILE.csv\n");
}

#[test]
fn a_replaced_file_keeps_its_mode_and_its_link() {
    let server = Server::of_pages(&["a"]);
    let run = Run::on(&server, "-r US -o link.json -o new.json").file("real.json", "old");
    fs::set_permissions(run.path("real.json"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real.json", run.path("link.json")).unwrap();
    // The temporary file of a killed run is removed.
    let outcome = run.file(".real.json.trendfetch-tmp", "half").finish().exits(0);
    let mode = |name: &str| fs::symlink_metadata(outcome.folder.path().join(name)).unwrap().permissions().mode();
    assert!(fs::symlink_metadata(outcome.folder.path().join("link.json")).unwrap().is_symlink());
    assert!(outcome.read("real.json").starts_with("{\"schema_version\":1,"));
    assert_eq!(mode("real.json") & 0o777, 0o640);
    assert_eq!(mode("new.json") & 0o777 & !0o666, 0);
    assert_eq!(outcome.files(), ["link.json", "new.json", "real.json"]);
}

#[test]
fn the_old_file_stays_if_no_video_arrived() {
    let server = Server::start(|_| Answer::new(403, ""));
    let outcome = Run::on(&server, "-r US -o trends.json").file("trends.json", "yesterday").finish().exits(1);
    assert_eq!(outcome.read("trends.json"), "yesterday");
    assert!(outcome.stderr.contains("trends.json is left as it was"), "{}", outcome.stderr);
}

#[test]
fn a_partial_run_replaces_the_file_unless_all_or_nothing() {
    let server =
        Server::start(
            |hit| if hit.region() == "US" { Answer::page(&["a"], None) } else { Answer::refusal(404, "notFound") },
        );
    let read = |arguments: &str| {
        Run::on(&server, arguments).file("trends.json", "yesterday").finish().exits(3).read("trends.json")
    };
    assert!(read("-r US,PL -o trends.json").contains("\"video_id\":\"a\""));
    assert_eq!(read("-r US,PL -o trends.json --all-or-nothing"), "yesterday");
}

#[test]
fn an_unwritable_output_is_found_before_anything_is_sent() {
    let server = Server::of_pages(&["a"]);
    for output in ["missing/trends.json", "missing/", "."] {
        let outcome = Run::on(&server, &format!("-r US -o {output}")).finish().exits(1);
        assert!(outcome.stderr.contains(&format!("cannot write {output}")), "{}", outcome.stderr);
    }
    assert!(server.log().is_empty());
}

#[test]
fn a_full_device_is_exit_1_and_other_outputs_are_written() {
    let server = Server::of_pages(&["a"]);
    let outcome = Run::on(&server, "-r US -o /dev/full -o good.json").finish().exits(1);
    assert!(outcome.stderr.contains("/dev/full"), "{}", outcome.stderr);
    assert!(outcome.read("good.json").contains("video_id"));
    assert!(fs::metadata("/dev/full").unwrap().permissions().mode() & 0o666 != 0);
}

#[test]
fn a_closed_pipe_is_not_an_error_in_any_format() {
    let server = Server::of_large_pages();
    for format in ["json", "ndjson", "csv", "table", "prom"] {
        for rows in ["videos", "entries"] {
            let rows = if ["ndjson", "csv"].contains(&format) { format!("--rows {rows}") } else { String::new() };
            let mut run = Run::on(&server, &format!("-r US -q -f {format} {rows}"));
            let mut child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            drop(child.stdout.take());
            let output = child.wait_with_output().unwrap();
            assert_eq!(
                (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
                (Some(0), ""),
                "{format}"
            );
        }
    }
}

#[test]
fn dev_stdout_is_written_in_place() {
    let server = Server::of_pages(&["a"]);
    let mut run = Run::on(&server, "-r US -q -o /dev/stdout");
    let output = run.command.output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("{\"schema_version\""));
}

#[test]
fn concurrent_runs_leave_one_whole_file() {
    let server = Server::of_pages(&["a"]);
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..15 {
                    let mut run = Run::on(&server, "-r US -q -o trends.json");
                    run.command.current_dir(&folder);
                    run.finish().exits(0);
                }
            });
        }
    });
    assert_eq!(files_in(folder.path()), ["trends.json"]);
    let text = fs::read_to_string(folder.path().join("trends.json")).unwrap();
    assert!(serde_json::from_str::<Value>(&text).is_ok());
}

#[test]
fn a_stale_temporary_file_never_blocks_a_run() {
    let server = Server::of_pages(&["a"]);
    let run = Run::on(&server, "-r US -o trends.json").file(".trends.json.trendfetch-tmp", "half");
    fs::set_permissions(run.path(".trends.json.trendfetch-tmp"), fs::Permissions::from_mode(0o444)).unwrap();
    assert_eq!(run.finish().exits(0).files(), ["trends.json"]);

    // Anything but a regular file is neither waited for nor followed.
    for in_the_way in [
        "mkfifo .trends.json.trendfetch-tmp",
        "ln -s elsewhere .trends.json.trendfetch-tmp",
        "mkdir .trends.json.trendfetch-tmp",
    ] {
        let run = Run::on(&server, "-r US -o trends.json");
        let made = std::process::Command::new("sh").args(["-c", in_the_way]).current_dir(&run.folder).status().unwrap();
        assert!(made.success());
        let outcome = run.finish().exits(1);
        assert!(outcome.stderr.contains("is in the way"), "{}", outcome.stderr);
        assert_eq!(outcome.files(), [".trends.json.trendfetch-tmp"]);
    }
}

#[test]
fn progress_is_shown_only_on_a_terminal_or_on_request() {
    let outcome = demo("--demo=calm -r US,GB --json").finish().exits(0);
    assert!(!outcome.stderr.contains('\u{1b}') && !outcome.stderr.contains('\r'), "{:?}", outcome.stderr);
    let outcome = demo("--demo=calm -r US,GB --json --progress always").finish().exits(0);
    assert!(outcome.stderr.contains("2/2 regions") || outcome.stderr.contains("1/2 regions"), "{:?}", outcome.stderr);
}

#[test]
fn logs_can_be_json() {
    let server = Server::start(|_| Answer::refusal(400, "odd\u{202e}\u{200d}reason"));
    let outcome = Run::on(&server, "-r US -q --log-format json").finish().exits(1);
    assert!(
        serde_json::from_str::<Value>(&outcome.stderr).is_ok() && !outcome.stderr.contains('\u{202e}'),
        "{}",
        outcome.stderr
    );
    let outcome = demo("--demo=outage -r US,PL --retries 0 --log-format json -v").finish().exits(3);
    let lines: Vec<Value> = outcome.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().any(|line| line["level"] == "ERROR" && line["message"].as_str().unwrap().contains("1 of 2 regions failed")));
}

#[test]
fn a_json_log_ends_with_a_summary() {
    for (mode, exit, outcome) in [("calm", 0, "complete"), ("outage", 3, "partial"), ("quota", 4, "refused")] {
        let run = format!("--demo={mode} -r US,PL --retries 0 --log-format json -o run.json");
        let ran = demo(&run).finish().exits(exit);
        let last: Value = serde_json::from_str(ran.stderr.lines().last().unwrap()).unwrap();
        let document: Value = serde_json::from_str(&ran.read("run.json")).unwrap();
        assert_eq!((&last["message"], &last["outcome"]), (&json!("run ended"), &json!(outcome)));
        assert_eq!(last["run_id"], document["run_id"]);
        for count in ["raw", "unique", "requests", "retries", "rate_limited", "quota_units", "elapsed_ms"] {
            assert_eq!(last[count], document["stats"][count], "{count}");
        }
        for list in ["regions_ok", "regions_failed"] {
            assert_eq!(last[list], document["stats"][list].as_array().unwrap().len(), "{list}");
        }
    }
    for quiet in ["-q --log-format json", ""] {
        let ran = demo(&format!("--demo=calm -r US -o run.json {quiet}")).finish().exits(0);
        assert_eq!(ran.stderr, "", "{quiet}");
    }
}

#[test]
fn a_run_leaves_no_other_files() {
    let run = demo("--demo=calm -r US --json");
    let folder = run.folder.path().to_owned();
    assert!(files_in(&folder).is_empty());
    assert!(run.finish().exits(0).files().is_empty());
}
