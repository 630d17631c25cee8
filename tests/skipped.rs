//! The last program that `cargo test` runs. It repeats which tests were skipped, where people look first: the test harness
//! has no way to report a test as skipped that finds out at run time that something is missing.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "it prints, and shares a file with the tests"
)]

#[path = "it/skipped.rs"]
#[allow(dead_code, reason = "tests write the list, and this reads it")]
mod skipped;

fn main() {
    // Other runners, such as cargo-nextest, ask for a list of tests first. It is empty.
    if std::env::args().any(|argument| argument == "--list") {
        return;
    }
    let skipped = skipped::take();
    if skipped.is_empty() {
        println!("\nSKIPPED: nothing\n");
    } else {
        println!("\nSKIPPED, since something is missing here:\n  {}\n", skipped.join("\n  "));
    }
}
