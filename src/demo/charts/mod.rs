//! The charts of all regions, by the hour, and the same for everybody.
//!
//! A chart takes some of its videos from a worldwide pool, some from the pool of the region's language, and the rest
//! from the region's own pool. The choice differs by region, so regions share about as many videos as in the real
//! charts. `career` says how videos move.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use self::videos::{LOCAL_MIX, VideoPool, WORLD_MIX, ranked};
use super::hour::Hour;
use super::words::Words;
use crate::model::region::Region;

mod broadcast;
mod by_category;
mod career;
mod videos;

pub(super) use self::by_category::category_chart;
pub(super) use self::videos::DemoVideo;

const CHART_LENGTH: usize = 200;

/// The charts of regions at one hour, each of which is made once.
#[derive(Debug)]
pub(super) struct ChartCache {
    hour: Hour,
    charts: Mutex<HashMap<Region, Arc<Vec<DemoVideo>>>>,
}

impl ChartCache {
    pub(super) fn at(hour: Hour) -> ChartCache {
        ChartCache { hour, charts: Mutex::default() }
    }

    pub(super) fn chart(&self, region: Region) -> Arc<Vec<DemoVideo>> {
        // The charts are valid even if another thread panicked.
        let mut charts = self.charts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(charts.entry(region).or_insert_with(|| Arc::new(chart(region, self.hour))))
    }
}

/// The whole chart of a region by rank; empty for a region without one.
fn chart(region: Region, hour: Hour) -> Vec<DemoVideo> {
    if !region.is_known() {
        return Vec::new();
    }
    let (code, language) = (region.code(), region.language());
    let (words, world) = (Words::load(language), Words::load("world"));
    let local = std::slice::from_ref(&words);
    let foreign = ["en", "en", "es", "ko"].map(Words::load);
    let pools = [
        VideoPool {
            name: "world",
            slots: 190,
            taken: 340,
            audience: WORLD_AUDIENCE,
            mix: WORLD_MIX,
            languages: &foreign,
            world: &world,
        },
        // The pool belongs to the language even if its words are borrowed from English.
        VideoPool {
            name: language,
            slots: 125,
            taken: 330,
            audience: language_audience(language),
            mix: LOCAL_MIX,
            languages: local,
            world: &world,
        },
        VideoPool {
            name: code,
            slots: 185,
            taken: 1000,
            audience: audience(code),
            mix: LOCAL_MIX,
            languages: local,
            world: &world,
        },
    ];
    let candidates = pools.iter().flat_map(|pool| pool.candidates(code, hour)).collect();
    let mut chart = ranked(candidates, CHART_LENGTH, HashSet::new());
    broadcast::insert(&mut chart, region, hour, &words, &world);
    chart
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
mod movement_tests;
#[cfg(test)]
mod tests;
