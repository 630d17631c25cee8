//! Opening a file that this user may only read. Nothing is left beside it, which its owner could not write then, and
//! nothing is missed that is only in its log yet.
//!
//! With a write-ahead log SQLite writes even where it only reads: the log's index is shared memory in a file
//! ("Write-Ahead Logging", "Read-Only Databases").

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use url::Url;

/// Whether SQLite can work on a file as it likes to: write it, and other files beside it.
pub(super) fn may_write(path: &Path) -> bool {
    let may = |path: &Path, access| accessat(CWD, path, access, AtFlags::EACCESS).is_ok();
    let file = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    may(&file, Access::WRITE_OK) && file.parent().is_some_and(|folder| may(folder, Access::WRITE_OK | Access::EXEC_OK))
}

/// A file that was opened as one that nobody changes, which must hold until it has been read.
pub(super) struct Unlocked {
    path: PathBuf,
    before: State,
}

type State = (u64, u64, i64, i64);

impl Unlocked {
    fn new(path: &Path) -> io::Result<Unlocked> {
        Ok(Unlocked { path: path.to_owned(), before: state(&fs::metadata(path)?) })
    }

    /// Whether somebody has changed the file since, so that what was read may be of two states.
    pub(super) fn has_changed(&self) -> bool {
        fs::metadata(&self.path).map_or(true, |now| state(&now) != self.before)
    }
}

fn state(file: &Metadata) -> State {
    (file.ino(), file.len(), file.mtime(), file.mtime_nsec())
}

/// Opens the file, and says what must hold until it has been read.
///
/// # Errors
/// What SQLite gives.
pub(super) fn open(path: &Path) -> rusqlite::Result<(Connection, Option<Unlocked>)> {
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
        // All of it is in the file. A run that begins now writes into a log first, which this connection does not see.
        (true, false, _) => {
            let unlocked = Unlocked::new(&path).map_err(cannot_open)?;
            Ok((connect(&path, "immutable=1")?, Some(unlocked)))
        }
        // A copy of a file and its log, or what a crash has left: nobody is at work on it, and the index of the log is
        // made in memory, as for a connection that shares it with no other.
        (true, true, false) => {
            let connection = connect(&path, "mode=ro&vfs=unix-none")?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            connection.execute_batch("PRAGMA locking_mode = EXCLUSIVE")?;
            Ok((connection, None))
        }
        _ => Ok((connect(&path, "mode=ro")?, None)),
    }
}

fn connect(path: &Path, parameters: &str) -> rusqlite::Result<Connection> {
    // A canonical path is absolute.
    let mut uri = Url::from_file_path(path).map_err(|()| rusqlite::Error::InvalidPath(path.to_owned()))?;
    uri.set_query(Some(parameters));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri.as_str(), flags)
}

/// Whether the file's header asks for a write-ahead log ("Database File Format", §1.3.2).
fn uses_log(path: &Path) -> io::Result<bool> {
    let mut header = Vec::new();
    File::open(path)?.take(20).read_to_end(&mut header)?;
    Ok(header.get(18..20) == Some(&[2, 2]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_while_it_is_read_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a b?#%41.db");
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
        drop(writer);
        let (reader, unlocked) = open(&path).unwrap();
        let unlocked = unlocked.unwrap();
        let count = || reader.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!((count(), unlocked.has_changed()), (1, false));
        // What is only in the log changes nothing yet.
        let writer = Connection::open(&path).unwrap();
        writer.execute_batch("INSERT INTO t VALUES (2)").unwrap();
        assert_eq!((count(), unlocked.has_changed()), (1, false));
        writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert!(unlocked.has_changed());
    }
}
