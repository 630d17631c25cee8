//! When a run is not due. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::region::Region;

/// What a run asks for, as far as another one can answer it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As in the document.
    pub source: String,
    /// `None` is all categories.
    pub category_id: Option<u32>,
    /// Places per region.
    pub depth: u32,
    /// In any order.
    pub regions: Vec<Region>,
}

impl Asked {
    /// A text that is the same for the same request: source, regions, category. The depth is none of it.
    pub fn key(&self) -> String {
        let mut codes: Vec<&str> = self.regions.iter().map(Region::code).collect();
        codes.sort_unstable();
        let category = self.category_id.map_or_else(|| "all".to_owned(), |id| id.to_string());
        format!("{}/{category}/{}", self.source, codes.join(","))
    }
}

/// A region of an earlier run of the same source and category, at least as deep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PastRegion {
    /// The run.
    pub run_id: String,
    /// Its start.
    pub fetched_at: Timestamp,
    /// Which region.
    pub region: Region,
    /// Whether YouTube answered whole, or said that it has no such chart.
    pub is_answered: bool,
}

/// The earliest start that can lie within the interval.
pub(super) fn since(now: Timestamp, interval: Duration) -> Timestamp {
    // The minute to which both starts are cut.
    let back = interval.saturating_add(Duration::from_secs(60));
    SignedDuration::try_from(back).ok().and_then(|back| now.checked_sub(back).ok()).unwrap_or(Timestamp::MIN)
}

/// The start of a run that began less than `interval` ago and answered everything that is asked;
/// both starts are cut to the minute, so that a cron job that starts some seconds sooner than the
/// last time is not sent away. A run of the future, which a wrong clock left, answers nothing.
pub(super) fn covered_by(past: &[PastRegion], asked: &Asked, now: Timestamp, interval: Duration) -> Option<Timestamp> {
    let mut answered: HashMap<(&str, Timestamp), HashSet<Region>> = HashMap::new();
    for row in past.iter().filter(|row| row.is_answered) {
        answered.entry((&row.run_id, row.fetched_at)).or_default().insert(row.region);
    }
    let minute = |time: Timestamp| time.as_second().div_euclid(60);
    let is_recent = |began: Timestamp| {
        let minutes = minute(now) - minute(began);
        u64::try_from(minutes).is_ok_and(|minutes| Duration::from_secs(minutes * 60) < interval)
    };
    answered
        .into_iter()
        .filter(|((_, began), regions)| {
            is_recent(*began) && asked.regions.iter().all(|region| regions.contains(region))
        })
        .map(|((_, began), _)| began)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(code: &str) -> Region {
        Region::new(code).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn past(run_id: &str, fetched_at: &str, code: &str, is_answered: bool) -> PastRegion {
        PastRegion { run_id: run_id.into(), fetched_at: at(fetched_at), region: region(code), is_answered }
    }

    fn asked(codes: &[&str]) -> Asked {
        let regions = codes.iter().map(|code| region(code)).collect();
        Asked { source: "youtube".into(), category_id: None, depth: 50, regions }
    }

    #[test]
    fn both_starts_are_cut_to_the_minute() {
        let rows = [past("1", "2026-11-22T00:00:59Z", "US", true)];
        let seven_hours = Duration::from_secs(7 * 3600);
        let is_covered = |now: &str| covered_by(&rows, &asked(&["US"]), at(now), seven_hours).is_some();
        assert!(is_covered("2026-11-22T00:00:00Z"));
        assert!(is_covered("2026-11-22T06:59:59Z"));
        assert!(!is_covered("2026-11-22T07:00:00Z"));
        // A clock that was wrong once does not silence the job for years.
        assert!(!is_covered("2026-11-21T23:59:59Z"));
    }

    #[test]
    fn one_run_must_cover_every_region() {
        let rows = [
            past("1", "2026-11-22T00:00:00Z", "US", true),
            past("1", "2026-11-22T00:00:00Z", "GB", false),
            past("2", "2026-11-22T00:10:00Z", "GB", true),
        ];
        let hour = Duration::from_secs(3600);
        let began = |codes: &[&str]| covered_by(&rows, &asked(codes), at("2026-11-22T00:30:00Z"), hour);
        assert_eq!(began(&["US"]), Some(at("2026-11-22T00:00:00Z")));
        assert_eq!(began(&["GB"]), Some(at("2026-11-22T00:10:00Z")));
        assert_eq!(began(&["US", "GB"]), None);
    }

    #[test]
    fn the_order_of_regions_makes_no_other_request() {
        assert_eq!(asked(&["US", "GB"]).key(), asked(&["GB", "US"]).key());
        assert_ne!(asked(&["US"]).key(), asked(&["US", "GB"]).key());
        assert_ne!(asked(&["US"]).key(), Asked { category_id: Some(10), ..asked(&["US"]) }.key());
        assert_eq!(asked(&["US"]).key(), Asked { depth: 200, ..asked(&["US"]) }.key());
    }
}
