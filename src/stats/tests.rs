use serde_json::{Value, json};

use super::*;
use crate::deduplicate::deduplicate;
use crate::model::error::{ErrorKind, RegionError};
use crate::model::{FetchMetrics, RegionChart};
use crate::normalize::{PageRange, parse_page};

fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

/// A whole chart of these ids; an empty id is none.
fn chart(code: &str, ids: &[&str]) -> RegionChart {
    let items: Value = ids.iter().map(|id| json!({ "id": id })).collect();
    let range = PageRange { offset: 0, size: 50, description: false, fetched_at: jiff::Timestamp::UNIX_EPOCH };
    let page = parse_page(json!({ "items": items }).to_string().as_bytes(), range).unwrap();
    let outcome = RegionOutcome {
        region: region(code),
        entries: page.entries.len(),
        skipped: page.skipped,
        answered: true,
        failure: None,
        metrics: FetchMetrics::default(),
    };
    RegionChart { entries: page.entries, outcome }
}

fn error() -> RegionError {
    RegionError { status: Some(503), ..RegionError::new(ErrorKind::ServerError, "down") }
}

/// The chart with another outcome.
fn ended(mut chart: RegionChart, change: impl FnOnce(&mut RegionOutcome)) -> RegionChart {
    change(&mut chart.outcome);
    chart
}

fn stats(charts: Vec<RegionChart>) -> Stats {
    let (videos, outcomes) = deduplicate(charts);
    count(&outcomes, &videos, Duration::from_micros(1_210_900), Duration::from_secs(1))
}

/// `US+GB 2`, one for each pair.
fn pairs(stats: &Stats) -> Vec<String> {
    stats.overlap.iter().map(|pair| format!("{}+{} {}", pair.regions[0], pair.regions[1], pair.videos)).collect()
}

#[test]
fn an_example_counted_by_hand() {
    let stats = stats(vec![
        chart("US", &["a", "b", "c", "a"]),
        chart("GB", &["b", "d", "", "a"]),
        chart("PL", &["a", "", "", "e"]),
        chart("SE", &["f", "f"]),
        chart("NO", &[]),
    ]);
    assert_eq!((stats.raw, stats.unique, stats.multi_region, stats.skipped), (11, 6, 2, 3));
    assert_eq!(pairs(&stats), ["US+GB 2", "US+PL 1", "GB+PL 1"]);
    let videos: Vec<_> = stats.regions.iter().map(|row| (row.region.code(), row.language, row.videos)).collect();
    assert_eq!(videos, [("US", "en", 3), ("GB", "en", 3), ("PL", "pl", 2), ("SE", "sv", 1), ("NO", "no", 0)]);
}

#[test]
fn a_region_is_ok_partial_or_failed() {
    let empty = chart("US", &[]);
    let partial = ended(chart("GB", &["a"]), |outcome| outcome.failure = Some(error().into()));
    let partial_of_nothing = ended(chart("SE", &[]), |outcome| outcome.failure = Some(error().into()));
    let failed = ended(chart("PL", &[]), |outcome| (outcome.failure, outcome.answered) = (Some(error().into()), false));
    let stats = stats(vec![failed, empty, partial, chart("XX", &["a"]), partial_of_nothing]);
    let rows: Vec<_> = stats.regions.iter().map(|row| (row.region.code(), row.status, row.error.is_some())).collect();
    assert_eq!(
        rows,
        [
            ("PL", Status::Failed, true),
            ("US", Status::Ok, false),
            ("GB", Status::Partial, true),
            ("XX", Status::Ok, false),
            ("SE", Status::Partial, true)
        ]
    );
    assert_eq!(stats.regions_ok, ["US", "XX"].map(region));
    assert_eq!(stats.regions_failed, ["PL", "GB", "SE"].map(region));
    assert_eq!(stats.regions[0].error, Some(error()));
    assert_eq!(stats.regions[3].language, "und");
}

#[test]
fn what_the_regions_cost_is_added_up() {
    let us = FetchMetrics {
        unbilled: 1,
        requests: 5,
        retries: 2,
        rate_limited: 1,
        elapsed: Duration::from_millis(900),
        sequential_time: Duration::from_millis(400),
    };
    let gb = FetchMetrics {
        unbilled: 0,
        requests: 3,
        retries: 1,
        rate_limited: 4,
        elapsed: Duration::from_millis(800),
        sequential_time: Duration::from_millis(70),
    };
    let stats = stats(vec![
        ended(chart("US", &[]), |outcome| outcome.metrics = us),
        ended(chart("GB", &[]), |outcome| {
            (outcome.metrics, outcome.failure, outcome.answered) = (gb, Some(error().into()), false)
        }),
    ]);
    assert_eq!((stats.requests, stats.retries, stats.rate_limited, stats.quota_units), (8, 3, 5, 7));
    assert_eq!((stats.elapsed_ms, stats.held_ms), (1210, 1000));
    let outcomes = [us, gb].map(|metrics| RegionOutcome { metrics, ..chart("US", &[]).outcome });
    assert_eq!(sequential_time(&outcomes), Duration::from_millis(470));
    let rows: Vec<_> = stats.regions.iter().map(|row| (row.requests, row.retries, row.elapsed_ms)).collect();
    assert_eq!(rows, [(5, 2, 900), (3, 1, 800)]);
}

#[test]
fn pairs_are_by_size_then_in_the_order_asked_for() {
    let stats = stats(vec![
        chart("US", &["a", "b", "z"]),
        chart("PL", &["c", "d", "z"]),
        chart("GB", &["d", "c", "a"]),
        chart("AE", &["b", "c", "d", "e"]),
    ]);
    assert_eq!(pairs(&stats), ["PL+GB 2", "PL+AE 2", "GB+AE 2", "US+PL 1", "US+GB 1", "US+AE 1"]);
}

#[test]
fn only_twenty_pairs_are_named() {
    let codes = ["US", "GB", "PL", "NL", "SE", "NO", "AT"];
    let charts =
        || codes.map(|code| chart(code, if matches!(code, "NO" | "AT") { &["x", "y"] } else { &["x"] })).into();
    let counted = stats(charts());
    let named = pairs(&counted);
    assert_eq!((named.len(), counted.multi_region), (20, 2));
    assert_eq!(named[..3], ["NO+AT 2", "US+GB 1", "US+PL 1"]);
    // The 21st is left out: the last of the equals.
    assert_eq!(named[19], "SE+NO 1");
    assert!(!named.contains(&"SE+AT 1".to_owned()));
    assert_eq!(stats(charts()), counted);
}

#[test]
fn a_run_of_nothing_counts_nothing() {
    let stats = stats(Vec::new());
    assert_eq!((stats.raw, stats.unique, stats.requests), (0, 0, 0));
    assert!(stats.overlap.is_empty() && stats.regions.is_empty());
}
