//! A request's lock: a file beside the history, held for as long as the run lasts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::support::file_lock;

/// The lock. It ends when this is dropped, or with the process.
pub(super) struct RequestLock {
    path: PathBuf,
    _file: fs::File,
}

impl RequestLock {
    /// Takes it; `None` where another process has it.
    ///
    /// # Errors
    /// When no file can be made beside the history.
    pub(super) fn take(history: &Path, request: &str) -> io::Result<Option<RequestLock>> {
        let path = path(history, request)?;
        Ok(file_lock::try_lock(&path)?.map(|file| RequestLock { path, _file: file }))
    }
}

impl Drop for RequestLock {
    fn drop(&mut self) {
        // A leftover does no harm: its lock is free.
        let _ = fs::remove_file(&self.path);
    }
}

/// Beside the file that all links lead to, so that every way to it finds the same lock.
fn path(history: &Path, request: &str) -> io::Result<PathBuf> {
    let mut name = fs::canonicalize(history)?.into_os_string();
    name.push(format!("-run-{}", file_lock::fnv1a_hex(request.as_bytes())));
    Ok(PathBuf::from(name))
}
