//! Normalizing and deduplicating: a page, and 222,000 and 2,220,000 entries, which is a hundred times all regions at
//! full depth. And the memory that a entry takes.
//!
//! `cargo bench --bench merge`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

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

const WINDOW: PageRange = PageRange { offset: 0, size: 50, description: false, fetched_at: Timestamp::UNIX_EPOCH };

criterion_group!(benches, normalizing, deduplicating);
criterion_main!(benches);

/// A page of 50 items as they come with `fields`, and of the barest; each against a parser that only looks for the end.
fn normalizing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("normalize");
    group.throughput(Throughput::Elements(50));
    for (name, item) in [("whole items", whole as fn(usize) -> Value), ("bare items", bare)] {
        let items: Vec<Value> = (0..50).map(item).collect();
        let body = json!({"kind": "youtube#videoListResponse", "nextPageToken": "CDIQAA", "items": items}).to_string();
        group.bench_function(format!("{name}, {} bytes", body.len()), |bench| {
            bench.iter(|| parse_page(black_box(body.as_bytes()), WINDOW).expect("a page"));
        });
        group.bench_function(format!("{name}, JSON only looked at"), |bench| {
            bench.iter(|| serde_json::from_str::<IgnoredAny>(black_box(&body)).expect("JSON"));
        });
    }
}

fn deduplicating(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("deduplicate");
    group.sample_size(10).warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_secs(5));
    for places in [2_000, 20_000] {
        let before = resident();
        let made = charts(places);
        let entries: usize = made.iter().map(|chart| chart.entries.len()).sum();
        println!("{entries} chart entries: {} bytes each in memory", (resident() - before) / entries);
        drop(made);
        group.throughput(Throughput::Elements(entries as u64));
        // What no merge can do without, and what grows by more than the number where a table leaves the caches.
        group.bench_function(format!("{entries}, ids into a table only"), |bench| {
            let into_table = |made: &mut Vec<RegionChart>| -> usize {
                let mut ids = HashSet::with_capacity(entries);
                ids.extend(made.iter().flat_map(|chart| &chart.entries).map(|entry| entry.video.id.as_str()));
                ids.len()
            };
            bench.iter_batched_ref(|| charts(places), into_table, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::from_parameter(entries), |bench| {
            bench.iter_batched(|| charts(places), deduplicate, BatchSize::PerIteration);
        });
    }
}

/// All regions with so many places each. Every fourth video is in all charts.
fn charts(places: u32) -> Vec<RegionChart> {
    let entry = |region: Region, rank: u32| {
        let owner = if rank.is_multiple_of(4) { "XX" } else { region.code() };
        let id = format!("{owner}{rank:09}");
        let thumbnail = Some(format!("https://i.ytimg.com/vi/{id}/maxresdefault.jpg").into());
        let texts = Video {
            title: "A title of some sixty bytes, as titles of videos often are".into(),
            channel: "A channel".into(),
            channel_id: Some("UCabcdefghijklmnopqrstuv".into()),
            tags: (0..14).map(|_| "two words").collect(),
            ..Video::default()
        };
        let video = Box::new(Video { id: id.into(), views: Some(u64::from(rank)), thumbnail, ..texts });
        ChartEntry { rank, fetched_at: Timestamp::UNIX_EPOCH, video }
    };
    let chart = |region: Region| RegionChart {
        entries: (1..=places).map(|rank| entry(region, rank)).collect(),
        outcome: RegionOutcome {
            region,
            entries: places as usize,
            skipped: 0,
            answered: true,
            error: None,
            metrics: FetchMetrics::default(),
        },
    };
    Region::all().map(chart).collect()
}

fn bare(place: usize) -> Value {
    json!({"id": format!("{place:011}"), "snippet": {"title": "A title", "channelTitle": "A channel"},
        "statistics": {"viewCount": "1234567"}})
}

/// With the sizes of `benches/server`.
fn whole(place: usize) -> Value {
    let id = format!("{place:011}");
    let picture = |name: &str, width: u32, height: u32| json!({"url": format!("https://i.ytimg.com/vi/{id}/{name}.jpg"), "width": width, "height": height});
    let snippet = json!({
        "publishedAt": "2026-11-20T15:00:08Z", "channelId": "UCabcdefghijklmnopqrstuv",
        "title": "A title of some sixty bytes, as titles of videos often are", "channelTitle": "A channel",
        "thumbnails": {"default": picture("default", 120, 90), "medium": picture("mqdefault", 320, 180),
            "high": picture("hqdefault", 480, 360), "standard": picture("sddefault", 640, 480),
            "maxres": picture("maxresdefault", 1280, 720)},
        "tags": vec!["two words"; 14], "categoryId": "20", "liveBroadcastContent": "none", "defaultAudioLanguage": "en"
    });
    json!({"id": id, "snippet": snippet, "contentDetails": {"duration": "PT12M34S", "contentRating": {}},
        "statistics": {"viewCount": "1234567", "likeCount": "45678", "commentCount": "3210"},
        "status": {"embeddable": true}})
}

/// Bytes of memory in use (`statm` has pages, of 4 KiB here).
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").expect("Linux");
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("a number") * 4096
}
