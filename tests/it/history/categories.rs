//! Runs of several categories: what the history keeps of each, and what it saves the next ones.

use super::*;

on_both_engines! {
    each_category_is_a_run_with_the_rows_of_a_run_of_its_own
    a_chart_that_youtube_does_not_have_is_requested_once_a_week
    the_lock_and_the_interval_are_those_of_each_category
    expired_runs_of_all_categories_are_deleted_by_one_run
    statistics_compare_each_category_with_itself
    changes_show_the_chart_of_all_categories_unless_one_is_named
}

fn category(hit: &crate::harness::Hit) -> &str {
    hit.query.get("videoCategoryId").map_or("0", String::as_str)
}

/// Every pair has a chart, but for Education in PL. Each answer has a `Date` that confirms the clock of the run.
fn charts(now: Timestamp) -> Server {
    Server::start(move |hit| {
        let answer = match (hit.region(), category(hit)) {
            ("PL", "27") => Answer::refusal(404, "notFound"),
            (region, category) => Answer::page(&["shared".into(), format!("{region}-{category}")], None),
        };
        answer.header("date", httpdate::fmt_http_date(now.into()))
    })
}

fn sent(server: &Server) -> Vec<String> {
    server.log().iter().map(|hit| format!("{}/{}", hit.region(), category(hit))).collect()
}

fn each_category_is_a_run_with_the_rows_of_a_run_of_its_own(store: Store) {
    let server = charts(at(NOON));
    let alone = another(&store);
    assert_eq!(run_at(at(NOON), &store, &server, "-r US,PL --category all,Music,Education"), 0);
    for (category, exit) in [("all", 0), ("Music", 0), ("Education", 3)] {
        assert_eq!(run_at(at(NOON), &alone, &server, &format!("-r US,PL --category {category}")), exit);
    }
    let rows = |store: &Store| {
        let mut tables = dump(store);
        for row in tables.values_mut().flatten() {
            let row = row.as_object_mut().unwrap();
            ["id", "run_id", "elapsed_ms", "held_ms"].iter().for_each(|column| drop(row.remove(*column)));
        }
        tables.values_mut().for_each(|rows| rows.sort_by_key(Value::to_string));
        tables
    };
    assert_eq!(rows(&store), rows(&alone));
}

fn a_chart_that_youtube_does_not_have_is_requested_once_a_week(store: Store) {
    let server = charts(at(NOON));
    let mut before = 0;
    for nth in 0..25 {
        let options = "-r US,PL --category Music,Education --min-interval 7h --max-units 4";
        assert_eq!(run_at(hours(at(NOON), 7 * nth), &store, &server, options), 0, "run {nth}");
        let now = sent(&server)[before..].to_vec();
        before += now.len();
        // The 25th comes a week after the first.
        let is_asked = nth == 0 || nth == 24;
        assert_eq!(
            (now.contains(&"PL/27".to_owned()), now.len()),
            (is_asked, if is_asked { 4 } else { 3 }),
            "run {nth}"
        );
    }
    // A chart that appears is requested from then on.
    let other = another(&store);
    let with_chart = Server::start(|hit| Answer::page(&[hit.region()], None));
    run_at(at(NOON), &other, &server, "-r PL --category Education,Music");
    run_at(days(at(NOON), 8), &other, &with_chart, "-r PL --category Education,Music");
    run_at(days(at(NOON), 9), &other, &with_chart, "-r PL --category Education,Music");
    assert_eq!(sent(&with_chart).iter().filter(|request| *request == "PL/27").count(), 2);
}

fn the_lock_and_the_interval_are_those_of_each_category(store: Store) {
    let server = charts(at(NOON));
    run_at(at(NOON), &store, &server, "-r US --category Music");
    assert_eq!(run_at(hours(at(NOON), 1), &store, &server, "-r US --category Music,Gaming --min-interval 7h"), 0);
    assert_eq!(sent(&server), ["US/10", "US/20"]);
    assert_eq!(run_at(hours(at(NOON), 2), &store, &server, "-r US --category Music,Gaming --min-interval 7h"), 0);
    assert_eq!(server.log().len(), 2, "neither is due");

    let (slow, gate) = holding(&["US"]);
    let music = RunningProcess::start(run_into(&store, &slow, "-q -r US --category Music"));
    wait_until("the first run has sent its request", || !slow.log().is_empty());
    let both = run_into(&store, &server, "-r US --category Music,Gaming").finish().exits(75);
    assert!(both.stderr.contains("another run of the same request"), "{}", both.stderr);
    assert_eq!(sent(&server)[2..], ["US/20"], "the other category is fetched");
    gate.open();
    music.end().exits(0);
    // Both locks are free again.
    run_into(&store, &server, "-q -r US --category Music,Gaming").finish().exits(0);
}

fn expired_runs_of_all_categories_are_deleted_by_one_run(store: Store) {
    let options = "-r US --category Music,Gaming";
    for day in [0, 10, 20, 31] {
        let now = days(at(NOON), day);
        assert_eq!(run_at(now, &store, &charts(now), options), 0);
    }
    let runs = dump(&store).remove("runs").unwrap();
    let pruned = runs.iter().filter(|run| run["pruned"] == json!(1) || run["pruned"] == json!(true));
    assert_eq!((runs.len(), pruned.count()), (8, 2));
}

fn changes_show_the_chart_of_all_categories_unless_one_is_named(store: Store) {
    for day in [0, 1] {
        let now = days(at(NOON), day);
        let server = Server::start(move |hit| Answer::page(&[format!("{day}-{}", category(hit))], None));
        run_at(now, &store, &server, "-r US,PL --category Music,all,Gaming");
    }
    let entered = |arguments: &str| -> Vec<String> {
        let changes = command(&store, &format!("changes -f json {arguments}")).finish().exits(0).document();
        let regions = changes["regions"].as_array().unwrap();
        regions.iter().map(|region| region["entered"][0]["video_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(entered(""), ["1-0", "1-0"]);
    assert_eq!(entered("--category all"), ["1-0", "1-0"]);
    assert_eq!(entered("--category Gaming"), ["1-20", "1-20"]);
}

fn statistics_compare_each_category_with_itself(store: Store) {
    let (first, second) =
        (charts(at(NOON)), Server::start(|hit| Answer::page(&[format!("new-{}", category(hit))], None)));
    run_into(&store, &first, "-q -r US --category Music,Gaming").finish().exits(0);
    let outcome = run_into(&store, &second, "-r US --category Music,Gaming").finish().exits(0);
    let line = |label: &str| {
        let line = outcome.stdout.lines().find(|line| line.starts_with(label));
        line.unwrap_or_else(|| panic!("{label}: {}", outcome.stdout)).split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!((line("Entered"), line("Left")), ("2".into(), "4".into()));
}
