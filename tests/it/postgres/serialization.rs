//! Transactions that the server wants repeated, and programs that want the same at once.

use super::*;

#[test]
fn a_serialization_failure_is_tried_again_and_the_run_kept_once() {
    for (code, at_commit) in [("40001", false), ("40001", true), ("40P01", false)] {
        let Some(store) = with_tables() else { return };
        failing(&store, code, "try <= 2", at_commit);
        let outcome = finish(keep(&store.url, &Server::start(chart), "-r PL --json")).exits(0);
        assert!(!outcome.stderr.contains("try "), "{}", outcome.stderr);
        assert_eq!(by_region(&store)["PL"], whole(outcome.document()["run_id"].as_str().unwrap()));
        assert_eq!(store.query("SELECT last_value FROM tries"), ["3"]);
    }
}

#[test]
fn what_fails_each_time_is_given_up_and_saved_and_what_will_not_pass_is_tried_once() {
    // The waits between the tries are long; all of them wait at the same time.
    let cases = vec![("40001", false, "7"), ("40001", true, "7"), ("23514", false, "1"), ("53100", true, "1")];
    side_by_side(4, cases, |(code, at_commit, tries)| {
        let Some(store) = with_tables() else { return };
        failing(&store, code, "true", at_commit);
        let outcome = finish(keep(&store.url, &Server::start(chart), "-r PL --json"));
        assert!(outcome.stderr.contains(&format!(": try {tries}; ")), "{}", outcome.stderr);
        assert_eq!(store.query("SELECT last_value FROM tries"), [tries]);
        assert!(!by_region(&store).contains_key("PL"));
        store.execute("DROP TRIGGER fail ON runs");
        assert_saved(outcome, &store);
    });
}

/// What transactions are by default, as an administrator may set it.
fn set_isolation(store: &Store, level: &str) {
    let database = store.url.rsplit('/').next().unwrap();
    store.execute(&format!("ALTER DATABASE {database} SET default_transaction_isolation = '{level}'"));
}

const AT_ONCE: [&str; 8] = ["US", "GB", "DE", "FR", "PL", "JP", "BR", "IN"];

/// Runs of as many regions at the same time, each of which can do nothing but wait at first.
fn at_once(store: &Store, server: &Server, count: usize) -> Vec<Outcome> {
    let holder = Holder::of(store);
    thread::scope(|scope| {
        let run = |region| finish(keep(&store.url, server, &format!("-r {region} -q")));
        let runs: Vec<_> = AT_ONCE[..count].iter().map(|region| scope.spawn(move || run(region))).collect();
        holder.wait_for(store, count);
        drop(holder);
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

fn eight_runs_commit_at_once(level: &str) {
    let Some(store) = with_tables() else { return };
    set_isolation(&store, level);
    // Nothing fails; it only counts the tries.
    failing(&store, "40001", "false", false);
    // The same videos, each time in another order.
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
    // They wait for their turn, and then nobody has to begin anew.
    assert_eq!(store.query("SELECT last_value FROM tries"), ["8"]);
}

#[test]
fn eight_runs_with_the_same_videos_commit_at_once() {
    eight_runs_commit_at_once("read committed");
}

#[test]
fn eight_runs_with_the_same_videos_commit_at_once_where_transactions_are_serializable() {
    // A statement that waits for a lock takes its snapshot before, unless the transaction reads what is committed.
    eight_runs_commit_at_once("serializable");
}

fn six_programs_make_the_tables(level: &str) {
    let Some(store) = Store::postgres() else { return };
    set_isolation(&store, level);
    for outcome in at_once(&store, &Server::start(chart), 6) {
        outcome.exits(0);
    }
    assert_eq!(by_region(&store).len(), 6);
    assert_eq!(store.query("SELECT version FROM trendfetch_schema ORDER BY version"), ["1", "2", "3"]);
}

#[test]
fn of_six_programs_on_an_empty_database_one_makes_the_tables() {
    six_programs_make_the_tables("read committed");
}

#[test]
fn of_six_programs_on_an_empty_database_one_makes_the_tables_where_transactions_are_serializable() {
    six_programs_make_the_tables("serializable");
}
