//! What a run does with its history, until the run must end.

use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::config::{Config, Source};
use crate::history::HistoryError;
use crate::history::change_summary::RegionChanges;
use crate::history::run_history::{Expiry, HistoryConfig, OpenOutcome, RunHistory};
use crate::model::{Clocks, Document};
use crate::output;
use crate::output::exit_status::ExitStatus;
use crate::support::blocking::run_blocking;
use crate::support::human;
use crate::support::sanitize::shell_quote;
use crate::support::time_limit::Interruption;

/// An interrupted run must be stored this long before its end. If it is not, this time is used to save it as a file.
pub(super) const TIME_TO_SAVE: Duration = Duration::from_secs(1);

/// The file must be saved this long before the end of the run, which leaves time to write the outputs.
const TIME_TO_WRITE: Duration = Duration::from_millis(500);

/// How long after its end the history may take to close.
const TIME_TO_CLOSE: Duration = Duration::from_millis(250);

/// Opens the history, if there is one, before a quota unit is spent. Returns `Break` if the run is not due, or if
/// another run of the same request has the lock.
pub(super) async fn open(
    config: &Config,
    source: &Source,
    now: Timestamp,
) -> Result<ControlFlow<ExitStatus, Option<RunHistory>>, HistoryError> {
    let Some(history_config) = &config.history else { return Ok(Continue(None)) };
    Ok(match RunHistory::open(history_config, &source.name(), &config.plan.request, now).await? {
        OpenOutcome::Ready(history) => Continue(Some(history)),
        OpenOutcome::Busy => {
            tracing::error!("another run of the same request is using this history; nothing was sent");
            Break(ExitStatus::Busy)
        }
        OpenOutcome::NotDue(began) => {
            tracing::info!("not due: the run that began at {began} has answered all of it; nothing was sent");
            Break(ExitStatus::Complete)
        }
    })
}

/// Stores the run and returns whether that succeeded. Otherwise the document is saved as a file, and the log says how
/// to load it. `end(reserve)` resolves `reserve` before the run must end.
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
        why = end(TIME_TO_SAVE) => tracing::error!("the run could not be stored in the history before {why} ended it"),
    }
    let (folders, saved) = (history_config.rescue_folders.clone(), Arc::clone(document));
    let saved = tokio::select! {
        saved = run_blocking(move || output::save_unstored(&folders, &saved)) => saved,
        why = end(TIME_TO_WRITE) => {
            tracing::error!("the run could not be saved either before {why} ended it");
            return false;
        }
    };
    match saved {
        Ok(path) => {
            let load = format!("trendfetch load {}", shell_quote(&path.display()));
            match &history_config.store_argument {
                Some(location) => {
                    tracing::error!("the run is saved; load it with: {load} --store {}", shell_quote(location));
                }
                None => tracing::error!("the run is saved; with the same TRENDFETCH_STORE, load it with: {load}"),
            }
        }
        Err(error) => tracing::error!("the run could not be saved either: {error}"),
    }
    false
}

/// What changed since earlier runs. Only the stats and the metrics show it, so an error is a warning.
pub(super) async fn since_last<F: Future<Output = Interruption>>(
    history: &mut RunHistory,
    document: &Document,
    end: impl Fn(Duration) -> F,
) -> Vec<RegionChanges> {
    tokio::select! {
        since = history.change_summary(document) => since.inspect_err(|error| tracing::warn!("{error}")).unwrap_or_default(),
        _ = end(TIME_TO_SAVE) => Vec::new(),
    }
}

/// Deletes expired data until the run must end, and logs why if it may not be deleted.
pub(super) async fn expire(
    history: &mut RunHistory,
    history_config: &HistoryConfig,
    document: &Document,
    clocks: Clocks,
    end: impl Future<Output = Interruption>,
) {
    let expiry = tokio::select! {
        expiry = history.expire(document, clocks) => expiry,
        // The next run continues.
        _ = end => return,
    };
    let keep = human::format_duration(history_config.retention);
    let prune = || {
        let location = history_config.store_argument.as_ref();
        let store = location.map_or_else(String::new, |location| format!(" --store {}", shell_quote(location)));
        format!("trendfetch prune --keep {keep}{store}")
    };
    match expiry {
        Err(error) => tracing::warn!("the run is stored, but not everything older than {keep} was deleted: {error}"),
        Ok(Expiry::TooMany { expired, total, since }) => tracing::warn!(
            "{expired} of the {total} runs that the history kept at {since} are older than {keep} now; a run does not delete that many; if that is right, delete them with: {}",
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

/// Closes the history, which lets the next run begin. Gives up shortly after the end of this one.
pub(super) async fn close(history: RunHistory, end: impl Future<Output = Interruption>) {
    let timeout = async {
        end.await;
        sleep(TIME_TO_CLOSE).await;
    };
    tokio::select! {
        () = history.close() => {}
        () = timeout => {}
    }
}
