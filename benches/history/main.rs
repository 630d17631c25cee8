//! What the history costs, against what the databases' own tools take for the same rows, in one run; and what is read
//! of it, with a long log and at a distance.
//!
//! `cargo bench --bench history`; with PostgreSQL too where TRENDFETCH_BENCH_POSTGRES names an empty
//! database: `TRENDFETCH_BENCH_POSTGRES=postgres://127.0.0.1/empty cargo bench --bench history`

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "a benchmark prints, and ends where it cannot go on"
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
    let api = runs::api();
    runs::added_to_a_run(folder, &api);
    reading::of_sqlite(&growth::file(folder), &api);
    if let Some(url) = &postgres {
        runtime.block_on(reading::of_postgres(url, &api));
    }
}
