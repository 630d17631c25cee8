//! Reads a snapshot from the document of one run.

use std::collections::HashMap;

use jiff::Timestamp;

use super::{Origin, Snapshot, sort_by_name};
use crate::history::{ChartSeries, HistoryEntry, RegionAttempt};
use crate::model::region::Region;
use crate::model::{Document, RegionStats, Status};
use crate::report::region_history::{Chart, RegionHistory};

impl Snapshot {
    /// Takes all regions of the document by name, or those of `regions` in that order.
    pub fn from_document(document: &Document, regions: Option<&[Region]>, now: Timestamp) -> Snapshot {
        let mut charts = charts(document);
        let mut histories: Vec<RegionHistory> = document
            .stats
            .regions
            .iter()
            .map(|stats| {
                let entries = charts.remove(&stats.region).unwrap_or_default();
                let chart = Chart { fetched_at: document.fetched_at, entries };
                let chart = (stats.status != Status::Failed).then_some(chart);
                RegionHistory { chart, ..RegionHistory::new(stats.region, vec![attempt(document, stats)]) }
            })
            .collect();
        if let Some(regions) = regions {
            let position = |history: &RegionHistory| regions.iter().position(|region| *region == history.region);
            histories.retain(|history| position(history).is_some());
            histories.sort_by_key(position);
        } else {
            sort_by_name(&mut histories, |history| history.region);
        }
        Snapshot {
            made_at: now,
            origin: Origin::Document { run_id: document.run_id.clone(), fetched_at: document.fetched_at },
            series: ChartSeries { source: document.source.clone(), category_id: document.request.category_id },
            regions: histories,
        }
    }
}

/// The charts of the document, each by rank.
fn charts(document: &Document) -> HashMap<Region, Vec<HistoryEntry>> {
    let mut charts: HashMap<Region, Vec<HistoryEntry>> = HashMap::new();
    for merged in &document.videos {
        let video = &merged.video;
        for (region, rank) in &merged.ranks {
            charts.entry(*region).or_default().push(HistoryEntry {
                rank: *rank,
                video_id: video.id.to_string(),
                title: video.title.to_string(),
                channel: video.channel.to_string(),
                channel_id: video.channel_id.as_ref().map(ToString::to_string),
                // A single run knows no earlier one, and the page then omits the time in the chart.
                first_seen_at: document.fetched_at,
                category: video.category,
                views: video.views,
                thumbnail: video.thumbnail.as_ref().map(ToString::to_string),
                language: video.declared_language.map(|language| language.code().to_owned()),
            });
        }
    }
    for entries in charts.values_mut() {
        entries.sort_unstable_by_key(|entry| entry.rank);
    }
    charts
}

fn attempt(document: &Document, stats: &RegionStats) -> RegionAttempt {
    RegionAttempt {
        run_id: document.run_id.clone(),
        number: 0,
        fetched_at: document.fetched_at,
        category_id: document.request.category_id,
        max_results: document.request.max_results,
        region: stats.region,
        status: stats.status,
        videos: u32::try_from(stats.videos).unwrap_or(u32::MAX),
        error: stats.error.as_ref().map(|error| (error.kind.to_string(), error.message.clone())),
        is_pruned: false,
    }
}
