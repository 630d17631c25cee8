//! Parses any bytes as the body of a page.

#![no_main]

#[allow(dead_code, reason = "each target uses some of the checks")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|body: &[u8]| oracles::check_page(body));
