//! Turns the rows of each table into a document again, the same for both databases. Pure; the reverse of `rows`.

use std::collections::HashMap;

use compact_str::CompactString;
use jiff::Timestamp;

use super::StoredRun;
use crate::model::category::Category;
use crate::model::error::{ErrorKind, RegionError};
use crate::model::language::Language;
use crate::model::region::Region;
use crate::model::tags::Tags;
use crate::model::{Document, Live, MergedVideo, RegionStats, Request, SCHEMA_VERSION, Stats, Status, Video};

/// The rows of a run.
#[derive(Debug, Default)]
pub(super) struct RunRows {
    /// In any order.
    pub(super) regions: Vec<RegionColumns>,
    /// In any order.
    pub(super) entries: Vec<StoredEntry>,
    /// By id, with the counts of the run.
    pub(super) videos: HashMap<CompactString, Box<Video>>,
}

#[derive(Debug)]
pub(super) struct StoredEntry {
    pub(super) region: Region,
    pub(super) rank: u32,
    pub(super) video_id: CompactString,
}

/// The columns of a region's result.
#[derive(Debug)]
pub(super) struct RegionColumns {
    pub(super) region: Region,
    pub(super) status: Status,
    pub(super) videos: i64,
    pub(super) requests: i64,
    pub(super) retries: i64,
    pub(super) elapsed_ms: i64,
    pub(super) error_kind: Option<String>,
    pub(super) error_message: Option<String>,
    pub(super) error_status: Option<i64>,
    pub(super) error_reason: Option<String>,
    /// `None` if an older version stored it.
    pub(super) position: Option<i64>,
}

impl From<RegionColumns> for RegionStats {
    fn from(row: RegionColumns) -> RegionStats {
        let error = row.error_kind.map(|kind| RegionError {
            kind: ErrorKind::from_name(&kind).unwrap_or(ErrorKind::BadResponse),
            status: row.error_status.and_then(|status| u16::try_from(status).ok()),
            reason: row.error_reason,
            message: row.error_message.unwrap_or_default(),
        });
        RegionStats {
            region: row.region,
            language: row.region.language(),
            status: row.status,
            videos: number(row.videos),
            requests: number(row.requests),
            retries: number(row.retries),
            elapsed_ms: number(row.elapsed_ms),
            error,
        }
    }
}

/// The columns of a video.
pub(super) struct VideoColumns<'a> {
    pub(super) video_id: &'a str,
    pub(super) title: &'a str,
    pub(super) channel: &'a str,
    pub(super) channel_id: Option<&'a str>,
    pub(super) category_id: Option<i64>,
    pub(super) published_at: Option<Timestamp>,
    pub(super) duration_seconds: Option<i64>,
    pub(super) live: &'a str,
    pub(super) embeddable: Option<bool>,
    pub(super) age_restricted: Option<bool>,
    /// A JSON array.
    pub(super) tags: &'a str,
    pub(super) thumbnail: Option<&'a str>,
    pub(super) description: Option<&'a str>,
    pub(super) declared_language: Option<&'a str>,
    pub(super) language_tag: Option<&'a str>,
}

impl VideoColumns<'_> {
    /// The video with the counts of a run: views, likes, comments.
    pub(super) fn video(&self, counts: [Option<i64>; 3]) -> Box<Video> {
        let [views, likes, comments] = counts.map(count);
        let text = |text: Option<&str>| text.map(CompactString::from);
        Box::new(Video {
            id: self.video_id.into(),
            title: self.title.into(),
            channel: self.channel.into(),
            channel_id: text(self.channel_id),
            category: self.category_id.and_then(|id| u32::try_from(id).ok()).map(Category::new),
            views,
            likes,
            comments,
            published_at: self.published_at,
            duration_seconds: count(self.duration_seconds),
            live: Live::find(self.live).unwrap_or_default(),
            embeddable: self.embeddable,
            age_restricted: self.age_restricted,
            tags: serde_json::from_str::<Tags>(self.tags).unwrap_or_default(),
            thumbnail: text(self.thumbnail),
            description: text(self.description),
            declared_language: self.declared_language.and_then(Language::new),
            language_tag: text(self.language_tag),
        })
    }
}

pub(super) fn count(count: Option<i64>) -> Option<u64> {
    count.and_then(|count| u64::try_from(count).ok())
}

/// A number that is never negative, and was cut to what the database can hold.
pub(super) fn number<N: TryFrom<i64> + Default>(number: i64) -> N {
    N::try_from(number).unwrap_or_default()
}

/// The document of a run, with only these regions if there is a list.
pub(super) fn document(run: &StoredRun, rows: RunRows, wanted: Option<&[Region]>) -> Document {
    let regions = regions(rows.regions, wanted);
    let videos = merge(&regions, rows.entries, rows.videos, run.fetched_at);
    let regions_with = |is_ok: bool| {
        let is_wanted = |row: &&RegionStats| (row.status == Status::Ok) == is_ok;
        regions.iter().filter(is_wanted).map(|row| row.region).collect()
    };
    Document {
        schema_version: SCHEMA_VERSION,
        run_id: run.id.clone(),
        source: run.series.source.clone(),
        fetched_at: run.fetched_at,
        request: Request {
            regions: regions.iter().map(|row| row.region).collect(),
            max_results: run.max_results,
            category_id: run.series.category_id,
        },
        stats: Stats {
            regions_ok: regions_with(true),
            regions_failed: regions_with(false),
            regions,
            ..run.stats.clone()
        },
        videos,
    }
}

/// The results in the order of the list, or of the request; if that is not known, by code.
fn regions(mut rows: Vec<RegionColumns>, wanted: Option<&[Region]>) -> Vec<RegionStats> {
    let place = |region: Region| wanted.and_then(|wanted| wanted.iter().position(|wanted| *wanted == region));
    rows.retain(|row| wanted.is_none() || place(row.region).is_some());
    rows.sort_by_key(|row| (place(row.region), row.position, row.region));
    rows.into_iter().map(RegionStats::from).collect()
}

/// The videos in the order of first occurrence: by region, then by rank.
fn merge(
    regions: &[RegionStats],
    mut entries: Vec<StoredEntry>,
    mut videos: HashMap<CompactString, Box<Video>>,
    fetched_at: Timestamp,
) -> Vec<MergedVideo> {
    let position: HashMap<Region, usize> =
        regions.iter().enumerate().map(|(position, row)| (row.region, position)).collect();
    entries.retain(|entry| position.contains_key(&entry.region));
    entries.sort_by_key(|entry| (position[&entry.region], entry.rank));
    let (mut merged, mut index_of) = (Vec::<MergedVideo>::new(), HashMap::<CompactString, usize>::new());
    for StoredEntry { region, rank, video_id } in entries {
        if let Some(&index) = index_of.get(&video_id) {
            merged[index].ranks.push((region, rank));
        } else if let Some(video) = videos.remove(&video_id) {
            index_of.insert(video_id, merged.len());
            merged.push(MergedVideo { video, ranks: vec![(region, rank)], fetched_at });
        }
    }
    merged
}
