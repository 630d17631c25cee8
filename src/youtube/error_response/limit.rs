//! Finds the limit that an error names: its window, and whether it is zero.
//!
//! Sources: `google.api.QuotaLimit` (`unit` is `1/min/{project}` or `1/d/{project}`); `google.api.ErrorReason`
//! (`quota_limit` is `ReadsPerMinutePerProject`); and recorded bodies, of which older ones name limits as
//! `USER-100s` and `CLIENT_PROJECT-1d`.

use std::time::Duration;

use serde_json::Value;

/// A rate limit or quota of Google's quota service.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Limit {
    pub(super) window: Option<LimitWindow>,
    /// Whether it allows no requests at all.
    pub(super) is_zero: bool,
}

/// The time after which a limit allows requests again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LimitWindow {
    /// The quota of the day, which returns at midnight Pacific time.
    Day,
    /// A sliding window.
    Shorter(Duration),
}

impl Limit {
    /// Reads `error.details[]`, or else the message. The details are exact, whereas a text may mention another limit
    /// too.
    pub(super) fn parse(details: &[Value], message: &str) -> Limit {
        let metadata =
            |name: &str| details.iter().map(|detail| &detail["metadata"][name]).find(|value| !value.is_null());
        let text = |name: &str| metadata(name).and_then(Value::as_str);
        let is_zero = metadata("quota_limit_value").is_some_and(|value| *value == 0 || *value == "0");
        let window = text("quota_unit")
            .and_then(window_of_unit)
            .or_else(|| text("quota_limit").and_then(window_of_name))
            .or_else(|| quoted_limit(message).and_then(window_of_name))
            .or_else(|| window_of_text(message));
        Limit { window, is_zero }
    }
}

/// `1/min/{project}/{user}`
fn window_of_unit(unit: &str) -> Option<LimitWindow> {
    unit.split('/').find_map(|part| window_of_words(&words(part), true))
}

/// `QueriesPerMinutePerProject`, `defaultPerDayPerProject`, `USER-100s`
fn window_of_name(name: &str) -> Option<LimitWindow> {
    let words = words(name);
    window_of_words(&words, false).or_else(|| window_of_words(&words, true))
}

/// `… per minute …`, `… per 100 seconds per user …`, `Daily Limit Exceeded`
fn window_of_text(text: &str) -> Option<LimitWindow> {
    let words = words(text);
    let is_daily = words.windows(2).any(|pair| pair[0] == "daily" && matches!(pair[1].as_str(), "limit" | "quota"));
    window_of_words(&words, false).or(is_daily.then_some(LimitWindow::Day))
}

/// `Quota exceeded for quota metric 'Queries' and limit 'Queries per minute' of service …`
fn quoted_limit(message: &str) -> Option<&str> {
    message.split_once("limit '")?.1.split_once('\'').map(|(limit, _)| limit)
}

/// Splits a text into lower-case words and numbers: `Per100Seconds` into three, `perMinute` into two.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for character in text.chars() {
        let continues_word = previous.is_ascii_digit() == character.is_ascii_digit()
            && previous.is_ascii_alphanumeric()
            && !(character.is_ascii_uppercase() && previous.is_ascii_lowercase());
        if character.is_ascii_alphanumeric() {
            match words.last_mut() {
                Some(word) if continues_word => word.push(character.to_ascii_lowercase()),
                _ => words.push(character.to_ascii_lowercase().to_string()),
            }
        }
        previous = character;
    }
    words
}

/// The first window among these words: a unit, or a number and a unit, after `per`, or anywhere if `without_per`.
fn window_of_words(words: &[String], without_per: bool) -> Option<LimitWindow> {
    words.iter().enumerate().find_map(|(index, word)| {
        let after = match word.as_str() {
            "per" => &words[index + 1..],
            _ if without_per => &words[index..],
            _ => return None,
        };
        let (number, unit) = match after {
            [number, unit, ..] if number.parse::<u32>().is_ok() => (number.parse().ok()?, unit),
            [unit, ..] => (1, unit),
            [] => return None,
        };
        let seconds = match unit.as_str() {
            "s" | "sec" | "second" | "seconds" => 1,
            "min" | "minute" | "minutes" => 60,
            "h" | "hour" | "hours" => 3600,
            "d" | "day" | "days" => return Some(LimitWindow::Day),
            _ => return None,
        };
        Some(LimitWindow::Shorter(Duration::from_secs(seconds) * number))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seconds(seconds: u64) -> Option<LimitWindow> {
        Some(LimitWindow::Shorter(Duration::from_secs(seconds)))
    }

    #[test]
    fn a_window_is_found_in_a_unit_a_name_or_a_text() {
        for (unit, window) in [
            ("1/min/{project}", seconds(60)),
            ("1/min/{project}/{user}", seconds(60)),
            ("1/100s/{project}/{user}", seconds(100)),
            ("1/s/{project}", seconds(1)),
            ("1/h/{project}", seconds(3600)),
            ("1/d/{project}", Some(LimitWindow::Day)),
            ("1/{project}", None),
            ("", None),
        ] {
            assert_eq!(window_of_unit(unit), window, "{unit}");
        }
        for (name, window) in [
            ("defaultPerMinutePerProject", seconds(60)),
            ("QueriesPerMinutePerProject", seconds(60)),
            ("ReadsPerMinutePerProjectPerUser", seconds(60)),
            ("DefaultRequestsPer100SecondsPerUser", seconds(100)),
            ("USER-100s", seconds(100)),
            ("USER_1min", seconds(60)),
            ("CLIENT_PROJECT-1d", Some(LimitWindow::Day)),
            ("defaultPerDayPerProject", Some(LimitWindow::Day)),
            ("VMsPerProject", None),
            ("DailyAndOther", None),
        ] {
            assert_eq!(window_of_name(name), window, "{name}");
        }
        for (text, window) in [
            ("Queries per minute of service", seconds(60)),
            ("Queries per 100 seconds per user exceeded.", seconds(100)),
            ("Too many requests per-second", seconds(1)),
            ("Video Uploads per day", Some(LimitWindow::Day)),
            ("Daily Limit Exceeded. The quota will be reset at midnight", Some(LimitWindow::Day)),
            ("Try again in 30 s", None),
            ("a person per table, perhaps daily", None),
            ("", None),
        ] {
            assert_eq!(window_of_text(text), window, "{text}");
        }
    }

    #[test]
    fn the_unit_takes_precedence_over_the_name_and_both_over_the_text() {
        let window = |metadata: Value, message: &str| {
            Limit::parse(&[json!({}), json!({ "metadata": metadata })], message).window
        };
        let both = json!({"quota_unit": "1/min/{project}", "quota_limit": "defaultPerDayPerProject"});
        assert_eq!(window(both, "Queries per day"), seconds(60));
        assert_eq!(window(json!({"quota_limit": "defaultPerDayPerProject"}), "per minute"), Some(LimitWindow::Day));
        assert_eq!(window(json!({}), "10,000 per day; limit 'Queries per minute' of service"), seconds(60));
        assert_eq!(window(json!({"quota_unit": 5, "quota_limit": null}), "per minute"), seconds(60));
    }

    #[test]
    fn a_limit_of_zero_is_found_as_a_string_or_a_number() {
        let is_zero = |value: Value| Limit::parse(&[json!({"metadata": {"quota_limit_value": value}})], "").is_zero;
        assert!(is_zero(json!("0")) && is_zero(json!(0)));
        assert!(!is_zero(json!("10000")) && !is_zero(json!(null)) && !is_zero(json!("")));
    }
}
