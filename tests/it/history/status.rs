//! `status`: what a monitoring system asks.

use super::*;

on_both_engines! {
    fresh_stale_and_missing_charts_have_an_exit_status_each
    charts_that_do_not_exist_are_not_stale
    an_empty_history_and_a_job_that_stopped_are_no_success
}

fn status(store: &Store, options: &str) -> (Option<i32>, Value) {
    let outcome = command(store, &format!("status -f json {options}")).finish();
    (outcome.code, outcome.document()["charts"].clone())
}

fn of<'a>(charts: &'a Value, region: &str) -> &'a Value {
    charts.as_array().unwrap().iter().find(|chart| chart["region"] == region).unwrap()
}

fn fresh_stale_and_missing_charts_have_an_exit_status_each(store: Store) {
    for back in [28, 21, 14, 7, 1] {
        let poland = if back > 7 { chart("PL", &["a"]) } else { failed("PL", ErrorKind::Timeout) };
        record(&store, &document(hours(now(), -back), vec![chart("US", &["a"]), poland]));
    }
    let (code, charts) = status(&store, "");
    assert_eq!((code, charts.as_array().unwrap().len()), (Some(0), 2), "{charts}");
    let us = of(&charts, "US");
    assert_eq!((&us["state"], &us["failures"], &us["error"]), (&json!("fresh"), &json!(0), &Value::Null));
    let due: Timestamp = us["due_at"].as_str().unwrap().parse().unwrap();
    assert!(due.duration_since(now()).as_hours().abs() >= 5, "seven hours after the last run: {us}");

    let (code, charts) = status(&store, "--max-age 8h --min-interval 2h");
    assert_eq!(code, Some(3));
    let pl = of(&charts, "PL");
    assert_eq!((&pl["state"], &pl["failures"]), (&json!("stale"), &json!(2)));
    assert_eq!(pl["error"]["kind"], "timeout");
    assert!(pl["age_seconds"].as_i64().unwrap() >= 14 * 3600, "{pl}");
    let due: Timestamp = pl["due_at"].as_str().unwrap().parse().unwrap();
    assert!((0..=3600).contains(&due.duration_since(now()).as_secs()), "{pl}");
    assert_eq!(status(&store, "--max-age 8h -r US").0, Some(0));

    let (code, charts) = status(&store, "-r US,DE");
    assert_eq!((code, &of(&charts, "DE")["state"]), (Some(3), &json!("missing")));
    assert_eq!(status(&store, "-r DE").0, Some(1), "no complete chart at all");
    let text = command(&store, "status --max-age 8h").finish().exits(3).stdout;
    assert!(text.lines().any(|line| line.contains("PL") && line.contains("stale")), "{text}");
}

fn charts_that_do_not_exist_are_not_stale(store: Store) {
    let unsupported = failed("XX", ErrorKind::RegionUnsupported);
    record(&store, &document(hours(now(), -1), vec![chart("US", &["a"]), unsupported]));
    let (code, charts) = status(&store, "");
    assert_eq!((code, &of(&charts, "XX")["state"]), (Some(0), &json!("unsupported")));
}

fn an_empty_history_and_a_job_that_stopped_are_no_success(store: Store) {
    record(&store, &document(days(now(), -9), vec![chart("US", &["a"])]));
    assert_eq!(status(&store, "").0, Some(1), "nothing was requested within seven days");
    let (code, charts) = status(&store, "-r US");
    assert_eq!((code, &of(&charts, "US")["state"]), (Some(3), &json!("stale")));
    assert_eq!(status(&store, "--category Music").0, Some(1));
}
