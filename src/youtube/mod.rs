//! The YouTube Data API: what is sent, and what a response means. Nothing here waits or retries; `fetch` does.
//!
//! - [`request`] — the request for one page of a chart, and its response
//! - [`client`] — the HTTP client; only its folder names reqwest
//! - [`api_key`] — the key, which must not appear in any text
//! - `error_response` — what a response that is not a page means
//! - [`failure`] — an attempt that did not yield a page

pub mod api_key;
pub mod client;
pub(crate) mod error_response;
pub mod failure;
pub mod request;
