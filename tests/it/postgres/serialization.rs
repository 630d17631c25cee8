//! Transactions that the server asks to repeat, and concurrent programs.

use super::*;
use crate::history::version;

#[test]
fn a_serialization_failure_is_retried_and_the_run_recorded_once() {
    for (code, at_commit) in [("40001", false), ("40001", true), ("40P01", false)] {
        let Some(store) = with_tables() else { return };
        failing(&store, code, "try <= 2", at_commit);
        let outcome = finish(run_into(&store.url, &Server::start(chart), "-r PL --json")).exits(0);
        assert!(!outcome.stderr.contains("try "), "{}", outcome.stderr);
        assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
        assert_eq!(store.query("SELECT last_value FROM tries"), ["3"]);
    }
}

#[test]
fn retries_are_limited_and_permanent_errors_are_not_retried() {
    // The waits between the attempts are long, so the cases run concurrently.
    let cases = vec![("40001", false, "7"), ("40001", true, "7"), ("23514", false, "1"), ("53100", true, "1")];
    side_by_side(4, cases, |(code, at_commit, tries)| {
        let Some(store) = with_tables() else { return };
        failing(&store, code, "true", at_commit);
        let outcome = finish(run_into(&store.url, &Server::start(chart), "-r PL --json"));
        assert!(outcome.stderr.contains(&format!(": try {tries}; ")), "{}", outcome.stderr);
        assert_eq!(store.query("SELECT last_value FROM tries"), [tries]);
        assert!(!by_region(&store).contains_key("PL"));
        store.execute("DROP TRIGGER fail ON runs");
        assert_saved(outcome, &store);
    });
}

/// Sets the default isolation level, as an administrator may do.
fn set_isolation(store: &Store, level: &str) {
    let database = store.url.rsplit('/').next().unwrap();
    store.execute(&format!("ALTER DATABASE {database} SET default_transaction_isolation = '{level}'"));
}

const AT_ONCE: [&str; 8] = ["US", "GB", "DE", "FR", "PL", "JP", "BR", "IN"];

/// Runs of `count` regions that all wait for the commit lock before the first of them commits.
fn at_once(store: &Store, server: &Server, count: usize) -> Vec<Outcome> {
    let holder = CommitLock::of(store);
    thread::scope(|scope| {
        let run = |region| finish(run_into(&store.url, server, &format!("-r {region} -q")));
        let runs: Vec<_> = AT_ONCE[..count].iter().map(|region| scope.spawn(move || run(region))).collect();
        holder.wait_for(store, count);
        drop(holder);
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

fn eight_runs_commit_at_once(level: &str) {
    let Some(store) = with_tables() else { return };
    set_isolation(&store, level);
    // Nothing fails; the trigger only counts the attempts.
    failing(&store, "40001", "false", false);
    // The same videos, in another order for each region.
    let server = Server::start(move |hit| {
        let mut ids: Vec<String> = (0..PLACES).map(|place| format!("shared-{place}")).collect();
        ids.rotate_left(5 * AT_ONCE.iter().position(|region| *region == hit.region()).unwrap());
        Answer::page(&ids, None)
    });
    for outcome in at_once(&store, &server, 8) {
        outcome.exits(0);
    }
    let sql = "SELECT (SELECT count(*) FROM places WHERE region <> 'ZZ'), (SELECT count(*) FROM presence WHERE region <> 'ZZ'),
                      (SELECT count(*) FROM videos WHERE video_id LIKE 'shared-%'), (SELECT count(*) FROM runs)";
    assert_eq!(store.query(sql), ["320|320|40|9"]);
    // Each run waits for the lock and needs one attempt.
    assert_eq!(store.query("SELECT last_value FROM tries"), ["8"]);
}

#[test]
fn eight_concurrent_runs_of_the_same_videos_commit() {
    eight_runs_commit_at_once("read committed");
}

#[test]
fn eight_concurrent_runs_of_the_same_videos_commit_if_serializable() {
    // A serializable transaction takes its snapshot before it waits for the lock.
    eight_runs_commit_at_once("serializable");
}

fn six_programs_create_the_tables(level: &str) {
    let Some(store) = Store::postgres() else { return };
    set_isolation(&store, level);
    for outcome in at_once(&store, &Server::start(chart), 6) {
        outcome.exits(0);
    }
    assert_eq!(by_region(&store).len(), 6);
    let versions: Vec<String> = (1..=version(&store)).map(|version| version.to_string()).collect();
    assert_eq!(store.query("SELECT version FROM trendfetch_schema ORDER BY version"), versions);
}

#[test]
fn one_of_six_concurrent_programs_creates_the_tables() {
    six_programs_create_the_tables("read committed");
}

#[test]
fn one_of_six_concurrent_programs_creates_the_tables_if_serializable() {
    six_programs_create_the_tables("serializable");
}
