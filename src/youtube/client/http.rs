//! HTTP over reqwest.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy::connect::HttpInfo;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use tokio::sync::OnceCell;
use url::Url;

use super::connections::{Connections, FirstConnection, Generation};
use super::encoding::{self, is_gzip};
use super::fault::{self, fault};
use super::proxy::Proxy;
use super::resolver::SystemResolver;
use super::{Body, MAX_BODY, Network, ResponseHead, Transport};
use crate::model::error::ErrorKind;
use crate::support::tls::Authorities;
use crate::youtube::api_key::ApiKey;
use crate::youtube::failure::{AttemptFailure, Delivery};

/// A page of 50 items, unpacked: 56 and 63 KB in two captured ones, cut down to the fields that are asked for.
const TYPICAL_BODY: usize = 64 << 10;

/// One client at a time, and so one pool of connections, for the run.
pub struct HttpClient {
    connections: Arc<Connections<reqwest::Client>>,
    videos: Url,
    key: ApiKey,
    proxy: Option<Proxy>,
    /// What the proxy says when it is asked why it has refused.
    proxy_says: OnceCell<Option<String>>,
}

impl HttpClient {
    /// A client for `{base_url}/videos`. `timeout` covers one attempt from connect to last byte.
    ///
    /// For a plain `http:` address, which can only be loopback, the platform's certificates (11 to 75 ms to read) are
    /// not needed.
    ///
    /// # Errors
    /// When the certificates or the proxy cannot be used.
    pub fn new(base_url: &Url, key: &ApiKey, timeout: Duration, network: &Network) -> Result<HttpClient, String> {
        // A provider that is set already is the same one: nobody else in this process sets it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let headers = headers(key)?;
        let is_plain = base_url.scheme() == "http";
        let proxy = network.proxy.as_ref().map(|proxy| reqwest::Proxy::all(proxy.expose().clone())).transpose();
        let proxy = proxy.map_err(|error| fault::root_cause(&error))?;
        let tls = network.authorities.as_ref().map(Authorities::client_config).transpose()?;
        let build = move |first: FirstConnection, keeps: bool| {
            let mut client = reqwest::Client::builder()
                // Google compresses only for an agent that contains "gzip" (Google APIs, "Performance tips").
                .user_agent(concat!("trendfetch/", env!("CARGO_PKG_VERSION"), " (gzip)"))
                .default_headers(headers.clone())
                .timeout(timeout)
                // The default policy would carry the key's header to another host.
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                // Every send is counted, so every send is ours.
                .retry(reqwest::retry::never())
                .dns_resolver(SystemResolver)
                // Longer than the default --max-wait, so that a hold does not cost a new connection, and shorter
                // than the minutes after which a NAT forgets it.
                .pool_idle_timeout(Duration::from_secs(90))
                // The client does not ask the environment by itself: `network` is what it says.
                .no_proxy();
            if !keeps {
                client = client.pool_max_idle_per_host(0);
            }
            if let Some(proxy) = proxy.clone() {
                client = client.proxy(proxy);
            }
            if let Some(tls) = tls.clone() {
                client = client.tls_backend_preconfigured(tls);
            }
            if is_plain {
                client = client.tls_certs_only([]);
                // HTTP/1.1 at all events: there is no connection to share.
                first.announce();
            } else {
                client = client.connector_layer(tower::util::MapResponseLayer::new(move |connection| {
                    first.announce();
                    connection
                }));
            }
            client.build().map_err(|error| fault::root_cause(&error))
        };
        let mut videos = base_url.clone();
        videos.set_path(&format!("{}/videos", base_url.path().trim_end_matches('/')));
        Ok(HttpClient {
            connections: Arc::new(Connections::new(build)?),
            videos,
            key: key.clone(),
            proxy: network.proxy.clone(),
            proxy_says: OnceCell::new(),
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
        let generation = self.connections.current();
        let opening = generation.enter().await;
        // One turn of the runtime, in which it notices idle connections that the server has closed.
        tokio::task::yield_now().await;
        let sent = generation.client.get(url).send().await;
        drop(opening);
        let response = match sent {
            Ok(response) => response,
            Err(error) => return Err(self.explain(self.failed(&generation, error)).await),
        };
        if let Some(connection) = response.extensions().get::<HttpInfo>().map(HttpInfo::local_addr) {
            self.connections.answered_on(connection);
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
            unpacked: None,
            connections: Arc::clone(&self.connections),
            generation,
        };
        Ok((head, body))
    }

    fn redact(&self, text: &str) -> String {
        self.key.redact(text)
    }
}

impl HttpClient {
    /// An attempt without an answer, and what that says of the connection.
    fn failed(&self, generation: &Arc<Generation<reqwest::Client>>, error: reqwest::Error) -> AttemptFailure {
        let connection = fault::connection(&error);
        let is_reused = connection.as_ref().is_some_and(|connection| self.connections.has_answered(connection.local));
        let failure = fault(error, is_reused, self.proxy.as_ref());
        let is_http2 = connection.is_some_and(|connection| connection.is_http2);
        if failure.delivery == Delivery::ClosedConnection && !is_http2 {
            self.connections.closed_after_answer();
        }
        if failure.delivery.allows_resend() || failure.kind() == ErrorKind::Timeout {
            self.connections.replace(generation);
        }
        failure
    }

    /// With the proxy's own words where it has refused.
    async fn explain(&self, mut failure: AttemptFailure) -> AttemptFailure {
        if let (ErrorKind::Proxy, Some(proxy)) = (failure.kind(), &self.proxy)
            && let Some(says) = self.proxy_says.get_or_init(|| proxy.ask(&self.videos)).await
        {
            failure.error.message.push_str(&format!(" ({says})"));
        }
        failure
    }
}

/// The body of an answer.
pub struct HttpBody {
    response: reqwest::Response,
    /// As it came, packed or not.
    received: Vec<u8>,
    unpacked: Option<Vec<u8>>,
    connections: Arc<Connections<reqwest::Client>>,
    generation: Arc<Generation<reqwest::Client>>,
}

impl HttpBody {
    fn is_packed(&self) -> Result<bool, ()> {
        match self.response.headers().get(CONTENT_ENCODING) {
            Some(value) => is_gzip(value.to_str().map_err(|_| ())?),
            None => Ok(false),
        }
    }
}

fn too_large() -> AttemptFailure {
    AttemptFailure::new(ErrorKind::TooLarge, "the answer is larger than 8 MiB; no page of YouTube is")
}

impl Body for HttpBody {
    async fn read(&mut self) -> Result<(), AttemptFailure> {
        loop {
            let chunk = self.response.chunk().await.map_err(|error| {
                let failure = fault(error, false, None);
                if failure.kind() == ErrorKind::Timeout {
                    self.connections.replace(&self.generation);
                }
                failure
            })?;
            let Some(chunk) = chunk else { break };
            if self.received.len() + chunk.len() > MAX_BODY {
                return Err(too_large());
            }
            self.received.extend_from_slice(&chunk);
        }
        let Ok(is_packed) = self.is_packed() else {
            return Err(AttemptFailure::new(
                ErrorKind::BadResponse,
                "the answer is packed in another way than gzip; is a proxy in between?",
            ));
        };
        if is_packed {
            let unpacked = self.unpacked.insert(Vec::with_capacity(TYPICAL_BODY));
            encoding::unpack(&self.received, unpacked).map_err(|fault| match fault {
                encoding::Fault::Broken => {
                    AttemptFailure::new(ErrorKind::Truncated, "the answer broke off: its gzip is not whole")
                }
                encoding::Fault::TooLarge => too_large(),
            })?;
        }
        Ok(())
    }

    fn into_bytes(self) -> Vec<u8> {
        let is_packed = self.is_packed();
        match (self.unpacked, is_packed) {
            (Some(unpacked), _) => unpacked,
            (None, Ok(true)) => {
                let mut unpacked = Vec::new();
                // As far as it goes.
                let _ = encoding::unpack(&self.received, &mut unpacked);
                unpacked
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
