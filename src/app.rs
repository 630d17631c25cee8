//! The pipeline, on one screen: fetch (each page normalized) -> deduplicate -> count -> store -> write.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use indicatif::MultiProgress;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use crate::blocking::unblocked;
use crate::category::Category;
use crate::config::{Config, Source};
use crate::deduplicate::deduplicate;
use crate::demo::Demo;
use crate::exit::Exit;
use crate::fetch::transport::{Http, Network};
use crate::fetch::{Plan, Start, fetch};
use crate::figures;
use crate::model::{Clocks, Report, Request};
use crate::output::progress::Progress;
use crate::output::{self, OutputError, StatsTo};
use crate::secret::ApiKey;
use crate::stats;
use crate::store::history::{Expiry, History, Keeping, Opened};
use crate::store::since::Since;
use crate::store::{Asked, StoreError};
use crate::text::quoted;
use crate::time_limit::{Interruption, TimeLimit};
use crate::verdict::{summarize, verdict};

/// How long before the end of an interrupted run its history must have taken it, which leaves time to save it elsewhere.
const TO_SAVE: Duration = Duration::from_secs(1);

/// How long before that end it must be saved, which leaves time to write the outputs.
const TO_WRITE: Duration = Duration::from_millis(500);

/// How long after that end the history may take to let the next run begin.
const TO_CLOSE: Duration = Duration::from_millis(250);

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An output cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The history cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The simulation found no port.
    #[error("the demo cannot listen on 127.0.0.1: {0}; is loopback up?")]
    Demo(std::io::Error),
    /// A signal, or the deadline.
    #[error("the run ended before anything was sent: {0}")]
    Interrupted(&'static str),
    /// TLS or a proxy.
    #[error(
        "cannot prepare for the network: {0}; install the system's certificates (ca-certificates), or set SSL_CERT_FILE"
    )]
    Network(String),
}

impl StartError {
    fn interrupted(why: Interruption) -> StartError {
        StartError::Interrupted(match why {
            Interruption::Signal => "a signal came",
            Interruption::Deadline => {
                "--deadline had passed; raise it, or see what keeps the history or an output busy"
            }
        })
    }
}

/// Does one run. `signalled` tells when a signal came, which ends the fetching early; what arrived is still written.
///
/// # Errors
/// When nothing could begin; nothing was sent then. Everything later is in the [`Exit`] and the log.
pub async fn run(
    config: Config,
    wall_clock: Timestamp,
    screen: MultiProgress,
    signalled: watch::Receiver<Option<Instant>>,
) -> Result<Exit, StartError> {
    let Some(source) = &config.source else {
        output::print(&output::price(&config.plan))?;
        return Ok(Exit::Complete);
    };
    let start = Start { instant: Instant::now(), timestamp: wall_clock };
    let deadline = config.plan.deadline.and_then(|deadline| start.instant.checked_add(deadline));
    let limit = TimeLimit::new(deadline, signalled);
    let mut history = match before(&limit, open(&config, source, start.timestamp)).await? {
        Continue(history) => history,
        Break(exit) => return Ok(exit),
    };
    let done = fetch_and_write(&config, source, start, screen, &limit, history.as_mut()).await;
    // The next run may begin.
    if let Some(history) = history {
        let late = async {
            limit.over(start.instant, Duration::ZERO).await;
            tokio::time::sleep(TO_CLOSE).await;
        };
        tokio::select! {
            () = history.close() => {}
            () = late => {}
        }
    }
    done
}

/// The run itself, once its history is open.
async fn fetch_and_write(
    config: &Config,
    source: &Source,
    start: Start,
    screen: MultiProgress,
    limit: &TimeLimit,
    mut history: Option<&mut History>,
) -> Result<Exit, StartError> {
    before(limit, check(config)).await?;
    if let Some(why) = limit.passed() {
        return Err(StartError::interrupted(why));
    }

    let progress = Arc::new(Progress::new(screen, &config.plan.regions));
    let (transport, _demo) = connect(config, source, start).await?;
    let cancelled = async {
        limit.signal().await;
    };
    let fetching = fetch(config.plan.clone(), start, transport, progress.clone(), cancelled);
    let fetched = progress.during(fetching).await;
    let fetched_at = Instant::now();

    let clocks = clocks(source, fetched.clock_ahead);
    let (mut videos, outcomes) = deduplicate(fetched.charts);
    videos.iter_mut().for_each(|video| video.fetched_at = clocks.correct(video.fetched_at));
    let stats = stats::count(&outcomes, &videos, start.instant.elapsed(), fetched.held);
    let report = Report::new(clocks.correct(start.timestamp), source.name(), request(&config.plan), stats, videos);
    let report = Arc::new(report);
    let over = |reserve| limit.over(fetched_at, reserve);
    let is_recorded = match (&mut history, &config.history) {
        (Some(history), Some(keeping)) => record(history, keeping, &report, clocks.latest(start.now()), over).await,
        _ => true,
    };
    let since = match &mut history {
        Some(history) if is_recorded && config.outputs.stats != StatsTo::Nowhere => {
            tokio::select! {
                since = since_last(history, &report) => since,
                _ = over(TO_SAVE) => None,
            }
        }
        _ => None,
    };
    let errors = output::write(config.outputs.clone(), &report, since, || over(Duration::ZERO)).await;

    errors.iter().for_each(|error| tracing::error!("{error}"));
    let now = clocks.correct(start.now());
    if clocks.are_apart() {
        tracing::error!("{}", wrong_clock(start.now(), now, config.history.is_some()));
    }
    if let Some(line) = verdict(&report, now) {
        tracing::error!("{line}");
    }
    // At last, since it may take its time on a slow server.
    if let (Some(history), Some(keeping), true) = (&mut history, &config.history, is_recorded) {
        expire(history, keeping, &report, clocks, over(Duration::ZERO)).await;
    }
    let exit = Exit::of(&report, !is_recorded || !errors.is_empty());
    summarize(&report, exit);
    Ok(exit)
}

/// What the server's clock says of this machine's, by which the demo goes too.
fn clocks(source: &Source, ahead: Option<SignedDuration>) -> Clocks {
    match source {
        Source::Demo(_) => Clocks::Unconfirmed,
        Source::Api { .. } => Clocks::compare(ahead),
    }
}

fn wrong_clock(ours: Timestamp, theirs: Timestamp, has_history: bool) -> String {
    let shown = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC");
    let spared = if has_history { ", and nothing was deleted from the history" } else { "" };
    format!(
        "this machine's clock shows {}, the server's {}; the run is dated by the server{spared}; set the clock",
        shown(ours),
        shown(theirs)
    )
}

/// What comes before anything is sent is given up at the deadline, or soon after a signal: nothing is lost yet, and what
/// has begun should leave nothing behind.
async fn before<T, E>(limit: &TimeLimit, work: impl Future<Output = Result<T, E>>) -> Result<T, StartError>
where
    StartError: From<E>,
{
    tokio::select! {
        done = work => Ok(done?),
        why = limit.interrupted(TO_SAVE) => Err(StartError::interrupted(why)),
    }
}

/// Looks whether the outputs can be written.
async fn check(config: &Config) -> Result<(), OutputError> {
    let outputs = config.outputs.clone();
    unblocked(move || output::check(&outputs)).await?;
    config.history.iter().for_each(|keeping| output::sweep(&keeping.rescue));
    Ok(())
}

/// The history, where there is one, before a unit is spent; or how a run ends that need not or may not begin.
async fn open(
    config: &Config,
    source: &Source,
    now: Timestamp,
) -> Result<ControlFlow<Exit, Option<History>>, StoreError> {
    let Some(keeping) = &config.history else { return Ok(Continue(None)) };
    let plan = &config.plan;
    let asked = Asked {
        source: source.name(),
        category_id: plan.category.map(Category::id),
        depth: plan.max_results,
        regions: plan.regions.clone(),
    };
    Ok(match History::open(keeping, &asked, now).await? {
        Opened::Ready(history) => Continue(Some(history)),
        Opened::Busy => {
            tracing::error!("another run of the same request is at work on this history; nothing was sent");
            Break(Exit::Busy)
        }
        Opened::Covered(began) => {
            tracing::info!("not due: the run that began at {began} has answered all of it; nothing was sent");
            Break(Exit::Complete)
        }
    })
}

/// Whether the history took the run. A run that it did not take is saved, and the log says how to
/// bring it in.
async fn record<F: Future<Output = Interruption>>(
    history: &mut History,
    keeping: &Keeping,
    report: &Arc<Report>,
    latest: Option<Timestamp>,
    over: impl Fn(Duration) -> F,
) -> bool {
    tokio::select! {
        recorded = history.record(report, latest) => match recorded {
            Ok(()) => return true,
            Err(error) => tracing::error!("{error}"),
        },
        why = over(TO_SAVE) => tracing::error!("the history did not take the run before {why} ended it"),
    }
    let (folders, saved) = (keeping.rescue.clone(), Arc::clone(report));
    let saved = tokio::select! {
        saved = unblocked(move || output::rescue(&folders, &saved)) => saved,
        why = over(TO_WRITE) => {
            tracing::error!("the run could not be saved either before {why} ended it");
            return false;
        }
    };
    match saved {
        Ok(path) => {
            let load = format!("trendfetch load {}", quoted(&path.display()));
            match &keeping.typed {
                Some(location) => {
                    tracing::error!("the run is saved; bring it in with: {load} --store {}", quoted(location));
                }
                None => tracing::error!("the run is saved; with the same TRENDFETCH_STORE, bring it in with: {load}"),
            }
        }
        Err(error) => tracing::error!("the run could not be saved either: {error}"),
    }
    false
}

/// What has changed since the runs before. Only the stats show it, so that it is no reason to fail.
async fn since_last(history: &mut History, report: &Report) -> Option<Since> {
    history.since_last(report).await.inspect_err(|error| tracing::warn!("{error}")).ok().flatten()
}

/// Deletes what is too old, as far as it comes until the run is over, and says why not where it stays.
async fn expire(
    history: &mut History,
    keeping: &Keeping,
    report: &Report,
    clocks: Clocks,
    over: impl Future<Output = Interruption>,
) {
    let expired = tokio::select! {
        expired = history.expire(report, clocks) => expired,
        // The next run goes on.
        _ = over => return,
    };
    let keep = figures::duration(keeping.retention);
    let prune = || {
        let store = keeping.typed.as_ref().map_or_else(String::new, |place| format!(" --store {}", quoted(place)));
        format!("trendfetch prune --keep {keep}{store}")
    };
    match expired {
        Err(error) => tracing::warn!("the run is kept, but not all that is older than {keep} was deleted: {error}"),
        Ok(Expiry::TooMany { old, of, since }) => tracing::warn!(
            "{old} of the {of} runs that the history kept at {since} are older than {keep} now; so many are not deleted in passing; if that is right, delete them with: {}",
            prune()
        ),
        Ok(Expiry::Unconfirmed { runs }) if clocks == Clocks::Unconfirmed && !report.videos.is_empty() => {
            tracing::warn!(
                "{runs} run(s) of the history are older than {keep} by this machine's clock alone, and stay, since no server's Date confirms it; delete them with: {}",
                prune()
            )
        }
        Ok(Expiry::Done | Expiry::Unconfirmed { .. }) => {}
    }
}

/// The way to the source; for the demo, with the server that must live as long.
async fn connect(config: &Config, source: &Source, start: Start) -> Result<(Http, Option<Demo>), StartError> {
    let http = |url: &Url, key: &ApiKey, network: &Network| {
        Http::new(url, key, config.timeout, network).map_err(StartError::Network)
    };
    match source {
        Source::Api { base_url, key, network } => Ok((http(base_url, key, network)?, None)),
        Source::Demo(mode) => {
            let plan = &config.plan;
            let demo = Demo::start(*mode, &plan.regions, plan.pages_per_region(), start.timestamp)
                .await
                .map_err(StartError::Demo)?;
            Ok((http(demo.base_url(), &ApiKey::for_demo(), &Network::default())?, Some(demo)))
        }
    }
}

fn request(plan: &Plan) -> Request {
    Request {
        regions: plan.regions.clone(),
        max_results: plan.max_results,
        category_id: plan.category.map(Category::id),
    }
}
