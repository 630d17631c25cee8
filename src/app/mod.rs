//! The pipeline of a run: fetch (each page is normalized) -> deduplicate -> count -> store -> write.

mod history;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use indicatif::MultiProgress;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use self::history::Due;

use crate::config::{Config, Source};
use crate::deduplicate::deduplicate;
use crate::demo::{Demo, Simulation};
use crate::fetch::{FetchOutcome, Plan, StartTime, fetch};
use crate::history::HistoryError;
use crate::history::run_history::RunHistory;
use crate::model::error::Remedy;
use crate::model::{ChartId, Clocks, Document, Documents};
use crate::output::diagnosis::{diagnose, log_summary};
use crate::output::exit_status::ExitStatus;
use crate::output::progress::Progress;
use crate::output::{self, Extras, OutputError};
use crate::stats;
use crate::support::time_limit::{Interruption, ReceivedSignal, TimeLimit};
use crate::youtube::api_key::ApiKey;
use crate::youtube::client::{HttpClient, Network};

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error("the demo cannot listen on 127.0.0.1: {0}; is loopback up?")]
    Demo(std::io::Error),
    #[error("the run ended before anything was sent: {0}")]
    Interrupted(&'static str),
    /// The TLS configuration failed.
    #[error(
        "cannot prepare HTTPS requests: {0}; install the system's certificates (ca-certificates), or set SSL_CERT_FILE"
    )]
    Network(String),
}

impl StartError {
    fn interrupted(why: Interruption) -> StartError {
        StartError::Interrupted(match why {
            Interruption::Signal => "signal received",
            Interruption::Deadline => {
                "--deadline had passed; raise it, or see what keeps the history or an output busy"
            }
        })
    }
}

/// Executes one run. `signalled` receives the first signal, which ends the fetching early; what arrived is
/// still written.
///
/// # Errors
/// If the run could not begin, and nothing was sent. Later errors are in the log and in the [`ExitStatus`].
pub async fn run(
    config: Config,
    now: Timestamp,
    bars: MultiProgress,
    signalled: watch::Receiver<Option<ReceivedSignal>>,
) -> Result<ExitStatus, StartError> {
    let Some(source) = &config.source else {
        let (plan, states) = history::preview(&config, now).await;
        output::print(&output::describe_plan(&plan, &states))?;
        return Ok(ExitStatus::Complete);
    };
    let start = StartTime { instant: Instant::now(), timestamp: now };
    let deadline = config.plan.deadline.and_then(|deadline| start.instant.checked_add(deadline));
    let limit = TimeLimit::new(deadline, signalled);
    let opening = history::open(&config, start.timestamp);
    let (mut history, due) = unless_interrupted(&limit, opening).await?;
    if due.plan.requests.is_empty() {
        return Ok(if due.is_busy { ExitStatus::Busy } else { ExitStatus::Complete });
    }
    let exit = fetch_and_write(&config, source, due, start, bars, &limit, history.as_mut()).await;
    // Releases the locks, so that the next run may begin.
    if let Some(history) = history {
        history::close(history, limit.end(start.instant, Duration::ZERO)).await;
    }
    exit
}

/// The runs themselves, once their history is open.
async fn fetch_and_write(
    config: &Config,
    source: &Source,
    due: Due,
    start: StartTime,
    bars: MultiProgress,
    limit: &TimeLimit,
    mut history: Option<&mut RunHistory>,
) -> Result<ExitStatus, StartError> {
    unless_interrupted(limit, check_outputs(config)).await?;
    if let Some(why) = limit.interruption() {
        return Err(StartError::interrupted(why));
    }
    let Fetched { documents, clocks, remedies, sequential_time } =
        fetch_documents(config, source, due, start, bars, limit).await?;
    let fetched_at = Instant::now();
    let end = |reserve| limit.end(fetched_at, reserve);

    let recorded = match &mut history {
        Some(history) => {
            history::record_all(history, config, documents.as_slice(), clocks.latest(start.now()), end).await
        }
        None => Vec::new(),
    };
    let is_recorded = config.history.is_none() || recorded.len() == documents.iter().len();
    let changes = match &mut history {
        Some(history) if config.outputs.shows_changes() => history::since_last(history, &recorded, end).await,
        _ => HashMap::new(),
    };
    let extras = Extras { changes: changes.clone(), sequential_time };
    let exit = |documents: &Documents, is_output_failed| match limit.signal_number() {
        Some(number) => ExitStatus::Signal(number),
        None if documents.is_busy() => ExitStatus::Busy,
        None => ExitStatus::of(documents.status(), !is_recorded || is_output_failed),
    };
    let errors = output::write(&config.outputs, &documents, extras, end, |is_failed| exit(&documents, is_failed)).await;

    errors.iter().for_each(|error| tracing::error!("{error}"));
    let now = clocks.correct(start.now());
    if clocks.are_apart() {
        tracing::error!("{}", clock_message(start.now(), now, config.history.is_some()));
    }
    if let Some(line) = diagnose(&documents, &remedies, now) {
        tracing::error!("{line}");
    }
    // Last, since it may be slow.
    if let (Some(history), Some(history_config), true) = (&mut history, &config.history, is_recorded) {
        history::expire(history, history_config, &recorded, clocks, end(Duration::ZERO)).await;
    }
    for run in documents.each() {
        let exit = exit(&run, !errors.is_empty());
        log_summary(&run, &changes, exit);
    }
    Ok(exit(&documents, !errors.is_empty()))
}

/// The result of stages 1 to 3.
struct Fetched {
    /// One per category, in the order of the plan.
    documents: Documents,
    clocks: Clocks,
    /// What to do about the failed charts, if the kind of error does not say it.
    remedies: HashMap<ChartId, Remedy>,
    /// How long one request at a time would have taken.
    sequential_time: Duration,
}

/// Fetches the charts, which are normalized page by page, and merges those of each category into a document.
async fn fetch_documents(
    config: &Config,
    source: &Source,
    Due { plan, is_busy }: Due,
    start: StartTime,
    bars: MultiProgress,
    limit: &TimeLimit,
) -> Result<Fetched, StartError> {
    let progress = Arc::new(Progress::new(bars, &plan.requests));
    let (client, _demo) = connect(config, source, &plan, start).await?;
    let cancelled = async {
        limit.signal().await;
    };
    let requests = plan.requests.clone();
    let fetching = fetch(plan, start, client, progress.clone(), cancelled);
    let FetchOutcome { charts, held, clock_ahead } = progress.during(fetching).await;

    let clocks = clocks(source, clock_ahead);
    let started_at = clocks.correct(start.timestamp);
    let (mut documents, mut remedies, mut sequential_time) = (Vec::new(), HashMap::new(), held);
    for (request, charts) in requests.into_iter().zip(charts) {
        let (mut videos, outcomes) = deduplicate(charts);
        videos.iter_mut().for_each(|video| video.fetched_at = clocks.correct(video.fetched_at));
        let stats = stats::count(&outcomes, &videos, start.instant.elapsed(), held);
        let failures = request.charts().zip(&outcomes);
        remedies.extend(failures.filter_map(|(chart, outcome)| Some((chart, outcome.failure.as_ref()?.remedy?))));
        sequential_time += stats::sequential_time(&outcomes);
        documents.push(Arc::new(Document::new(started_at, config.source_name.clone(), request, stats, videos)));
    }
    let documents = Documents::new(documents, config.plan.requests.len(), is_busy);
    Ok(Fetched { documents, clocks, remedies, sequential_time })
}

/// Compares this machine's clock with the server's. The demo has no clock of its own.
fn clocks(source: &Source, ahead: Option<SignedDuration>) -> Clocks {
    match source {
        Source::Demo(_) => Clocks::Unconfirmed,
        Source::Api { .. } => Clocks::compare(ahead),
    }
}

fn clock_message(ours: Timestamp, theirs: Timestamp, has_history: bool) -> String {
    let format = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M:%S UTC");
    let deletion = if has_history { ", and nothing was deleted from the history" } else { "" };
    format!(
        "this machine's clock shows {}, the server's {}; the run is dated by the server{deletion}; set the clock",
        format(ours),
        format(theirs)
    )
}

/// Executes a step that precedes the first request. Abandons it at the deadline, or one second after a signal, which is
/// time to clean up. Nothing has been fetched by then, so nothing is lost.
async fn unless_interrupted<T, E>(limit: &TimeLimit, work: impl Future<Output = Result<T, E>>) -> Result<T, StartError>
where
    StartError: From<E>,
{
    tokio::select! {
        done = work => Ok(done?),
        why = limit.interrupted(history::TIME_TO_SAVE) => Err(StartError::interrupted(why)),
    }
}

async fn check_outputs(config: &Config) -> Result<(), OutputError> {
    output::check(&config.outputs).await?;
    if config.history.is_some() {
        config.rescue.remove_stale_temp();
    }
    Ok(())
}

/// The client for the source, and the demo's server, which must live as long.
async fn connect(
    config: &Config,
    source: &Source,
    plan: &Plan,
    start: StartTime,
) -> Result<(HttpClient, Option<Demo>), StartError> {
    let client = |url: &Url, key: &ApiKey, network: &Network| {
        HttpClient::new(url, key, config.timeout, network).map_err(StartError::Network)
    };
    match source {
        Source::Api { base_url, key, network } => Ok((client(base_url, key, network)?, None)),
        Source::Demo(mode) => {
            let regions = plan.requests.first().map(|request| request.regions.as_slice()).unwrap_or_default();
            let requests = plan.pages();
            let simulation = Simulation { mode: *mode, regions, requests, now: start.timestamp, has_latency: true };
            let demo = Demo::start(simulation).await.map_err(StartError::Demo)?;
            Ok((client(demo.base_url(), &ApiKey::for_demo(), &Network::default())?, Some(demo)))
        }
    }
}
