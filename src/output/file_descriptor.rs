//! File descriptors that the program inherited: standard output, or the one that `/dev/fd/3` names.
//!
//! Such a path stands for the open descriptor itself. If the path were opened or replaced instead, a log opened for
//! appending would lose its content, and a socket could not be opened at all.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::os::fd::RawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use console::Term;
use filedescriptor::OwnedHandle;
use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::fcntl_dupfd_cloexec;

use super::error::WriteError;
use super::file::{folder_of, links};
use super::{Out, stream};
use crate::support::path::is_dash;

const STDOUT: RawFd = 1;
const STDERR: RawFd = 2;

/// Duplicates get numbers from here on, so that a lower number still means the inherited descriptor.
const FIRST_DUPLICATE: RawFd = 64;

/// A duplicate of an inherited descriptor. Both share the position in the file, and whether they append.
#[derive(Debug, Clone)]
pub struct FileDescriptor {
    number: RawFd,
    /// `None` if the number is not open.
    file: Option<Arc<File>>,
}

impl FileDescriptor {
    pub fn stdout() -> FileDescriptor {
        FileDescriptor::duplicate(STDOUT)
    }

    pub(super) fn stderr() -> FileDescriptor {
        FileDescriptor::duplicate(STDERR)
    }

    /// The descriptor that a path stands for: `-`, `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`, and links to these.
    ///
    /// Must be called before the program opens any file, which could get the number in question.
    pub fn from_path(path: &Path) -> Option<FileDescriptor> {
        if is_dash(path) {
            return Some(FileDescriptor::stdout());
        }
        links(path).find_map(|path| number_of(&path)).map(FileDescriptor::duplicate)
    }

    fn duplicate(number: RawFd) -> FileDescriptor {
        // The crate accepts a bare number; the standard library needs unsafe code for that.
        let duplicate = OwnedHandle::dup(&number).map_err(io::Error::other).and_then(|low| {
            let high = fcntl_dupfd_cloexec(&low, FIRST_DUPLICATE);
            // The limit on open files may be lower.
            high.or_else(|_| fcntl_dupfd_cloexec(&low, 0)).map_err(io::Error::from)
        });
        FileDescriptor { number, file: duplicate.ok().map(|owned| Arc::new(File::from(owned))) }
    }

    pub fn number(&self) -> i32 {
        self.number
    }

    pub fn is_stdout(&self) -> bool {
        self.number == STDOUT
    }

    pub fn is_terminal(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_terminal())
    }

    /// The terminal of a standard stream, for its width.
    pub(super) fn term(&self) -> Option<Term> {
        match self.number {
            STDOUT => Some(Term::stdout()),
            STDERR => Some(Term::stderr()),
            _ => None,
        }
    }

    /// Whether it is open on the regular file at this path.
    pub fn is_open_on(&self, path: &Path) -> bool {
        let here = self.file.as_ref().and_then(|file| file.metadata().ok());
        let (Some(here), Ok(there)) = (here, fs::metadata(path)) else { return false };
        here.is_file() && (here.dev(), here.ino()) == (there.dev(), there.ino())
    }

    /// Checks, without writing, that it can be written to.
    ///
    /// # Errors
    /// If it is closed, or open for reading only.
    pub(super) fn check(&self) -> Result<(), WriteError> {
        let file = self.file()?;
        match fcntl_getfl(file).map(|flags| flags & OFlags::ACCMODE) {
            Ok(OFlags::RDONLY) => Err(WriteError::ReadOnly),
            Err(error) => Err(WriteError::Stream(error.into())),
            Ok(_) => Ok(()),
        }
    }

    /// Like [`FileDescriptor::check`], but also refuses a descriptor on which the data would be lost.
    ///
    /// Rust opens `/dev/null` for reading and writing in place of a closed standard descriptor. The `>/dev/null` of a
    /// shell is open for writing only, but some programs open it for both (Python's `DEVNULL`, Node's `ignore`), which
    /// cannot be distinguished from `>&-`.
    ///
    /// # Errors
    /// If it is such a `/dev/null`, or as for [`FileDescriptor::check`].
    pub(super) fn check_for_data(&self) -> Result<(), WriteError> {
        self.check()?;
        let file = self.file()?;
        let mode = fcntl_getfl(file).map_or(OFlags::empty(), |flags| flags & OFlags::ACCMODE);
        if self.number <= STDERR && mode == OFlags::RDWR && is_null(file) {
            return Err(WriteError::Discards);
        }
        Ok(())
    }

    /// Writes to it. A closed pipe is not an error.
    ///
    /// # Errors
    /// If writing fails otherwise; a part may be written then.
    pub(super) fn write(&self, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), WriteError> {
        stream::write_to(self.file()?, content)
    }

    /// Writes a line unless that would block: a full pipe must not keep the process from ending. Errors are ignored, since
    /// they could be reported nowhere.
    pub(super) fn write_if_ready(&self, line: &str) {
        if let Some(mut file) = self.file.as_deref()
            && stream::is_ready(file)
        {
            let _ = file.write_all(line.as_bytes());
        }
    }

    fn file(&self) -> Result<&File, WriteError> {
        self.file.as_deref().ok_or(WriteError::NotOpen)
    }
}

impl fmt::Display for FileDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            STDOUT => f.write_str("standard output"),
            STDERR => f.write_str("standard error"),
            number => write!(f, "descriptor {number}"),
        }
    }
}

/// The number of a descriptor, if the path is an entry of this process's descriptor folder.
fn number_of(path: &Path) -> Option<RawFd> {
    let name = path.file_name()?.to_str()?;
    if !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let folder = fs::canonicalize(folder_of(path)).ok()?;
    is_descriptor_folder(&folder).then(|| name.parse().ok())?
}

fn is_descriptor_folder(folder: &Path) -> bool {
    // Linux has `/proc/PID/fd` and `/proc/PID/task/TID/fd`, to which `/dev/fd` is a link; macOS has a folder `/dev/fd`.
    let Some(below) = fs::canonicalize("/proc/self").ok().and_then(|own| folder.strip_prefix(own).ok()) else {
        return folder == "/dev/fd";
    };
    let parts: Vec<_> = below.iter().filter_map(OsStr::to_str).collect();
    matches!(parts[..], ["fd"] | ["task", _, "fd"])
}

fn is_null(file: &File) -> bool {
    let (Ok(here), Ok(null)) = (file.metadata(), fs::metadata("/dev/null")) else { return false };
    here.file_type().is_char_device() && here.rdev() == null.rdev()
}
