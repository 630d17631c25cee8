use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::deduplicate::deduplicate;
use crate::model::category::Category;
use crate::model::error::{ErrorKind, RegionError};
use crate::model::{FetchMetrics, RegionChart, RegionOutcome, Request};
use crate::normalize::{PageRange, parse_page};
use crate::report::samples::{at, attempt, past, region};

/// A region's whole chart of these items.
fn chart(code: &str, items: &[Value]) -> RegionChart {
    let window = PageRange { offset: 0, size: 50, description: false, fetched_at: at(1) };
    let page = parse_page(json!({ "items": items }).to_string().as_bytes(), window).unwrap();
    let outcome = RegionOutcome {
        region: region(code),
        entries: page.entries.len(),
        skipped: page.skipped,
        answered: true,
        error: None,
        metrics: FetchMetrics::default(),
    };
    RegionChart { entries: page.entries, outcome }
}

/// What arrived of a region before it failed; `None` where nothing did.
fn broken(code: &str, items: Option<&[Value]>) -> RegionChart {
    let mut chart = chart(code, items.unwrap_or_default());
    chart.outcome.answered = items.is_some();
    chart.outcome.error = Some(RegionError { status: Some(503), ..RegionError::new(ErrorKind::ServerError, "down") });
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

/// `1 a, 2 b`, by region.
fn shown(snapshot: &Snapshot) -> Vec<(String, Option<String>)> {
    let entries = |chart: &Chart| {
        let each = chart.entries.iter().map(|entry| format!("{} {}", entry.rank, entry.video_id));
        each.collect::<Vec<_>>().join(", ")
    };
    let regions = snapshot.regions.iter();
    regions.map(|past| (past.region.to_string(), past.chart.as_ref().map(entries))).collect()
}

fn told(code: &str, chart: Option<&str>) -> (String, Option<String>) {
    (code.to_owned(), chart.map(str::to_owned))
}

#[test]
fn the_charts_of_a_document_are_put_together_by_region_and_by_rank() {
    // `c` is met before `b`, and ranked behind it in the second region; the item without an id keeps its entry.
    let us = chart("US", &[item("c"), item("a")]);
    let gb = chart("GB", &[item("b"), json!({}), item("a"), item("c")]);
    let snapshot = Snapshot::of_document(&document(vec![us, gb]), None, at(2));
    assert_eq!(shown(&snapshot), [told("US", Some("1 c, 2 a")), told("GB", Some("1 b, 3 a, 4 c"))]);
    assert!(!snapshot.is_empty());
}

#[test]
fn a_place_keeps_what_the_document_says_of_its_video() {
    let snippet = json!({
        "title": "Title", "channelTitle": "Channel", "categoryId": "10", "defaultAudioLanguage": "pl",
        "thumbnails": {"high": {"url": "https://i.ytimg.com/vi/a/hq.jpg", "width": 480, "height": 360}},
    });
    let item = json!({"id": "a", "snippet": snippet, "statistics": {"viewCount": "12"}});
    let snapshot = Snapshot::of_document(&document(vec![chart("US", &[item])]), None, at(2));
    let entry = HistoryEntry {
        rank: 1,
        video_id: "a".to_owned(),
        title: "Title".to_owned(),
        channel: "Channel".to_owned(),
        first_seen_at: at(0),
        category: Some(Category::new(10)),
        views: Some(12),
        thumbnail: Some("https://i.ytimg.com/vi/a/hq.jpg".to_owned()),
        language: Some("pl".to_owned()),
    };
    assert_eq!(snapshot.regions[0].chart.as_ref().unwrap().entries, [entry]);
}

#[test]
fn a_partial_region_shows_what_arrived_an_empty_one_nothing_and_a_failed_one_has_no_chart() {
    let charts = vec![
        chart("US", &[item("a"), item("b")]),
        broken("GB", Some(&[item("b")])),
        broken("PL", None),
        chart("SE", &[]),
    ];
    let document = document(charts);
    let snapshot = Snapshot::of_document(&document, None, at(2));
    let charts = [told("US", Some("1 a, 2 b")), told("GB", Some("1 b")), told("PL", None), told("SE", Some(""))];
    assert_eq!(shown(&snapshot), charts);

    let attempt = |code, status, videos, is_broken: bool| Attempt {
        run_id: document.run_id.clone(),
        depth: 20,
        status,
        videos,
        error: is_broken.then(|| ("server_error".to_owned(), "down".to_owned())),
        ..attempt(code, 0)
    };
    let attempts: Vec<&[Attempt]> = snapshot.regions.iter().map(|past| &*past.attempts).collect();
    let expected = [
        [attempt("US", Status::Ok, 2, false)],
        [attempt("GB", Status::Partial, 1, true)],
        [attempt("PL", Status::Failed, 0, true)],
        [attempt("SE", Status::Ok, 0, false)],
    ];
    assert_eq!(attempts, expected);
    assert!(Snapshot::of_document(&document, Some(&[region("PL"), region("SE")]), at(2)).is_empty());
}

#[test]
fn regions_come_in_the_order_asked_for_and_no_others() {
    let charts = ["US", "GB", "PL", "SE"].map(|code| chart(code, &[item(code)]));
    let document = document(charts.into());
    let codes = |asked: Option<&[Region]>| -> String {
        let snapshot = Snapshot::of_document(&document, asked, at(2));
        snapshot.regions.iter().map(|past| past.region.code()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(codes(None), "US GB PL SE");
    assert_eq!(codes(Some(&["SE", "NO", "US", "PL"].map(region))), "SE US PL");
    assert_eq!(codes(Some(&[])), "");
}

#[test]
fn a_document_knows_its_run_and_nothing_before_it() {
    let document = document(vec![chart("US", &[item("a")])]);
    let snapshot = Snapshot::of_document(&document, None, at(2));
    assert_eq!(snapshot.made_at, at(2));
    assert_eq!(snapshot.series, ChartSeries { source: "demo".to_owned(), category_id: Some(10) });
    let Origin::Document { run_id, fetched_at } = &snapshot.origin else { panic!("{:?}", snapshot.origin) };
    assert_eq!((run_id, *fetched_at), (&document.run_id, at(0)));
    let past = &snapshot.regions[0];
    assert_eq!(past.chart.as_ref().map(|chart| chart.fetched_at), Some(at(0)));
    assert!(past.previous.is_none() && past.changes.is_none() && past.video_ranks.is_empty());
}

#[test]
fn recent_are_the_attempts_of_seven_days_before_the_newest() {
    let hours = |past: &RegionPast| -> Vec<i64> { past.recent().iter().map(|attempt| attempt.number).collect() };
    let of = |hours: &[i64]| past(hours.iter().map(|hour| attempt("US", *hour)).collect());
    let week = 7 * 24;
    assert_eq!(hours(&of(&[0, 1, 2, week + 1])), [1, 2, week + 1]);
    assert_eq!(hours(&of(&[0, 1, week])), [0, 1, week]);
    assert_eq!(hours(&of(&[0, 30 * 24])), [30 * 24]);
    let mut none = of(&[0]);
    none.attempts.clear();
    assert!(none.recent().is_empty());
}
