//! What the page reports first: regions that failed, and charts that are out of date. Pure.
//!
//! A region that is no longer fetched is not an alert; a separate note lists it.

use jiff::{SignedDuration, Timestamp};

use super::categories::category_name;
use super::region_history::RegionHistory;
use super::snapshot::Snapshot;
use super::text::{date_time, describe_error_kind};
use crate::model::Status;
use crate::model::category::Category;
use crate::model::region::Region;
use crate::support::sanitize::one_line;

/// A chart older than this is an alert.
const MAX_CHART_AGE: SignedDuration = SignedDuration::from_hours(24);

/// Regions that failed for the same reason, have no chart, or have an old one.
pub(super) struct Alert {
    pub headline: String,
    pub regions: String,
    pub error_message: Option<String>,
}

pub(super) fn alerts(snapshot: &Snapshot) -> Vec<Alert> {
    let mut alerts = failures(snapshot);
    alerts.extend(missing_charts(snapshot));
    alerts.extend(old_charts(snapshot));
    alerts
}

/// Regions whose latest attempt failed or was incomplete, grouped by status and error kind.
fn failures(snapshot: &Snapshot) -> Vec<Alert> {
    let mut groups: Vec<(Status, &str, &str, Vec<Region>)> = Vec::new();
    for history in snapshot.still_fetched().filter(|history| !is_absent(snapshot, history)) {
        let Some(latest) = history.latest_attempt().filter(|latest| latest.status != Status::Ok) else { continue };
        let (kind, message) =
            latest.error.as_ref().map_or(("unknown", ""), |(kind, message)| (kind.as_str(), message.as_str()));
        match groups.iter_mut().find(|group| (group.0, group.1) == (latest.status, kind)) {
            Some(group) => group.3.push(history.region),
            None => groups.push((latest.status, kind, message, vec![history.region])),
        }
    }
    let alert = |(status, kind, message, regions): (Status, &str, &str, Vec<Region>)| {
        let outcome = if status == Status::Partial { "Incomplete" } else { "Failed" };
        Alert {
            headline: format!("{outcome} last time ({}):", describe_error_kind(kind)),
            regions: codes(&regions),
            error_message: (!message.is_empty()).then(|| one_line(message, 300)),
        }
    };
    groups.into_iter().map(alert).collect()
}

fn missing_charts(snapshot: &Snapshot) -> Option<Alert> {
    let is_missing = |history: &&RegionHistory| history.chart.is_none() && !is_absent(snapshot, history);
    let missing = snapshot.still_fetched().filter(is_missing);
    let regions: Vec<Region> = missing.map(|history| history.region).collect();
    let alert = Alert { headline: "No chart at all:".to_owned(), regions: codes(&regions), error_message: None };
    (!regions.is_empty()).then_some(alert)
}

fn old_charts(snapshot: &Snapshot) -> Option<Alert> {
    let charts =
        snapshot.still_fetched().filter_map(|history| Some((history.region, history.chart.as_ref()?.fetched_at)));
    let is_old = |fetched_at: Timestamp| snapshot.made_at.duration_since(fetched_at) > MAX_CHART_AGE;
    let (regions, times): (Vec<Region>, Vec<Timestamp>) = charts.filter(|(_, fetched_at)| is_old(*fetched_at)).unzip();
    let dates = time_range(*times.iter().min()?, *times.iter().max()?);
    let (headline, regions) = if regions.len() == snapshot.still_fetched().count() {
        ("Every chart is more than a day old:", dates)
    } else {
        ("Charts more than a day old:", format!("{} ({dates})", codes(&regions)))
    };
    Some(Alert { headline: headline.to_owned(), regions, error_message: None })
}

/// Not every category has a chart in every region, so that this is no failure.
fn is_absent(snapshot: &Snapshot, history: &RegionHistory) -> bool {
    snapshot.series.category_id.is_some() && history.is_absent()
}

/// A note that lists the regions that have no chart of the category.
pub(super) fn absent_charts(snapshot: &Snapshot) -> Option<String> {
    let absent = snapshot.still_fetched().filter(|history| is_absent(snapshot, history));
    let regions: Vec<Region> = absent.map(|history| history.region).collect();
    let category = category_name(snapshot.series.category_id.map(Category::new));
    (!regions.is_empty()).then(|| format!("YouTube has no chart of {category} in {}.", codes(&regions)))
}

/// A note that lists the regions that are no longer fetched, and when they last were.
pub(super) fn no_longer_fetched(snapshot: &Snapshot) -> Option<String> {
    let regions: Vec<Region> = snapshot.no_longer_fetched().map(|history| history.region).collect();
    let last_attempts = snapshot.no_longer_fetched().filter_map(RegionHistory::latest_attempt);
    let times: Vec<Timestamp> = last_attempts.map(|attempt| attempt.fetched_at).collect();
    let dates = time_range(*times.iter().min()?, *times.iter().max()?);
    Some(format!("No longer fetched: {} (last {dates}).", codes(&regions)))
}

/// `2026-11-01 14:05 to 2026-11-03 14:05`
fn time_range(oldest: Timestamp, newest: Timestamp) -> String {
    if newest == oldest { date_time(&newest) } else { format!("{} to {}", date_time(&oldest), date_time(&newest)) }
}

fn codes(regions: &[Region]) -> String {
    regions.iter().map(Region::code).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::RegionAttempt;
    use crate::report::fixtures::{at, attempt, entries, failed, snapshot, with_chart, without_chart};
    use crate::report::region_history::Chart;
    use crate::report::snapshot::Origin;

    type Fields = (String, String, Option<String>);

    fn found(snapshot: &Snapshot) -> Vec<Fields> {
        let each = alerts(snapshot).into_iter();
        each.map(|alert| (alert.headline, alert.regions, alert.error_message)).collect()
    }

    fn alert(headline: &str, regions: &str, error_message: Option<&str>) -> Fields {
        (headline.to_owned(), regions.to_owned(), error_message.map(str::to_owned))
    }

    /// A region with a chart and these attempts.
    fn with_attempts(attempts: Vec<RegionAttempt>) -> RegionHistory {
        RegionHistory { chart: Some(Chart { fetched_at: at(0), entries: entries(&["a"]) }), ..without_chart(attempts) }
    }

    #[test]
    fn regions_that_failed_for_one_reason_are_one_alert() {
        let snapshot = snapshot(vec![
            with_attempts(vec![failed("US", 0, Status::Failed, "timeout")]),
            with_attempts(vec![failed("GB", 0, Status::Failed, "connect")]),
            with_attempts(vec![attempt("NO", 0)]),
            with_attempts(vec![failed("PL", 0, Status::Failed, "timeout")]),
            with_attempts(vec![failed("SE", 0, Status::Partial, "timeout")]),
        ]);
        let expected = [
            alert("Failed last time (no response in time):", "US, PL", Some("timeout at US")),
            alert("Failed last time (no connection):", "GB", Some("connect at GB")),
            alert("Incomplete last time (no response in time):", "SE", Some("timeout at SE")),
        ];
        assert_eq!(found(&snapshot), expected);
    }

    #[test]
    fn a_failure_without_an_error_is_an_alert_too() {
        let without_error = RegionAttempt { status: Status::Failed, ..attempt("US", 0) };
        assert_eq!(
            found(&snapshot(vec![with_attempts(vec![without_error])])),
            [alert("Failed last time (unknown):", "US", None)]
        );
        let without_message =
            RegionAttempt { error: Some(("tls".to_owned(), String::new())), ..failed("US", 0, Status::Failed, "tls") };
        assert_eq!(
            found(&snapshot(vec![with_attempts(vec![without_message])])),
            [alert("Failed last time (no secure connection):", "US", None)]
        );
    }

    #[test]
    fn only_the_latest_attempt_of_a_region_is_an_alert() {
        let earlier = vec![failed("US", 0, Status::Failed, "timeout"), attempt("US", 1)];
        assert_eq!(found(&snapshot(vec![with_attempts(earlier)])), []);
        let now = vec![attempt("US", 0), failed("US", 1, Status::Failed, "timeout")];
        assert_eq!(found(&snapshot(vec![with_attempts(now)])).len(), 1);
    }

    #[test]
    fn regions_without_any_chart_are_listed() {
        let without = |code| without_chart(vec![attempt(code, 0)]);
        let actual = found(&snapshot(vec![without("US"), with_chart("GB", Vec::new()), without("PL")]));
        assert_eq!(actual, [alert("No chart at all:", "US, PL", None)]);
    }

    #[test]
    fn a_category_without_a_chart_in_a_region_is_a_note() {
        let unsupported = without_chart(vec![failed("PL", 0, Status::Failed, "region_unsupported")]);
        let mut page = snapshot(vec![with_chart("US", entries(&["a"])), unsupported]);
        assert_eq!((found(&page).len(), absent_charts(&page)), (2, None), "there is always a chart of all categories");
        page.series.category_id = Some(27);
        assert_eq!(found(&page), []);
        assert_eq!(absent_charts(&page).as_deref(), Some("YouTube has no chart of Education in PL."));
    }

    #[test]
    fn a_chart_is_old_after_more_than_a_day() {
        let mut page = snapshot(vec![with_chart("US", entries(&["a"])), with_chart("GB", entries(&["a"]))]);
        page.made_at = at(24);
        assert_eq!(found(&page), []);
        page.made_at = at(24) + SignedDuration::from_secs(1);
        assert_eq!(found(&page), [alert("Every chart is more than a day old:", "2026-11-01 00:00", None)]);
        page.regions[1].chart.as_mut().unwrap().fetched_at = at(-5);
        let both = "2026-10-31 19:00 to 2026-11-01 00:00";
        assert_eq!(found(&page), [alert("Every chart is more than a day old:", both, None)]);
        // With a third, fresh chart the old ones are listed by code.
        let mut fresh = with_chart("PL", entries(&["a"]));
        fresh.chart.as_mut().unwrap().fetched_at = at(24);
        page.regions.push(fresh);
        assert_eq!(found(&page), [alert("Charts more than a day old:", &format!("US, GB ({both})"), None)]);
    }

    #[test]
    fn a_region_that_is_no_longer_fetched_is_a_note_and_not_an_alert() {
        let week = 7 * 24;
        let fetched = |code, hours: &[i64]| {
            let chart = Chart { fetched_at: at(hours[hours.len() - 1]), entries: entries(&["a"]) };
            RegionHistory {
                chart: Some(chart),
                ..without_chart(hours.iter().map(|hour| attempt(code, *hour)).collect())
            }
        };
        let unsupported = without_chart(vec![failed("XX", 3, Status::Failed, "region_unsupported")]);
        let mut page = snapshot(vec![fetched("US", &[0, week + 4]), fetched("PL", &[0]), unsupported]);
        assert_eq!(found(&page), []);
        let note = "No longer fetched: PL, XX (last 2026-11-01 00:00 to 2026-11-01 03:00).";
        assert_eq!(no_longer_fetched(&page).as_deref(), Some(note));
        // Within a week both are alerts.
        page.origin = Origin::History { runs: at(0)..=at(week), others: Vec::new() };
        assert_eq!(found(&page).len(), 3, "{:?}", found(&page));
        assert_eq!(no_longer_fetched(&page), None);
        // When all of them stopped, that is the alert.
        let mut page = snapshot(vec![fetched("US", &[0]), fetched("PL", &[0])]);
        page.made_at = at(3 * week);
        assert_eq!(found(&page), [alert("Every chart is more than a day old:", "2026-11-01 00:00", None)]);
        assert_eq!(no_longer_fetched(&page), None);
    }
}
