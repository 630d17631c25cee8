//! `demo` fills a history with invented runs, which every other command reads.

use super::*;

on_both_engines! {
    a_week_of_runs_ends_now_with_an_outage_and_a_region_that_is_not_offered
    the_week_is_there_for_the_other_commands
    a_history_of_other_runs_is_refused
    each_category_has_its_runs
}

fn a_week_of_runs_ends_now_with_an_outage_and_a_region_that_is_not_offered(store: Store) {
    let started = now();
    let said = command(&store, "demo -r US,CN,PL -n 60").finish().exits(0);
    assert!(said.stderr.is_empty() && said.stdout.contains("25 more runs"), "{}{}", said.stderr, said.stdout);
    assert!(said.stdout.contains("PL fails") && said.stdout.contains("trendfetch changes --store "), "{}", said.stdout);
    let times: Vec<Timestamp> =
        store.query("SELECT fetched_at FROM runs ORDER BY fetched_at").iter().map(|time| time_of(time)).collect();
    assert_eq!(times.len(), 25);
    assert!(times.windows(2).all(|pair| pair[1].duration_since(pair[0]) == SignedDuration::from_hours(7)), "{times:?}");
    assert!(times[24].duration_since(started).abs() < SignedDuration::from_secs(60), "{times:?}");
    let failures = |region: &str| {
        let outcomes = store.query(&format!(
            "SELECT coalesce(error_kind, '-') FROM run_regions WHERE region = '{region}' ORDER BY fetched_at"
        ));
        outcomes.join(" ")
    };
    assert_eq!(failures("US"), vec!["-"; 25].join(" "));
    assert_eq!(failures("CN"), vec!["region_unsupported"; 25].join(" "));
    let down = [vec!["-"; 10], vec!["server_error"; 3], vec!["-"; 12]].concat();
    assert_eq!(failures("PL"), down.join(" "));

    // A second call has nothing to add, whatever it asks for.
    for again in ["-r US,CN,PL -n 60", "--days 28", "-q"] {
        let said = command(&store, &format!("demo {again}")).finish().exits(0).stdout;
        assert!(if again == "-q" { said.is_empty() } else { said.contains("nothing was added") }, "{said}");
        assert_eq!(count(&store, "runs"), 25);
    }
}

fn the_week_is_there_for_the_other_commands(store: Store) {
    assert_eq!(command(&store, "demo -r US,PL -q").finish().exits(0).stdout, "");
    let changes: Value = serde_json::from_str(&command(&store, "changes -f json").finish().exits(0).stdout).unwrap();
    for region in ["US", "PL"] {
        let chart = changes["regions"].as_array().unwrap().iter().find(|chart| chart["region"] == region).unwrap();
        let length = |list: &str| chart[list].as_array().unwrap().len();
        assert!((1..=30).contains(&length("entered")) && (1..=30).contains(&length("left")), "{chart}");
    }
    // A run of the demo goes on in the same history, in the same hour with the same charts.
    let outcome = command(&store, "-r US,PL --demo=calm --json").finish().exits(0);
    assert_eq!(count(&store, "runs"), 26);
    assert_eq!(outcome.document()["source"], "demo");
    if cfg!(feature = "report") {
        command(&store, "report -o page.html").finish().exits(0);
    }
}

fn a_history_of_other_runs_is_refused(store: Store) {
    let server = Server::of_pages(&["a"]);
    run_into(&store, &server, "-r US").finish().exits(0);
    for what in ["another source", "both"] {
        let before = count(&store, "runs");
        let refused = command(&store, "demo --days 1").finish().exits(2);
        assert_one_sentence(what, &refused, "name another history");
        assert_eq!(count(&store, "runs"), before);
        command(&store, "-r US --demo=calm -q").finish().exits(0);
    }
}

fn each_category_has_its_runs(store: Store) {
    command(&store, "demo --days 1 -r US,PL -n 5 --category all,Music").finish().exits(0);
    let runs = store.query("SELECT category_id FROM runs ORDER BY 1");
    assert_eq!(runs.len(), 8, "{runs:?}");
    // Those of another category can still be added.
    command(&store, "demo --days 1 -r US,PL -n 5 --category Music,Gaming").finish().exits(0);
    assert_eq!(count(&store, "runs"), 12);
}

/// A time as either database writes it.
fn time_of(text: &str) -> Timestamp {
    let text = text.replacen(' ', "T", 1);
    if text.ends_with("+00") { at(&text.replace("+00", "Z")) } else { at(&text) }
}

#[test]
fn what_the_command_needs_is_said() {
    let run = |arguments: &[&str]| Run::new(arguments).env("TRENDFETCH_STORE", "history.db").finish();
    assert!(run(&["demo"]).exits(2).stderr.contains("--store"));
    for days in ["0", "30", "a"] {
        let refused = run(&["demo", "--store", "demo.db", "--days", days]).exits(2);
        assert!(refused.stderr.contains("from 1 to 29"), "{}", refused.stderr);
    }
    assert!(run(&["demo", "--store", "demo.db", "-r", "Poland"]).exits(2).stderr.contains("use the region's code: PL"));
}
