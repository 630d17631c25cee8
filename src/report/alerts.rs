//! What is told before anything else: regions that failed, and charts that are out of date. Pure.
//!
//! A region that is no longer fetched is not at fault; it is told by a note of its own.

use jiff::{SignedDuration, Timestamp};

use super::snapshot::{RegionPast, Snapshot};
use super::{cause, when};
use crate::model::Status;
use crate::model::region::Region;
use crate::support::sanitize::one_line;

/// A chart that is older is told before anything else.
const STALE: SignedDuration = SignedDuration::from_hours(24);

/// Regions that failed alike, or that are out of date.
pub(super) struct Trouble {
    pub what: String,
    pub regions: String,
    pub why: Option<String>,
}

/// Regions that failed last time, those of one reason together; then those whose chart is old.
pub(super) fn troubles(snapshot: &Snapshot) -> Vec<Trouble> {
    let mut groups: Vec<(Status, &str, &str, Vec<Region>)> = Vec::new();
    let mut stale: Vec<(Region, Timestamp)> = Vec::new();
    for past in snapshot.fetched() {
        let Some(latest) = past.latest() else { continue };
        if latest.status != Status::Ok {
            let (kind, message) =
                latest.error.as_ref().map_or(("unknown", ""), |(kind, message)| (kind.as_str(), message.as_str()));
            match groups.iter_mut().find(|group| (group.0, group.1) == (latest.status, kind)) {
                Some(group) => group.3.push(past.region),
                None => groups.push((latest.status, kind, message, vec![past.region])),
            }
        }
        match &past.chart {
            Some(chart) if snapshot.made_at.duration_since(chart.fetched_at) > STALE => {
                stale.push((past.region, chart.fetched_at));
            }
            _ => {}
        }
    }
    let mut troubles: Vec<Trouble> = groups
        .into_iter()
        .map(|(status, kind, message, regions)| {
            let what = match status {
                Status::Partial => format!("Incomplete last time ({}):", cause(kind)),
                _ => format!("Failed last time ({}):", cause(kind)),
            };
            Trouble { what, regions: codes(&regions), why: (!message.is_empty()).then(|| one_line(message, 300)) }
        })
        .collect();
    let missing: Vec<Region> = snapshot.fetched().filter(|past| past.chart.is_none()).map(|past| past.region).collect();
    if !missing.is_empty() {
        troubles.push(Trouble { what: "No chart at all:".to_owned(), regions: codes(&missing), why: None });
    }
    if !stale.is_empty() {
        let is_all = stale.len() == snapshot.fetched().count();
        let newest = stale.iter().map(|(_, at)| *at).max().unwrap_or_default();
        let oldest = stale.iter().map(|(_, at)| *at).min().unwrap_or_default();
        let regions: Vec<Region> = stale.iter().map(|(region, _)| *region).collect();
        let dates = span(oldest, newest);
        troubles.push(Trouble {
            what: if is_all { "Every chart is older than a day:" } else { "Charts older than a day:" }.to_owned(),
            regions: if is_all { dates } else { format!("{} ({dates})", codes(&regions)) },
            why: None,
        });
    }
    troubles
}

/// The regions that are no longer fetched, and when they last were.
pub(super) fn given_up(snapshot: &Snapshot) -> Option<String> {
    let regions: Vec<Region> = snapshot.given_up().map(|past| past.region).collect();
    let last = || snapshot.given_up().filter_map(RegionPast::latest).map(|latest| latest.fetched_at);
    Some(format!("No longer fetched: {} (last {}).", codes(&regions), span(last().min()?, last().max()?)))
}

/// `2026-11-01 14:05 to 2026-11-03 14:05`
fn span(oldest: Timestamp, newest: Timestamp) -> String {
    if newest == oldest { when(&newest) } else { format!("{} to {}", when(&oldest), when(&newest)) }
}

fn codes(regions: &[Region]) -> String {
    regions.iter().map(Region::code).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Attempt;
    use crate::report::samples::{at, attempt, charted, entries, failed, past, snapshot};
    use crate::report::snapshot::Chart;

    type Told = (String, String, Option<String>);

    fn told(snapshot: &Snapshot) -> Vec<Told> {
        let each = troubles(snapshot).into_iter();
        each.map(|trouble| (trouble.what, trouble.regions, trouble.why)).collect()
    }

    fn trouble(what: &str, regions: &str, why: Option<&str>) -> Told {
        (what.to_owned(), regions.to_owned(), why.map(str::to_owned))
    }

    /// A region with a chart, and these attempts.
    fn tried(attempts: Vec<Attempt>) -> RegionPast {
        RegionPast { chart: Some(Chart { fetched_at: at(0), entries: entries(&["a"]) }), ..past(attempts) }
    }

    #[test]
    fn regions_that_failed_alike_are_one_trouble_with_the_reason_of_the_first() {
        let snapshot = snapshot(vec![
            tried(vec![failed("US", 0, Status::Failed, "timeout")]),
            tried(vec![failed("GB", 0, Status::Failed, "connect")]),
            tried(vec![attempt("NO", 0)]),
            tried(vec![failed("PL", 0, Status::Failed, "timeout")]),
            tried(vec![failed("SE", 0, Status::Partial, "timeout")]),
        ]);
        let expected = [
            trouble("Failed last time (no answer in time):", "US, PL", Some("timeout at US")),
            trouble("Failed last time (no connection):", "GB", Some("connect at GB")),
            trouble("Incomplete last time (no answer in time):", "SE", Some("timeout at SE")),
        ];
        assert_eq!(told(&snapshot), expected);
    }

    #[test]
    fn a_failure_without_a_reason_is_told_all_the_same() {
        let silent = Attempt { status: Status::Failed, ..attempt("US", 0) };
        assert_eq!(told(&snapshot(vec![tried(vec![silent])])), [trouble("Failed last time (unknown):", "US", None)]);
        let wordless =
            Attempt { error: Some(("tls".to_owned(), String::new())), ..failed("US", 0, Status::Failed, "tls") };
        assert_eq!(
            told(&snapshot(vec![tried(vec![wordless])])),
            [trouble("Failed last time (no secure connection):", "US", None)]
        );
    }

    #[test]
    fn only_the_newest_answer_of_a_region_is_a_trouble() {
        let earlier = vec![failed("US", 0, Status::Failed, "timeout"), attempt("US", 1)];
        assert_eq!(told(&snapshot(vec![tried(earlier)])), []);
        let now = vec![attempt("US", 0), failed("US", 1, Status::Failed, "timeout")];
        assert_eq!(told(&snapshot(vec![tried(now)])).len(), 1);
    }

    #[test]
    fn regions_without_any_chart_are_named() {
        let without = |code| past(vec![attempt(code, 0)]);
        let found = told(&snapshot(vec![without("US"), charted("GB", Vec::new()), without("PL")]));
        assert_eq!(found, [trouble("No chart at all:", "US, PL", None)]);
    }

    #[test]
    fn a_chart_is_old_after_more_than_a_day() {
        let mut page = snapshot(vec![charted("US", entries(&["a"])), charted("GB", entries(&["a"]))]);
        page.made_at = at(24);
        assert_eq!(told(&page), []);
        page.made_at = at(24) + SignedDuration::from_secs(1);
        assert_eq!(told(&page), [trouble("Every chart is older than a day:", "2026-11-01 00:00", None)]);
        page.regions[1].chart.as_mut().unwrap().fetched_at = at(-5);
        let both = "2026-10-31 19:00 to 2026-11-01 00:00";
        assert_eq!(told(&page), [trouble("Every chart is older than a day:", both, None)]);
        // A third that is fresh: then the codes matter.
        let mut fresh = charted("PL", entries(&["a"]));
        fresh.chart.as_mut().unwrap().fetched_at = at(24);
        page.regions.push(fresh);
        assert_eq!(told(&page), [trouble("Charts older than a day:", &format!("US, GB ({both})"), None)]);
    }
    #[test]
    fn a_region_that_is_no_longer_fetched_is_told_once_and_is_no_trouble() {
        let week = 7 * 24;
        let fetched = |code, hours: &[i64]| {
            let chart = Chart { fetched_at: at(hours[hours.len() - 1]), entries: entries(&["a"]) };
            RegionPast { chart: Some(chart), ..past(hours.iter().map(|hour| attempt(code, *hour)).collect()) }
        };
        let mistake = past(vec![failed("XX", 3, Status::Failed, "region_unsupported")]);
        let mut page = snapshot(vec![fetched("US", &[0, week + 4]), fetched("PL", &[0]), mistake]);
        assert_eq!(told(&page), []);
        let note = "No longer fetched: PL, XX (last 2026-11-01 00:00 to 2026-11-01 03:00).";
        assert_eq!(given_up(&page).as_deref(), Some(note));
        // Within the week both are troubles.
        page.origin = crate::report::snapshot::Origin::History { runs: at(0)..=at(week), others: Vec::new() };
        assert_eq!(told(&page).len(), 3, "{:?}", told(&page));
        assert_eq!(given_up(&page), None);
        // All of them stopped: then that is what is wrong.
        let mut page = snapshot(vec![fetched("US", &[0]), fetched("PL", &[0])]);
        page.made_at = at(3 * week);
        assert_eq!(told(&page), [trouble("Every chart is older than a day:", "2026-11-01 00:00", None)]);
        assert_eq!(given_up(&page), None);
    }
}
