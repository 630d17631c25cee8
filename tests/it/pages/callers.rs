//! Runs the programs of `docs/from-python.md` that call `trendfetch`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use tempfile::TempDir;

use super::{Page, in_folder, path_with};
use crate::tools::{are_installed, python};

/// Runs the example of one language, with a `trendfetch` that is a demo in this mode.
fn call(program: &str, info: &str, mode: &str) -> Output {
    let folder = TempDir::new().unwrap();
    let shim = format!("#!/bin/sh\nexec {} --demo={mode} --retries 0 \"$@\"\n", env!("CARGO_BIN_EXE_trendfetch"));
    let path = folder.path().join("trendfetch");
    fs::write(&path, shim).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let example = folder.path().join("example");
    fs::write(&example, Page::read("docs/from-python.md").block(info)).unwrap();
    let own = Path::new(program).parent().into_iter().map(Path::to_owned);
    let folders: Vec<_> = [folder.path().to_owned()].into_iter().chain(own).collect();
    in_folder(program, folder.path()).arg(&example).env("PATH", path_with(&folders)).output().unwrap()
}

/// The example prints five titles and the reason of the failed region, and ends with an error when the quota is spent.
fn assert_handles_partial_and_refused_runs(program: &str, info: &str) {
    let outage = call(program, info, "outage");
    let (printed, said) = (String::from_utf8_lossy(&outage.stdout), String::from_utf8_lossy(&outage.stderr));
    assert!(outage.status.success(), "{said}");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 6, "{printed}");
    assert!(lines[..5].iter().all(|line| line.contains("US")), "{printed}");
    assert!(lines[5].starts_with("PL server_error "), "{printed}");

    let quota = call(program, info, "quota");
    let said = String::from_utf8_lossy(&quota.stderr);
    assert!(!quota.status.success() && said.contains('4') && said.contains("quota_exceeded"), "{said}");
}

#[test]
fn from_python() {
    let Some(python) = python(&["json"], "the call from Python of docs/from-python.md") else { return };
    assert_handles_partial_and_refused_runs(&python, "python call");
}

#[test]
fn from_node() {
    if are_installed(&["node"], "the call from Node of docs/from-python.md") {
        assert_handles_partial_and_refused_runs("node", "js call");
    }
}

#[test]
fn from_php() {
    if are_installed(&["php"], "the call from PHP of docs/from-python.md") {
        assert_handles_partial_and_refused_runs("php", "php call");
    }
}
