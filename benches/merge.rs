//! Measures normalizing one page, deduplicating 222,000 and 2,220,000 chart entries (10 and 100 times all regions with
//! 200 entries), and the memory of an entry.
//!
//! `cargo bench --bench merge`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints its results and may panic")]

use std::collections::HashSet;
use std::fs;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use trendfetch::deduplicate::deduplicate;
use trendfetch::model::region::Region;
use trendfetch::model::{ChartEntry, FetchMetrics, RegionChart, RegionOutcome, Video};
use trendfetch::normalize::{PageRange, parse_page};

const PAGE_RANGE: PageRange = PageRange { offset: 0, size: 50, description: false, fetched_at: Timestamp::UNIX_EPOCH };

criterion_group!(benches, normalize_page, deduplicate_charts);
criterion_main!(benches);

/// Pages of 50 items with all fields, and with the fewest. For comparison, a parser that discards everything.
fn normalize_page(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("normalize");
    group.throughput(Throughput::Elements(50));
    for (name, item) in [("full items", full_item as fn(usize) -> Value), ("minimal items", minimal_item)] {
        let items: Vec<Value> = (0..50).map(item).collect();
        let body = json!({"kind": "youtube#videoListResponse", "nextPageToken": "CDIQAA", "items": items}).to_string();
        group.bench_function(format!("{name}, {} bytes", body.len()), |bench| {
            bench.iter(|| parse_page(black_box(body.as_bytes()), PAGE_RANGE).expect("a page"));
        });
        group.bench_function(format!("{name}, parsed and discarded"), |bench| {
            bench.iter(|| serde_json::from_str::<IgnoredAny>(black_box(&body)).expect("JSON"));
        });
    }
}

fn deduplicate_charts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("deduplicate");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(5));
    for entries_per_region in [2_000, 20_000] {
        let before = resident_memory();
        let input = charts(entries_per_region);
        let entries: usize = input.iter().map(|chart| chart.entries.len()).sum();
        println!("{entries} chart entries: {} bytes each in memory", (resident_memory() - before) / entries);
        drop(input);
        group.throughput(Throughput::Elements(entries as u64));
        // The minimum that a merge needs. It grows faster than the number of entries once the table exceeds the caches.
        group.bench_function(format!("{entries}, only inserting the ids into a set"), |bench| {
            let insert_ids = |charts: &mut Vec<RegionChart>| -> usize {
                let mut ids = HashSet::with_capacity(entries);
                ids.extend(charts.iter().flat_map(|chart| &chart.entries).map(|entry| entry.video.id.as_str()));
                ids.len()
            };
            bench.iter_batched_ref(|| charts(entries_per_region), insert_ids, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::from_parameter(entries), |bench| {
            bench.iter_batched(|| charts(entries_per_region), deduplicate, BatchSize::PerIteration);
        });
    }
}

/// The charts of all regions. Every fourth video is in all of them.
fn charts(entries_per_region: u32) -> Vec<RegionChart> {
    let entry = |region: Region, rank: u32| {
        let owner = if rank.is_multiple_of(4) { "XX" } else { region.code() };
        let id = format!("{owner}{rank:09}");
        let thumbnail = Some(format!("https://i.ytimg.com/vi/{id}/maxresdefault.jpg").into());
        let template = Video {
            title: "A title of some sixty bytes, as titles of videos often are".into(),
            channel: "A channel".into(),
            channel_id: Some("UCabcdefghijklmnopqrstuv".into()),
            tags: (0..14).map(|_| "two words").collect(),
            ..Video::default()
        };
        let video = Box::new(Video { id: id.into(), views: Some(u64::from(rank)), thumbnail, ..template });
        ChartEntry { rank, fetched_at: Timestamp::UNIX_EPOCH, video }
    };
    let chart = |region: Region| RegionChart {
        entries: (1..=entries_per_region).map(|rank| entry(region, rank)).collect(),
        outcome: RegionOutcome {
            region,
            entries: entries_per_region as usize,
            skipped: 0,
            answered: true,
            failure: None,
            metrics: FetchMetrics::default(),
        },
    };
    Region::all().map(chart).collect()
}

fn minimal_item(index: usize) -> Value {
    json!({"id": format!("{index:011}"), "snippet": {"title": "A title", "channelTitle": "A channel"},
        "statistics": {"viewCount": "1234567"}})
}

/// As large as the items of `benches/server`.
fn full_item(index: usize) -> Value {
    let id = format!("{index:011}");
    let thumbnail = |name: &str, width: u32, height: u32| json!({"url": format!("https://i.ytimg.com/vi/{id}/{name}.jpg"), "width": width, "height": height});
    let snippet = json!({
        "publishedAt": "2026-11-20T15:00:08Z", "channelId": "UCabcdefghijklmnopqrstuv",
        "title": "A title of some sixty bytes, as titles of videos often are", "channelTitle": "A channel",
        "thumbnails": {"default": thumbnail("default", 120, 90), "medium": thumbnail("mqdefault", 320, 180),
            "high": thumbnail("hqdefault", 480, 360), "standard": thumbnail("sddefault", 640, 480),
            "maxres": thumbnail("maxresdefault", 1280, 720)},
        "tags": vec!["two words"; 14], "categoryId": "20", "liveBroadcastContent": "none", "defaultAudioLanguage": "en"
    });
    json!({"id": id, "snippet": snippet, "contentDetails": {"duration": "PT12M34S", "contentRating": {}},
        "statistics": {"viewCount": "1234567", "likeCount": "45678", "commentCount": "3210"},
        "status": {"embeddable": true}})
}

/// The resident memory in bytes. `statm` counts pages, assumed to be of 4 KiB.
fn resident_memory() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4096
}
