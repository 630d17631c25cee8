//! `changes`: what entered, left, rose and fell in each chart.

use std::collections::HashSet;
use std::io::{self, IsTerminal};

use jiff::Timestamp;

use super::{EMPTY_HISTORY, known_regions, location};
use crate::cli::{ChangesArgs, TerminalArgs};
use crate::config;
use crate::config::env::Env;
use crate::config::region_list;
use crate::history::changes::{self, RegionTrends};
use crate::history::{self, Access, Backend, DROPPED_AFTER, RequestedRegion};
use crate::model::region::Region;
use crate::output;

pub(super) async fn run(args: ChangesArgs, terminal: &TerminalArgs, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let location = location(&args.store, env)?;
    let color = config::use_color(terminal.color, io::stdout().is_terminal(), env)?;
    let mut backend = history::open(&location, Access::Read).await?;
    let found = find(&mut *backend, &args, now).await;
    backend.close().await;
    Ok(output::changes::print(&found?, args.format, color)?)
}

async fn find(backend: &mut dyn Backend, args: &ChangesArgs, now: Timestamp) -> anyhow::Result<Vec<RegionTrends>> {
    backend.begin_snapshot().await?;
    let known = known_regions(backend, now).await?;
    if known.is_empty() {
        tracing::warn!("{EMPTY_HISTORY}");
    }
    let is_chosen = !args.regions.is_empty();
    let requested = match is_chosen {
        true => region_list::parse(&args.regions.join(","))?,
        false => known.iter().map(|known| known.region).collect(),
    };
    let trend_length = output::changes::trend_length(args.format);
    let regions = changes::find(backend, &requested, args.category, now, trend_length).await?;

    let is_compared = |region: &&Region| regions.iter().any(|trends| trends.changes.region == **region);
    // A region that is no longer fetched, perhaps requested once by mistake, is mentioned only if it is named.
    let ignored = if is_chosen { HashSet::new() } else { inactive_regions(&known) };
    let incomparable = requested.iter().filter(|region| !is_compared(region) && !ignored.contains(*region));
    let incomparable: Vec<&str> = incomparable.map(Region::code).collect();
    if !incomparable.is_empty() {
        tracing::warn!("{}: no two complete charts of one source and category to compare yet", incomparable.join(","));
    }
    Ok(regions)
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
