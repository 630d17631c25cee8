//! Stage 4: the history of past runs, in an SQLite file or a PostgreSQL database.
//!
//! [`Backend`] is the interface that both databases implement. What a run and the commands do with a history uses only
//! this interface and does not depend on the database.
//!
//! | file | content |
//! | --- | --- |
//! | `location` | reads `--store` into a [`Location`] |
//! | `backend` | the interface, and [`open`] |
//! | `records` | the plain data that a backend returns |
//! | `run_history` | what a run does: lock its request, check whether it is due, record it, delete what expired |
//! | `min_interval` | whether a run is due; pure |
//! | `expiry` | what is too old, and whether a run may delete it |
//! | `prune` | what the command `prune` deletes |
//! | `changes` | compares charts of a region: what entered, left, rose, fell |
//! | `freshness` | how fresh the newest complete chart of each region is; pure |
//! | `change_summary` | counts the changes in each region of a run |
//! | `rows` | turns a document into the rows of each table; pure |
//! | `restore` | turns the rows of each table into a document again; pure |
//! | `names` | the names of categories and regions that a history holds; pure |
//! | `sqlite`, `postgres`, `shared_sql` | the only files with SQL |
//!
//! To change the tables, add the next number to `sqlite/migrations` and to `postgres/migrations`. A migration that was
//! released never changes. A new column is written in each `write.rs` and read, by its name, in each `select.rs`.

mod backend;
pub mod change_summary;
pub mod changes;
mod error;
pub mod expiry;
pub mod freshness;
mod location;
mod min_interval;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod names;
#[cfg(feature = "postgres")]
mod postgres;
pub mod prune;
mod records;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod restore;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rows;
pub mod run_history;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod shared_sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use jiff::SignedDuration;

pub use backend::{Access, Backend, Batch, open};
pub use error::HistoryError;
pub use location::{JournalMode, Location, PasswordSources, PostgresUrl, SqliteFile};
pub use records::{
    AbsentChart, ChartFilter, ChartRef, ChartSeries, HistoryEntry, KeptRun, Period, RegionAttempt, RequestedRegion,
    RunFilter, SeriesRuns, StoredRun, VideoRank, VideoRecord,
};

/// How long YouTube's terms let an application keep what it fetched ("Developer Policies", III.E.4).
pub const MAX_RETENTION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A region that no run has requested for this long, while other regions were fetched, counts as dropped.
pub const DROPPED_AFTER: SignedDuration = SignedDuration::from_hours(7 * 24);
