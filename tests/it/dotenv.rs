//! `.env` in the working directory, which may be a stranger's, another program's, or of another system.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Outcome, Run, Server};
use crate::tools::may_run_without_rights;

/// Runs with this `.env` and no region typed, against a server that answers.
fn run(server: &Server, arguments: &str, dotenv: &str) -> Run {
    Run::on(server, arguments).file(".env", dotenv)
}

#[test]
fn a_broken_line_of_ours_is_exit_2_even_when_quiet_and_nothing_is_sent() {
    let server = Server::of_pages(&["a"]);
    for (arguments, dotenv, says) in [
        ("-q", "TRENDFETCH_REGIONS=US, GB\nTRENDFETCH_REGIONS='US\n", "line 2 of .env, for TRENDFETCH_REGIONS"),
        ("-q", "TRENDFETCH_STORE: canary.db\n", "line 1 of .env, for TRENDFETCH_STORE"),
        ("-q -r US", "\nset YOUTUBE_API_KEY=canary\n", "line 2 of .env, for YOUTUBE_API_KEY"),
        ("-q -r US", "YOUTUBE_API_KEY=\"canary\" x\n", "line 1 of .env, for YOUTUBE_API_KEY"),
    ] {
        let outcome = run(&server, arguments, dotenv).without_key().finish().exits(2);
        assert!(outcome.stderr.contains(says) && !outcome.stderr.contains("canary"), "{}", outcome.stderr);
        assert!(outcome.stdout.is_empty() && outcome.files() == [".env"], "{:?}", outcome.files());
    }
    assert!(server.log().is_empty());

    for command in ["changes", "prune --keep 1d", "load x.json"] {
        let arguments: Vec<&str> = command.split(' ').chain(["--store", "h.db"]).collect();
        let outcome = Run::new(&arguments).file(".env", "TRENDFETCH_STORE='x").finish().exits(2);
        assert!(outcome.stderr.contains("line 1 of .env"), "{}", outcome.stderr);
    }
    // What the program says about itself depends on no setting.
    Run::new(&["completions", "bash"]).file(".env", "TRENDFETCH_STORE='x").finish().exits(0);
}

#[test]
fn a_broken_line_is_a_warning_where_the_environment_sets_the_same_name_or_nothing_of_ours_is_in_it() {
    let server = Server::of_pages(&["a"]);
    let outcome = run(&server, "-r US", "YOUTUBE_API_KEY='canary\n").finish().exits(0);
    assert!(outcome.stderr.contains("line 1 of .env, for YOUTUBE_API_KEY"), "{}", outcome.stderr);
    let outcome = run(&server, "", "nonsense canary\nTRENDFETCH_REGIONS=PL").finish().exits(0);
    assert!(outcome.stderr.contains("1 line(s) of .env cannot be read"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("canary") && server.asked() == ["US", "PL"], "{}", outcome.stderr);
}

#[test]
fn blanks_windows_and_quotes_are_fine() {
    let server = Server::of_pages(&["a"]);
    let dotenv = "\u{feff}TRENDFETCH_REGIONS = US, GB ,\tPL # and more\r\nexport YOUTUBE_API_KEY=\"AIzaOfDotenv\"";
    let outcome = run(&server, "-c 1", dotenv).without_key().finish().exits(0);
    assert_eq!(outcome.stderr, "");
    assert_eq!(server.asked(), ["US", "GB", "PL"]);
    assert_eq!(server.log()[0].headers["x-goog-api-key"], "AIzaOfDotenv");
}

#[test]
fn no_variable_is_filled_in() {
    let server = Server::of_pages(&["a"]);
    let outcome = run(&server, "-r US", "TRENDFETCH_STORE='$HOME ${YOUTUBE_API_KEY}.db'\n").finish().exits(0);
    assert_eq!(outcome.files(), ["$HOME ${YOUTUBE_API_KEY}.db", ".env"]);
    for key in ["$REAL", "${REAL}", "\"${REAL}\""] {
        let run = run(&server, "-r PL", &format!("YOUTUBE_API_KEY={key}\n")).without_key();
        let outcome = run.env("REAL", "AIzaReal").finish().exits(2);
        assert!(outcome.stderr.contains("a variable that nothing filled in"), "{}", outcome.stderr);
    }
    assert_eq!(server.asked(), ["US"]);
}

#[test]
fn what_is_no_file_or_has_no_end_is_left_out() {
    let server = Server::of_pages(&["a"]);
    let left_out = |prepare: &dyn Fn(&Run), says: &str| {
        let mut run = Run::on(&server, "-r US");
        prepare(&run);
        let mut child = run.command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() {
            if began.elapsed() > Duration::from_secs(60) {
                child.kill().unwrap();
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{says}: {stderr}");
        assert!(stderr.contains(".env is left out") && stderr.contains(says), "{says}: {stderr}");
    };
    let link_to = |target: &'static str| move |run: &Run| symlink(target, run.path(".env")).unwrap();
    left_out(&|run| std::fs::create_dir(run.path(".env")).unwrap(), "no regular file");
    left_out(
        &|run| assert!(Command::new("mkfifo").arg(run.path(".env")).status().unwrap().success()),
        "no regular file",
    );
    left_out(&link_to("/dev/zero"), "no regular file");
    left_out(&link_to(".env"), "symbolic links");
    let large = "#".repeat((1 << 20) + 1);
    left_out(&|run| std::fs::write(run.path(".env"), &large).unwrap(), "larger than 1 MiB");
    if cfg!(target_os = "linux") {
        // Both claim to be empty, and hold more than any memory.
        left_out(&link_to("/proc/self/mem"), "make it a readable file");
        left_out(&link_to("/proc/self/pagemap"), "make it a readable file");
    }
}

#[test]
fn what_may_not_be_read_is_left_out() {
    if !may_run_without_rights("a .env that may not be read") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let run = run(&server, "-r US", "TRENDFETCH_STORE=a.db");
    std::fs::set_permissions(run.path(".env"), Permissions::from_mode(0o000)).unwrap();
    let outcome = run.without_rights().finish().exits(0);
    assert!(outcome.stderr.contains(".env is left out: Permission denied"), "{}", outcome.stderr);
}

#[test]
fn a_file_of_just_1_mib_is_read() {
    let server = Server::of_pages(&["a"]);
    let line = "\nTRENDFETCH_REGIONS=PL";
    let outcome: Outcome = run(&server, "", &("#".repeat((1 << 20) - line.len()) + line)).finish().exits(0);
    assert_eq!((server.asked(), outcome.stderr.as_str()), (vec!["PL".to_owned()], ""));
}
