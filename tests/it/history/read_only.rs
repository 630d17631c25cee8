//! Reading a history without the permission to write it: everything is read, and nothing is left behind.

use super::*;
use crate::tools::may_run_without_rights;

/// A history of two runs.
fn history_of_two_runs() -> Store {
    let store = Store::sqlite();
    record(&store, &document(hours(now(), -7), vec![chart("PL", &["a", "b"])]));
    record_second(&store);
    store
}

fn record_second(store: &Store) {
    record(store, &document(hours(now(), -1), vec![chart("PL", &["b", "new"])]));
}

/// Asserts that another user, with these modes of the files and the folder, sees both runs and leaves the history
/// unchanged.
#[track_caller]
fn assert_read_by_others(store: &Store, file: u32, folder: u32) {
    let names = files_in(store.folder.path());
    for name in &names {
        fs::set_permissions(store.folder.path().join(name), fs::Permissions::from_mode(file)).unwrap();
    }
    fs::set_permissions(store.folder.path(), fs::Permissions::from_mode(folder)).unwrap();
    let contents = || -> Vec<Vec<u8>> {
        // The index of the log contains locks, which change.
        let kept = names.iter().filter(|name| !name.ends_with("-shm"));
        kept.map(|name| fs::read(store.folder.path().join(name)).unwrap()).collect()
    };
    let before = contents();
    for arguments in ["changes -f json", "report -o page.html"] {
        let outcome = command(store, arguments).without_rights().finish().exits(0);
        let shown = if arguments.starts_with("report") { outcome.read("page.html") } else { outcome.stdout.clone() };
        assert!(shown.contains("Title of new"), "{file:o} in {folder:o}: {arguments}: {shown}");
        assert_eq!(outcome.stderr, "");
    }
    assert_eq!(files_in(store.folder.path()), names, "{file:o} in {folder:o}");
    assert!(contents() == before, "{file:o} in {folder:o}");
    fs::set_permissions(store.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
}

#[test]
fn a_read_only_file_is_read() {
    if may_run_without_rights("readers of a history") {
        for (file, folder) in [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)] {
            assert_read_by_others(&history_of_two_runs(), file, folder);
        }
    }
}

#[test]
fn a_read_only_file_with_a_rollback_journal_is_read() {
    if may_run_without_rights("readers of a history") {
        let store = history_of_two_runs();
        assert_eq!(store.query("PRAGMA journal_mode = delete"), ["delete"]);
        assert_read_by_others(&store, 0o444, 0o555);
    }
}

#[test]
fn a_run_that_is_only_in_the_write_ahead_log_is_read() {
    if !may_run_without_rights("readers of a history") {
        return;
    }
    let store = Store::sqlite();
    record(&store, &document(hours(now(), -7), vec![chart("PL", &["a", "b"])]));
    // The log stays as long as a connection is open.
    let connected = rusqlite::Connection::open(&store.url).unwrap();
    connected.query_row("SELECT count(*) FROM runs", [], |_| Ok(())).unwrap();
    record_second(&store);
    assert_eq!(files_in(store.folder.path()), ["history.db", "history.db-shm", "history.db-wal"]);
    for (file, folder) in [(0o444, 0o555), (0o444, 0o777), (0o666, 0o555)] {
        assert_read_by_others(&store, file, folder);
    }
    // What a crash leaves: the log, with or without its index, and no open connection.
    for names in [&["history.db", "history.db-wal"][..], &["history.db", "history.db-shm", "history.db-wal"]] {
        let copy = Store::sqlite();
        for name in names {
            fs::copy(store.folder.path().join(name), copy.folder.path().join(name)).unwrap();
        }
        assert_read_by_others(&copy, 0o444, 0o555);
    }
}

#[test]
fn a_read_only_file_that_needs_recovery_is_rejected() {
    if !may_run_without_rights("readers of a history") {
        return;
    }
    let store = history_of_two_runs();
    assert_eq!(store.query("PRAGMA journal_mode = delete"), ["delete"]);
    // The files of a program that was killed during a commit: a journal that no process holds.
    let writer = rusqlite::Connection::open(&store.url).unwrap();
    writer
        .execute_batch(
            "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN; UPDATE videos SET title = hex(zeroblob(5000))",
        )
        .unwrap();
    let killed = Store::sqlite();
    for name in ["history.db", "history.db-journal"] {
        fs::copy(store.folder.path().join(name), killed.folder.path().join(name)).unwrap();
    }
    fs::set_permissions(killed.folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    fs::set_permissions(&killed.url, fs::Permissions::from_mode(0o444)).unwrap();
    let outcome = command(&killed, "changes").without_rights().finish().exits(1);
    assert_one_sentence("a journal", &outcome, "let its owner open it once with this trendfetch");
    fs::set_permissions(killed.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
}
