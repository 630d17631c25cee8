//! The one place where an error of the HTTP client becomes ours.

use std::error::Error;
use std::net::SocketAddr;

use hyper_util::client::legacy::connect::HttpInfo;

use super::proxy::Proxy;
use crate::model::error::{ErrorKind, Remedy};
use crate::support::sanitize::one_line;
use crate::support::tls;
use crate::youtube::failure::{AttemptFailure, Delivery};

/// Why there is no answer, or why it broke off. `is_reused`: an earlier answer came on the same connection. `proxy` is
/// what requests go through.
///
/// The client's own text prints the URL, so only the text of its cause is kept.
pub(super) fn fault(error: reqwest::Error, is_reused: bool, proxy: Option<&Proxy>) -> AttemptFailure {
    let error = error.without_url();
    let cause = root_cause(&error);
    // A stall while reading a body is a decode error too, so the timeout is looked at first.
    if error.is_timeout() {
        return AttemptFailure::new(
            ErrorKind::Timeout,
            "no whole answer in time; --timeout sets how long one attempt may take",
        );
    }
    if error.is_builder() {
        return AttemptFailure::new(ErrorKind::BadResponse, "the server's page token is too long for an address");
    }
    if error.is_connect() {
        return AttemptFailure { delivery: Delivery::NotSent, ..no_connection(&error, &cause, proxy) };
    }
    if let Some(tls) = find::<rustls::Error>(&error) {
        return tls_fault(tls, &cause);
    }
    if let Some(delivery) = not_taken(&error) {
        return AttemptFailure {
            delivery,
            ..AttemptFailure::new(ErrorKind::Connect, format!("the server did not take the request: {cause}"))
        };
    }
    let hyper = find::<hyper::Error>(&error);
    if hyper.is_some_and(hyper::Error::is_parse) {
        return AttemptFailure::new(ErrorKind::BadResponse, format!("the answer is not HTTP: {cause}"));
    }
    // A stream of HTTP/2 that is reset has an answer of its own.
    let is_reset = find::<h2::Error>(&error).is_some_and(h2::Error::is_reset);
    let delivery = if is_reused && !is_reset { Delivery::ClosedConnection } else { Delivery::Sent };
    if error.is_body() || error.is_decode() || hyper.is_some_and(hyper::Error::is_incomplete_message) {
        return AttemptFailure {
            delivery,
            ..AttemptFailure::new(ErrorKind::Truncated, format!("the answer broke off: {cause}"))
        };
    }
    AttemptFailure { delivery, ..AttemptFailure::new(ErrorKind::Connect, format!("the connection broke: {cause}")) }
}

fn no_connection(error: &reqwest::Error, cause: &str, proxy: Option<&Proxy>) -> AttemptFailure {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_fault(tls, cause);
    }
    let Some(proxy) = proxy else { return AttemptFailure::new(ErrorKind::Connect, format!("no connection: {cause}")) };
    let variable = proxy.variable;
    let (kind, message) = match refusal(error).as_deref() {
        Some(WANTS_LOGIN | NO_LOGIN_METHOD) if !proxy.has_login() => {
            (ErrorKind::ProxyLogin, format!("the proxy of {variable} wants a login (407)"))
        }
        Some(WANTS_LOGIN | NO_LOGIN_METHOD | WRONG_LOGIN) => {
            (ErrorKind::ProxyLogin, format!("the proxy does not accept the login in {variable} (407)"))
        }
        Some("unsuccessful") => (ErrorKind::Proxy, format!("the proxy of {variable} refuses to connect to the server")),
        Some("unexpected end of file" | "proxy response headers too long" | "failed parsing server response") => {
            (ErrorKind::Proxy, format!("what {variable} names does not answer as a proxy does ({cause})"))
        }
        Some(NOT_REACHED | "io error establishing tunnel" | "io error during SOCKS handshake") | None => {
            (ErrorKind::Connect, format!("no connection to the proxy of {variable}: {cause}"))
        }
        Some(why) => (ErrorKind::Proxy, format!("the proxy of {variable} refuses to connect to the server ({why})")),
    };
    let remedy =
        if kind == ErrorKind::ProxyLogin { Remedy::LogInToProxy(variable) } else { Remedy::CheckProxy(variable) };
    let mut failure = AttemptFailure::new(kind, message);
    failure.error.remedy = Some(remedy);
    failure
}

// What hyper-util says of a proxy; it does not export the types.
const WANTS_LOGIN: &str = "proxy authorization required";
const NO_LOGIN_METHOD: &str = "server does not support user/pass authentication";
const WRONG_LOGIN: &str = "credentials not accepted";
const NOT_REACHED: &str = "failed to create underlying connection";

/// Why a proxy has not led to the server, in hyper-util's words.
fn refusal(error: &reqwest::Error) -> Option<String> {
    causes(error).map(ToString::to_string).find_map(|text| {
        let words = text.strip_prefix("tunnel error: ").or_else(|| text.strip_prefix("SOCKS error: "))?;
        Some(one_line(words, 100))
    })
}

fn tls_fault(fault: &rustls::Error, cause: &str) -> AttemptFailure {
    match fault {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            AttemptFailure::new(ErrorKind::Certificate, tls::explain(fault))
        }
        _ => AttemptFailure::new(ErrorKind::Tls, format!("no secure connection: {cause}")),
    }
}

/// What the protocol says of a request that the server did not take (RFC 9113 §8.7), or that was never written.
fn not_taken(error: &reqwest::Error) -> Option<Delivery> {
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled) {
        return Some(Delivery::NotProcessed);
    }
    let http2 = find::<h2::Error>(error).filter(|error| error.is_remote())?;
    match http2.reason()? {
        h2::Reason::REFUSED_STREAM if http2.is_reset() => Some(Delivery::NotProcessed),
        // Orderly: what was sent up to the stream that it names is still answered.
        h2::Reason::NO_ERROR if http2.is_go_away() => Some(Delivery::NotProcessed),
        // h2 does not tell whether the stream was one of those.
        _ if http2.is_go_away() => Some(Delivery::ClosedConnection),
        _ => None,
    }
}

/// A connection on which an attempt failed.
pub(super) struct Connection {
    pub(super) local: SocketAddr,
    pub(super) is_http2: bool,
}

/// The connection on which an attempt failed, where there was one.
pub(super) fn connection(error: &reqwest::Error) -> Option<Connection> {
    let info = find::<hyper_util::client::legacy::Error>(error)?.connect_info()?;
    let mut extras = http::Extensions::new();
    info.get_extras(&mut extras);
    Some(Connection { local: extras.get::<HttpInfo>()?.local_addr(), is_http2: info.is_negotiated_h2() })
}

/// The first cause of this type.
fn find<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref::<E>())
}

/// What lies at the bottom of an error, on one line.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let text = causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string());
    // Some texts of rustls end in the address of their manual.
    let text = text.split(": https://docs.rs").next().unwrap_or_default();
    one_line(text, 200)
}

/// What lies below an error, outermost first. An I/O error that wraps another error gives as its
/// `source` the source of what it wraps, so what it wraps is asked for: TLS faults come wrapped twice.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    fn below<'a>(cause: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let cause = *cause;
        match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        }
    }
    std::iter::successors(error.source(), below)
}
