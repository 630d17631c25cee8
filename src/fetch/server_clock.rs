//! Compares this machine's clock with the server's, by the `Date` of its responses.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::youtube::client::ResponseHead;

/// How far this machine's clock was ahead of the server's at each response with a `Date`.
#[derive(Default)]
pub(super) struct ServerClock(Mutex<Samples>);

#[derive(Default)]
struct Samples {
    pages: Vec<SignedDuration>,
    errors: Vec<SignedDuration>,
}

impl ServerClock {
    /// Compares the clocks if the response has a `Date`. It arrived at `arrived_at` by this machine's clock.
    pub(super) fn note(&self, head: &ResponseHead, arrived_at: Timestamp, is_page: bool) {
        let Some(server_time) = server_time(head) else { return };
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if is_page { &mut samples.pages } else { &mut samples.errors };
        list.push(arrived_at.duration_since(server_time));
    }

    /// The median over the pages. An error response may come from a proxy with a clock of its own, so these count only
    /// if there is no page.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Samples { pages, errors } = &mut *samples;
        let list = if pages.is_empty() { errors } else { pages };
        list.sort_unstable();
        list.get(list.len() / 2).copied()
    }
}

/// The server's time when the response arrived. A response from a cache has an `Age` (RFC 9111 §4.2.3).
fn server_time(head: &ResponseHead) -> Option<Timestamp> {
    let date = Timestamp::try_from(httpdate::parse_http_date(head.date.as_deref()?).ok()?).ok()?;
    let age = head.age.as_deref().map_or(Some(0), |age| age.trim().parse::<u32>().ok())?;
    date.checked_add(SignedDuration::from_secs(age.into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For responses that arrive at noon: their `Date`, their `Age`, and whether they are pages.
    fn ahead(responses: &[(&str, Option<&str>, bool)]) -> Option<i64> {
        let clock = ServerClock::default();
        for (time, age, is_page) in responses {
            let date = (!time.is_empty()).then(|| format!("Sun, 22 Nov 2026 {time} GMT"));
            let head = ResponseHead { date, age: age.map(str::to_owned), ..ResponseHead::default() };
            clock.note(&head, "2026-11-22T12:00:00Z".parse().unwrap(), *is_page);
        }
        clock.ahead().map(|ahead| ahead.as_secs())
    }

    #[test]
    fn the_median_over_the_pages_counts() {
        assert_eq!(ahead(&[]), None);
        assert_eq!(ahead(&[("", None, true), ("nonsense", None, true)]), None);
        assert_eq!(ahead(&[("11:00:00", None, true)]), Some(3600));
        assert_eq!(ahead(&[("13:00:00", None, true)]), Some(-3600));
        let three = [("11:59:59", None, true), ("02:00:00", None, true), ("11:59:58", None, true)];
        assert_eq!(ahead(&three), Some(2));
        // An error response of a proxy has the proxy's clock.
        assert_eq!(ahead(&[("12:00:00", None, false), ("02:00:00", None, true)]), Some(36_000));
        assert_eq!(ahead(&[("12:00:00", None, false)]), Some(0));
    }

    #[test]
    fn the_age_of_a_cached_response_is_added() {
        assert_eq!(ahead(&[("10:00:00", Some("7200"), true)]), Some(0));
        assert_eq!(ahead(&[("10:00:00", Some(" 60 "), true)]), Some(7140));
        for wrong in ["", "-1", "soon", "99999999999"] {
            assert_eq!(ahead(&[("10:00:00", Some(wrong), true)]), None, "{wrong}");
        }
    }
}
