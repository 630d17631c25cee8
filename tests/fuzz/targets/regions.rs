//! Any text as a list of regions.
#![no_main]

#[allow(dead_code)]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|text: &str| oracles::check_regions(text));
