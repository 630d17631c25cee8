//! Sends requests over reqwest and reads responses.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use url::Url;

use super::builder::{Protocol, builder};
use super::connections::{Connections, FirstConnection, PooledClient};
use super::encoding::{UnknownEncoding, is_gzip};
use super::errors::{self, to_failure};
use super::proxy::Proxy;
use super::{Body, MAX_BODY, Network, ResponseHead, Transport};
use crate::model::error::ErrorKind;
use crate::support::gzip::{GzipError, decompress};
use crate::youtube::api_key::ApiKey;
use crate::youtube::failure::{AttemptFailure, Delivery};

/// A page of 50 items, decompressed: two captured ones, reduced to the requested fields, have 56 and 63 KB.
const TYPICAL_BODY: usize = 64 << 10;

/// The HTTP client of a run.
pub struct HttpClient {
    connections: Arc<Connections<reqwest::Client>>,
    videos: Url,
    key: ApiKey,
    proxy: Option<Proxy>,
    /// The status line with which the proxy refuses to connect, once it has been requested.
    proxy_status: OnceCell<Option<String>>,
}

impl HttpClient {
    /// A client for `{base_url}/videos`. `timeout` covers one attempt from connecting to the last byte.
    ///
    /// # Errors
    /// When the certificates or the proxy cannot be used.
    pub fn new(base_url: &Url, key: &ApiKey, timeout: Duration, network: &Network) -> Result<HttpClient, String> {
        let headers = headers(key)?;
        // Only loopback may be plain.
        let is_plain = base_url.scheme() == "http";
        let builder = builder(network, if is_plain { Protocol::Plain } else { Protocol::Any })?;
        let build = move |first: FirstConnection, keeps_idle: bool| {
            let mut client = builder()
                // Google compresses only if the user agent contains "gzip" (Google APIs, "Performance tips").
                .user_agent(concat!("trendfetch/", env!("CARGO_PKG_VERSION"), " (gzip)"))
                .default_headers(headers.clone())
                .timeout(timeout)
                // Longer than the default --max-wait, so that connections survive a hold, and shorter than the
                // minutes after which a NAT drops an idle connection.
                .pool_idle_timeout(Duration::from_secs(90));
            if !keeps_idle {
                client = client.pool_max_idle_per_host(0);
            }
            if is_plain {
                // HTTP/1.1 has no connection to share.
                first.signal();
            } else {
                client = client.connector_layer(tower::util::MapResponseLayer::new(move |connection| {
                    first.signal();
                    connection
                }));
            }
            client.build().map_err(|error| errors::root_cause(&error))
        };
        let mut videos = base_url.clone();
        videos.set_path(&format!("{}/videos", base_url.path().trim_end_matches('/')));
        Ok(HttpClient {
            connections: Arc::new(Connections::new(build)?),
            videos,
            key: key.clone(),
            proxy: network.proxy.clone(),
            proxy_status: OnceCell::new(),
        })
    }
}

fn headers(key: &ApiKey) -> Result<HeaderMap, String> {
    let mut key = HeaderValue::from_str(key.expose()).map_err(|_| "the key cannot be a header".to_owned())?;
    key.set_sensitive(true);
    Ok(HeaderMap::from_iter([
        (HeaderName::from_static("x-goog-api-key"), key),
        (ACCEPT, HeaderValue::from_static("application/json")),
        (ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
    ]))
}

impl Transport for HttpClient {
    type Body = HttpBody;

    async fn get(&self, query: &[(&'static str, String)]) -> Result<(ResponseHead, HttpBody), AttemptFailure> {
        let mut url = self.videos.clone();
        url.query_pairs_mut().extend_pairs(query);
        let client = self.connections.current();
        let opening = client.wait_for_first_connection().await;
        // Lets the runtime notice idle connections that the server has closed.
        tokio::task::yield_now().await;
        let sent = client.client.get(url).send().await;
        drop(opening);
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(self.add_proxy_status(self.handle_error(&client, error)).await),
        };
        if let Some(connection) = response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr) {
            self.connections.note_response(connection);
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let head = ResponseHead {
            status: response.status().as_u16(),
            retry_after: header("retry-after"),
            date: header("date"),
            age: header("age"),
            location: header("location"),
        };
        let body = HttpBody {
            response,
            received: Vec::with_capacity(TYPICAL_BODY),
            decompressed: None,
            connections: Arc::clone(&self.connections),
            client,
        };
        Ok((head, body))
    }

    fn redact(&self, text: &str) -> String {
        self.key.redact(text)
    }
}

impl HttpClient {
    /// Turns an error into a failure, and abandons the client's connections if one of them is the likely cause.
    fn handle_error(&self, client: &Arc<PooledClient<reqwest::Client>>, error: reqwest::Error) -> AttemptFailure {
        let connection = errors::connection(&error);
        let is_reused = connection.as_ref().is_some_and(|connection| self.connections.has_responded(connection.local));
        let failure = to_failure(error, is_reused, self.proxy.as_ref());
        let is_http2 = connection.is_some_and(|connection| connection.is_http2);
        if failure.delivery == Delivery::ClosedConnection && !is_http2 {
            self.connections.note_silent_close();
        }
        if failure.delivery.allows_resend() || failure.kind() == ErrorKind::Timeout {
            self.connections.replace(client);
        }
        failure
    }

    /// Adds the proxy's status line to the message if the proxy has refused to connect.
    async fn add_proxy_status(&self, mut failure: AttemptFailure) -> AttemptFailure {
        if let (ErrorKind::Proxy, Some(proxy)) = (failure.kind(), &self.proxy)
            && let Some(status) = self.proxy_status.get_or_init(|| proxy.connect_status(&self.videos)).await
        {
            failure.error.message.push_str(&format!(" ({status})"));
        }
        failure
    }
}

pub struct HttpBody {
    response: reqwest::Response,
    /// As it arrived, compressed or not.
    received: Vec<u8>,
    decompressed: Option<Vec<u8>>,
    connections: Arc<Connections<reqwest::Client>>,
    client: Arc<PooledClient<reqwest::Client>>,
}

impl HttpBody {
    fn is_compressed(&self) -> Result<bool, UnknownEncoding> {
        match self.response.headers().get(CONTENT_ENCODING) {
            Some(value) => is_gzip(value.to_str().map_err(|_| UnknownEncoding)?),
            None => Ok(false),
        }
    }
}

fn too_large() -> AttemptFailure {
    AttemptFailure::new(ErrorKind::TooLarge, "the response is larger than 8 MiB, more than any page of YouTube")
}

impl Body for HttpBody {
    async fn read(&mut self) -> Result<(), AttemptFailure> {
        loop {
            let chunk = self.response.chunk().await.map_err(|error| {
                let failure = to_failure(error, false, None);
                if failure.kind() == ErrorKind::Timeout {
                    self.connections.replace(&self.client);
                }
                failure
            })?;
            let Some(chunk) = chunk else { break };
            if self.received.len() + chunk.len() > MAX_BODY {
                return Err(too_large());
            }
            self.received.extend_from_slice(&chunk);
        }
        let Ok(is_compressed) = self.is_compressed() else {
            return Err(AttemptFailure::new(
                ErrorKind::BadResponse,
                "the response has a Content-Encoding other than gzip; is a proxy in between?",
            ));
        };
        if is_compressed {
            let decompressed = self.decompressed.insert(Vec::with_capacity(TYPICAL_BODY));
            decompress(&self.received, MAX_BODY, decompressed).map_err(|error| match error {
                GzipError::Corrupt => {
                    AttemptFailure::new(ErrorKind::Truncated, "the response ended early: its gzip data is incomplete")
                }
                GzipError::TooLarge => too_large(),
            })?;
        }
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        let is_compressed = self.is_compressed();
        match (self.decompressed, is_compressed) {
            (Some(decompressed), _) => decompressed,
            (None, Ok(true)) => {
                let mut decompressed = Vec::new();
                // An incomplete body is used as far as it can be decompressed.
                let _ = decompress(&self.received, MAX_BODY, &mut decompressed);
                decompressed
            }
            (None, _) => self.received,
        }
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
