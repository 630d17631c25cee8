//! Integration tests: the real binary against real sockets, and `fetch` under paused time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    unreachable_pub,
    reason = "tests fail by panicking, print what they measured, and are not a library"
)]

mod categories;
mod cli;
#[cfg(feature = "cloud")]
mod cloud;
#[cfg(feature = "cloud")]
mod cloud_faults;
mod command_options;
mod completions;
mod connections;
mod crash_safety;
mod databases;
mod dotenv;
mod endurance;
mod entries;
mod far;
mod faults;
mod fetch;
mod file_names;
mod files;
mod github_actions;
mod harness;
mod history;
mod logs;
mod metrics;
mod network;
mod output;
mod packaging;
mod pages;
mod parquet;
mod postgres;
mod processes;
mod properties;
mod proxies;
mod raw_server;
mod scheduling;
mod schemas;
mod screen;
mod secrets;
#[allow(dead_code, reason = "tests/skipped.rs reads the list that tests write")]
mod skipped;
mod streams;
mod terminal;
mod tls;
mod tools;
#[cfg(feature = "report")]
mod webdriver;
