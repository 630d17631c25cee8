//! Tests `fetch` with paused time and a fake transport that records the exact send times.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, sleep};
use trendfetch::config::region_list;
use trendfetch::fetch::RESTART_JITTER;
use trendfetch::fetch::retry::RetryPolicy;
use trendfetch::fetch::{Event, FetchOutcome, Observer, Plan, StartTime, fetch};
use trendfetch::model::Request;
use trendfetch::model::error::ErrorKind;
use trendfetch::youtube::client::{Response, ResponseHead, Transport};
use trendfetch::youtube::failure::AttemptFailure;

const LATENCY: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

type Sends = Arc<Mutex<Vec<(Duration, String)>>>;

/// Responds with `respond(region, number of its earlier requests)` after [`LATENCY`], for the slow region JP after twice
/// that.
struct FakeTransport<R> {
    start: Instant,
    sends: Sends,
    /// Now, and at most.
    in_flight: Arc<Mutex<(usize, usize)>>,
    respond: R,
}

impl<R: Fn(&str, usize) -> Result<Response, AttemptFailure> + Send + Sync + 'static> Transport for FakeTransport<R> {
    type Body = Vec<u8>;

    async fn get(&self, query: &[(&'static str, String)]) -> Result<(ResponseHead, Vec<u8>), AttemptFailure> {
        let region = query.iter().find(|(name, _)| *name == "regionCode").unwrap().1.clone();
        let nth = {
            let mut sends = self.sends.lock().unwrap();
            sends.push((self.start.elapsed(), region.clone()));
            sends.iter().filter(|(_, other)| *other == region).count() - 1
        };
        {
            let mut in_flight = self.in_flight.lock().unwrap();
            in_flight.0 += 1;
            in_flight.1 = in_flight.1.max(in_flight.0);
        }
        sleep(if region == "JP" { 2 * LATENCY } else { LATENCY }).await;
        self.in_flight.lock().unwrap().0 -= 1;
        (self.respond)(&region, nth).map(|Response { head, body }| (head, body))
    }
}

struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _: usize, _: &Event<'_>) {}
}

fn status(status: u16) -> ResponseHead {
    ResponseHead { status, ..ResponseHead::default() }
}

fn page() -> Result<Response, AttemptFailure> {
    Ok(Response { head: status(200), body: br#"{"items":[{"id":"one"}]}"#.to_vec() })
}

fn rate_limited(retry_after: &str) -> Result<Response, AttemptFailure> {
    Ok(Response { head: ResponseHead { retry_after: Some(retry_after.to_owned()), ..status(429) }, body: Vec::new() })
}

fn server_error() -> Result<Response, AttemptFailure> {
    Ok(Response { head: status(503), body: Vec::new() })
}

fn plan(regions: &str) -> Plan {
    Plan {
        requests: vec![Request { regions: region_list::parse(regions).unwrap(), max_results: 50, category_id: None }],
        absent: HashMap::new(),
        description: false,
        concurrency: Some(3),
        retry: RetryPolicy { retries: 4, backoff: Duration::from_millis(500), max_wait: 60 * SECOND },
        deadline: None,
        max_units: None,
    }
}

struct RunResult {
    outcome: FetchOutcome,
    sends: Vec<(Duration, String)>,
    most_in_flight: usize,
    elapsed: Duration,
}

impl RunResult {
    fn error_kinds(&self) -> Vec<Option<ErrorKind>> {
        self.outcome.charts.iter().flatten().map(|chart| chart.outcome.error().map(|error| error.kind)).collect()
    }

    fn sends_after(&self, time: Duration) -> Vec<Duration> {
        self.sends.iter().map(|(at, _)| *at).filter(|at| *at > time).collect()
    }
}

async fn run(
    plan: Plan,
    respond: impl Fn(&str, usize) -> Result<Response, AttemptFailure> + Send + Sync + 'static,
) -> RunResult {
    run_until(plan, respond, pending()).await
}

async fn run_until(
    plan: Plan,
    respond: impl Fn(&str, usize) -> Result<Response, AttemptFailure> + Send + Sync + 'static,
    cancelled: impl Future<Output = ()>,
) -> RunResult {
    let start = Instant::now();
    let (sends, in_flight) = (Sends::default(), Arc::new(Mutex::new((0, 0))));
    let transport = FakeTransport { start, sends: Arc::clone(&sends), in_flight: Arc::clone(&in_flight), respond };
    let began = StartTime { instant: start, timestamp: "2026-11-22T21:00:00Z".parse().unwrap() };
    let outcome = fetch(plan, began, transport, Arc::new(NoObserver), cancelled).await;

    RunResult {
        outcome,
        sends: sends.lock().unwrap().clone(),
        most_in_flight: in_flight.lock().unwrap().1,
        elapsed: start.elapsed(),
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_concurrency_limit_delays_requests() {
    for (concurrency, rounds, most) in [(Some(1), 8, 1), (Some(3), 3, 3), (None, 1, 8)] {
        let result = run(Plan { concurrency, ..plan("dailywatch") }, |_, _| page()).await;
        assert_eq!((result.most_in_flight, result.elapsed.as_millis()), (most, LATENCY.as_millis() * rounds));
    }
}

/// A page that is followed by another one.
fn page_with_next(_: &str, nth: usize) -> Result<Response, AttemptFailure> {
    let body = format!(r#"{{"items":[{{"id":"one"}}],"nextPageToken":"{nth}"}}"#).into_bytes();
    page().map(|reply| Response { body, ..reply })
}

#[tokio::test(start_paused = true)]
async fn permits_are_granted_in_the_order_of_asking() {
    let mut plan = Plan { concurrency: Some(1), ..plan("JP,US,GB") };
    plan.requests[0].max_results = 150;
    let sends = run(plan, page_with_next).await.sends;
    // Every region's first page goes before any second one, however long a page of JP takes.
    let order: Vec<&str> = sends.iter().map(|(_, region)| region.as_str()).collect();
    assert_eq!(order, ["JP", "US", "GB"].repeat(3));
}

#[tokio::test(start_paused = true)]
async fn a_429_holds_all_regions_for_its_retry_after() {
    let result =
        run(plan("dailywatch"), |region, nth| if region == "GB" && nth == 0 { rate_limited("7") } else { page() })
            .await;
    assert_eq!(result.error_kinds(), vec![None; 8]);
    // US, GB and DE are sent together. US and GB get their responses at the same moment, so one more may be sent then.
    let before = result.sends.iter().filter(|(at, _)| *at <= LATENCY).count();
    assert!((3..=4).contains(&before), "{:?}", result.sends);
    let later = result.sends_after(LATENCY);
    assert_eq!(later.len() + before, 9);
    assert!(later.iter().all(|at| *at >= LATENCY + 7 * SECOND), "{later:?}");
    assert!(*later.iter().min().unwrap() <= LATENCY + 7 * SECOND + RESTART_JITTER, "{later:?}");
    assert_eq!(result.most_in_flight, 3);
    assert_eq!(result.outcome.held, 7 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_permits_begin_in_the_first_second_after_a_hold() {
    for concurrency in [1, 3, 20] {
        let plan = Plan { concurrency: Some(concurrency), ..plan("all") };
        let result = run(plan, |region, nth| if region == "AE" && nth == 0 { rate_limited("2") } else { page() }).await;
        assert!(result.error_kinds().iter().all(Option::is_none));
        let restart = LATENCY + 2 * SECOND;
        let first_second = result.sends.iter().filter(|(at, _)| (restart..restart + SECOND).contains(at)).count();
        assert_eq!(first_second, concurrency);
        let second_second =
            result.sends.iter().filter(|(at, _)| (restart + SECOND..restart + 2 * SECOND).contains(at)).count();
        assert!(second_second > 2 * concurrency, "{second_second} with -c {concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longer_of_two_holds_applies_and_is_counted_once() {
    let respond = |region: &str, nth| match (region, nth) {
        ("US", 0) => rate_limited("3"),
        ("GB", 0) => rate_limited("9"),
        ("DE", 0) => rate_limited("1"),
        _ => page(),
    };
    let result = run(plan("US,GB,DE,FR"), respond).await;
    assert_eq!(result.error_kinds(), [None; 4]);
    assert!(result.sends_after(LATENCY).iter().all(|at| *at >= LATENCY + 9 * SECOND), "{:?}", result.sends);
    assert_eq!(result.outcome.held, 9 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_429_without_a_valid_time_holds_for_five_seconds() {
    for invalid in ["", "soon", "-3", "3 minutes"] {
        let result = run(plan("US"), move |_, nth| if nth == 0 { rate_limited(invalid) } else { page() }).await;
        let second = result.sends[1].0;
        assert!(
            second >= LATENCY + 5 * SECOND && second <= LATENCY + 5 * SECOND + RESTART_JITTER,
            "{invalid:?}: {second:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn rate_limited_regions_do_not_occupy_the_permits() {
    let result =
        run(plan("US,GB,DE,FR,IN"), |region, nth| if nth == 0 && region != "IN" { rate_limited("2") } else { page() })
            .await;
    assert_eq!(result.error_kinds(), [None; 5]);
    assert!(result.elapsed < 10 * SECOND, "{:?}", result.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_backoff_delays_only_its_own_request() {
    let plan = Plan {
        concurrency: Some(1),
        retry: RetryPolicy { backoff: 30 * SECOND, ..plan("US").retry },
        ..plan("US,GB,DE")
    };
    let result = run(plan, |region, nth| if region == "US" && nth == 0 { server_error() } else { page() }).await;
    // The permit is free while US waits: GB and DE follow at once.
    let order: Vec<&str> = result.sends.iter().map(|(_, region)| region.as_str()).collect();
    assert_eq!(order, ["US", "GB", "DE", "US"]);
    assert_eq!(result.sends[1].0, LATENCY);
    assert_eq!(result.sends[2].0, 2 * LATENCY);
}

#[tokio::test(start_paused = true)]
async fn a_5xx_is_not_retried_before_its_retry_after() {
    let respond = |_: &str, nth| {
        if nth == 0 {
            rate_limited("8").map(|reply| Response { head: ResponseHead { status: 503, ..reply.head }, ..reply })
        } else {
            page()
        }
    };
    let result = run(plan("US"), respond).await;
    assert_eq!(result.sends[1].0, LATENCY + 8 * SECOND);
    assert_eq!(result.outcome.held, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_max_wait_ends_the_run_without_another_request() {
    let result = run(plan("dailywatch"), |region, _| if region == "US" { rate_limited("61") } else { page() }).await;
    let sent = result.sends.len();
    // Requests in flight finish.
    assert!((3..=5).contains(&sent), "{:?}", result.sends);
    let errors: Vec<_> = result.outcome.charts.iter().flatten().filter_map(|chart| chart.outcome.error()).collect();
    assert!(
        errors.iter().all(|error| error.kind == ErrorKind::RateLimited && error.message.contains("61 s")),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 8 - (sent - 1));
    assert!(result.elapsed <= 2 * LATENCY, "{:?}", result.elapsed);
    assert_eq!(result.outcome.held, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_beyond_the_deadline_ends_the_run_at_once() {
    let plan = Plan { deadline: Some(5 * SECOND), ..plan("US,GB") };
    let result = run(plan, |_, _| rate_limited("6")).await;
    assert_eq!(result.error_kinds(), [Some(ErrorKind::RateLimited); 2]);
    assert_eq!(result.elapsed, LATENCY);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_abandons_requests_in_flight_and_keeps_what_arrived() {
    let plan = Plan { concurrency: Some(1), deadline: Some(LATENCY * 5 / 2), ..plan("US,GB,DE,FR") };
    let result = run(plan, |_, _| page()).await;
    assert_eq!(result.error_kinds(), [None, None, Some(ErrorKind::Deadline), Some(ErrorKind::Deadline)]);
    assert_eq!(result.elapsed, LATENCY * 5 / 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_sends_nothing_more_and_keeps_what_arrived() {
    let plan = Plan { concurrency: Some(1), ..plan("US,GB,DE,FR") };
    let result = run_until(plan, |_, _| page(), sleep(LATENCY * 3 / 2)).await;
    assert_eq!(
        result.error_kinds(),
        [None, Some(ErrorKind::Cancelled), Some(ErrorKind::Cancelled), Some(ErrorKind::Cancelled)]
    );
    assert_eq!((result.elapsed, result.sends.len()), (LATENCY * 3 / 2, 2));
}

#[tokio::test(start_paused = true)]
async fn retries_share_one_budget_for_the_run() {
    // 111 planned requests: a fifth is 22.
    let result = run(plan("all"), |_, _| server_error()).await;
    assert_eq!(result.sends.len(), 111 + 22);
    assert!(result.error_kinds().iter().all(|kind| *kind == Some(ErrorKind::ServerError)));
    // 8 planned: at least 10.
    assert_eq!(run(plan("dailywatch"), |_, _| server_error()).await.sends.len(), 18);
}

#[tokio::test(start_paused = true)]
async fn holds_do_not_use_up_the_retry_budget() {
    let result = run(plan("all"), |_, nth| if nth == 0 { rate_limited("1") } else { page() }).await;
    let errors: Vec<_> = result.outcome.charts.iter().flatten().filter_map(|chart| chart.outcome.error()).collect();
    assert!(errors.is_empty(), "{} {:?} {:?}", errors.len(), errors.first(), result.sends);
    assert_eq!(result.sends.len(), 222);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_retried_four_times() {
    let result = run(plan("US"), |_, _| server_error()).await;
    assert_eq!((result.sends.len(), result.error_kinds()), (5, vec![Some(ErrorKind::ServerError)]));
    let result = run(plan("US"), |_, _| rate_limited("10")).await;
    assert_eq!((result.sends.len(), result.error_kinds()), (5, vec![Some(ErrorKind::RateLimited)]));
    // The fifth response asks for a hold too, but no region is left to wait for it.
    assert!(result.outcome.held >= 40 * SECOND && result.outcome.held < 50 * SECOND, "{:?}", result.outcome.held);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_key_is_used_at_most_once_per_permit() {
    let refused = || Ok(Response { head: status(401), body: Vec::new() });
    for concurrency in [1, 3] {
        let result = run(Plan { concurrency: Some(concurrency), ..plan("all") }, move |_, _| refused()).await;
        assert_eq!(result.sends.len(), concurrency);
        assert!(result.error_kinds().iter().all(|kind| *kind == Some(ErrorKind::KeyRejected)));
    }
}

#[tokio::test(start_paused = true)]
async fn max_units_is_never_exceeded() {
    let result = run(Plan { max_units: Some(5), ..plan("dailywatch") }, |_, _| page()).await;
    assert_eq!(result.sends.len(), 5);
    assert_eq!(result.error_kinds().iter().filter(|kind| **kind == Some(ErrorKind::Budget)).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_than_permits_begin_in_a_second_after_any_429() {
    for retry_after in ["0", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let until = Instant::now() + 5 * SECOND;
        let limit = move |_: &str, _| if Instant::now() < until { rate_limited(retry_after) } else { page() };
        let result = run(Plan { retry: RetryPolicy { retries: 20, ..plan("US").retry }, ..plan("all") }, limit).await;
        let sends: Vec<Duration> =
            result.sends.iter().map(|(at, _)| *at).filter(|at| *at > LATENCY && *at < SECOND * 5).collect();
        for at in &sends {
            let within = sends.iter().filter(|other| (*at..*at + SECOND).contains(*other)).count();
            assert!(within <= 3, "{within} in the second from {at:?}");
        }
        assert!(sends.len() >= 3, "sent again within the five seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn holds_grow_while_no_request_succeeds() {
    let result = run(plan("US"), |_, nth| if nth < 4 { rate_limited("") } else { page() }).await;
    assert_eq!((result.error_kinds(), result.outcome.held), (vec![None], (5 + 10 + 20 + 40) * SECOND));
    // All three were in flight when the hold began: it grows once, not three times.
    let result = run(plan("US,GB,DE"), |_, nth| if nth == 0 { rate_limited("") } else { page() }).await;
    assert_eq!((result.error_kinds(), result.outcome.held), (vec![None; 3], 5 * SECOND));
    let result = run(plan("US,GB"), |region, nth| match (region, nth) {
        ("US", 0) | ("GB", 1) => rate_limited(""),
        _ => page(),
    });
    assert!(result.await.outcome.held < 16 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn five_holds_without_a_success_end_the_run() {
    let result = run(plan("all"), |_, _| rate_limited("10")).await;
    assert!(result.error_kinds().iter().all(|kind| *kind == Some(ErrorKind::RateLimited)));
    // At most one on each permit before each hold, and after the last.
    assert!((6..=6 * 3).contains(&result.sends.len()), "{}", result.sends.len());
    let errors = result.outcome.charts.iter().flatten().filter_map(|chart| chart.outcome.error());
    assert!(errors.clone().any(|error| error.message.contains("still limited after 5 waits")));
}

#[tokio::test(start_paused = true)]
async fn no_region_waits_for_a_request_beyond_max_units() {
    let respond = |region: &str, _| if region == "DE" { rate_limited("15") } else { page() };
    let result = run(Plan { concurrency: Some(1), max_units: Some(3), ..plan("US,GB,DE,FR") }, respond).await;
    assert_eq!(result.error_kinds(), [None, None, Some(ErrorKind::Budget), Some(ErrorKind::Budget)]);
    assert_eq!((result.sends.len(), result.elapsed), (3, 3 * LATENCY));
    // Nor for a backoff.
    let result = run(Plan { max_units: Some(1), ..plan("US") }, |_, _| server_error()).await;
    assert_eq!((result.error_kinds(), result.elapsed), (vec![Some(ErrorKind::Budget)], LATENCY));
}

/// A 429 whose body names the window of the limit.
fn rate_limited_per(unit: &str) -> Result<Response, AttemptFailure> {
    let body = format!(
        r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{{"reason":"RATE_LIMIT_EXCEEDED","metadata":{{"quota_unit":"{unit}"}}}}]}}}}"#
    );
    Ok(Response { head: status(429), body: body.into_bytes() })
}

#[tokio::test(start_paused = true)]
async fn a_limit_per_minute_holds_for_a_minute() {
    let result = run(plan("US"), |_, nth| if nth == 0 { rate_limited_per("1/min/{project}") } else { page() }).await;
    assert_eq!((result.error_kinds(), result.outcome.held), (vec![None], 60 * SECOND));
    // At most --max-wait, since the window is only a guess.
    let retry = RetryPolicy { max_wait: 20 * SECOND, ..plan("US").retry };
    let result =
        run(Plan { retry, ..plan("US") }, |_, nth| if nth == 0 { rate_limited_per("1/min/{project}") } else { page() });
    assert_eq!(result.await.outcome.held, 20 * SECOND);
}
