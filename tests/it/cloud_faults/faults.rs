//! What a store answers, and what the program does then.

use super::run;
use super::store::{Fault, ObjectStore, Operation};
use crate::harness::Server;

#[test]
fn a_bucket_that_cannot_be_written_is_found_before_anything_is_fetched() {
    let server = Server::of_pages(&["a"]);
    let error = |status, code| Fault::Error(status, None, code);
    for (fault, says) in [
        (
            error(403, "AccessDenied"),
            "the credentials do not allow that (403 AccessDenied); grant them the right to it",
        ),
        (
            error(404, "NoSuchBucket"),
            "there is no bucket charts at 127.0.0.1 (404 NoSuchBucket); create it, or correct",
        ),
        (
            error(403, "InvalidAccessKeyId"),
            "its credentials are not accepted (403 InvalidAccessKeyId); correct AWS_ACCESS",
        ),
        (error(403, "SignatureDoesNotMatch"), "its credentials are not accepted"),
        (error(401, "Unauthorized"), "its credentials are not accepted"),
        (error(400, "ExpiredToken"), "the credentials have expired (400 ExpiredToken); get new ones"),
        (error(403, "ExpiredToken"), "the credentials have expired"),
        (error(403, "RequestTimeTooSkewed"), "this machine's clock is wrong (403 RequestTimeTooSkewed); set it"),
        (
            Fault::Error(301, Some(("x-amz-bucket-region", "eu-central-1")), "PermanentRedirect"),
            "the bucket is in the region eu-central-1 (301 PermanentRedirect); set AWS_REGION=eu-central-1",
        ),
        (
            Fault::Error(400, Some(("x-amz-bucket-region", "eu-west-1")), "AuthorizationHeaderMalformed"),
            "the bucket is in the region eu-west-1 (400 AuthorizationHeaderMalformed); set AWS_REGION=eu-west-1",
        ),
        (
            Fault::Error(307, Some(("location", "http://127.0.0.1:1/elsewhere")), "TemporaryRedirect"),
            "the bucket is elsewhere (307 TemporaryRedirect)",
        ),
        (error(507, "XMinioStorageFull"), "the store is full"),
        (error(400, "Unheard"), "the store refuses it (400 Unheard: About Unheard.)"),
    ] {
        let scripted = fault.clone();
        let store = ObjectStore::with_faults(move |_| Some(scripted.clone()));
        let outcome = run(&server, &store, "-r US -o s3://charts/x.json").finish().exits(1);
        assert!(
            outcome.stderr.contains(&format!("cannot write s3://charts/x.json: {says}")),
            "{says}: {}",
            outcome.stderr
        );
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        assert_eq!((store.operations(), server.log().len()), (vec![Operation::Begin], 0), "{fault:?}");
    }
}

#[test]
fn a_passing_fault_is_waited_out() {
    let server = Server::of_pages(&["a"]);
    for fault in [
        Fault::Error(503, None, "SlowDown"),
        Fault::Error(500, None, "InternalError"),
        Fault::Error(429, None, "TooManyRequests"),
        Fault::Error(400, None, "RequestTimeout"),
        Fault::Reset,
        Fault::Cut,
        Fault::Lost,
        Fault::Stall,
    ] {
        let scripted = fault.clone();
        let store = ObjectStore::with_faults(move |request| {
            (request.operation == Operation::Put && request.nth < 2).then(|| scripted.clone())
        });
        let arguments = "-r US -o s3://charts/x.json --backoff 10ms --timeout 1s";
        let outcome = run(&server, &store, arguments).finish().exits(0);
        assert_eq!(store.count(Operation::Put), 3, "{fault:?}");
        assert!(store.text("x.json").contains("Title of US-a"));
        assert!(outcome.stderr.is_empty(), "{fault:?}: {}", outcome.stderr);
    }
}

#[test]
fn patience_ends_with_the_retries() {
    let server = Server::of_pages(&["a"]);
    for (fault, says) in [
        (Fault::Error(503, None, "SlowDown"), "the store asks for fewer requests (503 SlowDown); try again later"),
        (Fault::Error(500, None, "InternalError"), "the store has a fault (500 InternalError); try again later"),
        (Fault::Stall, "it did not answer in time; try again, or raise --timeout"),
        (Fault::Reset, "check the endpoint and the network"),
    ] {
        let scripted = fault.clone();
        let store =
            ObjectStore::with_faults(move |request| (request.operation == Operation::Put).then(|| scripted.clone()));
        store.put("x.json", "old");
        let arguments = "-r US -o s3://charts/x.json -o local.json --retries 2 --backoff 10ms --timeout 500ms";
        let outcome = run(&server, &store, arguments).finish().exits(1);
        assert!(outcome.stderr.contains("cannot write s3://charts/x.json: "), "{}", outcome.stderr);
        assert!(outcome.stderr.contains(says), "{fault:?}: {}", outcome.stderr);
        assert_eq!((store.count(Operation::Put), store.text("x.json")), (3, "old".to_owned()), "{fault:?}");
        assert!(outcome.read("local.json").contains("Title of US-a"));
    }
}

#[test]
fn those_who_may_not_abandon_may_write() {
    let server = Server::of_pages(&["a"]);
    let store = ObjectStore::with_faults(|request| {
        (request.operation == Operation::Abandon).then_some(Fault::Error(403, None, "AccessDenied"))
    });
    let outcome = run(&server, &store, "-r US -o s3://charts/x.json").finish().exits(0);
    assert!(outcome.stderr.is_empty() && store.keys() == ["x.json"], "{}", outcome.stderr);
}

#[test]
fn an_endpoint_that_nobody_serves_is_named() {
    let (server, mut store) = (Server::of_pages(&["a"]), ObjectStore::start());
    store.endpoint = "http://127.0.0.1:1".into();
    let outcome = run(&server, &store, "-r US -o s3://charts/x.json --retries 0").finish().exits(1);
    assert!(
        outcome.stderr.contains("no connection: ") && outcome.stderr.contains("check the endpoint"),
        "{}",
        outcome.stderr
    );
    assert!(server.log().is_empty());
}
