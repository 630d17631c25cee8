//! Runs of several categories: each is a run of its own, and all share one client, its permits, holds and budgets.

use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Answer, Hit, Outcome, Run, Server};

fn category(hit: &Hit) -> &str {
    hit.query.get("videoCategoryId").map_or("0", String::as_str)
}

fn ids_of(hit: &Hit) -> Vec<String> {
    // A video that all charts share, one of the region, and one of this chart.
    vec!["shared".into(), hit.region().into(), format!("{}-{}", hit.region(), category(hit))]
}

/// Every pair has a chart, but for Education in PL.
fn server() -> Server {
    Server::start(|hit| match (hit.region(), category(hit)) {
        ("PL", "27") => Answer::refusal(404, "notFound"),
        _ => Answer::page(&ids_of(hit), None),
    })
}

/// The requests as `REGION/CATEGORY`, in their order.
fn requests(server: &Server) -> Vec<String> {
    server.log().iter().map(|hit| format!("{}/{}", hit.region(), category(hit))).collect()
}

fn document(outcome: &Outcome, name: &str) -> Value {
    serde_json::from_str(&outcome.read(name)).unwrap()
}

/// The document without what differs between any two runs.
fn without_times(mut document: Value) -> Value {
    let stats = document["stats"].as_object_mut().unwrap();
    stats.remove("elapsed_ms");
    stats.remove("held_ms");
    stats["regions"].as_array_mut().unwrap().iter_mut().for_each(|row| {
        row.as_object_mut().unwrap().remove("elapsed_ms");
    });
    document["videos"].as_array_mut().unwrap().iter_mut().for_each(|video| {
        video.as_object_mut().unwrap().remove("fetched_at");
    });
    let run = document.as_object_mut().unwrap();
    run.remove("run_id");
    run.remove("fetched_at");
    document
}

#[test]
fn each_category_has_the_document_of_a_run_of_its_own() {
    let server = server();
    let arguments = "-q -r US,PL --category all,10,Education -o {category}.json";
    let together = Run::on(&server, arguments).finish().exits(0);
    assert_eq!(together.files(), ["all.json", "education.json", "music.json"]);
    assert_eq!(server.log().len(), 6);
    let mut run_ids = Vec::new();
    for (name, category, exit) in [("all", "0", 0), ("music", "10", 0), ("education", "27", 3)] {
        let alone = Run::on(&server, &format!("-q -r US,PL --category {category} -o alone.json")).finish().exits(exit);
        let document = document(&together, &format!("{name}.json"));
        run_ids.push(document["run_id"].clone());
        assert_eq!(without_times(document), without_times(self::document(&alone, "alone.json")), "{name}");
    }
    run_ids.dedup();
    assert_eq!(run_ids.len(), 3, "each has an id of its own");
}

#[test]
fn every_is_the_fifteen_assignable_categories() {
    let server = server();
    let outcome = Run::on(&server, "-q -r US --category every -o {category}.json").finish().exits(0);
    assert_eq!(outcome.files().len(), 15);
    assert!(outcome.files().contains(&"news-politics.json".to_owned()));
    let arguments = "-q -r US --category Music --category 10,music,every,0 -o x.ndjson";
    let outcome = Run::on(&server, arguments).finish().exits(0);
    let mut categories: Vec<Value> =
        outcome.read("x.ndjson").lines().map(|line| json(line)["chart_category_id"].clone()).collect();
    categories.dedup();
    assert_eq!(categories.len(), 16, "a repeated category counts once, at its first place");
    assert_eq!((&categories[0], &categories[15]), (&10.into(), &Value::Null));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn rows_of_all_categories_are_in_one_file() {
    let arguments = "-q -r US,PL --category Music,all -o v.ndjson -o v.csv";
    let outcome = Run::on(&server(), arguments).finish().exits(0);
    let rows: Vec<Value> = outcome.read("v.ndjson").lines().map(json).collect();
    let found: Vec<(Value, String)> = rows
        .iter()
        .map(|row| (row["chart_category_id"].clone(), row["video_id"].as_str().unwrap().to_owned()))
        .collect();
    let expected = |category: Value, suffix: &str| {
        ["shared", "US", &format!("US-{suffix}"), "PL", &format!("PL-{suffix}")]
            .map(|id| (category.clone(), id.to_owned()))
    };
    assert_eq!(found, [expected(10.into(), "10"), expected(Value::Null, "0")].concat());
    let csv = outcome.read("v.csv");
    assert!(csv.starts_with("chart_category_id,video_id,"), "{csv}");
    assert_eq!(csv.lines().count(), 11, "one heading");
    assert_eq!(csv.lines().filter(|line| line.starts_with("10,")).count(), 5);

    // The entries say it with one category too.
    let arguments = "-q -r US --category Music,all --rows entries -f ndjson";
    let outcome = Run::on(&server(), arguments).finish().exits(0);
    let rows: Vec<Value> = outcome.stdout.lines().map(json).collect();
    assert_eq!(rows.len(), 6);
    assert_ne!(rows[0]["run_id"], rows[5]["run_id"]);
    assert_eq!((&rows[0]["chart_category_id"], &rows[5]["chart_category_id"]), (&10.into(), &Value::Null));
}

#[test]
fn a_document_of_several_categories_is_refused_before_anything_is_sent() {
    let server = server();
    for arguments in ["--json", "-o trends.json", "-o x.ndjson -o y.json"] {
        let outcome = Run::on(&server, &format!("-r US --category Music,Gaming {arguments}")).finish().exits(2);
        assert!(outcome.stderr.contains("{category}"), "{arguments}: {}", outcome.stderr);
    }
    let outcome = Run::on(&server, "-r US --category Music,Gammming").finish().exits(2);
    assert!(outcome.stderr.contains("Gammming"), "{}", outcome.stderr);
    assert!(server.log().is_empty());
}

#[test]
fn file_names_hold_the_category() {
    let server = server();
    // In folders, which are created, with one category, and with an unknown one.
    let outcome =
        Run::on(&server, "-q -r US --category 99,25 -o lake/{category}/{category}.json -o {category}.csv").finish();
    let outcome = outcome.exits(0);
    for name in ["99.csv", "news-politics.csv", "lake/99/99.json", "lake/news-politics/news-politics.json"] {
        assert!(outcome.folder.path().join(name).is_file(), "{name}");
    }
    assert_eq!(document(&outcome, "lake/99/99.json")["request"]["category_id"], 99);
    let outcome = Run::on(&server, "-q -r US -o {category}.json").finish().exits(0);
    assert_eq!(outcome.files(), ["all.json"]);
}

#[test]
fn a_chart_that_youtube_does_not_have_is_no_failure_among_several_categories() {
    let outcome = Run::on(&server(), "-r US,PL --category Music,Education").finish().exits(0);
    assert_eq!(outcome.stdout.matches("no chart of Education in PL").count(), 1, "{}", outcome.stdout);
    assert!(!outcome.stderr.contains("error"), "{}", outcome.stderr);
    // Alone, it is what was asked for.
    Run::on(&server(), "-r US,PL --category Education").finish().exits(3);
    // A region that YouTube does not offer at all is a failure.
    let server = Server::start(|hit| match hit.region() {
        "PL" => Answer::refusal(400, "videoChartNotFound"),
        _ => Answer::page(&ids_of(hit), None),
    });
    Run::on(&server, "-r US,PL --category Music,all").finish().exits(3);
}

#[test]
fn the_worst_run_decides_the_exit_status_and_the_last_line_names_it() {
    let server = Server::start(|hit| match (hit.region(), category(hit)) {
        ("PL", "10") => Answer::new(503, ""),
        _ => Answer::page(&ids_of(hit), None),
    });
    let outcome = Run::on(&server, "-q -r US,PL --category all,Music --retries 0 -o {category}.json").finish().exits(3);
    assert!(outcome.stderr.contains("PL (Music)"), "{}", outcome.stderr);
    let nothing = Server::start(|_| Answer::new(503, ""));
    Run::on(&nothing, "-q -r US --category all,Music --retries 0").finish().exits(1);
    let refused = Server::start(|hit| match category(hit) {
        "10" => Answer::refusal(403, "quotaExceeded"),
        _ => Answer::page(&ids_of(hit), None),
    });
    let outcome = Run::on(&refused, "-q -c 1 -r US --category all,Music,Gaming -o {category}.json").finish().exits(4);
    assert_eq!(requests(&refused), ["US/0", "US/10"], "the batch stops at once");
    assert_eq!(outcome.files(), ["all.json"], "what arrived is written");
}

#[test]
fn one_hold_stops_all_categories() {
    let server = Server::start(|hit| match (hit.region(), category(hit), hit.nth) {
        ("US", "10", _) if hit.nth == 0 => Answer::new(429, "").header("retry-after", "1"),
        _ => Answer::page(&ids_of(hit), None).after(Duration::from_millis(50)),
    });
    Run::on(&server, "-q -c 2 -r US,PL --category Music,Gaming,all -o {category}.json").finish().exits(0);
    let log = server.log();
    let held_at = log.iter().find(|hit| hit.region() == "US" && category(hit) == "10").unwrap().at;
    // The request that is answered by the hold, and the one beside it.
    let early = log.iter().filter(|hit| hit.at < held_at + Duration::from_secs(1)).count();
    assert!(early <= 2, "{early} requests are sent before the hold ends");
    assert_eq!(log.len(), 7);
}

#[test]
fn max_units_is_exact_over_all_categories() {
    let server = server();
    let arguments = "-q -r US,DE,GB --category all,Music,Gaming --max-units 5 -o {category}.json";
    Run::on(&server, arguments).finish().exits(4);
    assert_eq!(server.log().len(), 5);
}

#[test]
fn the_dry_run_says_the_price_by_category_and_in_all() {
    let outcome =
        Run::new(&["--dry-run", "-r", "US,GB,PL", "-n", "120", "--category", "all,Music,25"]).finish().exits(0);
    let text = &outcome.stdout;
    for line in ["all categories", "Music", "News & Politics"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    assert!(text.contains("27"), "3 regions x 3 pages x 3 categories: {text}");
}

/// Moves everything in a history back in time, as if this much time had passed since.
fn pass(history: &Path, time: &str) {
    let database = rusqlite::Connection::open(history).unwrap();
    let sql = "UPDATE runs SET fetched_at = strftime('%Y-%m-%dT%H:%M:%SZ', fetched_at, ?)";
    database.execute(sql, [format!("-{time}")]).unwrap();
}

#[test]
fn a_chart_that_is_not_there_is_requested_once_a_week() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let history = folder.path().join("history.db");
    let run = |arguments: &str| {
        let options = "-r US,PL --category Music,Education --min-interval 7h";
        let mut run = Run::on(&server, &format!("{arguments} {options}"));
        run.command.current_dir(folder.path()).arg("--store").arg(&history);
        run.finish().exits(0)
    };
    // A run every seven hours. The 25th comes a week after the first.
    for nth in 0..25 {
        let before = server.log().len();
        let is_asked = nth == 0 || nth == 24;
        let price = run("--dry-run").stdout;
        assert!(price.contains(&format!("Quota units  {}", if is_asked { 4 } else { 3 })), "run {nth}: {price}");
        run("-q --max-units 4 -o {category}.json");
        let sent = &requests(&server)[before..];
        assert_eq!(sent.len(), if is_asked { 4 } else { 3 }, "run {nth}: {sent:?}");
        assert_eq!(sent.contains(&"PL/27".to_owned()), is_asked, "run {nth}");
        let row = &json(&std::fs::read_to_string(folder.path().join("education.json")).unwrap())["stats"]["regions"][1];
        assert_eq!(
            (&row["error"]["kind"], &row["requests"]),
            (&"region_unsupported".into(), &u32::from(is_asked).into())
        );
        pass(&history, "7 hours");
    }
}

#[test]
fn min_interval_and_the_lock_decide_for_each_category() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let run = |arguments: &str| {
        let mut run = Run::on(&server, &format!("{arguments} -r US --store h.db --min-interval 7h"));
        run.command.current_dir(folder.path());
        run.finish()
    };
    run("-q --category Music").exits(0);
    assert_eq!(requests(&server), ["US/10"]);
    let outcome = run("-v --category Music,Gaming -o {category}.json").exits(0);
    assert_eq!(requests(&server), ["US/10", "US/20"]);
    assert!(outcome.stderr.contains("not due"), "{}", outcome.stderr);
    assert!(folder.path().join("gaming.json").is_file() && !folder.path().join("music.json").exists());
    run("-q --category Music,Gaming").exits(0);
    assert_eq!(server.log().len(), 2, "neither is due");

    // While another run of one category is at work, the others are fetched.
    let slow = Server::start(|hit| Answer::page(&ids_of(hit), None).after(Duration::from_millis(1500)));
    let mut first = Run::on(&slow, "-q -r US --category Music --store b.db");
    first.command.current_dir(folder.path());
    let mut first_process = first.command.spawn().unwrap();
    let started = Instant::now();
    while slow.log().is_empty() && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut second = Run::on(&slow, "-r US --category Music,Gaming --store b.db -o {category}.csv");
    second.command.current_dir(folder.path());
    let outcome = second.finish().exits(75);
    assert!(outcome.stderr.contains("another run of the same request") && outcome.stderr.contains("Music"));
    assert!(folder.path().join("gaming.csv").is_file() && !folder.path().join("music.csv").exists());
    first_process.wait().unwrap();
}

#[test]
fn a_file_of_all_categories_is_not_replaced_by_one_of_some() {
    let folder = tempfile::tempdir().unwrap();
    let run = |server: &Server, exit: i32| {
        let options = "-q -r US --category Music,Gaming --retries 0 --store h.db --min-interval 7h \
                       -o all.csv -o all.prom -o {category}.csv -o {category}.prom";
        let mut run = Run::on(server, options);
        run.command.current_dir(folder.path());
        run.finish().exits(exit)
    };
    let failing = Server::start(|hit| match category(hit) {
        "20" => Answer::new(503, ""),
        _ => Answer::page(&ids_of(hit), None),
    });
    run(&failing, 3);
    let names = ["all.csv", "all.prom", "music.csv", "music.prom", "gaming.prom"];
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let before = names.map(read);
    let log = run(&server(), 0).stderr;
    assert_eq!(names[..4].iter().map(|name| read(name)).collect::<Vec<_>>(), before[..4], "Music was not due");
    assert!(read("gaming.csv").contains("US-20") && read("gaming.prom") != before[4]);
    assert!(log.is_empty(), "{log}");
}

#[test]
fn a_refused_category_ends_only_itself() {
    let server = Server::start(|hit| match category(hit) {
        "25" => Answer::new(
            400,
            r#"{"error": {"code": 400, "message": "Invalid value", "errors": [{"reason": "invalidParameter",
                "location": "videoCategoryId", "locationType": "parameter", "domain": "global", "message": "x"}]}}"#,
        ),
        _ => Answer::page(&ids_of(hit), None),
    });
    let arguments = "-q -c 1 -r US,GB --category 25,Music,all -o {category}.json";
    let outcome = Run::on(&server, arguments).finish().exits(3);
    assert_eq!(requests(&server), ["US/25", "US/10", "GB/10", "US/0", "GB/0"]);
    assert_eq!(outcome.files(), ["all.json", "music.json"]);
    assert!(outcome.stderr.contains("US (News & Politics)"), "{}", outcome.stderr);
}

#[test]
fn an_answer_to_nothing_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let run = |server: &Server, categories: &str, exit: i32| {
        let mut run = Run::on(server, &format!("-q -r US,PL --store h.db --category {categories}"));
        run.command.current_dir(folder.path());
        run.finish().exits(exit)
    };
    // A wrong address, for instance.
    let nothing = Server::start(|_| Answer::refusal(404, "notFound"));
    let outcome = run(&nothing, "Music,Education", 1);
    assert!(outcome.stderr.contains("YouTube has none of these charts"), "{}", outcome.stderr);
    let server = server();
    run(&server, "Music,Education", 0);
    assert_eq!(server.log().len(), 4);
    run(&server, "Music,Education", 0);
    assert_eq!(server.log().len(), 7, "Education in PL is remembered now");
    // A category that is requested alone is asked for.
    run(&server, "Education", 3);
    assert_eq!(requests(&server).len(), 9);
    assert!(requests(&server)[7..].contains(&"PL/27".to_owned()));
}

#[test]
fn the_two_categories_of_one_name_are_told_apart() {
    let outcome = Run::on(&server(), "-r US --category 23,34 -o run.prom").finish().exits(0);
    assert!(outcome.stdout.contains("Comedy (34)"), "{}", outcome.stdout);
    assert!(outcome.read("run.prom").contains("category=\"Comedy (34)\""));
}

#[test]
fn every_category_is_a_run_in_the_history() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    for _ in 0..2 {
        let mut run = Run::on(&server, "-q -r US,PL --category all,Music,Education --store h.db");
        run.command.current_dir(folder.path());
        run.finish().exits(0);
    }
    let database = rusqlite::Connection::open(folder.path().join("h.db")).unwrap();
    let mut statement = database.prepare("SELECT coalesce(category_id, 0), count(*) FROM runs GROUP BY 1").unwrap();
    let runs: HashMap<u32, u32> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
    assert_eq!(runs, HashMap::from([(0, 2), (10, 2), (27, 2)]));
    let changes = |arguments: &[&str]| {
        let mut run = Run::new(&[&["changes", "--store", "h.db", "-f", "json"], arguments].concat());
        run.command.current_dir(folder.path());
        run.finish().exits(0).document()
    };
    for category in ["all", "Music"] {
        let document = changes(&["--category", category]);
        assert_eq!(document["regions"].as_array().unwrap().len(), 2, "{document}");
    }
}

#[test]
fn the_demo_answers_all_categories_with_gaps() {
    let outcome = Run::new(&["--demo=calm", "-c", "0", "-r", "US,GB", "--category", "every"]).finish().exits(0);
    assert!(outcome.stdout.contains("no chart of Education in"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("News & Politics"), "{}", outcome.stdout);
}
