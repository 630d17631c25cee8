//! `trendfetch` fetches the most-popular charts of many regions from the YouTube Data API concurrently, and merges
//! them. The binary is a thin wrapper around this library. This page is an overview of the source.
//!
//! # The pipeline
//!
//! A run goes through these stages, which [`app`] connects.
//!
//! ```text
//! RunArgs -> Config -> Plan
//!   fetch        Plan             -> a RegionChart for each region     async, waits for the network
//!     normalize  body of a page   -> entries of a chart                called as each page arrives
//!   deduplicate  charts           -> merged videos, outcomes           pure
//!   stats        outcomes, videos -> Stats                             pure
//!   history      Document         -> a run in the history              async, one transaction
//!   output       Document         -> files, standard output, exit status
//! ```
//!
//! # The modules, from the top down
//!
//! A module imports only modules below it.
//!
//! | module | content |
//! | --- | --- |
//! | [`app`] | the pipeline |
//! | [`commands`] | the other subcommands |
//! | [`config`] | the command line and the environment, combined and validated |
//! | [`cli`] | the command line as clap parses it |
//! | [`output`] | formats, files that are replaced whole, statistics, progress, log lines, the exit status |
//! | `report` | a history or a document as one page of HTML |
//! | [`bucket`] | object storage: reads objects, and writes them whole or not at all |
//! | [`fetch`] | stage 1, when to send: the permits, the hold after a rate limit, retries, budgets |
//! | [`youtube`] | the API, what to send and what a response means |
//! | [`normalize`] | stage 2, lenient reading of a page |
//! | [`deduplicate`], [`stats`] | stage 3, one video of many regions, and the counts |
//! | [`history`] | stage 4, one interface over SQLite and PostgreSQL; changes between runs |
//! | [`demo`] | a simulation of the API behind a real socket |
//! | [`model`] | plain data: a video, the document, regions, errors |
//! | [`support`] | helpers that know nothing about charts |
//!
//! # Where to look
//!
//! - A 429: [`youtube::client`] receives it, `youtube::error_response` classifies it, [`fetch::retry`] decides what
//!   follows, and `fetch::throttle` holds every request until then.
//! - A field of a video: [`model::video`] lists them; `normalize::item` reads them from a page, and the [`history`]
//!   module says where a column is stored.
//! - A format: `output::formats`; the JSON Schemas: `output::schema`.
//! - A fault of object storage: `bucket::transport` receives it, `bucket::fault` explains it, and `bucket::upload` removes
//!   what was written.
//! - What `changes` compares: [`history::changes`].
//! - A signal: `main` receives it, [`support::time_limit`] derives when the run must end, [`fetch::fetch`] stops
//!   sending, and [`app`] stores and writes what arrived.
//!
//! # Invariants
//!
//! - **Order** follows the regions of the request and the rank, never the order in which responses arrive.
//! - **A permit** covers one attempt and is never held while waiting, so that regions which are rate-limited do not block
//!   the others.
//! - **A hold** belongs to the key. After a 429 no request is sent until the time that the server named, and sending then
//!   restarts gently.
//! - **Every request is counted.** The HTTP client neither retries nor follows redirects by itself.
//! - **A failed region** is a row of the document with its reason. It is never absent, and its videos never count as gone.
//! - **A run** is in the history whole or not at all.
//! - **Old data is deleted** only if two clocks agree on its age ([`model::Clocks`]), in portions, and after the run that
//!   deletes it is stored.
//! - **A file** is replaced whole, and only by a run that brought videos; metrics by every run. A run adds both of its
//!   files to a lake, or none. An object in a bucket is replaced whole too.
//! - **The key** is an [`youtube::api_key::ApiKey`], which hides it everywhere but in one request header. The clouds'
//!   credentials do not leave [`bucket`], whose types hide them.
//! - **Time and environment** are data: `main` reads the clock, [`config::env`] the environment. Durations come from the
//!   monotonic clock. Only a log line reads the clock itself.
//! - **Text from outside** reaches a terminal only through [`support::sanitize`], and the page only through templates
//!   that escape it. The document contains it unchanged.
//!
//! Each of these is used in one place only: reqwest in [`youtube::client`] and the transport of [`bucket`],
//! `object_store` in [`bucket`], SQL in the two backends of [`history`] and the statements that they share, HTML in
//! `report`, Arrow in `output::formats`, and clap in [`cli`], [`commands`] and the enums that options name.

#[cfg(not(unix))]
compile_error!("trendfetch relies on Unix file modes and Unix signals; build it on Linux, macOS or WSL");

pub mod app;
pub mod bucket;
pub mod cli;
pub mod commands;
pub mod config;
pub mod deduplicate;
pub mod demo;
pub mod fetch;
pub mod history;
pub mod model;
pub mod normalize;
pub mod output;
#[cfg(feature = "report")]
pub mod report;
pub mod stats;
pub mod support;
pub mod youtube;
