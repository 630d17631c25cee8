use super::*;
use crate::history::{Attempt, HistoryEntry};
use crate::report::samples::{at, attempt, compared, failed as fails, of_categories, past, region, snapshot};

/// Runs by their hour and the regions that each asked for, made when the newest began.
fn of_runs(runs: &[(i64, &[&str])]) -> Snapshot {
    let mut regions: Vec<RegionPast> = Vec::new();
    for (index, (hour, codes)) in runs.iter().enumerate() {
        for code in *codes {
            // Two runs of one hour are two all the same.
            let attempt = Attempt { run_id: format!("run {index}"), ..attempt(code, *hour) };
            match regions.iter_mut().find(|past| past.region == attempt.region) {
                Some(past) => past.attempts.push(attempt),
                None => regions.push(past(vec![attempt])),
            }
        }
    }
    snapshot(regions)
}

fn of_hours(hours: &[i64]) -> Snapshot {
    of_runs(&hours.iter().map(|hour| (*hour, &["US"][..])).collect::<Vec<_>>())
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn missing(runs: u64, from: i64, to: i64, usual: i64) -> Gap {
    Gap::Missing { regions: vec![region("US")], runs, from: at(from), to: at(to), usual: hours(usual) }
}

fn of_region(attempts: Vec<Attempt>) -> Vec<Gap> {
    gaps(&snapshot(vec![past(attempts)]))
}

/// So many videos of this depth at an hour.
fn sized(hour: i64, depth: u32, videos: u32) -> Attempt {
    Attempt { depth, videos, ..attempt("US", hour) }
}

#[test]
fn a_long_wait_counts_the_runs_that_did_not_come_newest_first() {
    assert_eq!(gaps(&of_hours(&[0, 1, 3, 4, 5, 9])), [missing(3, 5, 9, 1), missing(1, 1, 3, 1)]);
    assert_eq!(gaps(&of_hours(&[0, 1, 2, 3, 4, 5])), []);
}

#[test]
fn what_is_usual_is_the_median_and_not_the_mean_or_the_one_in_the_middle() {
    assert_eq!(gaps(&of_hours(&[0, 2, 3, 53, 55, 57])), [missing(24, 3, 53, 2)]);
}

#[test]
fn two_distances_show_no_habit_and_three_do() {
    let mut snapshot = of_hours(&[0, 1, 2]);
    snapshot.made_at = at(50);
    assert_eq!(gaps(&snapshot), []);
    assert_eq!(gaps(&of_hours(&[0, 1, 2, 50])), [missing(47, 2, 50, 1)]);
}

#[test]
fn a_wait_is_a_gap_beyond_one_and_three_quarters_of_the_usual_one() {
    assert_eq!(gaps(&of_hours(&[0, 100, 200, 300, 475])), []);
    assert_eq!(gaps(&of_hours(&[0, 100, 200, 300, 476])), [missing(1, 300, 476, 100)]);
}

#[test]
fn jobs_of_different_regions_are_not_mixed_up() {
    // Hourly but for hours 9 and 10, and another job of one of the regions every sixth hour.
    let mut runs: Vec<(i64, &[&str])> = Vec::new();
    for hour in (0..=18).filter(|hour| ![9, 10].contains(hour)) {
        runs.push((hour, &["US", "GB"]));
        if hour % 6 == 0 {
            runs.push((hour, &["US"]));
        }
    }
    let regions = vec![region("US"), region("GB")];
    assert_eq!(gaps(&of_runs(&runs)), [Gap::Missing { regions, runs: 2, from: at(8), to: at(11), usual: hours(1) }]);
}

#[test]
fn a_region_that_was_left_out_of_a_job_makes_no_other_overdue() {
    // All three every seventh hour, then two of them.
    let runs: Vec<(i64, &[&str])> =
        (0..21).map(|run| (7 * run, if run < 11 { &["US", "GB", "PL"][..] } else { &["US", "GB"][..] })).collect();
    let mut snapshot = of_runs(&runs);
    let overdue = Gap::Overdue { regions: vec![region("PL")], since: at(70), usual: hours(7) };
    assert_eq!(gaps(&snapshot), [overdue]);
    // After a week it is no fault any more.
    let later: Vec<(i64, &[&str])> = (21..36).map(|run| (7 * run, &["US", "GB"][..])).collect();
    assert_eq!(gaps(&of_runs(&[runs, later].concat())), []);
    // A job that stopped is told, however long ago.
    snapshot.made_at = at(1000);
    let stopped = Gap::Overdue { regions: vec![region("US"), region("GB")], since: at(140), usual: hours(7) };
    assert_eq!(gaps(&snapshot)[0], stopped);
}

#[test]
fn the_next_run_is_overdue_by_the_time_the_page_is_made() {
    let mut snapshot = of_hours(&[0, 1, 3, 4, 5]);
    snapshot.made_at = at(5) + SignedDuration::from_mins(105);
    assert_eq!(gaps(&snapshot), [missing(1, 1, 3, 1)]);
    snapshot.made_at = at(5) + SignedDuration::from_mins(106);
    let overdue = Gap::Overdue { regions: vec![region("US")], since: at(5), usual: hours(1) };
    assert_eq!(gaps(&snapshot), [overdue, missing(1, 1, 3, 1)], "the newest first");
}

#[test]
fn runs_that_follow_at_once_make_no_habit_of_seconds() {
    let seconds = [0, 1, 2, 90].map(|second| {
        let fetched_at = at(0) + SignedDuration::from_secs(second);
        Attempt { run_id: second.to_string(), fetched_at, ..attempt("US", 0) }
    });
    assert_eq!(of_region(seconds.into()), []);
}

#[test]
fn failed_runs_are_counted_and_each_kind_is_told_once() {
    let attempts = vec![
        attempt("US", 0),
        fails("US", 1, Status::Failed, "timeout"),
        fails("US", 2, Status::Partial, "connect"),
        fails("US", 3, Status::Failed, "timeout"),
        attempt("US", 4),
    ];
    let kinds = vec!["no answer in time".to_owned(), "no connection".to_owned()];
    assert_eq!(of_region(attempts), [Gap::Failed { region: region("US"), failed: 3, of: 5, kinds }]);
}

#[test]
fn a_failure_without_a_kind_counts_and_a_single_run_does_not() {
    let silent = Attempt { status: Status::Failed, ..attempt("US", 0) };
    assert_eq!(of_region(vec![silent.clone()]), []);
    let told = Gap::Failed { region: region("US"), failed: 1, of: 2, kinds: Vec::new() };
    assert_eq!(of_region(vec![silent, attempt("US", 1)]), [told]);
}

#[test]
fn a_chart_of_less_than_half_is_told_down_to_an_empty_one() {
    let shrunk = |before, now, at| [Gap::Shrunk { region: region("US"), before, now, at }];
    assert_eq!(of_region(vec![sized(0, 50, 50), sized(1, 50, 25)]), []);
    assert_eq!(of_region(vec![sized(0, 50, 50), sized(1, 50, 24)]), shrunk(50, 24, at(1)));
    assert_eq!(of_region(vec![sized(0, 50, 1), sized(1, 50, 0)]), shrunk(1, 0, at(1)));
    assert_eq!(of_region(vec![sized(0, 50, 0), sized(1, 50, 50)]), [], "it grew");
    assert_eq!(of_region(vec![sized(0, 50, 0)]), [], "nothing before");
}

#[test]
fn only_whole_charts_of_the_same_depth_are_compared_in_size() {
    assert_eq!(of_region(vec![sized(0, 200, 200), sized(1, 50, 50)]), []);
    // What lies between the two is passed over: another depth, a failure.
    let partial = Attempt { videos: 10, ..fails("US", 2, Status::Partial, "timeout") };
    let found = of_region(vec![sized(0, 50, 40), sized(1, 200, 200), partial.clone(), sized(3, 50, 19)]);
    assert_eq!(found[1..], [Gap::Shrunk { region: region("US"), before: 40, now: 19, at: at(3) }]);
    let found = of_region(vec![sized(0, 50, 40), sized(1, 50, 38), partial]);
    assert!(matches!(found[..], [Gap::Failed { .. }]), "{found:?}");
}

/// Of a region, the entries of categories 10 and 20, before and now.
fn two(code: &str, before: [usize; 2], now: [usize; 2]) -> RegionPast {
    let entries = |[music, gaming]: [usize; 2]| -> (u32, Vec<HistoryEntry>) {
        (200, of_categories(&[(Some(10), music), (Some(20), gaming)]))
    };
    compared(code, entries(before), entries(now))
}

fn jump(code: &str, category: u32, before: f64, now: f64) -> Gap {
    Gap::Jumped { region: region(code), category: Some(Category::new(category)), before, now }
}

#[test]
fn a_category_jumps_by_fifteen_points_either_way() {
    let both = [jump("US", 10, 50.0, 65.0), jump("US", 20, 50.0, 35.0)];
    assert_eq!(gaps(&snapshot(vec![two("US", [10, 10], [13, 7])])), both);
    assert_eq!(gaps(&snapshot(vec![two("US", [25, 25], [32, 18])])), [], "14 points");
}

#[test]
fn a_category_that_comes_or_goes_has_nothing_at_the_other_end() {
    let (before, now) = (of_categories(&[(Some(10), 20)]), of_categories(&[(Some(10), 15), (None, 5)]));
    let come = Gap::Jumped { region: region("US"), category: None, before: 0.0, now: 25.0 };
    let gone = jump("US", 10, 100.0, 75.0);
    assert_eq!(gaps(&snapshot(vec![compared("US", (50, before), (50, now))])), [come, gone]);
}

#[test]
fn shares_of_fewer_than_twenty_places_say_nothing() {
    for (before, now) in [([19, 0], [0, 20]), ([20, 0], [0, 19]), ([0, 0], [20, 0])] {
        assert_eq!(gaps(&snapshot(vec![two("US", before, now)])), [], "{before:?} {now:?}");
    }
    assert_eq!(gaps(&snapshot(vec![two("US", [20, 0], [0, 20])])).len(), 2);
}

#[test]
fn shares_are_compared_down_to_the_depth_that_both_charts_have() {
    let (before, now) = (of_categories(&[(Some(10), 20)]), of_categories(&[(Some(10), 20), (Some(20), 20)]));
    assert_eq!(gaps(&snapshot(vec![compared("US", (20, before), (40, now))])), []);
}

#[test]
fn jumps_come_last_and_the_largest_of_all_regions_first() {
    let mut late = two("PL", [10, 10], [10, 10]);
    late.attempts[0] = fails("PL", 0, Status::Failed, "timeout");
    let found = gaps(&snapshot(vec![two("US", [10, 10], [14, 6]), two("GB", [0, 20], [12, 8]), late]));
    let told = Gap::Failed { region: region("PL"), failed: 1, of: 2, kinds: vec!["no answer in time".to_owned()] };
    let jumps = [
        jump("GB", 10, 0.0, 60.0),
        jump("GB", 20, 100.0, 40.0),
        jump("US", 10, 50.0, 70.0),
        jump("US", 20, 50.0, 30.0),
    ];
    assert_eq!(found[0], told);
    assert_eq!(found[1..], jumps);
}

#[test]
fn each_gap_is_a_sentence() {
    let us = || vec![region("US"), region("GB")];
    let (usual, shrunk) =
        (hours(6), |now| Gap::Shrunk { region: region("PL"), before: 50, now, at: at(30) }.to_string());
    let failed = |kinds: &[&str]| {
        let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
        Gap::Failed { region: region("PL"), failed: 2, of: 9, kinds }.to_string()
    };
    let missing = |runs| Gap::Missing { regions: us(), runs, from: at(2), to: at(20), usual }.to_string();
    let sentences = [
        missing(1),
        missing(2),
        Gap::Overdue { regions: us(), since: at(2), usual }.to_string(),
        failed(&[]),
        failed(&["no connection", "no answer in time"]),
        shrunk(0),
        shrunk(3),
        jump("PL", 10, 12.4, 40.0).to_string(),
        Gap::Jumped { region: region("PL"), category: None, before: 0.0, now: 15.6 }.to_string(),
    ];
    let expected = [
        "US, GB: one run is missing from 2026-11-01 02:00 to 2026-11-01 20:00; usually one comes every 6h 0m.",
        "US, GB: 2 runs are missing from 2026-11-01 02:00 to 2026-11-01 20:00; usually one comes every 6h 0m.",
        "US, GB: no run since 2026-11-01 02:00; usually one comes every 6h 0m.",
        "PL: 2 of 9 runs brought no whole chart.",
        "PL: 2 of 9 runs brought no whole chart (no connection, no answer in time).",
        "PL: its chart is empty since 2026-11-02 06:00; before, it had 50 videos.",
        "PL: its chart has 3 videos since 2026-11-02 06:00; before, it had 50.",
        "PL: Music went from 12 % to 40 % of the chart.",
        "PL: No category went from 0 % to 16 % of the chart.",
    ];
    assert_eq!(sentences, expected);
}

#[test]
fn two_jobs_that_begin_together_are_no_habit_of_minutes() {
    let mut snapshot = of_hours(&[0, 7, 14, 21, 28]);
    let others: Vec<Attempt> = snapshot.regions[0]
        .attempts
        .iter()
        .map(|attempt| Attempt {
            run_id: format!("{} again", attempt.run_id),
            fetched_at: attempt.fetched_at + SignedDuration::from_secs(30),
            ..attempt.clone()
        })
        .collect();
    snapshot.regions[0].attempts.extend(others);
    snapshot.regions[0].attempts.sort_by_key(|attempt| attempt.fetched_at);
    assert_eq!(gaps(&snapshot), []);
}

#[test]
fn up_to_twelve_regions_are_named_and_more_are_counted() {
    let of = |count| some_codes(&Region::all().take(count).collect::<Vec<_>>());
    assert_eq!(of(0), "no region");
    assert_eq!(of(12), "AE, AM, AR, AT, AU, AZ, BA, BD, BE, BG, BH, BO");
    assert_eq!(of(13), "13 regions");
}

#[test]
fn a_job_that_took_in_another_region_is_not_overdue() {
    let runs: Vec<(i64, &[&str])> =
        (0..24).map(|hour| (hour, if hour < 12 { &["US", "GB"][..] } else { &["US", "GB", "PL"][..] })).collect();
    assert_eq!(gaps(&of_runs(&runs)), []);
}

#[test]
fn a_chart_that_stays_empty_is_told_after_the_next_run_too() {
    let found = of_region(vec![sized(0, 50, 50), sized(1, 50, 0), sized(2, 50, 0)]);
    assert_eq!(found, [Gap::Shrunk { region: region("US"), before: 50, now: 0, at: at(1) }]);
}

#[test]
fn fifteen_points_are_fifteen_points_whatever_the_total() {
    for total in (20..=200_usize).step_by(20) {
        let step = total * 15 / 100;
        let told = (0..=total - step).filter(|music| {
            let past = two("US", [*music, total - music], [music + step, total - music - step]);
            gaps(&snapshot(vec![past])).len() == 2
        });
        assert_eq!(told.count(), total - step + 1, "{total}");
    }
}

#[test]
fn one_video_is_no_videos() {
    let one = Gap::Shrunk { region: region("US"), before: 50, now: 1, at: at(0) }.to_string();
    assert!(one.contains("has 1 video since"), "{one}");
}
