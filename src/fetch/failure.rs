//! An attempt that did not bring a page. Never leaves `fetch`: what is final becomes a [`RegionError`].

use std::time::Duration;

use crate::error::{Kind, RegionError};

/// Why one attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What will be reported if it stays.
    pub error: RegionError,
    /// How long the server asked to wait, where it did.
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// A failure without an answer.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { error: RegionError { kind, status: None, reason: None, message: message.into() }, retry_after: None }
    }

    /// With its texts passed through `conceal`: a server may repeat what it was sent.
    #[must_use]
    pub fn conceal(mut self, conceal: impl Fn(&str) -> String) -> Failure {
        self.error.message = conceal(&self.error.message);
        self.error.reason = self.error.reason.as_deref().map(conceal);
        self
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.error.kind
    }
}
