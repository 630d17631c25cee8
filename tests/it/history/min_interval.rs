//! `--min-interval`: when a run is not due.

use super::*;

on_both_engines! {
    hourly_starts_fetch_every_seven_hours
    hourly_starts_repeat_failed_regions_but_not_unsupported_ones
    a_run_is_due_unless_one_run_answered_its_whole_request
    a_run_that_is_not_due_prints_and_changes_nothing
}

/// Opens a history once the lock of the request is free. A server notices the end of a session a moment late; a new
/// process takes longer than that to start, but these runs share one process.
async fn open_when_free(history_config: &HistoryConfig, request: &Request, now: Timestamp) -> OpenOutcome {
    for _ in 0..10_000 {
        let opened = RunHistory::open(history_config, "youtube", std::slice::from_ref(request), now).await.unwrap();
        if opened.states != [RequestState::Busy] {
            return opened;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("the request stays locked")
}

/// The hours in which hourly starts with `--min-interval 7h` fetch. Each start is up to 20 seconds off the middle of its
/// minute. `answer` makes the charts of a run.
async fn hours_of_fetches(store: &Store, hourly_starts: i64, answer: impl Fn() -> Vec<RegionChart>) -> Vec<i64> {
    let mut jitter = fastrand::Rng::with_seed(7);
    let history_config = HistoryConfig {
        location: location(store),
        retention: Duration::from_secs(29 * 86_400),
        min_interval: Some(Duration::from_secs(7 * 3600)),
        store_argument: None,
    };
    let regions = answer().iter().map(|chart| chart.outcome.region).collect();
    let request = Request { regions, max_results: 50, category_id: None };
    let mut fetched = Vec::new();
    for hour in 0..hourly_starts {
        let start = hours(at("2026-11-22T00:05:30Z"), hour) + SignedDuration::from_secs(jitter.i64(-20..=20));
        let OpenOutcome { history, states, .. } = open_when_free(&history_config, &request, start).await;
        match states[0] {
            RequestState::Due => {
                history.unwrap().record(&Arc::new(document(start, answer())), None).await.unwrap();
                fetched.push(hour);
            }
            RequestState::NotDue(began) => {
                let last = hours(at("2026-11-22T00:05:30Z"), *fetched.last().unwrap());
                assert!(began.duration_since(last).abs() <= SignedDuration::from_secs(20), "{began}");
            }
            RequestState::Busy => panic!("waited for"),
        }
    }
    fetched
}

fn hourly_starts_fetch_every_seven_hours(store: Store) {
    // Connecting to a server takes some time.
    let starts = if is_postgres(&store) { 64 } else { 1000 };
    let fetched = wait(hours_of_fetches(&store, starts, || vec![chart("US", &["a"]), chart("PL", &["b"])]));
    let every_seventh: Vec<i64> = (0..starts).step_by(7).collect();
    assert_eq!(fetched, every_seventh);
    assert_eq!(count(&store, "runs"), every_seventh.len() as u64);
}

fn hourly_starts_repeat_failed_regions_but_not_unsupported_ones(store: Store) {
    let whole = || chart("US", &["a"]);
    let fetched = |answer: &dyn Fn() -> RegionChart| {
        let store = another(&store);
        wait(hours_of_fetches(&store, 8, || vec![whole(), answer()]))
    };
    assert_eq!(fetched(&|| failed("PL", ErrorKind::RegionUnsupported)), [0, 7]);
    assert_eq!(fetched(&|| chart::<&str>("PL", &[])), [0, 7]);
    let every_hour: Vec<i64> = (0..8).collect();
    for kind in [ErrorKind::ServerError, ErrorKind::QuotaExceeded] {
        assert_eq!(fetched(&|| failed("PL", kind)), every_hour, "{kind}");
    }
    assert_eq!(fetched(&|| partial("PL", &["b"], ErrorKind::ServerError)), every_hour);
}

fn a_run_is_due_unless_one_run_answered_its_whole_request(store: Store) {
    let server = Server::start(|hit| match (hit.region(), hit.token()) {
        ("DE", _) => Answer::refusal(404, "videoChartNotFound"),
        ("FR", _) => Answer::refusal(503, "backendError"),
        ("IN", Some(_)) => Answer::refusal(503, "backendError"),
        ("IN", None) => Answer::page(&["a"], Some("more")),
        _ => Answer::page(&["a"], None),
    });
    // First run, second run, minutes between them, and whether the second one fetches. Each pair has its own day.
    let pairs = [
        ("-r US,PL", "-r US,PL", 59, false),
        ("-r US,PL", "-r US,PL", 60, true),
        ("-r US,PL", "-r US,PL", 0, false),
        // A run is dated in the future, by a wrong clock.
        ("-r US,PL", "-r US,PL", -1, true),
        ("-r US,PL", "-r pl,us", 10, false),
        ("-r US,PL", "-r US", 10, false),
        ("-r US,PL", "-r US,AT", 10, true),
        ("-r US,PL", "-r US,PL --category 10", 10, true),
        ("-r US,PL --category 10", "-r US,PL", 10, true),
        ("-r US,PL --category 10", "-r US,PL --category Music", 10, false),
        ("-r US,PL -n 49", "-r US,PL -n 50", 10, true),
        ("-r US,PL -n 51", "-r US,PL -n 50", 10, false),
        ("-r US,PL", "-r US,PL --description", 10, false),
        ("-r US,DE", "-r DE,US", 10, false),
        ("-r US,FR --retries 0", "-r US,FR --retries 0", 10, true),
        // The failed region is not requested.
        ("-r US,FR --retries 0", "-r US", 10, false),
        ("-r US,IN -n 60 --retries 0", "-r US,IN -n 60 --retries 0", 10, true),
    ];
    for (day, (first, second, minutes, fetches)) in (1..).zip(pairs) {
        let start = days(at(NOON), day);
        run_at(start, &store, &server, first);
        let asked = server.log().len();
        let later = start + SignedDuration::from_mins(minutes);
        let exit = run_at(later, &store, &server, &format!("{second} --min-interval 1h"));
        assert_eq!(server.log().len() > asked, fetches, "{first}, then {second}");
        assert!(fetches || exit == 0, "{first}, then {second}: {exit}");
    }
    // Two runs that answer the request together do not count, nor does a run of another source.
    let start = days(at(NOON), 100);
    run_at(start, &store, &server, "-r US");
    run_at(start, &store, &server, "-r PL");
    record(&store, &document(start, vec![chart("US", &["a"]), chart("PL", &["a"])]));
    let asked = server.log().len();
    run_at(start, &store, &server, "-r US,PL --min-interval 1h");
    assert_eq!(server.log().len(), asked + 2);
}

fn a_run_that_is_not_due_prints_and_changes_nothing(store: Store) {
    let server = Server::of_pages(&["a"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("trends.json");
    let run = |arguments: &str| {
        let mut run = run_into(&store, &server, arguments);
        run.command.arg("-o").arg(&file);
        run.finish()
    };
    // The first one is due.
    run("-r US,PL --min-interval 1h").exits(0);
    let state = || (fs::read(&file).unwrap(), fs::metadata(&file).unwrap().ino(), dump(&store), server.log().len());
    let before = state();
    let outcome = run("-r US,PL --min-interval 1h").exits(0);
    assert_eq!((&*outcome.stdout, &*outcome.stderr), ("", ""));
    let outcome = run("-r US,PL --min-interval 1h -v --json -o -").exits(0);
    assert!(outcome.stdout.is_empty() && outcome.stderr.contains("not due"), "{}{}", outcome.stdout, outcome.stderr);
    assert!(state() == before, "something changed");
    assert_eq!(files_in(folder.path()), ["trends.json"]);
    assert_no_leftovers(&store);
    // Without the option, every run is due.
    run("-r US,PL").exits(0);
    assert_eq!(server.log().len(), 4);
}
