//! Any text on its way to a terminal, behind one byte of limit.

#![no_main]

#[allow(dead_code, reason = "a target needs some of them")]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [limit, text @ ..] = input else { return };
    oracles::check_text(&String::from_utf8_lossy(text), usize::from(*limit));
});
