//! `--keep` and `prune`: what is deleted, and when.

use super::request_lock::Reader;
use super::*;

on_both_engines! {
    a_run_deletes_what_has_expired
    what_is_exactly_as_old_as_keep_stays
    a_document_whose_charts_were_deleted_can_be_loaded_again
    a_run_is_recorded_even_if_old_rows_cannot_be_deleted
    old_rows_are_deleted_in_batches
    prune_deletes_only_log_rows_without_charts
    prune_warns_if_a_reader_keeps_it_from_reclaiming_space
    prune_reports_what_it_did_before_an_error
    prune_deletes_runs_dated_in_the_future
    prune_deletes_what_has_expired_and_shrinks_the_history
    a_pruned_run_is_not_compared
}

fn a_run_deletes_what_has_expired(store: Store) {
    let (long_ago, recently) = (days(now(), -40), days(now(), -3));
    let old = document(long_ago, vec![chart("US", &["US-gone", "US-a", "US-b"]), chart("PL", &["US-a"])]);
    load(&store, &old).exits(0);
    record(&store, &document(recently, vec![chart("US", &["US-b"])]));
    let server = server_at(now(), &["a"]);
    let run = run_into(&store, &server, "-r US --json").finish().exits(0);
    let today = run.document()["fetched_at"].clone();
    let names = ["video_id", "first_seen_at", "last_seen_at"];
    assert_eq!(
        columns(&store, "videos", &names),
        [json!(["US-a", long_ago, today]), json!(["US-b", long_ago, recently])]
    );
    // The chart of PL was not fetched since, so nothing is left of it. Another source has presence of its own.
    assert_eq!(
        columns(&store, "presence", &["source", "region", "video_id", "first_seen_at"]),
        [json!(["127.0.0.1", "US", "US-a", today]), json!(["youtube", "US", "US-b", long_ago])]
    );
    assert_eq!(columns(&store, "chart_entries", &["video_id"]), [json!(["US-a"]), json!(["US-b"])]);
    assert_eq!(columns(&store, "observations", &["video_id"]), [json!(["US-a"]), json!(["US-b"])]);
    assert_eq!((count(&store, "places"), count(&store, "counts")), (2, 2));
    // The log of runs stays.
    assert_eq!(
        columns(&store, "runs", &["pruned", "unique_videos"]),
        [json!([false, 1]), json!([false, 1]), json!([true, 3])]
    );
    assert_eq!(count(&store, "run_regions"), 4);
}

fn a_document_whose_charts_were_deleted_can_be_loaded_again(store: Store) {
    let now = now();
    let old = document(days(now, -40), vec![chart("US", &["gone", "a"]), failed("PL", ErrorKind::Timeout)]);
    load(&store, &old).exits(0);
    record(&store, &document(days(now, -3), vec![chart("US", &["a"])]));
    let before = dump(&store);
    command(&store, "prune --keep 30d").finish().exits(0);
    assert_ne!(dump(&store), before);
    let outcome = load(&store, &old).exits(0);
    assert!(outcome.stdout.ends_with("is in the history now\n"), "{}", outcome.stdout);
    assert_eq!(dump(&store), before);
    assert!(load(&store, &old).exits(0).stdout.contains("nothing changed"));
    // The loaded document counts, even if an earlier run of that id was different.
    command(&store, "prune --keep 30d").finish().exits(0);
    let corrected = Document { fetched_at: days(now, -20), ..old };
    load(&store, &corrected).exits(0);
    assert_eq!(columns(&store, "runs", &["fetched_at"])[0], json!([days(now, -20)]));
}

fn what_is_exactly_as_old_as_keep_stays(store: Store) {
    let start = at(NOON);
    record(&store, &document(start, vec![chart("PL", &["old"])]));
    let is_kept = |seconds: i64, option: &str| {
        let later = start + SignedDuration::from_secs(seconds);
        run_at(later, &store, &server_at(later, &["a"]), &format!("-r US {option}"));
        columns(&store, "videos", &["video_id"]).contains(&json!(["old"]))
    };
    assert!(is_kept(29 * 86_400, ""));
    assert!(is_kept(29 * 86_400 + 1, "--keep 30d"));
    assert!(is_kept(7200, "--keep 2h"));
    assert!(!is_kept(29 * 86_400 + 1, ""));
}

fn a_run_is_recorded_even_if_old_rows_cannot_be_deleted(store: Store) {
    record(&store, &document(days(now(), -40), vec![chart("US", &["old"])]));
    record(&store, &document(days(now(), -1), vec![chart("US", &["US-a"])]));
    refuse(&store, "DELETE ON videos");
    let server = server_at(now(), &["a"]);
    let outcome = run_into(&store, &server, "-r US").finish().exits(0);
    let told = "the run is stored, but not everything older than 29d was deleted: ";
    assert!(outcome.stderr.contains(told) && outcome.stderr.contains("not today"), "{}", outcome.stderr);
    // Each batch is a transaction: the old chart is gone as a whole.
    assert_eq!(columns(&store, "videos", &["video_id"]), [json!(["US-a"]), json!(["old"])]);
    assert_eq!(columns(&store, "chart_entries", &["video_id"]), vec![json!(["US-a"]); 2]);
    assert_eq!(columns(&store, "runs", &["pruned"]), [json!([false]), json!([false]), json!([true])]);
    // The next run deletes the rest.
    allow(&store);
    run_into(&store, &server, "-r US").finish().exits(0);
    assert_eq!(columns(&store, "videos", &["video_id"]), [json!(["US-a"])]);
}

fn old_rows_are_deleted_in_batches(store: Store) {
    // One more than the first batch takes.
    let many: Vec<String> = (0..20_001).map(|number| format!("gone-{number}")).collect();
    record(&store, &document(days(now(), -40), vec![chart("US", &many)]));
    record(&store, &document(days(now(), -1), vec![chart("US", &["stays"])]));
    let outcome = command(&store, "prune --keep 30d").finish().exits(0);
    assert!(outcome.stdout.starts_with("deleted the charts of 1 run(s), and 20001 video(s); "), "{}", outcome.stdout);
    assert_eq!((count(&store, "videos"), count(&store, "presence"), count(&store, "places")), (1, 1, 1));
}

fn prune_deletes_only_log_rows_without_charts(store: Store) {
    let now = now();
    for age in [400, 60, 40, 20] {
        record(&store, &document(days(now, -age), vec![chart("US", &["a"]), failed("PL", ErrorKind::Timeout)]));
    }
    let said = |options: &str| command(&store, &format!("prune {options}")).finish().exits(0).stdout;
    // All charts are still kept.
    assert!(said("--log 30d").starts_with("deleted 0 run(s) of the log; "), "{}", said("--log 30d"));
    assert_eq!((count(&store, "runs"), count(&store, "run_regions")), (4, 8));
    let both = said("--keep 50d --log 90d");
    let expected = "deleted the charts of 2 run(s), and 0 video(s), and 1 run(s) of the log; ";
    assert!(both.starts_with(expected), "{both}");
    assert_eq!((count(&store, "runs"), count(&store, "run_regions")), (3, 6));
    assert!(said("--log 1m").starts_with("deleted 1 run(s) of the log; "));
    let ages = columns(&store, "runs", &["fetched_at"]);
    assert_eq!((ages, count(&store, "run_regions")), (vec![json!([days(now, -40)]), json!([days(now, -20)])], 4));
    assert!(command(&store, "changes --all").finish().exits(0).stdout.starts_with("US: "));
}

fn prune_warns_if_a_reader_keeps_it_from_reclaiming_space(store: Store) {
    let many: Vec<String> = (0..3000).map(|number| format!("gone-{number}")).collect();
    record(&store, &document(days(now(), -40), vec![chart("US", &many)]));
    record(&store, &document(days(now(), -1), vec![chart("US", &["stays"])]));
    let mut reader = Reader::begin(&store);
    assert_eq!(reader.count(), 2);
    let outcome = command(&store, "prune --keep 30d").finish().exits(0);
    assert!(outcome.stdout.starts_with("deleted the charts of 1 run(s), and 3000 video(s); "), "{}", outcome.stdout);
    let why = if is_postgres(&store) {
        "of runs, which another session keeps locked"
    } else {
        "another program reads the file"
    };
    let told = format!("the data is deleted, but not all of its space was freed: {why}");
    assert!(outcome.stderr.contains(&told) && outcome.stderr.lines().count() == 1, "{}", outcome.stderr);
    assert_eq!((count(&store, "videos"), reader.count()), (1, 2));
}

fn prune_reports_what_it_did_before_an_error(store: Store) {
    for age in [60, 50, 1] {
        record(&store, &document(days(now(), -age), vec![chart("US", &[format!("v{age}")])]));
    }
    refuse(&store, "DELETE ON videos");
    let outcome = command(&store, "prune --keep 30d").finish().exits(1);
    assert!(outcome.stdout.starts_with("deleted the charts of 2 run(s), and 0 video(s); "), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("not today"), "{}", outcome.stderr);
}

fn prune_deletes_runs_dated_in_the_future(store: Store) {
    record(&store, &document(hours(now(), -9), vec![chart("US", &["a", "b"])]));
    record(&store, &document(days(now(), 20), vec![chart("US", &["a", "ahead"])]));
    let outcome = command(&store, "prune --ahead").finish().exits(0);
    assert!(outcome.stdout.starts_with("deleted the charts of 1 run(s), and 0 video(s); "), "{}", outcome.stdout);
    assert_eq!(columns(&store, "chart_entries", &["video_id"]), [json!(["a"]), json!(["b"])]);
    for table in ["videos", "presence"] {
        let seen = columns(&store, table, &["first_seen_at", "last_seen_at"]);
        let times = seen.iter().flat_map(|row| row.as_array().unwrap()).map(|time| at(time.as_str().unwrap()));
        assert!(times.max().unwrap() <= now(), "{table}: {seen:?}");
    }
    let outcome = command(&store, "changes").finish().exits(0);
    assert!(!outcome.stderr.contains("yet to come"), "{}", outcome.stderr);
}

/// The size of the history in bytes.
fn size(store: &Store) -> u64 {
    if !is_postgres(store) {
        return fs::metadata(&store.url).unwrap().len();
    }
    let tables = ["runs", "run_regions", "videos", "places", "counts", "presence"];
    let sizes = tables.map(|table| format!("pg_total_relation_size('{table}')"));
    store.query(&format!("SELECT {}", sizes.join(" + ")))[0].parse().unwrap()
}

fn prune_deletes_what_has_expired_and_shrinks_the_history(store: Store) {
    let (long_ago, recently) = (days(now(), -40), days(now(), -3));
    let many: Vec<String> = (0..3000).map(|number| format!("gone-{number}")).collect();
    let old = document(long_ago, vec![chart("US", &many), chart("PL", &["stays", "gone"])]);
    load(&store, &old).exits(0);
    record(&store, &document(recently, vec![chart("US", &["new"]), chart("PL", &["stays"])]));
    let before = (size(&store), rows(&store, "run_regions"));
    // Nothing has expired.
    let outcome = command(&store, "prune --keep 41d").finish().exits(0);
    assert!(outcome.stdout.starts_with("deleted the charts of 0 run(s), and 0 video(s); "), "{}", outcome.stdout);
    assert_eq!(count(&store, "videos"), 3003);
    let outcome = command(&store, "prune --keep 30d").finish().exits(0);
    assert!(outcome.stdout.starts_with("deleted the charts of 1 run(s), and 3001 video(s); "), "{}", outcome.stdout);
    assert_eq!((outcome.stdout.lines().count(), &*outcome.stderr), (1, ""));
    assert_eq!(
        columns(&store, "videos", &["video_id", "first_seen_at"]),
        [json!(["new", recently]), json!(["stays", long_ago])]
    );
    assert_eq!(
        columns(&store, "presence", &["region", "video_id", "first_seen_at"]),
        [json!(["PL", "stays", long_ago]), json!(["US", "new", recently])]
    );
    assert_eq!((count(&store, "places"), count(&store, "counts")), (2, 2));
    assert_eq!(rows(&store, "run_regions"), before.1);
    assert_eq!(columns(&store, "runs", &["pruned"]), [json!([false]), json!([true])]);
    // Nothing is left to delete. If PostgreSQL's autovacuum looked at the rows, the first time could not give their space
    // back.
    wait_until("the history to get smaller", || {
        let is_smaller = size(&store) < before.0 / 3;
        assert!(is_smaller || is_postgres(&store), "{} bytes became {}", before.0, size(&store));
        let again = command(&store, "prune --keep 30d").finish().exits(0).stdout;
        assert!(again.starts_with("deleted the charts of 0 run(s), and 0 video(s); "), "{again}");
        is_smaller
    });
    assert_no_leftovers(&store);
}

fn a_pruned_run_is_not_compared(store: Store) {
    let start = days(now(), -40);
    record(&store, &document(start, vec![chart("US", &["a"])]));
    record(&store, &document(days(now(), -2), vec![chart("US", &["a", "b"])]));
    let shown = || command(&store, "changes -f json").finish().exits(0).document()["regions"].clone();
    assert_eq!(shown()[0]["entered"][0]["video_id"], "b");
    command(&store, "prune --keep 30d").finish().exits(0);
    assert_eq!(shown(), json!([]));
    record(&store, &document(days(now(), -1), vec![chart("US", &["b"])]));
    // `first_seen_at` outlives the run that saw the video first, since a later run saw it again.
    let left = &shown()[0]["left"][0];
    assert_eq!((&left["video_id"], &left["first_seen_at"]), (&json!("a"), &json!(start)));
}
