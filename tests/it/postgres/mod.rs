//! The history on PostgreSQL: what happens to a run when the network fails, the server restarts, privileges are missing or
//! settings differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use serde_json::{Value, json};
use socket2::{Domain, SockRef, Socket, Type};

use crate::databases::{Cluster, Store, programs};
use crate::harness::{Answer, Hit, KEY, Outcome, Run, Server, item};

mod disconnects;
mod failover;
mod permissions;
mod pooler;
mod restarts;
mod round_trips;
mod search;
mod serialization;
mod settings;
mod tls;

/// A program that takes longer hangs, even on a busy machine: nothing here takes more than a second or two.
const HANG_TIMEOUT: Duration = Duration::from_secs(60);

/// A run against `server` that is recorded. The address is in the environment, which causes no warning.
fn run_into(url: &str, server: &Server, arguments: &str) -> Run {
    Run::on(server, arguments).env("TRENDFETCH_STORE", url)
}

fn command(url: &str, arguments: &[&str]) -> Outcome {
    finish(Run::new(arguments).env("TRENDFETCH_STORE", url))
}

fn finish(run: Run) -> Outcome {
    finish_within(run, HANG_TIMEOUT)
}

fn finish_within(mut run: Run, timeout: Duration) -> Outcome {
    let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let (done, ended) = mpsc::channel();
    thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(timeout) else {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
        panic!("still running after {timeout:?}: {:?}", run.command);
    };
    let outcome = Outcome::new(output.unwrap(), run.folder);
    let (stdout, stderr) = (&outcome.stdout, &outcome.stderr);
    assert!(!stderr.contains("panicked") && !stdout.contains(KEY) && !stderr.contains(KEY), "{stderr}");
    outcome
}

/// The document that a run saved because it could not be recorded, and the run id.
fn saved(outcome: &Outcome) -> Option<(PathBuf, String)> {
    let files = outcome.files();
    let names: Vec<&String> = files.iter().filter(|name| name.starts_with("trendfetch-")).collect();
    assert!(names.len() <= 1, "{names:?}");
    let id = names.first()?.strip_prefix("trendfetch-")?.strip_suffix(".json")?;
    assert!(outcome.stderr.contains("trendfetch load "), "{}", outcome.stderr);
    Some((outcome.folder.path().join(names[0]), id.to_owned()))
}

/// Loads a saved document, and returns what the program prints.
fn load(url: &str, document: &Path) -> String {
    command(url, &["load", document.to_str().unwrap()]).exits(0).stdout
}

/// Asserts that a run ended with exit code 1, was not recorded but saved, and that the document can be loaded.
#[track_caller]
fn assert_saved(outcome: Outcome, store: &Store) {
    let outcome = outcome.exits(1);
    let (document, id) = saved(&outcome).unwrap_or_else(|| panic!("not saved: {}", outcome.stderr));
    let there = || store.query(&format!("SELECT count(*) FROM runs WHERE id = '{id}'"));
    assert_eq!(there(), ["0"]);
    assert!(load(&store.url, &document).contains("is in the history now"));
    assert_eq!(there(), ["1"]);
}

/// Asserts that a run ended with exit code 1 before any request, with these words in its message.
#[track_caller]
fn assert_refused(outcome: Outcome, server: &Server, says: &[&str]) {
    let outcome = outcome.exits(1);
    assert!(server.log().is_empty(), "{} request(s) were sent: {}", server.log().len(), outcome.stderr);
    assert_eq!((outcome.stdout.as_str(), outcome.files().len()), ("", 0), "{}", outcome.stderr);
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    assert!(lines.len() == 1 && lines[0].contains("cannot use the history postgres:"), "{lines:?}");
    for words in says {
        assert!(outcome.stderr.contains(words), "{words:?} is not in: {}", outcome.stderr);
    }
}

/// A database with tables, created by a run of a region that no other run requests.
fn with_tables() -> Option<Store> {
    let store = Store::postgres()?;
    finish(run_into(&store.url, &Server::of_pages(&["x"]), "-r ZZ -q")).exits(0);
    Some(store)
}

fn as_role(store: &Store, role: &str) -> String {
    store.url.replacen("trend@", &format!("{role}@"), 1)
}

/// A unique name for a role or a schema: roles belong to the whole cluster.
fn own_name(store: &Store, what: &str) -> String {
    format!("{what}_{}", store.url.rsplit('/').next().unwrap())
}

/// Checks the items in `width` threads.
fn side_by_side<T: Send, R: Send>(width: usize, items: Vec<T>, check: impl Fn(T) -> R + Sync) -> Vec<R> {
    let (items, results) = (Mutex::new(items), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..width {
            scope.spawn(|| {
                loop {
                    let Some(item) = items.lock().unwrap().pop() else { return };
                    let result = check(item);
                    results.lock().unwrap().push(result);
                }
            });
        }
    });
    results.into_inner().unwrap()
}

const PLACES: usize = 40;

fn chart(hit: &Hit) -> Answer {
    Answer::page(&(0..PLACES).map(|place| format!("{}-{place}", hit.region())).collect::<Vec<_>>(), None)
}

/// The run and the number of rows in each table, by region.
fn by_region(store: &Store) -> BTreeMap<String, String> {
    let sql = "
        WITH named AS (SELECT region FROM run_regions UNION SELECT region FROM places UNION SELECT region FROM presence
                       UNION SELECT split_part(video_id, '-', 1) FROM videos
                       UNION SELECT split_part(video_id, '-', 1) FROM counts)
        SELECT region,
               (SELECT string_agg(id::text, '+') FROM run_regions JOIN runs ON id = run_id WHERE region = named.region),
               (SELECT count(*) FROM places WHERE region = named.region),
               (SELECT count(*) FROM counts WHERE split_part(video_id, '-', 1) = named.region),
               (SELECT count(*) FROM presence WHERE region = named.region),
               (SELECT count(*) FROM videos WHERE split_part(video_id, '-', 1) = named.region)
        FROM named";
    let rows = store.query(sql).into_iter().map(|row| {
        let (region, rest) = row.split_once('|').unwrap();
        (region.to_owned(), rest.to_owned())
    });
    let rows: BTreeMap<_, _> = rows.collect();
    assert_eq!(store.query("SELECT count(*) FROM runs"), [rows.len().to_string()], "{rows:?}");
    rows
}

fn whole(run_id: &str) -> String {
    format!("{run_id}|{PLACES}|{PLACES}|{PLACES}|{PLACES}")
}

/// A client of PostgreSQL that holds the commit lock until it is dropped.
struct CommitLock(Child);

impl CommitLock {
    fn of(store: &Store) -> CommitLock {
        let mut psql = Command::new(programs().unwrap().join("psql"));
        psql.args(["-X", "-q", "-A", "-t", &store.url]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = psql.spawn().unwrap();
        writeln!(
            child.stdin.as_ref().unwrap(),
            "SELECT pg_advisory_lock(1414678084, 'public'::regnamespace::oid::integer);\n\\echo held"
        )
        .unwrap();
        let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap() == "held"));
        CommitLock(child)
    }

    /// Waits until `count` other sessions wait for a lock.
    fn wait_for(&self, store: &Store, count: usize) {
        let waiting = "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
                       WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted";
        let began = Instant::now();
        while store.query(waiting) != [count.to_string()] {
            assert!(began.elapsed() < HANG_TIMEOUT, "they do not wait for the lock");
        }
    }
}

impl Drop for CommitLock {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A document that `load` accepts.
fn some_document() -> String {
    Run::on(&Server::start(chart), "-r DE --json").finish().exits(0).stdout
}

/// Gives a file to the user that the server runs as.
fn give_to_server(path: &Path, cluster: &Cluster) {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let owner = fs::metadata(&cluster.folder).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    chown(path, Some(owner.uid()), Some(fs::metadata(cluster.folder.join("data")).unwrap().gid())).unwrap();
}

/// Regions, one for each run, since concurrent runs of the same request would block each other.
fn regions() -> impl Iterator<Item = String> {
    (b'M'..=b'T').flat_map(|first| (b'A'..=b'Z').map(move |last| String::from_utf8(vec![first, last]).unwrap()))
}

/// Lets runs fail with this code, at the statement or at the commit, while `fails` holds for the number of the attempt.
/// Attempts are counted by a sequence, since that is not rolled back.
fn failing(store: &Store, code: &str, fails: &str, at_commit: bool) {
    let trigger = if at_commit {
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT ON runs DEFERRABLE INITIALLY DEFERRED"
    } else {
        "CREATE TRIGGER fail BEFORE INSERT ON runs"
    };
    store.execute(&format!(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$
         DECLARE try bigint := nextval('tries');
         BEGIN
             IF {fails} THEN RAISE EXCEPTION 'try %', try USING ERRCODE = '{code}'; END IF;
             RETURN NEW;
         END $$;
         {trigger} FOR EACH ROW EXECUTE FUNCTION fail()"
    ));
}
