//! Any text as a list of regions.

#![no_main]

#[allow(dead_code, reason = "a target needs some of them")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|typed: &str| oracles::check_regions(typed));
