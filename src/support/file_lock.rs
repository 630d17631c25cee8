//! A file that one process at a time holds, and that a killed one does not keep.
//!
//! The lock dies with its process, so a leftover is known by its lock being free. Only who holds the
//! lock of the very file that lies there may remove or rename it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Part of a file's name, of 16 characters, that stands for a text of any length: FNV-1a, 64 bits, which every version of
/// the program makes alike.
pub(crate) fn hash(text: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// Creates the file, or takes over a leftover's place, and waits for whoever holds it.
///
/// # Errors
/// When it cannot be made, or something that is no file lies there.
pub(crate) fn wait_for(path: &Path) -> io::Result<File> {
    let claimed = claim(path, |file| file.lock().map(|()| true))?;
    // A lock that is waited for comes, or fails above.
    Ok(claimed.ok_or(io::ErrorKind::WouldBlock)?)
}

/// The same without waiting: `None` where another process holds it.
///
/// # Errors
/// As above.
pub(crate) fn try_now(path: &Path) -> io::Result<Option<File>> {
    claim(path, |file| match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    })
}

fn claim(path: &Path, lock: impl Fn(&File) -> io::Result<bool>) -> io::Result<Option<File>> {
    loop {
        let (file, is_leftover) = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match open_leftover(path) {
                Ok(file) => (file, true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        if !lock(&file)? {
            return Ok(None);
        }
        // While this one waited, the file may have been renamed or removed, and another put there.
        if !lies_at(&file, path) {
            continue;
        }
        if !is_leftover {
            return Ok(Some(file));
        }
        fs::remove_file(path)?;
    }
}

/// Opens what lies there, if it can be a leftover: in a folder that others write to, a pipe would
/// make the program wait, and a link lead it elsewhere.
fn open_leftover(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::other(format!("{} is in the way, and no file; remove it", path.display())))
}

fn lies_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|ours| identity(ours) == identity(there)))
}
