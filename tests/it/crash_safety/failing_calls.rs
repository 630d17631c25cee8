//! Makes each system call of a commit fail, or kills the program at it, and checks the order of the calls.

use super::*;

in_both_modes! {
    each_failing_or_last_call_leaves_whole_runs
    a_new_history_survives_failing_or_last_calls
    a_large_commit_survives_failing_or_last_writes
    a_run_is_durable_before_it_is_acknowledged
}

/// The calls by which a commit writes to the disk.
fn calls(journal: Journal) -> Vec<Call> {
    let call = |name, file| Call { name, file, follow_threads: true };
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
    let what = "the end of a history that one thread closes";
    if journal == Journal::Wal && are_installed(&["prlimit"], what) && may_run_without_rights(what) {
        calls.push(Call { name: "fsync,fdatasync", file: journal.log(), follow_threads: false });
    }
    calls
}

fn each_failing_or_last_call_leaves_whole_runs(journal: Journal) {
    if !can_trace() {
        return;
    }
    let mut bench = Bench::small(journal, 2);
    let (mut points, mut writes, mut full) = (0, 0, 0);
    for call in calls(journal) {
        let mut found = 0;
        for nth in 1.. {
            let failed = bench.disturb(call, nth, "error=EIO");
            let killed = bench.disturb(call, nth, "signal=KILL");
            if !failed && !killed {
                break;
            }
            found = nth;
            // SQLite treats ENOSPC like EIO except for the message, so a sample is enough.
            if call.name == "pwrite64" && nth % 5 == 1 {
                full += u32::from(bench.disturb(call, nth, "error=ENOSPC"));
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

fn a_new_history_survives_failing_or_last_calls(journal: Journal) {
    if !can_trace() {
        return;
    }
    let mut bench = Bench::small(journal, 0);
    let mut calls = calls(journal);
    if journal == Journal::Wal {
        // The file is created with a rollback journal before it is switched to WAL.
        calls.extend(self::calls(Journal::Rollback).into_iter().filter(|call| call.file == Journal::Rollback.log()));
    }
    let (mut points, mut tried) = (0, 0);
    for call in calls {
        for nth in 1.. {
            // The first calls create the file; of the many writes of its tables, a sample is enough.
            let (fail, kill) =
                if call.name == "pwrite64" && nth > 2 { (nth % 6 == 0, nth % 6 == 3) } else { (true, true) };
            let failed = fail && bench.disturb(call, nth, "error=EIO");
            let killed = kill && bench.disturb(call, nth, "signal=KILL");
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

fn a_large_commit_survives_failing_or_last_writes(journal: Journal) {
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
            tried += u32::from(bench.disturb(call, nth, "error=EIO"));
            bench.disturb(call, nth, "signal=KILL");
        }
    }
    let Bench { rescued, kept, killed, .. } = bench;
    println!(
        "{journal:?}, 600 places: {tried} of {points} writes: {killed} killed, {rescued} runs rescued, {kept} kept"
    );
    assert!(tried >= 7 && killed >= 7);
}

/// The calls of a run on files of its folder, with the file, until it acknowledges the run by writing its document.
fn calls_before_document(journal: Journal) -> Vec<(&'static str, String)> {
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
    let (before, _) = log.split_once(r#""{\"schema_version"#).unwrap();
    let call = |line: &str| {
        let (name, rest) = line.split_once(' ')?.1.trim_start().split_once('(')?;
        let name = CALLS.iter().find(|(call, _)| *call == name)?.1;
        let path = rest.split(['<', '>', '"']).find(|part| part.starts_with(&folder))?;
        Some((name, path[folder.len()..].trim_start_matches('/').to_owned()))
    };
    before.lines().filter_map(call).collect()
}

/// The position of the first or last such call.
fn position(calls: &[(&str, String)], which: &str, name: &str, file: &str) -> usize {
    let is_it = |call: &(&str, String)| call.0 == name && call.1 == file;
    let position = if which == "last" { calls.iter().rposition(is_it) } else { calls.iter().position(is_it) };
    position.unwrap_or_else(|| panic!("no {name} of {file:?}: {calls:?}"))
}

/// Only what was synced survives a power cut ("Atomic Commit In SQLite", §3; "Write-Ahead Logging", §2).
fn a_run_is_durable_before_it_is_acknowledged(journal: Journal) {
    if !can_trace() {
        return;
    }
    let calls = calls_before_document(journal);
    let order = match journal {
        Journal::Wal => vec![
            // The folder's entry for the new log, without which there is nothing to read.
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
    let positions: Vec<usize> = order.iter().map(|(which, name, file)| position(&calls, which, name, file)).collect();
    assert!(positions.is_sorted(), "{order:?} at {positions:?} of {calls:?}");
}

// With ?journal_mode=delete, deleting the journal is the commit. It is durable once the folder is synced ("PRAGMA
// synchronous", EXTRA).
#[test]
fn deleting_the_journal_is_durable_before_acknowledging() {
    if !can_trace() {
        return;
    }
    let calls = calls_before_document(Journal::Rollback);
    let gone = position(&calls, "last", "unlink", Journal::Rollback.log());
    assert!(calls[gone..].contains(&("fsync", String::new())), "{:?}", &calls[gone..]);
}
