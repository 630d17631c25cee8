//! Scope and faults in the middle of a commit to a file of SQLite: nothing acknowledged is lost, and
//! nothing half is kept.

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

/// The same tests in both modes.
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

mod calls;
mod ends;

in_both_modes! {
    a_full_disk_keeps_the_old_runs_and_the_document
}

/// Charts of which half is shared by all regions, with new numbers of views in every answer.
struct Charts {
    server: Server,
    /// How many requests came.
    asked: Arc<AtomicUsize>,
    requests: usize,
}

impl Charts {
    fn start(pages: usize, depth: usize, latency: Duration) -> Charts {
        let asked = Arc::new(AtomicUsize::new(0));
        let (count, bodies) = (Arc::clone(&asked), Charts::bodies(pages, depth));
        let server = Server::start(move |hit| {
            let region = REGIONS.iter().position(|region| *region == hit.region()).unwrap();
            let page: usize = hit.token().map_or(0, |token| token.parse().unwrap());
            let views = 1000 + count.fetch_add(1, Ordering::SeqCst);
            Answer::new(200, bodies[region][page].replace("VIEWS", &views.to_string())).after(latency)
        });
        Charts { server, asked, requests: REGIONS.len() * pages }
    }

    /// Made once: the server is to be faster than what it tests.
    fn bodies(pages: usize, depth: usize) -> Vec<Vec<String>> {
        let chart = |region: &&str| {
            let page = |page: usize| {
                let video = |place: usize| {
                    let owner = if place.is_multiple_of(2) { "all" } else { region };
                    let mut video = item(&format!("{owner}-{page}-{place}"));
                    video["statistics"]["viewCount"] = json!("VIEWS");
                    video
                };
                let items: Vec<Value> = (0..depth).map(video).collect();
                let next = (page + 1 < pages).then(|| (page + 1).to_string());
                json!({"items": items, "nextPageToken": next}).to_string()
            };
            (0..pages).map(page).collect()
        };
        REGIONS.iter().map(chart).collect()
    }

    /// A run of all of it into `history.db`.
    fn run(&self, journal: Journal, arguments: &str) -> Run {
        Run::on(&self.server, &format!("-r US,GB,PL -n 200 -c 0 -q {arguments} --store {}", journal.store()))
    }

    fn spawn(&self, run: &mut Run) -> Child {
        self.asked.store(0, Ordering::SeqCst);
        run.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Waits until the last request has come, which is when the last part begins.
    fn wait_for_last_part(&self, child: &mut Child) {
        while self.asked.load(Ordering::SeqCst) < self.requests && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_micros(200));
        }
    }

    /// How long a run takes that nobody ends: until its last request, and from there.
    fn whole_run(&self, run: &mut Run) -> (Duration, Duration) {
        let began = Instant::now();
        let mut child = self.spawn(run);
        self.wait_for_last_part(&mut child);
        let first_part = began.elapsed();
        assert!(child.wait().unwrap().success());
        (first_part, began.elapsed() - first_part)
    }
}

/// The runs that the history in `folder` has, each found whole. Looks at a copy, because looking
/// repairs.
#[track_caller]
fn look(folder: &Path) -> BTreeSet<String> {
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
    // What would be left over or missing, had a part of a run been kept without the rest.
    for strays in [
        "places WHERE run NOT IN (SELECT number FROM runs)",
        "counts WHERE run NOT IN (SELECT number FROM runs)",
        "run_regions WHERE run_id NOT IN (SELECT id FROM runs)",
        // CROSS: one look by key for each run; the planner would scan.
        "videos WHERE NOT EXISTS (SELECT 1 FROM runs CROSS JOIN counts AS c
             ON run = number AND c.video_id = videos.video_id)",
        "presence WHERE video_id NOT IN (SELECT video_id FROM videos)",
        "presence WHERE last_seen_at NOT IN (SELECT fetched_at FROM runs)",
        "counts WHERE video_id NOT IN (SELECT video_id FROM videos)",
        "places WHERE (region, video_id) NOT IN (SELECT region, video_id FROM presence)",
        "presence JOIN places USING (region, video_id) JOIN runs ON run = number
             WHERE number = (SELECT max(number) FROM runs) AND last_seen_at <> fetched_at",
        "videos JOIN (SELECT video_id, views AS seen, fetched_at FROM counts JOIN runs ON run = number
                 WHERE number = (SELECT max(number) FROM runs)) USING (video_id)
             WHERE (views, last_seen_at) <> (seen, fetched_at)",
    ] {
        assert_eq!(number(&format!("SELECT count(*) FROM {strays}")), 0, "{strays}");
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

/// The history of `folder` has what it had, and at most one run besides; returns all.
#[track_caller]
fn look_again(folder: &Path, seen: &BTreeSet<String>) -> BTreeSet<String> {
    let there = look(folder);
    assert!(there.is_superset(seen), "lost: {:?}", seen.difference(&there));
    assert!(there.len() <= seen.len() + 1, "{there:?}");
    there
}

/// What is in the folder but for the history.
fn besides_history(folder: &Path) -> Vec<String> {
    let own = ["history.db", "history.db-wal", "history.db-shm"];
    files_in(folder).into_iter().filter(|name| !own.contains(&name.as_str())).collect()
}

/// The id of a whole document. Reading all of it would take longer than the run.
fn id_in(document: &[u8]) -> Option<String> {
    let document = str::from_utf8(document).unwrap().strip_suffix("}\n")?;
    document.strip_prefix(r#"{"schema_version":1,"run_id":""#)?.split('"').next().map(str::to_owned)
}

fn run_id(path: &Path) -> String {
    id_in(&fs::read(path).unwrap()).unwrap_or_else(|| panic!("no document: {}", path.display()))
}

/// Whether strace can be used; if not, says so.
fn can_trace() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let what = "commits that fail at each write and fsync";
        are_installed(&["strace"], what) && may_trace(what)
    })
}

/// The same run under strace, which writes what it sees to a file.
fn under_strace(run: &Run, log: &Path, in_all_threads: bool, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    if in_all_threads {
        command.arg("-f");
    }
    command.args(["-qq", "-o"]).arg(log).args(options);
    if !in_all_threads {
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

fn trace(run: &Run, in_all_threads: bool, options: &[&str]) -> (Output, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = under_strace(run, log.path(), in_all_threads, options).output().unwrap();
    (output, fs::read_to_string(log.path()).unwrap())
}

/// As strace knows it: with all links followed.
fn path_for_strace(run: &Run, name: &str) -> String {
    let folder = run.folder.path().canonicalize().unwrap();
    let path = if name.is_empty() { folder } else { folder.join(name) };
    path.to_str().unwrap().to_owned()
}

/// Runs until one does not fit, and two more; then makes room. `$1` is the disk, `$2` a folder on
/// another, `$3` the store on the disk, `$4` the server, `$5` the program.
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
            // It was found out before a unit was spent.
            "1" => continue,
            other => panic!("{other}: {stderr}"),
        }
        requests += charts.requests;
    }
    assert_eq!(charts.asked.load(Ordering::SeqCst), requests);
    println!("{journal:?}: {} runs until the disk was full, {} saved elsewhere", acknowledged.len(), rescued.len());
    assert!(!acknowledged.is_empty() && !rescued.is_empty());
    assert_eq!(look(&file("full")), acknowledged);
    assert_eq!(look(&file("loaded")), &acknowledged | &rescued);
    let left: Vec<String> = read("left".to_owned()).lines().map(str::to_owned).collect();
    assert!(
        left.iter().all(|name| ["history.db", "history.db-wal", "history.db-shm"].contains(&name.as_str())),
        "{left:?}"
    );
}

/// A history of before, the run that comes to grief, and what became of all such runs.
struct Bench {
    journal: Journal,
    charts: Charts,
    /// The file as it was before; `None`: there is none.
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
        let acknowledged = look(run.folder.path());
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

    /// Fails the nth such call, or kills the program at it; whether there was one.
    fn strike(&mut self, call: Call, nth: u32, fault: &str) -> bool {
        let run = self.run();
        let file = path_for_strace(&run, call.file);
        let (traced, inject) = (format!("trace={}", call.name), format!("inject={}:{fault}:when={nth}", call.name));
        let options = ["-P", &file, "-e", &traced, "-e", &inject];
        self.charts.asked.store(0, Ordering::SeqCst);
        let (output, log) = trace(&run, call.in_all_threads, &options);
        let place = format!("{:?}: {fault} at {call:?} number {nth}:\n{log}", self.journal);
        if output.status.signal() == Some(9) {
            self.judge_killed(run, &output, &place);
        } else if log.contains("(INJECTED)") {
            self.judge(run, &output, &place);
        } else {
            return false;
        }
        true
    }

    fn judge_killed(&mut self, run: Run, output: &Output, place: &str) {
        self.killed += 1;
        let there = look_again(run.folder.path(), &self.acknowledged);
        if let Some(id) = id_in(&output.stdout) {
            assert!(there.contains(&id), "an acknowledged run is lost: {place}");
        }
        run_next(run, &there, place);
    }

    fn judge(&mut self, run: Run, output: &Output, place: &str) {
        let place = format!("{}\n{place}", String::from_utf8_lossy(&output.stderr));
        assert!(!place.contains("panicked"), "{place}");
        let folder = run.folder.path();
        let there = look_again(folder, &self.acknowledged);
        match (output.status.code(), id_in(&output.stdout)) {
            (Some(0), Some(id)) => {
                self.kept += 1;
                assert!(there.contains(&id), "an acknowledged run is lost: {place}");
                run_next(run, &there, &place);
            }
            (Some(1), Some(id)) => {
                self.rescued += 1;
                let saved = format!("trendfetch-{id}.json");
                assert_eq!(fs::read(folder.join(&saved)).unwrap(), output.stdout, "{place}");
                self.load_twice(folder, &saved, &place);
                assert!(look_again(folder, &self.acknowledged).contains(&id), "{place}");
                assert_eq!(besides_history(folder), [saved], "{place}");
            }
            // It could not begin.
            (Some(1), None) => {
                self.refused += 1;
                assert_eq!(self.charts.asked.load(Ordering::SeqCst), 0, "{place}");
                run_next(run, &there, &place);
            }
            other => panic!("{other:?}: {place}"),
        }
    }

    fn load_twice(&self, folder: &Path, saved: &str, place: &str) {
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
                "{}{}{place}",
                String::from_utf8_lossy(&stdout),
                String::from_utf8_lossy(&stderr)
            );
        }
    }
}

/// The next run needs no repair, and leaves nothing behind.
#[track_caller]
fn run_next(run: Run, seen: &BTreeSet<String>, place: &str) {
    let next = run.finish().exits(0);
    let id = id_in(next.stdout.as_bytes()).unwrap();
    assert!(look_again(next.folder.path(), seen).contains(&id), "{place}");
    assert_eq!(besides_history(next.folder.path()), [""; 0], "{place}");
}

/// A call of the system, on one file, that goes wrong.
#[derive(Debug, Clone, Copy)]
struct Call {
    name: &'static str,
    file: &'static str,
    /// strace counts in each thread by itself, and the file is closed in another one than that of the commit. Without
    /// this, the program has one thread only.
    in_all_threads: bool,
}

impl Call {
    fn is_in_each_commit(self) -> bool {
        ["pwrite64", "fsync,fdatasync"].contains(&self.name)
    }
}
