//! How a video moves through the charts: when it enters, at which rank, for how long it rises, when it is away, and how
//! its views grow. Everything is a function of the video's name and the hour.
//!
//! The figures follow captured charts of August 2020: eleven regions on three consecutive days. Those of the demo are of
//! the same regions on ten days.
//!
//! | from one day to the next | captured | demo |
//! | --- | --- | --- |
//! | new among the first 200 | 14 to 67 %, median 19 % | 15 to 31 %, median 23 % |
//! | new among the first 50 | 44 to 90 %, median 62 % | 38 to 76 %, median 62 % |
//! | median rank of the new videos | 16 to 90 | 18 to 42 |
//! | growth of the views, first 200, median | 1.05 to 1.31 | 1.11 to 1.16 |
//! | growth of the views, first 50, median | 1.14 to 1.82 | 1.24 to 1.43 |
//! | of 200 videos, how many rose | 0 to 3 | 0 to 9 |
//! | of the new videos, back after a day's absence | 2.5 % | 2.4 % |
//!
//! Most videos enter near the top and sink as newer ones enter above them. Some enter low and climb.

use crate::demo::hour::{HOUR, Hour, MINUTES};
use crate::demo::rng::Rng;

/// The time that one video has a slot of a pool. Its views and its ranks in all regions derive from this.
#[derive(Debug, Clone)]
pub(super) struct Career {
    /// Distinguishes the video from all others, and seeds its random numbers.
    pub name: String,
    /// When it was ready to enter the charts.
    pub entered: Hour,
    /// Seconds since 1970.
    pub published: i64,
    /// How many minutes of age the video starts with: a popular one starts with few, and enters near the top.
    handicap: i64,
    climb: Climb,
}

/// A video that enters low and climbs starts with so many minutes of age more, which it loses within so many hours.
#[derive(Debug, Clone, Copy)]
struct Climb {
    minutes: i64,
    hours: i64,
}

/// The shortest and the longest time that a video has a slot, in hours.
const STAY: (u64, u64) = (130, 170);
/// Of a thousand videos, how many climb.
const CLIMBERS: u64 = 220;
/// Of a thousand videos in the chart of a region, how many leave it for some hours and return.
const RETURNERS: u64 = 90;
/// The age at which a video has half of its views, in minutes.
const HALF_OF_VIEWS: u64 = 72 * MINUTES as u64;
/// The largest handicap, in minutes.
const MAX_HANDICAP: u64 = 25 * MINUTES as u64;

impl Career {
    /// The career of the video that has this slot of the pool at this hour.
    pub(super) fn of_slot(pool: &str, slot: usize, hour: Hour) -> Career {
        let slot = slot.to_string();
        let mut rng = Rng::seeded(&[pool, "slot", &slot]);
        let stay = rng.between(STAY.0, STAY.1) as i64;
        let phase = rng.between(0, stay.unsigned_abs()) as i64;
        let generation = (hour.0 + phase).div_euclid(stay);
        let name = format!("{pool} {slot} {generation}");
        let mut rng = Rng::seeded(&[&name, "career"]);
        let entered = Hour(generation * stay - phase);
        let climb = match rng.per_mille(CLIMBERS) {
            true => Climb { hours: rng.between(12, 36) as i64, minutes: rng.between(25, 110) as i64 * MINUTES },
            false => Climb { hours: 1, minutes: 0 },
        };
        Career {
            published: entered.start() - rng.between(4 * HOUR as u64, 26 * HOUR as u64) as i64,
            handicap: rng.between(0, MAX_HANDICAP) as i64,
            name,
            entered,
            climb,
        }
    }

    /// How unpopular the video is, from 0 to 119.
    pub(super) fn obscurity(&self) -> u64 {
        self.handicap.unsigned_abs() * 119 / MAX_HANDICAP
    }

    /// Where the video is in the chart of a region: the lower, the nearer to the top. `None` if it is not in it.
    pub(super) fn position(&self, region: &str, hour: Hour) -> Option<i64> {
        let mut rng = Rng::seeded(&[&self.name, region, "position"]);
        // It does not enter the charts of all regions at once.
        let age = hour.0 - self.entered.0 - rng.between(0, 5) as i64;
        let away_from = if rng.per_mille(RETURNERS) { rng.between(10, 70) as i64 } else { i64::MAX };
        let back_at = away_from.saturating_add(rng.between(6, 20) as i64);
        if age < 0 || (away_from..back_at).contains(&age) {
            return None;
        }
        let left_to_climb = self.climb.minutes * (self.climb.hours - age).max(0) / self.climb.hours;
        Some(age * MINUTES + self.handicap + left_to_climb + self.wobble(region, hour))
    }

    /// Up to an hour and a half more or less, which changes gradually.
    fn wobble(&self, region: &str, hour: Hour) -> i64 {
        const INTERVAL: i64 = 9;
        let (interval, elapsed) = (hour.0.div_euclid(INTERVAL), hour.0.rem_euclid(INTERVAL));
        let at = |interval: i64| {
            Rng::seeded(&[&self.name, region, "wobble", &interval.to_string()]).between(0, 180) as i64 - 90
        };
        (at(interval) * (INTERVAL - elapsed) + at(interval + 1) * elapsed) / INTERVAL
    }

    /// The views at this hour, as a region shows them: YouTube's caches are some minutes old, those of each region
    /// differently.
    pub(super) fn views(&self, in_the_end: u64, region: &str, hour: Hour) -> u64 {
        let lag = Rng::seeded(&[region, "cache"]).between(0, 10) * 60;
        let age = (hour.start() - self.published).unsigned_abs().saturating_sub(lag);
        views_at(in_the_end, age)
    }
}

/// The views of a video of this age in seconds: half of those that it gets in the end after three days.
pub(super) fn views_at(in_the_end: u64, age: u64) -> u64 {
    let minutes = age / 60;
    in_the_end * minutes / (minutes + HALF_OF_VIEWS)
}
