//! Uploads that are cut off leave nothing, and the object that was there before stays.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use super::servers::{self, Bucket};
use crate::harness::{Run, Server};

/// Starts a run, each part of whose upload takes so long, and waits until the upload has begun.
fn start(bucket: &Bucket, server: &Server, seconds: f64) -> (Run, Child) {
    bucket.write("all.json", "old");
    bucket.delay(seconds);
    let address = bucket.address("all.json");
    let mut run = bucket.open_to(Run::on(server, &format!("-q -r all -n 200 -c 0 -o {address}")));
    run.command.stderr(Stdio::piped());
    let child = run.command.spawn().unwrap();
    let begun = Instant::now();
    // The trial upload is gone before the first request.
    while server.log().is_empty() || bucket.uploads().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no upload has begun");
        thread::sleep(Duration::from_millis(50));
    }
    (run, child)
}

fn assert_as_before(bucket: &Bucket, output: &Output) {
    assert_eq!(bucket.uploads(), [""; 0], "{output:?}");
    assert_eq!(bucket.keys(), ["all.json"], "{output:?}");
    // Not the content itself, which would be megabytes.
    assert!(bucket.read("all.json") == b"old", "the object was replaced: {output:?}");
}

#[test]
fn a_signal_in_the_middle_of_an_upload_leaves_nothing() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let Some(bucket) = servers::s3() else { return };
        // A new one, whose log is empty until the trial upload is gone.
        let server = Server::of_charts("2026-11-20T12:00:00Z");
        let (_run, child) = start(&bucket, &server, 2.0);
        // Into the first part.
        thread::sleep(Duration::from_millis(300));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let status = output.status.code().or(output.status.signal().map(|signal| 128 + signal));
        assert_eq!(status, Some(code), "{output:?}");
        assert_as_before(&bucket, &output);
    }
}
