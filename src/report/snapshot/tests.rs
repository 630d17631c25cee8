use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::deduplicate::deduplicate;
use crate::history::{HistoryEntry, RegionAttempt};
use crate::model::category::Category;
use crate::model::error::{ErrorKind, RegionError};
use crate::model::region::Region;
use crate::model::{Document, FetchMetrics, RegionChart, RegionOutcome, Request, Status};
use crate::normalize::{PageRange, parse_page};
use crate::report::fixtures::{at, attempt, region};
use crate::report::region_history::Chart;

/// The complete chart of a region with these API items.
fn chart(code: &str, items: &[Value]) -> RegionChart {
    let range = PageRange { offset: 0, size: 50, description: false, fetched_at: at(1) };
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

/// A failed region with the items of the pages that were fetched before; `None` if there were none.
fn failed(code: &str, items: Option<&[Value]>) -> RegionChart {
    let mut chart = chart(code, items.unwrap_or_default());
    chart.outcome.answered = items.is_some();
    let error = RegionError { status: Some(503), ..RegionError::new(ErrorKind::ServerError, "down") };
    chart.outcome.failure = Some(error.into());
    chart
}

fn item(id: &str) -> Value {
    json!({ "id": id })
}

fn document(charts: Vec<RegionChart>) -> Document {
    let regions = charts.iter().map(|chart| chart.outcome.region).collect();
    let (videos, outcomes) = deduplicate(charts);
    let stats = crate::stats::count(&outcomes, &videos, Duration::ZERO, Duration::ZERO);
    Document::new(at(0), "demo".to_owned(), Request { regions, max_results: 20, category_id: Some(10) }, stats, videos)
}

/// The charts as `1 a, 2 b`, by region.
fn charts(snapshot: &Snapshot) -> Vec<(String, Option<String>)> {
    let entries = |chart: &Chart| {
        let each = chart.entries.iter().map(|entry| format!("{} {}", entry.rank, entry.video_id));
        each.collect::<Vec<_>>().join(", ")
    };
    let regions = snapshot.regions.iter();
    regions.map(|history| (history.region.to_string(), history.chart.as_ref().map(entries))).collect()
}

fn expected(code: &str, chart: Option<&str>) -> (String, Option<String>) {
    (code.to_owned(), chart.map(str::to_owned))
}

#[test]
fn the_charts_of_a_document_are_restored_by_region_and_rank() {
    // `c` precedes `b` in the document but ranks below it in GB. The skipped item without an id leaves rank 2 empty.
    let us = chart("US", &[item("c"), item("a")]);
    let gb = chart("GB", &[item("b"), json!({}), item("a"), item("c")]);
    let snapshot = Snapshot::from_document(&document(vec![us, gb]), None, at(2));
    assert_eq!(charts(&snapshot), [expected("GB", Some("1 b, 3 a, 4 c")), expected("US", Some("1 c, 2 a"))]);
    assert!(!snapshot.is_empty());
}

#[test]
fn an_entry_has_the_fields_of_its_video() {
    let snippet = json!({
        "title": "Title", "channelTitle": "Channel", "categoryId": "10", "defaultAudioLanguage": "pl",
        "thumbnails": {"high": {"url": "https://i.ytimg.com/vi/a/hq.jpg", "width": 480, "height": 360}},
    });
    let item = json!({"id": "a", "snippet": snippet, "statistics": {"viewCount": "12"}});
    let snapshot = Snapshot::from_document(&document(vec![chart("US", &[item])]), None, at(2));
    let entry = HistoryEntry {
        rank: 1,
        video_id: "a".to_owned(),
        title: "Title".to_owned(),
        channel: "Channel".to_owned(),
        channel_id: None,
        first_seen_at: at(0),
        category: Some(Category::new(10)),
        views: Some(12),
        thumbnail: Some("https://i.ytimg.com/vi/a/hq.jpg".to_owned()),
        language: Some("pl".to_owned()),
    };
    assert_eq!(snapshot.regions[0].chart.as_ref().unwrap().entries, [entry]);
}

#[test]
fn a_partial_region_has_a_partial_chart_and_a_failed_one_has_none() {
    let region_charts = vec![
        chart("US", &[item("a"), item("b")]),
        failed("GB", Some(&[item("b")])),
        failed("PL", None),
        chart("SE", &[]),
    ];
    let document = document(region_charts);
    let snapshot = Snapshot::from_document(&document, None, at(2));
    let expected_charts =
        [expected("PL", None), expected("SE", Some("")), expected("GB", Some("1 b")), expected("US", Some("1 a, 2 b"))];
    assert_eq!(charts(&snapshot), expected_charts);

    let attempt = |code, status, videos, has_failed: bool| RegionAttempt {
        run_id: document.run_id.clone(),
        category_id: document.request.category_id,
        max_results: 20,
        status,
        videos,
        error: has_failed.then(|| ("server_error".to_owned(), "down".to_owned())),
        ..attempt(code, 0)
    };
    let attempts: Vec<&[RegionAttempt]> = snapshot.regions.iter().map(|history| &*history.attempts).collect();
    let expected = [
        [attempt("PL", Status::Failed, 0, true)],
        [attempt("SE", Status::Ok, 0, false)],
        [attempt("GB", Status::Partial, 1, true)],
        [attempt("US", Status::Ok, 2, false)],
    ];
    assert_eq!(attempts, expected);
    assert!(Snapshot::from_document(&document, Some(&[region("PL"), region("SE")]), at(2)).is_empty());
}

#[test]
fn regions_are_sorted_by_name_unless_requested_in_another_order() {
    let charts = ["US", "GB", "PL", "SE"].map(|code| chart(code, &[item(code)]));
    let document = document(charts.into());
    let codes = |requested: Option<&[Region]>| -> String {
        let snapshot = Snapshot::from_document(&document, requested, at(2));
        snapshot.regions.iter().map(|history| history.region.code()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(codes(None), "PL SE GB US", "by name");
    assert_eq!(codes(Some(&["SE", "NO", "US", "PL"].map(region))), "SE US PL");
    assert_eq!(codes(Some(&[])), "");
}

#[test]
fn a_document_has_no_earlier_charts() {
    let document = document(vec![chart("US", &[item("a")])]);
    let snapshot = Snapshot::from_document(&document, None, at(2));
    assert_eq!(snapshot.made_at, at(2));
    assert_eq!(snapshot.series, ChartSeries { source: "demo".to_owned(), category_id: Some(10) });
    let Origin::Document { run_id, fetched_at } = &snapshot.origin else { panic!("{:?}", snapshot.origin) };
    assert_eq!((run_id, *fetched_at), (&document.run_id, at(0)));
    let history = &snapshot.regions[0];
    assert_eq!(history.chart.as_ref().map(|chart| chart.fetched_at), Some(at(0)));
    assert!(history.previous.is_none() && history.changes.is_none() && history.video_ranks.is_empty());
}
