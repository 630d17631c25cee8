//! Compares two clocks: this machine's, and the server's by the `Date` of its responses. A run deletes old data only if
//! both agree.

use jiff::{SignedDuration, Timestamp};

/// Clocks that are no further apart than this count as equal.
const TOLERANCE: SignedDuration = SignedDuration::from_hours(1);

/// How this machine's clock compares with the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clocks {
    /// No response had a `Date`, or the server uses this machine's clock, so nothing confirms that it is right.
    Unconfirmed,
    /// Both show the same time, within an hour.
    Agree,
    /// This machine's clock is ahead of the server's by this many whole seconds, or behind if that is negative.
    Apart(SignedDuration),
}

impl Clocks {
    /// Compares the clocks. `ahead` is how far this machine's clock is ahead of the server's, if that is known.
    #[must_use]
    pub fn compare(ahead: Option<SignedDuration>) -> Clocks {
        match ahead {
            None => Clocks::Unconfirmed,
            Some(ahead) if ahead.abs() <= TOLERANCE => Clocks::Agree,
            Some(ahead) => Clocks::Apart(SignedDuration::from_secs(ahead.as_secs())),
        }
    }

    /// Whether the clocks differ, so that one of them is wrong.
    #[must_use]
    pub fn are_apart(self) -> bool {
        matches!(self, Clocks::Apart(_))
    }

    /// Converts a time of this machine's clock to the server's if the clocks are apart, since the server's is taken to
    /// be right.
    #[must_use]
    pub fn correct(self, time: Timestamp) -> Timestamp {
        match self {
            Clocks::Apart(ahead) => time.checked_sub(ahead).unwrap_or(time),
            Clocks::Unconfirmed | Clocks::Agree => time,
        }
    }

    /// Any time after the returned one is in the future by both clocks. `None` if there is only one clock. `now` is the
    /// time of this machine's clock.
    #[must_use]
    pub fn latest(self, now: Timestamp) -> Option<Timestamp> {
        let both = (self != Clocks::Unconfirmed).then(|| now.max(self.correct(now)))?;
        both.checked_add(TOLERANCE).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_hour_is_the_most_that_clocks_may_be_apart() {
        let compare = |seconds: i64| Clocks::compare(Some(SignedDuration::from_secs(seconds)));
        assert_eq!([compare(3600), compare(-3600)], [Clocks::Agree; 2]);
        assert_eq!(compare(3601), Clocks::Apart(SignedDuration::from_secs(3601)));
        assert_eq!(compare(-3601), Clocks::Apart(SignedDuration::from_secs(-3601)));
        let more = Clocks::compare(Some(SignedDuration::from_millis(3_600_400)));
        assert_eq!(more, Clocks::Apart(SignedDuration::from_secs(3600)), "whole seconds, as the server has them");
        assert_eq!(Clocks::compare(None), Clocks::Unconfirmed);
    }

    #[test]
    fn the_server_is_right_where_they_are_apart() {
        let noon = at("2026-11-22T12:00:00Z");
        let (ahead, behind) = (SignedDuration::from_hours(48), SignedDuration::from_hours(-48));
        assert_eq!(Clocks::Apart(ahead).correct(noon), at("2026-11-20T12:00:00Z"));
        assert_eq!(Clocks::Apart(behind).correct(noon), at("2026-11-24T12:00:00Z"));
        assert_eq!([Clocks::Agree.correct(noon), Clocks::Unconfirmed.correct(noon)], [noon; 2]);
    }

    #[test]
    fn the_future_is_that_of_both_clocks() {
        let noon = at("2026-11-22T12:00:00Z");
        assert_eq!(Clocks::Unconfirmed.latest(noon), None);
        assert_eq!(Clocks::Agree.latest(noon), Some(at("2026-11-22T13:00:00Z")));
        assert_eq!(Clocks::Apart(SignedDuration::from_hours(48)).latest(noon), Some(at("2026-11-22T13:00:00Z")));
        assert_eq!(Clocks::Apart(SignedDuration::from_hours(-48)).latest(noon), Some(at("2026-11-24T13:00:00Z")));
    }
}
