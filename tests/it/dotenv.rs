//! `.env` in the working directory, which may be untrusted, another program's, or from another system.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::{Outcome, Run, Server};
use crate::tools::may_run_without_rights;

/// A run with this `.env`.
fn run(server: &Server, arguments: &str, dotenv: &str) -> Run {
    Run::on(server, arguments).file(".env", dotenv)
}

#[test]
fn an_unreadable_line_is_exit_2_even_with_quiet() {
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
    // Commands that describe the program read no setting.
    Run::new(&["completions", "bash"]).file(".env", "TRENDFETCH_STORE='x").finish().exits(0);
}

#[test]
fn an_unreadable_line_is_a_warning_if_it_is_not_needed() {
    let server = Server::of_pages(&["a"]);
    let outcome = run(&server, "-r US", "YOUTUBE_API_KEY='canary\n").finish().exits(0);
    assert!(outcome.stderr.contains("line 1 of .env, for YOUTUBE_API_KEY"), "{}", outcome.stderr);
    let outcome = run(&server, "", "nonsense canary\nTRENDFETCH_REGIONS=PL").finish().exits(0);
    assert!(outcome.stderr.contains("1 line(s) of .env cannot be read"), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("canary") && server.asked() == ["US", "PL"], "{}", outcome.stderr);
}

#[test]
fn blanks_crlf_and_quotes_are_accepted() {
    let server = Server::of_pages(&["a"]);
    let dotenv = "\u{feff}TRENDFETCH_REGIONS = US, GB ,\tPL # and more\r\nexport YOUTUBE_API_KEY=\"AIzaOfDotenv\"";
    let outcome = run(&server, "-c 1", dotenv).without_key().finish().exits(0);
    assert_eq!(outcome.stderr, "");
    assert_eq!(server.asked(), ["US", "GB", "PL"]);
    assert_eq!(server.log()[0].headers["x-goog-api-key"], "AIzaOfDotenv");
}

#[test]
fn variables_are_not_expanded() {
    let server = Server::of_pages(&["a"]);
    let outcome = run(&server, "-r US", "TRENDFETCH_STORE='$HOME ${YOUTUBE_API_KEY}.db'\n").finish().exits(0);
    assert_eq!(outcome.files(), ["$HOME ${YOUTUBE_API_KEY}.db", ".env"]);
    for key in ["$REAL", "${REAL}", "\"${REAL}\""] {
        let run = run(&server, "-r PL", &format!("YOUTUBE_API_KEY={key}\n")).without_key();
        let outcome = run.env("REAL", "AIzaReal").finish().exits(2);
        assert!(outcome.stderr.contains("a variable that was not expanded"), "{}", outcome.stderr);
    }
    assert_eq!(server.asked(), ["US"]);
}

#[test]
fn what_is_not_a_file_or_endless_is_ignored() {
    let server = Server::of_pages(&["a"]);
    let is_ignored = |prepare: &dyn Fn(&Run), says: &str| {
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
        assert!(stderr.contains(".env is ignored") && stderr.contains(says), "{says}: {stderr}");
    };
    let link_to = |target: &'static str| move |run: &Run| symlink(target, run.path(".env")).unwrap();
    is_ignored(&|run| std::fs::create_dir(run.path(".env")).unwrap(), "not a regular file");
    is_ignored(
        &|run| assert!(Command::new("mkfifo").arg(run.path(".env")).status().unwrap().success()),
        "not a regular file",
    );
    is_ignored(&link_to("/dev/zero"), "not a regular file");
    is_ignored(&link_to(".env"), "symbolic links");
    let large = "#".repeat((1 << 20) + 1);
    is_ignored(&|run| std::fs::write(run.path(".env"), &large).unwrap(), "larger than 1 MiB");
    if cfg!(target_os = "linux") {
        // Both have a length of 0 and more content than fits into memory.
        is_ignored(&link_to("/proc/self/mem"), "make it a readable file");
        is_ignored(&link_to("/proc/self/pagemap"), "make it a readable file");
    }
}

#[test]
fn an_unreadable_file_is_ignored() {
    if !may_run_without_rights("a .env that may not be read") {
        return;
    }
    let server = Server::of_pages(&["a"]);
    let run = run(&server, "-r US", "TRENDFETCH_STORE=a.db");
    std::fs::set_permissions(run.path(".env"), Permissions::from_mode(0o000)).unwrap();
    let outcome = run.without_rights().finish().exits(0);
    assert!(outcome.stderr.contains(".env is ignored: Permission denied"), "{}", outcome.stderr);
}

#[test]
fn a_file_of_1_mib_is_read() {
    let server = Server::of_pages(&["a"]);
    let line = "\nTRENDFETCH_REGIONS=PL";
    let outcome: Outcome = run(&server, "", &("#".repeat((1 << 20) - line.len()) + line)).finish().exits(0);
    assert_eq!((server.asked(), outcome.stderr.as_str()), (vec!["PL".to_owned()], ""));
}
