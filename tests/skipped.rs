//! The last program that `cargo test` runs: it repeats what the tests before it left out, where a person looks first.
//! The test harness has no word for a test that finds out only as it runs that something is missing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "it prints, and shares a file with tests"
)]

#[path = "it/skipped.rs"]
#[allow(dead_code, reason = "tests write the list, and this reads it")]
mod skipped;

fn main() {
    // Other runners, such as cargo-nextest, ask for a list of tests first. There is none.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let skipped = skipped::take();
    if skipped.is_empty() {
        println!("\nLEFT OUT: nothing\n");
    } else {
        println!("\nLEFT OUT, since something is missing here:\n  {}\n", skipped.join("\n  "));
    }
}
