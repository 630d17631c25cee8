//! External programs that tests use, and reports of tests that are skipped because something is missing.

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::harness::Run;
use crate::skipped as skipped_list;

/// Whether all of these programs can be started. If not, the test is reported as skipped, or fails in CI.
pub fn are_installed(programs: &[&str], skipped: &str) -> bool {
    let cannot_start = |program: &&&str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
    };
    let missing: Vec<&&str> = programs.iter().filter(cannot_start).collect();
    if !missing.is_empty() {
        not_installed(&format!("{missing:?} cannot be started"), skipped);
    }
    missing.is_empty()
}

/// A Python that can import all of these modules: one of those that `.ci/run` installs in Cargo's folder for test files,
/// otherwise the system's.
pub fn python(modules: &[&str], skipped: &str) -> Option<String> {
    let of_tests =
        ["python", "python-cloud"].map(|folder| format!("{}/{folder}/bin/python3", env!("CARGO_TARGET_TMPDIR")));
    let imports = format!("import {}", modules.join(","));
    let can_import = |python: &String| {
        Command::new(python).args(["-c", &imports]).output().is_ok_and(|output| output.status.success())
    };
    let found = of_tests.into_iter().chain(["python3".to_owned()]).find(can_import);
    if found.is_none() {
        not_installed(&format!("no Python here has {}", modules.join(" and ")), skipped);
    }
    found
}

/// A Python that also finds the modules of the tests.
#[cfg(feature = "parquet")]
pub fn run_with_modules(python: &str) -> Command {
    let mut command = Command::new(python);
    command.env("PYTHONPATH", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it")).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// Reports a test as skipped because something is not installed. In CI that is a failure.
pub fn not_installed(why: &str, skipped: &str) {
    assert!(!is_ci(), "{why}, and in CI this must run: {skipped}");
    skip(why, skipped);
}

/// Reports a test as skipped because this machine does not allow it: at once, past the test harness, which captures
/// output, and at the end of `cargo test`.
pub fn skip(why: &str, skipped: &str) {
    let line = format!("{why}; skipped: {skipped}");
    let _ = writeln!(io::stderr(), "\nSKIPPED: {line}\n");
    skipped_list::add(&line);
}

/// Whether strace works here; some containers forbid ptrace.
pub fn may_trace(skipped: &str) -> bool {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let may = traced.is_ok_and(|output| output.status.success());
    if !may {
        skip("strace may not trace here (ptrace is forbidden)", skipped);
    }
    may
}

/// Whether the program can run as a user to whom file permissions apply; they do not apply to root.
pub fn may_run_without_rights(skipped: &str) -> bool {
    let mut probe = Run::new(&["--version"]).without_rights();
    let may = probe.command.output().is_ok_and(|output| output.status.success());
    if !may {
        skip("root may write every file, and nobody else may run the program here", skipped);
    }
    may
}

#[expect(clippy::disallowed_methods, reason = "a test may ask where it runs")]
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}
