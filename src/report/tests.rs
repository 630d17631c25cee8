use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::fixtures::{at, attempt, entries, entry, failed, snapshot, with_chart, with_two_charts};
use super::page::{SCRIPT, SCRIPT_HASH, STYLE, STYLE_HASH};
use super::region_history::RANK_PLOT_ENTRIES;
use super::*;
use crate::history::{ChartSeries, HistoryEntry, RegionAttempt, SeriesRuns, VideoRank};
use crate::model::Status;
use crate::model::region::Region;

#[test]
fn the_policy_has_the_hashes_of_style_and_script() {
    let hash = |text: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        format!("sha256-{}", STANDARD.encode(digest))
    };
    assert_eq!(STYLE_HASH, hash(STYLE));
    assert_eq!(SCRIPT_HASH, hash(SCRIPT));
    let page = render(&[snapshot(vec![with_chart("US", entries(&["a"]))])], false).unwrap();
    for part in [
        format!("<style>{STYLE}</style>"),
        format!("<script>{SCRIPT}</script>"),
        format!("default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}'; base-uri 'none'"),
    ] {
        assert!(page.contains(&part), "{part}");
    }
}

/// A snapshot in which every text from outside is this one.
fn snapshot_of_text(text: &str, origin: Origin) -> Snapshot {
    let entry = |rank, id: &str| HistoryEntry {
        title: text.to_owned(),
        channel: text.to_owned(),
        channel_id: Some(text.to_owned()),
        thumbnail: Some(format!("https://i.ytimg.com/{text}")),
        language: Some(text.to_owned()),
        ..entry(rank, &format!("{id}{text}"))
    };
    let mut us = with_two_charts(
        "US",
        (50, vec![entry(1, "a"), entry(2, "b"), entry(3, "c")]),
        (50, vec![entry(1, "b"), entry(2, "a"), entry(3, "d")]),
    );
    let video_rank = |(number, rank, id): (i64, u32, &str)| VideoRank { number, rank, video_id: format!("{id}{text}") };
    us.video_ranks = [(0, 1, "a"), (0, 2, "b"), (1, 1, "b"), (1, 2, "a")].map(video_rank).into();
    let mut gb = with_chart("GB", vec![entry(1, "a")]);
    // Shown both as an anomaly and as an alert.
    gb.attempts
        .push(RegionAttempt { error: Some((text.to_owned(), text.to_owned())), ..failed("GB", 1, Status::Failed, "") });
    Snapshot { origin, series: ChartSeries { source: text.to_owned(), category_id: None }, ..snapshot(vec![us, gb]) }
}

#[test]
fn text_from_outside_adds_no_markup() {
    let hostile = "</script><img src=x onerror=alert(1)>\"'&";
    let escaped = "&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;";
    let from_history = |text: &str| {
        let series = ChartSeries { source: text.to_owned(), category_id: None };
        Origin::History { runs: at(0)..=at(1), others: vec![SeriesRuns { series, runs: 1, newest: at(0) }] }
    };
    let from_document = |text: &str| Origin::Document { run_id: text.to_owned(), fetched_at: at(0) };
    for origin in [&from_history as &dyn Fn(&str) -> Origin, &from_document] {
        let page = |text: &str| render(&[snapshot_of_text(text, origin(text))], true).unwrap();
        let (bad, good) = (page(hostile), page("Harmless"));
        assert_eq!(bad.matches("onerror").count(), good.matches("Harmless").count(), "every text is shown");
        assert_eq!(bad.matches("onerror").count(), bad.matches(escaped).count());
        for mark in ['<', '>', '"', '\''] {
            assert_eq!(bad.matches(mark).count(), good.matches(mark).count(), "{mark}");
        }
        // Every part that shows such text is present, so the test covers it.
        let ids = [
            "id=\"alerts\"",
            "id=\"anomalies\"",
            "id=\"entered\"",
            "id=\"widespread\"",
            "class=\"rank-plot\"",
            "class=\"moves\"",
            "<img ",
        ];
        for part in ids {
            assert!(bad.contains(part), "{part}");
        }
    }
}

#[test]
fn thumbnails_are_opt_in_and_come_from_one_host() {
    let with_thumbnail =
        |rank, address: &str| HistoryEntry { thumbnail: Some(address.to_owned()), ..entry(rank, &format!("v{rank}")) };
    let entries = vec![
        with_thumbnail(1, "https://i.ytimg.com/vi/a/hq.jpg"),
        with_thumbnail(2, "https://i.ytimg.com.evil.example/vi/a/hq.jpg"),
        with_thumbnail(3, "javascript:alert(1)"),
    ];
    let snapshots = [snapshot(vec![with_chart("US", entries)])];
    let with = render(&snapshots, true).unwrap();
    assert!(with.contains("<img src=\"https://i.ytimg.com/vi/a/hq.jpg\" "));
    assert!(with.contains("; img-src https://i.ytimg.com; "), "the policy allows the host");
    assert_eq!((with.matches("<img").count(), with.contains("evil"), with.contains("javascript:")), (1, false, false));
    let without = render(&snapshots, false).unwrap();
    assert!(!["<img", "img-src", "ytimg"].iter().any(|part| without.contains(part)));
}

#[test]
fn a_page_of_all_regions_stays_small_and_says_what_it_omits() {
    // An ordinary title, and the longest one after escaping.
    for text in ["A title as people give them, with a few words (official)", &"\"".repeat(150)] {
        let long = |ids: &str, region: &str| -> Vec<HistoryEntry> {
            let entry = |rank: u32| HistoryEntry {
                title: text.to_owned(),
                channel: text.to_owned(),
                views: Some(123_456_789),
                ..entry(rank, &format!("{region}-{ids}-{rank:05}"))
            };
            (1..=200).map(entry).collect()
        };
        let history = |region: Region| {
            let code = region.code();
            let mut history = with_two_charts(code, (200, long("one", code)), (200, long("two", code)));
            history.attempts = (-26..=1).map(|hour| attempt(code, hour)).collect();
            let top = |number| (1..=RANK_PLOT_ENTRIES).map(move |rank| (number, rank));
            let video_rank = |(number, rank)| VideoRank { number, rank, video_id: format!("{code}-two-{rank:05}") };
            history.video_ranks = (-26..=1).flat_map(top).map(video_rank).collect();
            history
        };
        let page = render(&[snapshot(Region::all().map(history).collect())], false).unwrap();
        assert!(page.len() < MAX_PAGE, "{}", page.len());
        let (_, rest) = page.split_once("To stay small, this page shows only the first ").unwrap();
        let (shown, rest) = rest.split_once(' ').unwrap();
        assert!(rest.starts_with("of up to 200 entries of each chart"));
        let caption = format!("The first {shown} of 200 entries; the page has no room for more<");
        assert_eq!(page.matches(&caption).count(), 111);
        let rows = page.matches("<td class=kind>").count();
        assert_eq!(rows, 111 * shown.parse::<usize>().unwrap());
    }
}

#[test]
fn the_ids_of_several_categories_differ() {
    let of_category = |category_id| {
        let regions =
            ["US", "GB"].map(|code| with_two_charts(code, (50, entries(&["a", "b"])), (50, entries(&["b", "c"]))));
        let series = ChartSeries { source: "youtube".to_owned(), category_id };
        Snapshot { series, ..snapshot(regions.into()) }
    };
    let page = render(&[None, Some(10), Some(25)].map(of_category), false).unwrap();
    let ids: Vec<&str> = page.split(" id=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    let mut distinct = ids.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(ids.len(), distinct.len());
    let links: Vec<&str> = page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?}");
    for id in ["all", "music", "news-politics", "music-US", "music-entered", "news-politics-GB"] {
        assert!(ids.contains(&id), "{id}: {ids:?}");
    }
    // One category has the ids of a page that knows no others.
    let page = render(&[of_category(Some(10))], false).unwrap();
    assert!(page.contains(" id=\"US\"") && !page.contains("music"));
}

#[test]
fn a_small_page_omits_nothing() {
    let ids: Vec<String> = (0..200).map(|id| format!("v{id}")).collect();
    let entries = entries(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let page = render(&[snapshot(vec![with_chart("US", entries)])], false).unwrap();
    assert!(!page.contains("To stay small"));
    assert_eq!(page.matches("<summary>Chart of United States (US): 200 entries</summary>").count(), 1);
    assert!(page.contains("watch?v=v199\""));
}
