//! `export`: writes charts out of the history as data.

use std::io;
use std::sync::Arc;

use anyhow::Context;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc::{self, Sender};
use tokio::time::sleep;

use super::location;
use crate::bucket::TIME_TO_ABANDON;
use crate::cli::{ExportArgs, TerminalArgs};
use crate::config::env::Env;
use crate::config::{self, region_list};
use crate::history::{self, Access, Backend, HistoryError, Location, RunFilter, StoredRun};
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::model::{Document, whole_seconds};
use crate::output::exit_status::ExitStatus;
use crate::output::export::{self, Selection, Target};
use crate::output::{self, Format, OutputConfig};
use crate::stats;
use crate::support::signals::Signals;

/// What an export reads and writes.
pub(crate) struct Plan {
    location: Location,
    outputs: OutputConfig,
}

/// Must be called before anything is opened, since outputs may be open descriptors.
///
/// # Errors
/// For the first option that is malformed.
pub(super) fn plan(args: &ExportArgs, terminal: &TerminalArgs, env: &Env) -> Result<Plan, UsageError> {
    let location = location(&args.store, env)?;
    let outputs = config::export_outputs(args, &location, terminal, env)?;
    Ok(Plan { location, outputs })
}

pub(super) async fn run(args: &ExportArgs, plan: Plan, now: Timestamp) -> anyhow::Result<ExitStatus> {
    let is_uploading = Target::all(&plan.outputs).iter().any(Target::is_object);
    let work = export(args, plan, now);
    if !is_uploading {
        return work.await.map(|()| ExitStatus::Complete);
    }
    // Files survive the end of the process; what was uploaded of an object has to be abandoned.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    tokio::select! {
        done = work => done.map(|()| ExitStatus::Complete),
        signal = signals.next() => {
            // The end of the work has cancelled its uploads.
            sleep(TIME_TO_ABANDON).await;
            Ok(ExitStatus::Signal(signal))
        }
    }
}

async fn export(args: &ExportArgs, plan: Plan, now: Timestamp) -> anyhow::Result<()> {
    let filter = filter(args, now)?;
    output::check(&plan.outputs).await?;
    let mut backend = history::open(&plan.location, Access::Read).await?;
    let written = write_all(&mut *backend, args, &filter, &plan.outputs).await;
    backend.close().await;
    written
}

fn filter(args: &ExportArgs, now: Timestamp) -> Result<RunFilter, UsageError> {
    let [since, until] = [args.since, args.until].map(|moment| moment.map(|moment| next_second(moment.time(now))));
    if since.zip(until).is_some_and(|(since, until)| since >= until) {
        return Err(UsageError("--since must be before --until, which is not part of the period".into()));
    }
    let regions = if args.regions.is_empty() { None } else { Some(region_list::parse(&args.regions.join(","))?) };
    let ids = |categories: Vec<ChartCategory>| categories.into_iter().map(ChartCategory::id).collect();
    Ok(RunFilter { since, until, categories: args.categories()?.map(ids), regions, run_id: args.run })
}

/// Runs begin at whole seconds, so the next one makes no difference. As text, fractions do not sort with them.
fn next_second(time: Timestamp) -> Timestamp {
    let time = time.max(Timestamp::UNIX_EPOCH);
    let second = whole_seconds(time);
    if second < time { second.checked_add(SignedDuration::from_secs(1)).unwrap_or(second) } else { second }
}

async fn write_all(
    backend: &mut dyn Backend,
    args: &ExportArgs,
    filter: &RunFilter,
    outputs: &OutputConfig,
) -> anyhow::Result<()> {
    backend.begin_snapshot().await?;
    let (pruned, runs): (Vec<_>, Vec<_>) =
        backend.stored_runs(filter).await?.into_iter().partition(|run| run.is_pruned);
    check_found(args, &runs, pruned.len(), outputs)?;
    if !pruned.is_empty() && args.since.is_some() {
        tracing::warn!("{} run(s) of that time are left out, since their charts are deleted (--keep)", pruned.len());
    }
    for target in Target::all(outputs) {
        let runs: Vec<&StoredRun> = runs.iter().filter(|run| is_of(run, target.category())).collect();
        if has_content(&runs, &target) {
            write(backend, &runs, filter, outputs, &target).await?;
        } else if let Some(file) = target.old_file() {
            tracing::warn!("{file} is left as it was: nothing matches");
        }
    }
    Ok(())
}

fn is_of(run: &StoredRun, category: Option<ChartCategory>) -> bool {
    category.is_none_or(|category| category.id() == run.series.category_id)
}

fn has_content(runs: &[&StoredRun], target: &Target) -> bool {
    runs.iter().any(|run| run.entries > 0 || target.tells_failures())
}

fn check_found(args: &ExportArgs, runs: &[StoredRun], pruned: usize, outputs: &OutputConfig) -> anyhow::Result<()> {
    let runs: Vec<&StoredRun> = runs.iter().collect();
    let is_anything = |target: &Target| has_content(&runs, target);
    if Target::all(outputs).iter().any(is_anything) {
        return Ok(());
    }
    let why = match (args.run, pruned) {
        (Some(id), 1..) => {
            format!("the charts of run {id} are deleted (--keep); its document, if it was saved, can be loaded again")
        }
        (Some(id), 0) if runs.is_empty() && args.regions.is_empty() => {
            format!("the history has no run {id}; -f ndjson --rows entries shows the run_id of each")
        }
        (_, 1..) => "all runs that match have had their charts deleted (--keep)".to_owned(),
        (_, 0) if runs.is_empty() => {
            "no run in the history matches; name another time, region or category, or none".to_owned()
        }
        (_, 0) => "no chart arrived in the runs that match; their documents say why (--run ID -f json)".to_owned(),
    };
    anyhow::bail!("nothing to export: {why}")
}

/// Reads the runs and writes them at the same time.
async fn write(
    backend: &mut dyn Backend,
    runs: &[&StoredRun],
    filter: &RunFilter,
    outputs: &OutputConfig,
    target: &Target,
) -> anyhow::Result<()> {
    let has_several = || runs.iter().any(|run| run.series.category_id != runs[0].series.category_id);
    let is_several = filter.categories.as_ref().is_some_and(|categories| categories.len() > 1);
    let selection = Selection {
        names_categories: target.category().is_none() && (is_several || has_several()),
        names_times: runs.len() > 1,
    };
    let (sender, documents) = mpsc::channel(1);
    let (read, written) = tokio::join!(
        read(backend, runs, filter, outputs, sender),
        export::write(outputs, target, selection, documents)
    );
    // If reading fails, writing fails because of it.
    read?;
    Ok(written?)
}

/// The most entries that are read at once: few round trips, and little memory.
const BATCH: u64 = 10_000;

/// Sends the documents of runs, until nobody receives them any more.
async fn read(
    backend: &mut dyn Backend,
    runs: &[&StoredRun],
    filter: &RunFilter,
    outputs: &OutputConfig,
    sender: Sender<io::Result<Arc<Document>>>,
) -> Result<(), HistoryError> {
    for batch in batches(runs) {
        let documents = backend.run_documents(&batch, filter.regions.as_deref(), outputs.description).await;
        if documents.is_err() {
            let _ = sender.send(Err(io::Error::other("the history cannot be read"))).await;
        }
        for mut document in documents? {
            if outputs.has_format(Format::Json) {
                document.stats.overlap = stats::overlap(&document.request.regions, &document.videos);
            }
            if sender.send(Ok(Arc::new(document))).await.is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn batches(runs: &[&StoredRun]) -> Vec<Vec<StoredRun>> {
    let (mut batches, mut entries) = (Vec::<Vec<StoredRun>>::new(), u64::MAX);
    for &run in runs {
        if entries.saturating_add(run.entries) > BATCH {
            batches.push(Vec::new());
            entries = 0;
        }
        entries += run.entries;
        if let Some(batch) = batches.last_mut() {
            batch.push(run.clone());
        }
    }
    batches
}
