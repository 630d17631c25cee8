//! How a run ended, decided in one place.

use super::{Document, Status};
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
        let rows = &document.stats.regions;
        let all_have = |status: &Status| rows.iter().all(|row| row.status == *status);
        let has_error = |kinds: &[ErrorKind]| {
            rows.iter().any(|row| row.error.as_ref().is_some_and(|error| kinds.contains(&error.kind)))
        };
        RunStatus {
            regions: [Status::Ok, Status::Failed].into_iter().find(all_have).unwrap_or(Status::Partial),
            has_videos: !document.videos.is_empty(),
            is_refused: has_error(&[ErrorKind::KeyRejected, ErrorKind::QuotaExceeded, ErrorKind::Budget]),
            is_interrupted: has_error(&[ErrorKind::Cancelled]),
        }
    }

    /// Whether every region's chart is whole.
    pub fn is_whole(self) -> bool {
        self.regions == Status::Ok
    }
}
