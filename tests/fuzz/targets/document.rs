//! Parses any bytes as a saved document.

#![no_main]

#[allow(dead_code, reason = "each target uses some of the checks")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracles::check_document(bytes));
