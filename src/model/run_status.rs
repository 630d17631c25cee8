//! How a run ended, decided in one place.

use super::{Document, RegionStats, Status};
use crate::model::error::ErrorKind;

/// How a run ended, as far as its document says. The exit status, the `outcome` of the log's last line and the status in
/// the history's table `runs` are derived from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunStatus {
    /// `ok` or `failed` if all regions are, otherwise `partial`.
    pub regions: Status,
    pub has_videos: bool,
    /// The key was refused, or its quota or `--max-units` is spent.
    pub is_refused: bool,
    /// A signal ended the run.
    pub is_interrupted: bool,
}

impl RunStatus {
    pub fn of(document: &Document) -> RunStatus {
        RunStatus::of_rows(document.stats.regions.iter(), !document.videos.is_empty())
    }

    /// How the charts of these rows ended.
    pub(super) fn of_rows<'a>(rows: impl Iterator<Item = &'a RegionStats> + Clone, has_videos: bool) -> RunStatus {
        let all_have = |status: &Status| rows.clone().all(|row| row.status == *status);
        let has_error = |kinds: &[ErrorKind]| {
            rows.clone().any(|row| row.error.as_ref().is_some_and(|error| kinds.contains(&error.kind)))
        };
        RunStatus {
            regions: [Status::Ok, Status::Failed].into_iter().find(all_have).unwrap_or(Status::Partial),
            has_videos,
            is_refused: has_error(&[ErrorKind::KeyRejected, ErrorKind::QuotaExceeded, ErrorKind::Budget]),
            is_interrupted: has_error(&[ErrorKind::Cancelled]),
        }
    }

    /// Whether every region's chart is whole.
    pub fn is_whole(self) -> bool {
        self.regions == Status::Ok
    }
}
