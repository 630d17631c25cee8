//! Prepares any text for a terminal. The first byte is the length limit.

#![no_main]

#[allow(dead_code, reason = "each target uses some of the checks")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [limit, text @ ..] = input else { return };
    oracles::check_text(&String::from_utf8_lossy(text), usize::from(*limit));
});
