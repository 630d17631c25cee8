//! The API key: reading it, and keeping it out of every text and core dump.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::model::error::UsageError;
use crate::support::sanitize::{decode_utf16, is_invisible};
use crate::support::secret_file::is_open_to_others;

/// Shorter parts of a key are not redacted: they may occur in any text.
const MIN_REDACTED: usize = 8;

/// The largest key file that is read, in bytes. A key has 39 characters.
const MAX_KEY_FILE: u64 = 4096;

/// An API key. It has no `Display` and no `Serialize`, and `Debug` is redacted. Only `ApiKey::expose` returns it; the
/// HTTP client calls that once to build its header.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Parses a key. White space and one pair of quotes around it are dropped. `source` says where the text was found.
    ///
    /// # Errors
    /// When the rest is empty, or has other characters than ASCII letters, digits, `-` and `_`. The message names
    /// `source` and what the text looks like, but never quotes the text.
    pub fn parse(text: &str, source: &str) -> Result<ApiKey, UsageError> {
        let key = without_quotes(text.trim()).trim();
        if key.is_empty() {
            return Err(UsageError(format!("{source} is empty; put your YouTube Data API key there")));
        }
        if !key.chars().all(is_key_character) {
            return Err(UsageError(format!(
                "{source} is not a valid API key: {}; a key is one word of ASCII letters, digits, '-' and '_'",
                describe_invalid_key(key)
            )));
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// Reads a key from a file that contains nothing else.
    ///
    /// # Errors
    /// When the file cannot be read, or does not contain a key.
    pub fn from_file(path: &Path) -> Result<ApiKey, UsageError> {
        let source = format!("the key file {}", path.display());
        let mut bytes = Vec::new();
        // The file may be endless, such as /dev/zero.
        fs::File::open(path).and_then(|file| file.take(MAX_KEY_FILE + 1).read_to_end(&mut bytes)).map_err(|error| {
            UsageError(format!("cannot read the key from {}: {error}; name a file that you may read", path.display()))
        })?;
        let unusable = |why: &str| UsageError(format!("{source} {why}; put only the key there"));
        if bytes.len() as u64 > MAX_KEY_FILE {
            return Err(unusable("is larger than 4 KiB"));
        }
        if decode_utf16(&bytes).is_some() {
            return Err(unusable("is UTF-16; save it as ASCII or UTF-8"));
        }
        let text = std::str::from_utf8(&bytes).map_err(|_| unusable("is not text"))?;
        ApiKey::parse(text, &source)
    }

    /// Warns if other users may read a key file.
    pub fn warn_if_readable_by_others(path: &Path) {
        if fs::metadata(path).is_ok_and(|file| file.is_file() && is_open_to_others(&file)) {
            tracing::warn!("the key file {} is readable by other users; run chmod 600 on it", path.display());
        }
    }

    /// The key that the demo sends.
    pub(crate) fn for_demo() -> ApiKey {
        ApiKey("the-demo-takes-any-key".to_owned())
    }

    /// Removes the key from a text, since a server may repeat it.
    pub(crate) fn redact(&self, text: &str) -> String {
        let key = &self.0;
        if key.len() < MIN_REDACTED {
            return text.to_owned();
        }
        let mut text = text.replace(key, "[the key]");
        // A text, or a quotation in it, may have been cut within the key.
        for length in (MIN_REDACTED..key.len()).rev() {
            let part = &key[..length];
            text = text.replace(&format!("{part}…"), "[the key]…");
            if let Some(before) = text.strip_suffix(part) {
                text = format!("{before}[the key]");
            }
        }
        text
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

fn is_key_character(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

fn without_quotes(text: &str) -> &str {
    let inside = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(text)
}

/// What people enter in place of a key, recognized by text that no key contains. The first match counts.
const MISTAKES: [(&[&str], &str); 11] = [
    (&["\u{feff}"], "it has a byte order mark; save the file as UTF-8 without one"),
    (&["-----BEGIN"], "it looks like a private key or a certificate"),
    (&["\":"], "it looks like JSON, perhaps the file of a service account, which is not an API key"),
    (&["\n", "\r"], "it has several lines"),
    (&["://"], "it looks like an address"),
    (&["="], "it looks like NAME=key; put only the key there"),
    (&["$", "%", "`"], "it looks like a variable that was not expanded"),
    (&["<", ">", "[", "]", "{", "}"], "it looks like an example that was not filled in"),
    (&["*", "•", "…", "..."], "it looks like a key that was hidden or shortened for display"),
    (&[",", ";", "|"], "it looks like several keys; give one"),
    (&["\"", "'", "“", "”", "‘", "’", "„", "«", "»"], "it has quotes other than one plain pair around it"),
];

fn describe_invalid_key(text: &str) -> &'static str {
    match MISTAKES.iter().find(|(marks, _)| marks.iter().any(|mark| text.contains(mark))) {
        Some((_, description)) => description,
        None if text.contains(char::is_whitespace) => "it is more than one word",
        None if text.contains(is_invisible) => "it has invisible characters",
        None => "it has other characters",
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(hidden)")
    }
}

/// Disables core dumps, which would contain the key.
pub fn disable_core_dumps() {
    // Lowering a limit is always allowed. If the system refuses anyway, the run is as safe as any other program.
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = setrlimit(Resource::Core, none);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_key() {
        let key = ApiKey::parse(" AIzaCanary\n", "the file").unwrap();
        assert_eq!(key.expose(), "AIzaCanary");
        assert_eq!(format!("{key:?}"), "ApiKey(hidden)");
    }

    #[test]
    fn an_invalid_key_is_refused_with_the_reason_and_not_quoted() {
        for (text, reason) in [
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
            ("AIza\u{200b}1", "invisible"),
            ("AIza\u{1b}1", "invisible"),
            ("zażółć", "other characters"),
            ("AIza1.2", "other characters"),
            ("AIza/1", "other characters"),
        ] {
            let error = ApiKey::parse(text, "YOUTUBE_API_KEY").unwrap_err().to_string();
            assert!(error.starts_with("YOUTUBE_API_KEY ") && error.contains(reason), "{text}: {error}");
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
