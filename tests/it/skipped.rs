//! What tests could not do on this machine, kept in a file until all of them are done.
//!
//! The programs that hold tests are started by one Cargo, whose process id names the file.

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
    // In one write, since tests run side by side.
    list.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// The list of this `cargo test`, each line once. It stays as `last`, for `.ci/run`; older lists that nobody took go.
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
