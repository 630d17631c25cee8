//! Whether a run is due by `--min-interval`. Pure.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::records::{Period, RegionAttempt};
use crate::model::Request;
use crate::model::region::Region;

/// The name of the lock of a request: equal for equal sources, categories and sets of regions, whatever the number of
/// entries.
pub fn lock_name(source: &str, request: &Request) -> String {
    let mut codes: Vec<&str> = request.regions.iter().map(Region::code).collect();
    codes.sort_unstable();
    let category = request.category_id.map_or_else(|| "all".to_owned(), |id| id.to_string());
    format!("{source}/{category}/{}", codes.join(","))
}

/// Starts are compared by the minute, so that a cron job is not skipped because it starts some seconds earlier than
/// the last time.
const MINUTE: Duration = Duration::from_secs(60);

/// The runs of these requests that can lie within the interval.
pub(super) fn period(source: &str, requests: &[Request], now: Timestamp, interval: Duration) -> Period {
    let back = SignedDuration::try_from(interval.saturating_add(MINUTE)).ok();
    Period {
        source: source.to_owned(),
        categories: requests.iter().map(|request| request.category_id).collect(),
        since: back.and_then(|back| now.checked_sub(back).ok()).unwrap_or(Timestamp::MIN),
        until: now.checked_add(MINUTE).unwrap_or(now),
    }
}

/// The start of the newest run of the same category that began less than `interval` ago and answered the whole request. A run that is dated
/// in the future, by a wrong clock, is ignored: otherwise it would keep every run from starting until that date.
pub(super) fn answered_at(
    attempts: &[RegionAttempt],
    request: &Request,
    now: Timestamp,
    interval: Duration,
) -> Option<Timestamp> {
    let mut answered: HashMap<(&str, Timestamp), HashSet<Region>> = HashMap::new();
    let is_answer = |attempt: &&RegionAttempt| {
        let is_deep_enough = attempt.max_results >= request.max_results;
        attempt.category_id == request.category_id && is_deep_enough && attempt.is_answered()
    };
    for attempt in attempts.iter().filter(is_answer) {
        answered.entry((&attempt.run_id, attempt.fetched_at)).or_default().insert(attempt.region);
    }
    let minute = |time: Timestamp| time.as_second().div_euclid(60);
    let is_recent = |started_at: Timestamp| {
        let minutes = minute(now) - minute(started_at);
        u64::try_from(minutes).is_ok_and(|minutes| Duration::from_secs(minutes * 60) < interval)
    };
    let is_complete = |regions: &HashSet<Region>| request.regions.iter().all(|region| regions.contains(region));
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
            category_id: None,
            fetched_at: at(fetched_at),
            max_results: 50,
            region: region(code),
            status,
            videos: 50,
            error: None,
            is_pruned: false,
        }
    }

    fn request(codes: &[&str]) -> Request {
        Request { regions: codes.iter().map(|code| region(code)).collect(), max_results: 50, category_id: None }
    }

    #[test]
    fn both_starts_are_cut_to_the_minute() {
        let attempts = [attempt("1", "2026-11-22T00:00:59Z", "US", Status::Ok)];
        let seven_hours = Duration::from_secs(7 * 3600);
        let is_answered = |now: &str| {
            let period = period("youtube", &[request(&["US"])], at(now), seven_hours);
            assert!((period.since..=period.until).contains(&attempts[0].fetched_at) || now.ends_with("T23:59:59Z"));
            answered_at(&attempts, &request(&["US"]), at(now), seven_hours).is_some()
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
        let answered = |request: &Request| answered_at(&attempts, request, at("2026-11-22T00:30:00Z"), hour);
        assert_eq!(answered(&request(&["US"])), Some(at("2026-11-22T00:00:00Z")));
        assert_eq!(answered(&request(&["GB"])), Some(at("2026-11-22T00:10:00Z")));
        assert_eq!(answered(&request(&["US", "GB"])), None);
        assert_eq!(
            answered(&Request { max_results: 51, ..request(&["US"]) }),
            None,
            "more entries than that run requested"
        );
        assert_eq!(answered(&Request { category_id: Some(10), ..request(&["US"]) }), None, "another category");
    }

    #[test]
    fn a_region_without_a_chart_is_answered_and_a_failed_one_is_not() {
        for (kind, expected) in [("region_unsupported", true), ("timeout", false)] {
            let failed = attempt("1", "2026-11-22T00:00:00Z", "US", Status::Failed);
            let attempts = [RegionAttempt { error: Some((kind.into(), String::new())), ..failed }];
            let answered =
                answered_at(&attempts, &request(&["US"]), at("2026-11-22T00:30:00Z"), Duration::from_secs(3600));
            assert_eq!(answered.is_some(), expected, "{kind}");
        }
    }

    #[test]
    fn the_name_of_a_lock_ignores_the_order_of_regions_and_the_number_of_entries() {
        let name = |request: Request| lock_name("youtube", &request);
        assert_eq!(name(request(&["US", "GB"])), name(request(&["GB", "US"])));
        assert_ne!(name(request(&["US"])), name(request(&["US", "GB"])));
        assert_ne!(name(request(&["US"])), name(Request { category_id: Some(10), ..request(&["US"]) }));
        assert_ne!(name(request(&["US"])), lock_name("demo", &request(&["US"])));
        assert_eq!(name(request(&["US"])), name(Request { max_results: 200, ..request(&["US"]) }));
    }
}
