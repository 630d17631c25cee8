//! Refusals whose body is broken: what counts is the status and the headers, and the body as far as it came.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::Value;

use super::each_in_parallel;
use crate::harness::Run;
use crate::raw_server::Step::{self, Close, Drip, Reset, Say, Stall};
use crate::raw_server::{Bytes, answer, gzip, wait_until};

const REGIONS: &str = "US,GB,DE,FR";
const CONCURRENCY: usize = 2;
const MILLI: Duration = Duration::from_millis(1);

/// What is refused, and how that ends.
#[derive(Clone, Copy)]
struct Refusal {
    name: &'static str,
    line: &'static str,
    headers: &'static str,
    reason: &'static str,
    /// The kind and the exit status where the body can be read, and where it cannot.
    read: (&'static str, i32),
    unread: (&'static str, i32),
    sends: Sends,
}

#[derive(Clone, Copy)]
enum Sends {
    /// No more than may be in flight.
    InFlight,
    /// So many for each region.
    Each(usize),
    /// The first one is refused; nobody sends for so long after it, and then all regions are answered.
    HeldFor(Duration),
}
use Sends::{Each, HeldFor, InFlight};

fn refusals() -> [Refusal; 10] {
    let refusal =
        |name, line, headers, reason, read, unread, sends| Refusal { name, line, headers, reason, read, unread, sends };
    let all = |name, line, headers, reason, kind, sends| refusal(name, line, headers, reason, kind, kind, sends);
    let (rejected, spent) = (("key_rejected", 4), ("quota_exceeded", 4));
    let (forbidden, down, limited) = (("forbidden", 1), ("server_error", 1), ("", 0));
    let (unsupported, odd) = (("region_unsupported", 1), ("bad_response", 1));
    let hold = "retry-after: 1\r\n";
    [
        refusal("400 of a bad key", "400 X", "", "API_KEY_INVALID", rejected, ("bad_request", 1), InFlight),
        all("401", "401 X", "", "required", rejected, InFlight),
        refusal("403 of a spent quota", "403 X", "", "quotaExceeded", spent, forbidden, InFlight),
        all("403", "403 X", "", "forbidden", forbidden, InFlight),
        refusal("404", "404 X", "", "notFound", unsupported, odd, Each(1)),
        all("407", "407 X", "", "login", ("proxy", 1), InFlight),
        all("429 with Retry-After", "429 X", hold, "rateLimitExceeded", limited, HeldFor(Duration::from_secs(1))),
        all("429 without", "429 X", "", "forbidden", limited, HeldFor(500 * MILLI)),
        all("500", "500 X", "", "backendError", down, Each(2)),
        all("503", "503 X", "retry-after: 0\r\n", "backendError", down, Each(2)),
    ]
}

/// What is wrong with the body, whether it can be read all the same, and how it is sent.
#[derive(Clone, Copy)]
struct Break {
    name: &'static str,
    is_readable: bool,
    steps: fn(&Refusal, &[u8]) -> Vec<Step>,
}

/// A head that promises so many bytes, and the beginning of the body.
fn promising(refusal: &Refusal, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {}\r\n{}content-length: {length}\r\n\r\n", refusal.line, refusal.headers);
    [head.as_bytes(), body].concat()
}

fn packed(refusal: &Refusal, body: &[u8]) -> Vec<Step> {
    let headers = format!("{}content-encoding: gzip\r\n", refusal.headers);
    vec![Say(answer(refusal.line, &headers, body))]
}

fn breaks() -> [Break; 11] {
    let broken = |name, is_readable, steps| Break { name, is_readable, steps };
    [
        broken("cut in the body", true, |refusal, body| {
            vec![Say(promising(refusal, body.len(), &body[..body.len() / 2])), Close]
        }),
        broken("cut at its beginning", false, |refusal, body| {
            vec![Say(promising(refusal, body.len(), &body[..9])), Close]
        }),
        broken("stalled in the body", true, |refusal, body| {
            vec![Say(promising(refusal, body.len(), &body[..body.len() / 2])), Stall]
        }),
        broken("with a length longer than the body", true, |refusal, body| {
            vec![Say(promising(refusal, body.len() + 9, body)), Close]
        }),
        broken("reset in the body", true, |refusal, body| {
            // Time for the client to read it before the reset takes it away.
            vec![Say(promising(refusal, body.len() + 9, body)), Drip(b" ".into(), 150 * MILLI), Reset]
        }),
        broken("with gzip that is none", false, packed),
        broken("with gzip that is cut at its end", true, |refusal, body| {
            let body = gzip(body);
            packed(refusal, &body[..body.len() - 6])
        }),
        broken("with gzip that is cut at its beginning", false, |refusal, body| packed(refusal, &gzip(body)[..12])),
        broken("over 8 MiB", true, |refusal, body| {
            vec![Say(answer(refusal.line, refusal.headers, [body, &vec![b' '; 8 << 20]].concat()))]
        }),
        broken("with rubbish after its JSON", true, |refusal, body| {
            vec![Say(answer(refusal.line, refusal.headers, [body, b"</html>{}"].concat()))]
        }),
        broken("without a body", false, |refusal, _| vec![Say(answer(refusal.line, refusal.headers, ""))]),
    ]
}

fn server(case: Arc<(Refusal, Break)>) -> Bytes {
    let reason = case.0.reason;
    let body = format!(r#"{{"error":{{"errors":[{{"reason":"{reason}"}}],"message":"{}"}}}}"#, "no ".repeat(99));
    let asked_before = AtomicUsize::new(0);
    Bytes::start(move |_, _| {
        let (refusal, broken) = &*case;
        match (refusal.sends, asked_before.fetch_add(1, SeqCst)) {
            // Under way when the refusal comes, and until others are sent: after the hold, or too early.
            (HeldFor(_), 1) => {
                wait_until("others are sent", || asked_before.load(SeqCst) > CONCURRENCY);
                None
            }
            (HeldFor(_), 2..) => None,
            _ => Some((broken.steps)(refusal, body.as_bytes())),
        }
    })
}

fn check((refusal, broken): &(Refusal, Break), server: &Bytes) {
    let wait = if let HeldFor(hold) = refusal.sends { hold } else { MILLI };
    let arguments = format!("-r {REGIONS} -c {CONCURRENCY} --json -vv --retries 1 --backoff 1ms --timeout 20s");
    let mut run = Run::new(&arguments.split(' ').collect::<Vec<_>>());
    run.command.args(["--max-wait", &format!("{}ms", wait.as_millis()), "--base-url", &server.base_url]);
    let outcome = run.finish();

    let document = outcome.document();
    let errors: Vec<&Value> =
        document["stats"]["regions"].as_array().unwrap().iter().map(|row| &row["error"]).collect();
    let refused = errors.iter().filter(|error| !error["status"].is_null());
    let kinds: HashSet<&str> = refused.map(|error| error["kind"].as_str().unwrap()).collect();
    let (kind, exit) = if broken.is_readable { refusal.read } else { refusal.unread };
    let expected = HashSet::from_iter(Some(kind).filter(|kind| !kind.is_empty()));
    assert_eq!((kinds, outcome.code), (expected, Some(exit)), "{}", outcome.stderr);

    let log = server.log();
    match refusal.sends {
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
fn a_refusal_counts_by_status_and_headers_whatever_becomes_of_its_body() {
    let pairs = || refusals().into_iter().flat_map(|refusal| breaks().map(|broken| (refusal, broken)));
    let cases: Vec<_> = pairs().map(Arc::new).collect();
    each_in_parallel(
        16,
        &cases,
        |case| format!("{} {}", case.0.name, case.1.name),
        |case| check(case, &server(Arc::clone(case))),
    );
}
