//! Error responses whose body is broken. The status and the headers count, and the body as far as it arrived.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::Value;

use super::each_in_parallel;
use crate::harness::Run;
use crate::raw_server::Step::{self, Close, Drip, Reset, Say, Stall};
use crate::raw_server::{RawServer, gzip, response, wait_until};

const REGIONS: &str = "US,GB,DE,FR";
const CONCURRENCY: usize = 2;
const MILLI: Duration = Duration::from_millis(1);

/// An error response, and how the run ends.
#[derive(Clone, Copy)]
struct ErrorResponse {
    name: &'static str,
    line: &'static str,
    headers: &'static str,
    reason: &'static str,
    /// The kind and the exit status if the body can be read, and if it cannot.
    readable: (&'static str, i32),
    unreadable: (&'static str, i32),
    sends: Sends,
}

/// The requests that the server may receive.
#[derive(Clone, Copy)]
enum Sends {
    /// No more than may be in flight.
    InFlight,
    /// So many for each region.
    Each(usize),
    /// The first one gets the error response. No region sends for so long after it; then all succeed.
    HeldFor(Duration),
}
use Sends::{Each, HeldFor, InFlight};

fn error_responses() -> [ErrorResponse; 10] {
    let error = |name, line, headers, reason, readable, unreadable, sends| ErrorResponse {
        name,
        line,
        headers,
        reason,
        readable,
        unreadable,
        sends,
    };
    let all = |name, line, headers, reason, kind, sends| error(name, line, headers, reason, kind, kind, sends);
    let (rejected, spent) = (("key_rejected", 4), ("quota_exceeded", 4));
    let (forbidden, down, limited) = (("forbidden", 1), ("server_error", 1), ("", 0));
    let (unsupported, bad_response) = (("region_unsupported", 1), ("bad_response", 1));
    let hold = "retry-after: 1\r\n";
    [
        error("400 of a bad key", "400 X", "", "API_KEY_INVALID", rejected, ("bad_request", 1), InFlight),
        all("401", "401 X", "", "required", rejected, InFlight),
        error("403 of a spent quota", "403 X", "", "quotaExceeded", spent, forbidden, InFlight),
        all("403", "403 X", "", "forbidden", forbidden, InFlight),
        error("404", "404 X", "", "notFound", unsupported, bad_response, Each(1)),
        all("407", "407 X", "", "login", ("proxy", 1), InFlight),
        all("429 with Retry-After", "429 X", hold, "rateLimitExceeded", limited, HeldFor(Duration::from_secs(1))),
        all("429 without", "429 X", "", "forbidden", limited, HeldFor(500 * MILLI)),
        all("500", "500 X", "", "backendError", down, Each(2)),
        all("503", "503 X", "retry-after: 0\r\n", "backendError", down, Each(2)),
    ]
}

/// What is wrong with the body, whether it can still be read, and how it is sent.
#[derive(Clone, Copy)]
struct BrokenBody {
    name: &'static str,
    is_readable: bool,
    steps: fn(&ErrorResponse, &[u8]) -> Vec<Step>,
}

/// A head with this `Content-Length`, and a shorter body.
fn with_content_length(error: &ErrorResponse, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {}\r\n{}content-length: {length}\r\n\r\n", error.line, error.headers);
    [head.as_bytes(), body].concat()
}

fn with_gzip_header(error: &ErrorResponse, body: &[u8]) -> Vec<Step> {
    let headers = format!("{}content-encoding: gzip\r\n", error.headers);
    vec![Say(response(error.line, &headers, body))]
}

fn broken_bodies() -> [BrokenBody; 11] {
    let broken = |name, is_readable, steps| BrokenBody { name, is_readable, steps };
    [
        broken("cut in the body", true, |error, body| {
            vec![Say(with_content_length(error, body.len(), &body[..body.len() / 2])), Close]
        }),
        broken("cut at its beginning", false, |error, body| {
            vec![Say(with_content_length(error, body.len(), &body[..9])), Close]
        }),
        broken("stalled in the body", true, |error, body| {
            vec![Say(with_content_length(error, body.len(), &body[..body.len() / 2])), Stall]
        }),
        broken("with a length longer than the body", true, |error, body| {
            vec![Say(with_content_length(error, body.len() + 9, body)), Close]
        }),
        broken("reset in the body", true, |error, body| {
            // Gives the client time to read the body, which the reset would discard.
            vec![Say(with_content_length(error, body.len() + 9, body)), Drip(b" ".into(), 150 * MILLI), Reset]
        }),
        broken("with gzip that is not gzip", false, with_gzip_header),
        broken("with gzip truncated at its end", true, |error, body| {
            let body = gzip(body);
            with_gzip_header(error, &body[..body.len() - 6])
        }),
        broken("with gzip truncated at its beginning", false, |error, body| with_gzip_header(error, &gzip(body)[..12])),
        broken("over 8 MiB", true, |error, body| {
            vec![Say(response(error.line, error.headers, [body, &vec![b' '; 8 << 20]].concat()))]
        }),
        broken("with data after its JSON", true, |error, body| {
            vec![Say(response(error.line, error.headers, [body, b"</html>{}"].concat()))]
        }),
        broken("without a body", false, |error, _| vec![Say(response(error.line, error.headers, ""))]),
    ]
}

fn server(case: Arc<(ErrorResponse, BrokenBody)>) -> RawServer {
    let reason = case.0.reason;
    let body = format!(r#"{{"error":{{"errors":[{{"reason":"{reason}"}}],"message":"{}"}}}}"#, "no ".repeat(99));
    let request_count = AtomicUsize::new(0);
    RawServer::start(move |_, _| {
        let (error, broken) = &*case;
        match (error.sends, request_count.fetch_add(1, SeqCst)) {
            // In flight when the error response arrives, and until others are sent: after the hold, or too early.
            (HeldFor(_), 1) => {
                wait_until("others are sent", || request_count.load(SeqCst) > CONCURRENCY);
                None
            }
            (HeldFor(_), 2..) => None,
            _ => Some((broken.steps)(error, body.as_bytes())),
        }
    })
}

fn check((error, broken): &(ErrorResponse, BrokenBody), server: &RawServer) {
    let wait = if let HeldFor(hold) = error.sends { hold } else { MILLI };
    let arguments = format!("-r {REGIONS} -c {CONCURRENCY} --json -vv --retries 1 --backoff 1ms --timeout 20s");
    let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>());
    run.command.args(["--max-wait", &format!("{}ms", wait.as_millis()), "--base-url", &server.base_url]);
    let outcome = run.finish();

    let document = outcome.document();
    let errors: Vec<&Value> =
        document["stats"]["regions"].as_array().unwrap().iter().map(|row| &row["error"]).collect();
    let with_status = errors.iter().filter(|error| !error["status"].is_null());
    let kinds: HashSet<&str> = with_status.map(|error| error["kind"].as_str().unwrap()).collect();
    let (kind, exit) = if broken.is_readable { error.readable } else { error.unreadable };
    let expected = HashSet::from_iter(Some(kind).filter(|kind| !kind.is_empty()));
    assert_eq!((kinds, outcome.code), (expected, Some(exit)), "{}", outcome.stderr);

    let log = server.log();
    match error.sends {
        InFlight => assert!(log.len() <= CONCURRENCY, "{} requests", log.len()),
        Each(times) => assert_eq!(log.len(), times * errors.len()),
        HeldFor(hold) => {
            assert_eq!(log.len(), errors.len() + 1);
            for later in &log[CONCURRENCY..] {
                let after = later.at - log[0].at;
                assert!(after >= hold, "sent after {after:?}: {}", outcome.stderr);
            }
        }
    }
}

#[test]
fn an_error_response_counts_by_status_and_headers_however_its_body_ends() {
    let pairs = || error_responses().into_iter().flat_map(|error| broken_bodies().map(|broken| (error, broken)));
    let cases: Vec<_> = pairs().map(Arc::new).collect();
    each_in_parallel(
        16,
        &cases,
        |case| format!("{} {}", case.0.name, case.1.name),
        |case| check(case, &server(Arc::clone(case))),
    );
}
