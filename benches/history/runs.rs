//! Whole runs, on a server that answers at once.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use trendfetch::model::region::Region;

use super::data::video;
use super::tools::{compare, time};

/// The server: its address.
pub(super) fn api() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    url
}

/// Seven regions with and without a history; and the memory of the largest run.
pub(super) fn added_to_a_run(folder: &Path, url: &str) {
    let location = folder.join("seven.db").display().to_string();
    let plain = ["-r", "US,GB,PL,NL,SE,NO,AT", "-q", "--json", "--base-url", url];
    let kept = [&plain[..], &["--store", &location]].concat();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        without.push(time(&plain).0);
        with.push(time(&kept).0);
    }
    compare("seven regions x 50, whole process: with a history, against without", with, without);
    let location = folder.join("all.db").display().to_string();
    let all = ["-r", "all", "-n", "200", "-c", "8", "-q", "--base-url", url];
    println!(
        "all regions x 200: peak {} MiB without a history, {} MiB with",
        time(&all).1 >> 10,
        time(&[&all[..], &["--store", &location]].concat()).1 >> 10
    );
}

/// Answers each page with 50 videos of its region.
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
        let mut dice = fastrand::Rng::with_seed(7);
        let items: Vec<String> = (0..50)
            .map(|place| {
                let video = video(format!("{region}{:09}", page * 50 + place), region, &mut dice);
                format!(
                    r#"{{"id":"{}","snippet":{{"title":"{}","channelTitle":"{}","categoryId":"20","publishedAt":"2026-11-20T10:00:00Z"}},"statistics":{{"viewCount":"{}"}}}}"#,
                    video.id, video.title, video.channel, video.views.unwrap_or(0)
                )
            })
            .collect();
        let next = if page < 3 { format!(r#","nextPageToken":"{}""#, page + 1) } else { String::new() };
        let body = format!(r#"{{"kind":"youtube#videoListResponse","items":[{}]{next}}}"#, items.join(","));
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}
