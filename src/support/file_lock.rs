//! Lock files that do not outlive their process.
//!
//! The kernel releases the lock when the process ends, so a lock file whose lock is free is stale. Only the process that
//! holds the lock of the file at a path may remove or rename it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The 64-bit FNV-1a hash as 16 hexadecimal digits. It becomes part of file names, so every version of the program must
/// compute the same one.
pub(crate) fn fnv1a_hex(text: &[u8]) -> String {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", text.iter().fold(0xcbf2_9ce4_8422_2325, step))
}

/// Creates and locks the file, replacing a stale one; waits while another process holds it.
///
/// # Errors
/// If it cannot be created, or something that is not a regular file is there.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let locked = create_with(path, |file| file.lock().map(|()| true))?;
    // A blocking lock is granted or fails above.
    Ok(locked.ok_or(io::ErrorKind::WouldBlock)?)
}

/// Like [`lock`], but returns `None` if another process holds the file.
///
/// # Errors
/// As [`lock`].
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<File>> {
    create_with(path, |file| match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    })
}

fn create_with(path: &Path, lock: impl Fn(&File) -> io::Result<bool>) -> io::Result<Option<File>> {
    loop {
        let (file, is_stale) = match OpenOptions::new().write(true).create_new(true).open(path) {
            Ok(file) => (file, false),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match open_stale(path) {
                Ok(file) => (file, true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            },
            Err(error) => return Err(error),
        };
        if !lock(&file)? {
            return Ok(None);
        }
        // While this process waited, the file may have been renamed or removed, and another created.
        if !is_at(&file, path) {
            continue;
        }
        if !is_stale {
            return Ok(Some(file));
        }
        fs::remove_file(path)?;
    }
}

/// Opens a regular file only: in a folder that others can write to, opening a FIFO would block, and a link could lead
/// anywhere.
fn open_stale(path: &Path) -> io::Result<File> {
    if fs::symlink_metadata(path)?.is_file() {
        return File::open(path);
    }
    Err(io::Error::other(format!("{} is in the way and is not a regular file; remove it", path.display())))
}

fn is_at(file: &File, path: &Path) -> bool {
    let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
    fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|ours| identity(ours) == identity(there)))
}
