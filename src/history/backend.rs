//! The interface that both databases implement, and [`open`].

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;

#[cfg(feature = "postgres")]
use super::postgres::Postgres;
use super::records::{
    AbsentChart, ChartFilter, ChartRef, HistoryEntry, KeptRun, Period, RegionAttempt, RequestedRegion, RunFilter,
    SeriesRuns, StoredRun, VideoRank, VideoRecord,
};
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;
use super::{HistoryError, Location};
use crate::model::Document;
use crate::model::region::Region;

/// A database that stores runs. Several processes may use it at once.
///
/// Each method handles all regions in one call, so that its time does not grow with the round trips to a distant
/// server.
#[async_trait]
pub trait Backend: Send {
    /// Locks requests for this process until it ends, or until they are unlocked or the backend is closed. Returns for
    /// each whether it is locked now; otherwise another process holds the lock. The locks of a killed process are
    /// released.
    async fn lock_requests(&mut self, requests: &[String]) -> Result<Vec<bool>, HistoryError>;

    /// Releases the locks of these requests.
    async fn unlock_requests(&mut self, requests: &[String]) -> Result<(), HistoryError>;

    /// Stores a run in one transaction. Returns `false`, and changes nothing, if the history has a run of that id whose
    /// charts are not deleted. Facts from a newer run are not overwritten, unless that run is dated after `latest`,
    /// which only a wrong clock can have caused.
    async fn record(&mut self, document: &Arc<Document>, latest: Option<Timestamp>) -> Result<bool, HistoryError>;

    /// The runs whose charts are kept.
    async fn kept_runs(&mut self) -> Result<Vec<KeptRun>, HistoryError>;

    /// Notes that runs did not delete the expired charts that they found.
    async fn note_left_expired(&mut self, run_ids: &[&str]) -> Result<(), HistoryError>;

    /// Deletes the charts of a run in one transaction.
    async fn delete_charts(&mut self, run: i64) -> Result<(), HistoryError>;

    /// Deletes a batch of the videos, descriptions and presence that were last seen before `expired_before`.
    async fn delete_unseen(&mut self, expired_before: Timestamp) -> Result<Batch, HistoryError>;

    /// Deletes a batch of the log: runs that began before `before` and whose charts are deleted.
    async fn delete_log(&mut self, before: Timestamp) -> Result<Batch, HistoryError>;

    /// Deletes the log of runs that are dated after `latest` and whose charts are deleted, and sets first and last
    /// sightings that are dated after `latest` to `now`.
    async fn repair_future_dates(&mut self, latest: Timestamp, now: Timestamp) -> Result<(), HistoryError>;

    /// Makes this backend read-only: all further reads see the history as the first of them does.
    async fn begin_snapshot(&mut self) -> Result<(), HistoryError>;

    /// The regions that were ever requested, by code.
    async fn requested_regions(&mut self) -> Result<Vec<RequestedRegion>, HistoryError>;

    /// The newest complete charts that match, newest first.
    async fn newest_charts(&mut self, filter: &ChartFilter) -> Result<Vec<ChartRef>, HistoryError>;

    /// The entries of each of these charts, by rank.
    async fn chart_entries(&mut self, charts: &[ChartRef]) -> Result<Vec<Vec<HistoryEntry>>, HistoryError>;

    /// The ranks of the videos of each of these charts, by rank, down to `max_rank`.
    async fn video_ranks(&mut self, charts: &[ChartRef], max_rank: u32) -> Result<Vec<Vec<VideoRank>>, HistoryError>;

    /// For each list, which has charts of one region and series, oldest first, and at least one: the records of the
    /// videos in its last chart, in no particular order.
    async fn video_records(&mut self, charts: &[Vec<ChartRef>]) -> Result<Vec<Vec<VideoRecord>>, HistoryError>;

    /// The series that have runs which began at `until` or before and whose charts are kept; the series of the newest
    /// run comes first.
    async fn series(&mut self, until: Timestamp) -> Result<Vec<SeriesRuns>, HistoryError>;

    /// The charts of categories that a source did not have when they were last requested, in the time from `since` to
    /// `until`. The charts of all categories are not among them.
    async fn absent_charts(
        &mut self,
        source: &str,
        since: Timestamp,
        until: Timestamp,
    ) -> Result<Vec<AbsentChart>, HistoryError>;

    /// The regions of the runs of a period, oldest run first, each by code.
    async fn region_attempts(&mut self, period: &Period) -> Result<Vec<RegionAttempt>, HistoryError>;

    /// The runs that match, oldest first; of runs that began together, that of all categories first.
    async fn stored_runs(&mut self, filter: &RunFilter) -> Result<Vec<StoredRun>, HistoryError>;

    /// The document of each of these runs, with only these regions if there is a list. Ranks, counts and outcomes are
    /// those of the run, all else about a video is as last seen. What the history does not store is empty: the overlap
    /// of regions, and descriptions unless `description` asks for them.
    async fn run_documents(
        &mut self,
        runs: &[StoredRun],
        regions: Option<&[Region]>,
        description: bool,
    ) -> Result<Vec<Document>, HistoryError>;

    /// The size of the history in bytes.
    async fn size(&mut self) -> Result<u64, HistoryError>;

    /// Gives the space of deleted rows back to the system. If not all of it could be given back, returns why and what
    /// to do.
    async fn vacuum(&mut self) -> Result<Option<String>, HistoryError>;

    /// Releases all locks and closes the database. Another process can lock the requests as soon as this returns.
    async fn close(self: Box<Self>);
}

/// The most rows of a table that one transaction deletes.
#[cfg(any(feature = "sqlite", feature = "postgres"))]
pub(super) const BATCH_SIZE: u32 = 20_000;

/// What one transaction deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// Deleted videos or runs; other rows are not counted.
    pub count: u64,
    pub is_last: bool,
}

/// What a history is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Writing; a history that does not exist is created.
    Create,
    /// Writing into a history that exists.
    Modify,
    Read,
}

/// Opens a history, and brings its tables up to date under a lock.
///
/// # Errors
/// When it cannot be used: it is unreachable, locked, damaged, read-only, or of a newer version.
pub async fn open(location: &Location, access: Access) -> Result<Box<dyn Backend>, HistoryError> {
    match location {
        #[cfg(feature = "sqlite")]
        Location::Sqlite(file) => Ok(Box::new(Sqlite::open(file.clone(), access).await?)),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => Ok(Box::new(Postgres::open(url, access).await?)),
        #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
        // `Location::parse` refuses what this build lacks.
        _ => {
            let _ = access;
            Err(HistoryError::new(location, "this trendfetch was built without it", "build it with its feature"))
        }
    }
}
