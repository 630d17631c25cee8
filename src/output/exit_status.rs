//! How a run ended, as a number for scripts. The table here is what `--help`, the man page and the README print.

use std::process::ExitCode;

use crate::model::error::Kind;
use crate::model::Report;

/// The exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: every region answered, every output is written.
    Complete,
    /// 1: nothing usable, or an output or the history cannot be used.
    Failed,
    /// 2: the command line or the environment is malformed; nothing was sent.
    Usage,
    /// 3: at least one region failed or is incomplete.
    Partial,
    /// 4: the key was refused, or its quota or `--max-units` is spent.
    Refused,
    /// 75: another run of the same request is at work on the same history.
    Busy,
    /// 128 + the signal's number.
    Signal(u8),
}

/// Code and meaning, for people.
pub const TABLE: &[(&str, &str)] = &[
    ("0", "every region answered, every output asked for is written; or the run was not due (--min-interval)"),
    ("1", "nothing usable: no video arrived, or an output or the history cannot be used"),
    ("2", "the command line or an environment value is malformed, or there is no key; nothing was sent"),
    ("3", "partial: at least one region failed or is incomplete; what arrived is written"),
    ("4", "YouTube refused the key, or its quota or --max-units is spent; what arrived is written"),
    ("75", "another run of the same request is at work on this history; nothing was sent"),
    ("128+N", "ended by signal N; no half-written file, no half-stored run"),
];

impl Exit {
    /// The first that applies: a failed output, a refusal that ended the batch, nothing at all, something missing.
    pub fn of(report: &Report, output_failed: bool) -> Exit {
        let failed = |kinds: &[Kind]| {
            report.stats.regions.iter().filter_map(|row| row.error.as_ref()).any(|error| kinds.contains(&error.kind))
        };
        if output_failed {
            Exit::Failed
        } else if failed(&[Kind::KeyRejected, Kind::QuotaExceeded, Kind::Budget]) {
            Exit::Refused
        } else if report.videos.is_empty() {
            Exit::Failed
        } else if !report.stats.regions_failed.is_empty() {
            Exit::Partial
        } else {
            Exit::Complete
        }
    }

    /// The number.
    pub fn code(self) -> u8 {
        match self {
            Exit::Complete => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Partial => 3,
            Exit::Refused => 4,
            Exit::Busy => 75,
            Exit::Signal(number) => 128 + number,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
