//! The exit status. Its table is printed by `--help` and the man page, and repeated in the README.

use std::process::ExitCode;

use crate::model::RunStatus;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
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
    /// 75, EX_TEMPFAIL: another run of the same request is using the same history.
    Busy,
    /// 128 + the signal's number.
    Signal(u8),
}

/// Code and meaning, for people.
pub const TABLE: &[(&str, &str)] = &[
    ("0", "every region was fetched and every output was written; or the run was not due (--min-interval)"),
    ("1", "nothing usable: no video arrived, or an output or the history cannot be used"),
    ("2", "the command line or an environment value is malformed, or there is no key; nothing was sent"),
    ("3", "partial: at least one region failed or is incomplete; what arrived is written"),
    ("4", "YouTube refused the key, or its quota or --max-units is spent; what arrived is written"),
    ("75", "another run of the same request is using this history, so nothing was sent for it"),
    ("128+N", "ended by signal N; no half-written file, no half-stored run"),
];

/// Which status counts if several apply.
pub const PRECEDENCE: &str =
    "If several apply, the first counts: a signal, 2, 75, an output or a history that cannot be used, 4, no video, 3.";

impl ExitStatus {
    /// The first that applies: a failed output, a refusal that ended the run, no video, something missing.
    pub fn of(run: RunStatus, is_output_failed: bool) -> ExitStatus {
        match run {
            _ if is_output_failed => ExitStatus::Failed,
            RunStatus { is_refused: true, .. } => ExitStatus::Refused,
            RunStatus { has_videos: false, .. } => ExitStatus::Failed,
            run if !run.is_whole() => ExitStatus::Partial,
            _ => ExitStatus::Complete,
        }
    }

    pub fn code(self) -> u8 {
        match self {
            ExitStatus::Complete => 0,
            ExitStatus::Failed => 1,
            ExitStatus::Usage => 2,
            ExitStatus::Partial => 3,
            ExitStatus::Refused => 4,
            ExitStatus::Busy => 75,
            ExitStatus::Signal(number) => 128 + number,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(exit: ExitStatus) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
