//! Eight regions on a server that takes 400 ms for each answer: what the whole program takes,
//! process start included, against the rounds that the permits allow. And the demo's table of times.
//!
//! `cargo bench --bench rounds`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints, and ends where it cannot go on")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const LATENCY: Duration = Duration::from_millis(400);
const RUNS: usize = 11;

fn main() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    println!("{:<34} {:>7} {:>7} {:>7} {:>7} {:>8}", "eight regions", "ideal", "least", "median", "most", "of ideal");
    for (concurrency, rounds) in [("1", 8), ("3", 3), ("0", 1)] {
        let arguments = ["-r", "dailywatch", "-q", "--json", "--base-url", &url, "-c", concurrency];
        report(&format!("400 ms each, -c {concurrency}"), Some(LATENCY * rounds), &arguments);
    }
    for concurrency in ["1", "3", "0"] {
        report(
            &format!("--demo=calm, -c {concurrency}"),
            None,
            &["--demo=calm", "-r", "dailywatch", "-q", "--json", "-c", concurrency],
        );
    }
}

fn report(what: &str, ideal: Option<Duration>, arguments: &[&str]) {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| time(arguments)).collect();
    times.sort();
    let (ideal_shown, ratio) = ideal.map_or_else(Default::default, |ideal| {
        (format!("{:.3}", ideal.as_secs_f64()), format!("{:.3}", times[RUNS / 2].as_secs_f64() / ideal.as_secs_f64()))
    });
    let [least, median, most] = [0, RUNS / 2, RUNS - 1].map(|index| times[index].as_secs_f64());
    println!("{what:<34} {ideal_shown:>7} {least:>7.3} {median:>7.3} {most:>7.3} {ratio:>8}");
}

fn time(arguments: &[&str]) -> Duration {
    let began = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_trendfetch"))
        .args(arguments)
        .env("YOUTUBE_API_KEY", "benchmark")
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    let took = began.elapsed();
    assert!(status.success());
    took
}

fn serve(mut stream: TcpStream) {
    let body = r#"{"kind":"youtube#videoListResponse","items":[{"id":"one"}]}"#;
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() {
            thread::sleep(LATENCY);
            // In one piece: a second small packet would wait 40 ms for the first one's acknowledgement.
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
        }
    }
}
