//! What all HTTP clients of the program have in common.

use super::Network;
use super::errors::root_cause;
use super::resolver::SystemResolver;
use crate::support::tls::Authorities;

/// What a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// HTTP/1.1 without TLS. The platform's certificates are not read, which takes 11 to 75 ms.
    Plain,
    /// HTTP/1.1.
    #[cfg(feature = "cloud")]
    Http1,
    /// HTTP/2 and HTTP/1.1.
    Any,
}

/// Makes builders of clients for this network.
///
/// # Errors
/// When the certificates or the proxy cannot be used.
pub(crate) fn builder(
    network: &Network,
    protocol: Protocol,
) -> Result<impl Fn() -> reqwest::ClientBuilder + Send + Sync + 'static, String> {
    // This fails only if the same provider has been installed before: nothing else in this process installs one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exceptions = reqwest::NoProxy::from_string(&network.exceptions);
    let proxy = network.proxy.as_ref().map(|proxy| reqwest::Proxy::all(proxy.expose().clone())).transpose();
    let proxy = proxy.map_err(|error| root_cause(&error))?.map(|proxy| proxy.no_proxy(exceptions));
    let mut tls = network.authorities.as_ref().map(Authorities::client_config).transpose()?;
    if protocol != Protocol::Any {
        tls.iter_mut().for_each(|tls| tls.alpn_protocols = vec![b"http/1.1".to_vec()]);
    }
    Ok(move || {
        let mut client = reqwest::Client::builder()
            // The default policy would forward the key's header to another host.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Every request must be counted, so only the caller retries.
            .retry(reqwest::retry::never())
            .dns_resolver(SystemResolver)
            // The environment has been read already: its proxy is in `network`.
            .no_proxy();
        if let Some(proxy) = proxy.clone() {
            client = client.proxy(proxy);
        }
        if let Some(tls) = tls.clone() {
            client = client.tls_backend_preconfigured(tls);
        }
        match protocol {
            Protocol::Plain => client.tls_certs_only([]),
            #[cfg(feature = "cloud")]
            Protocol::Http1 => client.http1_only(),
            Protocol::Any => client,
        }
    })
}
