//! The error of a region, and the error of a command line.
//!
//! Errors are typed by what fails. A failed attempt is an
//! [`AttemptFailure`](crate::youtube::failure::AttemptFailure) and never leaves `fetch`. A failed region has a
//! [`RegionError`], which is part of the document. A run that cannot start ends in a [`UsageError`] or a
//! [`StartError`](crate::app::StartError). An output that cannot be written is an
//! [`OutputError`](crate::output::OutputError).

use std::borrow::Cow;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a region failed or is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The key is wrong, blocked, or its project may not use the API.
    KeyRejected,
    /// The daily quota is spent. It returns at midnight Pacific time.
    QuotaExceeded,
    /// A rate limit, which ends within minutes.
    RateLimited,
    /// 5xx or 408.
    ServerError,
    /// No connection: it was refused or reset, or the host name did not resolve.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The server's certificate is not valid, so a retry cannot succeed. `tls` in the document.
    Certificate,
    /// The proxy requires a login, so a retry cannot succeed. `proxy` in the document.
    ProxyLogin,
    /// The proxy does not connect to the server.
    Proxy,
    /// No complete response within `--timeout`.
    Timeout,
    /// The response ended early, or its gzip data or JSON did.
    Truncated,
    /// YouTube has no such chart for this region.
    RegionUnsupported,
    /// YouTube refused a parameter and names it. `bad_request` in the document.
    BadParameter,
    /// A 400 that names no parameter.
    BadRequest,
    /// The response does not look like one of YouTube: HTML, JSON of another shape, a redirect.
    BadResponse,
    /// The decompressed response is larger than 8 MiB.
    TooLarge,
    /// A 403 without a known reason.
    Forbidden,
    /// `--max-units` is spent.
    Budget,
    /// `--deadline` has passed.
    Deadline,
    /// A signal ended the run.
    Cancelled,
}

impl ErrorKind {
    pub const ALL: [ErrorKind; 20] = [
        ErrorKind::KeyRejected,
        ErrorKind::QuotaExceeded,
        ErrorKind::RateLimited,
        ErrorKind::ServerError,
        ErrorKind::Connect,
        ErrorKind::Tls,
        ErrorKind::Certificate,
        ErrorKind::ProxyLogin,
        ErrorKind::Proxy,
        ErrorKind::Timeout,
        ErrorKind::Truncated,
        ErrorKind::RegionUnsupported,
        ErrorKind::BadParameter,
        ErrorKind::BadRequest,
        ErrorKind::BadResponse,
        ErrorKind::TooLarge,
        ErrorKind::Forbidden,
        ErrorKind::Budget,
        ErrorKind::Deadline,
        ErrorKind::Cancelled,
    ];

    /// The kind with this name in the document. If two kinds share a name, the first one.
    pub fn from_name(name: &str) -> Option<ErrorKind> {
        ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The kind in words, for the report.
    pub fn description(self) -> &'static str {
        match self {
            ErrorKind::KeyRejected => "the key was refused",
            ErrorKind::QuotaExceeded => "the day's quota was spent",
            ErrorKind::RateLimited => "too many requests",
            ErrorKind::ServerError => "the server reported an error",
            ErrorKind::Connect => "no connection",
            ErrorKind::Tls | ErrorKind::Certificate => "no secure connection",
            ErrorKind::ProxyLogin | ErrorKind::Proxy => "the proxy refused the connection",
            ErrorKind::Timeout => "no response in time",
            ErrorKind::Truncated => "the response ended early",
            ErrorKind::RegionUnsupported => "YouTube has no such chart",
            ErrorKind::BadParameter | ErrorKind::BadRequest => "the request was refused",
            ErrorKind::BadResponse => "the response was not a chart",
            ErrorKind::TooLarge => "the response was too large",
            ErrorKind::Forbidden => "access was refused",
            ErrorKind::Budget => "no units were left",
            ErrorKind::Deadline => "the time was up",
            ErrorKind::Cancelled => "it was interrupted",
        }
    }

    /// The name in the document.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorKind::KeyRejected => "key_rejected",
            ErrorKind::QuotaExceeded => "quota_exceeded",
            ErrorKind::RateLimited => "rate_limited",
            ErrorKind::ServerError => "server_error",
            ErrorKind::Connect => "connect",
            ErrorKind::Tls | ErrorKind::Certificate => "tls",
            ErrorKind::ProxyLogin | ErrorKind::Proxy => "proxy",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Truncated => "truncated",
            ErrorKind::RegionUnsupported => "region_unsupported",
            ErrorKind::BadParameter | ErrorKind::BadRequest => "bad_request",
            ErrorKind::BadResponse => "bad_response",
            ErrorKind::TooLarge => "too_large",
            ErrorKind::Forbidden => "forbidden",
            ErrorKind::Budget => "budget",
            ErrorKind::Deadline => "deadline",
            ErrorKind::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ErrorKind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ErrorKind, D::Error> {
        let name = Cow::<'de, str>::deserialize(deserializer)?;
        ErrorKind::from_name(&name).ok_or_else(|| D::Error::custom(format_args!("{name:?} is not a kind of error")))
    }
}

/// Why a region failed or is incomplete. Part of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionError {
    pub kind: ErrorKind,
    /// The HTTP status, if there was a response.
    pub status: Option<u16>,
    /// The reason that YouTube gives, such as `quotaExceeded`.
    pub reason: Option<String>,
    /// One line of text, without control characters and markup.
    pub message: String,
}

/// Why a region failed while it was fetched: what the document says, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionFailure {
    pub error: RegionError,
    /// `None` if the kind of the error determines the remedy.
    pub remedy: Option<Remedy>,
}

impl From<RegionError> for RegionFailure {
    fn from(error: RegionError) -> RegionFailure {
        RegionFailure { error, remedy: None }
    }
}

/// What to do about an error, if its kind alone does not determine that. `output::diagnosis` has the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The key has expired or has been blocked.
    ReplaceKey,
    /// The key is restricted to certain IP addresses.
    AllowAddress,
    /// The key is restricted to certain websites or apps.
    AllowProgram,
    /// The key is restricted to other APIs.
    AllowApi,
    /// The API is not enabled for the key's project.
    EnableApi,
    /// Google has suspended the key's project or account.
    AppealSuspension,
    /// The key's project is deleted, or is going to be.
    RestoreProject,
    /// The key's project lacks a billing account.
    EnableBilling,
    /// A policy of an organization or of Google forbids the request.
    AskAdministrator,
    /// The key's project may not use the API for another reason.
    CheckProject,
    /// The quota is zero, or does not renew itself.
    RaiseQuota,
    /// The rate limit does not end.
    CheckQuotas,
    /// The server requested a longer wait than the run allows.
    RaiseMaxWait,
    /// The network requires a login.
    LogInToNetwork,
    /// A firewall or a proxy blocks the request.
    CheckNetwork,
    /// The proxy in this environment variable does not connect to the server.
    CheckProxy(&'static str),
    /// The proxy in this environment variable requires a login, or another one.
    LogInToProxy(&'static str),
}

impl RegionError {
    /// An error without a response.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> RegionError {
        RegionError { kind, status: None, reason: None, message: message.into() }
    }

    /// `rate_limited (429 rateLimitExceeded)`
    pub fn label(&self) -> String {
        match (self.status, &self.reason) {
            (Some(status), Some(reason)) => format!("{} ({status} {reason})", self.kind),
            (Some(status), None) => format!("{} ({status})", self.kind),
            (None, _) => self.kind.to_string(),
        }
    }
}

impl fmt::Display for RegionError {
    /// `rate_limited (429 rateLimitExceeded): asked to wait 120 s`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.label(), self.message)
    }
}

/// The command line or an environment value is malformed, or there is no key. Nothing was sent. The text says what is
/// wrong and names the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);
