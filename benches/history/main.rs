//! Measures what it takes to store a run, compared with the databases' own import tools, and to read a history: with a
//! long log, and from a distant server.
//!
//! `cargo bench --bench history` measures SQLite. Set TRENDFETCH_BENCH_POSTGRES to the URL of an empty database to measure
//! PostgreSQL too: `TRENDFETCH_BENCH_POSTGRES=postgres://127.0.0.1/empty cargo bench --bench history`

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a benchmark prints its results and may panic"
)]

mod data;
#[path = "../../tests/it/far.rs"]
mod far;
mod growth;
mod import;
mod reading;
mod runs;
mod tools;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let postgres = std::env::var("TRENDFETCH_BENCH_POSTGRES").ok();
    runtime.block_on(import::against_import(folder));
    if let Some(url) = &postgres {
        runtime.block_on(import::against_copy(folder, url));
    }
    runtime.block_on(growth::thirty_days(folder));
    let api = runs::start_api();
    runs::compare_runs(folder, &api);
    reading::measure_sqlite(&growth::file(folder), &api);
    if let Some(url) = &postgres {
        runtime.block_on(reading::measure_postgres(url, &api));
    }
}
