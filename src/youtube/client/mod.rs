//! The network as a capability. Only this folder names reqwest.
//!
//! - `http` — the client of a run: one request, one answer
//! - `connections` — which connections may be used again
//! - `encoding` — gzip
//! - `fault` — an error of the client as a [`AttemptFailure`]
//! - [`proxy`] — a proxy in between
//! - `resolver` — host names, also where no thread can be started

mod connections;
mod encoding;
mod fault;
mod http;
pub mod proxy;
mod resolver;

use std::future::Future;

use crate::support::tls::Authorities;
use crate::youtube::failure::AttemptFailure;
use proxy::Proxy;

pub use http::{HttpClient, is_loopback};

/// The largest body that is read, packed or unpacked: 8 MiB. A page of 50 whole items has about 350 KB.
pub const MAX_BODY: usize = 8 << 20;

/// The way to the server, besides its address.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// The proxy that requests go through; `None` is a direct connection.
    pub proxy: Option<Proxy>,
    /// The certificates that are trusted; `None` is the platform's.
    pub authorities: Option<Authorities>,
}

/// What stands before the body of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHead {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header as it came.
    pub retry_after: Option<String>,
    /// The server's own `Date`, by which a date in `Retry-After` is read.
    pub date: Option<String>,
    /// How old an answer out of a cache is: the `Age` header as it came.
    pub age: Option<String>,
    /// Where a redirect points to.
    pub location: Option<String>,
}

/// An answer, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    /// Its status and the headers that matter.
    pub head: ResponseHead,
    /// Its body, unpacked: at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Sends one request. No retries, no redirects.
pub trait Transport: Send + Sync + 'static {
    /// The body of an answer, yet to be read.
    type Body: Body;

    /// Resolves as soon as the head of the answer is there.
    ///
    /// # Errors
    /// A [`AttemptFailure`] of a kind that belongs to the way and not to the answer: `connect`, `tls`,
    /// `proxy`, `timeout`, `truncated`.
    fn get(
        &self,
        query: &[(&'static str, String)],
    ) -> impl Future<Output = Result<(ResponseHead, Self::Body), AttemptFailure>> + Send;

    /// Takes out of a text what must not be shown: what this transport sends as a secret.
    fn redact(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// A body that arrives while it is read.
pub trait Body: Send {
    /// Reads to the end. What has arrived is kept when the future is dropped.
    ///
    /// # Errors
    /// `truncated`, `timeout` or `too_large`.
    fn read(&mut self) -> impl Future<Output = Result<(), AttemptFailure>> + Send;

    /// What has arrived, unpacked.
    fn into_bytes(self) -> Vec<u8>;
}

/// A body that is there already.
impl Body for Vec<u8> {
    async fn read(&mut self) -> Result<(), AttemptFailure> {
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        self
    }
}
