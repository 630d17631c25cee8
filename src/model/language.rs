//! Languages as the document names them, and the dictionary that PostgreSQL has for each.

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error};

/// The language of a region outside the table (ISO 639-2 `und`).
pub const UNDETERMINED: &str = "und";

/// A primary language subtag (RFC 5646 §2.2.1): two or three lower-case letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language {
    /// The third one is 0 if there are only two.
    letters: [u8; 3],
}

impl Language {
    /// Parses a subtag as it is written in the document.
    pub fn new(subtag: &str) -> Option<Language> {
        if !(2..=3).contains(&subtag.len()) || !subtag.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        let mut letters = [0; 3];
        letters[..subtag.len()].copy_from_slice(subtag.as_bytes());
        Some(Language { letters })
    }

    /// The language of a tag: `en` for `en-US`, and `None` for `zxx` (no speech), `mul` (several), `mis` (uncoded) and
    /// `und`. A code that has been replaced, or for which the table of regions has another one, becomes that other
    /// code.
    ///
    /// Source: the deprecated codes of two letters with a preferred value in IANA's Language Subtag Registry.
    pub fn from_tag(tag: &str) -> Option<Language> {
        let subtag = tag.split(['-', '_']).next()?.to_ascii_lowercase();
        match subtag.as_str() {
            "zxx" | "mul" | "mis" | UNDETERMINED => None,
            "fil" => Language::new("tl"),
            "in" => Language::new("id"),
            "iw" => Language::new("he"),
            "ji" => Language::new("yi"),
            "jw" => Language::new("jv"),
            "mo" => Language::new("ro"),
            _ => Language::new(&subtag),
        }
    }

    /// `"en"`
    pub fn code(&self) -> &str {
        // The bytes are ASCII letters, so the fallback is never used.
        str::from_utf8(&self.letters).unwrap_or_default().trim_end_matches('\0')
    }
}

/// Whether the text can be a language tag: a letter, and then letters, digits and hyphens (RFC 5646 §2.1), or the
/// underscores that some write instead.
pub fn is_tag(text: &str) -> bool {
    let starts_with_letter = text.starts_with(|first: char| first.is_ascii_alphabetic());
    let may_follow = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    starts_with_letter && text.len() <= 64 && text.bytes().all(may_follow)
}

/// Reads the declared language of a document, which may be older than a rule of [`Language::from_tag`].
pub(super) fn read_declared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    let Some(subtag) = Option::<Cow<'de, str>>::deserialize(deserializer)? else { return Ok(None) };
    match Language::new(&subtag) {
        Some(_) => Ok(Language::from_tag(&subtag)),
        None => Err(D::Error::custom(format_args!("{subtag:?} is not a language"))),
    }
}

/// PostgreSQL's text search configuration for a language, or `simple` if PostgreSQL ships none.
///
/// Source: the configurations that PostgreSQL 15 ships (`\dF`).
pub fn search_config(language: &str) -> &'static str {
    CONFIGS.binary_search_by_key(&language, |(code, _)| code).map_or("simple", |index| CONFIGS[index].1)
}

/// Language (ISO 639-1) and the configuration for it, sorted by language.
const CONFIGS: &[(&str, &str)] = &[
    ("ar", "arabic"),
    ("ca", "catalan"),
    ("da", "danish"),
    ("de", "german"),
    ("el", "greek"),
    ("en", "english"),
    ("es", "spanish"),
    ("eu", "basque"),
    ("fi", "finnish"),
    ("fr", "french"),
    ("ga", "irish"),
    ("hi", "hindi"),
    ("hu", "hungarian"),
    ("hy", "armenian"),
    ("id", "indonesian"),
    ("it", "italian"),
    ("lt", "lithuanian"),
    ("nb", "norwegian"),
    ("ne", "nepali"),
    ("nl", "dutch"),
    ("nn", "norwegian"),
    ("no", "norwegian"),
    ("pt", "portuguese"),
    ("ro", "romanian"),
    ("ru", "russian"),
    ("sr", "serbian"),
    ("sv", "swedish"),
    ("ta", "tamil"),
    ("tr", "turkish"),
    ("yi", "yiddish"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_what_it_was_read_from() {
        for subtag in ["en", "yue"] {
            assert_eq!(Language::new(subtag).unwrap().code(), subtag);
        }
        for other in ["", "e", "EN", "engl", "e\0", "ñ"] {
            assert_eq!(Language::new(other), None, "{other:?}");
        }
    }

    #[test]
    fn a_language_without_a_dictionary_is_searched_word_by_word() {
        for (language, config) in [("pl", "simple"), ("de", "german"), ("no", "norwegian"), (UNDETERMINED, "simple")] {
            assert_eq!(search_config(language), config);
        }
    }
}
