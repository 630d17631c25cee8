//! What is no run: texts that the program prints about itself, and what it does with a history.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use clap::CommandFactory;
use jiff::{SignedDuration, Timestamp};

use crate::cli::{Cli, Command, PruneArgs, ReportArgs};
use crate::config;
use crate::config::env::Env;
use crate::config::region_list;
use crate::history::changes::{self, Changes};
use crate::history::expiry::cutoff;
use crate::history::prune::{self, PruneOptions, Pruned};
use crate::history::{self, Access, Backend, DROPPED_AFTER, HistoryError, Location, RequestedRegion};
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::model::language::search_config;
use crate::model::read_document;
use crate::model::region::Region;
use crate::model::{Document, whole_seconds};
use crate::output::{self, Descriptor};
#[cfg(feature = "report")]
use crate::report::{self, Snapshot};

const NO_RUN: &str = "the history holds no run yet; a run with --store brings one in";

/// How far another machine's clock may be ahead of this one's.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// The open descriptor that the page of `report` goes to. To be asked before anything else is opened.
pub fn page(command: &Command) -> Option<Descriptor> {
    match command {
        Command::Report(arguments) => Descriptor::named_by(&arguments.output),
        _ => None,
    }
}

/// Does what the command says. `page` is what [`page()`] gave.
///
/// # Errors
/// When it cannot be done, with the reason.
pub async fn run(command: Command, page: Option<Descriptor>, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    // As runs are dated: with a fraction, a run of this very second would lie ahead.
    let now = whole_seconds(now);
    let text = match command {
        Command::Regions => regions(),
        Command::Schema => output::schema(),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "trendfetch", &mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Command::Man => man().context("cannot render the man page")?,
        Command::Changes { store, regions, category, format } => {
            let location = location(store.store, env)?;
            let color = config::has_color(io::stdout().is_terminal(), env)?;
            let columns = output::changes::trail_columns(format);
            let changes = find_changes(&location, &regions, category, columns, now).await?;
            return Ok(output::changes::print(&changes, format, color)?);
        }
        Command::Report(arguments) => return report(arguments, page, env, now).await,
        Command::Load { file, store } => load(&location(store.store, env)?, &file, now).await?,
        Command::Prune(typed) => return prune(&location(typed.store.store.clone(), env)?, &typed, now).await,
    };
    Ok(output::print(&text)?)
}

fn location(typed: Option<String>, env: &Env) -> Result<Location, UsageError> {
    env.check()?;
    let missing = || UsageError("which history? add --store, or set TRENDFETCH_STORE".into());
    config::location(typed.as_deref(), env)?.ok_or_else(missing)
}

async fn find_changes(
    location: &Location,
    typed: &[String],
    category: Option<ChartCategory>,
    trail_columns: usize,
    now: Timestamp,
) -> anyhow::Result<Changes> {
    let mut backend = history::open(location, Access::Read).await?;
    let found = changes_in(&mut *backend, typed, category, trail_columns, now).await;
    backend.close().await;
    found
}

async fn changes_in(
    backend: &mut dyn Backend,
    typed: &[String],
    category: Option<ChartCategory>,
    trail_columns: usize,
    now: Timestamp,
) -> anyhow::Result<Changes> {
    backend.begin_snapshot().await?;
    let known = known_regions(backend, now).await?;
    if known.is_empty() {
        tracing::warn!("{NO_RUN}");
    }
    let asked = if typed.is_empty() {
        known.iter().map(|known| known.region).collect()
    } else {
        region_list::parse(&typed.join(","))?
    };
    let regions = changes::find(backend, &asked, category, now, trail_columns).await?;
    let is_compared = |region: &&Region| regions.iter().any(|changes| changes.region == **region);
    // What nobody has asked for in a while, once by a slip perhaps, is told of only where it is named.
    let given_up = if typed.is_empty() { given_up(&known) } else { HashSet::new() };
    let is_told = |region: &&Region| !is_compared(region) && !given_up.contains(*region);
    let alone: Vec<&str> = asked.iter().filter(is_told).map(Region::code).collect();
    if !alone.is_empty() {
        tracing::warn!("{}: no two whole charts of one source and category to compare yet", alone.join(","));
    }
    Ok(Changes { schema_version: changes::SCHEMA_VERSION, regions })
}

/// The regions of a history. Says so where it goes on beyond this machine's clock.
async fn known_regions(backend: &mut dyn Backend, now: Timestamp) -> Result<Vec<RequestedRegion>, HistoryError> {
    let known = backend.requested_regions().await?;
    if let Some(last) = known.iter().map(|known| known.requested_at).max().filter(|last| *last > now + AHEAD) {
        tracing::warn!(
            "runs of the history are dated up to {last}, which is yet to come, and are left out; set this machine's clock, or, if that was wrong when they ran, see prune --ahead"
        );
    }
    Ok(known)
}

/// The regions that no run has asked for in a week, while others ran.
fn given_up(known: &[RequestedRegion]) -> HashSet<Region> {
    let newest = known.iter().map(|known| known.requested_at).max().unwrap_or_default();
    known
        .iter()
        .filter(|known| newest.duration_since(known.requested_at) > DROPPED_AFTER)
        .map(|known| known.region)
        .collect()
}

/// What a page is made of must outlive it.
#[cfg(feature = "report")]
fn not_onto(output: &Path, page: Option<&Descriptor>, source: &Path) -> Result<(), UsageError> {
    let is_source = match page {
        Some(page) => page.leads_to(source),
        None => output::is_same_file(output, source),
    };
    match is_source {
        false => Ok(()),
        true => {
            Err(UsageError(format!("{} is what the page is made of; name another file for the page", output.display())))
        }
    }
}

fn not_ahead(report: &Document, file: &Path, now: Timestamp) -> anyhow::Result<()> {
    anyhow::ensure!(
        report.fetched_at <= now + AHEAD,
        "{} says that it was fetched at {}, which is yet to come; set this machine's clock, or correct fetched_at",
        file.display(),
        report.fetched_at
    );
    Ok(())
}

#[cfg(feature = "report")]
async fn report(arguments: ReportArgs, page: Option<Descriptor>, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let ReportArgs { store, from, regions, category, output, thumbnails } = arguments;
    let asked = if regions.is_empty() { None } else { Some(region_list::parse(&regions.join(","))?) };
    let absence =
        if from.is_some() { "the document does not have it" } else { "no run of the last 30 days asked for it" };
    let snapshot = match from {
        Some(file) => {
            not_onto(&output, page.as_ref(), &file)?;
            let report = read_document::read(&file)?;
            not_ahead(&report, &file, now)?;
            Snapshot::from_document(&report, asked.as_deref(), now)
        }
        None => {
            let location = location(store.store, env)?;
            if let Location::Sqlite(file) = &location {
                not_onto(&output, page.as_ref(), &file.path)?;
            }
            let mut backend = history::open(&location, Access::Read).await?;
            let snapshot = Snapshot::from_history(&mut *backend, asked.as_deref(), category, now).await;
            let known = known_regions(&mut *backend, now).await;
            backend.close().await;
            known?;
            snapshot?.context(match category {
                Some(_) => {
                    "the history holds no run of that category; without --category, it shows what was fetched last"
                }
                None => NO_RUN,
            })?
        }
    };
    let is_there = |region: &&Region| snapshot.regions.iter().any(|past| past.region == **region);
    let missing: Vec<&str> = asked.iter().flatten().filter(|region| !is_there(region)).map(Region::code).collect();
    if !missing.is_empty() {
        tracing::warn!("{}: {absence}", missing.join(","));
    }
    anyhow::ensure!(
        !snapshot.is_empty(),
        "there is no chart to show; {} is left as it was",
        page.as_ref().map_or_else(|| output.display().to_string(), Descriptor::to_string)
    );
    let html = report::render(&snapshot, thumbnails).context("cannot make the page")?;
    Ok(output::save(&output, page.as_ref(), &html)?)
}

#[cfg(not(feature = "report"))]
async fn report(_: ReportArgs, _: Option<Descriptor>, _: &Env, _: Timestamp) -> anyhow::Result<()> {
    Err(UsageError("this trendfetch was built without pages; build it with --features report".into()).into())
}

async fn load(location: &Location, file: &Path, now: Timestamp) -> anyhow::Result<String> {
    let report = Arc::new(read_document::read(file)?);
    not_ahead(&report, file, now)?;
    let mut backend = history::open(location, Access::Create).await?;
    // With one clock, nothing is known to be dated wrongly.
    let is_new = backend.record(&report, None).await;
    backend.close().await;
    let what = if is_new? { "is in the history now" } else { "was in the history already; nothing changed" };
    Ok(format!("run {} of {} {what}\n", report.run_id, report.fetched_at))
}

async fn prune(location: &Location, typed: &PruneArgs, now: Timestamp) -> anyhow::Result<()> {
    let mut backend = history::open(location, Access::Modify).await?;
    let options = PruneOptions {
        expired_before: typed.keep.map(|keep| cutoff(now, keep)),
        log_before: typed.log.map(|log| cutoff(now, log)),
        future_after: typed.ahead.then_some(now),
    };
    let mut pruned = Pruned::default();
    let done = prune::prune(&mut *backend, &options, &mut pruned).await;
    backend.close().await;
    if let Some(why) = &pruned.unreclaimed {
        tracing::warn!("what was deleted is gone, but not all of its room was given back: {why}");
    }
    output::print(&said_of(typed, &pruned))?;
    Ok(done?)
}

/// What was done, also where it ended in the middle.
fn said_of(typed: &PruneArgs, pruned: &Pruned) -> String {
    let mut done = Vec::new();
    if typed.keep.is_some() || typed.ahead {
        done.push(format!("the charts of {} run(s)", pruned.deleted.runs));
        done.push(format!("{} video(s)", pruned.deleted.videos));
    }
    if typed.log.is_some() {
        done.push(format!("{} run(s) of the log", pruned.log_runs));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (before, after) = (pruned.size_before, pruned.size_after);
    format!("deleted {}; {:.1} MiB became {:.1} MiB\n", done.join(", and "), mib(before), mib(after))
}

fn man() -> io::Result<String> {
    let mut bytes = Vec::new();
    // The renderer gives no text to an option that -h hides.
    let shown = Cli::command().mut_args(|argument| argument.hide_short_help(false));
    clap_mangen::Man::new(shown).render(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn regions() -> String {
    let mut text = format!("{:<4}  {:<22}  {:<8}  {}\n", "Code", "Name", "Language", "Search configuration");
    for region in Region::all() {
        let language = region.language();
        let _ = writeln!(text, "{region:<4}  {:<22}  {language:<8}  {}", region.name(), search_config(language));
    }
    for (name, codes) in region_list::SETS {
        let _ = writeln!(text, "\n{name}: {}", codes.join(","));
    }
    text
}
