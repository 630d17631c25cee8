//! The runs that the benchmarks store: 111 regions with 200 entries, of which about 16 are new in each run.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use trendfetch::deduplicate::deduplicate;
use trendfetch::model::category::Category;
use trendfetch::model::language::Language;
use trendfetch::model::region::Region;
use trendfetch::model::{ChartEntry, Document, FetchMetrics, MergedVideo, RegionChart, RegionOutcome, Request, Video};
use trendfetch::stats;

pub(super) const MAX_RESULTS: u32 = 200;
pub(super) const RUNS_OF_30_DAYS: u32 = 103;

/// The run with this number. One starts every seven hours, so 30 days have [`RUNS_OF_30_DAYS`].
pub(super) fn run(number: u32, category_id: Option<u32>) -> Arc<Document> {
    let first: Timestamp = "2026-10-01T00:00:00Z".parse().expect("a time");
    let started = first + SignedDuration::from_hours(7 * i64::from(number));
    let charts =
        Region::all().enumerate().map(|(index, region)| chart(index as u32, region, number, started)).collect();
    let (videos, outcomes): (Vec<MergedVideo>, Vec<RegionOutcome>) = deduplicate(charts);
    let stats = stats::count(&outcomes, &videos, Duration::from_secs(3), Duration::ZERO);
    let request = Request { regions: Region::all().collect(), max_results: MAX_RESULTS, category_id };
    Arc::new(Document::new(started, "youtube".into(), request, stats, videos))
}

fn chart(index: u32, region: Region, number: u32, fetched_at: Timestamp) -> RegionChart {
    let mut rng = fastrand::Rng::with_seed(u64::from(index) << 32 | u64::from(number));
    // A fifth of the videos may be in all regions. From run to run the ids advance by 16.
    let mut ids: Vec<String> = (0..MAX_RESULTS)
        .map(|index| {
            if index % 5 == 0 {
                format!("all{:08}", number * 16 + index)
            } else {
                format!("{region}{:09}", number * 16 + index)
            }
        })
        .collect();
    rng.shuffle(&mut ids[..]);
    let entries =
        (1..).zip(ids).map(|(rank, id)| ChartEntry { rank, fetched_at, video: Box::new(video(id, region, &mut rng)) });
    RegionChart {
        entries: entries.collect(),
        outcome: RegionOutcome {
            region,
            entries: MAX_RESULTS as usize,
            skipped: 0,
            answered: true,
            failure: None,
            metrics: FetchMetrics { requests: 4, ..FetchMetrics::default() },
        },
    }
}

pub(super) fn video(id: String, region: Region, rng: &mut fastrand::Rng) -> Video {
    let mut text_rng =
        fastrand::Rng::with_seed(id.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)));
    let mut words = |count: usize| {
        let mut line = String::new();
        for _ in 0..count {
            let word: String = (0..text_rng.usize(3..9)).map(|_| text_rng.lowercase()).collect();
            let _ = write!(line, "{word} ");
        }
        line.trim_end().to_owned()
    };
    let views = rng.u64(10_000..50_000_000);
    Video {
        title: words(8).into(),
        channel: words(2).into(),
        channel_id: Some(format!("UC{id}{id}").into()),
        category: Some(Category::new(20)),
        views: Some(views),
        likes: Some(views / 30),
        comments: Some(views / 500),
        published_at: "2026-09-30T12:00:00Z".parse().ok(),
        duration_seconds: Some(213),
        embeddable: Some(true),
        age_restricted: Some(false),
        tags: (0..8).map(|_| words(2)).collect(),
        thumbnail: Some(format!("https://i.ytimg.com/vi/{id}/maxresdefault.jpg").into()),
        declared_language: Language::new(region.language()),
        id: id.into(),
        ..Video::default()
    }
}
