//! The list of tests that were skipped on this machine, in a file until the end of `cargo test`.
//!
//! All test programs are started by one Cargo, whose process id is the file's name.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("skipped").join(name)
}

/// Adds a line to the list of this `cargo test`.
pub fn add(line: &str) {
    let list = file(&parent_id().to_string());
    fs::create_dir_all(list.parent().unwrap()).unwrap();
    let mut list = OpenOptions::new().create(true).append(true).open(list).unwrap();
    // In one write, since tests run concurrently.
    list.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Returns the list of this `cargo test`, each line once. It stays as the file `last`, for `.ci/run`; other lists are
/// removed.
pub fn take() -> Vec<String> {
    let list = file(&parent_id().to_string());
    let text = fs::read_to_string(&list).unwrap_or_default();
    let _ = fs::remove_dir_all(list.parent().unwrap());
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines.dedup();
    if !lines.is_empty() {
        fs::create_dir_all(list.parent().unwrap()).unwrap();
        fs::write(file("last"), lines.join("\n") + "\n").unwrap();
    }
    lines
}
