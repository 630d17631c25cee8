//! The HTTP client.
//!
//! - `builder` — what this client and that of object storage have in common
//! - `http` — sends one request and reads its response
//! - `connections` — which connections may be used again
//! - `encoding` — gzip
//! - `errors` — turns reqwest's errors into an [`AttemptFailure`]
//! - [`proxy`] — the proxy that the environment names
//! - `resolver` — looks up host names

mod builder;
mod connections;
mod encoding;
mod errors;
mod http;
pub mod proxy;
mod resolver;

use std::future::Future;

use crate::support::tls::Authorities;
use crate::youtube::failure::AttemptFailure;
use proxy::Proxy;

pub use http::{HttpClient, is_loopback};

#[cfg(feature = "cloud")]
pub(crate) use builder::{Protocol, builder};
#[cfg(feature = "cloud")]
pub(crate) use errors::to_failure;

/// The largest body that is read, compressed or not: 8 MiB. A page of 50 full items has about 350 KB.
pub(super) const MAX_BODY: usize = 8 << 20;

/// How to reach the server.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// `None` is a direct connection.
    pub proxy: Option<Proxy>,
    /// The servers that are reached without the proxy, as in `NO_PROXY`.
    pub exceptions: String,
    /// The trusted certificate authorities; `None` is the platform's.
    pub authorities: Option<Authorities>,
}

/// The status and the headers that matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResponseHead {
    pub status: u16,
    pub retry_after: Option<String>,
    /// The server's clock, which a date in `Retry-After` refers to.
    pub date: Option<String>,
    /// How old a response from a cache is.
    pub age: Option<String>,
    /// The target of a redirect.
    pub location: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Response {
    pub head: ResponseHead,
    /// Decompressed, at most `MAX_BODY` bytes.
    pub body: Vec<u8>,
}

/// Sends one request, without retries and redirects.
pub trait Transport: Send + Sync + 'static {
    /// A body that is yet to be read.
    type Body: Body;

    /// Resolves as soon as the head of the response has arrived.
    ///
    /// # Errors
    /// An [`AttemptFailure`] of the network, if there is no response: `connect`, `tls`, `proxy`, `timeout`, `truncated`.
    fn get(
        &self,
        query: &[(&'static str, String)],
    ) -> impl Future<Output = Result<(ResponseHead, Self::Body), AttemptFailure>> + Send;

    /// Removes the secrets that this transport sends from a text.
    fn redact(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// The body of a response, which arrives while it is read.
pub trait Body: Send {
    /// Reads to the end. What has arrived is kept when the future is dropped.
    ///
    /// # Errors
    /// `truncated`, `timeout` or `too_large`.
    fn read(&mut self) -> impl Future<Output = Result<(), AttemptFailure>> + Send;

    /// What has arrived, decompressed.
    fn into_bytes(self) -> Vec<u8>;
}

/// For tests: a body that has arrived.
impl Body for Vec<u8> {
    async fn read(&mut self) -> Result<(), AttemptFailure> {
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        self
    }
}
