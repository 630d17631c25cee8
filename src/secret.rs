//! The API key, kept from every place where it could show.

use std::fmt;

use crate::error::UsageError;

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
        let key = text.trim();
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

    /// What the simulation takes for a key.
    pub(crate) fn for_demo() -> ApiKey {
        ApiKey("demo".to_owned())
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
