//! What the history costs, against what the databases' own tools take for the same rows, in one run.
//!
//! `cargo bench --bench history`; with PostgreSQL too where TRENDFETCH_BENCH_POSTGRES names an empty
//! database: `TRENDFETCH_BENCH_POSTGRES=postgres://… cargo bench --bench history`

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, and ends where it cannot go on"
)]

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use trendfetch::category::Category;
use trendfetch::deduplicate::deduplicate;
use trendfetch::language::Language;
use trendfetch::model::{Counts, Effort, RegionChart, RegionOutcome, Report, Request, Sighting, TrendingVideo, Video};
use trendfetch::region::Region;
use trendfetch::stats;
use trendfetch::store::{self, Access, Location};

const DEPTH: u32 = 200;
const RUNS_OF_30_DAYS: u32 = 103;
const REPEATS: usize = 5;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    runtime.block_on(against_import(folder.path()));
    if let Ok(url) = std::env::var("TRENDFETCH_BENCH_POSTGRES") {
        runtime.block_on(against_copy(folder.path(), &url));
    }
    runtime.block_on(thirty_days(folder.path()));
    added_to_a_run(folder.path());
}

/// The run of 30 days that has this number: of 200 places of a region, some 16 are others than in the run before.
fn run(number: u32, category_id: Option<u32>) -> Arc<Report> {
    let began: Timestamp = "2026-10-01T00:00:00Z".parse().expect("a time");
    let began = began + SignedDuration::from_hours(7 * i64::from(number));
    let charts = Region::all().enumerate().map(|(index, region)| chart(index as u32, region, number, began)).collect();
    let (videos, outcomes): (Vec<TrendingVideo>, Vec<RegionOutcome>) = deduplicate(charts);
    let stats = stats::count(&outcomes, &videos, Duration::from_secs(3), Duration::ZERO);
    let request = Request { regions: Region::all().collect(), max_results: DEPTH, category_id };
    Arc::new(Report::new(began, "youtube".into(), request, stats, videos))
}

fn chart(index: u32, region: Region, number: u32, fetched_at: Timestamp) -> RegionChart {
    let mut dice = fastrand::Rng::with_seed(u64::from(index) << 32 | u64::from(number));
    // A fifth of the places is of videos that every region may show; the window moves on by 16 a run.
    let mut ids: Vec<String> = (0..DEPTH)
        .map(|place| {
            if place % 5 == 0 {
                format!("all{:08}", number * 16 + place)
            } else {
                format!("{region}{:09}", number * 16 + place)
            }
        })
        .collect();
    dice.shuffle(&mut ids[..]);
    let sightings =
        (1..).zip(ids).map(|(rank, id)| Sighting { rank, fetched_at, video: Box::new(video(id, region, &mut dice)) });
    RegionChart {
        sightings: sightings.collect(),
        outcome: RegionOutcome {
            region,
            places: DEPTH as usize,
            skipped: 0,
            answered: true,
            error: None,
            effort: Effort { requests: 4, ..Effort::default() },
        },
    }
}

fn video(id: String, region: Region, dice: &mut fastrand::Rng) -> Video {
    let mut text =
        fastrand::Rng::with_seed(id.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte)));
    let mut words = |count: usize| {
        let mut line = String::new();
        for _ in 0..count {
            let word: String = (0..text.usize(3..9)).map(|_| text.lowercase()).collect();
            let _ = write!(line, "{word} ");
        }
        line.trim_end().to_owned()
    };
    let views = dice.u64(10_000..50_000_000);
    Video {
        title: words(8).into(),
        channel: words(2).into(),
        channel_id: Some(format!("UC{id}{id}").into()),
        category: Some(Category::new(20)),
        counts: Counts { views: Some(views), likes: Some(views / 30), comments: Some(views / 500) },
        published_at: "2026-09-30T12:00:00Z".parse().ok(),
        duration_seconds: Some(213),
        embeddable: Some(true),
        age_restricted: Some(false),
        tags: (0..8).map(|_| words(2)).collect(),
        thumbnail: Some(format!("https://i.ytimg.com/vi/{id}/maxresdefault.jpg").into()),
        declared_language: Language::new(region.language()),
        id: id.into(),
        ..Video::default()
    }
}

async fn keep(location: &str, report: &Arc<Report>) -> Duration {
    let location = Location::parse(location, "the benchmark").expect("a location");
    let mut engine = store::open(&location, Access::Create).await.expect("a history");
    let began = Instant::now();
    engine.store(report, None).await.expect("the run is kept");
    began.elapsed()
}

/// The store step against `.import` of the same rows into the same tables with the same pragmas.
async fn against_import(folder: &Path) {
    // .import knows no null, so that no number may be one.
    let report = run(0, Some(20));
    let filled = folder.join("filled.db");
    keep(&filled.display().to_string(), &report).await;
    let tables = ["runs", "run_regions", "videos", "places", "counts", "presence"];
    for table in tables {
        sqlite3(&filled, &format!(".mode csv\n.output {}\nSELECT * FROM {table};\n", folder.join(table).display()));
    }
    let mut imports = String::from(".mode csv\nPRAGMA synchronous = FULL;\nPRAGMA cache_size = -8192;\nBEGIN;\n");
    for table in tables {
        let _ = writeln!(imports, ".import {} {table}", folder.join(table).display());
    }
    imports.push_str("COMMIT;\n");
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for repeat in 0..REPEATS {
        let file = folder.join(format!("ours-{repeat}.db"));
        ours.push(keep(&file.display().to_string(), &report).await);
        let file = folder.join(format!("theirs-{repeat}.db"));
        let location = Location::parse(&file.display().to_string(), "the benchmark").expect("a location");
        drop(store::open(&location, Access::Create).await.expect("a history"));
        let began = Instant::now();
        sqlite3(&file, &imports);
        theirs.push(began.elapsed());
    }
    compare("111 x 200 places: SQLite, against sqlite3 .import", ours, theirs);
}

fn sqlite3(file: &Path, script: &str) -> String {
    fed("sqlite3", Command::new("sqlite3").arg(file), script)
}

/// What a program prints that reads `script`.
fn fed(name: &str, command: &mut Command, script: &str) -> String {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect(name);
    child.stdin.take().expect("its input").write_all(script.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{name}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The store step against COPY of the same rows into the same tables.
async fn against_copy(folder: &Path, url: &str) {
    let report = run(0, None);
    let empty = "TRUNCATE run_regions, runs, videos, places, counts, presence";
    let tables = ["runs", "run_regions", "videos", "places", "counts", "presence"];
    keep(url, &report).await;
    for table in tables {
        psql(url, &format!("\\copy {table} TO '{}'", folder.join(table).display()));
    }
    let copies: String =
        tables.iter().map(|table| format!("\\copy {table} FROM '{}'\n", folder.join(table).display())).collect();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..REPEATS {
        psql(url, empty);
        ours.push(keep(url, &report).await);
        psql(url, empty);
        let began = Instant::now();
        psql(url, &format!("BEGIN;\n{copies}COMMIT;\n"));
        theirs.push(began.elapsed());
    }
    compare("111 x 200 places: PostgreSQL, against COPY", ours, theirs);
    psql(url, empty);
}

fn psql(url: &str, script: &str) {
    fed("psql", Command::new("psql").args(["-X", "-q", "-v", "ON_ERROR_STOP=1", url]), script);
}

/// 103 runs of 22,200 places: growth for each place, `changes` of one region, and `report` of all.
async fn thirty_days(folder: &Path) {
    let file = folder.join("thirty-days.db");
    let location = file.display().to_string();
    let (mut first, mut slowest) = (0, Duration::ZERO);
    for number in 0..RUNS_OF_30_DAYS {
        slowest = slowest.max(keep(&location, &run(number, None)).await);
        if number == 0 {
            first = fs::metadata(&file).expect("the file").len();
        }
    }
    let last = fs::metadata(&file).expect("the file").len();
    let places = u64::from(RUNS_OF_30_DAYS - 1) * 111 * u64::from(DEPTH);
    println!(
        "103 runs: {} MiB; slowest store step {} ms; bytes for each place after the first run: {:.1} in all",
        last >> 20,
        slowest.as_millis(),
        (last - first) as f64 / places as f64,
    );
    for (what, tables) in [
        ("of these, places and observations", "'places', 'counts'"),
        ("presence", "'presence', 'presence_of_video'"),
        ("facts of new videos", "'videos', 'sqlite_autoindex_videos_1'"),
    ] {
        let sql =
            format!("SELECT '  {what}', round(sum(pgsize) / {places}.0, 1) FROM dbstat WHERE name IN ({tables});");
        println!("{}", sqlite3(&file, &sql).trim_end());
    }
    let mut times: Vec<Duration> =
        (0..REPEATS).map(|_| time(&["changes", "--store", &location, "-r", "PL"]).0).collect();
    times.sort();
    println!("`changes -r PL` over them: median {} ms", times[REPEATS / 2].as_millis());
    let mut times: Vec<Duration> = (0..REPEATS).map(|_| time(&["changes", "--store", &location]).0).collect();
    times.sort();
    println!("`changes` of all regions over them: median {} ms", times[REPEATS / 2].as_millis());
    let page = folder.join("report.html");
    let arguments = ["report", "--store", &location, "-o", &page.display().to_string()];
    let (mut times, peaks): (Vec<Duration>, Vec<u64>) = (0..REPEATS).map(|_| time(&arguments)).unzip();
    times.sort();
    println!(
        "`report` of them: median {} ms, peak {} MiB, page of {} KB",
        times[REPEATS / 2].as_millis(),
        peaks.iter().max().map_or(0, |peak| peak >> 10),
        fs::metadata(&page).expect("the page").len() / 1000
    );
}

/// Seven regions with and without a history, on a server that answers at once; and the memory of the largest run.
fn added_to_a_run(folder: &Path) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || serve(stream));
        }
    });
    let location = folder.join("seven.db").display().to_string();
    let plain = ["-r", "US,GB,PL,NL,SE,NO,AT", "-q", "--json", "--base-url", &url];
    let kept = [&plain[..], &["--store", &location]].concat();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for _ in 0..21 {
        without.push(time(&plain).0);
        with.push(time(&kept).0);
    }
    compare("seven regions x 50, whole process: with a history, against without", with, without);
    let location = folder.join("all.db").display().to_string();
    let all = ["-r", "all", "-n", "200", "-c", "8", "-q", "--base-url", &url];
    println!(
        "all regions x 200: peak {} MiB without a history, {} MiB with",
        time(&all).1 >> 10,
        time(&[&all[..], &["--store", &location]].concat()).1 >> 10
    );
}

/// How long the program takes, and the most memory that it had, in KiB.
fn time(arguments: &[&str]) -> (Duration, u64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_trendfetch"))
        .args(arguments)
        .env("YOUTUBE_API_KEY", "benchmark")
        .stdout(Stdio::null())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    let status = format!("/proc/{}/status", child.id());
    loop {
        if let Some(ended) = child.try_wait().expect("it can be asked") {
            assert!(ended.success());
            return (began.elapsed(), peak);
        }
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
        peak = peak.max(line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0));
        thread::sleep(Duration::from_micros(500));
    }
}

fn compare(what: &str, mut ours: Vec<Duration>, mut theirs: Vec<Duration>) {
    ours.sort();
    theirs.sort();
    let median = |times: &[Duration]| times[times.len() / 2].as_secs_f64() * 1e3;
    let (ours, theirs) = (median(&ours), median(&theirs));
    println!("{what}: {ours:.1} ms, {theirs:.1} ms: {:.2} x, {:+.1} ms", ours / theirs, ours - theirs);
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
                    video.id, video.title, video.channel, video.counts.views.unwrap_or(0)
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
