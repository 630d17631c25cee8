//! `changes`: what entered, left, rose and fell in each chart.

use std::collections::HashSet;
use std::io::{self, IsTerminal};

use jiff::Timestamp;

use super::{EMPTY_HISTORY, known_regions, location};
use crate::cli::{ChangesArgs, TerminalArgs};
use crate::config;
use crate::config::env::Env;
use crate::config::region_list;
use crate::history::changes::{self, Entrances, Query, RegionTrends};
use crate::history::{self, Access, Backend, DROPPED_AFTER, RequestedRegion};
use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::output::changes::{Feed, TableOptions};
use crate::output::{self, ChangesFormat};

pub(super) async fn run(args: ChangesArgs, terminal: &TerminalArgs, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let location = location(&args.store, env)?;
    let color = config::use_color(terminal.color, io::stdout().is_terminal(), env)?;
    let since = args.since.map(|since| since.resolve(now)).transpose();
    let since = since.map_err(|error| UsageError(format!("--since: {error}")))?;
    let requested = match args.regions.as_slice() {
        [] => Vec::new(),
        regions => region_list::parse(&regions.join(","))?,
    };
    let mut backend = history::open(&location, Access::Read).await?;
    let query = Query { regions: &requested, category: args.category, since, until: now, top: args.top };
    let found = find(&mut *backend, query, &args).await;
    backend.close().await;
    match found? {
        Found::Trends(trends) => {
            output::changes::print(&trends, args.format, TableOptions { color, all: args.all, top: args.top })?
        }
        Found::Entrances(entrances) => output::changes::print_feed(&Feed {
            entrances: &entrances,
            regions: &requested,
            category: args.category,
            top: args.top,
            now,
        })?,
    }
    Ok(())
}

/// What is printed.
enum Found {
    Trends(Vec<RegionTrends>),
    Entrances(Entrances),
}

impl Found {
    /// The regions with two comparable charts.
    fn regions(&self) -> Vec<Region> {
        match self {
            Found::Trends(trends) => trends.iter().map(|trends| trends.changes.region).collect(),
            Found::Entrances(entrances) => entrances.regions.clone(),
        }
    }
}

/// Reads the history. If the query names no regions, they are all in the history.
async fn find(backend: &mut dyn Backend, query: Query<'_>, args: &ChangesArgs) -> anyhow::Result<Found> {
    backend.begin_snapshot().await?;
    let known = known_regions(backend, query.until).await?;
    if known.is_empty() {
        tracing::warn!("{EMPTY_HISTORY}");
    }
    let all: Vec<Region> = known.iter().map(|known| known.region).collect();
    let is_chosen = !query.regions.is_empty();
    let query = Query { regions: if is_chosen { query.regions } else { &all }, ..query };
    let found = match args.format {
        ChangesFormat::Atom => Found::Entrances(changes::find_entrances(backend, &query).await?),
        _ => Found::Trends(changes::find(backend, &query, output::changes::trend_length(args.format, args.all)).await?),
    };
    // A region that is no longer fetched, perhaps requested once by mistake, is mentioned only if it is named.
    let ignored = if is_chosen { HashSet::new() } else { inactive_regions(&known) };
    warn_of_incomparable(&query, &found.regions(), &ignored);
    Ok(found)
}

fn warn_of_incomparable(query: &Query<'_>, compared: &[Region], ignored: &HashSet<Region>) {
    let incomparable = query.regions.iter().filter(|region| !compared.contains(region) && !ignored.contains(*region));
    let incomparable: Vec<&str> = incomparable.map(Region::code).collect();
    if incomparable.is_empty() {
        return;
    }
    let incomparable = incomparable.join(",");
    match query.since {
        None => tracing::warn!("{incomparable}: no two complete charts of one source and category to compare yet"),
        Some(since) => tracing::warn!(
            "{incomparable}: no two complete charts of one source and category, one before {since} and one since then"
        ),
    }
}

/// The regions that were not requested for a week before the newest run.
fn inactive_regions(known: &[RequestedRegion]) -> HashSet<Region> {
    let newest = known.iter().map(|known| known.requested_at).max().unwrap_or_default();
    known
        .iter()
        .filter(|known| newest.duration_since(known.requested_at) > DROPPED_AFTER)
        .map(|known| known.region)
        .collect()
}
