//! The history, the same on both engines.

use crate::databases::Store;
use crate::harness::{Run, Server};

/// The same tests on both engines.
macro_rules! on_both_engines {
    ($($test:ident)*) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(crate::databases::Store::sqlite()); })*
        }
        mod postgres {
            $(#[test] fn $test() { if let Some(store) = crate::databases::Store::postgres() { super::$test(store); } })*
        }
    };
}

on_both_engines! {
    a_run_is_rows
}

/// A run against `server` that is kept.
fn keep(store: &Store, server: &Server, arguments: &str) -> Run {
    let mut run = Run::on(server, arguments);
    run.command.args(["--store", &store.url]);
    run
}

fn a_run_is_rows(store: Store) {
    let server = Server::of_pages(&["a", "b"]);
    let document = keep(&store, &server, "-r US,PL --json").finish().exits(0).document();
    let run_id = document["run_id"].as_str().unwrap();
    assert_eq!(
        store.query("SELECT id, source, status, raw, unique_videos, requests FROM runs"),
        [format!("{run_id}|127.0.0.1|ok|4|4|2")]
    );
    assert_eq!(
        store.query("SELECT run_id, region, rank, video_id FROM chart_entries ORDER BY region, rank"),
        ["PL|1|PL-a", "PL|2|PL-b", "US|1|US-a", "US|2|US-b"].map(|row| format!("{run_id}|{row}"))
    );
}
