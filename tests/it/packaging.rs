//! Checks `packaging/` with the tools that read it and against the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::harness::{Run, files_in};
use crate::tools::{are_installed, may_trace, not_installed};

const WHAT: &str = "packaging/, as systemd has it";

const SCHEDULING: &str = include_str!("../../docs/scheduling.md");

fn packaging(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

/// The words of all `NAME=` settings in the service.
fn words(name: &str) -> Vec<String> {
    let service = fs::read_to_string(packaging("trendfetch.service")).unwrap();
    let of_line = |line: &str| line.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
    let lines: Vec<String> = service.lines().filter_map(of_line).collect();
    lines.iter().flat_map(|line| line.split(' ')).map(str::to_owned).collect()
}

#[test]
fn systemd_accepts_the_units() {
    if !are_installed(&["systemd-analyze"], WHAT) {
        return;
    }
    let folder = TempDir::new().unwrap();
    // systemd-analyze looks for the program and the man page, which are not installed here.
    let service = fs::read_to_string(packaging("trendfetch.service")).unwrap();
    let service = service.replace("/usr/bin/trendfetch", env!("CARGO_BIN_EXE_trendfetch"));
    let service: String =
        service.lines().filter(|line| !line.starts_with("Documentation=")).map(|line| line.to_owned() + "\n").collect();
    fs::write(folder.path().join("trendfetch.service"), service).unwrap();
    fs::copy(packaging("trendfetch.timer"), folder.path().join("trendfetch.timer")).unwrap();
    let (_, unit) = SCHEDULING.split_once("\n```ini\n").unwrap();
    fs::write(folder.path().join("trendfetch-failed@.service"), unit.split("\n```").next().unwrap()).unwrap();
    let names = ["trendfetch.service", "trendfetch.timer", "trendfetch-failed@.service"];
    let units = names.map(|name| folder.path().join(name));
    let verified = Command::new("systemd-analyze").arg("verify").args(&units).output().unwrap();
    let warnings = String::from_utf8_lossy(&verified.stderr).into_owned();
    assert!(verified.status.success() && !warnings.contains("trendfetch"), "{warnings}");

    // The threshold is in tenths.
    let arguments = ["security", "--no-pager", "--offline=true", "--threshold=19"];
    let rated = Command::new("systemd-analyze").args(arguments).arg(&units[0]).output().unwrap();
    assert!(rated.status.success(), "{}", String::from_utf8_lossy(&rated.stdout));
}

#[test]
fn the_service_uses_valid_options() {
    let command = words("ExecStart");
    let [program, options @ .., more] = command.as_slice() else { panic!("{command:?}") };
    assert_eq!((program.as_str(), more.as_str()), ("/usr/bin/trendfetch", "$TRENDFETCH_OPTIONS"));
    let mut options = options.to_vec();
    options.push("--dry-run".to_owned());
    let mut run = Run::new(&options).env("TRENDFETCH_REGIONS", "US,PL");
    for setting in words("Environment") {
        let (name, value) = setting.split_once('=').unwrap();
        run = run.env(name, value);
    }
    let described = run.finish().exits(0).stdout;
    assert!(described.contains("US,PL"), "{described}");
}

/// All system calls of a whole run with a history are among those that the service's filter allows.
#[test]
fn the_filter_of_the_service_allows_a_run() {
    if !are_installed(&["systemd-analyze", "strace"], WHAT) || !may_trace(WHAT) {
        return;
    }
    let printed = Command::new("systemd-analyze").args(["--no-pager", "syscall-filter"]).output().unwrap();
    let sets = sets(&String::from_utf8_lossy(&printed.stdout));
    let mut allowed = members(&sets, "@default");
    for word in words("SystemCallFilter") {
        match word.strip_prefix('~') {
            None => allowed.extend(members(&sets, &word)),
            Some(word) => allowed = &allowed - &members(&sets, word),
        }
    }
    assert!(allowed.contains("read") && !allowed.contains("mount"), "{allowed:?}");

    let folder = TempDir::new().unwrap();
    let log = folder.path().join("calls");
    let run = ["-q", "--demo=calm", "-r", "US,PL", "--store", "history.db", "-o", "run.json"];
    let traced = Command::new("strace")
        .args(["-f", "-qq", "-e", "trace=all", "-o"])
        .arg(&log)
        .arg(env!("CARGO_BIN_EXE_trendfetch"))
        .args(run)
        .current_dir(folder.path())
        .status();
    assert!(traced.unwrap().success());
    let calls: BTreeSet<String> = fs::read_to_string(&log).unwrap().lines().filter_map(call).collect();
    assert!(calls.contains("connect") && calls.contains("fsync"), "{calls:?}");
    let refused: Vec<&String> = calls.difference(&allowed).collect();
    assert!(refused.is_empty(), "the service could not do {refused:?}");
}

/// Unpacks the newest package that `packaging/deb` has built.
#[test]
fn the_debian_package_is_complete_and_current() {
    let what = "what trendfetch_*.deb holds";
    if !are_installed(&["dpkg-deb"], what) {
        return;
    }
    let made = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/debian");
    let built = fs::read_dir(made).into_iter().flatten().map(|entry| entry.unwrap().path());
    let newest = built
        .filter(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .max_by_key(|path| path.metadata().unwrap().modified().unwrap());
    let Some(package) = newest else {
        return not_installed("packaging/deb has not made a package", what);
    };
    let folder = TempDir::new().unwrap();
    assert!(Command::new("dpkg-deb").arg("-x").arg(&package).arg(folder.path()).status().unwrap().success());
    let read = |path: &str| {
        fs::read(folder.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}; run packaging/deb again"))
    };
    let text = |path: &str| String::from_utf8(read(path)).unwrap();
    for (path, source) in [
        ("usr/lib/systemd/system/trendfetch.service", "packaging/trendfetch.service"),
        ("usr/lib/systemd/system/trendfetch.timer", "packaging/trendfetch.timer"),
        ("etc/default/trendfetch", "packaging/trendfetch.default"),
        ("usr/share/doc/trendfetch/README.md", "README.md"),
        ("usr/share/doc/trendfetch/CHANGELOG.md", "CHANGELOG.md"),
        ("usr/share/doc/trendfetch/docs/troubleshooting.md", "docs/troubleshooting.md"),
        ("usr/share/doc/trendfetch/examples/trends.yml", "packaging/github-actions/trends.yml"),
    ] {
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(source)).unwrap();
        assert_eq!(text(path), source, "run packaging/deb again");
    }
    let program = |arguments: &[&str]| {
        let output = Command::new(folder.path().join("usr/bin/trendfetch")).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(program(&["--version"]), format!("trendfetch {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(text("usr/share/bash-completion/completions/trendfetch"), program(&["completions", "bash"]));
    assert_eq!(text("usr/share/zsh/vendor-completions/_trendfetch"), program(&["completions", "zsh"]));
    assert_eq!(text("usr/share/fish/vendor_completions.d/trendfetch.fish"), program(&["completions", "fish"]));
    let pages = folder.path().join("pages");
    program(&["man", "--out", pages.to_str().unwrap()]);
    assert_eq!(
        files_in(&folder.path().join("usr/share/man/man1")),
        files_in(&pages).iter().map(|page| format!("{page}.gz")).collect::<Vec<_>>()
    );
    for page in files_in(&pages) {
        let mut man = String::new();
        let packed = read(&format!("usr/share/man/man1/{page}.gz"));
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut man).unwrap();
        assert_eq!(man, text(&format!("pages/{page}")), "run packaging/deb again");
    }
    assert!(text("usr/share/doc/trendfetch/copyright").contains("2026"));

    // An administrator's changes are kept, and the timer is not started: without a key there is nothing to run.
    let control = |name: &str| {
        let output = Command::new("dpkg-deb").arg("--info").arg(&package).arg(name).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(control("conffiles").trim(), "/etc/default/trendfetch");
    let at_install = control("postinst");
    assert!(
        at_install.contains("was-enabled trendfetch.timer") && !at_install.contains("invoke start"),
        "{at_install}"
    );
}

/// `read` of `123 read(3, …`.
fn call(line: &str) -> Option<String> {
    let (_, call) = line.trim_start().split_once(' ')?;
    let (name, _) = call.trim_start().split_once('(')?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then(|| name.to_owned())
}

/// Parses `systemd-analyze syscall-filter`: each `@set` on a line of its own, followed by its members, indented.
fn sets(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut sets: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        let word = line.trim().to_owned();
        if line.starts_with('@') {
            current = word;
        } else if !word.is_empty() && !word.starts_with('#') {
            sets.entry(current.clone()).or_default().push(word);
        }
    }
    sets
}

fn members(sets: &BTreeMap<String, Vec<String>>, name: &str) -> BTreeSet<String> {
    match sets.get(name) {
        Some(named) => named.iter().flat_map(|name| members(sets, name)).collect(),
        None => BTreeSet::from([name.to_owned()]),
    }
}
