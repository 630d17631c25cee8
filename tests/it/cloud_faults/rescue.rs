//! A run that the history does not take is saved beside its outputs if no folder can be written.

#![cfg(feature = "sqlite")]

use std::sync::Once;

use super::store::ObjectStore;
use super::{command, run};
use crate::databases::Store;
use crate::harness::{Answer, Server};
use crate::history::{allow, refuse};

/// Fails the commit of a run where no file can be created, and types the command that it prints.
fn rescue(output: &str, saved_below: &str) {
    let (history, store, broken) = (Store::sqlite(), ObjectStore::start(), Once::new());
    let url = history.url.clone();
    let breaks = Store { url: url.clone(), folder: tempfile::tempdir().unwrap() };
    // The history was fine when the run began.
    let server = Server::start(move |_| {
        broken.call_once(|| refuse(&breaks, "INSERT ON runs"));
        Answer::page(&["a"], None)
    });
    let mut run = run(&server, &store, &format!("-r US --store {url} -o {output}"));
    run.command.current_dir("/proc");
    let outcome = run.finish().exits(1);
    let key = store
        .keys()
        .into_iter()
        .find(|key| key.contains("trendfetch-"))
        .unwrap_or_else(|| panic!("{}", outcome.stderr));
    assert!(key.starts_with(&format!("{saved_below}trendfetch-")) && key.ends_with(".json"), "{key}");
    let (_, printed) =
        outcome.stderr.split_once("load it with: trendfetch ").unwrap_or_else(|| panic!("{}", outcome.stderr));
    let printed = printed.lines().next().unwrap().replace('\'', "");
    assert_eq!(printed, format!("load s3://charts/{key} --store {url}"));
    allow(&history);
    let loaded = command(&store, &printed).finish().exits(0);
    assert!(loaded.stdout.ends_with("is in the history now\n"), "{}", loaded.stdout);
}

#[test]
fn a_run_is_rescued_to_the_bucket_of_its_output() {
    rescue("s3://charts/site/latest.json", "site/");
    rescue("s3://charts/latest.csv", "");
}

#[cfg(feature = "parquet")]
#[test]
fn a_run_is_rescued_beside_the_lake_and_not_into_it() {
    rescue("s3://charts/data/lake/ -f parquet", "data/");
}
