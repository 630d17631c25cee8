//! What is written in place, byte after byte: open descriptors, pipes and devices.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::Out;
use super::fault::Fault;

/// Finds out whether the pipe or the device at `path` can be written to. It is not opened: a reader would take that for
/// the end of the data, and a device may do something.
///
/// # Errors
/// When it cannot.
pub(super) fn check(path: &Path) -> Result<(), Fault> {
    if fs::metadata(path).is_ok_and(|there| there.file_type().is_socket()) {
        return Err(Fault::new("it is a socket, which cannot be opened", "name a file, or a FIFO"));
    }
    accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).map_err(|error| Fault::of_file(error.into()))
}

/// Writes to the pipe or the device at `path`.
///
/// # Errors
/// Whatever goes wrong. What came before it is written.
pub(super) fn write(path: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), Fault> {
    let file = open(path).map_err(Fault::of_stream)?;
    write_to(&file, content)
}

/// Opens it, which waits until somebody reads a FIFO.
fn open(path: &Path) -> io::Result<File> {
    // A terminal does not become that of this process.
    let open = |flags: OFlags| {
        let flags = (flags | OFlags::NOCTTY).bits();
        OpenOptions::new().write(true).custom_flags(flags.cast_signed()).open(path)
    };
    if !fs::metadata(path)?.file_type().is_fifo() {
        return open(OFlags::empty());
    }
    match open(OFlags::NONBLOCK) {
        Ok(file) => {
            fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
            Ok(file)
        }
        Err(error) if Errno::from_io_error(&error) == Some(Errno::NXIO) => {
            tracing::warn!("waiting for a program that reads {}", path.display());
            open(OFlags::empty())
        }
        Err(error) => Err(error),
    }
}

/// Writes to an open file. That nobody reads any more is no error: `head` has what it wants.
///
/// # Errors
/// Any other fault. What came before it is written.
pub(super) fn write_to(file: &File, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), Fault> {
    let mut patient = Patient(file);
    let mut buffered = Out::with_capacity(1 << 16, &mut patient);
    let written = content(&mut buffered).and_then(|()| buffered.flush());
    // What is still buffered after a fault has nowhere to go; dropping the writer would try again.
    let _ = buffered.into_parts();
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Fault::of_stream),
    }
}

/// Whether a line can be written without blocking, or can be within a moment.
pub(super) fn takes_more(file: &File) -> bool {
    const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    // What cannot be waited for does not block either.
    poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&MOMENT)).map_or(true, |ready| ready > 0)
}

/// Waits where the other side has set the pipe to non-blocking mode, which is then so for this side too.
struct Patient<'a>(&'a File);

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(self.0, PollFlags::OUT)], None)?;
                }
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
