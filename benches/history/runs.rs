//! Measures whole runs against an API server without latency.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use trendfetch::model::region::Region;

use super::data::video;
use super::tools::{compare, run_program};

/// Starts the server and returns its URL.
pub(super) fn start_api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    url
}

/// The time of seven regions with and without a history, and the memory of the largest run.
pub(super) fn compare_runs(folder: &Path, url: &str) {
    let location = folder.join("seven.db").display().to_string();
    let without_history = ["-r", "US,GB,PL,NL,SE,NO,AT", "-q", "--json", "--base-url", url];
    let with_history = [&without_history[..], &["--store", &location]].concat();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        without.push(run_program(&without_history).0);
        with.push(run_program(&with_history).0);
    }
    compare("seven regions x 50, whole process: with a history, compared with none", with, without);
    let location = folder.join("all.db").display().to_string();
    let all = ["-r", "all", "-n", "200", "-c", "8", "-q", "--base-url", url];
    println!(
        "all regions x 200: peak {} MiB without a history, {} MiB with",
        run_program(&all).1 >> 10,
        run_program(&[&all[..], &["--store", &location]].concat()).1 >> 10
    );
}

/// Responds to each request with a page of 50 videos of the region.
fn serve(mut stream: TcpStream) {
    stream.set_nodelay(true).expect("an option of TCP");
    let mut lines = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    let mut query = String::new();
    while let Some(Ok(line)) = lines.next() {
        if line.starts_with("GET ") {
            query = line.clone();
        }
        if !line.is_empty() {
            continue;
        }
        let value =
            |name: &str| query.split(['?', '&', ' ']).find_map(|pair| pair.strip_prefix(name)).unwrap_or_default();
        let region = Region::new(value("regionCode=")).expect("a region");
        let page: u32 = value("pageToken=").parse().unwrap_or(0);
        let mut rng = fastrand::Rng::with_seed(7);
        let items: Vec<String> = (0..50)
            .map(|index| {
                let video = video(format!("{region}{:09}", page * 50 + index), region, &mut rng);
                format!(
                    r#"{{"id":"{}","snippet":{{"title":"{}","channelTitle":"{}","categoryId":"20","publishedAt":"2026-11-20T10:00:00Z"}},"statistics":{{"viewCount":"{}"}}}}"#,
                    video.id, video.title, video.channel, video.views.unwrap_or(0)
                )
            })
            .collect();
        let next = if page < 3 { format!(r#","nextPageToken":"{}""#, page + 1) } else { String::new() };
        let body = format!(r#"{{"kind":"youtube#videoListResponse","items":[{}]{next}}}"#, items.join(","));
        let response = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(response.as_bytes()).is_err() {
            return;
        }
    }
}
