//! Any bytes as the body of a page.

#![no_main]

#[allow(dead_code, reason = "a target needs some of them")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|body: &[u8]| oracles::check_page(body));
