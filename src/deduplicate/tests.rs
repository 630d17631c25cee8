use serde_json::{Value, json};

use super::*;
use crate::model::region::Region;
use crate::model::{FetchMetrics, Video};
use crate::normalize::{PageRange, parse_page};

fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

/// A chart of these items, all of one page that arrived at this second of the run.
fn chart(code: &str, second: i64, items: Value) -> RegionChart {
    let fetched_at = jiff::Timestamp::from_second(1_795_381_200 + second).unwrap();
    let range = PageRange { offset: 0, size: 50, description: false, fetched_at };
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

#[derive(Debug, PartialEq)]
struct Merged {
    raw: usize,
    videos: Vec<MergedVideo>,
}

fn item(id: &str) -> Value {
    json!({ "id": id })
}

fn merge<const N: usize>(charts: [RegionChart; N]) -> Merged {
    let (videos, outcomes) = deduplicate(charts.into());
    Merged { raw: outcomes.iter().map(|outcome| outcome.entries).sum(), videos }
}

/// `a US:1 GB:2`, one for each video.
fn lines(merged: &Merged) -> Vec<String> {
    let place = |(region, rank): &(Region, u32)| format!(" {region}:{rank}");
    merged
        .videos
        .iter()
        .map(|video| format!("{}{}", video.video.id, video.ranks.iter().map(place).collect::<String>()))
        .collect()
}

#[test]
fn videos_are_in_the_order_first_met_with_their_regions_and_ranks_in_order() {
    let merged = merge([
        chart("US", 0, json!([item("c"), item("a")])),
        chart("GB", 0, json!([item("b"), item("a"), item("c")])),
        chart("AE", 0, json!([item("d"), 5, item("a"), item("b")])),
    ]);
    assert_eq!(lines(&merged), ["c US:1 GB:3", "a US:2 GB:2 AE:3", "b GB:1 AE:4", "d AE:1"]);
    assert_eq!(merged.raw, 8);
}

#[test]
fn the_order_of_the_regions_decides_not_their_names() {
    let merged = merge([chart("US", 0, json!([item("a")])), chart("AE", 0, json!([item("b"), item("a")]))]);
    assert_eq!(lines(&merged), ["a US:1 AE:2", "b AE:1"]);
}

#[test]
fn within_a_region_the_first_rank_counts() {
    let merged = merge([
        chart("US", 0, json!([item("a"), item("b"), item("a")])),
        chart("GB", 0, json!([item("b"), item("b"), item("a"), item("a")])),
    ]);
    assert_eq!(lines(&merged), ["a US:1 GB:3", "b US:2 GB:1"]);
    assert_eq!(merged.raw, 7);
}

#[test]
fn each_count_keeps_its_maximum_and_one_that_is_there_beats_one_that_is_not() {
    let counted = |views: Value, likes: Value, comments: Value| json!({"id": "a", "statistics": {"viewCount": views, "likeCount": likes, "commentCount": comments}});
    let merged = merge([
        chart("US", 0, json!([counted(json!(10), json!(null), json!(null))])),
        chart("GB", 0, json!([counted(json!(30), json!(0), json!(null)), counted(json!(20), json!(2), json!(null))])),
        chart("PL", 0, json!([counted(json!(null), json!(1), json!(null))])),
    ]);
    let video = &merged.videos[0].video;
    assert_eq!((video.views, video.likes, video.comments), (Some(30), Some(2), None));
}

#[test]
fn all_other_facts_stay_those_of_the_first_region() {
    let facts = |id: &str, title: &str, category: &str| json!({"id": id, "snippet": {"title": title, "categoryId": category, "tags": [title]}});
    let first = chart("US", 5, json!([item("a"), facts("b", "first", "10")]));
    let expected: Vec<Box<Video>> = first.entries.iter().map(|entry| entry.video.clone()).collect();
    // A fact that the first region lacked is not filled in either.
    let merged = merge([first, chart("GB", 3, json!([facts("b", "second", "20"), facts("a", "second", "20")]))]);
    assert_eq!(merged.videos.iter().map(|video| video.video.clone()).collect::<Vec<_>>(), expected);
    assert!(merged.videos.iter().all(|video| video.fetched_at.as_second() == 1_795_381_205));
}

#[test]
fn the_outcomes_come_back_in_order() {
    let (_, outcomes) = deduplicate(vec![chart("US", 0, json!([item("a"), 5])), chart("GB", 0, json!([]))]);
    let facts: Vec<_> = outcomes.iter().map(|outcome| (outcome.region, outcome.entries, outcome.skipped)).collect();
    assert_eq!(facts, [(region("US"), 1, 1), (region("GB"), 0, 0)]);
    assert_eq!(deduplicate(Vec::new()), (Vec::new(), Vec::new()));
}

#[test]
fn the_same_charts_merge_to_the_same_videos() {
    let ids = |from: usize| Value::from_iter((from..from + 50).map(|number| item(&format!("id{}", number * 7 % 64))));
    let charts = || ["US", "GB", "PL", "AE"].map(|code| chart(code, 0, ids(usize::from(code.as_bytes()[0]))));
    let merged = merge(charts());
    assert_eq!((merged.raw, merged.videos.len()), (200, 64));
    assert_eq!(merge(charts()), merged);
}
