//! The rows that a run writes, and what the next run changes in them.

use super::*;

on_both_engines! {
    a_run_is_stored_as_rows
    failed_and_partial_regions_are_stored_with_their_error
    every_field_of_a_video_is_stored_in_its_column
    values_that_no_database_can_hold_become_null_or_are_replaced
    a_run_in_which_every_region_failed_is_recorded
    a_run_ended_by_a_signal_is_recorded_whole
    a_second_run_updates_videos_and_keeps_first_seen_at
    a_run_without_descriptions_keeps_the_last_ones
    a_description_loaded_late_does_not_replace_a_newer_one
}

fn a_run_is_stored_as_rows(store: Store) {
    let server = Server::of_pages(&["a", "b"]);
    let outcome = run_into(&store, &server, "-r US,PL -n 7 --category Music --json").finish().exits(0);
    let document = outcome.document();
    let (run_id, fetched_at, stats) = (&document["run_id"], &document["fetched_at"], &document["stats"]);
    assert_eq!(
        rows(&store, "runs"),
        [json!({
            "id": run_id, "fetched_at": fetched_at, "source": "127.0.0.1", "category_id": 10, "max_results": 7,
            "status": "ok", "raw": 4, "unique_videos": 4, "multi_region": 0, "skipped": 0, "requests": 2, "retries": 0,
            "rate_limited": 0, "quota_units": 2, "elapsed_ms": stats["elapsed_ms"], "held_ms": 0, "pruned": false
        })]
    );
    let row = |index: usize| {
        let told = &stats["regions"][index];
        json!({
            "run_id": run_id, "region": told["region"], "status": "ok", "videos": 2, "error_kind": null,
            "error_message": null, "requests": 1, "retries": 0, "elapsed_ms": told["elapsed_ms"],
            "fetched_at": fetched_at
        })
    };
    assert_eq!(rows(&store, "run_regions"), sorted([row(0), row(1)]));
    let entry =
        |region: &str, rank: u32, id: &str| json!({"run_id": run_id, "region": region, "rank": rank, "video_id": id});
    assert_eq!(
        rows(&store, "chart_entries"),
        sorted([entry("PL", 1, "PL-a"), entry("PL", 2, "PL-b"), entry("US", 1, "US-a"), entry("US", 2, "US-b")])
    );
    let observed = |id: &str| json!({"run_id": run_id, "video_id": id, "views": 1000, "likes": 10, "comments": 1});
    assert_eq!(rows(&store, "observations"), ["PL-a", "PL-b", "US-a", "US-b"].map(observed));
    let present = |region: &str, id: &str| {
        json!({
            "source": "127.0.0.1", "region": region, "category_id": 10, "video_id": id, "first_seen_at": fetched_at,
            "last_seen_at": fetched_at
        })
    };
    assert_eq!(
        rows(&store, "presence"),
        [present("PL", "PL-a"), present("PL", "PL-b"), present("US", "US-a"), present("US", "US-b")]
    );
}

fn failed_and_partial_regions_are_stored_with_their_error(store: Store) {
    let server = Server::start(|hit| match (hit.region(), hit.token()) {
        ("PL", None) => Answer::page(&["a"], Some("more")),
        ("PL", Some(_)) => Answer::refusal(503, "backendError"),
        ("DE", _) => Answer::refusal(404, "videoChartNotFound"),
        ("FR", _) => Answer::refusal(403, "forbidden\0"),
        _ => Answer::page(&["a", "b"], None),
    });
    let outcome =
        run_into(&store, &server, "-r US,PL,DE,FR -n 60 -c 1 --retries 1 --backoff 1ms --json").finish().exits(3);
    let names = ["region", "status", "videos", "error_kind", "requests", "retries"];
    assert_eq!(
        columns(&store, "run_regions", &names),
        [
            json!(["DE", "failed", 0, "region_unsupported", 1, 0]),
            json!(["FR", "failed", 0, "forbidden", 1, 0]),
            json!(["PL", "partial", 1, "server_error", 3, 1]),
            json!(["US", "ok", 2, null, 1, 0]),
        ]
    );
    let document = outcome.document();
    for row in rows(&store, "run_regions") {
        let stats = crate::harness::region_row(&document, row["region"].as_str().unwrap());
        assert_eq!(row["error_message"], stats["error"]["message"]);
    }
    assert_eq!(columns(&store, "runs", &["status", "raw", "unique_videos"]), [json!(["partial", 3, 2])]);
    assert_eq!(
        columns(&store, "chart_entries", &["region", "rank"]),
        [json!(["PL", 1]), json!(["US", 1]), json!(["US", 2])]
    );
}

fn every_field_of_a_video_is_stored_in_its_column(store: Store) {
    let server = Server::start(|hit| {
        let mut full = item("full");
        full["snippet"]["title"] = "Zażółć 🎵\n|second line".into();
        full["snippet"]["description"] = "What it is about".into();
        full["snippet"]["liveBroadcastContent"] = "live".into();
        full["snippet"]["tags"] = json!(["eins", "zwei, drei", "\"quoted\" \\"]);
        full["snippet"]["defaultAudioLanguage"] = "de-AT".into();
        full["contentDetails"]["contentRating"] = json!({"ytRating": "ytAgeRestricted"});
        let mut soon = item("soon");
        soon["snippet"]["liveBroadcastContent"] = "upcoming".into();
        soon["contentDetails"]["duration"] = "P0D".into();
        soon["status"]["embeddable"] = false.into();
        soon["statistics"]["likeCount"] = Value::Null;
        match hit.region() {
            "PL" => Answer::json(&json!({"items": [full, soon, {"id": "bare"}]})),
            _ => Answer::json(&json!({"items": [{"id": "bare"}, {"id": "full", "statistics": {"viewCount": "1001"}}]})),
        }
    });
    let saved = |store: &Store, time: Timestamp, arguments: &str| -> Value {
        let file = store.folder.path().join("document.json");
        assert_eq!(run_at(time, store, &server, &format!("{arguments} -o {}", file.display())), 0);
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    };
    let first = saved(&store, at(NOON), "-r PL,XX --description");
    for id in ["full", "soon", "bare"] {
        assert_eq!(stored(&store, id), row_from(&first, id));
    }
    // What the document has is tested elsewhere; these show that it is not empty.
    let full = stored(&store, "full");
    assert_eq!((&full["title"], &full["views"]), (&json!("Zażółć 🎵\n|second line"), &json!(1001)));
    assert_eq!((&full["tags"][1], &full["language_tag"]), (&json!("zwei, drei"), &json!("de-AT")));
    // An observation is what this run saw in all its regions.
    let observed = columns(&store, "observations", &["video_id", "views", "likes"]);
    assert_eq!(observed, [json!(["bare", null, null]), json!(["full", 1001, 10]), json!(["soon", 1000, null])]);
    // The second run got less, and the latest values count. A run without descriptions keeps the last ones.
    let one = hours(at(NOON), 1);
    let second = saved(&store, one, "-r XX");
    for id in ["full", "bare"] {
        let mut expected = row_from(&second, id);
        for kept in ["description", "description_fetched_at", "first_seen_at"] {
            expected[kept] = row_from(&first, id)[kept].clone();
        }
        assert_eq!(stored(&store, id), expected);
    }
    // A run without descriptions stores none.
    let bare = another(&store);
    assert_eq!(run_at(at(NOON), &bare, &server, "-r PL"), 0);
    assert_eq!(columns(&bare, "videos", &["description", "description_fetched_at"]), vec![json!([null, null]); 3]);
}

/// The row of a video without the column that only PostgreSQL has.
fn stored(store: &Store, id: &str) -> Value {
    let mut row = row_of(store, id);
    row.as_object_mut().unwrap().remove("search");
    row
}

/// The row that a document's video becomes if the history knows nothing else about it: all its fields but those that
/// follow from others or belong to chart entries.
fn row_from(document: &Value, id: &str) -> Value {
    let video = document["videos"].as_array().unwrap().iter().find(|video| video["video_id"] == id).unwrap();
    let mut row = video.clone();
    let fields = row.as_object_mut().unwrap();
    for left_out in ["url", "category", "regions", "ranks", "fetched_at"] {
        fields.remove(left_out).unwrap();
    }
    fields.entry("description").or_insert(Value::Null);
    let fetched_at = &document["fetched_at"];
    row["description_fetched_at"] = if row["description"].is_null() { Value::Null } else { fetched_at.clone() };
    (row["first_seen_at"], row["last_seen_at"]) = (fetched_at.clone(), fetched_at.clone());
    row
}

fn values_that_no_database_can_hold_become_null_or_are_replaced(store: Store) {
    let server = Server::start(|_| {
        let mut odd = item("odd");
        odd["snippet"]["title"] = "a\0b".into();
        odd["snippet"]["channelTitle"] = "\0".into();
        odd["snippet"]["channelId"] = "UC\0".into();
        odd["snippet"]["description"] = "\0\0".into();
        odd["snippet"]["tags"] = json!(["\0x", "y"]);
        odd["snippet"]["thumbnails"]["default"]["url"] = "https://\0".into();
        odd["snippet"]["publishedAt"] = "-000001-01-01T00:00:00Z".into();
        odd["statistics"] = json!({
            "viewCount": "9223372036854775808", "likeCount": "18446744073709551615", "commentCount": "9223372036854775807"
        });
        Answer::json(&json!({"items": [odd]}))
    });
    let outcome = run_into(&store, &server, "-r US --description --json").finish().exits(0);
    // The document has the original values.
    assert_eq!(outcome.document()["videos"][0]["views"], 9_223_372_036_854_775_808_u64);
    assert_eq!(outcome.document()["videos"][0]["title"], "a\0b");
    let names = ["title", "channel", "channel_id", "description", "tags", "thumbnail"];
    assert_eq!(
        columns(&store, "videos", &names),
        [json!(["a\u{fffd}b", "\u{fffd}", null, "\u{fffd}\u{fffd}", ["\u{fffd}x", "y"], null])]
    );
    let counts = ["views", "likes", "comments"];
    assert_eq!(columns(&store, "observations", &counts), [json!([null, null, i64::MAX])]);
    assert_eq!(columns(&store, "videos", &counts), [json!([null, null, i64::MAX])]);
    assert_eq!(columns(&store, "videos", &["published_at"]), [json!([null])]);
}

fn a_run_in_which_every_region_failed_is_recorded(store: Store) {
    let down = Server::start(|_| Answer::new(503, ""));
    run_into(&store, &down, "-r US,PL --retries 0").finish().exits(1);
    let spent = Server::start(|_| Answer::refusal(403, "quotaExceeded"));
    run_into(&store, &spent, "-r US,PL -c 1").finish().exits(4);
    assert_eq!(columns(&store, "runs", &["status", "raw"]), vec![json!(["failed", 0]); 2]);
    assert_eq!(
        columns(&store, "run_regions", &["error_kind", "region", "status"]),
        [
            json!(["quota_exceeded", "PL", "failed"]),
            json!(["quota_exceeded", "US", "failed"]),
            json!(["server_error", "PL", "failed"]),
            json!(["server_error", "US", "failed"]),
        ]
    );
    assert_eq!((count(&store, "videos"), count(&store, "chart_entries"), count(&store, "presence")), (0, 0, 0));
}

fn a_run_ended_by_a_signal_is_recorded_whole(store: Store) {
    let (server, gate) = holding(&["PL"]);
    let run = RunningProcess::start(run_into(&store, &server, "-r US,PL -c 1 --timeout 60s"));
    wait_until("the second region", || server.log().len() == 2);
    run.signal(rustix::process::Signal::TERM);
    run.end().exits(143);
    gate.open();
    assert_eq!(columns(&store, "runs", &["status", "raw"]), [json!(["partial", 2])]);
    let told = columns(&store, "run_regions", &["region", "status", "error_kind"]);
    assert_eq!(told, [json!(["PL", "failed", "cancelled"]), json!(["US", "ok", null])]);
    assert_eq!(count(&store, "chart_entries"), 2);
}

/// A server that answers one video with these values.
fn server_of(title: &'static str, views: &'static str, description: &'static str) -> Server {
    Server::start(move |_| {
        let mut video = item("a");
        video["snippet"]["title"] = title.into();
        video["snippet"]["description"] = description.into();
        video["statistics"]["viewCount"] = views.into();
        Answer::json(&json!({"items": [video]}))
    })
}

fn a_second_run_updates_videos_and_keeps_first_seen_at(store: Store) {
    let (first, second) = (at(NOON), hours(at(NOON), 7));
    assert_eq!(run_at(first, &store, &server_of("Old", "5", ""), "-r US,PL"), 0);
    assert_eq!(run_at(second, &store, &server_of("New", "4", ""), "-r US"), 0);
    assert_eq!(
        columns(&store, "videos", &["title", "views", "first_seen_at", "last_seen_at"]),
        [json!(["New", 4, first, second])]
    );
    let names = ["region", "first_seen_at", "last_seen_at"];
    assert_eq!(columns(&store, "presence", &names), [json!(["PL", first, first]), json!(["US", first, second])]);
    // The counts of each run stay.
    assert_eq!(columns(&store, "observations", &["views"]), [json!([4]), json!([5])]);
}

fn a_run_without_descriptions_keeps_the_last_ones(store: Store) {
    let described = |store: &Store| columns(store, "videos", &["title", "description", "description_fetched_at"]);
    let time = |hour: i64| hours(at(NOON), hour);
    run_at(time(0), &store, &server_of("0", "1", "first"), "-r US --description");
    run_at(time(1), &store, &server_of("1", "1", "never asked for"), "-r US");
    assert_eq!(described(&store), [json!(["1", "first", time(0)])]);
    run_at(time(2), &store, &server_of("2", "1", "second"), "-r US --description");
    assert_eq!(described(&store), [json!(["2", "second", time(2)])]);
    // The owner may remove the description.
    run_at(time(3), &store, &server_of("3", "1", ""), "-r US --description");
    assert_eq!(described(&store), [json!(["3", "", time(3)])]);
}

fn a_description_loaded_late_does_not_replace_a_newer_one(store: Store) {
    let told = |hour: i64, description: Option<&str>| {
        let mut document = document(hours(at(NOON), hour), vec![chart("US", &["a"])]);
        document.videos[0].video.description = description.map(Into::into);
        record(&store, &document);
        columns(&store, "videos", &["description", "description_fetched_at"])
    };
    assert_eq!(told(5, None), [json!([null, null])]);
    assert_eq!(told(2, Some("two")), [json!(["two", hours(at(NOON), 2)])]);
    assert_eq!(told(1, Some("one")), [json!(["two", hours(at(NOON), 2)])]);
    assert_eq!(told(3, Some("three")), [json!(["three", hours(at(NOON), 3)])]);
}
