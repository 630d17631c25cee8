//! Deletes expired data, one batch in each transaction.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::history::Batch;
use crate::history::backend::BATCH_SIZE;
use crate::history::shared_sql::DATED_AHEAD;

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// Deletes the charts of a run.
pub(super) fn charts(connection: &mut Connection, run: i64) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    transaction.execute("DELETE FROM places WHERE run = ?", [run])?;
    transaction.execute("DELETE FROM counts WHERE run = ?", [run])?;
    transaction.execute("UPDATE runs SET pruned = 1 WHERE number = ?", [run])?;
    transaction.execute("DELETE FROM left_old WHERE run = ?", [run])?;
    transaction.commit()
}

/// Deletes videos, their descriptions and their presence. A video is deleted after the rows that refer to it.
pub(super) fn unseen(connection: &mut Connection, expired_before: Timestamp) -> rusqlite::Result<Batch> {
    let transaction = begin(connection)?;
    let batch = |sql: &str| transaction.execute(sql, params![expired_before, BATCH_SIZE]);
    let presence = batch(
        "DELETE FROM presence
         WHERE rowid IN (SELECT rowid FROM presence WHERE last_seen_at < ?1 LIMIT ?2)",
    )?;
    let descriptions = batch(
        "UPDATE videos SET description = NULL, description_fetched_at = NULL
         WHERE rowid IN (SELECT rowid FROM videos WHERE description_fetched_at < ?1 LIMIT ?2)",
    )?;
    let mut videos = 0;
    if presence < BATCH_SIZE as usize {
        videos = batch(
            "DELETE FROM videos
             WHERE rowid IN (SELECT rowid FROM videos WHERE last_seen_at < ?1 LIMIT ?2)",
        )?;
    }
    if videos > 0 {
        delete_orphans(&transaction)?;
    }
    transaction.commit()?;
    Ok(Batch { count: videos as u64, is_last: presence.max(videos).max(descriptions) < BATCH_SIZE as usize })
}

/// Deletes the rows that refer to deleted videos and are dated later than these were last seen.
fn delete_orphans(transaction: &Transaction<'_>) -> rusqlite::Result<()> {
    let has_no_video = "video_id NOT IN (SELECT video_id FROM videos)";
    for (table, may_have_none) in [
        ("places", format!("run IN ({DATED_AHEAD})")),
        ("counts", format!("run IN ({DATED_AHEAD})")),
        ("presence", format!("EXISTS ({DATED_AHEAD})")),
    ] {
        transaction.execute(&format!("DELETE FROM {table} WHERE {may_have_none} AND {has_no_video}"), [])?;
    }
    Ok(())
}

/// The most runs whose log one transaction deletes.
const RUNS: u32 = BATCH_SIZE / 100;

/// Deletes the log of runs whose charts are deleted.
pub(super) fn log(connection: &mut Connection, before: Timestamp) -> rusqlite::Result<Batch> {
    let transaction = begin(connection)?;
    let mut statement =
        transaction.prepare("SELECT number FROM runs WHERE pruned AND fetched_at < ?1 ORDER BY fetched_at LIMIT ?2")?;
    let runs: Vec<i64> =
        statement.query_map(params![before, RUNS], |row| row.get("number"))?.collect::<rusqlite::Result<_>>()?;
    drop(statement);
    for number in &runs {
        transaction.execute("DELETE FROM region_results WHERE run = ?", [number])?;
        transaction.execute("DELETE FROM runs WHERE number = ?", [number])?;
    }
    transaction.commit()?;
    Ok(Batch { count: runs.len() as u64, is_last: runs.len() < RUNS as usize })
}

/// Deletes the log of runs that are dated after `latest` and whose charts are deleted, and sets sightings that are dated
/// after `latest` to `now`.
pub(super) fn repair_future_dates(
    connection: &mut Connection,
    latest: Timestamp,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    let delete_regions =
        "DELETE FROM region_results WHERE run IN (SELECT number FROM runs WHERE pruned AND fetched_at > ?)";
    transaction.execute(delete_regions, [latest])?;
    transaction.execute("DELETE FROM runs WHERE pruned AND fetched_at > ?", [latest])?;
    for table in ["videos", "presence"] {
        for column in ["first_seen_at", "last_seen_at"] {
            let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} > ?1");
            transaction.execute(&sql, params![latest, now])?;
        }
    }
    transaction.commit()
}
