//! The data that passes between the stages, and the document that they produce. Only [`read_document`] does I/O.
//!
//! - [`video`] — a video, and the one list of its fields in the data; [`columns`] defines the elements of that list,
//!   and [`tags`] a compact list of a video's tags
//! - [`valid`] — which ids, addresses and times are accepted
//! - [`chart`] — the chart of one region as it is fetched
//! - [`document`] — the JSON object of a run; [`read_document`] reads one back, and [`RunStatus`] says how the run
//!   ended
//! - [`Documents`] — the runs of several categories that began together
//! - [`region`], [`category`], [`language`] — tables of YouTube's codes, and of PostgreSQL's dictionaries
//! - [`error`] — why a region failed, and other errors that pass between modules
//! - [`clocks`] — this machine's clock against the server's

pub mod category;
pub mod chart;
pub mod clocks;
pub mod columns;
pub mod document;
mod documents;
pub mod error;
pub mod language;
pub mod read_document;
pub mod region;
mod run_status;
pub mod tags;
pub mod valid;
pub mod video;

pub use chart::{ChartEntry, ChartId, FetchMetrics, RegionChart, RegionOutcome};
pub use clocks::Clocks;
pub(crate) use document::whole_seconds;
pub use document::{Document, Overlap, RegionStats, Request, SCHEMA_VERSION, Stats, Status};
pub use documents::Documents;
pub use run_status::RunStatus;
pub use video::{Live, MergedVideo, Video};
