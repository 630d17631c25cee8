//! The lock of a request: a locked file beside the history, for as long as the run lasts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::support::file_lock;

/// A held lock. It is released when this is dropped, or when the process ends.
pub(super) struct RequestLock {
    path: PathBuf,
    _file: fs::File,
}

impl RequestLock {
    /// Takes the lock. `None` if another process holds it.
    ///
    /// # Errors
    /// When no file can be created beside the history.
    pub(super) fn try_acquire(history: &Path, request: &str) -> io::Result<Option<RequestLock>> {
        let path = lock_path(history, request)?;
        Ok(file_lock::try_lock(&path)?.map(|file| RequestLock { path, _file: file }))
    }
}

impl Drop for RequestLock {
    fn drop(&mut self) {
        // A file that stays does no harm: no process holds its lock.
        let _ = fs::remove_file(&self.path);
    }
}

/// Beside the file that symbolic links lead to, so that every path to the history finds the same lock.
fn lock_path(history: &Path, request: &str) -> io::Result<PathBuf> {
    let mut name = fs::canonicalize(history)?.into_os_string();
    name.push(format!("-run-{}", file_lock::fnv1a_hex(request.as_bytes())));
    Ok(PathBuf::from(name))
}
