//! Reads a saved document, for `load` and for `report --from`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use uuid::Uuid;

use super::document::{Document, RegionStats, SCHEMA_VERSION, Stats, Status};
use super::language::is_tag;
use super::region::Region;
use super::valid::{has_year, is_id, is_picture_url};
use super::video::MergedVideo;
use crate::support::gzip::{self, GzipError};
use crate::support::path::is_dash;
use crate::support::sanitize::{one_line, strip_bom};

/// The largest document that is read: forty times that of all regions at full depth.
const MAX_DOCUMENT: usize = 512 << 20;

const TOO_LARGE: &str = "it is larger than 512 MiB";

#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    #[error("cannot read {}: {error}; name a document that you may read", name(path))]
    Unreadable { path: PathBuf, error: io::Error },
    #[error("{} is not a trendfetch JSON document: {why}; -o FILE.json writes one", name(path))]
    Malformed { path: PathBuf, why: String },
}

fn name(path: &Path) -> String {
    if is_dash(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Reads a file, or standard input for `-`. It may be compressed with gzip, whatever its name.
///
/// # Errors
/// When it cannot be read, or is not a document of this version.
pub fn read(path: &Path) -> Result<Document, DocumentError> {
    let (mut bytes, most) = (Vec::new(), MAX_DOCUMENT as u64 + 1);
    let read = if is_dash(path) {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|error| DocumentError::Unreadable { path: path.to_owned(), error })?;
    decode(path, bytes)
}

/// Reads the bytes of a document, which may be compressed with gzip. `path` says in errors where they come from.
///
/// # Errors
/// When it is not a document of this version.
pub fn decode(path: &Path, bytes: Vec<u8>) -> Result<Document, DocumentError> {
    let document = if bytes.len() > MAX_DOCUMENT { Err(TOO_LARGE.into()) } else { decompress_and_parse(bytes) };
    document.map_err(|why| DocumentError::Malformed { path: path.to_owned(), why })
}

fn decompress_and_parse(bytes: Vec<u8>) -> Result<Document, String> {
    if !gzip::is_gzip(&bytes) {
        return parse(&bytes);
    }
    let mut decompressed = Vec::new();
    gzip::decompress(&bytes, MAX_DOCUMENT, &mut decompressed).map_err(|error| match error {
        GzipError::Corrupt => "it is compressed with gzip, and damaged or cut short",
        GzipError::TooLarge => TOO_LARGE,
    })?;
    drop(bytes);
    parse(&decompressed)
}

/// Reads the bytes of a document. Fields that are derived from others are derived again.
///
/// # Errors
/// What is wrong with it, as the end of a sentence.
pub fn parse(bytes: &[u8]) -> Result<Document, String> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: u32,
    }
    let bytes = strip_bom(bytes);
    let Version { schema_version } = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if schema_version != SCHEMA_VERSION {
        return Err(format!("its schema_version is {schema_version}, and this trendfetch knows {SCHEMA_VERSION}"));
    }
    let mut document: Document = serde_json::from_slice(bytes).map_err(|error| one_line(&error.to_string(), 300))?;
    validate(&mut document)?;
    Ok(document)
}

/// The longest name of a host ("Domain names", RFC 1035 §2.3.4).
const MAX_SOURCE: usize = 255;

/// 10000-01-01, in seconds since 1970.
const YEAR_10000: i64 = 253_402_300_800;

/// Checks what the types do not guarantee, and fills in what is derived.
fn validate(document: &mut Document) -> Result<(), String> {
    // As a run writes it. Whole seconds also sort as text.
    let fetched_at = document.fetched_at;
    if fetched_at.subsec_nanosecond() != 0 || !(0..YEAR_10000).contains(&fetched_at.as_second()) {
        return Err("its fetched_at is not a whole second between 1970 and 9999".into());
    }
    if document.source.len() > MAX_SOURCE {
        return Err(format!("its source has more than {MAX_SOURCE} bytes, and no host has"));
    }
    document.run_id = Uuid::parse_str(&document.run_id).map_err(|_| "its run_id is not a UUID")?.to_string();
    document.videos.iter_mut().try_for_each(validate_video)?;
    derive_stats(&mut document.stats);

    let requested: HashSet<Region> = document.request.regions.iter().copied().collect();
    let listed: HashSet<Region> = document.stats.regions.iter().map(|row| row.region).collect();
    if listed != requested || document.stats.regions.len() != requested.len() {
        return Err("its stats.regions are not those of its request".into());
    }
    document.request.regions = document.stats.regions.iter().map(|row| row.region).collect();

    let (mut ids, mut entries) = (HashSet::new(), HashSet::new());
    for MergedVideo { video, ranks, .. } in &document.videos {
        if !ids.insert(&video.id) {
            return Err(format!("video {} is in it twice", video.id));
        }
        if let Some((region, rank)) = ranks.iter().find(|entry| !entries.insert(**entry)) {
            return Err(format!("two videos have rank {rank} in {region}"));
        }
        if let Some((region, _)) = ranks.iter().find(|(region, _)| !requested.contains(region)) {
            return Err(format!("it has videos of {region}, which its request does not name"));
        }
    }
    Ok(())
}

/// The largest rank that is read. YouTube's charts have 200 entries.
const MAX_RANK: u32 = 1_000_000;

fn validate_video(merged: &mut MergedVideo) -> Result<(), String> {
    let MergedVideo { video, ranks, .. } = merged;
    if !is_id(&video.id) {
        return Err(format!("{:?} is not a video id", one_line(&video.id, 80)));
    }
    video.published_at = video.published_at.filter(has_year);
    video.channel_id = video.channel_id.take().filter(|id| is_id(id));
    video.thumbnail = video.thumbnail.take().filter(|url| is_picture_url(url));
    video.language_tag = video.language_tag.take().filter(|tag| is_tag(tag));
    if let Some((region, rank)) = ranks.iter().find(|(_, rank)| !(1..=MAX_RANK).contains(rank)) {
        return Err(format!("video {} has rank {rank} in {region}", video.id));
    }
    let mut regions = HashSet::new();
    match ranks.iter().find(|(region, _)| !regions.insert(*region)) {
        Some((region, _)) => Err(format!("video {} is in {region} twice", video.id)),
        None => Ok(()),
    }
}

fn derive_stats(stats: &mut Stats) {
    for row in &mut stats.regions {
        row.language = row.region.language();
    }
    let regions_with = |is_ok: bool| {
        let wanted = |row: &&RegionStats| (row.status == Status::Ok) == is_ok;
        stats.regions.iter().filter(wanted).map(|row| row.region).collect()
    };
    (stats.regions_ok, stats.regions_failed) = (regions_with(true), regions_with(false));
}
