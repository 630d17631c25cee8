//! Stage 4: the history. One contract, [`Backend`], over two databases; what a run, `changes`, `load`
//! and `prune` do with it stands above the contract and knows neither.
//!
//! ```text
//! location   what --store says                 -> Location
//! history    a run's dealings with it          open, claim, is it due, record
//! interval   when a run is not due             pure
//! expiry     what is too old                   whether a run deletes it, and how
//! prune      what the command deletes
//! timeline   many past runs at once            plain data
//! changes    two charts of a region            -> what entered, left, rose, fell
//! since      a run, and the charts before it   -> how many entered and left
//! rows       Document                            -> the rows of each table; pure
//! sqlite, postgres, queries                    the only files with SQL
//! ```

pub mod change_summary;
pub mod changes;
pub mod expiry;
mod location;
mod min_interval;
mod past_runs;
#[cfg(feature = "postgres")]
mod postgres;
pub mod prune;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod rows;
pub mod run_history;
#[cfg(any(feature = "sqlite", feature = "postgres"))]
mod shared_sql;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::model::Document;

pub use changes::{Fetch, HistoryEntry};
pub use expiry::KeptRun;
pub use location::{Journal, Location, Passwords, PostgresUrl, SqliteFile};
pub use min_interval::{Asked, PastRegion};
pub use past_runs::{Attempt, ChartFilter, ChartSeries, KnownRegion, NO_LONGER, Period, SeriesRuns, VideoRank};

/// How long YouTube's terms let what was fetched with a key be kept ("Developer Policies", III.E.4).
pub const TERM: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A database that keeps runs. All of it is safe to call from several processes at once.
///
/// A question is asked for all regions at once, so that the time it takes does not depend on how many round trips
/// the server is away.
#[async_trait]
pub trait Backend: Send {
    /// Claims a request for this process, until it ends or the backend is closed; `false` where
    /// another process has it. A killed process holds nothing.
    async fn claim(&mut self, request: &str) -> Result<bool, HistoryError>;

    /// What became of the regions of the runs of a source and category, at least as deep as asked,
    /// that began at `since` or later.
    async fn past(&mut self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, HistoryError>;

    /// Keeps a run, in one transaction. `false` where a run of that id is there already; nothing changes then, unless
    /// its charts were deleted. Facts of a newer run are not overwritten, but of one that is dated later than `latest`,
    /// by a clock that was wrong.
    async fn store(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError>;

    /// The runs whose charts are kept.
    async fn kept(&mut self) -> Result<Vec<KeptRun>, HistoryError>;

    /// Notes that a run left charts that were too old.
    async fn note_left_old(&mut self, run_id: &str) -> Result<(), HistoryError>;

    /// Deletes the charts of a run, in one transaction.
    async fn delete_charts(&mut self, run: i64) -> Result<(), HistoryError>;

    /// Deletes a portion of what was last seen before `expired_before`: videos, their descriptions and presence.
    async fn delete_unseen(&mut self, expired_before: Timestamp) -> Result<Portion, HistoryError>;

    /// Deletes a portion of the log of runs that began before `before`, of those whose charts are deleted.
    async fn delete_log(&mut self, before: Timestamp) -> Result<Portion, HistoryError>;

    /// Deletes the log of runs that are dated after `latest` and whose charts are deleted, and takes `now` for what was
    /// first or last seen then.
    async fn forget_ahead(&mut self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError>;

    /// From now on there are only reads, and all see the history as the first of them does.
    async fn begin_snapshot(&mut self) -> Result<(), HistoryError>;

    /// The regions that were ever asked for, by code.
    async fn regions(&mut self) -> Result<Vec<KnownRegion>, HistoryError>;

    /// The newest whole charts that match, newest first.
    async fn newest(&mut self, filter: &ChartFilter) -> Result<Vec<Fetch>, HistoryError>;

    /// The places of each of these charts, by rank.
    async fn charts(&mut self, fetches: &[Fetch]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError>;

    /// Who stood where in each of these charts, by rank, down to the rank `depth`.
    async fn video_ranks(&mut self, fetches: &[Fetch], depth: u32) -> Result<Vec<Vec<VideoRank>>, HistoryError>;

    /// The sources and categories of the runs that began at `until` or before and whose charts are kept; that of
    /// the newest run first.
    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError>;

    /// The regions of the runs of a period, oldest run first, each by code.
    async fn attempts(&mut self, period: &Period) -> Result<Vec<Attempt>, HistoryError>;

    /// Bytes that the history takes.
    async fn size(&mut self) -> Result<u64, HistoryError>;

    /// Gives the room of what was deleted back; or says why some of it is not given back, and what to do.
    async fn give_room_back(&mut self) -> Result<Option<String>, HistoryError>;

    /// Gives the claim back and takes leave of the database. Once this is over, another process may claim the request.
    async fn close(self: Box<Self>);
}

/// The most rows of a table that are deleted at once.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
const PORTION: u32 = 20_000;

/// What was deleted at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Portion {
    /// The things that are counted: videos, or runs.
    pub count: u64,
    /// Whether there is no more to delete.
    pub is_last: bool,
}

/// Whether opening may create what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// For a run and for `load`.
    Create,
    /// For what changes a history that is there.
    Existing,
    /// For what only reads one.
    Read,
}

/// Opens a history, and brings its tables up to date under a lock.
///
/// # Errors
/// When it cannot be used: unreachable, locked, damaged, of a newer program, read-only.
pub async fn open(location: &Location, access: Access) -> Result<Box<dyn Backend>, HistoryError> {
    match location {
        #[cfg(feature = "sqlite")]
        Location::Sqlite(file) => Ok(Box::new(sqlite::Sqlite::open(file.clone(), access).await?)),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => Ok(Box::new(postgres::Postgres::open(url, access).await?)),
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        // `Location::parse` refuses what this build lacks.
        _ => {
            let _ = access;
            Err(HistoryError::new(location, "this trendfetch was built without it", "build it with its feature"))
        }
    }
}

/// A history that cannot be used. The sentence names it, without its password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot use the history {place}: {why}; {remedy}")]
pub struct HistoryError {
    place: String,
    why: String,
    remedy: Cow<'static, str>,
}

impl HistoryError {
    /// What, why, and what to do.
    pub(crate) fn new(
        place: impl fmt::Display,
        why: impl fmt::Display,
        remedy: impl Into<Cow<'static, str>>,
    ) -> HistoryError {
        HistoryError { place: place.to_string(), why: why.to_string(), remedy: remedy.into() }
    }

    #[cfg(any(feature = "sqlite", feature = "postgres"))]
    fn newer(place: impl fmt::Display, theirs: usize, ours: usize) -> HistoryError {
        HistoryError::new(
            place,
            format_args!("its tables are version {theirs}, and this trendfetch knows versions up to {ours}"),
            "install the newer trendfetch that wrote it; nothing was changed",
        )
    }
}
