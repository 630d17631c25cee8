//! The API key, kept from every place where it could show: texts by its type, core dumps by a limit.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::{Resource, Rlimit, setrlimit};

use crate::error::UsageError;

/// Fewer letters of a key are no secret, and may stand in any text.
const SHORTEST_SECRET: usize = 8;

/// An API key. No `Display`, no `Serialize`; `Debug` is redacted. It leaves only through
/// `ApiKey::expose`, which the transport calls once to build its header.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// Reads a key from text found in `place`; surrounding white space is dropped.
    ///
    /// # Errors
    /// When nothing is left, or what is left could not be a header's value. The message names
    /// `place`, never the text.
    pub fn parse(text: &str, place: &str) -> Result<ApiKey, UsageError> {
        // Some editors begin a file with a byte order mark.
        let key = text.trim_start_matches('\u{feff}').trim();
        if key.is_empty() {
            return Err(UsageError(format!("{place} is empty; put your YouTube Data API key there")));
        }
        if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(UsageError(format!(
                "{place} holds more than one key could: a key is one word of ASCII letters, digits, '-' and '_'"
            )));
        }
        Ok(ApiKey(key.to_owned()))
    }

    /// Reads a key from a file of its own.
    ///
    /// # Errors
    /// When it cannot be read, or holds no key.
    pub fn from_file(path: &Path) -> Result<ApiKey, UsageError> {
        let shown = path.display();
        let mut text = String::new();
        // A key has 39 characters; a file without an end is not read to it.
        let read = fs::File::open(path).and_then(|file| file.take(4096).read_to_string(&mut text));
        read.map_err(|error| {
            UsageError(match error.kind() {
                ErrorKind::InvalidData => format!("the key file {shown} is no text; put the key alone there"),
                _ => format!("cannot read the key from {shown}: {error}; name a file that you may read"),
            })
        })?;
        ApiKey::parse(&text, &format!("the key file {shown}"))
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
    pub(crate) fn conceal(&self, text: &str) -> String {
        let key = &self.0;
        if key.len() < SHORTEST_SECRET {
            return text.to_owned();
        }
        let text = text.replace(key, "[the key]");
        // A text that was cut may have been cut within the key.
        let cut_key =
            |before: &str| (SHORTEST_SECRET..key.len()).rev().find(|length| before.ends_with(&key[..*length]));
        match text.strip_suffix('…').and_then(|before| Some(&before[..before.len() - cut_key(before)?])) {
            Some(before) => format!("{before}[the key]…"),
            None => text,
        }
    }

    /// The key itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
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
    fn a_bad_key_is_refused_without_being_shown() {
        for text in ["", "  \n", "two words", "tab\tin", "zażółć"] {
            let error = ApiKey::parse(text, "YOUTUBE_API_KEY").unwrap_err().to_string();
            assert!(error.starts_with("YOUTUBE_API_KEY "), "{error}");
            assert!(text.trim().is_empty() || !error.contains(text.trim()), "{error}");
        }
    }
}
