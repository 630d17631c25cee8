//! Stores thirty days of runs in SQLite, and measures the size and what reads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::data::{MAX_RESULTS, RUNS_OF_30_DAYS, run};
use super::tools::{REPEATS, run_program, sqlite3, store};

pub(super) fn file(folder: &Path) -> PathBuf {
    folder.join("thirty-days.db")
}

/// 103 runs of 22,200 entries: bytes per entry, `changes` of one region, and `report` of all.
pub(super) async fn thirty_days(folder: &Path) {
    let file = file(folder);
    let location = file.display().to_string();
    let (mut first_size, mut slowest) = (0, Duration::ZERO);
    for number in 0..RUNS_OF_30_DAYS {
        slowest = slowest.max(store(&location, &run(number, None)).await);
        if number == 0 {
            first_size = fs::metadata(&file).expect("the file").len();
        }
    }
    let size = fs::metadata(&file).expect("the file").len();
    let entries = u64::from(RUNS_OF_30_DAYS - 1) * 111 * u64::from(MAX_RESULTS);
    println!(
        "103 runs: {} MiB; slowest store step {} ms; bytes per entry after the first run: {:.1} in total",
        size >> 20,
        slowest.as_millis(),
        (size - first_size) as f64 / entries as f64,
    );
    for (what, tables) in [
        ("of which entries and counts", "'places', 'counts'"),
        ("presence", "'presence', 'presence_of_video'"),
        ("new videos", "'videos', 'sqlite_autoindex_videos_1'"),
    ] {
        let sql =
            format!("SELECT '  {what}', round(sum(pgsize) / {entries}.0, 1) FROM dbstat WHERE name IN ({tables});");
        println!("{}", sqlite3(&file, &sql).trim_end());
    }
    for regions in ["PL", "all"] {
        let arguments = ["changes", "--store", &location, "-r", regions];
        let mut times: Vec<Duration> = (0..REPEATS).map(|_| run_program(&arguments).0).collect();
        times.sort();
        println!("`changes -r {regions}` of them: median {} ms", times[REPEATS / 2].as_millis());
    }
    let page = folder.join("report.html");
    let arguments = ["report", "--store", &location, "-o", &page.display().to_string()];
    let (mut times, peaks): (Vec<Duration>, Vec<u64>) = (0..REPEATS).map(|_| run_program(&arguments)).unzip();
    times.sort();
    println!(
        "`report` of them: median {} ms, peak {} MiB, page of {} KB",
        times[REPEATS / 2].as_millis(),
        peaks.iter().max().map_or(0, |peak| peak >> 10),
        fs::metadata(&page).expect("the page").len() / 1000
    );
}
