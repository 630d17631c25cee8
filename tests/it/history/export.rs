//! `export`: the past, as the runs wrote it.

use super::load::tricky_history;
use super::*;

on_both_engines! {
    the_document_of_a_run_comes_back
    rows_are_those_that_the_runs_wrote
    a_period_begins_with_its_first_moment_and_ends_before_its_last
    categories_and_regions_select_charts
    what_matches_nothing_leaves_files_alone
    a_closed_pipe_ends_an_export
    a_run_of_an_older_version_has_its_regions_by_code
}

// ---- Documents ----

/// What an export can give back of a run: the history holds no larger numbers, and the facts of a video are those of the
/// newest run that had it.
fn as_stored(document: &Document, all: &[Arc<Document>]) -> Document {
    let mut stored = document.clone();
    let text = |text: &str| text.replace('\0', "\u{fffd}");
    let cap = |number: usize| number.min(usize::try_from(i64::MAX).unwrap());
    let cap_ms = |number: u64| number.min(i64::MAX.unsigned_abs());
    let count = |count: Option<u64>| count.filter(|count| i64::try_from(*count).is_ok());
    stored.source = text(&document.source);
    stored.videos.retain(|video| !video.ranks.is_empty());
    let order = |region: &Region| document.request.regions.iter().position(|requested| requested == region);
    stored.videos.sort_by_key(|video| (order(&video.ranks[0].0), video.ranks[0].1));
    for merged in &mut stored.videos {
        merged.fetched_at = document.fetched_at;
        let having =
            all.iter().rev().filter_map(|run| run.videos.iter().find(|video| video.video.id == merged.video.id));
        let newest = having.clone().next().unwrap();
        let old = &*merged.video;
        let new = &*newest.video;
        let described = having.clone().find_map(|video| video.video.description.as_deref());
        *merged.video = Video {
            views: count(old.views),
            likes: count(old.likes),
            comments: count(old.comments),
            duration_seconds: count(new.duration_seconds),
            title: text(&new.title).into(),
            channel: text(&new.channel).into(),
            tags: new.tags.iter().map(text).collect(),
            description: described.map(|description| text(description).into()),
            ..new.clone()
        };
    }
    let stats = &mut stored.stats;
    stats.overlap = stats::overlap(&document.request.regions, &stored.videos);
    (stats.raw, stats.unique, stats.multi_region) = (cap(stats.raw), cap(stats.unique), cap(stats.multi_region));
    (stats.elapsed_ms, stats.held_ms) = (cap_ms(stats.elapsed_ms), cap_ms(stats.held_ms));
    for row in &mut stats.regions {
        (row.videos, row.elapsed_ms) = (cap(row.videos), cap_ms(row.elapsed_ms));
        if let Some(error) = &mut row.error {
            error.message = text(&error.message);
            error.reason = error.reason.as_deref().map(text);
        }
    }
    let with = |is_ok: bool| {
        stats.regions.iter().filter(|row| (row.status == Status::Ok) == is_ok).map(|row| row.region).collect()
    };
    (stats.regions_ok, stats.regions_failed) = (with(true), with(false));
    stored
}

fn the_document_of_a_run_comes_back(store: Store) {
    let cases = if is_postgres(&store) { 6 } else { 16 };
    let config = ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 60, ..ProptestConfig::default() };
    let result = TestRunner::new(config).run(&tricky_history(), |(runs, _)| {
        // PostgreSQL rounds to microseconds.
        let whole = |video: &mut MergedVideo| {
            video.video.published_at =
                video.video.published_at.map(|time| Timestamp::from_second(time.as_second()).unwrap());
        };
        let mut runs: Vec<Document> = runs.iter().map(|run| (**run).clone()).collect();
        runs.iter_mut().flat_map(|run| &mut run.videos).for_each(whole);
        let runs: Vec<Arc<Document>> = runs.into_iter().map(Arc::new).collect();
        let (store, copy) = (another(&store), another(&store));
        runs.iter().for_each(|run| record(&store, run));
        for run in &runs {
            let outcome = command(&store, &format!("export --description --run {} -o back.json", run.run_id));
            let outcome = outcome.finish().exits(0);
            let back: Value = serde_json::from_str(&outcome.read("back.json")).unwrap();
            prop_assert_eq!(&back, &serde_json::to_value(as_stored(run, &runs)).unwrap());
            let loaded = command(&copy, "load back.json").file("back.json", &outcome.read("back.json")).finish();
            prop_assert_eq!(loaded.code, Some(0), "{}", loaded.stderr);
        }
        prop_assert_eq!(dump(&copy)["chart_entries"].clone(), dump(&store)["chart_entries"].clone());
        prop_assert_eq!(dump(&copy)["runs"].clone(), dump(&store)["runs"].clone());
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

// ---- Rows ----

/// Charts that differ from run to run, and a region that fails.
fn moving_server() -> Server {
    let runs = AtomicU32::new(0);
    Server::start(move |hit| {
        let turn = runs.fetch_add(1, Ordering::Relaxed);
        match (hit.region(), turn % 5) {
            ("GB", 0) => Answer::refusal(403, "forbidden"),
            (region, turn) => {
                let ids = [format!("new-{turn}"), "shared".into(), format!("{region}-{turn}"), region.to_owned()];
                Answer::page(&ids[turn as usize % 2..], None)
            }
        }
    })
}

fn rows_are_those_that_the_runs_wrote(store: Store) {
    let server = moving_server();
    let runs: Vec<Outcome> = ["-r US,PL", "-r GB,US,DE", "-r PL --category Music", "-r DE,GB --category all"]
        .iter()
        .map(|request| run_into(&store, &server, &format!("{request} -q -o v.csv -o d.json")).finish())
        .collect();
    let mut documents: Vec<Value> = runs.iter().map(|run| serde_json::from_str(&run.read("d.json")).unwrap()).collect();
    // Runs of one second come by category.
    documents.sort_by_key(|run| {
        let category = run["request"]["category_id"].as_u64().unwrap_or(0);
        (run["fetched_at"].to_string(), category, run["run_id"].to_string())
    });

    let exported = command(&store, "export -f ndjson").finish().exits(0);
    let lines: Vec<Value> = exported.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut expected = Vec::new();
    for document in &documents {
        for video in document["videos"].as_array().unwrap() {
            let mut video = video.clone();
            video["chart_category_id"] = document["request"]["category_id"].clone();
            video["fetched_at"] = document["fetched_at"].clone();
            expected.push(video);
        }
    }
    assert_eq!(lines.len(), expected.len());
    lines.iter().zip(&expected).for_each(|(line, expected)| assert_eq!(line, expected));

    // Without several categories, the rows have no column more than those of a run.
    let all = command(&store, "export --category all -o a.csv -f csv").finish().exits(0);
    let of_all = documents.iter().filter(|run| run["request"]["category_id"].is_null());
    let count: usize = of_all.map(|run| run["videos"].as_array().unwrap().len()).sum();
    assert_eq!(all.stdout, format!("wrote a.csv ({count} videos of 3 runs)\n"));
    let (text, one) = (all.read("a.csv"), runs[0].read("v.csv"));
    assert_eq!(text.lines().next(), one.lines().next());
    assert_eq!(text.lines().count(), count + 1);

    // Entries, in three formats.
    let mut expected = Vec::new();
    for document in &documents {
        let statuses: HashMap<&str, &Value> = document["stats"]["regions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| (row["region"].as_str().unwrap(), &row["status"]))
            .collect();
        for region in document["request"]["regions"].as_array().unwrap() {
            let code = region.as_str().unwrap();
            let mut chart: Vec<(u64, &str)> = document["videos"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(|video| Some((video["ranks"][code].as_u64()?, video["video_id"].as_str().unwrap())))
                .collect();
            chart.sort_unstable();
            for (rank, id) in chart {
                expected.push(json!([document["run_id"], document["fetched_at"], code, statuses[code], rank, id]));
            }
        }
    }
    let entries = command(&store, "export -f ndjson --rows entries").finish().exits(0);
    let keys = ["run_id", "fetched_at", "region", "region_status", "rank", "video_id"];
    let found: Vec<Value> = entries
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|row| json!(keys.map(|key| row[key].clone())))
        .collect();
    assert_eq!(found, expected);
    let csv = command(&store, "export -f csv --rows entries --csv-bom -o e.csv.gz -o - ").finish().exits(0);
    assert!(csv.stdout.starts_with("\u{feff}run_id,fetched_at,source,region,"), "{}", csv.stdout);
    assert_eq!(csv.stdout.lines().count(), expected.len() + 1);
    assert!(csv.stderr.contains(&format!("wrote e.csv.gz ({} entries of 4 runs)", expected.len())), "{}", csv.stderr);
    let table = command(&store, "export -f table").finish().exits(0).stdout;
    let headings: Vec<&str> = table.lines().filter(|line| line.starts_with("20")).collect();
    assert_eq!(headings.len(), 4, "{table}");
    assert_eq!(headings.iter().filter(|heading| heading.ends_with(", Music")).count(), 1, "{table}");
}

fn runs_at_three_times(store: &Store) -> [Timestamp; 3] {
    let times = [days(now(), -3), days(now(), -2), days(now(), -1)];
    for (run, time) in times.iter().enumerate() {
        record(store, &document(*time, vec![chart("US", &[&format!("run{run}"), "b"]), chart("PL", &["b", "a"])]));
    }
    times
}

fn titles(outcome: &Outcome) -> Vec<String> {
    let id = |line: &str| serde_json::from_str::<Value>(line).unwrap()["video_id"].as_str().unwrap().to_owned();
    outcome.stdout.lines().map(id).filter(|id| id.starts_with("run")).collect()
}

fn a_period_begins_with_its_first_moment_and_ends_before_its_last(store: Store) {
    let [first, second, third] = runs_at_three_times(&store);
    let late = second + SignedDuration::from_millis(1);
    let date = second.strftime("%F");
    let midnight: Timestamp = format!("{date}T00:00:00Z").parse().unwrap();
    let since_date: &[&str] = if midnight <= first { &["run0", "run1", "run2"] } else { &["run1", "run2"] };
    for (options, expected) in [
        (String::new(), &["run0", "run1", "run2"][..]),
        (format!("--since {second}"), &["run1", "run2"]),
        (format!("--since {late}"), &["run2"]),
        (format!("--until {second}"), &["run0"]),
        (format!("--until {late}"), &["run0", "run1"]),
        (format!("--since {second} --until {third}"), &["run1"]),
        (format!("--since {date}"), since_date),
        ("--since 60h".into(), &["run1", "run2"]),
        ("--since 7d --until 36h".into(), &["run0", "run1"]),
        (format!("--since {}", second.strftime("%FT%T+00:00")), &["run1", "run2"]),
    ] {
        let outcome = command(&store, &format!("export -f ndjson {options}")).finish().exits(0);
        assert_eq!(titles(&outcome), expected, "{options}");
    }
    for (options, why) in [
        (format!("--since {third} --until {second}"), "--since must be before --until"),
        ("--since yesterday".into(), "or a duration back from now (12h, 7d)"),
        (format!("--run {} --since 7d", "019ac3f2-5b70-7c11-9d3e-0a1b2c3d4e5f"), "cannot be used with"),
        ("--run latest".into(), "give the run_id"),
    ] {
        let outcome = command(&store, &format!("export -f ndjson {options}")).finish().exits(2);
        assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
    }
}

fn categories_and_regions_select_charts(store: Store) {
    let server = Server::of_pages(&["a", "b"]);
    run_into(&store, &server, "-q -r US,PL,GB --category Music,all,Comedy").finish().exits(0);
    let export = |options: &str| command(&store, &format!("export {options}")).finish();
    let charts = |options: &str| {
        let outcome = export(&format!("-f ndjson --rows entries {options}")).exits(0);
        let chart = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            format!("{}/{}", row["chart_category_id"], row["region"].as_str().unwrap())
        };
        let mut charts: Vec<String> = outcome.stdout.lines().map(chart).collect();
        charts.dedup();
        charts
    };
    assert_eq!(charts("--category Music -r GB,US"), ["10/GB", "10/US"], "in the order of the list");
    assert_eq!(charts("--category all,comedy -r PL"), ["null/PL", "23/PL"]);
    assert_eq!(charts("-r PL,GB").len(), 6);
    let outcome = export("--category every,all -o {category}.csv").exits(0);
    assert_eq!(outcome.files(), ["all.csv", "comedy.csv", "music.csv"]);
    assert_eq!(outcome.stderr, "");
    for (options, why) in [
        ("-o {category}.csv", "name the categories"),
        ("", "nothing says what to write"),
        ("-f json", "name it with --run ID"),
        ("-o x.prom", "metrics are those of a run"),
        ("-f json -r PL --run 019ac3f2-5b70-7c11-9d3e-0a1b2c3d4e5f", "leave out --regions"),
        ("-o x.xlsx", "spreadsheets cannot be written"),
    ] {
        let outcome = export(options).exits(2);
        assert!(outcome.stderr.contains(why), "{options}: {}", outcome.stderr);
    }
    let refused = command(&store, &format!("export -f csv -o {}", store.url)).finish();
    assert_eq!(refused.code, Some(2), "the history is not overwritten");
}

fn what_matches_nothing_leaves_files_alone(store: Store) {
    let run = document(days(now(), -2), vec![chart("US", &["a"])]);
    let down = document(days(now(), -1), vec![failed("US", ErrorKind::Timeout)]);
    [&run, &down].iter().for_each(|run| record(&store, run));
    let export = |options: &str| command(&store, &format!("export {options}")).file("old.csv", "old");
    for (options, why) in [
        ("--until 3d".to_owned(), "no run in the history matches"),
        ("-r PL".to_owned(), "no run in the history matches"),
        ("--category Music".to_owned(), "no run in the history matches"),
        ("--since 36h".to_owned(), "no chart arrived in the runs that match"),
        (format!("--run {}", uuid::Uuid::nil()), "the history has no run 00000000"),
    ] {
        let outcome = export(&format!("{options} -o old.csv -o new.csv")).finish().exits(1);
        assert!(outcome.stderr.contains(why), "{options}: {}", outcome.stderr);
        assert_eq!((outcome.read("old.csv").as_str(), outcome.files().len()), ("old", 1), "{options}");
        assert_eq!(export(&format!("{options} -f csv")).finish().exits(1).stdout, "");
    }
    // A document says what failed.
    let told = export(&format!("--run {} -f json", down.run_id)).finish().exits(0).document();
    assert_eq!(told["stats"]["regions"][0]["error"]["kind"], "timeout");

    // Charts that were deleted are not mistaken for charts that never were.
    command(&store, "prune --keep 36h").finish().exits(0);
    let deleted = export(&format!("--run {} -f json", run.run_id)).finish().exits(1);
    assert!(deleted.stderr.contains("are deleted (--keep)"), "{}", deleted.stderr);
    record(&store, &document(hours(now(), -1), vec![chart("US", &["c"])]));
    let some = export("--since 7d -f ndjson").finish().exits(0);
    assert_eq!(some.stdout.lines().count(), 1);
    assert!(some.stderr.contains("1 run(s) of that time are left out"), "{}", some.stderr);
}

fn a_closed_pipe_ends_an_export(store: Store) {
    let server = Server::of_large_pages();
    (0..3).for_each(|_| drop(run_into(&store, &server, "-q -r US,PL").finish().exits(0)));
    for format in ["ndjson", "csv", "table"] {
        let run = command(&store, &format!("export -f {format}"));
        let outcome = run.under(&["bash", "-c", r#""$0" "$@" | head -1; exit ${PIPESTATUS[0]}"#]).finish().exits(0);
        assert_eq!((outcome.stdout.lines().count(), outcome.stderr.as_str()), (1, ""), "{format}");
    }
}

fn a_run_of_an_older_version_has_its_regions_by_code(store: Store) {
    create_first_version(&store);
    // Brings the tables up to date.
    command(&store, "prune --log 3650d").finish().exits(0);
    let run = "019a0000-0000-7000-8000-000000000003";
    let document = command(&store, &format!("export -f json --run {run}")).finish().exits(0).document();
    assert_eq!(document["request"]["regions"], json!(["PL", "US"]));
    let error = json!({"kind": "rate_limited", "status": null, "reason": null, "message": "asked to wait 120 s"});
    assert_eq!(document["stats"]["regions"][1]["error"], error);
    assert_eq!(document["videos"].as_array().unwrap().len(), 3);
}
