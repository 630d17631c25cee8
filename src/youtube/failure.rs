//! An attempt that did not yield a page. It does not leave `fetch`: a final one becomes a
//! [`RegionFailure`](crate::model::error::RegionFailure).

use std::time::Duration;

use crate::model::error::{ErrorKind, RegionError, Remedy};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptFailure {
    /// What is reported if no further attempt is made.
    pub error: RegionError,
    /// `None` if the kind of the error determines the remedy.
    pub remedy: Option<Remedy>,
    /// The wait that the server requested.
    pub retry_after: Option<Duration>,
    /// The window of the rate limit, if the response names it.
    pub limit_window: Option<Duration>,
    pub delivery: Delivery,
}

/// How far a failed request got. Decides whether it cost a quota unit and whether it may be resent at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// It reached the server, as far as is known.
    #[default]
    Sent,
    /// It was not sent: there was no connection.
    NotSent,
    /// The server states that it did not process it, as HTTP/2 allows (RFC 9113 §8.7).
    NotProcessed,
    /// It was sent on a connection that the server closed after an earlier response, and no byte of a response arrived.
    ClosedConnection,
}

impl Delivery {
    /// A request that may have been processed costs a quota unit.
    pub fn costs_unit(self) -> bool {
        matches!(self, Delivery::Sent | Delivery::ClosedConnection)
    }

    /// Whether the request is sent again at once, on a new connection: nothing indicates that the server has a problem.
    pub fn allows_resend(self) -> bool {
        matches!(self, Delivery::NotProcessed | Delivery::ClosedConnection)
    }
}

impl AttemptFailure {
    /// A failure without a response.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> AttemptFailure {
        AttemptFailure {
            error: RegionError::new(kind, message),
            remedy: None,
            retry_after: None,
            limit_window: None,
            delivery: Delivery::Sent,
        }
    }

    #[must_use]
    pub fn with_status(mut self, status: u16) -> AttemptFailure {
        self.error.status = Some(status);
        self
    }

    /// Passes its texts through `redact`: a server may repeat what it was sent.
    #[must_use]
    pub fn redact(mut self, redact: impl Fn(&str) -> String) -> AttemptFailure {
        self.error.message = redact(&self.error.message);
        self.error.reason = self.error.reason.as_deref().map(redact);
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.error.kind
    }
}
