//! An attempt that did not bring a page. Never leaves `fetch`: what is final becomes a [`RegionError`].

use std::time::Duration;

use crate::model::error::{ErrorKind, RegionError};

/// Why one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFailure {
    /// What will be reported if it stays.
    pub error: RegionError,
    /// How long the server asked to wait, where it did.
    pub retry_after: Option<Duration>,
    /// The window of the limit that was met, where the answer names it.
    pub limit_window: Option<Duration>,
    /// How far the request got.
    pub delivery: Delivery,
}

/// How far a request got that failed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// To the server, as far as can be known.
    #[default]
    Sent,
    /// Nowhere: no connection came about.
    NotSent,
    /// To a server that says that it has not looked at it, as HTTP/2 can (RFC 9113 §8.7).
    NotProcessed,
    /// Into a connection that the server closed after an earlier answer, without a byte of another one.
    ClosedConnection,
}

impl Delivery {
    /// Whether it costs a quota unit: a request that may have been looked at does.
    pub fn costs_unit(self) -> bool {
        matches!(self, Delivery::Sent | Delivery::ClosedConnection)
    }

    /// Whether the request is sent again at once, on a fresh connection: nothing is known against the server.
    pub fn allows_resend(self) -> bool {
        matches!(self, Delivery::NotProcessed | Delivery::ClosedConnection)
    }
}

impl AttemptFailure {
    /// A failure without an answer.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> AttemptFailure {
        AttemptFailure {
            error: RegionError::new(kind, message),
            retry_after: None,
            limit_window: None,
            delivery: Delivery::Sent,
        }
    }

    /// With the status of the answer that was no page.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> AttemptFailure {
        self.error.status = Some(status);
        self
    }

    /// With its texts passed through `redact`: a server may repeat what it was sent.
    #[must_use]
    pub fn redact(mut self, redact: impl Fn(&str) -> String) -> AttemptFailure {
        self.error.message = redact(&self.error.message);
        self.error.reason = self.error.reason.as_deref().map(redact);
        self
    }

    /// Its kind.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind
    }
}
