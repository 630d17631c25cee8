//! Whether a run is due by `--min-interval`. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::records::{ChartSeries, Period, RegionAttempt};
use crate::model::region::Region;

/// What a run requests, as far as another run can have answered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// As in the document.
    pub source: String,
    /// `None` is all categories.
    pub category_id: Option<u32>,
    /// Entries per region.
    pub depth: u32,
    /// In any order.
    pub regions: Vec<Region>,
}

impl Asked {
    /// A text that is equal for equal requests: source, category and regions. The number of entries is not part of it.
    pub fn key(&self) -> String {
        let mut codes: Vec<&str> = self.regions.iter().map(Region::code).collect();
        codes.sort_unstable();
        let category = self.category_id.map_or_else(|| "all".to_owned(), |id| id.to_string());
        format!("{}/{category}/{}", self.source, codes.join(","))
    }
}

/// Starts are compared by the minute, so that a cron job is not skipped because it starts some seconds earlier than
/// the last time.
const MINUTE: Duration = Duration::from_secs(60);

/// The runs that can lie within the interval.
pub(super) fn period(asked: &Asked, now: Timestamp, interval: Duration) -> Period {
    let series = ChartSeries { source: asked.source.clone(), category_id: asked.category_id };
    let back = SignedDuration::try_from(interval.saturating_add(MINUTE)).ok();
    Period {
        series,
        since: back.and_then(|back| now.checked_sub(back).ok()).unwrap_or(Timestamp::MIN),
        until: now.checked_add(MINUTE).unwrap_or(now),
    }
}

/// The start of the newest run that began less than `interval` ago and answered the whole request. A run that is dated
/// in the future, by a wrong clock, is ignored: otherwise it would keep every run from starting until that date.
pub(super) fn answered_at(
    attempts: &[RegionAttempt],
    asked: &Asked,
    now: Timestamp,
    interval: Duration,
) -> Option<Timestamp> {
    let mut answered: HashMap<(&str, Timestamp), HashSet<Region>> = HashMap::new();
    for attempt in attempts.iter().filter(|attempt| attempt.max_results >= asked.depth && attempt.is_answered()) {
        answered.entry((&attempt.run_id, attempt.fetched_at)).or_default().insert(attempt.region);
    }
    let minute = |time: Timestamp| time.as_second().div_euclid(60);
    let is_recent = |started_at: Timestamp| {
        let minutes = minute(now) - minute(started_at);
        u64::try_from(minutes).is_ok_and(|minutes| Duration::from_secs(minutes * 60) < interval)
    };
    let is_complete = |regions: &HashSet<Region>| asked.regions.iter().all(|region| regions.contains(region));
    answered
        .into_iter()
        .filter(|((_, started_at), regions)| is_recent(*started_at) && is_complete(regions))
        .map(|((_, started_at), _)| started_at)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Status;

    fn region(code: &str) -> Region {
        Region::new(code).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn attempt(run_id: &str, fetched_at: &str, code: &str, status: Status) -> RegionAttempt {
        RegionAttempt {
            run_id: run_id.into(),
            number: 0,
            fetched_at: at(fetched_at),
            max_results: 50,
            region: region(code),
            status,
            videos: 50,
            error: None,
            is_pruned: false,
        }
    }

    fn asked(codes: &[&str]) -> Asked {
        let regions = codes.iter().map(|code| region(code)).collect();
        Asked { source: "youtube".into(), category_id: None, depth: 50, regions }
    }

    #[test]
    fn both_starts_are_cut_to_the_minute() {
        let attempts = [attempt("1", "2026-11-22T00:00:59Z", "US", Status::Ok)];
        let seven_hours = Duration::from_secs(7 * 3600);
        let is_answered = |now: &str| {
            let period = period(&asked(&["US"]), at(now), seven_hours);
            assert!((period.since..=period.until).contains(&attempts[0].fetched_at) || now.ends_with("T23:59:59Z"));
            answered_at(&attempts, &asked(&["US"]), at(now), seven_hours).is_some()
        };
        assert!(is_answered("2026-11-22T00:00:00Z"));
        assert!(is_answered("2026-11-22T06:59:59Z"));
        assert!(!is_answered("2026-11-22T07:00:00Z"));
        // A clock that was wrong once does not stop the job for years.
        assert!(!is_answered("2026-11-21T23:59:59Z"));
    }

    #[test]
    fn one_run_must_answer_every_region() {
        let attempts = [
            attempt("1", "2026-11-22T00:00:00Z", "US", Status::Ok),
            attempt("1", "2026-11-22T00:00:00Z", "GB", Status::Partial),
            attempt("2", "2026-11-22T00:10:00Z", "GB", Status::Ok),
        ];
        let hour = Duration::from_secs(3600);
        let answered = |asked: &Asked| answered_at(&attempts, asked, at("2026-11-22T00:30:00Z"), hour);
        assert_eq!(answered(&asked(&["US"])), Some(at("2026-11-22T00:00:00Z")));
        assert_eq!(answered(&asked(&["GB"])), Some(at("2026-11-22T00:10:00Z")));
        assert_eq!(answered(&asked(&["US", "GB"])), None);
        assert_eq!(answered(&Asked { depth: 51, ..asked(&["US"]) }), None, "more entries than that run requested");
    }

    #[test]
    fn a_region_without_a_chart_is_answered_and_a_failed_one_is_not() {
        for (kind, expected) in [("region_unsupported", true), ("timeout", false)] {
            let failed = attempt("1", "2026-11-22T00:00:00Z", "US", Status::Failed);
            let attempts = [RegionAttempt { error: Some((kind.into(), String::new())), ..failed }];
            let answered =
                answered_at(&attempts, &asked(&["US"]), at("2026-11-22T00:30:00Z"), Duration::from_secs(3600));
            assert_eq!(answered.is_some(), expected, "{kind}");
        }
    }

    #[test]
    fn the_key_ignores_the_order_of_regions() {
        assert_eq!(asked(&["US", "GB"]).key(), asked(&["GB", "US"]).key());
        assert_ne!(asked(&["US"]).key(), asked(&["US", "GB"]).key());
        assert_ne!(asked(&["US"]).key(), Asked { category_id: Some(10), ..asked(&["US"]) }.key());
        assert_eq!(asked(&["US"]).key(), Asked { depth: 200, ..asked(&["US"]) }.key());
    }
}
