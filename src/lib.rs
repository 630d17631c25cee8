//! `trendfetch` asks the YouTube Data API for the most-popular chart of many regions at once and
//! merges what comes. The binary is a thin shell around this library; this page is its map.
//!
//! # Bird's eye
//!
//! One run is a pipeline, and [`app::run`] shows it on one screen:
//!
//! ```text
//! RunArgs -> Config -> Plan
//!   fetch        Plan                  -> RegionChart for each region     async; waits for the network
//!     normalize  the body of a page    -> Vec<ChartEntry>, skipped          called as each page arrives
//!   deduplicate  charts                -> Vec<MergedVideo>, outcomes    pure, deterministic
//!   stats        outcomes, videos      -> Stats                           pure
//!   store        Report                -> a run in the history            one transaction; async
//!   output       Report                -> files, standard output, table
//!   exit         Report                -> Exit                            pure
//! ```
//!
//! # Map, in reading order
//!
//! | module | what it is |
//! | --- | --- |
//! | [`model`] | the data that crosses between the stages, and the document |
//! | [`app`] | the pipeline |
//! | [`cli`], [`mod@env`], [`config`] | what was typed, what the environment holds, what both mean |
//! | [`fetch`] | stage 1: permits, the shared hold, retries, budgets; [`fetch::retry`] is its table |
//! | [`normalize`] | stage 2: lenient reading of a page |
//! | [`deduplicate`], [`stats`] | stage 3: one video of many regions, and the counts |
//! | [`store`] | stage 4: the history, one contract over two databases; what changed between runs |
//! | `report` | a history or a document as one page of HTML |
//! | [`output`] | stage 4: formats, files that are whole or untouched, stats, progress |
//! | [`exit`], [`verdict`] | how the run ended, as a number and as a line for people and for programs |
//! | [`demo`] | the API, simulated behind a real socket |
//! | [`region`], [`category`], [`language`] | tables of YouTube's, and of PostgreSQL's dictionaries |
//! | [`error`], [`secret`], [`tls`], [`text`], [`figures`], [`tags`] | failures by reach; the key; certificates that are trusted; text from strangers; numbers for people; a list of texts in one piece of memory |
//! | [`document`] | a saved document, read back |
//! | [`commands`], [`logging`], [`signals`], [`time_limit`], [`blocking`] | the rest of a command-line program |
//!
//! # Invariants
//!
//! - **Order** follows the regions asked for and the rank, never which answer came first.
//! - **A permit** covers one attempt and is never held while waiting, so limited regions cannot park the others.
//! - **A hold** belongs to the key: after "too fast" nobody sends until the time that the server named,
//!   and in the second after it no more than may be in flight.
//! - **Every send is counted.** The HTTP client neither retries nor follows redirects by itself.
//! - **A failed region** is a row of the report with its reason, never an absence.
//! - **A run** is in the history whole or not at all, and a region that was not fetched is never taken for one whose
//!   videos left.
//! - **What is deleted for its age** takes two clocks that agree ([`model::Clocks`]), and goes in portions, after the run
//!   that asked for it is kept.
//! - **A file** is replaced whole, and only by a run in which videos arrived.
//! - **The key** lives in [`secret::ApiKey`] and leaves it in one place, for one header.
//! - **Time and environment** come in as data: `main` asks the clock, [`mod@env`] the environment. Durations are of the steady clock.
//! - **Foreign text** reaches a terminal only through [`text`], and the page only through its templates, which escape
//!   by themselves; the document carries it as it came.
//!
//! Dependencies point down: `app` joins the stages, which know each other in few places only:
//! `fetch` hands each page to `normalize`, so that answers are not kept whole, [`output`] shows what `fetch` plans and how
//! it goes, `output` and `report` show what [`store`] holds, and [`document`] reads ids as `normalize` does. Wire types stay in `normalize`; clap in `cli`, `commands`
//! and the enums that a user names; HTML in `report`; Arrow in `output::parquet`; reqwest in [`fetch::transport`]; SQL in `store::sqlite`, `store::postgres`
//! and the queries that they share.

#[cfg(not(unix))]
compile_error!("trendfetch keeps file modes and listens to signals as Unix has them; build it on Linux, macOS or WSL");

pub mod app;
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
