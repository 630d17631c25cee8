//! The clock of the demo: charts change every hour.

use jiff::Timestamp;

/// Seconds.
pub(super) const HOUR: i64 = 3600;
/// Of an hour.
pub(super) const MINUTES: i64 = 60;

/// Hours since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Hour(pub i64);

impl Hour {
    pub(super) fn of(time: Timestamp) -> Hour {
        Hour(time.as_second().div_euclid(HOUR))
    }

    /// In seconds since 1970.
    pub(super) fn start(self) -> i64 {
        self.0 * HOUR
    }
}
