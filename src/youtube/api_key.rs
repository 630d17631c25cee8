//! The API key, kept from every place where it could show: texts by its type, core dumps by a limit.

use std::fmt;
use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::model::error::UsageError;
use crate::support::sanitize::{decode_utf16, is_invisible};

/// Fewer letters of a key are no secret, and may stand in any text.
const SHORTEST_SECRET: usize = 8;

/// The largest key file that is read. A key has 39 characters.
const MAX_FILE: u64 = 4096;

/// An API key. No `Display`, no `Serialize`; `Debug` is redacted. It leaves only through
/// `ApiKey::expose`, which the transport calls once to build its header.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads a key from text found in `place`. White space and one pair of quotes around it are dropped.
    ///
    /// # Errors
    /// When nothing is left, or anything but ASCII letters, digits, `-` and `_`. The message names `place` and what the
    /// text looks like, never the text.
    pub fn parse(text: &str, place: &str) -> Result<ApiKey, UsageError> {
        let key = without_quotes(text.trim()).trim();
        if key.is_empty() {
            return Err(UsageError(format!("{place} is empty; put your YouTube Data API key there")));
        }
        if !key.chars().all(is_of_key) {
            return Err(UsageError(format!(
                "{place} is not a valid API key: {}; a key is one word of ASCII letters, digits, '-' and '_'",
                what_it_looks_like(key)
            )));
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// Reads a key from a file of its own.
    ///
    /// # Errors
    /// When it cannot be read, or holds no key.
    pub fn from_file(path: &Path) -> Result<ApiKey, UsageError> {
        let place = format!("the key file {}", path.display());
        let mut bytes = Vec::new();
        // A file without an end is not read to it.
        fs::File::open(path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(|error| {
            UsageError(format!("cannot read the key from {}: {error}; name a file that you may read", path.display()))
        })?;
        let unusable = |why: &str| UsageError(format!("{place} {why}; put the key alone there"));
        if bytes.len() as u64 > MAX_FILE {
            return Err(unusable("is larger than 4 KiB"));
        }
        if decode_utf16(&bytes).is_some() {
            return Err(unusable("is UTF-16; save it as ASCII or UTF-8"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("is no text"))?;
        ApiKey::parse(text, &place)
    }

    /// Says so when other users may read a key file.
    pub fn warn_of_readers(path: &Path) {
        if fs::metadata(path).is_ok_and(|file| file.is_file() && file.mode() & 0o077 != 0) {
            tracing::warn!("other users may read the key file {}; chmod 600 keeps it to you", path.display());
        }
    }

    /// What the simulation takes for a key.
    pub(crate) fn for_demo() -> ApiKey {
        ApiKey("the-demo-takes-any-key".to_owned())
    }

    /// The text without the key, which a server may repeat.
    pub(crate) fn redact(&self, text: &str) -> String {
        let key = &self.0;
        if key.len() < SHORTEST_SECRET {
            return text.to_owned();
        }
        let mut text = text.replace(key, "[the key]");
        // A text that was cut, or a quotation in it, may have been cut within the key.
        for length in (SHORTEST_SECRET..key.len()).rev() {
            let part = &key[..length];
            text = text.replace(&format!("{part}…"), "[the key]…");
            if let Some(before) = text.strip_suffix(part) {
                text = format!("{before}[the key]");
            }
        }
        text
    }

    /// The key itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

fn is_of_key(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

fn without_quotes(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// What people put where the key belongs, told by what no key has in it; the first that fits.
const LOOKS: [(&[&str], &str); 11] = [
    (&["\u{feff}"], "it holds a byte order mark; save the file as UTF-8 without one"),
    (&["-----BEGIN"], "it looks like a private key or a certificate"),
    (&["\":"], "it looks like JSON, perhaps the file of a service account, which is no API key"),
    (&["\n", "\r"], "it has several lines"),
    (&["://"], "it looks like an address"),
    (&["="], "it looks like NAME=key; put the key alone there"),
    (&["$", "%", "`"], "it looks like a variable that nothing filled in"),
    (&["<", ">", "[", "]", "{", "}"], "it looks like an example that was not filled in"),
    (&["*", "•", "…", "..."], "it looks like a key that was hidden or shortened for display"),
    (&[",", ";", "|"], "it looks like several keys; give one"),
    (&["\"", "'", "“", "”", "‘", "’", "„", "«", "»"], "it has quotes other than one plain pair around it"),
];

fn what_it_looks_like(text: &str) -> &'static str {
    match LOOKS.iter().find(|(signs, _)| signs.iter().any(|sign| text.contains(sign))) {
        Some((_, words)) => words,
        None if text.contains(char::is_whitespace) => "it is more than one word",
        None if text.contains(is_invisible) => "it holds characters that cannot be seen",
        None => "it holds other characters",
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// From now on a crash leaves no core dump, which would hold the key.
pub fn forbid_core_dumps() {
    // Lowering a limit is always allowed; a system that refuses leaves the run as safe as any other program.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_key() {
        let key = ApiKey::parse(" AIzaCanary\n", "the file").unwrap();
        assert_eq!(key.expose(), "AIzaCanary");
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason_and_without_being_shown() {
        for (text, says) in [
            ("", "is empty"),
            ("  \n", "is empty"),
            ("\"\"", "is empty"),
            ("' '", "is empty"),
            ("AIza two words", "more than one word"),
            ("AIza\tx", "more than one word"),
            ("AIza1\nAIza2", "several lines"),
            ("AIza1\r\nAIza2", "several lines"),
            ("\u{feff}AIza1", "byte order mark"),
            ("YOUTUBE_API_KEY=AIza1", "NAME=key"),
            ("export YOUTUBE_API_KEY=\"AIza1\"", "NAME=key"),
            ("key = AIza1", "NAME=key"),
            ("<YOUR_API_KEY>", "an example"),
            ("[key]", "an example"),
            ("{{ api_key }}", "an example"),
            ("AIza1,AIza2", "several keys"),
            ("AIza1;AIza2", "several keys"),
            ("***", "hidden"),
            ("AIza…xyz", "hidden"),
            ("AIza...xyz", "hidden"),
            ("$KEY", "a variable"),
            ("${KEY}", "a variable"),
            ("$(pass show key)", "a variable"),
            ("%KEY%", "a variable"),
            ("\"AIza1", "quotes"),
            ("AIza1'", "quotes"),
            ("“AIza1”", "quotes"),
            ("\"'AIza1'\"", "quotes"),
            ("https://example.org/?key=AIza1", "an address"),
            ("{\"type\": \"service_account\"}", "JSON"),
            ("-----BEGIN PRIVATE KEY-----\nMII=\n-----END PRIVATE KEY-----", "a private key"),
            ("AIza\u{200b}1", "cannot be seen"),
            ("AIza\u{1b}1", "cannot be seen"),
            ("zażółć", "other characters"),
            ("AIza1.2", "other characters"),
            ("AIza/1", "other characters"),
        ] {
            let error = ApiKey::parse(text, "YOUTUBE_API_KEY").unwrap_err().to_string();
            assert!(error.starts_with("YOUTUBE_API_KEY ") && error.contains(says), "{text}: {error}");
            assert!(!error.contains("AIza"), "{text}: {error}");
        }
    }

    #[test]
    fn quotes_and_white_space_around_a_key_are_dropped() {
        for text in ["AIza-_09", "\"AIza-_09\"", "'AIza-_09'", " \" AIza-_09 \" \r\n", "\u{a0}AIza-_09\u{a0}"] {
            assert_eq!(ApiKey::parse(text, "the file").unwrap().expose(), "AIza-_09", "{text}");
        }
    }
}
