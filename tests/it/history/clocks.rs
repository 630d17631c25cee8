//! A wrong clock must neither delete nor date anything.

use super::*;

on_both_engines! {
    a_wrong_clock_deletes_nothing_and_dates_nothing
    a_server_without_a_date_does_not_confirm_the_clock
    only_prune_deletes_more_than_half_at_once
    facts_dated_in_the_future_are_not_newer
    the_program_reports_a_wrong_clock
}

/// Records runs of these ages in days, each with charts of its own.
fn record_days_ago(store: &Store, ages: &[i64]) {
    for age in ages {
        record(store, &document(days(now(), -age), vec![chart("PL", &[format!("old-{age}"), "all".to_owned()])]));
    }
}

fn charts_of(store: &Store) -> Vec<Value> {
    columns(store, "chart_entries", &["video_id"])
}

/// Asserts that every time of the run that has this video lies between the two.
#[track_caller]
fn assert_dated(store: &Store, video_id: &str, from: Timestamp, until: Timestamp) {
    let is_between = |value: &Value| {
        let time = at(value.as_str().unwrap());
        from <= time && time <= until
    };
    let row = row_of(store, video_id);
    assert!(is_between(&row["first_seen_at"]) && is_between(&row["last_seen_at"]), "{row}");
    let run_id = store.query(&format!("SELECT run_id FROM chart_entries WHERE video_id = '{video_id}'"))[0].clone();
    for (table, key) in [("runs", "id"), ("run_regions", "run_id")] {
        for row in rows(store, table).iter().filter(|row| row[key] == run_id.as_str()) {
            assert!(is_between(&row["fetched_at"]), "{row}");
        }
    }
    // A UUIDv7 begins with its time (RFC 9562 §5.7).
    let milliseconds = uuid::Uuid::parse_str(&run_id).unwrap().as_u128() >> 80;
    let time = Timestamp::from_millisecond(milliseconds as i64).unwrap();
    assert!(from <= time && time <= hours(until, 1), "{run_id}: {time}");
}

fn a_wrong_clock_deletes_nothing_and_dates_nothing(store: Store) {
    record_days_ago(&store, &[20, 10, 1]);
    let before = charts_of(&store);
    let truth = now();
    for (wrong, id) in [(days(truth, 38), "US-ahead"), (days(truth, -38), "US-behind"), (hours(truth, 2), "US-two")] {
        let ids: &'static [&'static str] = match id {
            "US-ahead" => &["ahead"],
            "US-behind" => &["behind"],
            _ => &["two"],
        };
        assert_eq!(run_at(wrong, &store, &server_at(truth, ids), "-r US"), 0);
        // The answers came a moment after the start.
        assert_dated(&store, id, truth - SignedDuration::from_secs(60), truth + SignedDuration::from_secs(1));
    }
    let kept: Vec<Value> =
        charts_of(&store).into_iter().filter(|row| !row[0].as_str().unwrap().starts_with("US-")).collect();
    assert_eq!(kept, before);
    // A difference of less than an hour is tolerated.
    let near = truth + SignedDuration::from_mins(59);
    assert_eq!(run_at(near, &store, &server_at(truth, &["near"]), "-r US"), 0);
    assert_dated(&store, "US-near", near, near);
}

fn a_server_without_a_date_does_not_confirm_the_clock(store: Store) {
    record_days_ago(&store, &[20, 10, 1]);
    let before = charts_of(&store).len();
    // By this clock, two of three runs have expired, then one of four.
    for ahead in [19, 10] {
        run_at(days(now(), ahead), &store, &Server::of_pages(&["a"]), "-r US");
    }
    assert_eq!(charts_of(&store).len(), before + 2);
    // A server with a date confirms the clock.
    let later = days(now(), 10);
    run_at(later, &store, &server_at(later, &["a"]), "-r US");
    assert_eq!(charts_of(&store).len(), before + 1);
    // A warning says that expired charts stay. The demo has no other clock either.
    record(&store, &document(days(now(), -40), vec![chart("PL", &["old-40"])]));
    for run in [run_into(&store, &Server::of_pages(&["a"]), "-r US"), command(&store, "-r US --demo=calm")] {
        let outcome = run.finish().exits(0);
        let told = "1 run(s) of the history are older than 29d by this machine's clock alone, and stay";
        assert!(outcome.stderr.contains(told) && outcome.stderr.lines().count() == 1, "{}", outcome.stderr);
        assert!(charts_of(&store).contains(&json!(["old-40"])));
    }
}

fn only_prune_deletes_more_than_half_at_once(store: Store) {
    record_days_ago(&store, &[60, 50, 45]);
    let before = charts_of(&store).len();
    let server = server_at(now(), &["a"]);
    for _ in 0..3 {
        let outcome = run_into(&store, &server, "-r US").finish().exits(0);
        let since = days(now(), -45).to_string();
        // 45 days ago, the runs of 60 and 50 days ago had not expired.
        let told = format!("3 of the 3 runs that the history kept at {} are older than 29d now", &since[..10]);
        assert!(outcome.stderr.contains(&told[..50]), "{}", outcome.stderr);
        assert!(
            outcome.stderr.contains("delete them with: trendfetch prune --keep 29d --store "),
            "{}",
            outcome.stderr
        );
    }
    assert_eq!(charts_of(&store).len(), before + 3);
    command(&store, "prune --keep 29d").finish().exits(0);
    assert_eq!(charts_of(&store).len(), 3);
    let outcome = run_into(&store, &server, "-r US").finish().exits(0);
    assert_eq!((charts_of(&store).len(), &*outcome.stderr), (4, ""));
}

fn facts_dated_in_the_future_are_not_newer(store: Store) {
    let ahead = days(now(), 38);
    let mut wrong = document(ahead, vec![chart("US", &["US-a", "US-b"])]);
    for video in &mut wrong.videos {
        video.video.title = "Dated ahead".into();
        video.video.description = Some("Dated ahead".into());
    }
    record(&store, &wrong);
    let told = || columns(&store, "videos", &["video_id", "title", "description", "last_seen_at"]);
    let as_it_was = told();
    // Without a second clock, either time may be wrong.
    run_into(&store, &Server::of_pages(&["a"]), "-r US").finish().exits(0);
    assert_eq!(told(), as_it_was);
    // A time that lies in the past of one clock only may be right.
    run_at(days(now(), 60), &store, &server_at(now(), &["a"]), "-r US");
    assert_eq!(told(), as_it_was);
    let run = run_into(&store, &server_at(now(), &["a"]), "-r US --description --json").finish().exits(0).document();
    let begun = &run["fetched_at"];
    assert_eq!(
        told(),
        [json!(["US-a", "Title of US-a", "", begun]), json!(["US-b", "Dated ahead", "Dated ahead", ahead])]
    );
    let row = row_of(&store, "US-a");
    assert!(at(row["first_seen_at"].as_str().unwrap()) <= now(), "{row}");
    let presence = columns(&store, "presence", &["source", "video_id", "last_seen_at"]);
    assert!(presence.contains(&json!(["127.0.0.1", "US-a", begun])), "{presence:?}");
}

/// The library that gives a program another time. Reports it if it is not installed.
fn faketime() -> Option<String> {
    let folders = fs::read_dir("/usr/lib").ok()?.filter_map(Result::ok);
    let found = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1")).find(|path| path.exists());
    if found.is_none() {
        not_installed("libfaketime is not installed (apt-get install faketime)", "the real program with a wrong clock");
    }
    Some(found?.to_str()?.to_owned())
}

fn the_program_reports_a_wrong_clock(store: Store) {
    let Some(library) = faketime() else { return };
    record_days_ago(&store, &[20, 10, 1]);
    let before = charts_of(&store).len();
    for (runs, offset) in [(1, "+38d"), (2, "-38d")] {
        let begun = now();
        let outcome = run_into(&store, &server_at(now(), &["a"]), "-r US --json")
            .env("LD_PRELOAD", &library)
            .env("FAKETIME", offset)
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .finish()
            .exits(0);
        let line = outcome.stderr.lines().find(|line| line.contains("this machine's clock shows ")).unwrap();
        assert!(line.contains("ERROR") && line.contains("; set the clock"), "{line}");
        assert!(line.contains("the run is dated by the server, and nothing was deleted from the history"), "{line}");
        let (year, month) = (&begun.to_string()[..4], days(begun, offset[..3].parse().unwrap()).to_string());
        assert!(line.contains(&format!("the server's {year}")) && line.contains(&month[..10]), "{line}");
        let document = outcome.document();
        let fetched =
            [&document["fetched_at"], &document["videos"][0]["fetched_at"]].map(|time| at(time.as_str().unwrap()));
        assert!(
            fetched.iter().all(|time| *time >= begun - SignedDuration::from_secs(60) && *time <= now()),
            "{document}"
        );
        assert_eq!(charts_of(&store).len(), before + runs);
    }
    // Without a history, the message does not mention one.
    let outcome = Run::on(&server_at(now(), &["a"]), "-r US -q")
        .env("LD_PRELOAD", &library)
        .env("FAKETIME", "+3h")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .finish()
        .exits(0);
    assert!(outcome.stderr.contains("the run is dated by the server; set the clock"), "{}", outcome.stderr);
}
