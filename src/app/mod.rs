//! The pipeline, on one screen: fetch (each page normalized) -> deduplicate -> count -> store -> write.

mod history;

use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use indicatif::MultiProgress;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::Instant;
use url::Url;

use crate::config::{Config, Source};
use crate::deduplicate::deduplicate;
use crate::demo::Demo;
use crate::fetch::{StartTime, fetch};
use crate::history::HistoryError;
use crate::history::run_history::RunHistory;
use crate::model::{Clocks, Document};
use crate::output::diagnosis::{summarize, verdict};
use crate::output::exit_status::ExitStatus;
use crate::output::progress::Progress;
use crate::output::{self, OutputError, StatsTo};
use crate::stats;
use crate::support::blocking::run_blocking;
use crate::support::time_limit::{Interruption, TimeLimit};
use crate::youtube::api_key::ApiKey;
use crate::youtube::client::{HttpClient, Network};

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An output cannot be used.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The history cannot be used.
    #[error(transparent)]
    Store(#[from] HistoryError),
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
/// When nothing could begin; nothing was sent then. Everything later is in the [`ExitStatus`] and the log.
pub async fn run(
    config: Config,
    wall_clock: Timestamp,
    screen: MultiProgress,
    signalled: watch::Receiver<Option<Instant>>,
) -> Result<ExitStatus, StartError> {
    let Some(source) = &config.source else {
        output::print(&output::price(&config.plan))?;
        return Ok(ExitStatus::Complete);
    };
    let start = StartTime { instant: Instant::now(), timestamp: wall_clock };
    let deadline = config.plan.deadline.and_then(|deadline| start.instant.checked_add(deadline));
    let limit = TimeLimit::new(deadline, signalled);
    let mut history = match unless_interrupted(&limit, history::open(&config, source, start.timestamp)).await? {
        Continue(history) => history,
        Break(exit) => return Ok(exit),
    };
    let done = fetch_and_write(&config, source, start, screen, &limit, history.as_mut()).await;
    // The next run may begin.
    if let Some(history) = history {
        history::close(history, limit.end(start.instant, Duration::ZERO)).await;
    }
    done
}

/// The run itself, once its history is open.
async fn fetch_and_write(
    config: &Config,
    source: &Source,
    start: StartTime,
    screen: MultiProgress,
    limit: &TimeLimit,
    mut history: Option<&mut RunHistory>,
) -> Result<ExitStatus, StartError> {
    unless_interrupted(limit, check(config)).await?;
    if let Some(why) = limit.interruption() {
        return Err(StartError::interrupted(why));
    }

    let progress = Arc::new(Progress::new(screen, &config.plan.request.regions));
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
    let document =
        Document::new(clocks.correct(start.timestamp), source.name(), config.plan.request.clone(), stats, videos);
    let document = Arc::new(document);
    let end = |reserve| limit.end(fetched_at, reserve);
    let is_recorded = match (&mut history, &config.history) {
        (Some(history), Some(history_config)) => {
            history::record(history, history_config, &document, clocks.latest(start.now()), end).await
        }
        _ => true,
    };
    let since = match &mut history {
        Some(history) if is_recorded && config.outputs.stats != StatsTo::Nowhere => {
            history::since_last(history, &document, end).await
        }
        _ => None,
    };
    let errors = output::write(config.outputs.clone(), &document, since, || end(Duration::ZERO)).await;

    errors.iter().for_each(|error| tracing::error!("{error}"));
    let now = clocks.correct(start.now());
    if clocks.are_apart() {
        tracing::error!("{}", wrong_clock(start.now(), now, config.history.is_some()));
    }
    if let Some(line) = verdict(&document, now) {
        tracing::error!("{line}");
    }
    // At last, since it may take its time on a slow server.
    if let (Some(history), Some(history_config), true) = (&mut history, &config.history, is_recorded) {
        history::expire(history, history_config, &document, clocks, end(Duration::ZERO)).await;
    }
    let exit = ExitStatus::of(&document, !is_recorded || !errors.is_empty());
    summarize(&document, exit);
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
async fn unless_interrupted<T, E>(limit: &TimeLimit, work: impl Future<Output = Result<T, E>>) -> Result<T, StartError>
where
    StartError: From<E>,
{
    tokio::select! {
        done = work => Ok(done?),
        why = limit.interrupted(history::TO_SAVE) => Err(StartError::interrupted(why)),
    }
}

/// Looks whether the outputs can be written.
async fn check(config: &Config) -> Result<(), OutputError> {
    let outputs = config.outputs.clone();
    run_blocking(move || output::check(&outputs)).await?;
    config.history.iter().for_each(|history_config| output::sweep(&history_config.rescue_folders));
    Ok(())
}

/// The way to the source; for the demo, with the server that must live as long.
async fn connect(config: &Config, source: &Source, start: StartTime) -> Result<(HttpClient, Option<Demo>), StartError> {
    let http = |url: &Url, key: &ApiKey, network: &Network| {
        HttpClient::new(url, key, config.timeout, network).map_err(StartError::Network)
    };
    match source {
        Source::Api { base_url, key, network } => Ok((http(base_url, key, network)?, None)),
        Source::Demo(mode) => {
            let plan = &config.plan;
            let demo = Demo::start(*mode, &plan.request.regions, plan.pages_per_region(), start.timestamp)
                .await
                .map_err(StartError::Demo)?;
            Ok((http(demo.base_url(), &ApiKey::for_demo(), &Network::default())?, Some(demo)))
        }
    }
}
