//! Measures commands that read thirty days of runs of all regions: `changes`, `report`, and a run that compares itself
//! with earlier ones. The log keeps runs whose charts have been deleted; it has 1, 10 and 100 times thirty days.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use trendfetch::model::region::Region;
use url::Url;

use super::data::{RUNS_OF_30_DAYS, run};
use super::far::Far;
use super::tools::{REPEATS, psql, run_program, sqlite3, store};

const LOG_FACTORS: [u32; 3] = [1, 10, 100];

/// To a server on the same continent.
const ROUND_TRIP: Duration = Duration::from_millis(30);

pub(super) fn measure_sqlite(file: &Path, api: &str) {
    let location = file.display().to_string();
    for (previous, factor) in [0].into_iter().chain(LOG_FACTORS).zip(LOG_FACTORS) {
        sqlite3(file, &longer_log(previous, factor));
        measure(&format!("log x {factor}, SQLite"), &location, api, None);
    }
}

/// `location` is an empty database on this machine.
pub(super) async fn measure_postgres(location: &str, api: &str) {
    for number in 0..RUNS_OF_30_DAYS {
        store(location, &run(number, None)).await;
    }
    let mut far = Url::parse(location).expect("an address");
    let away = Far::away(far.port().unwrap_or(5432), ROUND_TRIP);
    far.set_host(Some("127.0.0.1")).expect("a host");
    far.set_port(Some(away.port)).expect("a port");
    for (previous, factor) in [0].into_iter().chain(LOG_FACTORS).zip(LOG_FACTORS) {
        psql(location, &format!("{}; ANALYZE", longer_log(previous, factor)));
        measure(&format!("log x {factor}, PostgreSQL"), location, api, None);
        measure(&format!("log x {factor}, PostgreSQL 30 ms away"), far.as_str(), api, Some(&away));
    }
    psql(location, "TRUNCATE runs, videos, region_results, places, counts, presence, left_old");
}

/// SQL that extends the log from `previous` times thirty days to `factor` times.
fn longer_log(previous: u32, factor: u32) -> String {
    let first: Timestamp = "2026-10-01T00:00:00Z".parse().expect("a time");
    let numbers = previous.max(1) * RUNS_OF_30_DAYS..factor * RUNS_OF_30_DAYS;
    if numbers.is_empty() {
        return String::new();
    }
    let mut sql = String::from(
        "BEGIN;
         INSERT INTO runs (id, fetched_at, source, max_results, status, raw, unique_videos, multi_region, skipped, requests,
                           retries, rate_limited, quota_units, elapsed_ms, held_ms, pruned) VALUES\n",
    );
    for number in numbers.clone() {
        let (at, comma) =
            (first - SignedDuration::from_hours(number.into()), if number == numbers.start { "" } else { "," });
        let _ = writeln!(
            sql,
            "{comma}('00000000-0000-4000-8000-{number:012}', '{at}', 'youtube', 50, 'ok', 1, 1, 0, 0, 1, 0, 0, 1, 1, 0, true)"
        );
    }
    let codes: Vec<String> = Region::all().map(|region| format!("('{region}')")).collect();
    let _ = write!(
        sql,
        ";
         WITH codes (code) AS (VALUES {})
         INSERT INTO region_results (run, region, status, videos, requests, retries, elapsed_ms, fetched_at)
         SELECT number, code, 'ok', 50, 1, 0, 1, fetched_at FROM runs, codes
         WHERE pruned AND fetched_at <= '{}' AND fetched_at > '{}';
         COMMIT",
        codes.join(", "),
        first - SignedDuration::from_hours(numbers.start.into()),
        first - SignedDuration::from_hours(numbers.end.into()),
    );
    sql
}

fn measure(what: &str, location: &str, api: &str, far: Option<&Far>) {
    let median = |arguments: &[&str]| {
        far.map(Far::turns);
        let mut times: Vec<Duration> = (0..REPEATS).map(|_| run_program(arguments).0).collect();
        times.sort();
        let turns = far.map(|far| format!(" ({} round trips)", far.turns() / REPEATS)).unwrap_or_default();
        format!("{} ms{turns}", times[REPEATS / 2].as_millis())
    };
    println!(
        "{what}: `changes` {}, `report` {}, a run of 111 x 50 with its comparison {}, the same without a history {}",
        median(&["changes", "-f", "json", "--store", location]),
        median(&["report", "-o", "-", "--store", location]),
        median(&["-r", "all", "-c", "8", "--keep", "999d", "--base-url", api, "--store", location]),
        median(&["-r", "all", "-c", "8", "--base-url", api]),
    );
}
