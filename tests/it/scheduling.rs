//! `fetch` under paused time, with a transport that only notes when it was asked: exact send times.

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

/// Answers what `answer` says to (region, how many of it came before), after [`LATENCY`]; of the slow
/// regions JP and VN, after two and five times that.
struct Fake<A> {
    start: Instant,
    sends: Sends,
    in_flight: Arc<Mutex<(usize, usize)>>,
    answer: A,
}

impl<A: Fn(&str, usize) -> Result<Response, AttemptFailure> + Send + Sync + 'static> Transport for Fake<A> {
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
        let times = [("JP", 2), ("VN", 5)].into_iter().find(|(slow, _)| *slow == region).map_or(1, |(_, times)| times);
        sleep(times * LATENCY).await;
        self.in_flight.lock().unwrap().0 -= 1;
        (self.answer)(&region, nth).map(|Response { head, body }| (head, body))
    }
}

struct Deaf;

impl Observer for Deaf {
    fn observe(&self, _: usize, _: &Event<'_>) {}
}

fn status(status: u16) -> ResponseHead {
    ResponseHead { status, ..ResponseHead::default() }
}

fn page() -> Result<Response, AttemptFailure> {
    Ok(Response { head: status(200), body: br#"{"items":[{"id":"one"}]}"#.to_vec() })
}

fn limited(retry_after: &str) -> Result<Response, AttemptFailure> {
    Ok(Response { head: ResponseHead { retry_after: Some(retry_after.to_owned()), ..status(429) }, body: Vec::new() })
}

fn broken() -> Result<Response, AttemptFailure> {
    Ok(Response { head: status(503), body: Vec::new() })
}

fn plan(regions: &str) -> Plan {
    Plan {
        request: Request { regions: region_list::parse(regions).unwrap(), max_results: 50, category_id: None },
        description: false,
        concurrency: Some(3),
        retry: RetryPolicy { retries: 4, backoff: Duration::from_millis(500), max_wait: 60 * SECOND },
        deadline: None,
        max_units: None,
    }
}

/// What came, when what was sent, and the most that were in flight at once.
struct Ran {
    fetched: FetchOutcome,
    sends: Vec<(Duration, String)>,
    most_in_flight: usize,
    took: Duration,
}

impl Ran {
    fn kinds(&self) -> Vec<Option<ErrorKind>> {
        self.fetched.charts.iter().map(|chart| chart.outcome.error().map(|error| error.kind)).collect()
    }
    fn after(&self, time: Duration) -> Vec<Duration> {
        self.sends.iter().map(|(at, _)| *at).filter(|at| *at > time).collect()
    }
}

async fn run(
    plan: Plan,
    answer: impl Fn(&str, usize) -> Result<Response, AttemptFailure> + Send + Sync + 'static,
) -> Ran {
    run_until(plan, answer, pending()).await
}

async fn run_until(
    plan: Plan,
    answer: impl Fn(&str, usize) -> Result<Response, AttemptFailure> + Send + Sync + 'static,
    cancelled: impl Future<Output = ()>,
) -> Ran {
    let start = Instant::now();
    let (sends, in_flight) = (Sends::default(), Arc::new(Mutex::new((0, 0))));
    let fake = Fake { start, sends: Arc::clone(&sends), in_flight: Arc::clone(&in_flight), answer };
    let began = StartTime { instant: start, timestamp: "2026-11-22T21:00:00Z".parse().unwrap() };
    let fetched = fetch(plan, began, fake, Arc::new(Deaf), cancelled).await;

    Ran {
        fetched,
        sends: sends.lock().unwrap().clone(),
        most_in_flight: in_flight.lock().unwrap().1,
        took: start.elapsed(),
    }
}

#[tokio::test(start_paused = true)]
async fn permits_bound_what_is_in_flight_and_nothing_else_delays() {
    for (concurrency, rounds, most) in [(Some(1), 8, 1), (Some(3), 3, 3), (None, 1, 8)] {
        let ran = run(Plan { concurrency, ..plan("dailywatch") }, |_, _| page()).await;
        assert_eq!((ran.most_in_flight, ran.took.as_millis()), (most, LATENCY.as_millis() * rounds));
    }
}

/// A page with another one after it.
fn page_of_many(_: &str, nth: usize) -> Result<Response, AttemptFailure> {
    let body = format!(r#"{{"items":[{{"id":"one"}}],"nextPageToken":"{nth}"}}"#).into_bytes();
    page().map(|reply| Response { body, ..reply })
}

#[tokio::test(start_paused = true)]
async fn requests_are_sent_in_the_order_of_asking() {
    let mut plan = Plan { concurrency: Some(1), ..plan("JP,US,GB") };
    plan.request.max_results = 150;
    let sends = run(plan, page_of_many).await.sends;
    // Every region's first page goes before any second one, however long a page of JP takes.
    let order: Vec<&str> = sends.iter().map(|(_, region)| region.as_str()).collect();
    assert_eq!(order, ["JP", "US", "GB"].repeat(3));
}

#[tokio::test(start_paused = true)]
async fn after_a_429_nobody_sends_before_its_retry_after_has_passed() {
    let ran =
        run(plan("dailywatch"), |region, nth| if region == "GB" && nth == 0 { limited("7") } else { page() }).await;
    assert_eq!(ran.kinds(), vec![None; 8]);
    // US, GB and DE were sent together; US was answered in the same moment as GB, so one more may have gone out with it.
    let before = ran.sends.iter().filter(|(at, _)| *at <= LATENCY).count();
    assert!((3..=4).contains(&before), "{:?}", ran.sends);
    let later = ran.after(LATENCY);
    assert_eq!(later.len() + before, 9);
    assert!(later.iter().all(|at| *at >= LATENCY + 7 * SECOND), "{later:?}");
    assert!(*later.iter().min().unwrap() <= LATENCY + 7 * SECOND + RESTART_JITTER, "{later:?}");
    assert_eq!(ran.most_in_flight, 3);
    assert_eq!(ran.fetched.held, 7 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn the_first_second_after_a_hold_sees_no_more_requests_than_permits() {
    for concurrency in [1, 3, 20] {
        let plan = Plan { concurrency: Some(concurrency), ..plan("all") };
        let ran = run(plan, |region, nth| if region == "AE" && nth == 0 { limited("2") } else { page() }).await;
        assert!(ran.kinds().iter().all(Option::is_none));
        let restart = LATENCY + 2 * SECOND;
        let first_second = ran.sends.iter().filter(|(at, _)| (restart..restart + SECOND).contains(at)).count();
        assert_eq!(first_second, concurrency);
        let second_second =
            ran.sends.iter().filter(|(at, _)| (restart + SECOND..restart + 2 * SECOND).contains(at)).count();
        assert!(second_second > 2 * concurrency, "{second_second} with -c {concurrency}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_longer_of_two_holds_counts_and_is_counted_once() {
    let answer = |region: &str, nth| match (region, nth) {
        ("US", 0) => limited("3"),
        ("GB", 0) => limited("9"),
        ("DE", 0) => limited("1"),
        _ => page(),
    };
    let ran = run(plan("US,GB,DE,FR"), answer).await;
    assert_eq!(ran.kinds(), [None; 4]);
    assert!(ran.after(LATENCY).iter().all(|at| *at >= LATENCY + 9 * SECOND), "{:?}", ran.sends);
    assert_eq!(ran.fetched.held, 9 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_429_without_a_time_is_waited_out_for_five_seconds() {
    for garbage in ["", "soon", "-3", "3 minutes"] {
        let ran = run(plan("US"), move |_, nth| if nth == 0 { limited(garbage) } else { page() }).await;
        let again = ran.sends[1].0;
        assert!(
            again >= LATENCY + 5 * SECOND && again <= LATENCY + 5 * SECOND + RESTART_JITTER,
            "{garbage:?}: {again:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_limited_regions_as_permits_are_no_deadlock() {
    let ran =
        run(plan("US,GB,DE,FR,IN"), |region, nth| if nth == 0 && region != "IN" { limited("2") } else { page() }).await;
    assert_eq!(ran.kinds(), [None; 5]);
    assert!(ran.took < 10 * SECOND, "{:?}", ran.took);
}

#[tokio::test(start_paused = true)]
async fn a_backoff_holds_back_its_own_request_alone() {
    let plan = Plan {
        concurrency: Some(1),
        retry: RetryPolicy { backoff: 30 * SECOND, ..plan("US").retry },
        ..plan("US,GB,DE")
    };
    let ran = run(plan, |region, nth| if region == "US" && nth == 0 { broken() } else { page() }).await;
    // The permit is free while US waits: GB and DE follow at once.
    let order: Vec<&str> = ran.sends.iter().map(|(_, region)| region.as_str()).collect();
    assert_eq!(order, ["US", "GB", "DE", "US"]);
    assert_eq!(ran.sends[1].0, LATENCY);
    assert_eq!(ran.sends[2].0, 2 * LATENCY);
}

#[tokio::test(start_paused = true)]
async fn a_5xx_that_names_a_time_is_not_asked_again_before_it() {
    let answer = |_: &str, nth| {
        if nth == 0 {
            limited("8").map(|reply| Response { head: ResponseHead { status: 503, ..reply.head }, ..reply })
        } else {
            page()
        }
    };
    let ran = run(plan("US"), answer).await;
    assert_eq!(ran.sends[1].0, LATENCY + 8 * SECOND);
    assert_eq!(ran.fetched.held, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_silence_beyond_max_wait_ends_the_batch_without_another_request() {
    let ran = run(plan("dailywatch"), |region, _| if region == "US" { limited("61") } else { page() }).await;
    let asked = ran.sends.len();
    // What was in flight finishes.
    assert!((3..=5).contains(&asked), "{:?}", ran.sends);
    let errors: Vec<_> = ran.fetched.charts.iter().filter_map(|chart| chart.outcome.error()).collect();
    assert!(
        errors.iter().all(|error| error.kind == ErrorKind::RateLimited && error.message.contains("61 s")),
        "{errors:?}"
    );
    assert_eq!(errors.len(), 8 - (asked - 1));
    assert!(ran.took <= 2 * LATENCY, "{:?}", ran.took);
    assert_eq!(ran.fetched.held, Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_silence_beyond_the_deadline_is_not_begun() {
    let plan = Plan { deadline: Some(5 * SECOND), ..plan("US,GB") };
    let ran = run(plan, |_, _| limited("6")).await;
    assert_eq!(ran.kinds(), [Some(ErrorKind::RateLimited); 2]);
    assert_eq!(ran.took, LATENCY);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_abandons_what_is_unfinished_and_keeps_what_arrived() {
    let plan = Plan { concurrency: Some(1), deadline: Some(LATENCY * 5 / 2), ..plan("US,GB,DE,FR") };
    let ran = run(plan, |_, _| page()).await;
    assert_eq!(ran.kinds(), [None, None, Some(ErrorKind::Deadline), Some(ErrorKind::Deadline)]);
    assert_eq!(ran.took, LATENCY * 5 / 2);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_run_sends_nothing_more_and_keeps_what_arrived() {
    let plan = Plan { concurrency: Some(1), ..plan("US,GB,DE,FR") };
    let ran = run_until(plan, |_, _| page(), sleep(LATENCY * 3 / 2)).await;
    assert_eq!(ran.kinds(), [None, Some(ErrorKind::Cancelled), Some(ErrorKind::Cancelled), Some(ErrorKind::Cancelled)]);
    assert_eq!((ran.took, ran.sends.len()), (LATENCY * 3 / 2, 2));
}

#[tokio::test(start_paused = true)]
async fn retries_come_out_of_one_budget_for_the_run() {
    // 111 planned requests: a fifth is 22.
    let ran = run(plan("all"), |_, _| broken()).await;
    assert_eq!(ran.sends.len(), 111 + 22);
    assert!(ran.kinds().iter().all(|kind| *kind == Some(ErrorKind::ServerError)));
    // 8 planned: at least 10.
    assert_eq!(run(plan("dailywatch"), |_, _| broken()).await.sends.len(), 18);
}

#[tokio::test(start_paused = true)]
async fn waited_out_429s_do_not_use_up_that_budget() {
    let ran = run(plan("all"), |_, nth| if nth == 0 { limited("1") } else { page() }).await;
    let errors: Vec<_> = ran.fetched.charts.iter().filter_map(|chart| chart.outcome.error()).collect();
    assert!(errors.is_empty(), "{} {:?} {:?}", errors.len(), errors.first(), ran.sends);
    assert_eq!(ran.sends.len(), 222);
}

#[tokio::test(start_paused = true)]
async fn one_request_is_tried_once_and_four_times_more() {
    let ran = run(plan("US"), |_, _| broken()).await;
    assert_eq!((ran.sends.len(), ran.kinds()), (5, vec![Some(ErrorKind::ServerError)]));
    let ran = run(plan("US"), |_, _| limited("10")).await;
    assert_eq!((ran.sends.len(), ran.kinds()), (5, vec![Some(ErrorKind::RateLimited)]));
    // The fifth answer asked for silence too, which nobody is left to keep.
    assert!(ran.fetched.held >= 40 * SECOND && ran.fetched.held < 50 * SECOND, "{:?}", ran.fetched.held);
}

#[tokio::test(start_paused = true)]
async fn a_refused_key_is_asked_with_at_most_once_per_permit() {
    let refused = || Ok(Response { head: status(401), body: Vec::new() });
    for concurrency in [1, 3] {
        let ran = run(Plan { concurrency: Some(concurrency), ..plan("all") }, move |_, _| refused()).await;
        assert_eq!(ran.sends.len(), concurrency);
        assert!(ran.kinds().iter().all(|kind| *kind == Some(ErrorKind::KeyRejected)));
    }
}

#[tokio::test(start_paused = true)]
async fn the_units_of_a_run_are_never_exceeded() {
    let ran = run(Plan { max_units: Some(5), ..plan("dailywatch") }, |_, _| page()).await;
    assert_eq!(ran.sends.len(), 5);
    assert_eq!(ran.kinds().iter().filter(|kind| **kind == Some(ErrorKind::Budget)).count(), 3);
}

#[tokio::test(start_paused = true)]
async fn after_a_429_no_more_than_permits_begin_in_a_second_whatever_it_asks_for() {
    for retry_after in ["0", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let until = Instant::now() + 5 * SECOND;
        let limit = move |_: &str, _| if Instant::now() < until { limited(retry_after) } else { page() };
        let ran = run(Plan { retry: RetryPolicy { retries: 20, ..plan("US").retry }, ..plan("all") }, limit).await;
        let sends: Vec<Duration> =
            ran.sends.iter().map(|(at, _)| *at).filter(|at| *at > LATENCY && *at < SECOND * 5).collect();
        for at in &sends {
            let within = sends.iter().filter(|other| (*at..*at + SECOND).contains(*other)).count();
            assert!(within <= 3, "{within} in the second from {at:?}");
        }
        assert!(sends.len() >= 3, "sent again within the five seconds");
    }
}

#[tokio::test(start_paused = true)]
async fn unexplained_limits_are_waited_out_ever_longer_while_nothing_succeeds() {
    let ran = run(plan("US"), |_, nth| if nth < 4 { limited("") } else { page() }).await;
    assert_eq!((ran.kinds(), ran.fetched.held), (vec![None], (5 + 10 + 20 + 40) * SECOND));
    // All three were in flight when the hold began: that is one step, not three.
    let ran = run(plan("US,GB,DE"), |_, nth| if nth == 0 { limited("") } else { page() }).await;
    assert_eq!((ran.kinds(), ran.fetched.held), (vec![None; 3], 5 * SECOND));
    let ran = run(plan("US,GB"), |region, nth| match (region, nth) {
        ("US", 0) | ("GB", 1) => limited(""),
        _ => page(),
    });
    assert!(ran.await.fetched.held < 16 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_stays_limited_ends_the_run_after_five_holds() {
    let ran = run(plan("all"), |_, _| limited("10")).await;
    assert!(ran.kinds().iter().all(|kind| *kind == Some(ErrorKind::RateLimited)));
    // At most one on each permit before each hold, and after the last.
    assert!((6..=6 * 3).contains(&ran.sends.len()), "{}", ran.sends.len());
    let errors = ran.fetched.charts.iter().filter_map(|chart| chart.outcome.error());
    assert!(errors.clone().any(|error| error.message.contains("still limited after 5 waits")));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_request_that_cannot_be_paid_for() {
    let answer = |region: &str, _| if region == "DE" { limited("15") } else { page() };
    let ran = run(Plan { concurrency: Some(1), max_units: Some(3), ..plan("US,GB,DE,FR") }, answer).await;
    assert_eq!(ran.kinds(), [None, None, Some(ErrorKind::Budget), Some(ErrorKind::Budget)]);
    assert_eq!((ran.sends.len(), ran.took), (3, 3 * LATENCY));
    // Nor one that waits for its backoff.
    let ran = run(Plan { max_units: Some(1), ..plan("US") }, |_, _| broken()).await;
    assert_eq!((ran.kinds(), ran.took), (vec![Some(ErrorKind::Budget)], LATENCY));
}

/// A 429 whose body names the window of the limit.
fn limited_per(unit: &str) -> Result<Response, AttemptFailure> {
    let body = format!(
        r#"{{"error":{{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{{"reason":"RATE_LIMIT_EXCEEDED","metadata":{{"quota_unit":"{unit}"}}}}]}}}}"#
    );
    Ok(Response { head: status(429), body: body.into_bytes() })
}

#[tokio::test(start_paused = true)]
async fn a_limit_per_minute_is_waited_out_for_its_minute() {
    let ran = run(plan("US"), |_, nth| if nth == 0 { limited_per("1/min/{project}") } else { page() }).await;
    assert_eq!((ran.kinds(), ran.fetched.held), (vec![None], 60 * SECOND));
    // Not beyond what may be waited: it is our guess.
    let retry = RetryPolicy { max_wait: 20 * SECOND, ..plan("US").retry };
    let ran =
        run(Plan { retry, ..plan("US") }, |_, nth| if nth == 0 { limited_per("1/min/{project}") } else { page() });
    assert_eq!(ran.await.fetched.held, 20 * SECOND);
}
