//! Formatting of numbers and durations for people.

use std::time::Duration;

/// `12,345,678`
pub fn group_digits(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 video`, `12,345 videos`
pub fn count(number: usize, one: &str, many: &str) -> String {
    let what = if number == 1 { one } else { many };
    format!("{} {what}", group_digits(number as u64))
}

/// `0.41 s`
pub fn format_millis(milliseconds: u64) -> String {
    format!("{}.{:02} s", milliseconds / 1000, milliseconds % 1000 / 10)
}

/// `3d 4h`, `7h 0m`, `5m`
pub fn format_span(seconds: i64) -> String {
    let minutes = seconds.max(0) / 60;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// `3 s` up to two hours, `1d 0h` above, and `forever` for a time that no calendar holds. Rounded up to a second.
pub fn format_wait(wait: Duration) -> String {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    match i64::try_from(seconds) {
        Ok(seconds @ ..=7200) => format!("{seconds} s"),
        Ok(seconds) if seconds < 1 << 40 => format_span(seconds),
        _ => "forever".to_owned(),
    }
}

/// `29d`, `7h`, `90s`: the form that options accept.
pub fn format_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let whole = |unit: u64| seconds > 0 && seconds.is_multiple_of(unit) && duration.subsec_nanos() == 0;
    match seconds {
        _ if whole(86_400) => format!("{}d", seconds / 86_400),
        _ if whole(3600) => format!("{}h", seconds / 3600),
        _ if whole(60) => format!("{}m", seconds / 60),
        _ if whole(1) => format!("{seconds}s"),
        _ => format!("{}ms", duration.as_millis().max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_thousands_separators() {
        assert_eq!(group_digits(0), "0");
        assert_eq!(group_digits(1_234_567), "1,234,567");
        assert_eq!(format_millis(1_239), "1.23 s");
    }

    #[test]
    fn durations_use_the_largest_whole_unit() {
        let shown =
            [2_505_600_000, 25_200_000, 5_400_000, 90_000, 1500].map(|ms| format_duration(Duration::from_millis(ms)));
        assert_eq!(shown, ["29d", "7h", "90m", "90s", "1500ms"]);
    }

    #[test]
    fn waits_are_rounded_up() {
        let shown = |seconds: f64| format_wait(Duration::from_secs_f64(seconds));
        assert_eq!([shown(0.2), shown(120.0), shown(86_400.0)], ["1 s", "120 s", "1d 0h"]);
        assert_eq!([format_wait(Duration::MAX), format_wait(Duration::from_secs(u64::MAX))], ["forever", "forever"]);
    }

    #[test]
    fn spans_show_two_units() {
        for (seconds, shown) in [(0, "0m"), (300, "5m"), (25_200, "7h 0m"), (273_600, "3d 4h"), (-5, "0m")] {
            assert_eq!(format_span(seconds), shown);
        }
    }
}
