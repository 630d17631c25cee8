//! Opening a file, and bringing its tables up to date.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use super::reader::{self, Unlocked};
use crate::history::location::{Journal, SqliteFile};
use crate::history::{Access, HistoryError};

/// Applied in this order; a file's `user_version` says how many it has had.
const MIGRATIONS: &[&str] = &[include_str!("0001.sql"), include_str!("0002.sql"), include_str!("0003.sql")];

/// Marks a file as a history: "TRFD" ("PRAGMA application_id").
const APPLICATION_ID: i32 = 0x5452_4644;

/// How long to wait for another program's lock when opening. A commit takes well under a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same once quota has been spent on a run.
const PATIENCE_TO_COMMIT: Duration = Duration::from_secs(60);

/// Between two tries of what SQLite does not wait for itself.
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

/// Enough for the pages that a run of all regions touches, in KiB.
const CACHE_KIB: i32 = 8192;

/// A connection, and what must hold for it until all has been read.
pub(super) type Opened = (Connection, Option<Unlocked>);

/// Opens, and finds out whether the file can be used and, for a run, written.
///
/// # Errors
/// When it cannot; it is left as it is then.
pub(super) fn open(file: &SqliteFile, access: Access) -> Result<Opened, HistoryError> {
    if access != Access::Create && !file.path.exists() {
        return Err(HistoryError::new(file, "there is no such file", "a run with --store makes one; check the path"));
    }
    let is_only_read = access == Access::Read && !reader::may_write(&file.path);
    let prepared = if is_only_read { prepare_to_read(file) } else { prepare(file, access) };
    let (opened, found) = prepared.map_err(|error| explain(file, &error))?;
    match found {
        Found::Version(0) => {
            Err(HistoryError::new(file, "there is no history in it", "a run with --store makes one; check the path"))
        }
        Found::Version(version) if version > MIGRATIONS.len() => {
            Err(HistoryError::newer(file, version, MIGRATIONS.len()))
        }
        Found::Version(version) if version < MIGRATIONS.len() => {
            let why = format!("its tables are version {version}, and it may only be read here");
            Err(HistoryError::new(file, why, "let its owner open it once with this trendfetch"))
        }
        Found::Version(_) => Ok(opened),
        Found::Foreign => Err(HistoryError::new(
            file,
            "it is another program's database",
            "name a file for trendfetch alone; this one is left as it is",
        )),
    }
}

/// What a file holds.
#[derive(Clone, Copy)]
enum Found {
    /// A history with so many migrations; 0 is an empty file.
    Version(usize),
    /// Something of another program.
    Foreign,
}

fn look(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (number("application_id")?, number("user_version")?, tables) {
        (APPLICATION_ID, version, _) => Found::Version(usize::try_from(version).unwrap_or(usize::MAX)),
        (0, 0, 0) => Found::Version(0),
        _ => Found::Foreign,
    })
}

fn read_only() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_READONLY);
    rusqlite::Error::SqliteFailure(code, Some("it may only be read".into()))
}

fn prepare_to_read(file: &SqliteFile) -> rusqlite::Result<(Opened, Found)> {
    let (mut connection, unlocked) = reader::open(&file.path)?;
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(&format!("PRAGMA cache_size = -{CACHE_KIB}"))?;
    let found = look(&*connection.transaction()?)?;
    Ok(((connection, unlocked), found))
}

/// What is found in the end, under the lock where that matters.
fn prepare(file: &SqliteFile, access: Access) -> rusqlite::Result<(Opened, Found)> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if access == Access::Create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    // With a folder in front, SQLite takes no name for a URI.
    let mut connection = Connection::open_with_flags(Path::new(".").join(&file.path), flags)?;
    // Where the file may only be read, SQLite opens it all the same, and would say so at the commit.
    if access == Access::Create && connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(read_only());
    }
    connection.busy_timeout(PATIENCE)?;
    // In one transaction: between two reads, another process may make the tables.
    let found = look(&*connection.transaction()?)?;
    let is_current = matches!(found, Found::Version(version) if version == MIGRATIONS.len());
    let is_ours = matches!(found, Found::Version(version) if version <= MIGRATIONS.len());
    let is_to_read = access != Access::Create && (is_current || matches!(found, Found::Version(0)));
    if !is_ours {
        return Ok(((connection, None), found));
    }
    // What is committed lasts through a power cut. With a rollback journal that takes EXTRA, since the commit
    // is the end of the journal's name ("PRAGMA synchronous").
    let (mode, synchronous) = match file.journal {
        Journal::Wal => ("WAL", "FULL"),
        Journal::Delete => ("DELETE", "EXTRA"),
    };
    let pragmas = format!("PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{CACHE_KIB}");
    if is_to_read {
        // `prune` writes all the same.
        connection.execute_batch(&pragmas)?;
        return Ok(((connection, None), found));
    }
    patiently(|| connection.execute_batch(&format!("PRAGMA journal_mode = {mode}; {pragmas}")))?;
    let found = migrate(&mut connection)?;
    connection.busy_timeout(PATIENCE_TO_COMMIT)?;
    Ok(((connection, None), found))
}

/// Tries again while another program is in the way. SQLite itself does that for transactions, but refuses at once
/// to change a file's journal mode while another connection is doing the same.
fn patiently(step: impl Fn() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match step() {
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && began.elapsed() < PATIENCE => {
                thread::sleep(BETWEEN_TRIES);
            }
            done => return done,
        }
    }
}

/// Takes the write lock in any case, so that a file that cannot be written is found out now.
fn migrate(connection: &mut Connection) -> rusqlite::Result<Found> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here meanwhile.
    let found = look(&transaction)?;
    match found {
        Found::Version(applied) if applied < MIGRATIONS.len() => {
            for migration in &MIGRATIONS[applied..] {
                transaction.execute_batch(migration)?;
            }
            transaction.execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
                MIGRATIONS.len()
            ))?;
            transaction.commit()?;
            Ok(Found::Version(MIGRATIONS.len()))
        }
        found => transaction.rollback().map(|()| found),
    }
}

/// What SQLite says, with what to do about it ("Result and Error Codes").
pub(super) fn explain(file: &SqliteFile, error: &rusqlite::Error) -> HistoryError {
    if let rusqlite::Error::FromSqlConversionFailure(_, _, cause) = error {
        return HistoryError::new(file, cause, "delete what another program wrote there");
    }
    let extended_code = error.sqlite_error().map(|error| error.extended_code);
    let remedy = match error.sqlite_error_code() {
        // What a program that was killed has left cannot be put in order without writing.
        _ if extended_code == Some(ffi::SQLITE_READONLY_ROLLBACK) => "let its owner open it once with this trendfetch",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program keeps it locked; end that, and run again"
        }
        Some(ErrorCode::DiskFull) => "make room, and run again",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "name a file in a folder that is there and that you may write to"
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged, or no file of SQLite; restore a backup, or name another file; this one is left as it is"
        }
        Some(ErrorCode::SystemIoFailure) => "check the disk; what was committed before is still there",
        _ => "run again; if it stays, please report this",
    };
    HistoryError::new(file, error, remedy)
}
