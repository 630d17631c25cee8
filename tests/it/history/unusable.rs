//! A history that cannot be used is rejected before any request is sent.

use super::*;
use crate::tools::may_run_without_rights;

on_both_engines! {
    tables_of_a_newer_version_are_left_unchanged
    reading_does_not_create_a_history
}

/// Asserts that every command that takes a history fails without a request or a change. The message of a run must contain
/// `says`; the other commands may give another reason.
#[track_caller]
fn unusable(url: &str, says: &str) {
    unusable_by(url, says, |run| run);
}

#[track_caller]
fn unusable_by(url: &str, says: &str, prepare: impl Fn(Run) -> Run) {
    let server = Server::of_pages(&["a"]);
    let document = serde_json::to_string(&document(at(NOON), vec![chart("US", &["a"])])).unwrap();
    for arguments in ["-r US -o out.json", "load document.json", "changes", "prune --keep 1d"] {
        let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>()).file("document.json", &document);
        run.command.args(["--store", url]);
        if arguments.starts_with('-') {
            run.command.args(["--base-url", &server.base_url]);
        }
        let outcome = prepare(run).finish().exits(1);
        let expected = if arguments.starts_with('-') { says } else { "" };
        assert_one_sentence(arguments, &outcome, expected);
        assert!(outcome.stderr.starts_with("error: cannot use the history "), "{}", outcome.stderr);
        assert_eq!(outcome.files(), ["document.json"]);
    }
    assert!(server.log().is_empty());
}

/// The same for a file, which must stay unchanged.
#[track_caller]
fn unusable_file(folder: &Path, name: &str, says: &str) {
    let path = folder.join(name);
    let before = (fs::read(&path).unwrap(), files_in(folder));
    unusable(path.to_str().unwrap(), says);
    assert!((fs::read(&path).unwrap(), files_in(folder)) == before, "{name} or its folder changed");
}

#[test]
fn files_that_are_not_a_history_are_left_unchanged() {
    let store = Store::sqlite();
    record(&store, &document(at(NOON), vec![chart("US", &["a"])]));
    let good = fs::read(&store.url).unwrap();
    let folder = store.folder.path();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();

    write("short", b"short");
    unusable_file(folder, "short", "file is not a database; ");
    write("text", "A diary, and no database at all.\n".repeat(100).as_bytes());
    unusable_file(folder, "text", "file is not a database; ");
    write("document.json", serde_json::to_string(&document(at(NOON), vec![])).unwrap().as_bytes());
    unusable_file(folder, "document.json", "this one is left as it is");

    let database = rusqlite::Connection::open(folder.join("other.db")).unwrap();
    database.execute_batch("CREATE TABLE runs (id TEXT); INSERT INTO runs VALUES ('of another program')").unwrap();
    drop(database);
    unusable_file(folder, "other.db", "it is another program's database; name a file for trendfetch alone");

    let damaged = |places: std::ops::Range<usize>| {
        let mut bytes = good.clone();
        bytes[places].fill(0xa5);
        bytes
    };
    write("magic.db", &damaged(0..16));
    unusable_file(folder, "magic.db", "file is not a database; ");
    write("tree.db", &damaged(100..4096));
    unusable_file(folder, "tree.db", "; it is damaged, or it is not a SQLite file; restore a backup");
    write("cut.db", &good[..5000]);
    unusable_file(folder, "cut.db", "; it is damaged, or it is not a SQLite file; restore a backup");

    // The good file still works.
    command(&store, "changes").finish().exits(0);
}

#[test]
fn an_empty_database_of_another_program_is_left_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let database = rusqlite::Connection::open(folder.path().join("begun.db")).unwrap();
    database.execute_batch("PRAGMA application_id = 252006674; PRAGMA user_version = 10002").unwrap();
    drop(database);
    unusable_file(folder.path(), "begun.db", "it is another program's database; name a file for trendfetch alone");
}

#[test]
fn reading_an_empty_file_does_not_change_it() {
    let store = Store::sqlite();
    fs::write(&store.url, "").unwrap();
    let outcome = command(&store, "changes").finish();
    assert_eq!((outcome.code, fs::metadata(&store.url).unwrap().len()), (Some(1), 0), "{}", outcome.stderr);
}

#[test]
fn a_path_where_no_file_can_be_is_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::create_dir(place("folder")).unwrap();
    fs::write(place("file"), "").unwrap();
    let says = "name a file in a folder that is there and that you may write to";
    unusable(&place("missing/history.db"), says);
    unusable(&place("folder"), says);
    unusable(&place("file/history.db"), says);
    assert_eq!(files_in(folder.path()), ["file", "folder"]);
    assert!(files_in(&folder.path().join("folder")).is_empty());
}

#[test]
fn files_and_folders_without_write_permission_are_rejected() {
    unusable_by_modes(&[(0o666, 0o555), (0o444, 0o555), (0o000, 0o777)]);
}

#[test]
fn a_read_only_file_in_a_writable_folder_is_rejected() {
    unusable_by_modes(&[(0o444, 0o777)]);
}

#[track_caller]
fn unusable_by_modes(modes: &[(u32, u32)]) {
    if !may_run_without_rights("histories that may not be written") {
        return;
    }
    let store = Store::sqlite();
    record(&store, &document(at(NOON), vec![chart("US", &["a"])]));
    let before = fs::read(&store.url).unwrap();
    let server = Server::of_pages(&["a"]);
    // Modes of the file and of its folder.
    for (file, folder) in modes {
        fs::set_permissions(&store.url, fs::Permissions::from_mode(*file)).unwrap();
        fs::set_permissions(store.folder.path(), fs::Permissions::from_mode(*folder)).unwrap();
        let outcome = run_into(&store, &server, "-r US").without_rights().finish().exits(1);
        let says = "name a file in a folder that is there and that you may write to";
        assert_one_sentence(&format!("{file:o} in {folder:o}"), &outcome, says);
        fs::set_permissions(store.folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        assert_no_leftovers(&store);
    }
    assert!(server.log().is_empty());
    // Only root could read it with these modes.
    fs::set_permissions(&store.url, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(fs::read(&store.url).unwrap() == before);
}

#[test]
fn a_file_locked_by_another_program_is_rejected() {
    let store = Store::sqlite();
    record(&store, &document(at(NOON), vec![chart("US", &["a"])]));
    let before = dump(&store);
    let connection = rusqlite::Connection::open(&store.url).unwrap();
    connection.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let server = Server::of_pages(&["a"]);
    let outcome = run_into(&store, &server, "-r US").finish().exits(1);
    assert_one_sentence("a locked file", &outcome, "another program keeps it locked; end that, and run again");
    assert!(server.log().is_empty());
    connection.execute_batch("COMMIT").unwrap();
    drop(connection);
    assert_eq!(dump(&store), before);
    assert_no_leftovers(&store);
}

fn tables_of_a_newer_version_are_left_unchanged(store: Store) {
    record(&store, &document(at(NOON), vec![chart("US", &["a"])]));
    let newest = version(&store);
    store.execute(if is_postgres(&store) {
        "INSERT INTO trendfetch_schema VALUES (99)"
    } else {
        "PRAGMA user_version = 99"
    });
    let before = (dump(&store), fs::read(&store.url).ok());
    let says =
        format!("its tables are version 99, and this trendfetch knows versions up to {newest}; install the newer");
    unusable(&store.url, &says);
    assert!((dump(&store), fs::read(&store.url).ok()) == before);
    assert_no_leftovers(&store);
}

fn reading_does_not_create_a_history(store: Store) {
    for arguments in ["changes", "changes -r US -f json", "prune --keep 1d"] {
        let outcome = command(&store, arguments).finish().exits(1);
        assert_one_sentence(arguments, &outcome, "a run with --store makes one");
    }
    assert!(files_in(store.folder.path()).is_empty());
    if is_postgres(&store) {
        assert_eq!(store.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["0"]);
    }
}

#[test]
fn servers_that_cannot_be_used_are_rejected() {
    let Some(store) = Store::postgres() else { return };
    let cluster = Cluster::shared().unwrap();
    let port = cluster.port;
    let database = store.url.rsplit_once('/').unwrap().1.to_owned();
    unusable("postgres://trend@127.0.0.1:1/trends", "; check that the server runs, and that its address is right");
    unusable(&cluster.url("no_such_database"), "create the database first, with createdb");
    unusable(
        &format!("postgres://no_such_user@127.0.0.1:{port}/{database}"),
        "check the user in its address, and what the server's pg_hba.conf allows",
    );
    unusable(&format!("{}?sslmode=require", store.url), "let the server offer TLS, or add sslmode=disable");

    cluster.psql("postgres", "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN");
    let guest = format!("postgres://guest@127.0.0.1:{port}/{database}");
    unusable(&guest, "its user guest may not make tables in its schema public; GRANT CREATE ON SCHEMA public TO guest");
    assert_eq!(store.query("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), ["0"]);
    unusable(
        &format!("{guest}?options=-cdefault_transaction_read_only%3Don"),
        "SET default_transaction_read_only = off",
    );

    // Another program's table.
    store.execute("CREATE TABLE videos (mine text)");
    unusable(&store.url, "tables of another program have these names");
    assert_eq!(store.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"), ["videos"]);
}

#[test]
fn a_read_only_user_is_rejected_before_any_request() {
    let Some(store) = Store::postgres() else { return };
    record(&store, &document(at(NOON), vec![chart("US", &["a"])]));
    let cluster = Cluster::shared().unwrap();
    cluster.psql("postgres", "DROP ROLE IF EXISTS website; CREATE ROLE website LOGIN");
    store.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO website");
    let website = store.url.replace("trend@", "website@");
    let server = Server::of_pages(&["a"]);
    let mut run = Run::on(&server, "-r US");
    run.command.args(["--store", &website]);
    let outcome = run.finish().exits(1);
    assert!(
        outcome.stderr.contains("its user website lacks these rights: INSERT, UPDATE, DELETE; GRANT"),
        "{}",
        outcome.stderr
    );
    assert_eq!(count(&store, "runs"), 1);
    // It may still read.
    Run::new(&["changes", "--store", &website]).finish().exits(0);
    assert_eq!(server.asked(), Vec::<String>::new());
}

#[test]
fn malformed_options_and_options_without_a_history_are_usage_errors() {
    let server = Server::of_pages(&["a"]);
    let refused = |arguments: &[&str], says: &str| {
        let mut run = Run::new(arguments);
        if arguments[0].starts_with('-') {
            run.command.args(["--base-url", &server.base_url]);
        }
        let outcome = run.finish().exits(2);
        assert!(
            outcome.stderr.starts_with("error: ") && outcome.stderr.contains(says),
            "{arguments:?}: {}",
            outcome.stderr
        );
        assert!(outcome.stdout.is_empty() && outcome.files().is_empty(), "{arguments:?}: {:?}", outcome.files());
    };
    refused(&["--keep", "7d"], "--keep requires --store or TRENDFETCH_STORE");
    refused(&["--min-interval", "7h"], "--min-interval requires --store or TRENDFETCH_STORE");
    for wrong in ["7", "0s", "-7h", "soon", "11y"] {
        for option in ["--keep", "--min-interval"] {
            refused(&[&format!("{option}={wrong}"), "--store", "history.db"], "a positive number and a unit");
        }
        refused(&["prune", &format!("--keep={wrong}"), "--store", "history.db"], "a positive number and a unit");
    }
    for command in [&["changes"][..], &["load", "x.json"], &["prune", "--keep", "7d"]] {
        refused(command, "no history given; use --store or TRENDFETCH_STORE");
    }
    refused(&["prune", "--store", "history.db"], "--keep");
    for (url, says) in [
        ("", "it names no file"),
        ("sqlite:", "it names no file"),
        ("folder/", "it names a folder"),
        (":memory:", "a history in memory would be lost at once"),
        ("sqlite:history.db?mode=memory", "the only parameter of sqlite: is ?journal_mode=delete"),
        ("mysql://host/database", "give a path, sqlite:PATH, or postgres://user@host/database"),
        ("postgres:history", "not a PostgreSQL address; write postgres://user@host/database"),
        ("postgres://host:port/database", "malformed"),
        ("postgres://host/database?sslmode=maybe", "sslmode is one of"),
        ("postgres://host/database?nonsense=1", "malformed"),
    ] {
        refused(&["--store", url], &format!("--store: {says}"));
        refused(&["changes", "--store", url], says);
        if !url.is_empty() {
            let outcome = Run::on(&server, "-r US").env("TRENDFETCH_STORE", url).finish().exits(2);
            assert!(outcome.stderr.contains("TRENDFETCH_STORE: "), "{}", outcome.stderr);
        }
    }
    assert!(server.log().is_empty());
}

#[test]
fn journal_mode_delete_writes_no_write_ahead_log() {
    let mut store = Store::sqlite();
    let server = Server::of_pages(&["a"]);
    let path = store.url.clone();
    let mode = |store: &Store| store.query("PRAGMA journal_mode");
    for (url, expected) in [
        (format!("sqlite:{path}?journal_mode=delete"), "delete"),
        (format!("sqlite://{path}"), "wal"),
        (format!("sqlite:{path}?journal_mode=delete"), "delete"),
    ] {
        store.url = url;
        run_into(&store, &server, "-r US").finish().exits(0);
        command(&store, "changes").finish().exits(0);
        store.url = path.clone();
        assert_eq!(mode(&store), [expected]);
        assert_no_leftovers(&store);
    }
    assert_eq!(count(&store, "runs"), 3);
}
