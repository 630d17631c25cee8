//! Concurrent runs: one of each request, any number of different ones.

use super::*;

on_both_engines! {
    a_second_run_of_the_same_request_sends_nothing
    a_run_can_follow_another_immediately
    a_killed_run_does_not_block_the_next
    concurrent_runs_of_different_requests_all_commit
    a_reader_does_not_block_a_run
}

/// Waits until the lock is released: a server notices the end of a process a moment late.
fn wait_until_free(store: &Store) {
    const LOCKS: &str = "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
                          WHERE locktype = 'advisory' AND datname = current_database()";
    if is_postgres(store) {
        wait_until("the server to notice", || store.query(LOCKS).is_empty());
    }
}

fn a_second_run_of_the_same_request_sends_nothing(store: Store) {
    let (server, gate) = holding(&["US", "PL"]);
    let first = RunningProcess::start(run_into(&store, &server, "-r US,PL --timeout 60s"));
    wait_until("the first run's requests", || server.log().len() == 2);
    for same in ["-r US,PL", "-r pl,us", "-r PL,US -n 7 --description", "-r US,PL --min-interval 1h"] {
        let outcome = run_into(&store, &server, same).finish().exits(75);
        assert!(outcome.stderr.contains("another run of the same request is using this history"), "{}", outcome.stderr);
        assert_eq!((outcome.stderr.lines().count(), &*outcome.stdout), (1, ""));
    }
    assert_eq!(server.log().len(), 2);
    for other in ["-r US", "-r US,PL,DE", "-r US,PL --category 10", "-r US,PL --demo=calm"] {
        let mut run = command(&store, other);
        if !other.contains("demo") {
            run.command.args(["--base-url", &server.base_url]);
        }
        run.finish().exits(0);
    }
    assert_eq!(count(&store, "runs"), 4);
    gate.open();
    first.end().exits(0);
    assert_eq!(count(&store, "runs"), 5);
    run_into(&store, &server, "-r PL,US").finish().exits(0);
    assert_no_leftovers(&store);
}

fn a_run_can_follow_another_immediately(store: Store) {
    let server = Server::start(|hit| Answer::page(&["a"], hit.query["maxResults"].eq("50").then_some("next")));
    for _ in 0..20 {
        run_into(&store, &server, "-r US -q").finish().exits(0);
    }
    // However a run ends that held the lock.
    for (ends, code) in [("-n 200 --max-units 1 -q", 4), ("-o /nowhere/x.json -q", 1), ("--min-interval 7h", 0)] {
        let first = run_into(&store, &server, &format!("-r US {ends}")).finish();
        assert_eq!(first.code, Some(code), "{ends}: {}", first.stderr);
        run_into(&store, &server, "-r US -q").finish().exits(0);
    }
    assert_no_leftovers(&store);
}

fn a_killed_run_does_not_block_the_next(store: Store) {
    let (server, gate) = holding(&["US"]);
    let first = RunningProcess::start(run_into(&store, &server, "-r US --timeout 60s"));
    wait_until("the first run's request", || server.log().len() == 1);
    first.signal(rustix::process::Signal::KILL);
    assert_eq!(first.end().code, None);
    gate.open();
    wait_until_free(&store);
    run_into(&store, &server, "-r US").finish().exits(0);
    assert_eq!((count(&store, "runs"), count(&store, "chart_entries")), (1, 2));
    assert_no_leftovers(&store);
}

fn concurrent_runs_of_different_requests_all_commit(store: Store) {
    // All eight have opened the new history before any of them commits.
    let asked = Arc::new(std::sync::Barrier::new(8));
    let server = Server::start(move |hit| {
        if hit.region() == "US" {
            asked.wait();
        }
        Answer::page(&["a", "b", "c", "d", "e"], None)
    });
    let start = |category: u32| {
        // In different orders, so that they would lock rows crosswise.
        let regions = if category.is_multiple_of(2) { "US,PL" } else { "PL,US" };
        RunningProcess::start(run_into(
            &store,
            &server,
            &format!("-r {regions} --category {category} --timeout 20s --retries 0"),
        ))
    };
    let runs: Vec<RunningProcess> = (1..=8).map(start).collect();
    for run in runs {
        let outcome = run.end().exits(0);
        assert_eq!(outcome.stderr, "");
    }
    assert_eq!((count(&store, "runs"), count(&store, "chart_entries")), (8, 80));
    assert_eq!((count(&store, "videos"), count(&store, "presence")), (5, 80));
    assert_no_leftovers(&store);
}

/// A reader in the middle of a transaction.
pub(super) enum Reader {
    Sqlite(rusqlite::Connection),
    Postgres(Child, ChildStdin, BufReader<ChildStdout>),
}

impl Reader {
    pub(super) fn begin(store: &Store) -> Reader {
        if !is_postgres(store) {
            let connection = rusqlite::Connection::open(&store.url).unwrap();
            connection.execute_batch("BEGIN").unwrap();
            return Reader::Sqlite(connection);
        }
        let mut psql = Command::new(programs().unwrap().join("psql"))
            .args(["-X", "-q", "-A", "-t", &store.url])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut typed, printed) = (psql.stdin.take().unwrap(), BufReader::new(psql.stdout.take().unwrap()));
        typed.write_all(b"BEGIN ISOLATION LEVEL REPEATABLE READ;\n").unwrap();
        Reader::Postgres(psql, typed, printed)
    }

    /// Counts the runs.
    pub(super) fn count(&mut self) -> i64 {
        const SQL: &str = "SELECT count(*) FROM runs;";
        match self {
            Reader::Sqlite(connection) => connection.query_row(SQL, [], |row| row.get(0)).unwrap(),
            Reader::Postgres(_, typed, printed) => {
                writeln!(typed, "{SQL}").unwrap();
                let mut line = String::new();
                printed.read_line(&mut line).unwrap();
                line.trim().parse().unwrap()
            }
        }
    }

    fn commit(&mut self) {
        match self {
            Reader::Sqlite(connection) => connection.execute_batch("COMMIT").unwrap(),
            Reader::Postgres(_, typed, _) => typed.write_all(b"COMMIT;\n").unwrap(),
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Reader::Postgres(psql, ..) = self {
            let _ = psql.kill();
            let _ = psql.wait();
        }
    }
}

fn a_reader_does_not_block_a_run(store: Store) {
    let server = server_at(now(), &["a"]);
    let old = document(days(now(), -40), vec![chart("US", &["old"])]);
    record(&store, &old);
    let mut reader = Reader::begin(&store);
    assert_eq!(reader.count(), 1);
    // It inserts, updates and deletes under the reader's eyes.
    run_into(&store, &server, "-r US").finish().exits(0);
    run_into(&store, &server, "-r US").finish().exits(0);
    command(&store, "changes").finish().exits(0);
    assert_eq!(reader.count(), 1);
    reader.commit();
    assert_eq!(reader.count(), 3);
    assert_eq!(columns(&store, "videos", &["video_id"]), [json!(["US-a"])]);
}
