//! The network as a capability: this file and `resolver` alone name reqwest.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::failure::Failure;
use super::resolver::SystemResolver;
use crate::error::Kind;
use crate::secret::ApiKey;

/// The largest body that is read, after decompression: 8 MiB. A page of 50 whole items has about 350 KB.
pub const MAX_BODY: usize = 8 << 20;

/// A page of 50 items, unpacked: 56 and 63 KB in two captured ones, cut down to the fields that are asked for.
const TYPICAL_BODY: usize = 64 << 10;

/// One answer, whatever its status.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The `Retry-After` header as it came.
    pub retry_after: Option<String>,
    /// The server's own `Date`, by which a date in `Retry-After` is read.
    pub date: Option<String>,
    /// Unpacked, at most [`MAX_BODY`] bytes.
    pub body: Vec<u8>,
}

/// Sends one request and reads its answer to the last byte. No retries, no redirects.
pub trait Transport: Send + Sync + 'static {
    /// # Errors
    /// A [`Failure`] of a kind that belongs to the way and not to the answer: `connect`, `tls`,
    /// `timeout`, `truncated`, `too_large`.
    fn get(&self, query: &[(&'static str, String)]) -> impl Future<Output = Result<Reply, Failure>> + Send;

    /// Takes out of a text what must not be shown: what this transport sends as a secret.
    fn conceal(&self, text: &str) -> String {
        text.to_owned()
    }
}

/// HTTP over reqwest: one client, and so one pool of connections, for the run.
#[derive(Debug)]
pub struct Http {
    client: reqwest::Client,
    videos: Url,
    key: ApiKey,
}

impl Http {
    /// A client for `{base_url}/videos`. `timeout` covers one attempt from connect to last byte.
    ///
    /// For a plain `http:` address, which can only be loopback, neither the platform's certificates
    /// (11 to 75 ms to read) nor a proxy are asked.
    ///
    /// # Errors
    /// When the platform's certificates or the proxy settings of the environment cannot be used.
    pub fn new(base_url: &Url, key: &ApiKey, timeout: Duration) -> Result<Http, String> {
        // A provider that is set already is the same one: nobody else in this process sets it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut key_header =
            HeaderValue::from_str(key.expose()).map_err(|_| "the key cannot be a header".to_owned())?;
        key_header.set_sensitive(true);
        let mut client = reqwest::Client::builder()
            // Google compresses only for an agent that contains "gzip" (Google APIs, "Performance tips").
            .user_agent(concat!("trendfetch/", env!("CARGO_PKG_VERSION"), " (gzip)"))
            .default_headers(HeaderMap::from_iter([(HeaderName::from_static("x-goog-api-key"), key_header)]))
            .timeout(timeout)
            // The default policy would carry the key's header to another host.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Every send is counted, so every send is ours.
            .retry(reqwest::retry::never())
            .dns_resolver(SystemResolver)
            // Longer than the default --max-wait, so that a hold does not cost a new connection, and shorter
            // than the minutes after which a NAT forgets it.
            .pool_idle_timeout(Duration::from_secs(90));
        if base_url.scheme() == "http" {
            client = client.tls_certs_only([]);
        }
        if is_loopback(base_url) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| root_cause(&error))?;
        let mut videos = base_url.clone();
        videos.set_path(&format!("{}/videos", base_url.path().trim_end_matches('/')));
        Ok(Http { client, videos, key: key.clone() })
    }
}

impl Transport for Http {
    async fn get(&self, query: &[(&'static str, String)]) -> Result<Reply, Failure> {
        let mut url = self.videos.clone();
        url.query_pairs_mut().extend_pairs(query);
        let mut response = self.client.get(url).send().await.map_err(fault)?;
        let mut body = Vec::with_capacity(TYPICAL_BODY);
        while let Some(chunk) = response.chunk().await.map_err(fault)? {
            if body.len() + chunk.len() > MAX_BODY {
                return Err(Failure::new(Kind::TooLarge, "the answer is larger than 8 MiB; no page of YouTube is"));
            }
            body.extend_from_slice(&chunk);
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Ok(Reply { status: response.status().as_u16(), retry_after: header("retry-after"), date: header("date"), body })
    }

    fn conceal(&self, text: &str) -> String {
        self.key.conceal(text)
    }
}

/// Whether the host is this machine: 127.0.0.0/8, `::1` or `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The one place where a reqwest error becomes ours. Its own text prints the URL, so only the text of its cause is kept.
fn fault(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let cause = root_cause(&error);
    // A stall while reading a body is a decode error too, so the timeout is looked at first.
    if error.is_timeout() {
        return Failure::new(Kind::Timeout, "no whole answer in time; --timeout sets how long one attempt may take");
    }
    if error.is_builder() {
        return Failure::new(Kind::BadResponse, "the server's page token is too long for an address");
    }
    if let Some(tls) = find::<rustls::Error>(&error) {
        return match tls {
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => Failure::new(
                Kind::Certificate,
                format!(
                    "the server's certificate was refused ({cause}); is a proxy in between? SSL_CERT_FILE names other authorities"
                ),
            ),
            _ => Failure::new(Kind::Tls, format!("no secure connection: {cause}")),
        };
    }
    if error.is_connect() {
        return Failure::new(Kind::Connect, format!("no connection: {cause}"));
    }
    if error.is_body()
        || error.is_decode()
        || find::<hyper::Error>(&error).is_some_and(hyper::Error::is_incomplete_message)
    {
        return Failure::new(Kind::Truncated, format!("the answer broke off: {cause}"));
    }
    if find::<hyper::Error>(&error).is_some_and(hyper::Error::is_parse) {
        return Failure::new(Kind::BadResponse, format!("the answer is not HTTP: {cause}"));
    }
    Failure::new(Kind::Connect, format!("the connection broke: {cause}"))
}

/// The first cause of this type.
fn find<E: Error + 'static>(error: &reqwest::Error) -> Option<&E> {
    causes(error).find_map(|cause| cause.downcast_ref::<E>())
}

fn root_cause(error: &reqwest::Error) -> String {
    let text = causes(error).last().map_or_else(|| error.to_string(), |cause| cause.to_string());
    crate::text::one_line(&text, 200)
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
