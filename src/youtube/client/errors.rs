//! Turns an error of reqwest into an [`AttemptFailure`]. Nothing else reads these errors.

use std::error::Error;
use std::net::SocketAddr;

use hyper_util::client::legacy::connect::HttpInfo;

use super::proxy::Proxy;
use crate::model::error::{ErrorKind, Remedy};
use crate::support::sanitize::one_line;
use crate::support::tls;
use crate::youtube::failure::{AttemptFailure, Delivery};

/// Classifies why there is no response, or why it ended early. `is_reused` is whether an earlier response arrived on
/// the same connection.
///
/// reqwest's own text contains the URL, so only the text of the root cause is used.
pub(crate) fn to_failure(error: reqwest::Error, is_reused: bool, proxy: Option<&Proxy>) -> AttemptFailure {
    let error = error.without_url();
    let cause = root_cause(&error);
    // A timeout while reading a body is a decode error too, so this comes first.
    if error.is_timeout() {
        return AttemptFailure::new(
            ErrorKind::Timeout,
            "no complete response in time; --timeout sets how long one attempt may take",
        );
    }
    if error.is_builder() {
        return AttemptFailure::new(ErrorKind::BadResponse, "the server's page token is too long for a URL");
    }
    if error.is_connect() {
        return AttemptFailure { delivery: Delivery::NotSent, ..connect_failure(&error, &cause, proxy) };
    }
    if let Some(tls) = find::<rustls::Error>(&error) {
        return tls_failure(tls, &cause);
    }
    if let Some(delivery) = unprocessed_delivery(&error) {
        return AttemptFailure {
            delivery,
            ..AttemptFailure::new(ErrorKind::Connect, format!("the server did not accept the request: {cause}"))
        };
    }
    let hyper = find::<hyper::Error>(&error);
    if hyper.is_some_and(hyper::Error::is_parse) {
        return AttemptFailure::new(ErrorKind::BadResponse, format!("the response is not HTTP: {cause}"));
    }
    // The reset of an HTTP/2 stream is itself a response to the request.
    let is_reset = find::<h2::Error>(&error).is_some_and(h2::Error::is_reset);
    let delivery = if is_reused && !is_reset { Delivery::ClosedConnection } else { Delivery::Sent };
    if error.is_body() || error.is_decode() || hyper.is_some_and(hyper::Error::is_incomplete_message) {
        return AttemptFailure {
            delivery,
            ..AttemptFailure::new(ErrorKind::Truncated, format!("the response ended early: {cause}"))
        };
    }
    AttemptFailure { delivery, ..AttemptFailure::new(ErrorKind::Connect, format!("the connection broke: {cause}")) }
}

fn connect_failure(error: &reqwest::Error, cause: &str, proxy: Option<&Proxy>) -> AttemptFailure {
    if let Some(tls) = find::<rustls::Error>(error) {
        return tls_failure(tls, cause);
    }
    let Some(proxy) = proxy else { return AttemptFailure::new(ErrorKind::Connect, format!("no connection: {cause}")) };
    let variable = proxy.variable;
    let (kind, message) = match proxy_error(error).as_deref() {
        Some(WANTS_LOGIN | NO_LOGIN_METHOD) if !proxy.has_login() => {
            (ErrorKind::ProxyLogin, format!("the proxy of {variable} requires a login (407)"))
        }
        Some(WANTS_LOGIN | NO_LOGIN_METHOD | WRONG_LOGIN) => {
            (ErrorKind::ProxyLogin, format!("the proxy does not accept the login in {variable} (407)"))
        }
        Some("unsuccessful") => (ErrorKind::Proxy, format!("the proxy of {variable} refuses to connect to the server")),
        Some("unexpected end of file" | "proxy response headers too long" | "failed parsing server response") => {
            (ErrorKind::Proxy, format!("the address in {variable} does not respond like a proxy ({cause})"))
        }
        Some(NOT_REACHED | "io error establishing tunnel" | "io error during SOCKS handshake") | None => {
            (ErrorKind::Connect, format!("no connection to the proxy of {variable}: {cause}"))
        }
        Some(why) => (ErrorKind::Proxy, format!("the proxy of {variable} refuses to connect to the server ({why})")),
    };
    let remedy =
        if kind == ErrorKind::ProxyLogin { Remedy::LogInToProxy(variable) } else { Remedy::CheckProxy(variable) };
    let mut failure = AttemptFailure::new(kind, message);
    failure.remedy = Some(remedy);
    failure
}

// hyper-util's texts for errors of a proxy. It does not export the types.
const WANTS_LOGIN: &str = "proxy authorization required";
const NO_LOGIN_METHOD: &str = "server does not support user/pass authentication";
const WRONG_LOGIN: &str = "credentials not accepted";
const NOT_REACHED: &str = "failed to create underlying connection";

/// hyper-util's text for why the proxy did not connect to the server.
fn proxy_error(error: &reqwest::Error) -> Option<String> {
    causes(error).map(ToString::to_string).find_map(|text| {
        let reason = text.strip_prefix("tunnel error: ").or_else(|| text.strip_prefix("SOCKS error: "))?;
        Some(one_line(reason, 100))
    })
}

fn tls_failure(error: &rustls::Error, cause: &str) -> AttemptFailure {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            AttemptFailure::new(ErrorKind::Certificate, tls::explain(error))
        }
        _ => AttemptFailure::new(ErrorKind::Tls, format!("no secure connection: {cause}")),
    }
}

/// How far a request got that was never written, or that the server did not process according to HTTP/2 (RFC 9113
/// §8.7). `None` for other errors.
fn unprocessed_delivery(error: &reqwest::Error) -> Option<Delivery> {
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_canceled) {
        return Some(Delivery::NotProcessed);
    }
    let http2 = find::<h2::Error>(error).filter(|error| error.is_remote())?;
    match http2.reason()? {
        h2::Reason::REFUSED_STREAM if http2.is_reset() => Some(Delivery::NotProcessed),
        // A graceful shutdown: streams up to the one that it names still get their responses.
        h2::Reason::NO_ERROR if http2.is_go_away() => Some(Delivery::NotProcessed),
        // h2 does not report whether this stream was processed.
        _ if http2.is_go_away() => Some(Delivery::ClosedConnection),
        _ => None,
    }
}

pub(super) struct Connection {
    pub(super) local: SocketAddr,
    pub(super) is_http2: bool,
}

/// The connection on which an attempt failed, if there was one.
pub(super) fn connection(error: &reqwest::Error) -> Option<Connection> {
    let info = find::<hyper_util::client::legacy::Error>(error)?.connect_info()?;
    // hyper offers extensions only as part of a message.
    let mut extras = hyper::Response::new(());
    info.get_extras(extras.extensions_mut());
    Some(Connection { local: extras.extensions().get::<HttpInfo>()?.local_addr(), is_http2: info.is_negotiated_h2() })
}

/// The first cause of this type.
fn find<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref::<E>())
}

/// The text of the innermost cause, on one line.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let text = causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string());
    // Some texts of rustls end in a URL of its documentation.
    let text = text.split(": https://docs.rs").next().unwrap_or_default();
    one_line(text, 200)
}

/// The causes of an error, outermost first. The `source` of an I/O error skips the error that it wraps, so `get_ref` is
/// used there: TLS errors are wrapped twice.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    fn next_cause<'a>(cause: &&'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
        let cause = *cause;
        match cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        }
    }
    std::iter::successors(error.source(), next_cause)
}
