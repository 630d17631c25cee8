//! Programs that tests borrow, and what is said where one is not there.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::harness::Run;
use crate::skipped;

/// Whether all of these can be started. In CI they must be; elsewhere it is said what was left out.
pub fn are_there(programs: &[&str], left_out: &str) -> bool {
    let cannot_start = |program: &&&str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    };
    let missing: Vec<&&str> = programs.iter().filter(cannot_start).collect();
    if !missing.is_empty() {
        not_there(&format!("{missing:?} cannot be started"), left_out);
    }
    missing.is_empty()
}

/// A Python that can import all of these: that of the environment in Cargo's folder for the tests' own files, as
/// `.ci/run` makes it, else the machine's.
pub fn python(modules: &[&str], left_out: &str) -> Option<String> {
    let of_tests = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python/bin/python3");
    let imports = format!("import {}", modules.join(","));
    let can_import = |python: &String| {
        Command::new(python).args(["-c", &imports]).output().is_ok_and(|output| output.status.success())
    };
    let found = [of_tests.display().to_string(), "python3".to_owned()].into_iter().find(can_import);
    if found.is_none() {
        not_there(&format!("no Python here has {}", modules.join(" and ")), left_out);
    }
    found
}

/// What can be installed and is not. In CI that is a failure.
pub fn not_there(why: &str, left_out: &str) {
    assert!(!is_ci(), "{why}, and in CI this must run: {left_out}");
    leave_out(why, left_out);
}

/// What this machine does not allow, wherever it is. It is said at once, past the test harness, which would swallow it,
/// and at the end of `cargo test`.
pub fn leave_out(why: &str, left_out: &str) {
    let line = format!("{why}; not run: {left_out}");
    let _ = writeln!(io::stderr(), "\nLEFT OUT: {line}\n");
    skipped::add(&line);
}

/// Whether strace may trace here; ptrace is forbidden in some containers.
pub fn may_trace(left_out: &str) -> bool {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let may = traced.is_ok_and(|output| output.status.success());
    if !may {
        leave_out("strace may not trace here (ptrace is forbidden)", left_out);
    }
    may
}

/// Whether the program can run as a user whom the modes of files stop; they do not stop root.
pub fn may_run_without_rights(left_out: &str) -> bool {
    let mut probe = Run::new(&["--version"]).without_rights();
    let may = probe.command.output().is_ok_and(|output| output.status.success());
    if !may {
        leave_out("root may write every file, and nobody else may run the program here", left_out);
    }
    may
}

#[expect(clippy::disallowed_methods, reason = "a test may ask where it runs")]
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}
