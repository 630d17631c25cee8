//! Formats values for the templates.

use jiff::Timestamp;

use crate::history::HistoryEntry;
use crate::history::changes::Move;
use crate::model::error::ErrorKind;
use crate::support::human::group_digits;
use crate::support::sanitize::is_invisible;

/// The longest title or channel name that is shown in full. YouTube limits titles to 100 characters.
const MAX_CHARS: usize = 150;

/// `2026-11-22 14:05`, in UTC, as an element that the script adds the local time to. Templates do not escape it.
pub(super) fn time(time: &Timestamp) -> String {
    format!("<time datetime=\"{}\">{}</time>", time.strftime("%Y-%m-%dT%H:%MZ"), date_time(time))
}

/// `2026-11-22 14:05`, in UTC.
pub(super) fn date_time(time: &Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M").to_string()
}

/// `11-22 14:05`, in UTC.
pub(super) fn short_date_time(time: &Timestamp) -> String {
    time.strftime("%m-%d %H:%M").to_string()
}

/// Describes an error kind as stored in a history. A kind that only a later version knows is returned as it is.
pub(super) fn describe_error_kind(kind: &str) -> &str {
    ErrorKind::from_name(kind).map_or(kind, |kind| kind.description())
}

/// `+1,234`, `0`, or `−5` with a minus sign (U+2212) that is as wide as the plus sign.
pub(super) fn signed(number: i64) -> String {
    let sign = match number {
        1.. => "+",
        0 => "",
        ..0 => "\u{2212}",
    };
    format!("{sign}{}", group_digits(number.unsigned_abs()))
}

pub(super) fn percent(percent: &f64) -> String {
    format!("{percent:.0}")
}

/// `2nd`, `3rd`, `4th`
pub(super) fn ordinal(number: &usize) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{suffix}")
}

pub(super) fn title(title: &str) -> String {
    shorten(title, "(no title)")
}

pub(super) fn channel(channel: &str) -> String {
    shorten(channel, "")
}

/// Replaces control characters, which are invalid in HTML, and cuts text that is far too long. Text without a
/// visible character becomes `placeholder`.
fn shorten(text: &str, placeholder: &str) -> String {
    if text.chars().all(|c| is_invisible(c) || c.is_whitespace()) {
        return placeholder.to_owned();
    }
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS + 1).collect();
    match shown.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &shown[..end]),
        None => shown,
    }
}

/// The `lang` attribute, for fonts and screen readers. Templates do not escape it, so only letters are let through.
pub(super) fn lang_attribute(entry: &HistoryEntry) -> String {
    let is_plain = |language: &&str| !language.is_empty() && language.bytes().all(|byte| byte.is_ascii_lowercase());
    entry.language.as_deref().filter(is_plain).map_or_else(String::new, |language| format!(" lang={language}"))
}

/// `3` for a video that entered, `was 3` for one that left, `5 → 3` for one that moved.
pub(super) fn ranks(moved: &Move) -> String {
    match (moved.previous_rank, moved.rank) {
        (None, Some(rank)) => rank.to_string(),
        (Some(previous), None) => format!("was {previous}"),
        (Some(previous), Some(rank)) => format!("{previous} → {rank}"),
        (None, None) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixtures::{at, entry};

    #[test]
    fn ordinals_have_the_right_suffix() {
        let ordinals = [1, 2, 3, 4, 10, 11, 12, 13, 14, 21, 22, 23, 100, 101, 111, 112, 113, 121].map(|n| ordinal(&n));
        let expected = "1st 2nd 3rd 4th 10th 11th 12th 13th 14th 21st 22nd 23rd 100th 101st 111th 112th 113th 121st";
        assert_eq!(ordinals.join(" "), expected);
    }

    #[test]
    fn text_loses_control_characters_and_is_cut_after_150_characters() {
        assert_eq!(shorten("Zażółć <b> 🎵", "-"), "Zażółć <b> 🎵");
        assert_eq!(shorten("a\u{0}b\u{1b}[2Jc\nd\u{9b}", "-"), "a b [2Jc d ");
        assert_eq!(shorten(&"ż".repeat(150), "-"), "ż".repeat(150));
        assert_eq!(shorten(&"ż".repeat(151), "-"), "ż".repeat(150) + "…");
    }

    #[test]
    fn an_invisible_title_has_a_placeholder_and_an_invisible_channel_none() {
        for empty in ["", "  ", "\n\u{0}"] {
            assert_eq!((&*title(empty), &*channel(empty)), ("(no title)", ""), "{empty:?}");
        }
        assert_eq!((&*title(" a "), &*channel(" a ")), (" a ", " a "));
    }

    #[test]
    fn a_long_or_hidden_blank_title_has_a_placeholder_too() {
        assert_eq!(title(&" ".repeat(151)), "(no title)");
        assert_eq!(title("\u{200b}\u{2063}\u{202e}"), "(no title)");
    }

    #[test]
    fn only_lowercase_letters_become_a_lang_attribute() {
        let attribute = |language: Option<&str>| {
            lang_attribute(&HistoryEntry { language: language.map(str::to_owned), ..entry(1, "a") })
        };
        assert_eq!((&*attribute(Some("pl")), &*attribute(Some("fil"))), (" lang=pl", " lang=fil"));
        for other in ["", "PL", "zh-Hans", "p l", "\"><b", "ż", "e1"] {
            assert_eq!(attribute(Some(other)), "", "{other}");
        }
        assert_eq!(attribute(None), "");
    }

    #[test]
    fn a_move_shows_the_ranks_that_it_has() {
        let shown = |previous_rank, rank| {
            ranks(&Move {
                video_id: String::new(),
                title: String::new(),
                channel: String::new(),
                rank,
                previous_rank,
                first_seen_at: at(0),
                views: None,
            })
        };
        let texts = [shown(None, Some(3)), shown(Some(3), None), shown(Some(5), Some(3)), shown(None, None)];
        assert_eq!(texts, ["3", "was 3", "5 → 3", ""]);
    }
}
