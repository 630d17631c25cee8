//! The server's clock, by the `Date` of its answers.

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};

use crate::youtube::client::ResponseHead;

/// By how much this machine's clock was ahead of the server's at each answer that told.
#[derive(Default)]
pub(super) struct ServerClock(Mutex<Samples>);

#[derive(Default)]
struct Samples {
    of_pages: Vec<SignedDuration>,
    of_others: Vec<SignedDuration>,
}

impl ServerClock {
    /// Compares the clocks where an answer has a `Date`; it arrived at `now` by this machine's.
    pub(super) fn note(&self, head: &ResponseHead, now: Timestamp, is_page: bool) {
        let Some(theirs) = time_of(head) else { return };
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let list = if is_page { &mut samples.of_pages } else { &mut samples.of_others };
        list.push(now.duration_since(theirs));
    }

    /// The median of the answers that brought a page. Others may come from something in between, with a clock of its
    /// own, and count where there is no page.
    pub(super) fn ahead(&self) -> Option<SignedDuration> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Samples { of_pages, of_others } = &mut *samples;
        let list = if of_pages.is_empty() { of_others } else { of_pages };
        list.sort_unstable();
        list.get(list.len() / 2).copied()
    }
}

/// What the server's clock showed when the answer came. An answer out of a cache says how old it is (RFC 9111 §4.2.3).
fn time_of(head: &ResponseHead) -> Option<Timestamp> {
    let date = Timestamp::try_from(httpdate::parse_http_date(head.date.as_deref()?).ok()?).ok()?;
    let age = head.age.as_deref().map_or(Some(0), |age| age.trim().parse::<u32>().ok())?;
    date.checked_add(SignedDuration::from_secs(age.into())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers that arrive at noon: their `Date`, their `Age`, and whether they bring a page.
    fn ahead(answers: &[(&str, Option<&str>, bool)]) -> Option<i64> {
        let clock = ServerClock::default();
        for (time, age, is_page) in answers {
            let date = (!time.is_empty()).then(|| format!("Sun, 22 Nov 2026 {time} GMT"));
            let head = ResponseHead { date, age: age.map(str::to_owned), ..ResponseHead::default() };
            clock.note(&head, "2026-11-22T12:00:00Z".parse().unwrap(), *is_page);
        }
        clock.ahead().map(|ahead| ahead.as_secs())
    }

    #[test]
    fn the_median_of_the_pages_counts() {
        assert_eq!(ahead(&[]), None);
        assert_eq!(ahead(&[("", None, true), ("nonsense", None, true)]), None);
        assert_eq!(ahead(&[("11:00:00", None, true)]), Some(3600));
        assert_eq!(ahead(&[("13:00:00", None, true)]), Some(-3600));
        let three = [("11:59:59", None, true), ("02:00:00", None, true), ("11:59:58", None, true)];
        assert_eq!(ahead(&three), Some(2));
        // A proxy refuses by its own clock.
        assert_eq!(ahead(&[("12:00:00", None, false), ("02:00:00", None, true)]), Some(36_000));
        assert_eq!(ahead(&[("12:00:00", None, false)]), Some(0));
    }

    #[test]
    fn an_answer_out_of_a_cache_is_as_old_as_it_says() {
        assert_eq!(ahead(&[("10:00:00", Some("7200"), true)]), Some(0));
        assert_eq!(ahead(&[("10:00:00", Some(" 60 "), true)]), Some(7140));
        for wrong in ["", "-1", "soon", "99999999999"] {
            assert_eq!(ahead(&[("10:00:00", Some(wrong), true)]), None, "{wrong}");
        }
    }
}
