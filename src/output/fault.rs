//! Why an output cannot be written, and what to do about it.

use std::fmt;
use std::io;

use crate::support::time_limit::Interruption;

/// An output that cannot be written. The sentence names it.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {place}: {fault}")]
pub struct OutputError {
    place: String,
    fault: Fault,
}

impl OutputError {
    /// `place` follows "cannot write": a path, or "to standard output".
    pub(super) fn new(place: impl fmt::Display, fault: Fault) -> OutputError {
        OutputError { place: place.to_string(), fault }
    }
}

/// The cause, and the remedy: `No space left on device (os error 28); make room`.
#[derive(Debug)]
pub(super) struct Fault {
    why: String,
    remedy: &'static str,
}

impl Fault {
    pub(super) fn new(why: impl fmt::Display, remedy: &'static str) -> Fault {
        Fault { why: why.to_string(), remedy }
    }

    /// A file that is replaced as a whole.
    pub(super) fn of_file(error: io::Error) -> Fault {
        Fault::new(&error, remedy(error.kind()).unwrap_or("an old file there is as it was"))
    }

    /// What is written in place: a device, a pipe, an open descriptor.
    pub(super) fn of_stream(error: io::Error) -> Fault {
        Fault::new(&error, "what it holds may be incomplete")
    }

    /// A file of which writing had not ended by the end of the run.
    pub(super) fn of_unfinished_file(why: Interruption) -> Fault {
        Fault::new(
            format_args!("it was not done when {why} ended the run"),
            "a regular file there is whole, old or new",
        )
    }

    /// The same of what is written in place.
    pub(super) fn of_unfinished_stream(why: Interruption) -> Fault {
        Fault::new(format_args!("it was not done when {why} ended the run"), "what it holds may be incomplete")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.why, self.remedy)
    }
}

fn remedy(kind: io::ErrorKind) -> Option<&'static str> {
    Some(match kind {
        io::ErrorKind::NotFound => "create the folder first",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose a folder that you may write to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room; the old file is as it was",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (ulimit -f); the old file is as it was",
        io::ErrorKind::IsADirectory => "name a file in it",
        io::ErrorKind::NotADirectory => "a part of its path is a file; name another",
        io::ErrorKind::InvalidFilename => "choose a shorter name",
        _ => return None,
    })
}
