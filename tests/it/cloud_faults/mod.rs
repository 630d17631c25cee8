//! Object storage, against a small server of our own that speaks the protocol of S3 and fails on demand.

mod faults;
#[cfg(feature = "parquet")]
mod lake;
mod outputs;
mod parts;
mod read;
mod rescue;
mod settings;
mod store;

use crate::harness::{Outcome, Run, Server};
use store::ObjectStore;

/// A run of the program against a server and an object store.
fn run(server: &Server, store: &ObjectStore, arguments: &str) -> Run {
    store.provide(Run::on(server, arguments))
}

/// A subcommand.
fn command(store: &ObjectStore, arguments: &str) -> Run {
    store.provide(Run::new(&arguments.split_whitespace().collect::<Vec<_>>()))
}

/// The lines of standard error.
fn lines(outcome: &Outcome) -> Vec<&str> {
    outcome.stderr.lines().collect()
}
