//! What is missing or odd: runs that did not come, regions that emptied, categories that jumped. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::categories::{Share, shares};
use super::schedule::Habit;
use super::snapshot::{RegionPast, Snapshot};
use super::{cause, when};
use crate::model::Status;
use crate::model::category::Category;
use crate::model::region::Region;
use crate::support::human::format_span;

/// By how many points of a hundred a category's share must change to be told.
const JUMP: f64 = 15.0;

/// The smallest chart whose shares say something.
const SMALLEST: usize = 20;

/// Something that whoever reads the page should know.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Gap {
    /// Between two runs of each of these regions there should have been others.
    Missing { regions: Vec<Region>, runs: u64, from: Timestamp, to: Timestamp, usual: SignedDuration },
    /// The next run should have come by now.
    Overdue { regions: Vec<Region>, since: Timestamp, usual: SignedDuration },
    /// Some of a region's runs brought no whole chart.
    Failed { region: Region, failed: usize, of: usize, kinds: Vec<String> },
    /// A chart that is empty, or less than half of the one before, at the same depth.
    Shrunk { region: Region, before: u32, now: u32, at: Timestamp },
    /// A category takes much more, or less, of a chart than before.
    Jumped { region: Region, category: Option<Category>, before: f64, now: f64 },
}

impl Gap {
    /// Whether it is so now, and so belongs to what is told before anything else.
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self, Gap::Overdue { .. } | Gap::Shrunk { .. })
    }
}

/// Those of the regions that are still fetched: missing runs first, newest first, then by region.
pub(super) fn gaps(snapshot: &Snapshot) -> Vec<Gap> {
    let regions: Vec<&RegionPast> = snapshot.fetched().collect();
    let mut gaps = missing_runs(&regions, snapshot.made_at);
    for past in &regions {
        gaps.extend(failed(past));
        gaps.extend(shrunk(past));
    }
    let mut jumps: Vec<Gap> = regions.into_iter().flat_map(jumped).collect();
    let size = |gap: &Gap| if let Gap::Jumped { before, now, .. } = gap { (now - before).abs() } else { 0.0 };
    jumps.sort_by(|one, other| size(other).total_cmp(&size(one)));
    gaps.extend(jumps);
    gaps
}

/// The check goes by region; regions of which the same is true are told together.
fn missing_runs(regions: &[&RegionPast], now: Timestamp) -> Vec<Gap> {
    let mut overdue: BTreeMap<Waited, Vec<Region>> = BTreeMap::new();
    let mut missing: BTreeMap<Waited, (u64, Vec<Region>)> = BTreeMap::new();
    for past in regions {
        let habit = Habit::of(past);
        let Some(usual) = habit.usual() else { continue };
        if habit.is_overdue(now) {
            overdue.entry((Reverse(habit.last()), now, usual)).or_default().push(past.region);
        }
        for (from, to, runs) in habit.missing() {
            missing.entry((Reverse(from), to, usual)).or_insert_with(|| (runs, Vec::new())).1.push(past.region);
        }
    }
    let overdue =
        overdue.into_iter().map(|((Reverse(since), _, usual), regions)| Gap::Overdue { regions, since, usual });
    let missing = missing.into_iter().map(|((Reverse(from), to, usual), (runs, regions))| Gap::Missing {
        regions,
        runs,
        from,
        to,
        usual,
    });
    overdue.chain(missing).collect()
}

/// A wait, the newest first, and the usual one.
type Waited = (Reverse<Timestamp>, Timestamp, SignedDuration);

fn failed(past: &RegionPast) -> Option<Gap> {
    // Of a single run, the head of the page says it.
    let failed: Vec<_> = past.attempts.iter().filter(|attempt| attempt.status != Status::Ok).collect();
    if failed.is_empty() || past.attempts.len() < 2 {
        return None;
    }
    let mut kinds: Vec<String> =
        failed.iter().filter_map(|attempt| attempt.error.as_ref()).map(|(kind, _)| cause(kind).to_owned()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    Some(Gap::Failed { region: past.region, failed: failed.len(), of: past.attempts.len(), kinds })
}

/// Against the newest chart that was larger by more than a little; what came between belongs to the small one.
fn shrunk(past: &RegionPast) -> Option<Gap> {
    let mut whole = past.attempts.iter().rev().filter(|attempt| attempt.status == Status::Ok);
    let now = whole.next()?;
    let mut at = now.fetched_at;
    let before = whole.filter(|attempt| attempt.depth == now.depth).find(|attempt| {
        let is_larger = attempt.videos > now.videos.saturating_add(now.videos / 4);
        at = if is_larger { at } else { attempt.fetched_at };
        is_larger
    })?;
    let (before, now) = (before.videos, now.videos);
    (now < before.div_ceil(2)).then_some(Gap::Shrunk { region: past.region, before, now, at })
}

fn jumped(past: &RegionPast) -> Vec<Gap> {
    let (Some(now), Some(before), Some(changes)) = (&past.chart, &past.previous, &past.changes) else {
        return Vec::new();
    };
    let top =
        |entries: &[crate::history::HistoryEntry]| shares(entries.iter().filter(|entry| entry.rank <= changes.depth));
    if now.entries.len().min(before.entries.len()) < SMALLEST {
        return Vec::new();
    }
    let (now, before) = (top(&now.entries), top(&before.entries));
    let of = |shares: &[Share], category| {
        shares.iter().find(|share| share.category == category).map_or(0.0, |share| share.percent)
    };
    let mut categories: Vec<Option<Category>> = now.iter().chain(&before).map(|share| share.category).collect();
    categories.sort_unstable();
    categories.dedup();
    categories
        .into_iter()
        .map(|category| (category, of(&before, category), of(&now, category)))
        .filter(|(_, before, now)| (now - before).abs() >= JUMP - 1e-9)
        .map(|(category, before, now)| Gap::Jumped { region: past.region, category, before, now })
        .collect()
}

/// A few codes, or how many they are.
fn some_codes(regions: &[Region]) -> String {
    match regions {
        [] => "no region".to_owned(),
        few if few.len() <= 12 => few.iter().map(Region::code).collect::<Vec<_>>().join(", "),
        many => format!("{} regions", many.len()),
    }
}

fn videos(count: u32) -> String {
    if count == 1 { "1 video".to_owned() } else { format!("{count} videos") }
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gap::Missing { regions, runs, from, to, usual } => {
                let (codes, usual) = (some_codes(regions), format_span(usual.as_secs()));
                let runs = if *runs == 1 { "one run is".to_owned() } else { format!("{runs} runs are") };
                write!(
                    f,
                    "{codes}: {runs} missing from {} to {}; usually one comes every {usual}.",
                    when(from),
                    when(to)
                )
            }
            Gap::Overdue { regions, since, usual } => {
                let (codes, usual) = (some_codes(regions), format_span(usual.as_secs()));
                write!(f, "{codes}: no run since {}; usually one comes every {usual}.", when(since))
            }
            Gap::Failed { region, failed, of, kinds } => {
                write!(f, "{region}: {failed} of {of} runs brought no whole chart")?;
                if kinds.is_empty() { f.write_str(".") } else { write!(f, " ({}).", kinds.join(", ")) }
            }
            Gap::Shrunk { region, before, now: 0, at } => {
                write!(f, "{region}: its chart is empty since {}; before, it had {}.", when(at), videos(*before))
            }
            Gap::Shrunk { region, before, now, at } => {
                write!(f, "{region}: its chart has {} since {}; before, it had {before}.", videos(*now), when(at))
            }
            Gap::Jumped { region, category, before, now } => {
                let name = super::categories::name(*category);
                write!(f, "{region}: {name} went from {before:.0} % to {now:.0} % of the chart.")
            }
        }
    }
}

#[cfg(test)]
mod tests;
