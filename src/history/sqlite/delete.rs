//! What is deleted, a portion in a transaction.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::history::{PORTION, Portion};

fn begin(connection: &mut Connection) -> rusqlite::Result<Transaction<'_>> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate)
}

/// The charts of a run.
pub(super) fn charts(connection: &mut Connection, run: i64) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    transaction.execute("DELETE FROM places WHERE run = ?", [run])?;
    transaction.execute("DELETE FROM counts WHERE run = ?", [run])?;
    transaction.execute("UPDATE runs SET pruned = 1 WHERE number = ?", [run])?;
    transaction.execute("DELETE FROM left_old WHERE run = ?", [run])?;
    transaction.commit()
}

/// Videos, their descriptions and presence that were last seen before.
pub(super) fn unseen(connection: &mut Connection, expired_before: Timestamp) -> rusqlite::Result<Portion> {
    let transaction = begin(connection)?;
    let [presence, videos, descriptions] = [
        "DELETE FROM presence
         WHERE rowid IN (SELECT rowid FROM presence WHERE last_seen_at < ?1 LIMIT ?2)",
        "DELETE FROM videos
         WHERE rowid IN (SELECT rowid FROM videos WHERE last_seen_at < ?1 LIMIT ?2)",
        "UPDATE videos SET description = NULL, description_fetched_at = NULL
         WHERE rowid IN (SELECT rowid FROM videos WHERE description_fetched_at < ?1 LIMIT ?2)",
    ]
    .map(|sql| transaction.execute(sql, params![expired_before, PORTION]));
    let (presence, videos, descriptions) = (presence?, videos?, descriptions?);
    transaction.commit()?;
    Ok(Portion { count: videos as u64, is_last: presence.max(videos).max(descriptions) < PORTION as usize })
}

/// The log of runs whose charts are deleted.
pub(super) fn log(connection: &mut Connection, before: Timestamp) -> rusqlite::Result<Portion> {
    let transaction = begin(connection)?;
    let mut statement = transaction
        .prepare("SELECT number, id FROM runs WHERE pruned AND fetched_at < ?1 ORDER BY fetched_at LIMIT ?2")?;
    let runs: Vec<(i64, String)> = statement
        .query_map(params![before, RUNS], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    drop(statement);
    for (number, id) in &runs {
        transaction.execute("DELETE FROM run_regions WHERE run_id = ?", [id])?;
        transaction.execute("DELETE FROM runs WHERE number = ?", [number])?;
    }
    transaction.commit()?;
    Ok(Portion { count: runs.len() as u64, is_last: runs.len() < RUNS as usize })
}

/// The most runs whose log is deleted at once.
const RUNS: u32 = PORTION / 100;

/// The log of runs that are dated after `latest`, whose charts are deleted; and takes `now` for what was first or last
/// seen then.
pub(super) fn forget_ahead(connection: &mut Connection, latest: Timestamp, now: Timestamp) -> rusqlite::Result<()> {
    let transaction = begin(connection)?;
    let of_runs = "DELETE FROM run_regions WHERE run_id IN (SELECT id FROM runs WHERE pruned AND fetched_at > ?)";
    transaction.execute(of_runs, [latest])?;
    transaction.execute("DELETE FROM runs WHERE pruned AND fetched_at > ?", [latest])?;
    for table in ["videos", "presence"] {
        for column in ["first_seen_at", "last_seen_at"] {
            let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {column} > ?1");
            transaction.execute(&sql, params![latest, now])?;
        }
    }
    transaction.commit()
}
