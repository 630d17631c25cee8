//! What can go wrong, as types, by how far it reaches.
//!
//! An attempt that failed is a [`AttemptFailure`](crate::youtube::failure::AttemptFailure) and never leaves `fetch`;
//! a region that failed is a [`RegionError`] and travels in the document; a run that cannot begin is a
//! [`UsageError`] or a [`StartError`](crate::app::StartError); an output that cannot be written is an
//! [`OutputError`](crate::output::OutputError).

use std::borrow::Cow;
use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a region failed or stayed incomplete. The words are those of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The key is wrong, blocked, or its project may not use the API.
    KeyRejected,
    /// The day's quota is spent; it returns at midnight Pacific time.
    QuotaExceeded,
    /// A limit that passes within minutes.
    RateLimited,
    /// 5xx or 408.
    ServerError,
    /// No connection: refused, reset, or the name did not resolve.
    Connect,
    /// The TLS handshake failed.
    Tls,
    /// The server's certificate does not hold; trying again cannot help. `tls` in the document.
    Certificate,
    /// The proxy of the environment wants a login; trying again cannot help. `proxy` in the document.
    ProxyLogin,
    /// The proxy of the environment does not connect to the server.
    Proxy,
    /// No whole answer within `--timeout`.
    Timeout,
    /// The answer ended early, or its gzip or JSON did.
    Truncated,
    /// YouTube has no such chart for this region.
    RegionUnsupported,
    /// YouTube refused a parameter of ours, and names it. `bad_request` in the document.
    BadParameter,
    /// A 400 that names no parameter.
    BadRequest,
    /// The answer is none that YouTube gives: HTML, another shape, a redirect.
    BadResponse,
    /// The answer is larger than 8 MiB unpacked.
    TooLarge,
    /// A 403 that names no known reason.
    Forbidden,
    /// `--max-units` is spent.
    Budget,
    /// `--deadline` has passed.
    Deadline,
    /// A signal ended the run.
    Cancelled,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
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

    /// The kind that the document calls so.
    pub fn find(word: &str) -> Option<ErrorKind> {
        ErrorKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What it means, for those who read a page and not a document.
    pub fn in_plain_english(self) -> &'static str {
        match self {
            ErrorKind::KeyRejected => "the key was refused",
            ErrorKind::QuotaExceeded => "the day's quota was spent",
            ErrorKind::RateLimited => "too many requests",
            ErrorKind::ServerError => "the server had trouble",
            ErrorKind::Connect => "no connection",
            ErrorKind::Tls | ErrorKind::Certificate => "no secure connection",
            ErrorKind::ProxyLogin | ErrorKind::Proxy => "the proxy refused the connection",
            ErrorKind::Timeout => "no answer in time",
            ErrorKind::Truncated => "the answer broke off",
            ErrorKind::RegionUnsupported => "YouTube has no such chart",
            ErrorKind::BadParameter | ErrorKind::BadRequest => "the request was refused",
            ErrorKind::BadResponse => "the answer was no chart",
            ErrorKind::TooLarge => "the answer was too large",
            ErrorKind::Forbidden => "access was refused",
            ErrorKind::Budget => "no units were left",
            ErrorKind::Deadline => "the time was up",
            ErrorKind::Cancelled => "it was interrupted",
        }
    }

    /// The word in the document.
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
        let word = Cow::<'de, str>::deserialize(deserializer)?;
        ErrorKind::find(&word).ok_or_else(|| D::Error::custom(format_args!("{word:?} is not a kind of error")))
    }
}

/// Why one region has not all of its chart. Part of the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionError {
    /// The class that a program decides by.
    pub kind: ErrorKind,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// YouTube's own word for it, where it gave one.
    pub reason: Option<String>,
    /// One line for people; free of control characters and of markup.
    pub message: String,
    /// What to do, where the kind alone does not say. Not part of the document.
    #[serde(skip)]
    pub remedy: Option<Remedy>,
}

/// What to do about an error, where its kind alone does not say. The words are in `verdict`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// The key has expired or has been blocked: make another one.
    ReplaceKey,
    /// The key may be used from certain IP addresses only.
    AllowAddress,
    /// The key may be used by certain websites or apps only.
    AllowProgram,
    /// The key may be used for other APIs only.
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
    /// A quota is zero, or does not come back by itself.
    RaiseQuota,
    /// The key is limited all the time.
    CheckQuotas,
    /// The server asked for a longer wait than is allowed.
    RaiseMaxWait,
    /// The network wants a login first.
    LogInToNetwork,
    /// Something in between blocks the request.
    CheckNetwork,
    /// The proxy that this environment variable names does not lead to the server.
    CheckProxy(&'static str),
    /// The proxy that this environment variable names wants another login.
    LogInToProxy(&'static str),
}

impl RegionError {
    /// An error without an answer.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> RegionError {
        RegionError { kind, status: None, reason: None, message: message.into(), remedy: None }
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

/// The command line or an environment value is malformed, or there is no key. Nothing was sent.
///
/// One sentence or two: what is wrong, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);
