//! Reads any error response or page: two bytes of status, a line for `Retry-After`, a line for `Date`, then the body.

#![no_main]

#[allow(dead_code, reason = "each target uses some of the checks")]
#[path = "../oracles.rs"]
mod oracles;

use trendfetch::youtube::client::{Response, ResponseHead};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let [first, second, rest @ ..] = input else { return };
    let status = 100 + u16::from_be_bytes([*first, *second]) % 500;
    let mut lines = rest.splitn(3, |byte| *byte == b'\n');
    // An empty line means that the header is missing.
    let mut header =
        || lines.next().map(|line| String::from_utf8_lossy(line).into_owned()).filter(|line| !line.is_empty());
    let (retry_after, date) = (header(), header());
    let body = lines.next().unwrap_or_default();
    match status {
        200 => oracles::check_page(body),
        _ => oracles::check_error_response(&Response {
            head: ResponseHead { status, retry_after, date, ..ResponseHead::default() },
            body: body.to_vec(),
        }),
    }
});
