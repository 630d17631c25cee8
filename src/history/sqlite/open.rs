//! Opens a file, and brings its tables up to date.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior, ffi};

use super::migrations::MIGRATIONS;
use super::read_only::{self, ChangeDetector};
use super::write::upsert_names;
use crate::history::names::Names;
use crate::history::{Access, HistoryError, JournalMode, SqliteFile};

/// Marks a file as a history: "TRFD" ("PRAGMA application_id").
const APPLICATION_ID: i32 = 0x5452_4644;

/// How long to wait for another program's lock when opening. A commit takes well under a second.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a run waits to commit what it has spent quota on.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(60);

/// The wait between two attempts at an operation for which SQLite itself does not wait.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Enough for the pages that a run of all regions touches, in KiB.
const CACHE_KIB: i32 = 8192;

pub(super) struct OpenedFile {
    pub(super) connection: Connection,
    /// Set if the file was opened without locks: it must not change until everything is read.
    pub(super) change_detector: Option<ChangeDetector>,
}

/// Opens a file, and checks that it can be used for this access.
///
/// # Errors
/// When it cannot be used. The file is then left as it is.
pub(super) fn open(file: &SqliteFile, access: Access) -> Result<OpenedFile, HistoryError> {
    if access != Access::Create && !file.path.exists() {
        return Err(HistoryError::new(file, "there is no such file", "a run with --store makes one; check the path"));
    }
    let is_read_only = access == Access::Read && !read_only::may_write(&file.path);
    let prepared = if is_read_only { prepare_read_only(file) } else { prepare(file, access) };
    let (opened, content) = prepared.map_err(|error| explain(file, &error))?;
    match content {
        Content::Version(0) => {
            Err(HistoryError::new(file, "there is no history in it", "a run with --store makes one; check the path"))
        }
        Content::Version(version) if version > MIGRATIONS.len() => {
            Err(HistoryError::newer_version(file, version, MIGRATIONS.len()))
        }
        Content::Version(version) if version < MIGRATIONS.len() => {
            let why = format!("its tables are version {version}, and it may only be read here");
            Err(HistoryError::new(file, why, "let its owner open it once with this trendfetch"))
        }
        Content::Version(_) => Ok(opened),
        Content::Foreign => Err(HistoryError::new(
            file,
            "it is another program's database",
            "name a file for trendfetch alone; this one is left as it is",
        )),
    }
}

/// What a file holds.
#[derive(Clone, Copy)]
enum Content {
    /// A history with this many migrations; 0 is an empty file.
    Version(usize),
    /// Another program's database.
    Foreign,
}

fn inspect(connection: &Connection) -> rusqlite::Result<Content> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(pragma));
    let has_tables: bool =
        connection
            .query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema) AS has_tables", [], |row| row.get("has_tables"))?;
    Ok(match (number("application_id")?, number("user_version")?, has_tables) {
        (APPLICATION_ID, version, _) => Content::Version(usize::try_from(version).unwrap_or(usize::MAX)),
        (0, 0, false) => Content::Version(0),
        _ => Content::Foreign,
    })
}

fn read_only_error() -> rusqlite::Error {
    let code = ffi::Error::new(ffi::SQLITE_READONLY);
    rusqlite::Error::SqliteFailure(code, Some("it may only be read".into()))
}

fn prepare_read_only(file: &SqliteFile) -> rusqlite::Result<(OpenedFile, Content)> {
    let mut opened = read_only::open(&file.path)?;
    opened.connection.busy_timeout(BUSY_TIMEOUT)?;
    opened.connection.execute_batch(&format!("PRAGMA cache_size = -{CACHE_KIB}"))?;
    let content = inspect(&*opened.connection.transaction()?)?;
    Ok((opened, content))
}

/// Opens a file that may be written, and migrates it if that is needed or if it is opened for a run. Returns the
/// content after that.
fn prepare(file: &SqliteFile, access: Access) -> rusqlite::Result<(OpenedFile, Content)> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if access == Access::Create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    // SQLite takes a name that begins with "file:" for a URI, but not one with a folder in front.
    let mut connection = Connection::open_with_flags(Path::new(".").join(&file.path), flags)?;
    // SQLite opens a file that it may not write, and would report that only at the commit.
    if access == Access::Create && connection.is_readonly(rusqlite::MAIN_DB)? {
        return Err(read_only_error());
    }
    connection.busy_timeout(BUSY_TIMEOUT)?;
    // The tables declare their foreign keys for programs that show them. To enforce them, SQLite would scan the long tables
    // for each video that is deleted.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false)?;
    // In one transaction: another process may create the tables between two reads.
    let mut content = inspect(&*connection.transaction()?)?;
    if matches!(content, Content::Version(version) if version <= MIGRATIONS.len()) {
        let is_empty_or_current =
            matches!(content, Content::Version(version) if [0, MIGRATIONS.len()].contains(&version));
        // What is committed survives a power cut. With a rollback journal that takes EXTRA, since the removal of the
        // journal is the commit ("PRAGMA synchronous").
        let (mode, synchronous) = match file.journal {
            JournalMode::Wal => ("WAL", "FULL"),
            JournalMode::Delete => ("DELETE", "EXTRA"),
        };
        let pragmas = format!("PRAGMA synchronous = {synchronous}; PRAGMA cache_size = -{CACHE_KIB}");
        if access != Access::Create && is_empty_or_current {
            connection.execute_batch(&pragmas)?;
        } else {
            retry_while_busy(|| connection.execute_batch(&format!("PRAGMA journal_mode = {mode}; {pragmas}")))?;
            content = migrate(&mut connection)?;
            connection.busy_timeout(COMMIT_TIMEOUT)?;
        }
    }
    Ok((OpenedFile { connection, change_detector: None }, content))
}

/// SQLite itself waits for transactions, but refuses at once to change the journal mode while another connection does
/// the same.
fn retry_while_busy(operation: impl Fn() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let started_at = Instant::now();
    loop {
        match operation() {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && started_at.elapsed() < BUSY_TIMEOUT =>
            {
                thread::sleep(RETRY_INTERVAL);
            }
            result => return result,
        }
    }
}

/// Takes the write lock even if there is nothing to migrate, so that a file that cannot be written is refused now.
fn migrate(connection: &mut Connection) -> rusqlite::Result<Content> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have migrated it since.
    match inspect(&transaction)? {
        Content::Version(applied) if applied < MIGRATIONS.len() => {
            apply(&transaction, applied)?;
            transaction.commit()?;
            Ok(Content::Version(MIGRATIONS.len()))
        }
        content => transaction.rollback().map(|()| content),
    }
}

fn apply(transaction: &Transaction<'_>, applied: usize) -> rusqlite::Result<()> {
    for migration in &MIGRATIONS[applied..] {
        transaction.execute_batch(migration)?;
    }
    upsert_names(transaction, &Names::known())?;
    let newest = MIGRATIONS.len();
    transaction.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {newest}"))
}

/// Turns an error of SQLite into one with a remedy ("Result and Error Codes").
pub(super) fn explain(file: &SqliteFile, error: &rusqlite::Error) -> HistoryError {
    if let rusqlite::Error::FromSqlConversionFailure(_, _, cause) = error {
        return HistoryError::new(file, cause, "delete what another program wrote there");
    }
    let extended_code = error.sqlite_error().map(|error| error.extended_code);
    let remedy = match error.sqlite_error_code() {
        // A program was killed while it wrote; recovering the file takes the right to write it.
        _ if extended_code == Some(ffi::SQLITE_READONLY_ROLLBACK) => "let its owner open it once with this trendfetch",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program keeps it locked; end that, and run again"
        }
        Some(ErrorCode::DiskFull) => "make room, and run again",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => {
            "name a file in a folder that is there and that you may write to"
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "it is damaged, or it is not a SQLite file; restore a backup, or name another file; this one is left as it is"
        }
        Some(ErrorCode::SystemIoFailure) => "check the disk; what was committed before is still there",
        _ => "run again; if the error persists, please report it",
    };
    HistoryError::new(file, error, remedy)
}
