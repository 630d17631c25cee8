//! The YouTube Data API: what is sent, and what an answer means. No waiting and no retrying: `fetch` has those.
//!
//! - [`request`] — the request for one page of a chart, and its answer
//! - [`client`] — the HTTP client; only its folder names reqwest
//! - [`api_key`] — the key, kept out of every text
//! - `error_response` — an answer that is not a page, and what it means
//! - [`failure`] — an attempt that did not bring a page

pub mod api_key;
pub mod client;
pub(crate) mod error_response;
pub mod failure;
pub mod request;
