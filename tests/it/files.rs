//! Output files: their names, and what prevents one from being replaced.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::Command;

use crate::databases::is_root;
use crate::harness::{Answer, Outcome, Run, Server};
use crate::tools::{may_run_without_rights, skip};

/// Asserts that the run found before sending anything that it cannot write.
#[track_caller]
fn assert_found_early(server: &Server, outcome: Outcome, says: &str) {
    let outcome = outcome.exits(1);
    assert!(outcome.stderr.starts_with("error: cannot write ") && outcome.stderr.contains(says), "{}", outcome.stderr);
    assert_eq!((outcome.stderr.lines().count(), server.log().len()), (1, 0), "{}", outcome.stderr);
    let left: Vec<String> = outcome.files().into_iter().filter(|name| name.contains("trendfetch-tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Prepares a folder by a shell script, as the user that runs the tests.
#[track_caller]
fn prepare(run: &Run, script: &str) {
    assert!(Command::new("sh").args(["-ec", script]).current_dir(&run.folder).status().unwrap().success(), "{script}");
}

#[test]
fn missing_permissions_are_found_before_sending() {
    if !may_run_without_rights("outputs that may not be written") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    for (script, output, says) in [
        ("mkdir d; chmod 555 d", "d/new.json", "choose a folder that you may write to"),
        ("mkdir d; echo old >d/old.json; chmod 666 d/old.json; chmod 555 d", "d/old.json", "choose a folder"),
        ("mkdir d; echo old >d/old.json; chmod 666 d", "d/old.json", "choose a folder"),
        ("mkdir -p d/e; chmod 000 d", "d/e/new.json", "choose a folder"),
        ("mkfifo fifo; chmod 444 fifo", "fifo", "Permission denied"),
    ] {
        let run = Run::on(&server, &format!("-r US -o {output}")).without_rights();
        prepare(&run, script);
        let folder = run.path("d");
        let outcome = run.finish();
        let _ = fs::set_permissions(folder, Permissions::from_mode(0o777));
        assert_found_early(&server, outcome, says);
    }
    if !is_root() {
        return skip("only root can make a file of another user", "outputs in a sticky folder");
    }
    // The user that runs the program owns neither the file nor the folder.
    let run = Run::on(&server, "-r US -o d/old.json").without_rights();
    prepare(&run, "mkdir d; echo old >d/old.json; chmod 666 d/old.json; chmod 1777 d");
    assert_found_early(&server, run.finish(), "another user's in a sticky folder; choose another name");
    // A user's own file may be replaced there.
    let run = Run::on(&server, "-r US -q -o d/old.json").without_rights();
    prepare(&run, "mkdir d; echo old >d/old.json; chown nobody d/old.json; chmod 1777 d");
    assert!(run.finish().exits(0).read("d/old.json").contains("US-a"));
}

#[test]
fn unusable_names_are_found_before_sending() {
    let server = Server::of_pages(&["a"]);
    let long = |bytes: usize| format!("{}.json", "n".repeat(bytes - 5));
    for (output, says) in [
        (long(256), "choose a shorter name"),
        (".trends.json.trendfetch-tmp".to_owned(), "names that end in .trendfetch-tmp"),
        ("file/trends.json".to_owned(), "a part of its path is a file"),
        ("loop.json".to_owned(), "symbolic links"),
    ] {
        let run = Run::on(&server, &format!("-r US -f json -o {output}")).file("file", "");
        prepare(&run, "ln -s loop.json loop.json");
        assert_found_early(&server, run.finish(), says);
    }
}

#[test]
fn names_of_255_bytes_are_written() {
    let server = Server::of_pages(&["a"]);
    // Their truncated names would be equal.
    let names = [
        format!("{}1.json", "n".repeat(249)),
        format!("{}2.json", "n".repeat(249)),
        // 83 characters of three bytes.
        format!("{}.ndjson", "\u{8d8b}".repeat(82)),
        "n".repeat(255 - ".trendfetch-tmp".len()),
    ];
    let outputs = names.iter().map(|name| format!("-o {name}")).collect::<Vec<_>>().join(" ");
    for _ in 0..2 {
        let outcome = Run::on(&server, &format!("-r US -q {outputs}")).finish().exits(0);
        assert_eq!(outcome.stderr, "");
        assert!(names.iter().all(|name| outcome.read(name).contains("US-a")));
        assert_eq!(outcome.files().len(), names.len());
    }
    // The temporary file of a killed run is removed. Its name contains the FNV-1a hash of the target's name, and must
    // stay the same in every version.
    let left = ".52a3036ba0b74db4.trendfetch-tmp";
    let outcome = Run::on(&server, &format!("-r US -o {}", names[0])).file(left, "half").finish().exits(0);
    assert_eq!(outcome.files(), [names[0].clone()]);
}

#[test]
fn two_paths_to_one_file_are_one_output() {
    let server = Server::of_pages(&["a"]);
    for (script, twice) in [
        ("mkdir d", "-o new.json -o d/../new.json"),
        ("mkdir d; ln -s d e", "-o d/new.json -o e/new.json"),
        ("ln -s new.json link.json", "-o new.json -o link.json"),
    ] {
        let run = Run::on(&server, &format!("-r US {twice}"));
        prepare(&run, script);
        let outcome = run.finish().exits(2);
        assert!(outcome.stderr.contains("given twice"), "{twice}: {}", outcome.stderr);
    }
    assert!(server.log().is_empty());
}

#[test]
fn a_replaced_file_keeps_its_group() {
    if !is_root() || !may_run_without_rights("outputs of a group") {
        return skip("only root can take up a group", "outputs of a group");
    }
    let server = Server::of_pages(&["a"]);
    const GROUP: u32 = 4242;
    let run = Run::on(&server, "-r US -q -o trends.json").file("trends.json", "old");
    chown(run.path("trends.json"), Some(0), Some(GROUP)).unwrap();
    fs::set_permissions(run.path("trends.json"), Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(run.folder.path(), Permissions::from_mode(0o777)).unwrap();
    let groups = format!("--groups={GROUP}");
    let outcome = run.under(&["setpriv", "--reuid=nobody", "--regid=nogroup", &groups]).finish().exits(0);
    let new = fs::metadata(outcome.folder.path().join("trends.json")).unwrap();
    assert_eq!((new.gid(), new.mode() & 0o777), (GROUP, 0o640));
    assert!(outcome.read("trends.json").contains("US-a"));
}

#[test]
fn a_file_size_limit_is_reported() {
    let server = Server::of_pages(&["a"]);
    let run = Run::on(&server, "-r US -q -n 50 -o trends.json -o trends.csv").file("trends.json", "old");
    // In blocks of 512 or 1024 bytes, depending on the shell.
    let outcome = run.under(&["sh", "-c", r#"ulimit -f 1; exec "$0" "$@""#]).finish().exits(1);
    assert!(outcome.stderr.contains("raise the limit on the size of files"), "{}", outcome.stderr);
    assert_eq!((outcome.read("trends.json").as_str(), outcome.read("trends.csv").lines().count()), ("old", 2));
    assert_eq!(outcome.files(), ["trends.csv", "trends.json"]);
}

/// A run in a mount namespace; `None`, with a report, if that is forbidden here.
fn with_mounts(server: &Server, arguments: &str, script: &str, left_out: &str) -> Option<Run> {
    let mut probe = Command::new("unshare");
    probe.args(["-m", "sh", "-c", "mount -t tmpfs none /mnt"]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        skip("this user may not mount anything (unshare -m)", left_out);
        return None;
    }
    let run = Run::on(server, arguments).file("old.json", "old");
    prepare(&run, "mkdir d");
    Some(run.under(&["unshare", "-m", "sh", "-c", script]))
}

#[test]
fn read_only_and_mounted_targets_are_found_before_sending() {
    let server = Server::of_pages(&["a"]);
    for (script, output, says) in [
        (r#"mount -t tmpfs -o ro none d; exec "$0" "$@""#, "d/new.json", "Read-only file system"),
        (r#"touch d/f; mount --bind d/f old.json; exec "$0" "$@""#, "old.json", "it is a mount point"),
        (r#"chattr +i old.json 2>/dev/null || exec true; exec "$0" "$@""#, "old.json", "it is immutable"),
    ] {
        let arguments = format!("-r US -o {output}");
        let Some(run) = with_mounts(&server, &arguments, script, "outputs that are mounted or immutable") else {
            return;
        };
        let file = run.path("old.json");
        let outcome = run.finish();
        let _ = Command::new("chattr").arg("-i").arg(file).status();
        // Not every file system has immutable files.
        if outcome.code != Some(0) || !script.contains("chattr") {
            assert_found_early(&server, outcome, says);
        }
    }
}

#[test]
fn a_full_disk_keeps_the_old_file() {
    let server = Server::start(|hit| {
        let ids: Vec<String> = (0..50).map(|place| format!("{}-{place}", hit.region())).collect();
        Answer::page(&ids, None)
    });
    let script = r#"mount -t tmpfs -o size=16k none d; echo yesterday >d/old.json
        "$0" "$@"; code=$?; ls -A d >left; cp d/old.json kept; exit $code"#;
    let arguments = "-r US,GB,PL,DE -q -o d/old.json -o good.json";
    let Some(run) = with_mounts(&server, arguments, script, "an output on a disk that gets full") else { return };
    let outcome = run.finish().exits(1);
    assert!(outcome.stderr.contains("make room; the old file is as it was"), "{}", outcome.stderr);
    assert_eq!((outcome.read("kept").as_str(), outcome.read("left").as_str()), ("yesterday\n", "old.json\n"));
    assert!(outcome.read("good.json").contains("US-49"));
}
