//! Thirty days of runs in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::data::{DEPTH, RUNS_OF_30_DAYS, run};
use super::tools::{REPEATS, keep, sqlite3, time};

/// Where they are.
pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("thirty-days.db")
}

/// 103 runs of 22,200 places: growth for each place, `changes` of one region, and `report` of all.
pub(super) async fn thirty_days(folder: &Path) {
    let file = file(folder);
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
    for regions in ["PL", "all"] {
        let arguments = ["changes", "--store", &location, "-r", regions];
        let mut times: Vec<Duration> = (0..REPEATS).map(|_| time(&arguments).0).collect();
        times.sort();
        println!("`changes -r {regions}` over them: median {} ms", times[REPEATS / 2].as_millis());
    }
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
