//! Ends and faults in the middle of a commit to a file of SQLite: nothing acknowledged is lost, and
//! nothing half is kept.

use std::collections::BTreeSet;
use std::fs;
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
use crate::tools::{are_there, leave_out, may_trace};

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

in_both_modes! {
    kill_9_at_200_moments_leaves_each_run_whole_or_absent
    every_write_and_sync_that_fails_or_is_the_last_leaves_each_run_whole_or_absent
    a_new_history_survives_every_write_that_fails_or_is_the_last
    a_large_commit_survives_writes_that_fail_or_are_the_last
    a_run_is_on_the_disk_before_it_is_acknowledged
    a_full_disk_keeps_the_old_runs_and_the_document
    signals_at_50_moments_leave_each_run_whole_or_absent
    a_signal_ends_a_commit_that_hangs
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

fn kill_9_at_200_moments_leaves_each_run_whole_or_absent(journal: Journal) {
    let mut dice = fastrand::Rng::with_seed(9);
    let (mut inside, mut outside, mut finished, mut in_commit) = (0, 0, 0, 0);
    for round in 0..8_u32 {
        let charts = Charts::start(4, 50, Duration::ZERO);
        // In every other round, commits delete as well.
        let mut run = charts.run(journal, if round % 2 == 0 { "-o trends.json" } else { "-o trends.json --keep 1s" });
        charts.whole_run(&mut run);
        let (first_part, last_part) = charts.whole_run(&mut run);
        let folder = run.folder.path().to_owned();
        let mut seen = look(&folder);
        assert_eq!(seen.len(), 2);
        for moment in 0..25 {
            // 83 shuffles the 200 moments, so that each round has early and late ones.
            let share = (f64::from((round * 25 + moment) * 83 % 200) + dice.f64()) / 200.0;
            let mut child = charts.spawn(&mut run);
            if moment % 4 == 0 {
                sleep(first_part.mul_f64(share));
            } else {
                charts.wait_for_last_part(&mut child);
                sleep(last_part.mul_f64(1.1 * share));
            }
            child.kill().unwrap();
            finished += u32::from(child.wait().unwrap().success());
            in_commit += u32::from(folder.join(journal.log()).metadata().is_ok_and(|log| log.len() > 0));
            let there = look_again(&folder, &seen);
            if there.len() > seen.len() {
                inside += 1;
            } else {
                outside += 1;
            }
            // The file is written after the commit, so that it acknowledges its run.
            assert!(there.contains(&run_id(&folder.join("trends.json"))), "an acknowledged run is lost");
            seen = there;
        }
        // The next run needs no repair, and leaves nothing of those that were killed.
        charts.whole_run(&mut run);
        assert_eq!(look_again(&folder, &seen).len(), seen.len() + 1);
        assert_eq!(besides_history(&folder), ["trends.json"]);
    }
    println!(
        "{journal:?}: killed 200 times: {inside} in the history ({finished} had ended before), {outside} not; {in_commit} with a log left"
    );
    // Else the moments are not where the commit is.
    assert!(inside > 20 && outside > 60 && in_commit > 0);
}

/// A call of the system, on one file, that goes wrong.
#[derive(Debug, Clone, Copy)]
struct Call {
    name: &'static str,
    file: &'static str,
    /// strace counts in each thread by itself. Without this, it sees only the main one, which closes the file.
    in_all_threads: bool,
}

impl Call {
    fn is_in_each_commit(self) -> bool {
        ["pwrite64", "fsync,fdatasync"].contains(&self.name)
    }
}

/// What a commit may do to the disk.
fn calls(journal: Journal) -> Vec<Call> {
    let call = |name, file| Call { name, file, in_all_threads: true };
    let mut calls = vec![
        call("pwrite64", journal.log()),
        call("fsync,fdatasync", journal.log()),
        call("ftruncate", journal.log()),
        call("?unlink,?unlinkat", journal.log()),
        call("pwrite64", "history.db"),
        call("fsync,fdatasync", "history.db"),
        call("ftruncate", "history.db"),
        call("fsync,fdatasync", ""),
    ];
    if journal == Journal::Wal {
        calls.push(Call { name: "fsync,fdatasync", file: journal.log(), in_all_threads: false });
    }
    calls
}

/// Whether strace can be used; if not, says so.
fn can_trace() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let what = "commits that fail at each write and fsync";
        are_there(&["strace"], what) && may_trace(what)
    })
}

/// The same run under strace, which writes what it sees to a file.
fn under_strace(run: &Run, log: &Path, in_all_threads: bool, options: &[&str]) -> Command {
    let mut command = Command::new("strace");
    if in_all_threads {
        command.arg("-f");
    }
    command.args(["-qq", "-o"]).arg(log).args(options).args(["env", "-i"]).arg(format!("YOUTUBE_API_KEY={KEY}"));
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

fn every_write_and_sync_that_fails_or_is_the_last_leaves_each_run_whole_or_absent(journal: Journal) {
    if !can_trace() {
        return;
    }
    let mut bench = Bench::small(journal, 2);
    let (mut points, mut writes, mut full) = (0, 0, 0);
    for call in calls(journal) {
        let mut found = 0;
        for nth in 1.. {
            let failed = bench.strike(call, nth, "error=EIO");
            let killed = bench.strike(call, nth, "signal=KILL");
            if !failed && !killed {
                break;
            }
            found = nth;
            // SQLite treats it as it does EIO but for the message, so that some will do.
            if call.name == "pwrite64" && nth % 5 == 1 {
                full += u32::from(bench.strike(call, nth, "error=ENOSPC"));
            }
        }
        println!("{journal:?}: {found} of {} on {:?}", call.name, call.file);
        assert!(found > 0 || !call.is_in_each_commit(), "none of {call:?}");
        points += found;
        writes += if call.name == "pwrite64" { found } else { 0 };
    }
    let Bench { rescued, refused, kept, killed, .. } = bench;
    println!(
        "{journal:?}: {points} of {points} calls failed with EIO, {full} of {writes} writes with ENOSPC, {killed} killed: {rescued} runs rescued, {kept} kept, {refused} not begun"
    );
    assert!(rescued > 20 && killed > 20 && full > 4);
}

fn a_new_history_survives_every_write_that_fails_or_is_the_last(journal: Journal) {
    if !can_trace() {
        return;
    }
    let mut bench = Bench::small(journal, 0);
    let mut calls = calls(journal);
    if journal == Journal::Wal {
        // The file is made before it is told to have the other log.
        calls.extend(self::calls(Journal::Rollback).into_iter().filter(|call| call.file == Journal::Rollback.log()));
    }
    let (mut points, mut tried) = (0, 0);
    for call in calls {
        for nth in 1.. {
            // The first ones make the file; of the many writes of its tables, some will do.
            let (fail, kill) =
                if call.name == "pwrite64" && nth > 2 { (nth % 6 == 0, nth % 6 == 3) } else { (true, true) };
            let failed = fail && bench.strike(call, nth, "error=EIO");
            let killed = kill && bench.strike(call, nth, "signal=KILL");
            if (fail || kill) && !failed && !killed {
                break;
            }
            points += 1;
            tried += u32::from(failed || killed);
        }
    }
    let Bench { rescued, refused, kept, killed, .. } = bench;
    println!(
        "{journal:?}, a new file: {tried} of {points} calls: {killed} killed, {rescued} runs rescued, {kept} kept, {refused} not begun"
    );
    assert!(refused > 4 && killed > 8);
}

fn a_large_commit_survives_writes_that_fail_or_are_the_last(journal: Journal) {
    if !can_trace() {
        return;
    }
    let charts = || Charts::start(4, 50, Duration::ZERO);
    let mut bench = Bench::new(journal, 1, &charts(), charts());
    let (mut points, mut tried) = (0, 0);
    for call in calls(journal).into_iter().filter(|call| call.name == "pwrite64") {
        let run = bench.run();
        let (_, log) = trace(&run, true, &["-P", &path_for_strace(&run, call.file), "-e", "trace=pwrite64"]);
        let count = u32::try_from(log.lines().count()).unwrap();
        points += count;
        for part in 1..=4 {
            // The number of pages differs a little from run to run.
            let nth = (count * part / 4 - 3).max(1);
            tried += u32::from(bench.strike(call, nth, "error=EIO"));
            bench.strike(call, nth, "signal=KILL");
        }
    }
    let Bench { rescued, kept, killed, .. } = bench;
    println!(
        "{journal:?}, 600 places: {tried} of {points} writes: {killed} killed, {rescued} runs rescued, {kept} kept"
    );
    assert!(tried >= 7 && killed >= 7);
}

/// What a run did to the files of its folder until it acknowledged, by writing its document: call and file.
fn deeds(journal: Journal) -> Vec<(&'static str, String)> {
    const CALLS: [(&str, &str); 5] = [
        ("pwrite64", "pwrite64"),
        ("fsync", "fsync"),
        ("fdatasync", "fsync"),
        ("unlink", "unlink"),
        ("unlinkat", "unlink"),
    ];
    let run = Bench::small(journal, 1).run();
    let (output, log) = trace(&run, true, &["-y", "-e", "trace=pwrite64,fsync,fdatasync,?unlink,?unlinkat,write"]);
    assert!(output.status.success());
    let folder = path_for_strace(&run, "");
    let (before, _) = log.split_once(" write(1<").unwrap();
    let deed = |line: &str| {
        let (name, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        let name = CALLS.iter().find(|(call, _)| *call == name)?.1;
        let path = rest.split(['<', '>', '"']).find(|part| part.starts_with(&folder))?;
        Some((name, path[folder.len()..].trim_start_matches('/').to_owned()))
    };
    before.lines().filter_map(deed).collect()
}

/// The last such deed, or the first.
fn position(deeds: &[(&str, String)], which: &str, name: &str, file: &str) -> usize {
    let is_it = |deed: &(&str, String)| deed.0 == name && deed.1 == file;
    let position = if which == "last" { deeds.iter().rposition(is_it) } else { deeds.iter().position(is_it) };
    position.unwrap_or_else(|| panic!("no {name} of {file:?}: {deeds:?}"))
}

/// What a power cut leaves is what was synced before ("Atomic Commit In SQLite", §3; "Write-Ahead Logging", §2).
fn a_run_is_on_the_disk_before_it_is_acknowledged(journal: Journal) {
    if !can_trace() {
        return;
    }
    let deeds = deeds(journal);
    let order = match journal {
        Journal::Wal => vec![
            // Its name, without which there is nothing to read.
            ("first", "fsync", ""),
            ("last", "pwrite64", journal.log()),
            ("last", "fsync", journal.log()),
        ],
        Journal::Rollback => vec![
            ("first", "fsync", ""),
            ("last", "pwrite64", journal.log()),
            ("last", "fsync", journal.log()),
            ("first", "pwrite64", "history.db"),
            ("last", "pwrite64", "history.db"),
            ("last", "fsync", "history.db"),
            ("last", "unlink", journal.log()),
        ],
    };
    let positions: Vec<usize> = order.iter().map(|(which, name, file)| position(&deeds, which, name, file)).collect();
    assert!(positions.is_sorted(), "{order:?} at {positions:?} of {deeds:?}");
}

// In the mode of ?journal_mode=delete a commit is the end of the journal, and the end of a name lasts
// through a power cut when its folder is synced ("PRAGMA synchronous", EXTRA).
#[test]
fn a_rollback_journal_is_gone_for_good_before_a_run_is_acknowledged() {
    if !can_trace() {
        return;
    }
    let deeds = deeds(Journal::Rollback);
    let gone = position(&deeds, "last", "unlink", Journal::Rollback.log());
    assert!(deeds[gone..].contains(&("fsync", String::new())), "{:?}", &deeds[gone..]);
}

#[test]
fn kill_9_while_a_document_is_rescued_leaves_no_temporary_file_behind() {
    if !can_trace() {
        return;
    }
    let bench = Bench::small(Journal::Wal, 1);
    let run = bench.run();
    let sql = |sql: &str| rusqlite::Connection::open(run.path("history.db")).unwrap().execute_batch(sql).unwrap();
    sql("CREATE TRIGGER refuse BEFORE INSERT ON places BEGIN SELECT RAISE(ABORT, 'refused'); END");
    let calls = "trace=?rename,?renameat,?renameat2";
    let kill = "inject=?rename,?renameat,?renameat2:signal=KILL";
    let (output, log) = trace(&run, true, &["-e", calls, "-e", kill]);
    assert_eq!(output.status.signal(), Some(9), "{output:?}{log}");
    let is_left = besides_history(run.folder.path()).iter().any(|name| name.ends_with(".trendfetch-tmp"));
    assert!(is_left, "it was killed at another moment: {log}");
    sql("DROP TRIGGER refuse");
    run_next(run, &bench.acknowledged, &log);
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
        leave_out("this user may not mount a small disk (unshare -m)", "a history on a disk that gets full");
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

/// As a shell shows it: a signal that comes before the handlers stand ends the process by itself.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

fn signals_at_50_moments_leave_each_run_whole_or_absent(journal: Journal) {
    let mut dice = fastrand::Rng::with_seed(15);
    let charts = Charts::start(2, 50, Duration::from_millis(5));
    let mut run = charts.run(journal, "");
    let folder: PathBuf = run.folder.path().to_owned();
    charts.whole_run(&mut run);
    let (first_part, last_part) = charts.whole_run(&mut run);
    let mut seen = look(&folder);
    let (mut inside, mut outside, mut finished) = (0, 0, 0);
    for moment in 0..50_u32 {
        let (signal, expected) = if moment % 2 == 0 { (Signal::INT, 130) } else { (Signal::TERM, 143) };
        let share = (f64::from(moment * 13 % 50) + dice.f64()) / 50.0;
        let mut child = charts.spawn(&mut run);
        if moment % 4 < 2 {
            sleep(first_part.mul_f64(share));
        } else {
            charts.wait_for_last_part(&mut child);
            sleep(last_part.mul_f64(share));
        }
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert!(sent.elapsed() < Duration::from_secs(3), "{:?}", sent.elapsed());
        assert!(code(status) == expected || status.success(), "{status:?}");
        let there = look_again(&folder, &seen);
        let is_in = there.len() > seen.len();
        // A run that hears the signal keeps what arrived. Only a busy machine needs the second after which it
        // is saved instead.
        let saved = besides_history(&folder).into_iter().find(|name| name.starts_with("trendfetch-"));
        saved.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
        assert_eq!(is_in || saved.is_some(), status.code().is_some(), "{status:?}");
        finished += u32::from(status.success());
        if is_in {
            inside += 1;
        } else {
            outside += 1;
        }
        assert_eq!(besides_history(&folder), [""; 0]);
        seen = there;
    }
    charts.whole_run(&mut run);
    assert_eq!(look_again(&folder, &seen).len(), seen.len() + 1);
    assert_eq!(besides_history(&folder), [""; 0]);
    println!("{journal:?}: 50 signals: {inside} in the history ({finished} had ended before), {outside} not");
    assert!(inside > 10);
}

fn a_signal_ends_a_commit_that_hangs(journal: Journal) {
    if can_trace() {
        scope(|scope| [1, 2].map(|nth| scope.spawn(move || signal_in_a_commit_that_hangs(journal, nth))).map(drop));
    }
}

/// The `nth` fsync of the log takes longer than a run may that a signal has ended. Whatever becomes of
/// the commit, the document is saved and comes in.
fn signal_in_a_commit_that_hangs(journal: Journal, nth: usize) {
    let bench = Bench::small(journal, 1);
    let run = bench.run();
    let folder = run.folder.path();
    let log = tempfile::NamedTempFile::new().unwrap();
    let (file, hang) = (path_for_strace(&run, journal.log()), format!("inject=fsync:delay_enter=3000000:when={nth}"));
    let mut child = under_strace(&run, log.path(), true, &["-P", &file, "-e", "trace=fsync", "-e", &hang])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // strace shows a call when it begins, after the number of its thread; any thread's stands for the process.
    let thread = loop {
        sleep(Duration::from_millis(5));
        let log = fs::read_to_string(log.path()).unwrap();
        match log.lines().nth(nth - 1) {
            Some(line) => break line.split(' ').next().unwrap().parse().unwrap(),
            None => assert!(child.try_wait().unwrap().is_none(), "it ended before"),
        }
    };
    kill_process(Pid::from_raw(thread).unwrap(), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let place = format!("{journal:?}, sync {nth}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(143), "{place}");
    assert!(files_in(folder).iter().all(|name| !name.contains("-run-")), "a lock is left: {place}");
    look_again(folder, &bench.acknowledged);
    let id = id_in(&output.stdout).unwrap_or_else(|| panic!("no document: {place}"));
    let saved = format!("trendfetch-{id}.json");
    assert!(files_in(folder).contains(&saved), "{place}");
    bench.load_twice(folder, &saved, &place);
    assert!(look_again(folder, &bench.acknowledged).contains(&id), "{place}");
    assert_eq!(besides_history(folder), [saved], "{place}");
}
