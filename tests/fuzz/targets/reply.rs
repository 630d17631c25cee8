//! Any status, headers and body: two bytes of status, a line of `Retry-After`, a line of `Date`, the body.

#![no_main]

#[allow(dead_code, reason = "a target needs some of them")]
#[path = "../oracles.rs"]
mod oracles;

use trendfetch::youtube::client::{ResponseHead, Response};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [first, second, rest @ ..] = input else { return };
    let status = 100 + u16::from_be_bytes([*first, *second]) % 500;
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    // A line that is empty stands for a header that is not there.
    let mut header =
        || lines.next().map(|line| String::from_utf8_lossy(line).into_owned()).filter(|line| !line.is_empty());
    let (retry_after, date) = (header(), header());
    let body = lines.next().unwrap_or_default();
    match status {
        200 => oracles::check_page(body),
        _ => oracles::check_refusal(&Response { head: ResponseHead { status, retry_after, date, ..ResponseHead::default() }, body: body.to_vec() }),
    }
});
