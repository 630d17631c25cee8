//! Descriptors that the program was started with: standard output, or what `/dev/fd/3` names.
//!
//! Such a path stands for the open descriptor. Opening the path of a log that is appended to, or replacing it, would
//! lose what the log holds; a socket cannot be opened at all.

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

use super::fault::Fault;
use super::file::{folder_of, links};
use super::{Out, stream};

const STDOUT: RawFd = 1;
const STDERR: RawFd = 2;

/// Duplicates get numbers from here on, so that a number below still means what the program was started with.
const OUR_OWN: RawFd = 64;

/// An open descriptor, duplicated: it shares its place in the file, and whether it appends, with the one that it is of.
#[derive(Debug, Clone)]
pub struct Descriptor {
    number: RawFd,
    /// `None` where the number is not open.
    file: Option<Arc<File>>,
}

impl Descriptor {
    /// Standard output.
    pub fn stdout() -> Descriptor {
        Descriptor::of(STDOUT)
    }

    /// Standard error.
    pub(super) fn stderr() -> Descriptor {
        Descriptor::of(STDERR)
    }

    /// The descriptor that a path stands for: `-`, `/dev/stdout`, `/dev/fd/N`, `/proc/self/fd/N`, and links to these.
    /// To be called before anything else is opened: later, a number may be that of a file of ours.
    pub fn named_by(path: &Path) -> Option<Descriptor> {
        if path.as_os_str() == "-" {
            return Some(Descriptor::stdout());
        }
        links(path).find_map(|path| number_of(&path)).map(Descriptor::of)
    }

    fn of(number: RawFd) -> Descriptor {
        // The library takes a bare number; the standard library does so only in unsafe code.
        let duplicate = OwnedHandle::dup(&number).map_err(io::Error::other).and_then(|low| {
            let high = fcntl_dupfd_cloexec(&low, OUR_OWN);
            // A limit on open files may be lower.
            high.or_else(|_| fcntl_dupfd_cloexec(&low, 0)).map_err(io::Error::from)
        });
        Descriptor { number, file: duplicate.ok().map(|owned| Arc::new(File::from(owned))) }
    }

    /// Its number in this process.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// Whether this is standard output.
    pub fn is_stdout(&self) -> bool {
        self.number == STDOUT
    }

    /// Whether a person sees what is written there.
    pub fn is_terminal(&self) -> bool {
        self.file.as_ref().is_some_and(|file| file.is_terminal())
    }

    /// The terminal there, for its width.
    pub(super) fn term(&self) -> Option<Term> {
        match self.number {
            STDOUT => Some(Term::stdout()),
            STDERR => Some(Term::stderr()),
            _ => None,
        }
    }

    /// Whether it writes into the file that a path leads to.
    pub fn leads_to(&self, path: &Path) -> bool {
        let here = self.file.as_ref().and_then(|file| file.metadata().ok());
        let (Some(here), Ok(there)) = (here, fs::metadata(path)) else { return false };
        here.is_file() && (here.dev(), here.ino()) == (there.dev(), there.ino())
    }

    /// Finds out whether data can be written there, without writing.
    ///
    /// # Errors
    /// When it is closed, or open for reading only.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let file = self.file()?;
        match fcntl_getfl(file).map(|flags| flags & OFlags::ACCMODE) {
            Ok(OFlags::RDONLY) => Err(Fault::new("it is open for reading only", "redirect it to a file or a program")),
            Err(error) => Err(Fault::of_stream(error.into())),
            Ok(_) => Ok(()),
        }
    }

    /// Finds out whether anybody can receive data there.
    ///
    /// Rust opens `/dev/null` for reading and writing in place of a standard descriptor that is closed. A shell opens it
    /// for writing alone, but some programs that start others do as Rust does (Python's `DEVNULL`, Node's `ignore`), and
    /// nothing tells those from `>&-`. In all these cases the data would be lost, which asking for it contradicts.
    ///
    /// # Errors
    /// When it is such a `/dev/null`, or as for [`Descriptor::check`].
    pub(super) fn check_for_data(&self) -> Result<(), Fault> {
        self.check()?;
        let file = self.file()?;
        let mode = fcntl_getfl(file).map_or(OFlags::empty(), |flags| flags & OFlags::ACCMODE);
        if self.number <= STDERR && mode == OFlags::RDWR && is_null(file) {
            return Err(Fault::new(
                "it is closed, or discards what it gets",
                "do not ask for data there, or redirect it to a file or a program",
            ));
        }
        Ok(())
    }

    /// Writes to it. A closed pipe is no error.
    ///
    /// # Errors
    /// Any other fault. What came before it is written.
    pub(super) fn write(&self, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), Fault> {
        stream::write_to(self.file()?, content)
    }

    /// Writes a line where that does not block: a full pipe must not keep the process from ending. Nothing can be done
    /// about a descriptor that is gone.
    pub(super) fn write_unless_full(&self, line: &str) {
        if let Some(mut file) = self.file.as_deref()
            && stream::takes_more(file)
        {
            let _ = file.write_all(line.as_bytes());
        }
    }

    fn file(&self) -> Result<&File, Fault> {
        self.file.as_deref().ok_or_else(|| Fault::new("no such descriptor is open", "redirect it, as in 3>FILE"))
    }
}

impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            STDOUT => f.write_str("standard output"),
            STDERR => f.write_str("standard error"),
            number => write!(f, "descriptor {number}"),
        }
    }
}

/// The number of a descriptor of this process, where a path is that of an entry in the folder of its descriptors.
fn number_of(path: &Path) -> Option<RawFd> {
    let name = path.file_name()?.to_str()?;
    if !name.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let folder = fs::canonicalize(folder_of(path)).ok()?;
    lists_descriptors(&folder).then(|| name.parse().ok())?
}

fn lists_descriptors(folder: &Path) -> bool {
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
