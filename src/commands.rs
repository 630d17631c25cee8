//! What is no run: texts that the program prints about itself, and what it does with a history.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use clap::CommandFactory;
use jiff::Timestamp;

use crate::cli::{Cli, Command};
use crate::config;
use crate::document;
use crate::env::Env;
use crate::error::UsageError;
use crate::output::{self, ChangesFormat};
use crate::region::{self, Region};
use crate::store::changes::{self, Changes};
use crate::store::history::cutoff;
use crate::store::{self, Access, Location};

/// Does what the command says.
///
/// # Errors
/// When it cannot be done, with the reason.
pub async fn run(command: Command, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let text = match command {
        Command::Regions => regions(),
        Command::Schema => output::SCHEMA.to_owned(),
        Command::Completions { shell } => {
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "trendfetch", &mut bytes);
            String::from_utf8_lossy(&bytes).into_owned()
        }
        Command::Man => man().context("cannot render the man page")?,
        Command::Changes { store, regions, format } => {
            return print_changes(&location(store.store, env)?, &regions, format).await;
        }
        Command::Load { file, store } => load(&location(store.store, env)?, &file).await?,
        Command::Prune { store, keep } => prune(&location(store.store, env)?, keep, now).await?,
    };
    Ok(output::print(&text)?)
}

fn location(typed: Option<String>, env: &Env) -> Result<Location, UsageError> {
    let missing = || UsageError("which history? add --store, or set TRENDFETCH_STORE".into());
    config::location(typed.as_deref(), env)?.ok_or_else(missing)
}

async fn print_changes(location: &Location, typed: &[String], format: ChangesFormat) -> anyhow::Result<()> {
    let mut engine = store::open(location, Access::Existing).await?;
    engine.freeze().await?;
    let asked = if typed.is_empty() { engine.regions().await? } else { region::parse_list(&typed.join(","))? };
    let mut regions = Vec::new();
    let mut alone = Vec::new();
    for region in asked {
        match changes::of(&mut *engine, region).await? {
            Some(changes) => regions.push(changes),
            None => alone.push(region.code().to_owned()),
        }
    }
    if !alone.is_empty() || regions.is_empty() {
        let what = if alone.is_empty() { "no region".to_owned() } else { alone.join(",") };
        tracing::warn!("{what}: no two whole charts of the same source and category yet, so nothing to compare");
    }
    output::changes::print(&Changes { schema_version: changes::SCHEMA_VERSION, regions }, format)?;
    Ok(())
}

async fn load(location: &Location, file: &Path) -> anyhow::Result<String> {
    let report = Arc::new(document::read(file)?);
    let mut engine = store::open(location, Access::Create).await?;
    let is_new = engine.store(&report, None).await?;
    let what = if is_new { "is in the history now" } else { "was in the history already; nothing changed" };
    Ok(format!("run {} of {} {what}\n", report.run_id, report.fetched_at))
}

async fn prune(location: &Location, keep: Duration, now: Timestamp) -> anyhow::Result<String> {
    let mut engine = store::open(location, Access::Existing).await?;
    let pruned = engine.prune(cutoff(now, keep)).await?;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    Ok(format!(
        "deleted the charts of {} run(s), and {} video(s); {:.1} MiB became {:.1} MiB\n",
        pruned.runs,
        pruned.videos,
        mib(pruned.before),
        mib(pruned.after)
    ))
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
        let _ =
            writeln!(text, "{region:<4}  {:<22}  {language:<8}  {}", region.name(), region::search_config(language));
    }
    for (name, codes) in region::SETS {
        let _ = writeln!(text, "\n{name}: {}", codes.join(","));
    }
    text
}
