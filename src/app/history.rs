//! What the runs of an invocation do with their history, until they must end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use crate::config::Config;
use crate::fetch::Plan;
use crate::history::HistoryError;
use crate::history::change_summary::RegionChanges;
use crate::history::run_history::{Expiry, HistoryConfig, OpenOutcome, RequestState, RunHistory};
use crate::model::{Clocks, Document};
use crate::support::human;
use crate::support::sanitize::shell_quote;
use crate::support::time_limit::Interruption;

/// An interrupted run must be stored this long before its end. If it is not, this time is used to save it as a file.
pub(super) const TIME_TO_SAVE: Duration = Duration::from_secs(1);

/// The file must be saved this long before the end of the run, which leaves time to write the outputs.
const TIME_TO_WRITE: Duration = Duration::from_millis(500);

/// How long after its end the history may take to close.
const TIME_TO_CLOSE: Duration = Duration::from_millis(250);

/// What remains to do once the history is open.
pub(super) struct Due {
    /// The plan without the requests that are not due or whose lock another run holds.
    pub(super) plan: Plan,
    /// Whether another run holds a lock.
    pub(super) is_busy: bool,
}

/// Opens the history before a quota unit is spent. There is none if it is not wanted, or if no request is due.
pub(super) async fn open(config: &Config, now: Timestamp) -> Result<(Option<RunHistory>, Due), HistoryError> {
    let mut plan = config.plan.clone();
    let Some(history_config) = &config.history else { return Ok((None, Due { plan, is_busy: false })) };
    let OpenOutcome { history, states, absent } =
        RunHistory::open(history_config, &config.source_name, &plan.requests, now).await?;
    let are_several = plan.requests.len() > 1;
    for (request, state) in plan.requests.iter().zip(&states) {
        let is_named = are_several || request.category_id.is_some();
        log_state(is_named.then(|| request.category_name()).as_deref(), *state);
    }
    let mut due = states.iter().map(|state| *state == RequestState::Due);
    plan.requests.retain(|_| due.next() == Some(true));
    plan.absent = absent;
    Ok((history, Due { plan, is_busy: states.contains(&RequestState::Busy) }))
}

/// What a dry run finds out from the history: the plan without the charts that need no request, and the state of each
/// request.
pub(super) async fn preview(config: &Config, now: Timestamp) -> (Plan, Vec<RequestState>) {
    let mut plan = config.plan.clone();
    let all_due = vec![RequestState::Due; plan.requests.len()];
    let Some(history_config) = config.history.as_ref().filter(|config| config.location.may_exist()) else {
        return (plan, all_due);
    };
    match RunHistory::preview(history_config, &config.source_name, &plan.requests, now).await {
        Ok(OpenOutcome { states, absent, .. }) => {
            plan.absent = absent;
            (plan, states)
        }
        Err(error) => {
            tracing::warn!("the cost does not consider the history: {error}");
            (plan, all_due)
        }
    }
}

/// Says why a request is not sent.
fn log_state(category: Option<&str>, state: RequestState) {
    match state {
        RequestState::Due => {}
        RequestState::Busy => {
            tracing::error!(
                category,
                "another run of the same request is using this history, so nothing was sent for it"
            );
        }
        RequestState::NotDue(began) => {
            tracing::info!(
                category,
                "not due: the run that began at {began} has answered all of it, so nothing was sent"
            );
        }
    }
}

/// Stores the runs one after the other, and returns those that are stored. If one fails, those that follow are saved as
/// files at once, since waiting for a lost server takes some seconds each time.
pub(super) async fn record_all<F: Future<Output = Interruption>>(
    history: &mut RunHistory,
    config: &Config,
    documents: &[Arc<Document>],
    latest: Option<Timestamp>,
    end: impl Fn(Duration) -> F,
) -> Vec<Arc<Document>> {
    for (index, document) in documents.iter().enumerate() {
        if !record(history, document, latest, &end).await {
            for unrecorded in &documents[index..] {
                save(config, unrecorded, &end).await;
            }
            return documents[..index].to_vec();
        }
    }
    documents.to_vec()
}

/// Stores a run and returns whether that succeeded. `end(reserve)` resolves `reserve` before the run must end.
async fn record<F: Future<Output = Interruption>>(
    history: &mut RunHistory,
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
    false
}

/// Saves a run that could not be stored. The log says how to load it.
async fn save<F: Future<Output = Interruption>>(
    config: &Config,
    document: &Arc<Document>,
    end: impl Fn(Duration) -> F,
) {
    match config.rescue.save(document, end(TIME_TO_WRITE)).await {
        Ok(Ok(place)) => {
            let load = format!("trendfetch load {}", shell_quote(&place));
            match config.history.as_ref().and_then(|history| history.store_argument.as_ref()) {
                Some(location) => {
                    tracing::error!("the run is saved; load it with: {load} --store {}", shell_quote(location));
                }
                None => tracing::error!("the run is saved; with the same TRENDFETCH_STORE, load it with: {load}"),
            }
        }
        Ok(Err(error)) => tracing::error!("the run could not be saved either: {error}"),
        Err(why) => tracing::error!("the run could not be saved either before {why} ended it"),
    }
}

/// What changed since earlier runs in the regions of each recorded run, by its id. Only the stats and the metrics show
/// it, so an error is a warning.
pub(super) async fn since_last<F: Future<Output = Interruption>>(
    history: &mut RunHistory,
    recorded: &[Arc<Document>],
    end: impl Fn(Duration) -> F,
) -> HashMap<String, Vec<RegionChanges>> {
    let changes = tokio::select! {
        changes = history.changes(recorded) => changes.inspect_err(|error| tracing::warn!("{error}")),
        _ = end(TIME_TO_SAVE) => return HashMap::new(),
    };
    let run_ids = recorded.iter().map(|document| document.run_id.clone());
    run_ids.zip(changes.unwrap_or_default()).collect()
}

/// Deletes expired data until the run must end, and logs why if it may not be deleted.
pub(super) async fn expire(
    history: &mut RunHistory,
    history_config: &HistoryConfig,
    recorded: &[Arc<Document>],
    clocks: Clocks,
    end: impl Future<Output = Interruption>,
) {
    let expiry = tokio::select! {
        expiry = history.expire(recorded, clocks) => expiry,
        // The next run continues.
        _ = end => return,
    };
    let has_videos = recorded.iter().any(|document| !document.videos.is_empty());
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
        Ok(Expiry::Unconfirmed { runs }) if clocks == Clocks::Unconfirmed && has_videos => {
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
