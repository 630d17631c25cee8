//! Outputs that are written in place: open descriptors, pipes and devices.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Access, AtFlags, CWD, OFlags, accessat, fcntl_getfl, fcntl_setfl};
use rustix::io::Errno;

use super::Out;
use super::error::WriteError;

/// Checks that the pipe or device at `path` can be written to, without opening it: a reader of the pipe would see the end
/// of the data when it is closed again, and opening a device may have an effect.
///
/// # Errors
/// If it cannot be written to.
pub(super) fn check(path: &Path) -> Result<(), WriteError> {
    if fs::metadata(path).is_ok_and(|there| there.file_type().is_socket()) {
        return Err(WriteError::Socket);
    }
    accessat(CWD, path, Access::WRITE_OK, AtFlags::EACCESS).map_err(|error| WriteError::File(error.into()))
}

/// Writes to the pipe or device at `path`.
///
/// # Errors
/// If opening or writing fails; a part may be written then.
pub(super) fn write(path: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), WriteError> {
    let file = open(path).map_err(WriteError::Stream)?;
    write_to(&file, content)
}

/// Opens the pipe or device. Opening a FIFO blocks until another process reads it.
fn open(path: &Path) -> io::Result<File> {
    // A terminal must not become the controlling terminal of this process.
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

/// Writes to an open file. A closed pipe is not an error: its reader, such as `head`, has read enough.
///
/// # Errors
/// If writing fails otherwise; a part may be written then.
pub(super) fn write_to(file: &File, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), WriteError> {
    let mut blocking = Blocking(file);
    let mut buffered = Out::with_capacity(1 << 16, &mut blocking);
    let written = content(&mut buffered).and_then(|()| buffered.flush());
    // After an error, dropping the writer would try again to write its buffer.
    let _ = buffered.into_parts();
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(WriteError::Stream),
    }
}

/// Whether it can be written to without blocking, now or within a moment.
pub(super) fn is_ready(file: &File) -> bool {
    const MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    // What cannot be polled does not block.
    poll(&mut [PollFd::new(file, PollFlags::OUT)], Some(&MOMENT)).map_or(true, |ready| ready > 0)
}

/// A writer that blocks even if the other process has set their shared pipe to non-blocking mode.
struct Blocking<'a>(&'a File);

impl Write for Blocking<'_> {
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
