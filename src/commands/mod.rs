//! The subcommands: everything that is not a run. One file for each.

mod changes;
mod completions;
mod demo;
mod export;
mod load;
mod man;
mod prune;
mod regions;
#[cfg(feature = "report")]
mod report;
mod status;

use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use crate::cli::{Command, StoreArg, TerminalArgs};
use crate::config;
use crate::config::env::Env;
use crate::history::{Backend, HistoryError, Location, RequestedRegion};
use crate::model::error::UsageError;
use crate::model::{Document, read_document, whole_seconds};
use crate::output::exit_status::ExitStatus;
use crate::output::{self, FileDescriptor, OutputError, Place};

/// The outputs of a subcommand, as far as they may be open descriptors.
#[derive(Default)]
pub struct Outputs {
    /// The descriptor that `report` writes to, if its `--output` names one.
    page: Option<FileDescriptor>,
    export: Option<export::Plan>,
}

/// Resolves the outputs of a subcommand. Must be called before anything is opened.
///
/// # Errors
/// For the first option that is malformed.
pub fn outputs(command: &Command, terminal: &TerminalArgs, env: &Env) -> Result<Outputs, UsageError> {
    Ok(match command {
        Command::Report(args) => Outputs { page: FileDescriptor::from_path(&args.output), export: None },
        Command::Export(args) => Outputs { page: None, export: Some(export::plan(args, terminal, env)?) },
        _ => Outputs::default(),
    })
}

/// Runs a subcommand. `outputs` is the result of [`outputs`].
///
/// # Errors
/// If it fails, with the reason and the remedy.
pub async fn run(
    command: Command,
    terminal: &TerminalArgs,
    outputs: Outputs,
    env: &Env,
    now: Timestamp,
) -> anyhow::Result<ExitStatus> {
    // Runs are dated in whole seconds, so a run of this second must not be in the future.
    let now = whole_seconds(now);
    let text = match command {
        Command::Changes(args) => return changes::run(args, terminal, env, now).await.map(complete),
        Command::Export(args) => {
            let plan = outputs.export.map_or_else(|| export::plan(&args, terminal, env), Ok)?;
            return export::run(&args, plan, now).await;
        }
        Command::Status(args) => return status::run(&args, env, now).await,
        Command::Report(args) => return report::run(args, outputs.page, env, now).await.map(complete),
        Command::Load(args) => return load::run(&args, terminal, env, now).await.map(complete),
        Command::Prune(args) => return prune::run(&args, terminal, env, now).await.map(complete),
        Command::Demo(args) => return demo::run(&args, terminal, env, now).await.map(complete),
        Command::Regions(args) => regions::regions(args.format)?,
        Command::Completions { shell } => completions::script(shell),
        Command::Man(args) => return man::run(&args).map(complete),
        Command::Schema { shape } => output::schema(shape),
    };
    Ok(output::print(&text).map(complete)?)
}

fn complete(_: ()) -> ExitStatus {
    ExitStatus::Complete
}

#[cfg(not(feature = "report"))]
mod report {
    use super::*;

    pub(super) async fn run(
        _: crate::cli::ReportArgs,
        _: Option<FileDescriptor>,
        _: &Env,
        _: Timestamp,
    ) -> anyhow::Result<()> {
        Err(UsageError("this trendfetch was built without pages; build it with --features report".into()).into())
    }
}

/// Prints what a command did, which is no data.
fn print_message(text: &str, terminal: &TerminalArgs) -> Result<(), OutputError> {
    if terminal.quiet { Ok(()) } else { output::print(text) }
}

const EMPTY_HISTORY: &str = "the history has no run yet; a run with --store adds one";

/// Runs and documents that are dated further ahead than this count as dated in the future. The clock of the machine
/// that fetched them may be ahead of this one's.
const MAX_CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(10);

/// The history that `--store` or the environment names.
fn location(store: &StoreArg, env: &Env) -> Result<Location, UsageError> {
    env.check()?;
    let missing = || UsageError("no history given; use --store or TRENDFETCH_STORE".into());
    config::location(store.get()?, env)?.ok_or_else(missing)
}

/// The regions of a history. Warns if it has runs that are dated in the future.
async fn known_regions(backend: &mut dyn Backend, now: Timestamp) -> Result<Vec<RequestedRegion>, HistoryError> {
    let known = backend.requested_regions().await?;
    let latest = known.iter().map(|region| region.requested_at).max();
    if let Some(latest) = latest.filter(|latest| *latest > now + MAX_CLOCK_SKEW) {
        tracing::warn!(
            "runs of the history are dated up to {latest}, which is in the future, and are ignored; set this machine's clock, or, if that was wrong when they ran, see prune --ahead"
        );
    }
    Ok(known)
}

/// Reads a saved document, which must not be dated in the future.
async fn read_document(place: &Place, now: Timestamp) -> anyhow::Result<Document> {
    let document = match place {
        Place::File(path) => read_document::read(path)?,
        Place::Object(object) => {
            let bytes = object.read().await.map_err(|error| anyhow::anyhow!("cannot read {object}: {error}"))?;
            read_document::decode(Path::new(&object.to_string()), bytes)?
        }
    };
    anyhow::ensure!(
        document.fetched_at <= now + MAX_CLOCK_SKEW,
        "{place} says that it was fetched at {}, which is in the future; set this machine's clock, or correct fetched_at",
        document.fetched_at
    );
    Ok(document)
}
