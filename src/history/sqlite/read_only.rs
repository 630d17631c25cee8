//! Opens a file that this user may read but not write.
//!
//! With a write-ahead log, SQLite writes even to read: the index of the log is shared memory in a file ("Write-Ahead
//! Logging", "Read-Only Databases"). Here no file is created beside the history, since its owner could not write that
//! file, and what is still only in the log is read too.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use url::Url;

use super::open::OpenedFile;

/// Whether SQLite can work on a file as usual: write it, and create files beside it.
pub(super) fn may_write(path: &Path) -> bool {
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    may(&file, Access::WRITE_OK) && file.parent().is_some_and(|folder| may(folder, Access::WRITE_OK | Access::EXEC_OK))
}

/// Notices changes of a file that was opened as immutable, without locks.
pub(super) struct ChangeDetector {
    path: PathBuf,
    before: FileState,
}

/// Inode, length, and time of the last change.
type FileState = (u64, u64, i64, i64);

impl ChangeDetector {
    fn new(path: &Path) -> io::Result<ChangeDetector> {
        Ok(ChangeDetector { path: path.to_owned(), before: state(&fs::metadata(path)?) })
    }

    /// Whether the file has changed since it was opened, so that what was read may mix two states.
    pub(super) fn has_changed(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |now| state(&now) != self.before)
    }
}

fn state(file: &Metadata) -> FileState {
    (file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

/// Opens the file in the way that its journal mode and the files beside it call for.
///
/// # Errors
/// When SQLite cannot open it.
pub(super) fn open(path: &Path) -> rusqlite::Result<OpenedFile> {
    let cannot_open = |error: io::Error| {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        rusqlite::Error::SqliteFailure(code, Some(error.to_string()))
    };
    let path = fs::canonicalize(path).map_err(cannot_open)?;
    let beside = |suffix: &str| {
        let mut name = OsString::from(&path);
        name.push(suffix);
        PathBuf::from(name)
    };
    let has_log = fs::metadata(beside("-wal")).is_ok_and(|log| log.len() > 0);
    match (uses_log(&path).map_err(cannot_open)?, has_log, beside("-shm").exists()) {
        // Everything is in the file. A run that begins now writes into a log first, which this connection does not see.
        (true, false, _) => {
            let change_detector = Some(ChangeDetector::new(&path).map_err(cannot_open)?);
            Ok(OpenedFile { connection: connect(&path, "immutable=1")?, change_detector })
        }
        // A copy of a file and its log, or what a crash left. Without an index, no process has the file open, so this
        // connection may take an exclusive lock and keep the index in its own memory.
        (true, true, false) => {
            let connection = connect(&path, "mode=ro&vfs=unix-none")?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
            Ok(OpenedFile { connection, change_detector: None })
        }
        _ => Ok(OpenedFile { connection: connect(&path, "mode=ro")?, change_detector: None }),
    }
}

fn connect(path: &Path, parameters: &str) -> rusqlite::Result<Connection> {
    // The path is canonical, and therefore absolute.
    let mut uri = Url::from_file_path(path).map_err(|()| rusqlite::Error::InvalidPath(path.to_owned()))?;
    uri.set_query(Some(parameters));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri.as_str(), flags)
}

/// Whether the file uses a write-ahead log, by its header ("Database File Format", §1.3.2).
fn uses_log(path: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    File::open(path)?.take(20).read_to_end(&mut header)?;
    Ok(header.get(18..20) == Some(&[2, 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_the_file_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?#%41.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        drop(writer);
        let OpenedFile { connection: reader, change_detector } = open(&path).unwrap();
        let change_detector = change_detector.unwrap();
        let count = || reader.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((count(), change_detector.has_changed()), (1, false));
        // A commit that is only in the log leaves the file unchanged.
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!((count(), change_detector.has_changed()), (1, false));
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert!(change_detector.has_changed());
    }
}
