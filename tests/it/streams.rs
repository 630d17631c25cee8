//! Outputs that are not regular files: open descriptors, pipes, sockets and devices; and outputs that block.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::{scope, sleep, spawn};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::harness::{Answer, Outcome, Run, Server};

/// A run with redirections by a shell, such as `3>>log`.
fn redirected(server: &Server, arguments: &str, redirections: &str) -> Run {
    Run::on(server, arguments).under(&["sh", "-c", &format!(r#"exec "$0" "$@" {redirections}"#)])
}

fn is_document(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|document| document["schema_version"] == 1)
}

#[test]
fn a_descriptor_path_means_the_open_descriptor() {
    let server = Server::of_pages(&["a"]);
    for (output, script) in [
        ("/dev/stdout", r#"exec "$0" "$@" >>log"#),
        ("/dev/fd/1", r#"exec "$0" "$@" >>log"#),
        ("/dev/stderr", r#"exec "$0" "$@" 2>>log"#),
        ("/dev/fd/3", r#"exec "$0" "$@" 3>>log"#),
        ("link", r#"exec "$0" "$@" 3>>log"#),
        // Not opened for appending, and written from its current position.
        ("/dev/fd/3", r#"exec 3>log; echo yesterday >&3; exec "$0" "$@""#),
        #[cfg(target_os = "linux")]
        ("/proc/self/fd/3", r#"exec "$0" "$@" 3>>log"#),
        #[cfg(target_os = "linux")]
        ("/proc/thread-self/fd/3", r#"exec "$0" "$@" 3>>log"#),
        // The shell is replaced by the program, which keeps its process id.
        #[cfg(target_os = "linux")]
        ("/proc/PID/fd/3", r#"exec "$0" "${@/PID/$$}" 3>>log"#),
    ] {
        let run = Run::on(&server, &format!("-r US -q -o {output}"));
        let run = run.file("log", "yesterday\n").under(&["bash", "-c", script]);
        symlink("/dev/fd/3", run.path("link")).unwrap();
        let outcome = run.finish().exits(0);
        let log = outcome.read("log");
        let added = log.strip_prefix("yesterday\n").unwrap_or_else(|| panic!("{output}, {script}: {log}"));
        assert!(is_document(added), "{output}, {script}: {log}");
        assert_eq!(outcome.files(), ["link", "log"], "{output}, {script}");
    }
}

#[test]
fn standard_output_has_data_once_and_no_stats() {
    let server = Server::of_pages(&["a"]);
    for twice in ["-o - -o /dev/stdout", "-o /dev/stdout -o /dev/fd/1", "-o /dev/fd/3 -o /proc/self/fd/3"] {
        let outcome = redirected(&server, &format!("-r US {twice}"), "3>three").finish().exits(2);
        assert!(outcome.stderr.contains("takes the data once"), "{twice}: {}", outcome.stderr);
    }
    let outcome = redirected(&server, "-r US -o three -o /dev/fd/3", "3>three").finish().exits(2);
    assert!(outcome.stderr.contains("a descriptor leads there too"), "{}", outcome.stderr);
    assert!(server.log().is_empty());

    let outcome = Run::on(&server, "-r US -o /dev/stdout -o three.csv").finish().exits(0);
    assert!(is_document(&outcome.stdout) && outcome.stderr.contains("Distinct videos"), "{}", outcome.stderr);
    let outcome = redirected(&server, "-r US -f ndjson -o /dev/fd/3", "3>three").finish().exits(0);
    assert!(outcome.stdout.contains("Distinct videos") && outcome.read("three").contains("US-a"));
    // A document is written to a descriptor even if every region failed.
    let failing = Server::start(|_| Answer::refusal(400, "odd"));
    let outcome = redirected(&failing, "-r US -q -o /dev/fd/3", "3>three").finish().exits(1);
    assert!(is_document(&outcome.read("three")));
}

#[test]
fn a_descriptor_cannot_overwrite_the_history_or_key() {
    let server = Server::of_pages(&["a"]);
    let outcome = redirected(&server, "-r US --store h.db --json", ">>h.db").finish().exits(2);
    assert!(outcome.stderr.contains("is the history itself"), "{}", outcome.stderr);
    let run = redirected(&server, "-r US --api-key-file key -o /dev/fd/3", "3>>key").file("key", "AIzaOther");
    assert!(run.finish().exits(2).stderr.contains("is the key file itself"));
}

#[test]
fn an_unwritable_descriptor_is_found_before_sending() {
    let server = Server::of_pages(&["a"]);
    for (arguments, redirections, says) in [
        ("--json", ">&-", "to standard output: it is closed"),
        ("-o /dev/fd/1", ">&-", "to standard output: it is closed"),
        ("-o /dev/stderr", "2>&-", ""),
        ("--json", "1<empty", "to standard output: it is open for reading only"),
        ("", "1<empty", "to standard output: it is open for reading only"),
        ("-o /dev/stdin", "<empty", "to descriptor 0: it is open for reading only"),
        ("-o /dev/fd/3", "3<empty", "to descriptor 3: it is open for reading only"),
        ("-o /dev/fd/9", "", "to descriptor 9: no such descriptor is open"),
        // The program's own duplicate of descriptor 3 must not count as descriptor 5.
        ("-o /dev/fd/3 -o /dev/fd/5", "3>three", "to descriptor 5: no such descriptor is open"),
    ] {
        let run = redirected(&server, &format!("-r US {arguments}"), redirections).file("empty", "");
        let outcome = run.finish().exits(1);
        assert!(outcome.stderr.contains(says), "{arguments} {redirections}: {}", outcome.stderr);
    }
    assert!(server.log().is_empty());
    // Discarding the data by a shell is deliberate; stats may be lost.
    redirected(&server, "-r US --json", ">/dev/null").finish().exits(0);
    redirected(&server, "-r US -o trends.json", ">&-").finish().exits(0);
}

#[test]
fn closed_standard_descriptors_are_not_reused() {
    let server = Server::of_pages(&["a"]);
    let outcome = redirected(&server, "-r US --json --store h.db", "<&- 2>&-").finish().exits(0);
    assert!(is_document(&outcome.stdout));
    let outcome = redirected(&server, "-r US,PL -vv -o trends.json --store h.db", "<&- >&- 2>&-").finish().exits(0);
    assert!(is_document(&outcome.read("trends.json")));
    let history = rusqlite::Connection::open(outcome.folder.path().join("h.db")).unwrap();
    let check: String = history.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[test]
fn sockets_and_nonblocking_pipes_get_all_data() {
    let server = Server::of_large_pages();
    let (theirs, mut ours) = UnixStream::pair().unwrap();
    let (from_pipe, pipe) = std::io::pipe().unwrap();
    // Node does this to the pipes of its children.
    rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK).unwrap();
    let read = |mut source: Box<dyn Read + Send>| {
        spawn(move || {
            let mut text = String::new();
            sleep(Duration::from_millis(100));
            source.read_to_string(&mut text).unwrap();
            text
        })
    };
    let write_to = |target: OwnedFd, output: &str| {
        let mut run = Run::on(&server, &format!("-r US -q {output}"));
        assert!(run.command.stdout(target).status().unwrap().success());
    };
    let text = read(Box::new(ours.try_clone().unwrap()));
    write_to(theirs.into(), "-o /dev/stdout");
    ours.flush().unwrap();
    assert!(is_document(&text.join().unwrap()));
    let text = read(Box::new(from_pipe));
    write_to(pipe.into(), "--json");
    assert!(is_document(&text.join().unwrap()));
}

fn make_fifo(folder: &Path) {
    assert!(Command::new("mkfifo").arg(folder.join("fifo")).status().unwrap().success());
}

#[test]
fn a_fifo_waits_for_its_reader_and_delays_no_file() {
    let server = Server::of_pages(&["a"]);
    let run = Run::on(&server, "-r US -o fifo -o trends.json --deadline 20s");
    make_fifo(run.folder.path());
    let (fifo, file) = (run.path("fifo"), run.path("trends.json"));
    let reader = spawn(move || {
        while !file.exists() {
            sleep(Duration::from_millis(5));
        }
        fs::read_to_string(fifo).unwrap()
    });
    let outcome = run.finish().exits(0);
    assert!(outcome.stderr.contains("waiting for a program that reads fifo"), "{}", outcome.stderr);
    assert_eq!(reader.join().unwrap(), outcome.read("trends.json"));

    // A reader that waits already must not see the end before the data; one that stops early is not an error.
    let much = Server::of_large_pages();
    for (reader, code) in [("cat fifo >copy", 0), ("head -c 1 fifo >copy", 0)] {
        let run = Run::on(&much, "-r US -q -o fifo -o trends.json");
        make_fifo(run.folder.path());
        let mut reader = Command::new("sh").args(["-c", reader]).current_dir(&run.folder).spawn().unwrap();
        let outcome = run.finish().exits(code);
        assert!(reader.wait().unwrap().success());
        assert!(outcome.read("trends.json").starts_with(&outcome.read("copy")));
        assert_eq!((outcome.read("copy").is_empty(), outcome.stderr.as_str()), (false, ""));
    }
}

/// A run with an output that blocks.
struct Blocked {
    child: Child,
    started: Instant,
    folder: tempfile::TempDir,
    /// Open, and never read.
    _full: Option<std::io::PipeReader>,
}

impl Blocked {
    /// Nobody reads the FIFO of `-o fifo`, nor standard output, nor, with `2>&1`, standard error.
    fn start(server: &Server, arguments: &str) -> Blocked {
        let (arguments, is_stderr_full) = match arguments.strip_suffix(" 2>&1") {
            Some(arguments) => (arguments, true),
            None => (arguments, false),
        };
        let Run { mut command, folder } = Run::on(server, arguments);
        let (reader, pipe) = std::io::pipe().unwrap();
        command.stderr(if is_stderr_full { pipe.try_clone().unwrap().into() } else { Stdio::piped() });
        make_fifo(folder.path());
        let child = command.stdout(pipe).spawn().unwrap();
        Blocked { child, started: Instant::now(), folder, _full: Some(reader) }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits until it has written the file.
    fn wait_for_file(&self) {
        while !self.folder.path().join("trends.json").exists() {
            sleep(Duration::from_millis(5));
        }
        // The data is larger than the pipe, so it blocks soon.
        sleep(Duration::from_millis(100));
    }

    /// Waits for its end, and returns how long it took.
    fn wait(mut self) -> (Outcome, Duration) {
        while self.child.try_wait().unwrap().is_none() {
            if self.started.elapsed() > Duration::from_secs(30) {
                self.child.kill().unwrap();
            }
            sleep(Duration::from_millis(5));
        }
        let output = self.child.wait_with_output().unwrap();
        (Outcome::new(output, self.folder), self.started.elapsed())
    }
}

const TWO_SECONDS: Duration = Duration::from_secs(2);

#[test]
fn a_deadline_ends_a_run_whose_output_blocks() {
    let server = Server::of_large_pages();
    scope(|scope| {
        for (arguments, says) in [
            ("-o fifo", "cannot write fifo: it was not done when --deadline ended the run"),
            ("-o -", "cannot write to standard output: it was not done when --deadline ended the run"),
            ("-o /dev/stdout -o fifo", "what it holds may be incomplete"),
            // The error has nowhere to go.
            ("-o - 2>&1", ""),
        ] {
            let server = &server;
            scope.spawn(move || {
                let run = format!("-r US -q -o trends.json --deadline 2s {arguments}");
                let (outcome, took) = Blocked::start(server, &run).wait();
                let outcome = outcome.exits(1);
                assert!(outcome.stderr.contains(says), "{arguments}: {}", outcome.stderr);
                assert!(is_document(&outcome.read("trends.json")), "{arguments}");
                assert_eq!(outcome.files(), ["fifo", "trends.json"], "{arguments}");
                // With a full standard error, the end comes half a second after the grace period.
                assert!(took >= TWO_SECONDS && took < Duration::from_secs(8), "{arguments}: {took:?}");
            });
        }
    });
}

#[test]
fn a_signal_ends_a_run_whose_output_blocks() {
    let server = Server::of_large_pages();
    scope(|scope| {
        for (arguments, signal, code) in [
            ("-o fifo", Signal::HUP, 129),
            ("-o -", Signal::INT, 130),
            ("-o /dev/stdout", Signal::TERM, 143),
            ("-o - 2>&1", Signal::TERM, 143),
        ] {
            let server = &server;
            scope.spawn(move || {
                let run = Blocked::start(server, &format!("-r US -q -o trends.json {arguments}"));
                run.wait_for_file();
                let sent = Instant::now();
                run.signal(signal);
                let outcome = run.wait().0.exits(code);
                assert!(sent.elapsed() >= TWO_SECONDS, "{arguments}: {:?}", sent.elapsed());
                assert!(is_document(&outcome.read("trends.json")), "{arguments}");
                let says = "it was not done when a signal ended the run";
                assert!(outcome.stderr.contains(says) || arguments.contains("2>&1"), "{}", outcome.stderr);
            });
        }
    });
}

#[test]
fn a_second_signal_ends_a_run_at_once() {
    let server = Server::of_large_pages();
    let run = Blocked::start(&server, "-r US -q -o trends.json -o -");
    run.wait_for_file();
    let sent = Instant::now();
    run.signal(Signal::INT);
    sleep(Duration::from_millis(300));
    run.signal(Signal::INT);
    let outcome = run.wait().0.exits(130);
    assert!(sent.elapsed() < TWO_SECONDS, "{:?}", sent.elapsed());
    let says =
        "ended before everything was written; files are whole, old or new, but standard output, pipes and devices";
    assert!(outcome.stderr.contains(says), "{}", outcome.stderr);
}

#[test]
fn a_full_standard_error_loses_only_the_log() {
    let server = Server::of_pages(&["a"]);
    let outcome = redirected(&server, "-r US -vv --json", "2>/dev/full").finish().exits(0);
    assert!(is_document(&outcome.stdout));
    redirected(&server, "-r US", ">/dev/full").finish().exits(1);
    let outcome = redirected(&server, "-r US --json -q", ">/dev/full").finish().exits(1);
    assert!(outcome.stderr.contains("cannot write to standard output: No space left on device"), "{}", outcome.stderr);
}
