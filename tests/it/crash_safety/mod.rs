//! Kills and I/O errors during a commit to a SQLite file: no acknowledged run is lost, and no partial run is kept.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::harness::{Answer, KEY, Run, Server, files_in, item};
use crate::processes::WITHOUT_THREADS;
use crate::tools::{are_installed, may_run_without_rights, may_trace, skip};

const REGIONS: [&str; 3] = ["US", "GB", "PL"];
const PROGRAM: &str = env!("CARGO_BIN_EXE_trendfetch");

/// How SQLite makes a commit atomic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Journal {
    Wal,
    Rollback,
}

impl Journal {
    fn store(self) -> &'static str {
        match self {
            Journal::Wal => "history.db",
            Journal::Rollback => "sqlite:history.db?journal_mode=delete",
        }
    }

    fn log(self) -> &'static str {
        match self {
            Journal::Wal => "history.db-wal",
            Journal::Rollback => "history.db-journal",
        }
    }
}

/// Runs the same tests in both modes.
macro_rules! in_both_modes {
    ($($test:ident)*) => {
        mod with_a_write_ahead_log {
            $(#[test] fn $test() { super::$test(super::Journal::Wal); })*
        }
        mod with_a_rollback_journal {
            $(#[test] fn $test() { super::$test(super::Journal::Rollback); })*
        }
    };
}

mod failing_calls;
mod kills;

in_both_modes! {
    a_full_disk_keeps_the_old_runs_and_the_document
}

/// A server of charts: half of each is common to all regions, and the view counts change with every response.
struct Charts {
    server: Server,
    /// Requests received.
    received: Arc<AtomicUsize>,
    requests: usize,
}

impl Charts {
    fn start(pages: usize, page_size: usize, latency: Duration) -> Charts {
        let received = Arc::new(AtomicUsize::new(0));
        let (count, bodies) = (Arc::clone(&received), Charts::bodies(pages, page_size));
        let server = Server::start(move |hit| {
            let region = REGIONS.iter().position(|region| *region == hit.region()).unwrap();
            let page: usize = hit.token().map_or(0, |token| token.parse().unwrap());
            let views = 1000 + count.fetch_add(1, Ordering::SeqCst);
            Answer::new(200, bodies[region][page].replace("VIEWS", &views.to_string())).after(latency)
        });
        Charts { server, received, requests: REGIONS.len() * pages }
    }

    /// Made once, since the server must be faster than the program.
    fn bodies(pages: usize, page_size: usize) -> Vec<Vec<String>> {
        let chart = |region: &&str| {
            let page = |page: usize| {
                let video = |index: usize| {
                    let owner = if index.is_multiple_of(2) { "all" } else { region };
                    let mut video = item(&format!("{owner}-{page}-{index}"));
                    video["statistics"]["viewCount"] = json!("VIEWS");
                    video
                };
                let items: Vec<Value> = (0..page_size).map(video).collect();
                let next = (page + 1 < pages).then(|| (page + 1).to_string());
                json!({"items": items, "nextPageToken": next}).to_string()
            };
            (0..pages).map(page).collect()
        };
        REGIONS.iter().map(chart).collect()
    }

    /// A run that fetches all charts into `history.db`.
    fn run(&self, journal: Journal, arguments: &str) -> Run {
        Run::on(&self.server, &format!("-r US,GB,PL -n 200 -c 0 -q {arguments} --store {}", journal.store()))
    }

    fn spawn(&self, run: &mut Run) -> Child {
        self.received.store(0, Ordering::SeqCst);
        run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits until the last request was received; the commit comes after it.
    fn wait_for_last_request(&self, child: &mut Child) {
        while self.received.load(Ordering::SeqCst) < self.requests && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
    }

    /// The durations of an undisturbed run: until its last request, and from then on.
    fn whole_run(&self, run: &mut Run) -> (Duration, Duration) {
        let start = Instant::now();
        let mut child = self.spawn(run);
        self.wait_for_last_request(&mut child);
        let fetching = start.elapsed();
        assert!(child.wait().unwrap().success());
        (fetching, start.elapsed() - fetching)
    }
}

/// Returns the runs of the history in `folder`, after checking that each is whole. Opens a copy, since opening repairs.
#[track_caller]
fn runs_in(folder: &Path) -> BTreeSet<String> {
    let copy = tempfile::tempdir().unwrap();
    for name in ["history.db", Journal::Wal.log(), Journal::Rollback.log()] {
        if folder.join(name).exists() {
            fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
    }
    let connection = Connection::open(copy.path().join("history.db")).unwrap();
    let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(text("PRAGMA integrity_check"), "ok");
    if number("SELECT count(*) FROM sqlite_schema") == 0 {
        return BTreeSet::new();
    }
    // Rows that exist only if a part of a run was kept without the rest.
    for orphans in [
        "places WHERE run NOT IN (SELECT number FROM runs)",
        "counts WHERE run NOT IN (SELECT number FROM runs)",
        "run_regions WHERE run_id NOT IN (SELECT id FROM runs)",
        // CROSS JOIN makes SQLite look up by key instead of scanning.
        "videos WHERE NOT EXISTS (SELECT 1 FROM runs CROSS JOIN counts AS c
             ON run = number AND c.video_id = videos.video_id)",
        "presence WHERE video_id NOT IN (SELECT video_id FROM videos)",
        "presence WHERE last_seen_at NOT IN (SELECT fetched_at FROM runs)",
        "counts WHERE video_id NOT IN (SELECT video_id FROM videos)",
        "places WHERE (region, video_id) NOT IN (SELECT region, video_id FROM presence)",
        "presence JOIN places USING (region, video_id) JOIN runs ON run = number
             WHERE number = (SELECT max(number) FROM runs) AND last_seen_at <> fetched_at",
        "videos JOIN (SELECT video_id, views AS earlier, fetched_at FROM counts JOIN runs ON run = number
                 WHERE number = (SELECT max(number) FROM runs)) USING (video_id)
             WHERE (views, last_seen_at) <> (earlier, fetched_at)",
    ] {
        assert_eq!(number(&format!("SELECT count(*) FROM {orphans}")), 0, "{orphans}");
    }
    let mut statement = connection
        .prepare(
            "SELECT id, (SELECT count(*) FROM run_regions WHERE run_id = id),
                 (SELECT sum(videos) FROM run_regions WHERE run_id = id), raw,
                 iif(pruned, 0, raw), (SELECT count(*) FROM places WHERE run = number),
                 iif(pruned, 0, unique_videos), (SELECT count(*) FROM counts WHERE run = number)
             FROM runs",
        )
        .unwrap();
    let runs = statement.query_map([], |row| {
        let numbers: Vec<i64> = (1..8).map(|column| row.get(column)).collect::<Result<_, _>>()?;
        Ok((row.get(0)?, numbers))
    });
    let whole = |(id, numbers): (String, Vec<i64>)| {
        let [regions, in_regions, raw, raw_now, places, unique_now, counts] = numbers[..] else { panic!() };
        assert_eq!((regions, in_regions, places, counts), (3, raw, raw_now, unique_now), "run {id} is not whole");
        id
    };
    runs.unwrap().map(|run| whole(run.unwrap())).collect()
}

/// Returns the runs of the history in `folder`, after checking that it has all of `earlier` and at most one more.
#[track_caller]
fn runs_after(folder: &Path, earlier: &BTreeSet<String>) -> BTreeSet<String> {
    let runs = runs_in(folder);
    assert!(runs.is_superset(earlier), "lost: {:?}", earlier.difference(&runs));
    assert!(runs.len() <= earlier.len() + 1, "{runs:?}");
    runs
}

/// The files in the folder except the history.
fn other_files(folder: &Path) -> Vec<String> {
    let own = ["history.db", "history.db-wal", "history.db-shm"];
    files_in(folder).into_iter().filter(|name| !own.contains(&name.as_str())).collect()
}

/// The run id of a document, if it is whole. Parsing all of it would take longer than the run.
fn id_in(document: &[u8]) -> Option<String> {
    let document = str::from_utf8(document).unwrap().strip_suffix("}\n")?;
    document.strip_prefix(r#"{"schema_version":1,"run_id":""#)?.split('"').next().map(str::to_owned)
}

fn run_id(path: &Path) -> String {
    id_in(&fs::read(path).unwrap()).unwrap_or_else(|| panic!("no document: {}", path.display()))
}

/// Whether strace can be used. If not, the test is reported as skipped.
fn can_trace() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let what = "commits that fail at each write and fsync";
        are_installed(&["strace"], what) && may_trace(what)
    })
}

/// The same run under strace, which writes to `log`. Unless `follow_threads`, the program has one thread only.
fn under_strace(run: &Run, log: &Path, follow_threads: bool, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    if follow_threads {
        command.arg("-f");
    }
    command.args(["-qq", "-o"]).arg(log).args(options);
    if !follow_threads {
        for name in ["", "history.db"] {
            let _ = fs::set_permissions(run.path(name), fs::Permissions::from_mode(0o777));
        }
        let launched = Run::new::<&str>(&[]).under(&WITHOUT_THREADS).without_rights().command;
        command.arg(launched.get_program()).args(launched.get_args().take_while(|argument| *argument != PROGRAM));
    }
    command.args(["env", "-i"]).arg(format!("YOUTUBE_API_KEY={KEY}"));
    command.arg(run.command.get_program()).args(run.command.get_args());
    command.current_dir(run.folder.path()).stdin(Stdio::null());
    command
}

fn trace(run: &Run, follow_threads: bool, options: &[&str]) -> (Output, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = under_strace(run, log.path(), follow_threads, options).output().unwrap();
    (output, fs::read_to_string(log.path()).unwrap())
}

/// The path with all links resolved, as strace compares it.
fn path_for_strace(run: &Run, name: &str) -> String {
    let folder = run.folder.path().canonicalize().unwrap();
    let path = if name.is_empty() { folder } else { folder.join(name) };
    path.to_str().unwrap().to_owned()
}

/// Runs until three runs have not fit on the disk; then enlarges the disk and loads what was saved. `$1` is the disk, `$2`
/// a folder on another disk, `$3` the store, `$4` the server, `$5` the program.
const UNTIL_FULL: &str = r#"
    mount -t tmpfs -o size=600k none "$1" || exit 99
    number=0
    failed=0
    while [ $failed -lt 3 ] && [ $number -lt 60 ]; do
        number=$((number + 1))
        "$5" -r US,GB,PL -n 200 -c 0 -q -o "$2/$number.json" --store "$3" --base-url "$4" 2>"$2/$number.stderr"
        echo $? >"$2/$number.code"
        [ "$(cat "$2/$number.code")" = 0 ] || failed=$((failed + 1))
    done
    mkdir "$2/full" && cp "$1"/history.db* "$2/full" && ls -A "$1" >"$2/left" || exit 98
    mount -o remount,size=9m "$1" || exit 97
    for saved in "$2"/trendfetch-*.json; do
        [ ! -e "$saved" ] || "$5" load "$saved" --store "$3" || exit 96
    done
    mkdir "$2/loaded" && cp "$1"/history.db* "$2/loaded"
"#;

fn a_full_disk_keeps_the_old_runs_and_the_document(journal: Journal) {
    let disk = tempfile::tempdir().unwrap();
    let may_mount = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs -o size=64k none \"$0\""])
        .arg(disk.path())
        .output()
        .is_ok_and(|output| output.status.success());
    if !may_mount {
        skip("this user may not mount a small disk (unshare -m)", "a history on a disk that gets full");
        return;
    }
    let charts = Charts::start(4, 50, Duration::ZERO);
    let (elsewhere, nowhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let store = journal.store().replace("history.db", disk.path().join("history.db").to_str().unwrap());
    let output = Command::new("unshare")
        .args(["-m", "sh", "-c", UNTIL_FULL, "sh"])
        .args([disk.path(), elsewhere.path(), Path::new(&store)])
        .args([&charts.server.base_url, PROGRAM])
        .current_dir(&nowhere)
        .env("YOUTUBE_API_KEY", KEY)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let file = |name: &str| elsewhere.path().join(name);
    let read = |name: String| fs::read_to_string(file(&name)).unwrap();
    let (mut acknowledged, mut rescued) = (BTreeSet::new(), BTreeSet::new());
    let mut requests = 0;
    for number in (1..).take_while(|number| file(&format!("{number}.code")).exists()) {
        let (code, stderr) = (read(format!("{number}.code")), read(format!("{number}.stderr")));
        let document = file(&format!("{number}.json"));
        match code.trim() {
            "0" => {
                acknowledged.insert(run_id(&document));
            }
            "1" if document.exists() => {
                let id = run_id(&document);
                assert!(stderr.contains("make room"), "{stderr}");
                let saved = fs::read(file(&format!("trendfetch-{id}.json"))).unwrap();
                assert_eq!(saved, fs::read(document).unwrap());
                rescued.insert(id);
            }
            // Found before a request was sent.
            "1" => continue,
            other => panic!("{other}: {stderr}"),
        }
        requests += charts.requests;
    }
    assert_eq!(charts.received.load(Ordering::SeqCst), requests);
    println!("{journal:?}: {} runs until the disk was full, {} saved elsewhere", acknowledged.len(), rescued.len());
    assert!(!acknowledged.is_empty() && !rescued.is_empty());
    assert_eq!(runs_in(&file("full")), acknowledged);
    assert_eq!(runs_in(&file("loaded")), &acknowledged | &rescued);
    let left: Vec<String> = read("left".to_owned()).lines().map(str::to_owned).collect();
    assert!(
        left.iter().all(|name| ["history.db", "history.db-wal", "history.db-shm"].contains(&name.as_str())),
        "{left:?}"
    );
}

/// A history, runs that are disturbed while they add to it, and counts of how those ended.
struct Bench {
    journal: Journal,
    charts: Charts,
    /// The file before each run; `None` if there is none.
    before: Option<Vec<u8>>,
    acknowledged: BTreeSet<String>,
    rescued: u32,
    refused: u32,
    kept: u32,
    killed: u32,
}

impl Bench {
    fn new(journal: Journal, runs_before: usize, before: &Charts, charts: Charts) -> Bench {
        let mut run = before.run(journal, "");
        for _ in 0..runs_before {
            before.whole_run(&mut run);
        }
        let acknowledged = runs_in(run.folder.path());
        assert_eq!(acknowledged.len(), runs_before);
        let before = fs::read(run.path("history.db")).ok();
        Bench { journal, charts, before, acknowledged, rescued: 0, refused: 0, kept: 0, killed: 0 }
    }

    fn small(journal: Journal, runs_before: usize) -> Bench {
        let charts = || Charts::start(1, 3, Duration::ZERO);
        Bench::new(journal, runs_before, &charts(), charts())
    }

    fn run(&self) -> Run {
        let run = self.charts.run(self.journal, "--json");
        if let Some(before) = &self.before {
            fs::write(run.path("history.db"), before).unwrap();
        }
        run
    }

    /// Makes the `nth` such call of a run fail, or kills the program at it. Returns whether there was one.
    fn disturb(&mut self, call: Call, nth: u32, fault: &str) -> bool {
        let run = self.run();
        let file = path_for_strace(&run, call.file);
        let (traced, inject) = (format!("trace={}", call.name), format!("inject={}:{fault}:when={nth}", call.name));
        let options = ["-P", &file, "-e", &traced, "-e", &inject];
        self.charts.received.store(0, Ordering::SeqCst);
        let (output, log) = trace(&run, call.follow_threads, &options);
        let context = format!("{:?}: {fault} at {call:?} number {nth}:\n{log}", self.journal);
        if output.status.signal() == Some(9) {
            self.check_after_kill(run, &output, &context);
        } else if log.contains("(INJECTED)") {
            self.check_after_error(run, &output, &context);
        } else {
            return false;
        }
        true
    }

    fn check_after_kill(&mut self, run: Run, output: &Output, context: &str) {
        self.killed += 1;
        let runs = runs_after(run.folder.path(), &self.acknowledged);
        if let Some(id) = id_in(&output.stdout) {
            assert!(runs.contains(&id), "an acknowledged run is lost: {context}");
        }
        run_next(run, &runs, context);
    }

    fn check_after_error(&mut self, run: Run, output: &Output, context: &str) {
        let context = format!("{}\n{context}", String::from_utf8_lossy(&output.stderr));
        assert!(!context.contains("panicked"), "{context}");
        let folder = run.folder.path();
        let runs = runs_after(folder, &self.acknowledged);
        match (output.status.code(), id_in(&output.stdout)) {
            (Some(0), Some(id)) => {
                self.kept += 1;
                assert!(runs.contains(&id), "an acknowledged run is lost: {context}");
                run_next(run, &runs, &context);
            }
            (Some(1), Some(id)) => {
                self.rescued += 1;
                let saved = format!("trendfetch-{id}.json");
                assert_eq!(fs::read(folder.join(&saved)).unwrap(), output.stdout, "{context}");
                self.load_twice(folder, &saved, &context);
                assert!(runs_after(folder, &self.acknowledged).contains(&id), "{context}");
                assert_eq!(other_files(folder), [saved], "{context}");
            }
            // It did not begin.
            (Some(1), None) => {
                self.refused += 1;
                assert_eq!(self.charts.received.load(Ordering::SeqCst), 0, "{context}");
                run_next(run, &runs, &context);
            }
            other => panic!("{other:?}: {context}"),
        }
    }

    fn load_twice(&self, folder: &Path, saved: &str, context: &str) {
        for _ in 0..2 {
            let Output { status, stdout, stderr } = Command::new(PROGRAM)
                .args(["load", saved, "--store", self.journal.store()])
                .current_dir(folder)
                .env_clear()
                .stdin(Stdio::null())
                .output()
                .unwrap();
            assert!(
                status.success(),
                "{}{}{context}",
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            );
        }
    }
}

/// Checks that the next run succeeds and leaves no other files.
#[track_caller]
fn run_next(run: Run, earlier: &BTreeSet<String>, context: &str) {
    let next = run.finish().exits(0);
    let id = id_in(next.stdout.as_bytes()).unwrap();
    assert!(runs_after(next.folder.path(), earlier).contains(&id), "{context}");
    assert_eq!(other_files(next.folder.path()), [""; 0], "{context}");
}

/// A system call on one file that is disturbed.
#[derive(Debug, Clone, Copy)]
struct Call {
    name: &'static str,
    file: &'static str,
    /// strace counts calls per thread. Without this, the program has one thread only, so that the calls of closing the
    /// file, which happen on another thread than the commit, are counted too.
    follow_threads: bool,
}

impl Call {
    fn is_in_each_commit(self) -> bool {
        ["pwrite64", "fsync,fdatasync"].contains(&self.name)
    }
}
