//! A history in a file of SQLite.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row, Transaction, TransactionBehavior, params};

use super::changes::{Fetch, Place};
use super::interval::{Asked, PastRegion};
use super::location::{Journal, SqliteFile};
use super::rows::{Rows, VideoRow};
use super::{Access, Engine, Pruned, StoreError, queries};
use crate::blocking::unblocked;
use crate::claim;
use crate::model::Report;
use crate::region::Region;

/// Applied in this order; a file's `user_version` says how many it has had.
const MIGRATIONS: &[&str] = &[include_str!("sqlite/0001.sql")];

/// Marks a file as a history: "TRFD" ("PRAGMA application_id").
const APPLICATION_ID: i32 = 0x5452_4644;

/// How long to wait for another program's lock when opening. A commit takes well under a second.
const PATIENCE: Duration = Duration::from_secs(10);

/// The same once quota has been spent on a run.
const PATIENCE_TO_COMMIT: Duration = Duration::from_secs(60);

/// Enough for the pages that a run of all regions touches, in KiB.
const CACHE_KIB: i32 = 8192;

pub(super) struct Sqlite {
    file: SqliteFile,
    connection: Arc<Mutex<Connection>>,
    request: Option<RequestLock>,
}

impl Sqlite {
    pub(super) async fn open(file: SqliteFile, access: Access) -> Result<Sqlite, StoreError> {
        let path = file.clone();
        let connection = unblocked(move || connect(&path, access)).await?;
        Ok(Sqlite { file, connection: Arc::new(Mutex::new(connection)), request: None })
    }

    /// Works beside the runtime, so that signals are still heard.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let done = unblocked(move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))).await;
        done.map_err(|error| explain(&self.file, &error))
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn claim(&mut self, request: &str) -> Result<bool, StoreError> {
        let path = lock_path(&self.file.path, request);
        let claimed = path.and_then(|path| Ok(claim::try_now(&path)?.map(|file| RequestLock { path, _file: file })));
        let cannot = |error: io::Error| {
            StoreError::new(
                &self.file,
                format_args!("no lock beside it: {error}"),
                "choose a folder that you may write to",
            )
        };
        self.request = claimed.map_err(cannot)?;
        Ok(self.request.is_some())
    }

    async fn past(&mut self, asked: &Asked, since: Timestamp) -> Result<Vec<PastRegion>, StoreError> {
        let asked = asked.clone();
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::PAST))?;
            let rows = statement.query_map(params![asked.source, asked.category_id, asked.depth, since], |row| {
                Ok(PastRegion {
                    run_id: row.get(0)?,
                    fetched_at: row.get(1)?,
                    region: region(row, 2)?,
                    is_answered: row.get(3)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn store(&mut self, report: &Arc<Report>, keep_from: Option<Timestamp>) -> Result<bool, StoreError> {
        let report = Arc::clone(report);
        self.with(move |connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            if !insert(&transaction, &Rows::of(&report))? {
                return Ok(false);
            }
            if let Some(keep_from) = keep_from {
                delete_before(&transaction, keep_from)?;
            }
            transaction.commit()?;
            Ok(true)
        })
        .await
    }

    async fn freeze(&mut self) -> Result<(), StoreError> {
        self.with(|connection| connection.execute_batch("BEGIN DEFERRED")).await
    }

    async fn regions(&mut self) -> Result<Vec<Region>, StoreError> {
        self.with(|connection| {
            let mut statement = connection.prepare(queries::REGIONS)?;
            statement.query_map([], |row| region(row, 0))?.collect()
        })
        .await
    }

    async fn fetches(&mut self, of: Region) -> Result<Vec<Fetch>, StoreError> {
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::FETCHES))?;
            let rows = statement.query_map([of.code()], |row| {
                Ok(Fetch {
                    run_id: row.get(0)?,
                    number: row.get(1)?,
                    fetched_at: row.get(2)?,
                    source: row.get(3)?,
                    category_id: row.get(4)?,
                    depth: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    async fn chart(&mut self, fetch: &Fetch, region: Region, depth: u32) -> Result<Vec<Place>, StoreError> {
        let fetch = fetch.clone();
        self.with(move |connection| {
            let mut statement = connection.prepare(&placeholders(queries::CHART))?;
            let category = fetch.category_id.map_or(-1, i64::from);
            let rows =
                statement.query_map(params![fetch.number, region.code(), depth, fetch.source, category], |row| {
                    Ok(Place {
                        rank: row.get(0)?,
                        video_id: row.get(1)?,
                        title: row.get(2)?,
                        channel: row.get(3)?,
                        first_seen_at: row.get(4)?,
                    })
                })?;
            rows.collect()
        })
        .await
    }

    async fn prune(&mut self, keep_from: Timestamp) -> Result<Pruned, StoreError> {
        let path = self.file.path.clone();
        self.with(move |connection| {
            let size = || fs::metadata(&path).map_or(0, |file| file.len());
            connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")?;
            let before = size();
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let (runs, videos) = delete_before(&transaction, keep_from)?;
            transaction.commit()?;
            connection.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")?;
            Ok(Pruned { runs, videos, before, after: size() })
        })
        .await
    }
}

fn connect(file: &SqliteFile, access: Access) -> Result<Connection, StoreError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    match access {
        Access::Create => flags |= OpenFlags::SQLITE_OPEN_CREATE,
        Access::Existing if file.path.exists() => {}
        Access::Existing => {
            return Err(StoreError::new(file, "there is no such file", "a run with --store makes one; check the path"));
        }
    }
    let version = (|| {
        let mut connection = Connection::open_with_flags(&file.path, flags)?;
        connection.busy_timeout(PATIENCE)?;
        let found = version(&connection)?;
        if let Found::Version(version) = found
            && version <= MIGRATIONS.len()
        {
            prepare(&mut connection, file.journal, version, access)?;
            connection.busy_timeout(PATIENCE_TO_COMMIT)?;
        }
        Ok((connection, found))
    })();
    match version.map_err(|error| explain(file, &error))? {
        (connection, Found::Version(version)) if version <= MIGRATIONS.len() => Ok(connection),
        (_, Found::Version(version)) => Err(StoreError::newer(file, version, MIGRATIONS.len())),
        (_, Found::Foreign) => Err(StoreError::new(
            file,
            "it is another program's database",
            "name a file of its own; this one is left as it is",
        )),
    }
}

/// What a file holds.
enum Found {
    /// A history with so many migrations; 0 is an empty file.
    Version(usize),
    /// Something of another program.
    Foreign,
}

fn version(connection: &Connection) -> rusqlite::Result<Found> {
    let number = |pragma: &str| connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get::<_, i32>(0));
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    Ok(match (number("application_id")?, tables) {
        (APPLICATION_ID, _) => Found::Version(usize::try_from(number("user_version")?).unwrap_or(usize::MAX)),
        (_, 0) => Found::Version(0),
        _ => Found::Foreign,
    })
}

fn prepare(connection: &mut Connection, journal: Journal, found: usize, access: Access) -> rusqlite::Result<()> {
    let mode = match journal {
        Journal::Wal => "WAL",
        Journal::Delete => "DELETE",
    };
    if access == Access::Create {
        // FULL: what is committed lasts through a power cut, in both modes.
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = {mode}; PRAGMA synchronous = FULL; PRAGMA cache_size = -{CACHE_KIB}"
        ))?;
    }
    if found == MIGRATIONS.len() && access == Access::Existing {
        return Ok(());
    }
    // Takes the write lock in any case, so that a file that cannot be written is found out now.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been here meanwhile.
    let Found::Version(applied) = version(&transaction)? else { return Ok(()) };
    if applied < MIGRATIONS.len() {
        for migration in &MIGRATIONS[applied..] {
            transaction.execute_batch(migration)?;
        }
        transaction.execute_batch(&format!(
            "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}",
            MIGRATIONS.len()
        ))?;
        return transaction.commit();
    }
    transaction.rollback()
}

/// Writes the rows of a run; `false` where it is there already.
fn insert(transaction: &Transaction<'_>, rows: &Rows<'_>) -> rusqlite::Result<bool> {
    let run = &rows.run;
    let fetched_at = run.fetched_at;
    let [max_results, raw, unique, multi_region, skipped, requests, retries, limited, units, elapsed, held] =
        run.numbers;
    let inserted = transaction.execute(
        "INSERT INTO runs (id, fetched_at, source, category_id, status, max_results, raw, unique_videos, multi_region,
             skipped, requests, retries, rate_limited, quota_units, elapsed_ms, held_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
        params![
            run.id,
            fetched_at,
            run.source,
            run.category_id,
            run.status,
            max_results,
            raw,
            unique,
            multi_region,
            skipped,
            requests,
            retries,
            limited,
            units,
            elapsed,
            held
        ],
    )?;
    if inserted == 0 {
        return Ok(false);
    }
    let number = transaction.last_insert_rowid();

    let mut statement = transaction.prepare(
        "INSERT INTO run_regions (run_id, region, status, videos, error_kind, error_message, requests, retries,
             elapsed_ms, fetched_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    for row in &rows.regions {
        statement.execute(params![
            run.id,
            row.region,
            row.status,
            row.videos,
            row.error_kind,
            row.error_message,
            row.requests,
            row.retries,
            row.elapsed_ms,
            fetched_at
        ])?;
    }
    upsert_videos(transaction, &rows.videos, fetched_at)?;
    let mut statement =
        transaction.prepare("INSERT INTO counts (run, video_id, views, likes, comments) VALUES (?, ?, ?, ?, ?)")?;
    for row in &rows.videos {
        statement.execute(params![number, row.id, row.views, row.likes, row.comments])?;
    }
    let mut statement = transaction.prepare("INSERT INTO places (run, region, rank, video_id) VALUES (?, ?, ?, ?)")?;
    for row in &rows.places {
        statement.execute(params![number, row.region.code(), row.rank, row.video_id])?;
    }
    transaction.execute(
        "INSERT INTO presence (source, region, category_id, video_id, first_seen_at, last_seen_at)
         SELECT ?1, region, ?2, video_id, ?3, ?3 FROM places WHERE run = ?4 ORDER BY region, video_id
         ON CONFLICT (region, video_id, source, coalesce(category_id, -1)) DO UPDATE SET
             first_seen_at = min(first_seen_at, excluded.first_seen_at),
             last_seen_at = max(last_seen_at, excluded.last_seen_at)",
        params![run.source, run.category_id, fetched_at, number],
    )?;
    Ok(true)
}

fn upsert_videos(
    transaction: &Transaction<'_>,
    videos: &[VideoRow<'_>],
    fetched_at: Timestamp,
) -> rusqlite::Result<()> {
    let mut upsert = transaction.prepare(
        "INSERT INTO videos (video_id, title, channel, channel_id, category_id, views, likes, comments, published_at,
             duration_seconds, live, embeddable, age_restricted, tags, thumbnail, description, description_fetched_at,
             declared_language, primary_language, search_config, first_seen_at, last_seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
             CASE WHEN ?16 IS NOT NULL THEN ?20 END, ?17, ?18, ?19, ?20, ?20)
         ON CONFLICT (video_id) DO UPDATE SET
             title = excluded.title, channel = excluded.channel, channel_id = excluded.channel_id,
             category_id = excluded.category_id, views = excluded.views, likes = excluded.likes,
             comments = excluded.comments, published_at = excluded.published_at,
             duration_seconds = excluded.duration_seconds, live = excluded.live, embeddable = excluded.embeddable,
             age_restricted = excluded.age_restricted, tags = excluded.tags, thumbnail = excluded.thumbnail,
             declared_language = excluded.declared_language, primary_language = excluded.primary_language,
             search_config = excluded.search_config, last_seen_at = excluded.last_seen_at
         WHERE excluded.last_seen_at >= last_seen_at",
    )?;
    for row in videos {
        upsert.execute(params![
            row.id,
            row.title,
            row.channel,
            row.channel_id,
            row.category_id,
            row.views,
            row.likes,
            row.comments,
            row.published_at,
            row.duration_seconds,
            row.live,
            row.embeddable,
            row.age_restricted,
            row.tags,
            row.thumbnail,
            row.description,
            row.declared_language,
            row.primary_language,
            row.search_config,
            fetched_at
        ])?;
    }
    // A run that does not ask for descriptions leaves those of the last one that did.
    let mut describe = transaction.prepare(
        "UPDATE videos SET description = ?2, description_fetched_at = ?3
         WHERE video_id = ?1 AND coalesce(description_fetched_at < ?3, true)",
    )?;
    for row in videos.iter().filter(|row| row.description.is_some()) {
        describe.execute(params![row.id, row.description, fetched_at])?;
    }
    // What only a run that comes late can tell: that the video was there before.
    let is_late = "SELECT EXISTS (SELECT 1 FROM runs WHERE fetched_at > ?)";
    if transaction.query_row(is_late, [fetched_at], |row| row.get(0))? {
        let mut date_back =
            transaction.prepare("UPDATE videos SET first_seen_at = ?2 WHERE video_id = ?1 AND first_seen_at > ?2")?;
        for row in videos {
            date_back.execute(params![row.id, fetched_at])?;
        }
    }
    Ok(())
}

/// Deletes what was last fetched before `keep_from`: runs whose charts went, and videos.
fn delete_before(transaction: &Transaction<'_>, keep_from: Timestamp) -> rusqlite::Result<(u64, u64)> {
    let mut statement = transaction.prepare("SELECT number FROM runs WHERE fetched_at < ? AND NOT pruned")?;
    let old: Vec<i64> = statement.query_map([keep_from], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    // All other rows were last seen by a run, so that no old run means nothing old.
    if old.is_empty() {
        return Ok((0, 0));
    }
    for number in &old {
        transaction.execute("DELETE FROM places WHERE run = ?", [number])?;
        transaction.execute("DELETE FROM counts WHERE run = ?", [number])?;
        transaction.execute("UPDATE runs SET pruned = 1 WHERE number = ?", [number])?;
    }
    transaction.execute("DELETE FROM presence WHERE last_seen_at < ?", [keep_from])?;
    let videos = transaction.execute("DELETE FROM videos WHERE last_seen_at < ?", [keep_from])?;
    transaction.execute(
        "UPDATE videos SET description = NULL, description_fetched_at = NULL WHERE description_fetched_at < ?",
        [keep_from],
    )?;
    Ok((old.len() as u64, videos as u64))
}

/// The sign of a placeholder is another one here.
fn placeholders(sql: &str) -> String {
    sql.replace('$', "?")
}

fn region(row: &Row<'_>, column: usize) -> rusqlite::Result<Region> {
    let text: String = row.get(column)?;
    Region::new(&text).ok_or_else(|| wrong_text(column, format!("{text} is no region")))
}

fn wrong_text(column: usize, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, error.into())
}

/// What SQLite says, with what to do about it ("Result and Error Codes").
fn explain(file: &SqliteFile, error: &rusqlite::Error) -> StoreError {
    let remedy = match error.sqlite_error_code() {
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
    StoreError::new(file, error, remedy)
}

/// A file beside the history, held for as long as the run lasts.
struct RequestLock {
    path: PathBuf,
    _file: fs::File,
}

impl Drop for RequestLock {
    fn drop(&mut self) {
        // A leftover does no harm: its lock is free.
        let _ = fs::remove_file(&self.path);
    }
}

/// Beside the file that all links lead to, so that every way to it finds the same lock.
fn lock_path(path: &Path, request: &str) -> io::Result<PathBuf> {
    let mut name = fs::canonicalize(path)?.into_os_string();
    // FNV-1a, 64 bits: a short name that every version makes alike.
    let hash = request
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    name.push(format!("-run-{hash:016x}"));
    Ok(PathBuf::from(name))
}
