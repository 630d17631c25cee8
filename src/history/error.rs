//! The error of every operation on a history.

use std::borrow::Cow;
use std::fmt;

/// A history cannot be used. The message names the history without its password, and ends in a remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the history {location}: {why}; {remedy}")]
pub struct HistoryError {
    location: String,
    why: String,
    remedy: Cow<'static, str>,
}

impl HistoryError {
    pub(crate) fn new(
        location: impl fmt::Display,
        why: impl fmt::Display,
        remedy: impl Into<Cow<'static, str>>,
    ) -> HistoryError {
        HistoryError { location: location.to_string(), why: why.to_string(), remedy: remedy.into() }
    }

    /// The failures of several hosts as one: the reason of each, and the remedy of the last.
    #[cfg(feature = "postgres")]
    pub(super) fn of_hosts(failures: Vec<(String, HistoryError)>) -> Option<HistoryError> {
        let reasons: Vec<String> = failures.iter().map(|(host, error)| format!("{host}: {}", error.why)).collect();
        let (_, last) = failures.into_iter().next_back()?;
        Some(if reasons.len() == 1 { last } else { HistoryError { why: reasons.join("; "), ..last } })
    }

    /// The tables have a version that this program does not know.
    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    pub(super) fn newer_version(location: impl fmt::Display, found: usize, newest_known: usize) -> HistoryError {
        HistoryError::new(
            location,
            format_args!("its tables are version {found}, and this trendfetch knows versions up to {newest_known}"),
            "install the newer trendfetch that wrote it; nothing was changed",
        )
    }
}
