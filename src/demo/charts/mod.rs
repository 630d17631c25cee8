//! The charts of all regions, the same in every run.
//!
//! A chart consists of blocks of fifty entries. Each block takes some videos from a worldwide pool, some from the pool
//! of the region's language, and the rest from the region's own pool. The choice and the order differ by region, so
//! regions share about as many videos as in the real charts, at any number of entries.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use self::videos::{LIVE, LOCAL_MIX, VideoPool, WORLD_MIX};
use super::rng::Rng;
use super::words::Words;
use crate::model::region::Region;

mod by_category;
mod videos;

pub(super) use self::by_category::category_chart;
pub(super) use self::videos::DemoVideo;

const CHART_LENGTH: usize = 200;
const BLOCK_LENGTH: usize = 50;

/// How many of a pool's videos a block takes, and how many it chooses from.
#[derive(Clone, Copy)]
struct Selection {
    taken: usize,
    available: usize,
}

const FROM_WORLD: Selection = Selection { taken: 12, available: 40 };
const FROM_LANGUAGE: Selection = Selection { taken: 8, available: 24 };

/// The charts of regions, each of which is made once.
#[derive(Debug, Default)]
pub(super) struct ChartCache(Mutex<HashMap<Region, Arc<Vec<DemoVideo>>>>);

impl ChartCache {
    pub(super) fn chart(&self, region: Region) -> Arc<Vec<DemoVideo>> {
        // The charts are valid even if another thread panicked.
        let mut charts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(charts.entry(region).or_insert_with(|| Arc::new(chart(region))))
    }
}

/// The whole chart of a region by rank; empty for a region without one.
fn chart(region: Region) -> Vec<DemoVideo> {
    if !region.is_known() {
        return Vec::new();
    }
    let world = Words::load("world");
    let (code, language) = (region.code(), region.language());
    let words = Words::load(language);
    let local = std::slice::from_ref(&words);
    let foreign = ["en", "en", "es", "ko"].map(Words::load);
    let mut titles = HashSet::new();
    let blocks = CHART_LENGTH / BLOCK_LENGTH;
    let mut pool = |name, count, audience, mix, languages| {
        VideoPool { name, audience, mix, languages, world: &world }.videos(count, &mut titles)
    };
    let worldwide = pool("world", blocks * FROM_WORLD.available, WORLD_AUDIENCE, WORLD_MIX, &foreign[..]);
    // The pool belongs to the language even if its words are borrowed from English.
    let shared = pool(language, blocks * FROM_LANGUAGE.available, language_audience(language), LOCAL_MIX, local);
    let own = blocks * (BLOCK_LENGTH - FROM_WORLD.taken - FROM_LANGUAGE.taken);
    let mut own = pool(code, own, audience(code), LOCAL_MIX, local).into_iter();

    let mut rng = Rng::seeded(&[code, "order"]);
    let mut chart = Vec::with_capacity(CHART_LENGTH);
    for block in 0..blocks {
        let mut videos = select(&worldwide, block, FROM_WORLD, &mut rng);
        videos.extend(select(&shared, block, FROM_LANGUAGE, &mut rng));
        for video in &mut videos {
            // Regions show slightly different counts, as the API's caches do.
            video.views -= video.views / 1000 * rng.between(0, 5);
        }
        videos.extend(own.by_ref().take(BLOCK_LENGTH - videos.len()));
        rng.shuffle(&mut videos);
        chart.extend(videos);
    }
    add_broadcast(&mut chart, region, &words, &world);
    chart
}

/// The region's selection from the part of the pool that belongs to this block.
fn select(pool: &[DemoVideo], block: usize, selection: Selection, rng: &mut Rng) -> Vec<DemoVideo> {
    let Selection { taken, available } = selection;
    let mut part: Vec<&DemoVideo> = pool.iter().skip(block * available).take(available).collect();
    rng.shuffle(&mut part);
    part.into_iter().take(taken).cloned().collect()
}

/// Replaces one of the first fifty videos by a broadcast. In the United States it is a live one at rank 5; elsewhere
/// the rank is random, and the broadcast may be upcoming.
fn add_broadcast(chart: &mut [DemoVideo], region: Region, words: &Words, world: &Words) {
    let code = region.code();
    let mut rng = Rng::seeded(&[code, "broadcast"]);
    let (index, is_live) = match code {
        "US" => (4, true),
        _ => (rng.between(0, 49) as usize, rng.per_mille(650)),
    };
    let Some(replaced) = chart.get_mut(index) else { return };
    // The video has an id of its own, so no other region has it as an ordinary video.
    let name = format!("{code} broadcast");
    let languages = std::slice::from_ref(words);
    let pool = VideoPool { name: &name, audience: audience(code), mix: &[(LIVE, 100)], languages, world };
    let Some(video) = pool.videos(1, &mut HashSet::new()).pop() else { return };
    *replaced = DemoVideo {
        broadcast: if is_live { "live" } else { "upcoming" },
        views: if is_live { video.views / 10 } else { 0 },
        likes: video.likes.map(|likes| likes / 10),
        comments: None,
        age: video.age / 40,
        age_restricted: false,
        ..video
    };
}

/// The size of a region's audience, where that of the United States is 100.
fn audience(code: &str) -> u64 {
    AUDIENCES.iter().find(|(_, codes)| codes.contains(&code)).map_or(3, |(size, _)| *size)
}

/// The audience of a language is that of its largest region.
fn language_audience(language: &str) -> u64 {
    let regions = Region::all().filter(|region| region.language() == language);
    regions.map(|region| audience(region.code())).max().unwrap_or(1)
}

const WORLD_AUDIENCE: u64 = 150;
const AUDIENCES: &[(u64, &[&str])] = &[
    (100, &["US", "IN"]),
    (60, &["BR", "JP", "MX", "ID"]),
    (40, &["GB", "DE", "KR", "FR", "RU", "VN", "TR"]),
    (20, &["CA", "AU", "ES", "IT", "PL", "AR", "CO", "TH", "PH", "PK", "EG", "SA", "UA", "TW"]),
    (9, &["NL", "SE", "BE", "PT", "CL", "PE", "MY", "BD", "MA", "IQ", "ZA", "NG", "RO", "HK", "AE"]),
    (5, &["AT", "CH", "NO", "DK", "FI", "CZ", "GR", "HU", "IL", "SG", "IE", "NZ", "KE", "DZ"]),
];

#[cfg(test)]
mod tests;
