//! `demo`: fills a history with invented runs. The simulated API answers each of them as at its time, and the runs go
//! through the stages of a real one.

use std::collections::HashMap;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::print_message;
use crate::cli::{DemoArgs, TerminalArgs};
use crate::config::env::Env;
use crate::config::{self, region_list};
use crate::deduplicate::deduplicate;
use crate::demo::{Demo, Mode, Simulation};
use crate::fetch::retry::RetryPolicy;
use crate::fetch::{Event, FetchOutcome, Observer, Plan, StartTime, fetch};
use crate::history::run_history::lock_name;
use crate::history::{self, Access, Backend, Location, SeriesRuns};
use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::model::{Document, Request};
use crate::stats;
use crate::support::sanitize::shell_quote;
use crate::youtube::api_key::ApiKey;
use crate::youtube::client::{HttpClient, Network};

const SOURCE: &str = "demo";

/// The time between two runs. It differs from a divisor of a day, so that each hour of the day has its turn.
const INTERVAL: SignedDuration = SignedDuration::from_hours(7);

/// The default of `--regions`: the last one is not offered by YouTube.
const REGIONS: &str = "dailywatch,CN";

pub(super) async fn run(args: &DemoArgs, terminal: &TerminalArgs, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    env.check()?;
    let requests = requests(args)?;
    let missing = || UsageError("--store is empty; name a file or a database".into());
    let location = config::location(Some(&args.store), env)?.ok_or_else(missing)?;
    let mut backend = history::open(&location, Access::Create).await?;
    let filled = fill(&mut *backend, &location, &requests, args.days, now).await;
    backend.close().await;
    print_message(&summary(&filled?, &location), terminal)?;
    Ok(())
}

fn requests(args: &DemoArgs) -> Result<Vec<Request>, UsageError> {
    let list = if args.regions.is_empty() { REGIONS.to_owned() } else { args.regions.join(",") };
    let regions = region_list::parse(&list)?;
    let max_results = args.max_results;
    let categories = args.categories()?.into_iter();
    Ok(categories
        .map(|category| Request { regions: regions.clone(), max_results, category_id: category.id() })
        .collect())
}

/// What was added to a history.
#[derive(Debug, Default)]
struct Filled {
    runs: usize,
    /// The start of the first run and of the last one.
    period: Option<(Timestamp, Timestamp)>,
    /// The region that was out of order for a while.
    outage: Option<Region>,
}

/// Adds the runs that the history does not have yet, the oldest first.
async fn fill(
    backend: &mut dyn Backend,
    location: &Location,
    requests: &[Request],
    days: u32,
    now: Timestamp,
) -> anyhow::Result<Filled> {
    let names: Vec<String> = requests.iter().map(|request| lock_name(SOURCE, request)).collect();
    let are_locked = backend.lock_requests(&names).await?;
    anyhow::ensure!(
        !are_locked.contains(&false),
        "another run of the demo is using this history; repeat when it has ended"
    );
    let known = backend.series(Timestamp::MAX).await?;
    let is_foreign = match known.is_empty() {
        true => !backend.requested_regions().await?.is_empty(),
        false => known.iter().any(|series| series.series.source != SOURCE),
    };
    if is_foreign {
        let message = format!("{location} holds runs that are not of the demo; name another history for it");
        return Err(UsageError(message).into());
    }
    let mut filled = Filled::default();
    for ScheduledRun { start, mode } in schedule(days, now) {
        let due: Vec<Request> = requests.iter().filter(|request| is_due(request, &known, start)).cloned().collect();
        if due.is_empty() {
            continue;
        }
        if mode == Mode::Outage {
            filled.outage = offered(&due).last().copied();
        }
        for document in simulate(due, mode, start).await? {
            backend.record(&document, None).await?;
            filled.runs += 1;
        }
        filled.period = Some((filled.period.map_or(start, |(first, _)| first), start));
    }
    Ok(filled)
}

struct ScheduledRun {
    start: Timestamp,
    mode: Mode,
}

/// The runs by time, the last of which is now. In some of the middle ones, and not in the last two, one region is out
/// of order.
fn schedule(days: u32, now: Timestamp) -> Vec<ScheduledRun> {
    let back = i32::try_from(i64::from(days) * 24 / INTERVAL.as_hours()).unwrap_or(i32::MAX);
    let latest = (back / 2).max(2);
    let outage = latest..latest + (back / 8).max(1);
    let mode = |back: i32| if outage.contains(&back) { Mode::Outage } else { Mode::Calm };
    let start = |back: i32| now.checked_sub(INTERVAL * back).ok();
    (0..=back).rev().filter_map(|back| Some(ScheduledRun { start: start(back)?, mode: mode(back) })).collect()
}

/// Whether no run of the same category was less than an interval before, or later.
fn is_due(request: &Request, known: &[SeriesRuns], start: Timestamp) -> bool {
    let same = known.iter().find(|runs| runs.series.category_id == request.category_id);
    same.is_none_or(|runs| start.duration_since(runs.newest) >= INTERVAL)
}

/// The regions that have charts.
fn offered(requests: &[Request]) -> Vec<Region> {
    let regions = requests.first().map(|request| request.regions.as_slice()).unwrap_or_default();
    regions.iter().copied().filter(|region| region.is_known()).collect()
}

/// One run for each request, as if it had begun at this time.
async fn simulate(requests: Vec<Request>, mode: Mode, at: Timestamp) -> anyhow::Result<Vec<Arc<Document>>> {
    let start = StartTime { instant: Instant::now(), timestamp: at };
    let plan = plan(requests);
    let simulation =
        Simulation { mode, regions: &offered(&plan.requests), requests: plan.pages(), now: at, has_latency: false };
    let demo = Demo::start(simulation)
        .await
        .map_err(|error| anyhow::anyhow!("the demo cannot listen on 127.0.0.1: {error}; is loopback up?"))?;
    let client = HttpClient::new(demo.base_url(), &ApiKey::for_demo(), TIMEOUT, &Network::default())
        .map_err(|error| anyhow::anyhow!("the demo cannot be reached: {error}"))?;
    let requests = plan.requests.clone();
    let FetchOutcome { charts, held, .. } = fetch(plan, start, client, Arc::new(Unobserved), future::pending()).await;
    let document = |(request, charts)| {
        let (videos, outcomes) = deduplicate(charts);
        let stats = stats::count(&outcomes, &videos, start.instant.elapsed(), held);
        Arc::new(Document::new(at, SOURCE.to_owned(), request, stats, videos))
    };
    Ok(requests.into_iter().zip(charts).map(document).collect())
}

/// The time limit of one attempt.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A region that is out of order is not asked again, which would only take time.
fn plan(requests: Vec<Request>) -> Plan {
    Plan {
        requests,
        absent: HashMap::new(),
        description: false,
        concurrency: None,
        retry: RetryPolicy { retries: 0, backoff: Duration::ZERO, max_wait: Duration::ZERO },
        deadline: None,
        max_units: None,
    }
}

/// The runs are over in a moment, so there is no progress to show.
struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: usize, _: &Event<'_>) {}
}

fn summary(filled: &Filled, location: &Location) -> String {
    let Some((first, last)) = filled.period else {
        return format!(
            "{location} has the runs of the last {} hours already; nothing was added\n",
            INTERVAL.as_hours()
        );
    };
    let format = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M");
    let outage = filled.outage.map_or_else(String::new, |region| format!("; in some of them {region} fails"));
    let store = shell_quote(&location);
    format!(
        "{location} has {} more runs, from {} to {} UTC{outage}\n\ntrendfetch changes --store {store}\ntrendfetch report --store {store} -o page.html\n",
        filled.runs,
        format(first),
        format(last)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::ChartSeries;

    const NOW: Timestamp = Timestamp::constant(1_795_000_000, 0);

    #[test]
    fn the_schedule_reaches_back_and_ends_now() {
        for (days, runs) in [(1, 4), (7, 25), (29, 100)] {
            let schedule = schedule(days, NOW);
            assert_eq!((schedule.len(), schedule.last().map(|run| run.start)), (runs, Some(NOW)));
            let outages = schedule.iter().filter(|run| run.mode == Mode::Outage).count();
            assert!(outages >= 1 && outages * 3 < runs, "{outages} of {runs}");
            assert!(schedule[runs - 2..].iter().all(|run| run.mode == Mode::Calm), "{days}");
        }
    }

    #[test]
    fn only_the_runs_since_the_newest_one_are_added() {
        let request = |category_id| Request { regions: Vec::new(), max_results: 50, category_id };
        let series = ChartSeries { source: SOURCE.to_owned(), category_id: None };
        let known = [SeriesRuns { series, runs: 25, newest: NOW }];
        let later = |hours| NOW + SignedDuration::from_hours(hours);
        let due = |hours| is_due(&request(None), &known, later(hours));
        assert_eq!([-7, 0, 6, 7, 14].map(due), [false, false, false, true, true]);
        assert!(is_due(&request(Some(10)), &known, NOW));
        assert_eq!(schedule(7, later(30)).iter().filter(|run| is_due(&request(None), &known, run.start)).count(), 4);
    }
}
