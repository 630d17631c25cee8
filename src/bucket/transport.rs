//! HTTP for `object_store`, over the client of the rest of the program: its proxy, certificates and resolver, and no
//! redirects. Its retries are those of `object_store`; this tells it which failures are worth one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use object_store::ClientOptions;
use object_store::client::{HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService};
use tokio::time::timeout;
use url::{Host, Url};

use super::fault::{Fault, Refusal};
use super::settings::Settings;
use crate::youtube::client::{Protocol, builder, is_loopback, to_failure};

/// A slower connection than this, in bytes a second, is given up.
const SLOWEST: u64 = 64 << 10;

/// The longest body of an error that is read.
const MAX_ERROR: usize = 64 << 10;

/// The largest object that is read.
const MAX_OBJECT: usize = 512 << 20;

/// The time for a request to the service that gives credentials to the programs of a cloud's machine. There is none on
/// other machines, where nothing answers at its address.
const METADATA_TIMEOUT: Duration = Duration::from_secs(2);

/// Where such services are: EC2 and Azure, ECS, EKS, Google.
const METADATA_HOSTS: [&str; 5] =
    ["169.254.169.254", "169.254.170.2", "169.254.170.23", "metadata.google.internal", "metadata"];

/// The header of a session token, a secret.
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The client for all buckets. The settings of the library's own client do not apply.
#[derive(Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    settings: Arc<Settings>,
    allows_plain: bool,
}

impl Transport {
    /// # Errors
    /// When the certificates or the proxy cannot be used.
    pub(super) fn new(settings: Arc<Settings>) -> Result<Transport, String> {
        let allows = |name| settings.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let allows_plain = ["AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "GOOGLE_ALLOW_HTTP"].into_iter().any(allows);
        let client = builder(&settings.network, Protocol::Http1)?()
            .user_agent(concat!("trendfetch/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(settings.patience.timeout)
            .build()
            .map_err(|error| to_failure(error, false, None).error.message)?;
        Ok(Transport { client, settings, allows_plain })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Fault> {
        let (parts, body) = request.into_parts();
        let url: Url = parts.uri.to_string().parse().map_err(|_| Fault::malformed("an address is not a URL"))?;
        let chosen = self.settings.get("AWS_METADATA_ENDPOINT");
        let is_metadata = url.host_str().is_some_and(|host| METADATA_HOSTS.contains(&host))
            || chosen.is_some_and(|endpoint| url.as_str().starts_with(endpoint));
        if url.scheme() == "http" && !(is_metadata || self.allows_plain || is_loopback(&url)) {
            return Err(Fault::Plain { host: host_of(&url) });
        }
        // Not `is_empty`, which is wrong for a payload in version 0.14.2.
        let length = body.content_length();
        let time = match is_metadata {
            true => METADATA_TIMEOUT,
            false => self.settings.patience.timeout + Duration::from_secs(length as u64 / SLOWEST),
        };
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        for secret in [AUTHORIZATION, SESSION_TOKEN] {
            request.headers_mut().get_mut(secret).into_iter().for_each(|value| value.set_sensitive(true));
        }
        if length > 0 {
            *request.body_mut() = Some(match body.as_bytes() {
                Some(bytes) => bytes.clone().into(),
                None => reqwest::Body::wrap(body),
            });
        }
        let received = self.receive(request, time).await;
        if is_metadata { received.map_err(|_| Fault::NoCredentials) } else { received }
    }

    async fn receive(&self, request: reqwest::Request, time: Duration) -> Result<HttpResponse, Fault> {
        let host = host_of(request.url());
        let response = timeout(time, self.client.execute(request)).await;
        let response = response.map_err(|_| Fault::timeout())?.map_err(|error| self.fault(error))?;
        let (status, headers) = (response.status(), response.headers().clone());
        if status.is_success() {
            let body = self.read(response, MAX_OBJECT + 1).await?;
            if body.len() > MAX_OBJECT {
                return Err(Fault::TooLarge);
            }
            let mut response = HttpResponse::new(body.into());
            (*response.status_mut(), *response.headers_mut()) = (status, headers);
            return Ok(response);
        }
        let body = self.read(response, MAX_ERROR).await.unwrap_or_default();
        Err(Fault::Refusal(Refusal::new(status.as_u16(), &headers, &body, host, |text| self.settings.redact(text))))
    }

    /// Reads a body up to a length; what follows is ignored.
    async fn read(&self, mut response: reqwest::Response, most: usize) -> Result<Bytes, Fault> {
        let mut body = Vec::new();
        while body.len() < most {
            let chunk = timeout(self.settings.patience.timeout, response.chunk()).await;
            let chunk = chunk.map_err(|_| Fault::timeout())?.map_err(|error| self.fault(error))?;
            let Some(chunk) = chunk else { break };
            body.extend_from_slice(&chunk[..chunk.len().min(most - body.len())]);
        }
        Ok(body.into())
    }

    fn fault(&self, error: reqwest::Error) -> Fault {
        let failure = to_failure(error, false, self.settings.network.proxy.as_ref());
        Fault::Network { kind: failure.kind(), message: failure.error.message }
    }
}

fn host_of(url: &Url) -> String {
    url.host().as_ref().map(Host::to_string).unwrap_or_default()
}

#[async_trait]
impl HttpService for Transport {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.send(request).await.map_err(|fault| HttpError::new(fault.kind(), fault))
    }
}

impl HttpConnector for Transport {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").field("settings", &self.settings).finish_non_exhaustive()
    }
}
