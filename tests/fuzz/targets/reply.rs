//! Any status, headers and body: two bytes of status, then three lines: Retry-After, Date, the body.
#![no_main]

#[allow(dead_code)]
#[path = "../oracles.rs"]
mod oracles;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((status, rest)) = input.split_at_checked(2) else { return };
    let status = 100 + u16::from_be_bytes([status[0], status[1]]) % 500;
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    let mut header = || lines.next().map(|line| String::from_utf8_lossy(line).into_owned()).filter(|line| !line.is_empty());
    let (retry_after, date) = (header(), header());
    oracles::check_reply(status, retry_after, date, lines.next().unwrap_or_default());
});
