//! Parses any text as a list of regions.

#![no_main]

#[allow(dead_code, reason = "each target uses some of the checks")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|argument: &str| oracles::check_regions(argument));
