//! Measures the whole program with eight regions and a server that takes 400 ms per response, compared with the minimum
//! that the concurrency allows. Then measures the demo at the same concurrencies.
//!
//! `cargo bench --bench rounds`

#![allow(clippy::expect_used, clippy::print_stdout, reason = "a benchmark prints its results and may panic")]

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
    println!("{:<34} {:>7} {:>7} {:>7} {:>7} {:>8}", "eight regions", "ideal", "min", "median", "max", "of ideal");
    for (concurrency, rounds) in [("1", 8), ("3", 3), ("0", 1)] {
        let arguments = ["-r", "dailywatch", "-q", "--json", "--base-url", &url, "-c", concurrency];
        measure(&format!("400 ms each, -c {concurrency}"), Some(LATENCY * rounds), &arguments);
    }
    for concurrency in ["1", "3", "0"] {
        measure(
            &format!("--demo=calm, -c {concurrency}"),
            None,
            &["--demo=calm", "-r", "dailywatch", "-q", "--json", "-c", concurrency],
        );
    }
}

fn measure(what: &str, ideal: Option<Duration>, arguments: &[&str]) {
    let mut times: Vec<Duration> = (0..RUNS).map(|_| run_program(arguments)).collect();
    times.sort();
    let (ideal_shown, ratio) = ideal.map_or_else(Default::default, |ideal| {
        (format!("{:.3}", ideal.as_secs_f64()), format!("{:.3}", times[RUNS / 2].as_secs_f64() / ideal.as_secs_f64()))
    });
    let [min, median, max] = [0, RUNS / 2, RUNS - 1].map(|index| times[index].as_secs_f64());
    println!("{what:<34} {ideal_shown:>7} {min:>7.3} {median:>7.3} {max:>7.3} {ratio:>8}");
}

fn run_program(arguments: &[&str]) -> Duration {
    let started = Instant::now();
    let status = Command::new(env!("CARGO_BIN_EXE_trendfetch"))
        .args(arguments)
        .env("YOUTUBE_API_KEY", "benchmark")
        .stdout(Stdio::null())
        .status()
        .expect("the program starts");
    let elapsed = started.elapsed();
    assert!(status.success());
    elapsed
}

fn serve(mut stream: TcpStream) {
    let body = r#"{"kind":"youtube#videoListResponse","items":[{"id":"one"}]}"#;
    let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.is_empty() {
            thread::sleep(LATENCY);
            // One write: a second small packet would wait 40 ms for the acknowledgement of the first.
            if stream.write_all(response.as_bytes()).is_err() {
                return;
            }
        }
    }
}
