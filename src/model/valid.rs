//! Which values are accepted, from a page and from a saved document. Others count as missing.

use jiff::Timestamp;

/// Whether the text can be the id of a video or a channel.
///
/// Ids have 11 and 24 characters today, but that is not documented. Their alphabet is checked, since it makes an id safe
/// in a URL, a column or a list.
pub fn is_id(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The longest address of a thumbnail, in bytes.
pub const MAX_URL: usize = 1_000;

/// Whether the text can be the address of a picture. CSV has it unchanged, so a spreadsheet must not take it for a formula.
pub fn is_picture_url(url: &str) -> bool {
    let has_scheme = url.starts_with("https://") || url.starts_with("http://");
    has_scheme && url.len() <= MAX_URL && url.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a time is in year 1 or later. Earlier years are written with a sign, or not at all, depending on the calendar
/// and the database. (jiff ends with 9999.)
pub fn has_year(time: &Timestamp) -> bool {
    const YEAR_1: i64 = -62_135_596_800;
    time.as_second() >= YEAR_1
}
