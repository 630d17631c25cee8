//! The pipeline over a real socket.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Answer, KEY, Run, Server, ids, item, region_row};

#[test]
fn a_request_selects_the_used_fields_and_has_the_key_in_a_header_only() {
    let server = Server::of_pages(&["a"]);
    Run::on(&server, "-r PL -n 7 --category comedy --json").finish().exits(0);
    let hit = &server.log()[0];
    assert_eq!(hit.path, "/youtube/v3/videos");
    let query = |name: &str| hit.query[name].as_str();
    assert_eq!(query("part"), "snippet,contentDetails,statistics,status");
    assert_eq!((query("chart"), query("regionCode"), query("maxResults")), ("mostPopular", "PL", "7"));
    assert_eq!((query("videoCategoryId"), query("prettyPrint")), ("23", "false"));
    assert!(query("fields").contains("nextPageToken") && !query("fields").contains("description"));
    assert_eq!(hit.headers["x-goog-api-key"], KEY);
    assert!(hit.headers["user-agent"].contains("gzip") && hit.headers["accept-encoding"].contains("gzip"));
    assert_eq!(hit.headers["accept"], "application/json");
    assert!(!hit.query.contains_key("key") && !hit.headers.contains_key("referer"));
}

#[test]
fn the_log_shows_the_beginning_of_an_error_body_without_controls_and_key() {
    let shown = |status: u16, body: String| {
        let server = Server::start(move |_| Answer::new(status, body.clone()));
        let stderr = Run::on(&server, "-r PL -vv --retries 0").finish().stderr;
        assert!(!stderr.contains(&KEY[..8]), "{stderr}");
        let line = stderr.lines().find(|line| line.contains("no page")).unwrap().to_owned();
        line[line.find("body=").unwrap()..].to_owned()
    };
    for status in [200, 403, 500] {
        assert!(shown(status, "<h1>No\r\n\u{1b}[2J way</h1>".into()).contains(r"<h1>No \\u{1b}[2J way</h1>"));
        assert!(shown(status, format!("of {KEY}.")).contains("of [the key]."));
        // Cut after 200 characters, even within the key.
        assert!(shown(status, "ż".repeat(300)).contains(&format!("{}…", "ż".repeat(199))));
        assert!(shown(status, format!("{}{KEY}{}", "x".repeat(185), "y".repeat(99))).contains("x[the key]…"));
        // A message quotes a title up to its limit.
        shown(status, format!("<title>{}{KEY}</title>", "x".repeat(65)));
    }
}

#[test]
fn descriptions_are_fetched_only_on_request() {
    let answer = || {
        let mut item = item("a");
        item["snippet"]["description"] = json!("Long text");
        Answer::json(&json!({ "items": [item] }))
    };
    let server = Server::start(move |_| answer());
    let video = |document: &Value| document["videos"][0].clone();
    assert!(video(&Run::on(&server, "-r PL --json").finish().exits(0).document()).get("description").is_none());
    assert_eq!(
        video(&Run::on(&server, "-r PL --json --description").finish().exits(0).document())["description"],
        "Long text"
    );
    assert!(server.log()[1].query["fields"].contains("description"));
}

#[test]
fn paging_follows_tokens_up_to_the_requested_number() {
    let server = Server::start(|hit| {
        let page: usize = hit.token().map_or(0, |token| token.parse().unwrap());
        let size: usize = hit.query["maxResults"].parse().unwrap();
        let ids: Vec<String> = (0..size).map(|place| format!("p{page}-{place}")).collect();
        Answer::page(&ids, Some(&(page + 1).to_string()))
    });
    let document = Run::on(&server, "-r PL -n 120 --json").finish().exits(0).document();
    let sizes: Vec<String> = server.log().iter().map(|hit| hit.query["maxResults"].clone()).collect();
    assert_eq!(sizes, ["50", "50", "20"]);
    assert_eq!(document["stats"]["raw"], 120);
    assert_eq!(document["videos"][119]["ranks"]["PL"], 120);
}

#[test]
fn a_repeated_page_token_ends_paging_with_a_warning() {
    let server = Server::start(|hit| Answer::page(&[format!("v{}", hit.nth)], Some("same")));
    let outcome = Run::on(&server, "-r PL -n 200 --json").finish().exits(0);
    assert_eq!(server.log().len(), 2);
    assert_eq!(ids(&outcome.document()), ["v0", "v1"]);
    assert!(outcome.stderr.contains("repeats a page token"), "{}", outcome.stderr);
}

#[test]
fn endless_pages_end_at_the_number_for_max_results() {
    let server = Server::start(|hit| Answer::page(&[] as &[&str], Some(&format!("t{}", hit.nth))));
    Run::on(&server, "-r PL -n 101 --json").finish().exits(1);
    assert_eq!(server.log().len(), 3);
}

#[test]
fn regions_are_merged_with_their_ranks_and_the_highest_counts() {
    let server = Server::start(|hit| {
        let mut shared = item("shared");
        let views = if hit.region() == "GB" { "2000" } else { "1500" };
        shared["statistics"] = json!({ "viewCount": views });
        if hit.region() == "PL" {
            shared["statistics"]["likeCount"] = json!("7");
            shared["snippet"]["title"] = json!("Inny tytuł");
        }
        let own = item(&format!("only-{}", hit.region()));
        Answer::json(&json!({"items": if hit.region() == "US" { vec![own, shared] } else { vec![shared, own] }}))
    });
    let document = Run::on(&server, "-r US,GB,PL --json").finish().exits(0).document();
    assert_eq!(ids(&document), ["only-US", "shared", "only-GB", "only-PL"]);
    let shared = &document["videos"][1];
    assert_eq!(shared["regions"], json!(["US", "GB", "PL"]));
    assert_eq!(shared["ranks"], json!({"US": 2, "GB": 1, "PL": 1}));
    assert_eq!((&shared["views"], &shared["likes"], &shared["comments"]), (&json!(2000), &json!(7), &Value::Null));
    assert_eq!(shared["title"], "Title of shared");
    let stats = &document["stats"];
    assert_eq!((&stats["raw"], &stats["unique"], &stats["multi_region"]), (&json!(6), &json!(4), &json!(1)));
    assert_eq!(stats["overlap"][0], json!({"regions": ["US", "GB"], "videos": 1}));
}

#[test]
fn the_document_does_not_depend_on_concurrency_or_the_order_of_responses() {
    // Each region has its own latency, the first one the longest.
    let server = Server::start(|hit| {
        let latency = match hit.region() {
            "US" => 60,
            "GB" => 40,
            "PL" => 20,
            _ => 0,
        };
        let page = hit.token().map_or(0, |_| 1);
        let ids: Vec<String> = (0..50)
            .map(|place| {
                if place % 3 == 0 { format!("shared{page}-{place}") } else { format!("{}{page}-{place}", hit.region()) }
            })
            .collect();
        Answer::page(&ids, (page == 0).then_some("next")).after(Duration::from_millis(latency))
    });
    let document = |concurrency: &str| {
        let mut document =
            Run::on(&server, &format!("-r US,GB,PL,DE -n 100 --json -c {concurrency}")).finish().exits(0).document();
        without_times(&mut document);
        document.to_string()
    };
    let one = document("1");
    assert_eq!(document("3"), one);
    assert_eq!(document("0"), one);
}

fn without_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "fetched_at" | "run_id") && !name.ends_with("_ms"));
            fields.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

#[test]
fn a_429_holds_for_its_second() {
    let server = Server::start(|hit| match (hit.region(), hit.nth) {
        ("PL", 0) => Answer::refusal(429, "rateLimitExceeded").header("retry-after", "1"),
        _ => Answer::page(&["a"], None),
    });
    let document = Run::on(&server, "-r US,PL --json").finish().exits(0).document();
    let of_pl: Vec<_> = server.log().iter().filter(|hit| hit.region() == "PL").map(|hit| hit.at).collect();
    assert!(of_pl[1] - of_pl[0] >= Duration::from_secs(1));
    let stats = &document["stats"];
    assert_eq!(
        (&stats["requests"], &stats["retries"], &stats["rate_limited"], &stats["quota_units"]),
        (&json!(3), &json!(1), &json!(1), &json!(3))
    );
    assert_eq!(stats["held_ms"], 1000);
}

#[test]
fn after_a_429_sending_pauses_and_restarts_gently() {
    let server = Server::start(|hit| match (hit.region(), hit.nth) {
        ("GB", 0) => Answer::new(429, "").header("retry-after", "1"),
        (region, _) => Answer::page(&[region], None),
    });
    Run::on(&server, "-r all -c 4 --json -q").finish().exits(0);
    let log = server.log();
    let limited = log.iter().find(|hit| hit.region() == "GB").unwrap().at;
    // Requests in flight with the 429 arrive within moments, all others after its second.
    let opens = limited + Duration::from_secs(1);
    let between = log.iter().filter(|hit| hit.at > limited + Duration::from_millis(500) && hit.at < opens).count();
    assert_eq!(between, 0);
    let first_second = log.iter().filter(|hit| hit.at >= opens && hit.at < opens + Duration::from_millis(990)).count();
    assert!((1..=4).contains(&first_second), "{first_second}");
    assert_eq!(log.len(), 112);
}

#[test]
fn after_a_spent_quota_no_further_request_is_sent() {
    for (concurrency, k) in [(1, 5), (3, 7), (8, 20)] {
        let count = std::sync::atomic::AtomicUsize::new(0);
        let server = Server::start(move |hit| match count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) + 1 {
            before if before < k => Answer::page(&[hit.region()], None),
            _ => Answer::refusal(403, "quotaExceeded"),
        });
        Run::on(&server, &format!("-r all -q --json -c {concurrency}")).finish().exits(4);
        let sent = server.log().len();
        assert!((k..k + concurrency).contains(&sent), "{sent} sent, request {k} was refused, -c {concurrency}");
    }
}

#[test]
fn a_failing_region_does_not_stop_the_others() {
    let server = Server::start(|hit| match hit.region() {
        "PL" => Answer::refusal(400, "videoChartNotFound"),
        region => Answer::page(&[region], None),
    });
    let outcome = Run::on(&server, "-r US,PL,GB --json").finish().exits(3);
    let document = outcome.document();
    assert_eq!(document["stats"]["regions_failed"], json!(["PL"]));
    assert_eq!(document["stats"]["regions_ok"], json!(["US", "GB"]));
    assert_eq!(region_row(&document, "PL")["error"]["kind"], "region_unsupported");
    assert_eq!(region_row(&document, "PL")["requests"], 1);
    let line = outcome.stderr.lines().find(|line| line.contains("1 of 3 regions failed")).unwrap();
    assert!(line.contains("PL region_unsupported (400 videoChartNotFound)"), "{line}");
}

#[test]
fn pages_before_a_failure_are_kept_as_partial() {
    let server = Server::start(|hit| match hit.token() {
        None => Answer::page(&["first"], Some("next")),
        Some(_) => Answer::refusal(404, "notFound"),
    });
    let document = Run::on(&server, "-r PL -n 100 --json").finish().exits(3).document();
    assert_eq!((region_row(&document, "PL")["status"].as_str(), ids(&document)), (Some("partial"), vec!["first"]));
    assert_eq!(document["stats"]["regions_failed"], json!(["PL"]));
}

#[test]
fn each_error_kind_has_its_retry_and_exit_status() {
    let per_day = json!({"error": {"code": 429, "message": "Quota exceeded for limit 'Queries per day'", "errors": [{"reason": "rateLimitExceeded"}], "status": "RESOURCE_EXHAUSTED"}});
    let big = vec![b' '; 9 << 20];
    // The response to every request, the kind, whether it is retried, the exit status.
    let table: Vec<(Answer, &str, bool, i32)> = vec![
        (Answer::refusal(400, "keyInvalid"), "key_rejected", false, 4),
        (Answer::new(401, ""), "key_rejected", false, 4),
        (Answer::refusal(403, "accessNotConfigured"), "key_rejected", false, 4),
        (Answer::refusal(403, "quotaExceeded"), "quota_exceeded", false, 4),
        (Answer::refusal(403, "dailyLimitExceeded"), "quota_exceeded", false, 4),
        (Answer::new(429, per_day.to_string()), "quota_exceeded", false, 4),
        (Answer::refusal(403, "userRateLimitExceeded").header("retry-after", "0"), "rate_limited", true, 1),
        (Answer::new(429, "").header("retry-after", "0"), "rate_limited", true, 1),
        (Answer::new(500, ""), "server_error", true, 1),
        (Answer::new(408, ""), "server_error", true, 1),
        (Answer::refusal(400, "invalidRegionCode"), "region_unsupported", false, 1),
        (Answer::refusal(400, "invalidParameter"), "bad_request", false, 1),
        (Answer::new(200, "<!doctype html><p>Log in"), "bad_response", false, 1),
        (Answer::new(200, r#"{"error": "no"}"#), "bad_response", false, 1),
        (Answer::new(200, r#"{"items": [{"id": "#), "truncated", true, 1),
        (Answer::new(302, "").header("location", "http://127.0.0.1:9/"), "bad_response", false, 1),
        (Answer::new(200, big), "too_large", false, 1),
        (Answer::new(200, "not gzip").header("content-encoding", "gzip"), "truncated", true, 1),
        (Answer::refusal(403, "forbidden"), "forbidden", false, 1),
    ];
    for (answer, kind, retried, exit) in table {
        let shown = format!("{kind}, exit {exit}");
        let server = Server::start(move |_| answer.clone());
        let document = Run::on(&server, "-r PL --json --retries 1 --backoff 1ms").finish().exits(exit).document();
        assert_eq!(region_row(&document, "PL")["error"]["kind"], kind, "{shown}");
        assert_eq!(server.log().len(), 1 + usize::from(retried), "{shown}");
    }
}

#[test]
fn no_connection_is_distinguished_from_a_timeout() {
    let nobody = format!("http://{}", std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let arguments = ["-r", "PL", "--json", "--retries", "0", "--base-url", &nobody];
    let document = Run::new(&arguments).finish().exits(1).document();
    assert_eq!(region_row(&document, "PL")["error"]["kind"], "connect");
    assert_eq!(document["source"], "127.0.0.1");

    let server = Server::start(|_| Answer::page(&["a"], None).after(Duration::from_secs(5)));
    let document = Run::on(&server, "-r PL --json --retries 0 --timeout 100ms").finish().exits(1).document();
    assert_eq!(region_row(&document, "PL")["error"]["kind"], "timeout");
}

#[test]
fn a_spent_quota_names_its_return_and_keeps_what_arrived() {
    let server = Server::start(|hit| {
        if hit.region() == "US" { Answer::page(&["a"], None) } else { Answer::refusal(403, "quotaExceeded") }
    });
    let outcome = Run::on(&server, "-r US,GB,DE,FR -c 1 --json").finish().exits(4);
    assert_eq!(server.asked(), ["US", "GB"]);
    assert_eq!(ids(&outcome.document()), ["a"]);
    assert!(outcome.stderr.contains("midnight Pacific") && outcome.stderr.contains(" UTC"), "{}", outcome.stderr);
}

#[test]
fn a_redirect_is_never_followed() {
    let elsewhere = Server::of_pages(&["a"]);
    let location = elsewhere.base_url.clone();
    let server = Server::start(move |_| Answer::new(307, "").header("location", format!("{location}/videos")));
    Run::on(&server, "-r PL --json").finish().exits(1);
    assert!(elsewhere.log().is_empty());
}

#[test]
fn an_empty_chart_is_ok_with_a_warning() {
    let server = Server::start(|hit| {
        if hit.region() == "LU" { Answer::page(&[] as &[&str], None) } else { Answer::page(&["a"], None) }
    });
    let outcome = Run::on(&server, "-r US,LU --json").finish().exits(0);
    assert_eq!(region_row(&outcome.document(), "LU")["status"], "ok");
    assert!(outcome.stderr.contains("the chart is empty"), "{}", outcome.stderr);
}

#[test]
fn an_interrupted_run_writes_what_arrived_and_exits_with_the_signal() {
    let server = Server::start(|hit| match hit.region() {
        "US" => Answer::page(&["a"], None),
        _ => Answer::page(&["b"], None).after(Duration::from_secs(30)),
    });
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let mut run = Run::on(&server, "-r US,GB -o trends.json --log-format json");
        let child = run.command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let asked = server.log().len();
        while server.log().len() < asked + 2 {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Lets the response of US arrive.
        std::thread::sleep(Duration::from_millis(200));
        assert!(std::process::Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code));
        let log = String::from_utf8(ended.stderr).unwrap();
        let last: Value = serde_json::from_str(log.lines().last().unwrap()).unwrap();
        assert_eq!(last["outcome"], "interrupted");
        let document: Value = serde_json::from_str(&std::fs::read_to_string(run.path("trends.json")).unwrap()).unwrap();
        assert_eq!(ids(&document), ["a"]);
        assert_eq!(region_row(&document, "GB")["error"]["kind"], "cancelled");
    }
}
