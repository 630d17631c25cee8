use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::samples::{at, attempt, charted, compared, entries, entry, failed, snapshot};
use super::snapshot::TOP;
use super::*;
use crate::history::{Attempt, ChartSeries, SeriesRuns, VideoRank};
use crate::model::Status;
use crate::model::region::Region;

#[test]
fn the_hashes_of_the_policy_are_those_of_what_the_page_holds() {
    let hash = |text: &str| {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        format!("sha256-{}", STANDARD.encode(digest))
    };
    assert_eq!(STYLE_HASH, hash(STYLE));
    assert_eq!(SCRIPT_HASH, hash(SCRIPT));
    let page = render(&snapshot(vec![charted("US", entries(&["a"]))]), false).unwrap();
    for part in [
        format!("<style>{STYLE}</style>"),
        format!("<script>{SCRIPT}</script>"),
        format!("default-src 'none'; style-src '{STYLE_HASH}'; script-src '{SCRIPT_HASH}'; base-uri 'none'"),
    ] {
        assert!(page.contains(&part), "{part}");
    }
}

#[test]
fn a_number_has_the_ending_that_is_spoken() {
    let endings = [1, 2, 3, 4, 10, 11, 12, 13, 14, 21, 22, 23, 100, 101, 111, 112, 113, 121].map(|n| ordinal(&n));
    let expected = "1st 2nd 3rd 4th 10th 11th 12th 13th 14th 21st 22nd 23rd 100th 101st 111th 112th 113th 121st";
    assert_eq!(endings.join(" "), expected);
}

#[test]
fn a_text_is_cut_only_beyond_all_measure_and_loses_its_controls() {
    assert_eq!(cut("Zażółć <b> 🎵", "-"), "Zażółć <b> 🎵");
    assert_eq!(cut("a\u{0}b\u{1b}[2Jc\nd\u{9b}", "-"), "a b [2Jc d ");
    assert_eq!(cut(&"ż".repeat(150), "-"), "ż".repeat(150));
    assert_eq!(cut(&"ż".repeat(151), "-"), "ż".repeat(150) + "…");
}

#[test]
fn a_title_that_shows_nothing_has_a_stand_in_and_a_channel_none() {
    for empty in ["", "  ", "\n\u{0}"] {
        assert_eq!((&*title(empty), &*channel(empty)), ("(no title)", ""), "{empty:?}");
    }
    assert_eq!((&*title(" a "), &*channel(" a ")), (" a ", " a "));
}

#[test]
fn only_small_letters_become_a_language() {
    let of = |language: Option<&str>| lang(&HistoryEntry { language: language.map(str::to_owned), ..entry(1, "a") });
    assert_eq!((&*of(Some("pl")), &*of(Some("fil"))), (" lang=\"pl\"", " lang=\"fil\""));
    for other in ["", "PL", "zh-Hans", "p l", "\"><b", "ż", "e1"] {
        assert_eq!(of(Some(other)), "", "{other}");
    }
    assert_eq!(of(None), "");
}

#[test]
fn a_move_shows_the_ranks_that_it_has() {
    let change = |previous_rank, rank| {
        rank_change(&Move {
            video_id: String::new(),
            title: String::new(),
            channel: String::new(),
            rank,
            previous_rank,
            first_seen_at: at(0),
        })
    };
    let shown = [change(None, Some(3)), change(Some(3), None), change(Some(5), Some(3)), change(None, None)];
    assert_eq!(shown, ["3", "was 3", "5 → 3", ""]);
}

/// A page on which every text of strangers is this one.
fn of_text(text: &str, origin: Origin) -> Snapshot {
    let entry = |rank, id: &str| HistoryEntry {
        title: text.to_owned(),
        channel: text.to_owned(),
        thumbnail: Some(format!("https://i.ytimg.com/{text}")),
        language: Some(text.to_owned()),
        ..entry(rank, &format!("{id}{text}"))
    };
    let mut us = compared(
        "US",
        (50, vec![entry(1, "a"), entry(2, "b"), entry(3, "c")]),
        (50, vec![entry(1, "b"), entry(2, "a"), entry(3, "d")]),
    );
    let video_rank = |(number, rank, id): (i64, u32, &str)| VideoRank { number, rank, video_id: format!("{id}{text}") };
    us.video_ranks = [(0, 1, "a"), (0, 2, "b"), (1, 1, "b"), (1, 2, "a")].map(video_rank).into();
    let mut gb = charted("GB", vec![entry(1, "a")]);
    // Told among the gaps and at the head.
    gb.attempts
        .push(Attempt { error: Some((text.to_owned(), text.to_owned())), ..failed("GB", 1, Status::Failed, "") });
    Snapshot { origin, series: ChartSeries { source: text.to_owned(), category_id: None }, ..snapshot(vec![us, gb]) }
}

#[test]
fn text_of_strangers_opens_and_closes_nothing() {
    let hostile = "</script><img src=x onerror=alert(1)>\"'&";
    let escaped = "&#60;/script&#62;&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;";
    let of_history = |text: &str| {
        let series = ChartSeries { source: text.to_owned(), category_id: None };
        Origin::History { runs: at(0)..=at(1), others: vec![SeriesRuns { series, runs: 1, newest: at(0) }] }
    };
    let of_document = |text: &str| Origin::Document { run_id: text.to_owned(), fetched_at: at(0) };
    for origin in [&of_history as &dyn Fn(&str) -> Origin, &of_document] {
        let page = |text: &str| render(&of_text(text, origin(text)), true).unwrap();
        let (bad, good) = (page(hostile), page("Harmless"));
        assert_eq!(bad.matches("onerror").count(), good.matches("Harmless").count(), "all of it is there");
        assert_eq!(bad.matches("onerror").count(), bad.matches(escaped).count());
        for mark in ['<', '>', '"', '\''] {
            assert_eq!(bad.matches(mark).count(), good.matches(mark).count(), "{mark}");
        }
        // Each part that shows such text is there, or this test would say nothing of it.
        let ids = ["id=\"troubles\"", "id=\"gaps\"", "id=\"widespread\"", "class=\"bump\"", "class=\"moves\"", "<img "];
        for part in ids {
            assert!(bad.contains(part), "{part}");
        }
    }
}

#[test]
fn pictures_come_when_asked_for_and_from_one_host_only() {
    let pictured =
        |rank, address: &str| HistoryEntry { thumbnail: Some(address.to_owned()), ..entry(rank, &format!("v{rank}")) };
    let entries = vec![
        pictured(1, "https://i.ytimg.com/vi/a/hq.jpg"),
        pictured(2, "https://i.ytimg.com.evil.example/vi/a/hq.jpg"),
        pictured(3, "javascript:alert(1)"),
    ];
    let snapshot = snapshot(vec![charted("US", entries)]);
    let with = render(&snapshot, true).unwrap();
    assert!(with.contains("<img src=\"https://i.ytimg.com/vi/a/hq.jpg\" "));
    assert!(with.contains("; img-src https://i.ytimg.com; "), "the policy lets it in");
    assert_eq!((with.matches("<img").count(), with.contains("evil"), with.contains("javascript:")), (1, false, false));
    let without = render(&snapshot, false).unwrap();
    assert!(!["<img", "img-src", "ytimg"].iter().any(|part| without.contains(part)));
}

#[test]
fn a_page_of_all_regions_stays_small_and_says_what_it_leaves_out() {
    // Titles that people give, and the longest there are after escaping.
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
        let past = |region: Region| {
            let code = region.code();
            let mut past = compared(code, (200, long("one", code)), (200, long("two", code)));
            past.attempts = (-26..=1).map(|hour| attempt(code, hour)).collect();
            let top = |number| (1..=TOP).map(move |rank| (number, rank));
            let video_rank = |(number, rank)| VideoRank { number, rank, video_id: format!("{code}-two-{rank:05}") };
            past.video_ranks = (-26..=1).flat_map(top).map(video_rank).collect();
            past
        };
        let page = render(&snapshot(Region::all().map(past).collect()), false).unwrap();
        assert!(page.len() < MAX_PAGE, "{}", page.len());
        let (_, told) = page.split_once("To stay small, this page shows only the first ").unwrap();
        let (shown, told) = told.split_once(' ').unwrap();
        assert!(told.starts_with("of up to 200 places of each chart"));
        let caption = format!("The first {shown} of 200 places; the page has no room for more.");
        assert_eq!(page.matches(&caption).count(), 111);
        let rows = page.matches("<td class=\"n\">123,456,789</td>").count();
        assert_eq!(rows, 111 * shown.parse::<usize>().unwrap());
    }
}

#[test]
fn what_has_room_is_shown_whole() {
    let ids: Vec<String> = (0..200).map(|id| format!("v{id}")).collect();
    let entries = entries(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let page = render(&snapshot(vec![charted("US", entries)]), false).unwrap();
    assert!(!page.contains("To stay small"));
    assert_eq!(page.matches("<caption>The chart of United States (US)</caption>").count(), 1);
    assert!(page.contains("watch?v=v199\""));
}

#[test]
fn a_title_of_many_blanks_has_a_stand_in_too() {
    assert_eq!(title(&" ".repeat(151)), "(no title)");
    assert_eq!(title("\u{200b}\u{2063}\u{202e}"), "(no title)");
}
