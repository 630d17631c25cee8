//! What is missing or unusual: missing runs, failed runs, shrunken charts, categories whose share changed. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::categories::{CategoryShare, category_name, category_shares};
use super::region_history::RegionHistory;
use super::schedule::FetchSchedule;
use super::snapshot::Snapshot;
use super::text::{date_time, describe_error_kind};
use crate::history::HistoryEntry;
use crate::model::Status;
use crate::model::category::Category;
use crate::model::region::Region;
use crate::support::human::format_span;

/// The smallest change of a category's share that is reported, in percentage points.
const MIN_SHARE_CHANGE: f64 = 15.0;

/// Charts with fewer entries have no meaningful shares.
const MIN_ENTRIES: usize = 20;

/// The most regions that an anomaly lists by code.
const MAX_LISTED_CODES: usize = 12;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Anomaly {
    /// There should have been more runs of these regions between two of them.
    MissingRuns { regions: Vec<Region>, runs: u64, from: Timestamp, to: Timestamp, interval: SignedDuration },
    /// The next run of these regions should have started by now.
    Overdue { regions: Vec<Region>, last_run: Timestamp, interval: SignedDuration },
    /// Some runs of a region failed or were incomplete.
    FailedRuns { region: Region, failed: usize, total: usize, reasons: Vec<String> },
    /// A chart is empty, or has less than half of the videos that it had before with the same limit.
    Shrunk { region: Region, before: u32, now: u32, since: Timestamp },
    /// A category's share of the chart grew or fell considerably.
    ShareChanged { region: Region, category: Option<Category>, before: f64, now: f64 },
}

impl Anomaly {
    /// Whether it still holds, so that it is listed with the alerts.
    pub(super) fn is_urgent(&self) -> bool {
        matches!(self, Anomaly::Overdue { .. } | Anomaly::Shrunk { .. })
    }
}

/// The anomalies of the regions that are still fetched: overdue and missing runs, then failed runs and shrunken charts
/// by region, then changed shares, largest change first.
pub(super) fn anomalies(snapshot: &Snapshot) -> Vec<Anomaly> {
    let regions: Vec<&RegionHistory> = snapshot.still_fetched().collect();
    let mut anomalies = missing_runs(&regions, snapshot.made_at);
    for history in &regions {
        anomalies.extend(failed_runs(history));
        anomalies.extend(shrunk(history));
    }
    let mut changed: Vec<Anomaly> = regions.into_iter().flat_map(changed_shares).collect();
    let size = |anomaly: &Anomaly| match anomaly {
        Anomaly::ShareChanged { before, now, .. } => (now - before).abs(),
        _ => 0.0,
    };
    changed.sort_by(|one, other| size(other).total_cmp(&size(one)));
    anomalies.extend(changed);
    anomalies
}

/// The start of a gap between runs, newest first, its end, and the usual interval.
type Gap = (Reverse<Timestamp>, Timestamp, SignedDuration);

/// Each region is checked by itself, since jobs may fetch different regions. Regions with the same gap are reported
/// together.
fn missing_runs(regions: &[&RegionHistory], now: Timestamp) -> Vec<Anomaly> {
    let mut overdue: BTreeMap<Gap, Vec<Region>> = BTreeMap::new();
    let mut missing: BTreeMap<Gap, (u64, Vec<Region>)> = BTreeMap::new();
    for history in regions {
        let schedule = FetchSchedule::new(history);
        let Some(interval) = schedule.interval() else { continue };
        if schedule.is_overdue(now) {
            overdue.entry((Reverse(schedule.last_run()), now, interval)).or_default().push(history.region);
        }
        for (from, to, runs) in schedule.missing_runs() {
            missing.entry((Reverse(from), to, interval)).or_insert((runs, Vec::new())).1.push(history.region);
        }
    }
    let overdue = overdue.into_iter().map(|((Reverse(last_run), _, interval), regions)| Anomaly::Overdue {
        regions,
        last_run,
        interval,
    });
    let missing = missing.into_iter().map(|((Reverse(from), to, interval), (runs, regions))| Anomaly::MissingRuns {
        regions,
        runs,
        from,
        to,
        interval,
    });
    overdue.chain(missing).collect()
}

fn failed_runs(history: &RegionHistory) -> Option<Anomaly> {
    // The failure of a single run is an alert already.
    let failed: Vec<_> = history.attempts.iter().filter(|attempt| attempt.status != Status::Ok).collect();
    if failed.is_empty() || history.attempts.len() < 2 {
        return None;
    }
    let errors = failed.iter().filter_map(|attempt| attempt.error.as_ref());
    let mut reasons: Vec<String> = errors.map(|(kind, _)| describe_error_kind(kind).to_owned()).collect();
    reasons.sort_unstable();
    reasons.dedup();
    let (failed, total) = (failed.len(), history.attempts.len());
    Some(Anomaly::FailedRuns { region: history.region, failed, total, reasons })
}

/// Compares the newest chart with the newest earlier one that was larger by more than a quarter. Charts between the
/// two count as shrunken, so a chart that stays small is still reported after the next run.
fn shrunk(history: &RegionHistory) -> Option<Anomaly> {
    let mut newest_first = history.attempts.iter().rev().filter(|attempt| attempt.status == Status::Ok);
    let newest = newest_first.next()?;
    let mut since = newest.fetched_at;
    let before = newest_first.filter(|attempt| attempt.max_results == newest.max_results).find(|attempt| {
        let is_larger = attempt.videos > newest.videos.saturating_add(newest.videos / 4);
        since = if is_larger { since } else { attempt.fetched_at };
        is_larger
    })?;
    let (before, now) = (before.videos, newest.videos);
    (now < before.div_ceil(2)).then_some(Anomaly::Shrunk { region: history.region, before, now, since })
}

fn changed_shares(history: &RegionHistory) -> Vec<Anomaly> {
    let (Some(now), Some(before), Some(changes)) = (&history.chart, &history.previous, &history.changes) else {
        return Vec::new();
    };
    if now.entries.len().min(before.entries.len()) < MIN_ENTRIES {
        return Vec::new();
    }
    // A run with a smaller limit has no entries below it.
    let shares =
        |entries: &[HistoryEntry]| category_shares(entries.iter().filter(|entry| entry.rank <= changes.max_rank));
    let (now, before) = (shares(&now.entries), shares(&before.entries));
    let mut categories: Vec<Option<Category>> = now.iter().chain(&before).map(|share| share.category).collect();
    categories.sort_unstable();
    categories.dedup();
    categories
        .into_iter()
        .map(|category| (category, percent_of(&before, category), percent_of(&now, category)))
        // The tolerance lets a change of exactly 15 points pass whatever the rounding of the shares.
        .filter(|(_, before, now)| (now - before).abs() >= MIN_SHARE_CHANGE - 1e-9)
        .map(|(category, before, now)| Anomaly::ShareChanged { region: history.region, category, before, now })
        .collect()
}

fn percent_of(shares: &[CategoryShare], category: Option<Category>) -> f64 {
    shares.iter().find(|share| share.category == category).map_or(0.0, |share| share.percent)
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Anomaly::MissingRuns { regions, runs, from, to, interval } => {
                let runs = if *runs == 1 { "one run is".to_owned() } else { format!("{runs} runs are") };
                let (from, to, interval) = (date_time(from), date_time(to), format_span(interval.as_secs()));
                write!(
                    f,
                    "{}: {runs} missing between {from} and {to}; the usual interval is {interval}.",
                    list(regions)
                )
            }
            Anomaly::Overdue { regions, last_run, interval } => {
                let (last_run, interval) = (date_time(last_run), format_span(interval.as_secs()));
                write!(f, "{}: no run since {last_run}; the usual interval is {interval}.", list(regions))
            }
            Anomaly::FailedRuns { region, failed, total, reasons } => {
                write!(f, "{region}: {failed} of {total} runs failed or were incomplete")?;
                if reasons.is_empty() { f.write_str(".") } else { write!(f, " ({}).", reasons.join(", ")) }
            }
            Anomaly::Shrunk { region, before, now: 0, since } => {
                let (since, before) = (date_time(since), videos(*before));
                write!(f, "{region}: the chart has been empty since {since}; it had {before} before.")
            }
            Anomaly::Shrunk { region, before, now, since } => {
                let (since, now) = (date_time(since), videos(*now));
                write!(f, "{region}: the chart has had {now} since {since}; it had {before} before.")
            }
            Anomaly::ShareChanged { region, category, before, now } => {
                let category = category_name(*category);
                write!(f, "{region}: {category} went from {before:.0} % to {now:.0} % of the chart.")
            }
        }
    }
}

/// The codes of a few regions, or the number of many.
fn list(regions: &[Region]) -> String {
    match regions {
        [] => "no region".to_owned(),
        few if few.len() <= MAX_LISTED_CODES => few.iter().map(Region::code).collect::<Vec<_>>().join(", "),
        many => format!("{} regions", many.len()),
    }
}

fn videos(count: u32) -> String {
    if count == 1 { "1 video".to_owned() } else { format!("{count} videos") }
}

#[cfg(test)]
mod tests;
