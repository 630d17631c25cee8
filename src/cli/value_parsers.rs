//! Parses the values of options. Each error says what to write instead.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, Unit};
use uuid::Uuid;

use super::run_args::Categories;
use crate::model::category::{Category, ChartCategory};
use crate::support::sanitize::shell_quote;

/// Parses `500ms`, `10s`, `5m`, `7h`, `30d`. A day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let error = || "give a positive number and a unit, at most 3650d: 500ms, 10s, 5m, 7h or 30d".to_owned();
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text.ends_with(|last: char| last.is_ascii_alphabetic());
    let span: Span = is_plain.then(|| text.parse().ok()).flatten().ok_or_else(error)?;
    let nanoseconds = span.total((Unit::Nanosecond, SpanRelativeTo::days_are_24_hours())).map_err(|_| error())?;
    // jiff's spans reach 20,000 years; the limit keeps every sum of times in range.
    let duration = Duration::try_from_secs_f64(nanoseconds / 1e9).map_err(|_| error())?;
    if duration.is_zero() || duration > Duration::from_secs(3650 * 86_400) { Err(error()) } else { Ok(duration) }
}

/// A point in time, or a duration back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    At(Timestamp),
    Ago(Duration),
}

impl Moment {
    /// The point in time, also in the future.
    pub fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(time) => time,
            Moment::Ago(ago) => {
                SignedDuration::try_from(ago).ok().and_then(|ago| now.checked_sub(ago).ok()).unwrap_or(Timestamp::MIN)
            }
        }
    }

    /// The point in time, which must not be after `now`.
    ///
    /// # Errors
    /// If it is.
    pub fn resolve(self, now: Timestamp) -> Result<Timestamp, String> {
        let time = self.time(now);
        if time > now { Err(format!("{time} is in the future; give an earlier time")) } else { Ok(time) }
    }
}

/// Parses RFC 3339, a date, a date with a time (both in UTC), or a duration.
pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let civil = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    let time = text.parse().ok().or_else(|| Some(civil()?.timestamp()));
    time.map(Moment::At).or_else(|| duration(text).ok().map(Moment::Ago)).ok_or_else(|| {
        "give a time (2026-11-22T14:05:00Z), a date in UTC (2026-11-22), or a duration back from now (12h, 7d)"
            .to_owned()
    })
}

/// Parses the id of a run.
pub(super) fn run_id(text: &str) -> Result<Uuid, String> {
    let remedy = "give the run_id of a document or of a chart entry, such as 019ac3f2-5b70-7c11-9d3e-0a1b2c3d4e5f";
    Uuid::parse_str(text.trim()).map_err(|_| remedy.to_owned())
}

fn number(text: &str, from: u32, to: u32, remedy: &str) -> Result<u32, String> {
    text.parse().ok().filter(|number| (from..=to).contains(number)).ok_or_else(|| remedy.to_owned())
}

pub(super) fn max_results(text: &str) -> Result<u32, String> {
    number(text, 1, 200, "give a whole number from 1 to 200; YouTube's charts have no more entries")
}

pub(super) fn demo_days(text: &str) -> Result<u32, String> {
    number(text, 1, 29, "give a whole number from 1 to 29; a history keeps 29 days by default")
}

pub(super) fn concurrency(text: &str) -> Result<usize, String> {
    number(text, 0, 1000, "give a whole number from 1 to 1000, or 0 for no limit").map(|number| number as usize)
}

pub(super) fn retries(text: &str) -> Result<u32, String> {
    number(text, 0, 100, "give a whole number from 0 to 100")
}

pub(super) fn max_units(text: &str) -> Result<u32, String> {
    number(text, 1, u32::MAX, "give a whole number of 1 or more; each attempt costs one unit")
}

pub(super) fn top(text: &str) -> Result<u32, String> {
    number(text, 1, u32::MAX, "give a whole number of 1 or more; 1 is the first place")
}

pub(super) fn chart_category(text: &str) -> Result<ChartCategory, String> {
    ChartCategory::find(text).ok_or_else(|| match Category::nearest(text) {
        _ if text.contains(',') || text.eq_ignore_ascii_case(EVERY) => {
            "give one category, or all for the chart of all categories".to_owned()
        }
        Some(name) => format!("did you mean {}?", shell_quote(&name)),
        None => format!("give a number, or one of: all, {}", category_names().join(", ")),
    })
}

/// The list that is meant, if the item is one with other separators.
fn with_commas(item: &str) -> Option<String> {
    let is_separator = |character: char| matches!(character, ';' | '|' | '+' | ':' | '，' | '、' | '،');
    let is_category = |part: &&str| part.eq_ignore_ascii_case(EVERY) || ChartCategory::find(part).is_some();
    let lists = [item.split(is_separator).collect::<Vec<_>>(), item.split_whitespace().collect()];
    let trimmed = lists.into_iter().map(|list| list.into_iter().map(str::trim).collect::<Vec<_>>());
    trimmed.filter(|list| list.len() > 1).find(|list| list.iter().all(&is_category)).map(|list| list.join(","))
}

/// The categories that new videos can have.
pub(super) fn category_names() -> Vec<&'static str> {
    Category::assignable().filter_map(Category::name).collect()
}

/// Stands for all of them, each with a chart of its own.
pub(super) const EVERY: &str = "every";

/// Parses one item of the list of `--category`.
pub(super) fn categories(text: &str) -> Result<Categories, String> {
    let text = text.trim();
    // What follows the last comma of a list.
    if text.is_empty() {
        return Ok(Categories(Vec::new()));
    }
    if text.eq_ignore_ascii_case(EVERY) {
        return Ok(Categories(Category::assignable().map(ChartCategory::One).collect()));
    }
    let category = ChartCategory::find(text).ok_or_else(|| match Category::nearest(text) {
        _ if let Some(list) = with_commas(text) => {
            format!("separate categories with commas: {}", shell_quote(&list))
        }
        Some(name) => format!("did you mean {}?", shell_quote(&name)),
        None => {
            format!("give numbers or names, separated by commas: all, {EVERY}, {}", category_names().join(", "))
        }
    })?;
    Ok(Categories(vec![category]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("1.5s", 1500),
            ("5m", 300_000),
            ("7h", 25_200_000),
            ("30d", 2_592_000_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in
            ["", "10", "s", "-5s", "0s", "5 parsecs", "1mo", "1y", "PT5S", "5s ago", "99999999999d", "1e3s", "٣s"]
        {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_a_time_a_date_or_a_duration_back_from_now() {
        let now: Timestamp = "2026-11-22T14:05:00Z".parse().unwrap();
        for (text, expected) in [
            ("2026-11-20T14:05:00Z", "2026-11-20T14:05:00Z"),
            ("2026-11-20T14:05:00+02:00", "2026-11-20T12:05:00Z"),
            ("2026-11-20 14:05", "2026-11-20T14:05:00Z"),
            ("2026-11-20", "2026-11-20T00:00:00Z"),
            ("12h", "2026-11-22T02:05:00Z"),
            ("7d", "2026-11-15T14:05:00Z"),
        ] {
            assert_eq!(moment(text).unwrap().resolve(now).unwrap().to_string(), expected, "{text}");
        }
        for text in ["", "yesterday", "20-11-2026", "14:05", "7", "-7d", "0h", "2026-13-01"] {
            assert!(moment(text).is_err(), "{text}");
        }
        assert!(moment("2026-11-23").unwrap().resolve(now).is_err());
    }
}
