use super::*;
use crate::history::{HistoryEntry, RegionAttempt};
use crate::report::fixtures::{
    at, attempt, entries_by_category, failed as fails, region, snapshot, with_two_charts, without_chart,
};

/// A snapshot of runs, each given by its hour and regions, made when the newest started.
fn snapshot_of_runs(runs: &[(i64, &[&str])]) -> Snapshot {
    let mut regions: Vec<RegionHistory> = Vec::new();
    for (index, (hour, codes)) in runs.iter().enumerate() {
        for code in *codes {
            // Two runs of the same hour are still two runs.
            let attempt = RegionAttempt { run_id: format!("run {index}"), ..attempt(code, *hour) };
            match regions.iter_mut().find(|history| history.region == attempt.region) {
                Some(history) => history.attempts.push(attempt),
                None => regions.push(without_chart(vec![attempt])),
            }
        }
    }
    snapshot(regions)
}

fn snapshot_at_hours(hours: &[i64]) -> Snapshot {
    snapshot_of_runs(&hours.iter().map(|hour| (*hour, &["US"][..])).collect::<Vec<_>>())
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn missing(runs: u64, from: i64, to: i64, interval: i64) -> Anomaly {
    Anomaly::MissingRuns { regions: vec![region("US")], runs, from: at(from), to: at(to), interval: hours(interval) }
}

fn anomalies_of(attempts: Vec<RegionAttempt>) -> Vec<Anomaly> {
    anomalies(&snapshot(vec![without_chart(attempts)]))
}

/// An attempt with a limit and a number of videos.
fn sized(hour: i64, max_results: u32, videos: u32) -> RegionAttempt {
    RegionAttempt { max_results, videos, ..attempt("US", hour) }
}

#[test]
fn long_gaps_count_the_missing_runs_newest_first() {
    assert_eq!(anomalies(&snapshot_at_hours(&[0, 1, 3, 4, 5, 9])), [missing(3, 5, 9, 1), missing(1, 1, 3, 1)]);
    assert_eq!(anomalies(&snapshot_at_hours(&[0, 1, 2, 3, 4, 5])), []);
}

#[test]
fn the_usual_interval_is_the_median() {
    assert_eq!(anomalies(&snapshot_at_hours(&[0, 2, 3, 53, 55, 57])), [missing(24, 3, 53, 2)]);
}

#[test]
fn a_schedule_needs_three_intervals() {
    let mut snapshot = snapshot_at_hours(&[0, 1, 2]);
    snapshot.made_at = at(50);
    assert_eq!(anomalies(&snapshot), []);
    assert_eq!(anomalies(&snapshot_at_hours(&[0, 1, 2, 50])), [missing(47, 2, 50, 1)]);
}

#[test]
fn a_gap_is_more_than_1_75_times_the_usual_interval() {
    assert_eq!(anomalies(&snapshot_at_hours(&[0, 100, 200, 300, 475])), []);
    assert_eq!(anomalies(&snapshot_at_hours(&[0, 100, 200, 300, 476])), [missing(1, 300, 476, 100)]);
}

#[test]
fn jobs_of_different_regions_are_kept_apart() {
    // Hourly except at hours 9 and 10, and another job that fetches one of the regions every sixth hour.
    let mut runs: Vec<(i64, &[&str])> = Vec::new();
    for hour in (0..=18).filter(|hour| ![9, 10].contains(hour)) {
        runs.push((hour, &["US", "GB"]));
        if hour % 6 == 0 {
            runs.push((hour, &["US"]));
        }
    }
    let regions = vec![region("US"), region("GB")];
    assert_eq!(
        anomalies(&snapshot_of_runs(&runs)),
        [Anomaly::MissingRuns { regions, runs: 2, from: at(8), to: at(11), interval: hours(1) }]
    );
}

#[test]
fn a_region_dropped_from_a_job_does_not_make_others_overdue() {
    // All three regions every seven hours, then two of them.
    let runs: Vec<(i64, &[&str])> =
        (0..21).map(|run| (7 * run, if run < 11 { &["US", "GB", "PL"][..] } else { &["US", "GB"][..] })).collect();
    let mut snapshot = snapshot_of_runs(&runs);
    let overdue = Anomaly::Overdue { regions: vec![region("PL")], last_run: at(70), interval: hours(7) };
    assert_eq!(anomalies(&snapshot), [overdue]);
    // After a week the region counts as no longer fetched.
    let later: Vec<(i64, &[&str])> = (21..36).map(|run| (7 * run, &["US", "GB"][..])).collect();
    assert_eq!(anomalies(&snapshot_of_runs(&[runs, later].concat())), []);
    // A job that stopped is reported, however long ago that was.
    snapshot.made_at = at(1000);
    let stopped = Anomaly::Overdue { regions: vec![region("US"), region("GB")], last_run: at(140), interval: hours(7) };
    assert_eq!(anomalies(&snapshot)[0], stopped);
}

#[test]
fn the_next_run_is_overdue_when_the_page_is_made() {
    let mut snapshot = snapshot_at_hours(&[0, 1, 3, 4, 5]);
    snapshot.made_at = at(5) + SignedDuration::from_mins(105);
    assert_eq!(anomalies(&snapshot), [missing(1, 1, 3, 1)]);
    snapshot.made_at = at(5) + SignedDuration::from_mins(106);
    let overdue = Anomaly::Overdue { regions: vec![region("US")], last_run: at(5), interval: hours(1) };
    assert_eq!(anomalies(&snapshot), [overdue, missing(1, 1, 3, 1)], "the newest first");
}

#[test]
fn runs_seconds_apart_make_no_schedule() {
    let seconds = [0, 1, 2, 90].map(|second| {
        let fetched_at = at(0) + SignedDuration::from_secs(second);
        RegionAttempt { run_id: second.to_string(), fetched_at, ..attempt("US", 0) }
    });
    assert_eq!(anomalies_of(seconds.into()), []);
}

#[test]
fn failed_runs_are_counted_and_each_reason_is_listed_once() {
    let attempts = vec![
        attempt("US", 0),
        fails("US", 1, Status::Failed, "timeout"),
        fails("US", 2, Status::Partial, "connect"),
        fails("US", 3, Status::Failed, "timeout"),
        attempt("US", 4),
    ];
    let reasons = vec!["no connection".to_owned(), "no response in time".to_owned()];
    assert_eq!(anomalies_of(attempts), [Anomaly::FailedRuns { region: region("US"), failed: 3, total: 5, reasons }]);
}

#[test]
fn a_failure_without_an_error_counts_but_a_single_run_does_not() {
    let without_error = RegionAttempt { status: Status::Failed, ..attempt("US", 0) };
    assert_eq!(anomalies_of(vec![without_error.clone()]), []);
    let failed = Anomaly::FailedRuns { region: region("US"), failed: 1, total: 2, reasons: Vec::new() };
    assert_eq!(anomalies_of(vec![without_error, attempt("US", 1)]), [failed]);
}

#[test]
fn a_chart_of_less_than_half_has_shrunk() {
    let shrunk = |before, now, since| [Anomaly::Shrunk { region: region("US"), before, now, since }];
    assert_eq!(anomalies_of(vec![sized(0, 50, 50), sized(1, 50, 25)]), []);
    assert_eq!(anomalies_of(vec![sized(0, 50, 50), sized(1, 50, 24)]), shrunk(50, 24, at(1)));
    assert_eq!(anomalies_of(vec![sized(0, 50, 1), sized(1, 50, 0)]), shrunk(1, 0, at(1)));
    assert_eq!(anomalies_of(vec![sized(0, 50, 0), sized(1, 50, 50)]), [], "it grew");
    assert_eq!(anomalies_of(vec![sized(0, 50, 0)]), [], "nothing before");
}

#[test]
fn only_complete_charts_with_the_same_limit_are_compared() {
    assert_eq!(anomalies_of(vec![sized(0, 200, 200), sized(1, 50, 50)]), []);
    // Attempts in between are ignored: one with another limit, and a failed one.
    let partial = RegionAttempt { videos: 10, ..fails("US", 2, Status::Partial, "timeout") };
    let found = anomalies_of(vec![sized(0, 50, 40), sized(1, 200, 200), partial.clone(), sized(3, 50, 19)]);
    assert_eq!(found[1..], [Anomaly::Shrunk { region: region("US"), before: 40, now: 19, since: at(3) }]);
    let found = anomalies_of(vec![sized(0, 50, 40), sized(1, 50, 38), partial]);
    assert!(matches!(found[..], [Anomaly::FailedRuns { .. }]), "{found:?}");
}

/// A region with these numbers of entries in categories 10 and 20.
fn two_categories(code: &str, before: [usize; 2], now: [usize; 2]) -> RegionHistory {
    let entries = |[music, gaming]: [usize; 2]| -> (u32, Vec<HistoryEntry>) {
        (200, entries_by_category(&[(Some(10), music), (Some(20), gaming)]))
    };
    with_two_charts(code, entries(before), entries(now))
}

fn share_changed(code: &str, category: u32, before: f64, now: f64) -> Anomaly {
    Anomaly::ShareChanged { region: region(code), category: Some(Category::new(category)), before, now }
}

#[test]
fn a_share_changes_by_fifteen_points_either_way() {
    let both = [share_changed("US", 10, 50.0, 65.0), share_changed("US", 20, 50.0, 35.0)];
    assert_eq!(anomalies(&snapshot(vec![two_categories("US", [10, 10], [13, 7])])), both);
    assert_eq!(anomalies(&snapshot(vec![two_categories("US", [25, 25], [32, 18])])), [], "14 points");
}

#[test]
fn an_absent_category_has_a_share_of_zero() {
    let (before, now) = (entries_by_category(&[(Some(10), 20)]), entries_by_category(&[(Some(10), 15), (None, 5)]));
    let appeared = Anomaly::ShareChanged { region: region("US"), category: None, before: 0.0, now: 25.0 };
    let gone = share_changed("US", 10, 100.0, 75.0);
    assert_eq!(anomalies(&snapshot(vec![with_two_charts("US", (50, before), (50, now))])), [appeared, gone]);
}

#[test]
fn shares_of_fewer_than_twenty_entries_are_not_compared() {
    for (before, now) in [([19, 0], [0, 20]), ([20, 0], [0, 19]), ([0, 0], [20, 0])] {
        assert_eq!(anomalies(&snapshot(vec![two_categories("US", before, now)])), [], "{before:?} {now:?}");
    }
    assert_eq!(anomalies(&snapshot(vec![two_categories("US", [20, 0], [0, 20])])).len(), 2);
}

#[test]
fn shares_are_compared_down_to_the_smaller_limit() {
    let (before, now) =
        (entries_by_category(&[(Some(10), 20)]), entries_by_category(&[(Some(10), 20), (Some(20), 20)]));
    assert_eq!(anomalies(&snapshot(vec![with_two_charts("US", (20, before), (40, now))])), []);
}

#[test]
fn changed_shares_come_last_with_the_largest_first() {
    let mut late = two_categories("PL", [10, 10], [10, 10]);
    late.attempts[0] = fails("PL", 0, Status::Failed, "timeout");
    let found = anomalies(&snapshot(vec![
        two_categories("US", [10, 10], [14, 6]),
        two_categories("GB", [0, 20], [12, 8]),
        late,
    ]));
    let failed = Anomaly::FailedRuns {
        region: region("PL"),
        failed: 1,
        total: 2,
        reasons: vec!["no response in time".to_owned()],
    };
    let changed = [
        share_changed("GB", 10, 0.0, 60.0),
        share_changed("GB", 20, 100.0, 40.0),
        share_changed("US", 10, 50.0, 70.0),
        share_changed("US", 20, 50.0, 30.0),
    ];
    assert_eq!(found[0], failed);
    assert_eq!(found[1..], changed);
}

#[test]
fn each_anomaly_is_a_sentence() {
    let us = || vec![region("US"), region("GB")];
    let interval = hours(6);
    let shrunk = |now| Anomaly::Shrunk { region: region("PL"), before: 50, now, since: at(30) }.to_string();
    let failed = |reasons: &[&str]| {
        let reasons = reasons.iter().map(|reason| (*reason).to_owned()).collect();
        Anomaly::FailedRuns { region: region("PL"), failed: 2, total: 9, reasons }.to_string()
    };
    let missing = |runs| Anomaly::MissingRuns { regions: us(), runs, from: at(2), to: at(20), interval }.to_string();
    let sentences = [
        missing(1),
        missing(2),
        Anomaly::Overdue { regions: us(), last_run: at(2), interval }.to_string(),
        failed(&[]),
        failed(&["no connection", "no response in time"]),
        shrunk(0),
        shrunk(3),
        share_changed("PL", 10, 12.4, 40.0).to_string(),
        Anomaly::ShareChanged { region: region("PL"), category: None, before: 0.0, now: 15.6 }.to_string(),
    ];
    let expected = [
        "US, GB: one run is missing between 2026-11-01 02:00 and 2026-11-01 20:00; the usual interval is 6h 0m.",
        "US, GB: 2 runs are missing between 2026-11-01 02:00 and 2026-11-01 20:00; the usual interval is 6h 0m.",
        "US, GB: no run since 2026-11-01 02:00; the usual interval is 6h 0m.",
        "PL: 2 of 9 runs failed or were incomplete.",
        "PL: 2 of 9 runs failed or were incomplete (no connection, no response in time).",
        "PL: the chart has been empty since 2026-11-02 06:00; it had 50 videos before.",
        "PL: the chart has had 3 videos since 2026-11-02 06:00; it had 50 before.",
        "PL: Music went from 12 % to 40 % of the chart.",
        "PL: No category went from 0 % to 16 % of the chart.",
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn jobs_that_start_together_make_no_schedule_of_minutes() {
    let mut snapshot = snapshot_at_hours(&[0, 7, 14, 21, 28]);
    let others: Vec<RegionAttempt> = snapshot.regions[0]
        .attempts
        .iter()
        .map(|attempt| RegionAttempt {
            run_id: format!("{} again", attempt.run_id),
            fetched_at: attempt.fetched_at + SignedDuration::from_secs(30),
            ..attempt.clone()
        })
        .collect();
    snapshot.regions[0].attempts.extend(others);
    snapshot.regions[0].attempts.sort_by_key(|attempt| attempt.fetched_at);
    assert_eq!(anomalies(&snapshot), []);
}

#[test]
fn up_to_twelve_regions_are_listed_and_more_are_counted() {
    let listed = |count| list(&Region::all().take(count).collect::<Vec<_>>());
    assert_eq!(listed(0), "no region");
    assert_eq!(listed(12), "AE, AM, AR, AT, AU, AZ, BA, BD, BE, BG, BH, BO");
    assert_eq!(listed(13), "13 regions");
}

#[test]
fn adding_a_region_to_a_job_makes_nothing_overdue() {
    let runs: Vec<(i64, &[&str])> =
        (0..24).map(|hour| (hour, if hour < 12 { &["US", "GB"][..] } else { &["US", "GB", "PL"][..] })).collect();
    assert_eq!(anomalies(&snapshot_of_runs(&runs)), []);
}

#[test]
fn a_chart_that_stays_empty_is_reported_after_the_next_run_too() {
    let found = anomalies_of(vec![sized(0, 50, 50), sized(1, 50, 0), sized(2, 50, 0)]);
    assert_eq!(found, [Anomaly::Shrunk { region: region("US"), before: 50, now: 0, since: at(1) }]);
}

#[test]
fn a_change_of_exactly_fifteen_points_counts_for_every_total() {
    for total in (20..=200_usize).step_by(20) {
        let step = total * 15 / 100;
        let reported = (0..=total - step).filter(|music| {
            let history = two_categories("US", [*music, total - music], [music + step, total - music - step]);
            anomalies(&snapshot(vec![history])).len() == 2
        });
        assert_eq!(reported.count(), total - step + 1, "{total}");
    }
}

#[test]
fn one_video_is_singular() {
    let one = Anomaly::Shrunk { region: region("US"), before: 50, now: 1, since: at(0) }.to_string();
    assert!(one.contains("has had 1 video since"), "{one}");
}
