//! The history, tested alike on both databases.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use indicatif::{MultiProgress, ProgressDrawTarget};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;
use trendfetch::app;
use trendfetch::cli::Cli;
use trendfetch::config::env::Env;
use trendfetch::config::{Config, Source};
use trendfetch::deduplicate::deduplicate;
use trendfetch::history::changes::Move;
use trendfetch::history::run_history::{HistoryConfig, OpenOutcome, RequestState, RunHistory};
use trendfetch::history::{self, Access, Location};
use trendfetch::model::category::Category;
use trendfetch::model::error::{ErrorKind, RegionError};
use trendfetch::model::language::Language;
use trendfetch::model::read_document;
use trendfetch::model::region::Region;
use trendfetch::model::{
    ChartEntry, Document, FetchMetrics, Live, MergedVideo, Overlap, RegionChart, RegionOutcome, RegionStats, Request,
    SCHEMA_VERSION, Stats, Status, Video,
};
use trendfetch::stats;
use trendfetch::youtube::api_key::ApiKey;

use crate::databases::{Cluster, Store, programs};
use crate::harness::{Answer, KEY, Outcome, Run, Server, files_in, item};
use crate::tools::not_installed;

/// Runs the same tests on both databases.
macro_rules! on_both_engines {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(crate::databases::Store::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $test() { if let Some(store) = crate::databases::Store::postgres() { super::$test(store); } })*
        }
    };
}

#[cfg(feature = "report")]
mod browser;
mod categories;
mod change_formats;
mod change_summary;
mod changes;
mod clocks;
mod demo;
mod export;
mod keys;
mod load;
mod migrations;
mod min_interval;
#[cfg(feature = "report")]
mod page;
mod password;
mod read_only;
mod recipes;
mod request_lock;
mod rescue;
mod retention;
mod rows;
mod status;
mod unusable;

pub use migrations::{create_first_version, version};

// ---- Runs ----

/// A run against `server` that is recorded in the store.
fn run_into(store: &Store, server: &Server, arguments: &str) -> Run {
    let mut run = Run::on(server, arguments);
    run.command.args(["--store", &store.url]);
    run
}

/// A command on a history.
fn command(store: &Store, arguments: &str) -> Run {
    let mut run = Run::new(&arguments.split_whitespace().collect::<Vec<_>>());
    run.command.args(["--store", &store.url]);
    run
}

/// A run in this process, whose clock the test can choose. Prints nothing.
fn run_at(now: Timestamp, store: &Store, server: &Server, arguments: &str) -> u8 {
    loop {
        match run_once_at(now, store, server, arguments) {
            // See `open_when_free`.
            75 if is_postgres(store) => thread::sleep(Duration::from_millis(1)),
            code => return code,
        }
    }
}

fn run_once_at(now: Timestamp, store: &Store, server: &Server, arguments: &str) -> u8 {
    // `resolve` would look for a key.
    let fixed = ["trendfetch", "-q", "--dry-run", "--store", &store.url, "--base-url", &server.base_url];
    let typed = Cli::parse_from(fixed.into_iter().chain(arguments.split_whitespace()));
    let mut config = Config::resolve(typed.run, &typed.terminal, &Env::default()).unwrap();
    config.source = Some(Source::Api {
        base_url: server.base_url.parse().unwrap(),
        key: ApiKey::parse(KEY, "the key of the tests").unwrap(),
        network: Default::default(),
    });
    let screen = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    wait(app::run(config, now, screen, tokio::sync::watch::channel(None).1)).unwrap().code()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A running program. It is killed when its test ends.
struct RunningProcess(Option<(Child, TempDir)>);

impl RunningProcess {
    fn start(mut run: Run) -> RunningProcess {
        let child = run.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        RunningProcess(Some((child, run.folder)))
    }

    fn end(mut self) -> Outcome {
        let (child, folder) = self.0.take().unwrap();
        Outcome::new(child.wait_with_output().unwrap(), folder)
    }

    fn signal(&self, signal: rustix::process::Signal) {
        let (child, _) = self.0.as_ref().unwrap();
        rustix::process::kill_process(rustix::process::Pid::from_child(child), signal).unwrap();
    }
}

impl Drop for RunningProcess {
    fn drop(&mut self) {
        if let Some((child, _)) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Blocks threads until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn wait(&self) {
        let (is_open, changed) = &*self.0;
        let mut is_open = is_open.lock().unwrap();
        while !*is_open {
            is_open = changed.wait(is_open).unwrap();
        }
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// A server that delays its first answer for each of these regions until the gate is opened.
fn holding(regions: &'static [&'static str]) -> (Server, Gate) {
    let gate = Gate::default();
    let held = gate.clone();
    let server = Server::start(move |hit| {
        if hit.nth == 0 && regions.contains(&hit.region()) {
            held.wait();
        }
        Answer::page(&["a", "b"], None)
    });
    (server, gate)
}

/// A server whose `Date` is always this time. It answers one page of these ids for each region.
fn server_at(time: Timestamp, ids: &'static [&'static str]) -> Server {
    Server::start(move |hit| {
        let ids: Vec<String> = ids.iter().map(|id| format!("{}-{id}", hit.region())).collect();
        Answer::page(&ids, None).header("date", httpdate::fmt_http_date(time.into()))
    })
}

// ---- Times ----

/// The time of most tests.
const NOON: &str = "2026-11-22T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn hours(time: Timestamp, hours: i64) -> Timestamp {
    time + SignedDuration::from_hours(hours)
}

fn days(time: Timestamp, days: i64) -> Timestamp {
    hours(time, 24 * days)
}

/// The time by the clock that the program uses.
#[expect(clippy::disallowed_methods, reason = "a run of the binary is dated now, so what lies before it must be too")]
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap()
}

// ---- Documents ----

fn region(code: &str) -> Region {
    Region::new(code).unwrap()
}

fn video(id: &str) -> Video {
    Video {
        id: id.into(),
        title: format!("Title of {id}").into(),
        channel: "A channel".into(),
        views: Some(1000),
        likes: None,
        comments: Some(0),
        duration_seconds: Some(60),
        ..Video::default()
    }
}

/// A complete chart.
fn chart<S: AsRef<str>>(code: &str, ids: &[S]) -> RegionChart {
    let entries = (1..).zip(ids).map(|(rank, id)| ChartEntry {
        rank,
        fetched_at: Timestamp::UNIX_EPOCH,
        video: Box::new(video(id.as_ref())),
    });
    RegionChart {
        entries: entries.collect(),
        outcome: RegionOutcome {
            region: region(code),
            entries: ids.len(),
            skipped: 0,
            answered: true,
            failure: None,
            metrics: FetchMetrics { requests: 1, ..FetchMetrics::default() },
        },
    }
}

/// A chart of which only the first entries arrived.
fn partial<S: AsRef<str>>(code: &str, ids: &[S], kind: ErrorKind) -> RegionChart {
    let mut chart = chart(code, ids);
    chart.outcome.failure = Some(RegionError::new(kind, format!("about {kind}")).into());
    chart
}

/// A chart of which nothing arrived.
fn failed(code: &str, kind: ErrorKind) -> RegionChart {
    let mut chart = partial::<&str>(code, &[], kind);
    chart.outcome.answered = false;
    chart
}

/// A run of these charts: source `youtube`, all categories, 50 entries requested.
fn document(start: Timestamp, charts: Vec<RegionChart>) -> Document {
    let regions = charts.iter().map(|chart| chart.outcome.region).collect();
    let (videos, outcomes) = deduplicate(charts);
    let stats = stats::count(&outcomes, &videos, Duration::ZERO, Duration::ZERO);
    Document::new(start, "youtube".into(), Request { regions, max_results: 50, category_id: None }, stats, videos)
}

/// Records a run without the binary.
fn record(store: &Store, document: &Document) {
    wait(async {
        let mut backend = history::open(&location(store), Access::Create).await.unwrap();
        assert!(backend.record(&Arc::new(document.clone()), None).await.unwrap());
    });
}

fn location(store: &Store) -> Location {
    Location::parse(&store.url, "--store").unwrap()
}

/// Loads a run from its document, with the binary.
fn load(store: &Store, document: &Document) -> Outcome {
    command(store, "load document.json").file("document.json", &serde_json::to_string(document).unwrap()).finish()
}

// ---- Content of a history ----

fn is_postgres(store: &Store) -> bool {
    store.url.starts_with("postgres:")
}

/// Another history of the same kind. On PostgreSQL this is a schema, which is faster to create than a database.
fn another(store: &Store) -> Store {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    if !is_postgres(store) {
        return Store::sqlite();
    }
    let schema = format!("other_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    store.execute(&format!("CREATE SCHEMA {schema}"));
    let bare = store.url.split('?').next().unwrap();
    Store { url: format!("{bare}?options=-csearch_path%3D{schema}"), folder: tempfile::tempdir().unwrap() }
}

/// The documented tables and views in one form for both databases: rows as JSON, sorted, without `number`, which depends
/// on earlier attempts.
fn dump(store: &Store) -> BTreeMap<&'static str, Vec<Value>> {
    const TABLES: [&str; 6] = ["runs", "run_regions", "videos", "chart_entries", "observations", "presence"];
    let select = |table: &str| {
        if is_postgres(store) {
            return format!("SELECT '{table}', to_jsonb(t) - 'number' FROM {table} t");
        }
        let columns = format!("SELECT name FROM pragma_table_info('{table}') WHERE name <> 'number'");
        let fields: Vec<String> = store.query(&columns).iter().map(|name| format!("'{name}', {name}")).collect();
        format!("SELECT '{table}', json_object({}) FROM {table}", fields.join(", "))
    };
    let mut dump: BTreeMap<&str, Vec<Value>> = TABLES.into_iter().map(|table| (table, Vec::new())).collect();
    for row in store.query(&TABLES.map(select).join(" UNION ALL ")) {
        let (table, row) = row.split_once('|').unwrap();
        let mut row: Value = serde_json::from_str(row).unwrap();
        row.as_object_mut().unwrap().iter_mut().for_each(|(name, value)| normalize(name, value));
        dump.get_mut(table).unwrap().push(row);
    }
    dump.into_iter().map(|(table, rows)| (table, sorted(rows))).collect()
}

/// Converts a value of either database to a common form.
fn normalize(name: &str, value: &mut Value) {
    match (name, &*value) {
        ("embeddable" | "age_restricted" | "pruned", Value::Number(number)) => {
            *value = json!(number.as_i64() == Some(1))
        }
        ("tags", Value::String(list)) => *value = serde_json::from_str(list).unwrap(),
        (name, Value::String(time)) if name.ends_with("_at") => *value = json!(at(time)),
        _ => {}
    }
}

fn rows(store: &Store, table: &str) -> Vec<Value> {
    dump(store).remove(table).unwrap()
}

/// Some columns of a table, sorted.
fn columns(store: &Store, table: &str, names: &[&str]) -> Vec<Value> {
    sorted(rows(store, table).iter().map(|row| names.iter().map(|name| row[*name].clone()).collect()))
}

fn sorted(rows: impl IntoIterator<Item = Value>) -> Vec<Value> {
    let mut rows: Vec<Value> = rows.into_iter().collect();
    rows.sort_by_key(Value::to_string);
    rows
}

/// The row of a video.
#[track_caller]
fn row_of(store: &Store, id: &str) -> Value {
    let row = rows(store, "videos").into_iter().find(|row| row["video_id"] == id);
    row.unwrap_or_else(|| panic!("no row of {id}"))
}

fn count(store: &Store, table: &str) -> u64 {
    store.query(&format!("SELECT count(*) FROM {table}"))[0].parse().unwrap()
}

/// Asserts that a history of SQLite is one file again.
#[track_caller]
fn assert_no_leftovers(store: &Store) {
    let expected: &[&str] = if is_postgres(store) { &[] } else { &["history.db"] };
    assert_eq!(files_in(store.folder.path()), expected);
}

/// Makes the database reject an operation until [`allow`] is called.
pub fn refuse(store: &Store, what: &str) {
    store.execute(&if is_postgres(store) {
        format!(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not today''; END';
             CREATE TRIGGER refuse BEFORE {what} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    } else {
        format!("CREATE TRIGGER refuse BEFORE {what} BEGIN SELECT RAISE(ABORT, 'not today'); END")
    });
}

pub fn allow(store: &Store) {
    store.execute(if is_postgres(store) { "DROP FUNCTION refuse CASCADE" } else { "DROP TRIGGER refuse" });
}

/// A password with characters that a URL must escape.
const PASSWORD: &str = "CaNaRy+of/the:tests=7";

/// The URL of a user of the shared cluster who needs a password.
fn guarded(store: &Store) -> String {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let cluster = Cluster::shared().unwrap();
        cluster.psql("postgres", &format!("CREATE ROLE guarded LOGIN SUPERUSER PASSWORD '{PASSWORD}'"));
        let access = cluster.folder.join("data/pg_hba.conf");
        let rules = fs::read_to_string(&access).unwrap();
        fs::write(&access, format!("host all guarded 127.0.0.1/32 scram-sha-256\n{rules}")).unwrap();
        cluster.psql("postgres", "SELECT pg_reload_conf()");
    });
    let bare = store.url.replace("trend@", "guarded@");
    wait_until("the server to ask for the password", || {
        let mut psql = Command::new(programs().unwrap().join("psql"));
        let asked = psql.args(["-X", "-w", "-c", "SELECT 1", &bare]).env_remove("PGPASSWORD").output();
        !asked.unwrap().status.success()
    });
    bare
}

#[track_caller]
fn assert_no_password(what: &str, text: &str) {
    let percent: String = url::form_urlencoded::byte_serialize(PASSWORD.as_bytes()).collect();
    for part in [PASSWORD, &percent, "CaNaRy", "tests=7", "tests%3D7"] {
        assert!(!text.contains(part), "{what} holds the password as {part}: {text}");
    }
}

#[track_caller]
fn assert_one_sentence(what: &str, outcome: &Outcome, says: &str) {
    let Outcome { stdout, stderr, .. } = outcome;
    let is_one = stderr.starts_with("error: ") && stderr.lines().count() == 1 && stderr.contains("; ");
    assert!(is_one && stderr.contains(says) && stdout.is_empty(), "{what}: {stdout}{stderr}");
}
