//! What a run does with its history, as far as it comes before the run ends.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::config::{Config, Source};
use crate::history::change_summary::ChangeSummary;
use crate::history::run_history::{Expiry, HistoryConfig, OpenOutcome, RunHistory};
use crate::history::{Asked, HistoryError};
use crate::model::{Clocks, Document};
use crate::output;
use crate::output::exit_status::ExitStatus;
use crate::support::blocking::run_blocking;
use crate::support::human;
use crate::support::sanitize::shell_quote;
use crate::support::time_limit::Interruption;

/// How long before the end of an interrupted run its history must have taken it, which leaves time to save it elsewhere.
pub(super) const TO_SAVE: Duration = Duration::from_secs(1);

/// How long before that end it must be saved, which leaves time to write the outputs.
const TO_WRITE: Duration = Duration::from_millis(500);

/// How long after that end the history may take to let the next run begin.
const TO_CLOSE: Duration = Duration::from_millis(250);

/// The history, where there is one, before a unit is spent; or how a run ends that need not or may not begin.
pub(super) async fn open(
    config: &Config,
    source: &Source,
    now: Timestamp,
) -> Result<ControlFlow<ExitStatus, Option<RunHistory>>, HistoryError> {
    let Some(history_config) = &config.history else { return Ok(Continue(None)) };
    let plan = &config.plan;
    let asked = Asked {
        source: source.name(),
        category_id: plan.request.category_id,
        depth: plan.request.max_results,
        regions: plan.request.regions.clone(),
    };
    Ok(match RunHistory::open(history_config, &asked, now).await? {
        OpenOutcome::Ready(history) => Continue(Some(history)),
        OpenOutcome::Busy => {
            tracing::error!("another run of the same request is at work on this history; nothing was sent");
            Break(ExitStatus::Busy)
        }
        OpenOutcome::NotDue(began) => {
            tracing::info!("not due: the run that began at {began} has answered all of it; nothing was sent");
            Break(ExitStatus::Complete)
        }
    })
}

/// Whether the history took the run. A run that it did not take is saved, and the log says how to
/// bring it in.
pub(super) async fn record<F: Future<Output = Interruption>>(
    history: &mut RunHistory,
    history_config: &HistoryConfig,
    document: &Arc<Document>,
    latest: Option<Timestamp>,
    end: impl Fn(Duration) -> F,
) -> bool {
    tokio::select! {
        recorded = history.record(document, latest) => match recorded {
            Ok(()) => return true,
            Err(error) => tracing::error!("{error}"),
        },
        why = end(TO_SAVE) => tracing::error!("the history did not take the run before {why} ended it"),
    }
    let (folders, saved) = (history_config.rescue_folders.clone(), Arc::clone(document));
    let saved = tokio::select! {
        saved = run_blocking(move || output::rescue(&folders, &saved)) => saved,
        why = end(TO_WRITE) => {
            tracing::error!("the run could not be saved either before {why} ended it");
            return false;
        }
    };
    match saved {
        Ok(path) => {
            let load = format!("trendfetch load {}", shell_quote(&path.display()));
            match &history_config.store_argument {
                Some(location) => {
                    tracing::error!("the run is saved; bring it in with: {load} --store {}", shell_quote(location));
                }
                None => tracing::error!("the run is saved; with the same TRENDFETCH_STORE, bring it in with: {load}"),
            }
        }
        Err(error) => tracing::error!("the run could not be saved either: {error}"),
    }
    false
}

/// What has changed since the runs before. Only the stats show it, so that it is no reason to fail.
pub(super) async fn since_last<F: Future<Output = Interruption>>(
    history: &mut RunHistory,
    document: &Document,
    end: impl Fn(Duration) -> F,
) -> Option<ChangeSummary> {
    tokio::select! {
        since = history.change_summary(document) => since.inspect_err(|error| tracing::warn!("{error}")).ok().flatten(),
        _ = end(TO_SAVE) => None,
    }
}

/// Deletes what is too old, as far as it comes until the run is over, and says why not where it stays.
pub(super) async fn expire(
    history: &mut RunHistory,
    history_config: &HistoryConfig,
    document: &Document,
    clocks: Clocks,
    end: impl Future<Output = Interruption>,
) {
    let expired = tokio::select! {
        expired = history.expire(document, clocks) => expired,
        // The next run goes on.
        _ = end => return,
    };
    let keep = human::format_duration(history_config.retention);
    let prune = || {
        let store = history_config
            .store_argument
            .as_ref()
            .map_or_else(String::new, |place| format!(" --store {}", shell_quote(place)));
        format!("trendfetch prune --keep {keep}{store}")
    };
    match expired {
        Err(error) => tracing::warn!("the run is kept, but not all that is older than {keep} was deleted: {error}"),
        Ok(Expiry::TooMany { expired: old, total: of, since }) => tracing::warn!(
            "{old} of the {of} runs that the history kept at {since} are older than {keep} now; so many are not deleted in passing; if that is right, delete them with: {}",
            prune()
        ),
        Ok(Expiry::Unconfirmed { runs }) if clocks == Clocks::Unconfirmed && !document.videos.is_empty() => {
            tracing::warn!(
                "{runs} run(s) of the history are older than {keep} by this machine's clock alone, and stay, since no server's Date confirms it; delete them with: {}",
                prune()
            )
        }
        Ok(Expiry::Done | Expiry::Unconfirmed { .. }) => {}
    }
}

/// Lets the next run begin, also where this one is over already, if that takes no more than a moment.
pub(super) async fn close(history: RunHistory, end: impl Future<Output = Interruption>) {
    let late = async {
        end.await;
        sleep(TO_CLOSE).await;
    };
    tokio::select! {
        () = history.close() => {}
        () = late => {}
    }
}
