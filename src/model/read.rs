//! A saved document, read back: for `load`, and for whatever else begins with a file instead of a run.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use compact_str::CompactString;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::model::category::Category;
use crate::model::error::{ErrorKind, RegionError};
use crate::model::language::Language;
use crate::model::region::Region;
use crate::model::tags::Tags;
use crate::model::{
    Counts, Document, Live, MergedVideo, Overlap, RegionStats, Request, SCHEMA_VERSION, Stats, Status, Video,
};
use crate::normalize::{has_year, is_video_id};
use crate::support::sanitize::{one_line, strip_bom};

/// The largest document that is read: forty times that of all regions at full depth.
const MAX_DOCUMENT: u64 = 512 << 20;

/// A document that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// No such file, or not to be read.
    #[error("cannot read {}: {error}; name a document that you may read", name(path))]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Not what `-o FILE.json` writes.
    #[error("{} is no document of trendfetch: {why}; -o FILE.json writes one", name(path))]
    PageError {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

fn name(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads a file, or standard input for `-`.
///
/// # Errors
/// When it cannot be read, or is no document of this version.
pub fn read(path: &Path) -> Result<Document, DocumentError> {
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_DOCUMENT + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_DOCUMENT + 1).read_to_end(&mut bytes))
    };
    read.map_err(|error| DocumentError::Unreadable { path: path.to_owned(), error })?;
    if bytes.len() as u64 > MAX_DOCUMENT {
        return Err(DocumentError::PageError { path: path.to_owned(), why: "it is larger than 512 MiB".into() });
    }
    parse(&bytes).map_err(|why| DocumentError::PageError { path: path.to_owned(), why })
}

/// Reads the bytes of a document. What is derived from other fields is derived anew.
///
/// # Errors
/// A sentence's end that says what is wrong.
pub fn parse(bytes: &[u8]) -> Result<Document, String> {
    let bytes = strip_bom(bytes);
    let Version { schema_version } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if schema_version != SCHEMA_VERSION {
        return Err(format!("its schema_version is {schema_version}, and this trendfetch knows {SCHEMA_VERSION}"));
    }
    let document: Mirror = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    // As a run has it: whole seconds sort as text too.
    let fetched_at = document.fetched_at;
    if fetched_at.subsec_nanosecond() != 0 || !(0..YEAR_10000).contains(&fetched_at.as_second()) {
        return Err("its fetched_at is no whole second between 1970 and 9999".into());
    }
    if document.source.len() > MAX_SOURCE {
        return Err(format!("its source has more than {MAX_SOURCE} bytes, and no host has"));
    }
    let run_id = Uuid::parse_str(&document.run_id).map_err(|_| "its run_id is no UUID")?.to_string();
    let mut ids = HashSet::new();
    let mut places = HashSet::new();
    let videos: Vec<MergedVideo> = document.videos.into_iter().map(video).collect::<Result<_, _>>()?;
    for video in &videos {
        if !ids.insert(&video.video.id) {
            return Err(format!("video {} is in it twice", video.video.id));
        }
        if let Some((region, rank)) = video.ranks.iter().find(|place| !places.insert(**place)) {
            return Err(format!("two videos have rank {rank} in {region}"));
        }
    }
    let Asked { regions, max_results, category_id } = document.request;
    let asked: HashSet<Region> = regions.iter().map(|code| region(code)).collect::<Result<_, _>>()?;
    let stats = stats(document.stats)?;
    let listed: HashSet<Region> = stats.regions.iter().map(|row| row.region).collect();
    if listed != asked || stats.regions.len() != asked.len() {
        return Err("its stats.regions are not those of its request".into());
    }
    if let Some((region, _)) = places.iter().find(|(region, _)| !asked.contains(region)) {
        return Err(format!("it has videos of {region}, which its request does not name"));
    }
    Ok(Document {
        schema_version: SCHEMA_VERSION,
        run_id,
        source: document.source,
        fetched_at,
        request: Request { regions: stats.regions.iter().map(|row| row.region).collect(), max_results, category_id },
        stats,
        videos,
    })
}

/// The longest name of a host ("Domain names", RFC 1035 §2.3.4).
const MAX_SOURCE: usize = 255;

/// 10000-01-01, in seconds since 1970.
const YEAR_10000: i64 = 253_402_300_800;

#[derive(Deserialize)]
struct Version {
    schema_version: u32,
}

#[derive(Deserialize)]
struct Mirror {
    run_id: String,
    source: String,
    fetched_at: Timestamp,
    request: Asked,
    stats: Counted,
    videos: Vec<Row>,
}

#[derive(Deserialize)]
struct Asked {
    regions: Vec<String>,
    max_results: u32,
    category_id: Option<u32>,
}

#[derive(Deserialize)]
struct Counted {
    raw: usize,
    unique: usize,
    multi_region: usize,
    skipped: u32,
    overlap: Vec<Pair>,
    requests: u32,
    retries: u32,
    rate_limited: u32,
    quota_units: u32,
    elapsed_ms: u64,
    held_ms: u64,
    regions: Vec<RegionRow>,
}

#[derive(Deserialize)]
struct Pair {
    regions: [String; 2],
    videos: usize,
}

#[derive(Deserialize)]
struct RegionRow {
    region: String,
    status: String,
    videos: usize,
    requests: u32,
    retries: u32,
    elapsed_ms: u64,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    kind: String,
    status: Option<u16>,
    reason: Option<String>,
    message: String,
}

#[derive(Deserialize)]
struct Row {
    video_id: CompactString,
    title: CompactString,
    channel: CompactString,
    channel_id: Option<CompactString>,
    category_id: Option<u32>,
    views: Option<u64>,
    likes: Option<u64>,
    comments: Option<u64>,
    published_at: Option<Timestamp>,
    duration_seconds: Option<u64>,
    live: String,
    embeddable: Option<bool>,
    age_restricted: Option<bool>,
    tags: Tags,
    thumbnail: Option<CompactString>,
    description: Option<CompactString>,
    declared_language: Option<String>,
    regions: Vec<String>,
    ranks: HashMap<String, u32>,
    fetched_at: Timestamp,
}

fn region(code: &str) -> Result<Region, String> {
    let as_written = |region: &Region| region.code() == code;
    Region::new(code).filter(as_written).ok_or_else(|| format!("{:?} is no region", one_line(code, 80)))
}

fn video(row: Row) -> Result<MergedVideo, String> {
    let id = row.video_id;
    if !is_video_id(&id) {
        return Err(format!("{:?} is no video id", one_line(&id, 80)));
    }
    let place = |code: &String| {
        // YouTube's charts have 200 places.
        let rank = row.ranks.get(code).filter(|rank| (1..=1_000_000).contains(*rank));
        let rank = rank.ok_or_else(|| format!("video {id} has no rank in {code}"))?;
        Ok::<_, String>((region(code)?, *rank))
    };
    let places: Vec<(Region, u32)> = row.regions.iter().map(place).collect::<Result<_, _>>()?;
    if let Some((region, _)) = places
        .iter()
        .enumerate()
        .find_map(|(index, place)| places[..index].iter().any(|(earlier, _)| *earlier == place.0).then_some(*place))
    {
        return Err(format!("video {id} is in {region} twice"));
    }
    // As `normalize` reads it today: a document may be older than that.
    let language = |subtag: &str| match Language::new(subtag) {
        Some(_) => Ok(Language::of_tag(subtag)),
        None => Err(format!("{:?} is no language", one_line(subtag, 80))),
    };
    Ok(MergedVideo {
        ranks: places,
        fetched_at: row.fetched_at,
        video: Box::new(Video {
            live: Live::find(&row.live)
                .ok_or_else(|| format!("live of video {id} is {:?}", one_line(&row.live, 80)))?,
            title: row.title,
            channel: row.channel,
            channel_id: row.channel_id,
            category: row.category_id.map(Category::new),
            counts: Counts { views: row.views, likes: row.likes, comments: row.comments },
            published_at: row.published_at.filter(has_year),
            duration_seconds: row.duration_seconds,
            embeddable: row.embeddable,
            age_restricted: row.age_restricted,
            tags: row.tags,
            thumbnail: row.thumbnail,
            description: row.description,
            declared_language: row.declared_language.as_deref().map(language).transpose()?.flatten(),
            id,
        }),
    })
}

fn stats(counted: Counted) -> Result<Stats, String> {
    let regions: Vec<RegionStats> = counted.regions.into_iter().map(region_stats).collect::<Result<_, _>>()?;
    let of = |is_ok: bool| {
        regions.iter().filter(|row| (row.status == Status::Ok) == is_ok).map(|row| row.region).collect::<Vec<_>>()
    };
    let overlap = |pair: Pair| {
        let [one, other] = &pair.regions;
        Ok::<_, String>(Overlap { regions: [region(one)?, region(other)?], videos: pair.videos })
    };
    Ok(Stats {
        raw: counted.raw,
        unique: counted.unique,
        multi_region: counted.multi_region,
        skipped: counted.skipped,
        overlap: counted.overlap.into_iter().map(overlap).collect::<Result<_, _>>()?,
        requests: counted.requests,
        retries: counted.retries,
        rate_limited: counted.rate_limited,
        quota_units: counted.quota_units,
        elapsed_ms: counted.elapsed_ms,
        held_ms: counted.held_ms,
        regions_ok: of(true),
        regions_failed: of(false),
        regions,
        // Not part of the document.
        sequential_ms: 0,
    })
}

fn region_stats(row: RegionRow) -> Result<RegionStats, String> {
    let region = region(&row.region)?;
    let error = |fault: Fault| {
        let kind = ErrorKind::find(&fault.kind)
            .ok_or_else(|| format!("{:?} is no kind of error", one_line(&fault.kind, 80)))?;
        Ok::<_, String>(RegionError {
            status: fault.status,
            reason: fault.reason,
            ..RegionError::new(kind, fault.message)
        })
    };
    Ok(RegionStats {
        region,
        language: region.language(),
        status: Status::find(&row.status)
            .ok_or_else(|| format!("status of {region} is {:?}", one_line(&row.status, 80)))?,
        videos: row.videos,
        requests: row.requests,
        retries: row.retries,
        elapsed_ms: row.elapsed_ms,
        error: row.error.map(error).transpose()?,
    })
}
