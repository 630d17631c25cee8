//! The horizontal axis of a rank plot: where a time lies, and which times are marked. Pure.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

/// The width of a plot, in units of its SVG.
pub(super) const WIDTH: i64 = 1000;

/// The room left of the first run and right of the last one, for their dots.
const MARGIN: i64 = 12;

/// The most marks whose labels fit beside each other on a phone.
const MAX_TICKS: i64 = 6;

/// The distances between marks, in hours.
const STEPS: [i64; 8] = [1, 3, 6, 12, 24, 48, 96, 168];

/// From the first to the last run that a plot shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeAxis {
    first: Timestamp,
    last: Timestamp,
}

/// A marked time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tick {
    pub x: i64,
    /// `Nov 24`, or `14:00` where the marks are less than a day apart. In UTC.
    pub label: String,
}

impl TimeAxis {
    pub(super) fn new(first: Timestamp, last: Timestamp) -> TimeAxis {
        TimeAxis { first, last }
    }

    pub(super) fn x(self, time: Timestamp) -> i64 {
        let seconds = |duration: SignedDuration| duration.as_secs().max(0);
        let length = seconds(self.last.duration_since(self.first)).max(1);
        let offset = seconds(time.duration_since(self.first)).min(length);
        MARGIN + ((WIDTH - 2 * MARGIN) * offset + length / 2) / length
    }

    /// Marks at round times, or none if the plot covers less than an hour.
    pub(super) fn ticks(self) -> Vec<Tick> {
        let (first, last) = (self.first.as_second(), self.last.as_second());
        let fits = |step: &i64| last.div_euclid(step * 3600) - (first - 1).div_euclid(step * 3600) <= MAX_TICKS;
        let step = STEPS.into_iter().find(fits).unwrap_or(STEPS[STEPS.len() - 1]);
        let multiples = (first - 1).div_euclid(step * 3600) + 1..=last.div_euclid(step * 3600);
        let times = multiples.filter_map(|multiple| Timestamp::from_second(multiple * step * 3600).ok());
        times.map(|time| Tick { x: self.x(time), label: label(time, step) }).collect()
    }
}

fn label(time: Timestamp, step: i64) -> String {
    let is_midnight = time.as_second().rem_euclid(24 * 3600) == 0;
    time.strftime(if step >= 24 || is_midnight { "%b %-d" } else { "%H:%M" }).to_string()
}

impl Tick {
    /// In percent of the width.
    pub(super) fn percent(&self) -> impl fmt::Display {
        format!("{}.{}", self.x * 100 / WIDTH, self.x * 1000 / WIDTH % 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::at;

    fn labels(first: i64, last: i64) -> Vec<String> {
        TimeAxis::new(at(first), at(last)).ticks().into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn times_keep_their_distances() {
        let axis = TimeAxis::new(at(0), at(100));
        assert_eq!([0, 25, 50, 100].map(|hour| axis.x(at(hour))), [12, 256, 500, 988]);
        // Times outside are drawn at the edges.
        assert_eq!([-1, 101].map(|hour| axis.x(at(hour))), [12, 988]);
        assert_eq!(TimeAxis::new(at(0), at(0)).x(at(0)), 12);
    }

    #[test]
    fn a_week_has_dates_and_a_day_has_hours() {
        assert_eq!(labels(2, 2 + 7 * 24), ["Nov 3", "Nov 5", "Nov 7"]);
        assert_eq!(labels(0, 5 * 24), ["Nov 1", "Nov 2", "Nov 3", "Nov 4", "Nov 5", "Nov 6"]);
        assert_eq!(labels(14, 28), ["15:00", "18:00", "21:00", "Nov 2", "03:00"]);
        assert_eq!(labels(1, 3), ["01:00", "02:00", "03:00"]);
        assert_eq!(labels(0, 28 * 24), ["Nov 5", "Nov 12", "Nov 19", "Nov 26"]);
    }

    #[test]
    fn a_tick_lies_at_its_time() {
        let ticks = TimeAxis::new(at(0), at(100)).ticks();
        assert_eq!((ticks[1].x, ticks[1].percent().to_string(), &*ticks[1].label), (246, "24.6".to_owned(), "Nov 2"));
    }
}
