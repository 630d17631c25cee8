//! Why an output cannot be written, and the remedy.

use std::fmt;
use std::io;

use crate::bucket::BucketError;
use crate::support::time_limit::Interruption;

/// An output that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {target}: {error}")]
pub struct OutputError {
    target: String,
    error: WriteError,
}

impl OutputError {
    /// `target` follows "cannot write": a path, or "to standard output".
    pub(super) fn new(target: impl fmt::Display, error: WriteError) -> OutputError {
        OutputError { target: target.to_string(), error }
    }
}

/// The cause, and after the semicolon the remedy.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// An error while writing a file that is replaced as a whole.
    #[error("{}; {}", .0, file_remedy(.0))]
    File(io::Error),
    #[error("its name is that of a folder; name a file in it")]
    FolderName,
    #[error("it is a folder; name a file in it")]
    Folder,
    #[error("it has no file name; name a file in it")]
    NoFileName,
    #[error("names that end in .trendfetch-tmp are those of temporary files; choose another name")]
    TemporaryName,
    #[error("it is a mount point, which cannot be replaced; mount its folder instead")]
    MountPoint,
    #[error(
        "the file there may not be replaced: it is immutable, or another user's in a sticky folder; choose another name"
    )]
    Irreplaceable,
    #[error("it was not done when {0} ended the run; a regular file or an object there is whole, old or new")]
    UnfinishedFile(Interruption),

    /// An error of object storage.
    #[error("{0}")]
    Object(#[from] BucketError),

    /// An error while writing a descriptor, pipe or device, which is written in place.
    #[error("{0}; what it holds may be incomplete")]
    Stream(io::Error),
    #[error("it is a socket, which cannot be opened; name a file, or a FIFO")]
    Socket,
    #[error("no such descriptor is open; redirect it, as in 3>FILE")]
    NotOpen,
    #[error("it is open for reading only; redirect it to a file or a program")]
    ReadOnly,
    #[error("it is closed, or discards what it gets; do not ask for data there, or redirect it to a file or a program")]
    Discards,
    #[error("it was not done when {0} ended the run; what it holds may be incomplete")]
    UnfinishedStream(Interruption),
}

fn file_remedy(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "create the folder first",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "choose a folder that you may write to",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room; the old file is as it was",
        io::ErrorKind::FileTooLarge => "raise the limit on the size of files (ulimit -f); the old file is as it was",
        io::ErrorKind::IsADirectory => "name a file in it",
        io::ErrorKind::NotADirectory => "a part of its path is a file; name another",
        io::ErrorKind::InvalidFilename => "choose a shorter name",
        _ => "an old file there is as it was",
    }
}
