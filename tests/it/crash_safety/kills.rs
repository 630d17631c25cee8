//! Kills and signals at many moments of a commit.

use super::*;

in_both_modes! {
    sigkill_at_200_moments_leaves_whole_runs
    signals_at_50_moments_leave_whole_runs
    a_signal_ends_a_commit_that_hangs
}

fn sigkill_at_200_moments_leaves_whole_runs(journal: Journal) {
    let mut rng = fastrand::Rng::with_seed(9);
    let (mut inside, mut outside, mut finished, mut in_commit) = (0, 0, 0, 0);
    for round in 0..8_u32 {
        let charts = Charts::start(4, 50, Duration::ZERO);
        // In every other round, commits delete as well.
        let mut run = charts.run(journal, if round % 2 == 0 { "-o trends.json" } else { "-o trends.json --keep 1s" });
        charts.whole_run(&mut run);
        let (fetching, rest) = charts.whole_run(&mut run);
        let folder = run.folder.path().to_owned();
        let mut earlier = runs_in(&folder);
        assert_eq!(earlier.len(), 2);
        for moment in 0..25 {
            // The factor 83 shuffles the 200 moments, so that each round has early and late ones.
            let share = (f64::from((round * 25 + moment) * 83 % 200) + rng.f64()) / 200.0;
            let mut child = charts.spawn(&mut run);
            if moment % 4 == 0 {
                sleep(fetching.mul_f64(share));
            } else {
                charts.wait_for_last_request(&mut child);
                sleep(rest.mul_f64(1.1 * share));
            }
            child.kill().unwrap();
            finished += u32::from(child.wait().unwrap().success());
            in_commit += u32::from(folder.join(journal.log()).metadata().is_ok_and(|log| log.len() > 0));
            let runs = runs_after(&folder, &earlier);
            if runs.len() > earlier.len() {
                inside += 1;
            } else {
                outside += 1;
            }
            // The file is written after the commit, so it acknowledges its run.
            assert!(runs.contains(&run_id(&folder.join("trends.json"))), "an acknowledged run is lost");
            earlier = runs;
        }
        // The next run succeeds, and removes what the killed ones left.
        charts.whole_run(&mut run);
        assert_eq!(runs_after(&folder, &earlier).len(), earlier.len() + 1);
        assert_eq!(other_files(&folder), ["trends.json"]);
    }
    println!(
        "{journal:?}: killed 200 times: {inside} in the history ({finished} had ended before), {outside} not; {in_commit} with a log left"
    );
    // Otherwise the moments missed the commit.
    assert!(inside > 20 && outside > 60 && in_commit > 0);
}

#[test]
fn the_temporary_file_of_a_killed_save_is_removed() {
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
    let is_left = other_files(run.folder.path()).iter().any(|name| name.ends_with(".trendfetch-tmp"));
    assert!(is_left, "it was killed at another moment: {log}");
    sql("DROP TRIGGER refuse");
    run_next(run, &bench.acknowledged, &log);
}

/// As a shell reports it: before the handlers are installed, the signal itself ends the process.
fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap())
}

fn signals_at_50_moments_leave_whole_runs(journal: Journal) {
    let mut rng = fastrand::Rng::with_seed(15);
    let charts = Charts::start(2, 50, Duration::from_millis(5));
    let mut run = charts.run(journal, "");
    let folder: PathBuf = run.folder.path().to_owned();
    charts.whole_run(&mut run);
    let (fetching, rest) = charts.whole_run(&mut run);
    let mut earlier = runs_in(&folder);
    let (mut inside, mut outside, mut finished) = (0, 0, 0);
    for moment in 0..50_u32 {
        let (signal, expected) = if moment % 2 == 0 { (Signal::INT, 130) } else { (Signal::TERM, 143) };
        let share = (f64::from(moment * 13 % 50) + rng.f64()) / 50.0;
        let mut child = charts.spawn(&mut run);
        if moment % 4 < 2 {
            sleep(fetching.mul_f64(share));
        } else {
            charts.wait_for_last_request(&mut child);
            sleep(rest.mul_f64(share));
        }
        let sent = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let status = child.wait().unwrap();
        assert!(sent.elapsed() < Duration::from_secs(3), "{:?}", sent.elapsed());
        assert!(code(status) == expected || status.success(), "{status:?}");
        let runs = runs_after(&folder, &earlier);
        let is_in = runs.len() > earlier.len();
        // A run that handles the signal keeps what arrived. Only on a busy machine the commit takes more than a second,
        // and the run is saved as a file instead.
        let saved = other_files(&folder).into_iter().find(|name| name.starts_with("trendfetch-"));
        saved.iter().for_each(|name| fs::remove_file(folder.join(name)).unwrap());
        let is_kept = is_in || saved.is_some();
        assert!(status.code().is_some() || !is_kept, "{status:?}");
        // Before the first request, there is nothing to keep.
        assert!(is_kept || status.code().is_none() || charts.received.load(Ordering::SeqCst) == 0, "{status:?}");
        finished += u32::from(status.success());
        if is_in {
            inside += 1;
        } else {
            outside += 1;
        }
        assert_eq!(other_files(&folder), [""; 0]);
        earlier = runs;
    }
    charts.whole_run(&mut run);
    assert_eq!(runs_after(&folder, &earlier).len(), earlier.len() + 1);
    assert_eq!(other_files(&folder), [""; 0]);
    println!("{journal:?}: 50 signals: {inside} in the history ({finished} had ended before), {outside} not");
    assert!(inside > 10);
}

fn a_signal_ends_a_commit_that_hangs(journal: Journal) {
    if can_trace() {
        scope(|scope| [1, 2].map(|nth| scope.spawn(move || signal_during_slow_fsync(journal, nth))).map(drop));
    }
}

/// The `nth` fsync of the log takes longer than a run may take after a signal. Whether or not the commit succeeds, the
/// document is saved and can be loaded.
fn signal_during_slow_fsync(journal: Journal, nth: usize) {
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
    // strace prints the id of the thread and then the call, as soon as it begins. A signal to a thread id goes to the
    // process.
    let thread = loop {
        sleep(Duration::from_millis(5));
        let log = fs::read_to_string(log.path()).unwrap();
        match log.lines().nth(nth - 1) {
            Some(line) => break line.split(' ').next().unwrap().parse().unwrap(),
            None => assert!(child.try_wait().unwrap().is_none(), "it ended first"),
        }
    };
    kill_process(Pid::from_raw(thread).unwrap(), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    let context = format!("{journal:?}, sync {nth}: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(143), "{context}");
    assert!(files_in(folder).iter().all(|name| !name.contains("-run-")), "a lock is left: {context}");
    runs_after(folder, &bench.acknowledged);
    let id = id_in(&output.stdout).unwrap_or_else(|| panic!("no document: {context}"));
    let saved = format!("trendfetch-{id}.json");
    assert!(files_in(folder).contains(&saved), "{context}");
    bench.load_twice(folder, &saved, &context);
    assert!(runs_after(folder, &bench.acknowledged).contains(&id), "{context}");
    assert_eq!(other_files(folder), [saved], "{context}");
}
