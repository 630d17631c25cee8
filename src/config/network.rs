//! Reads the proxy and the certificates from the environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use rustls_native_certs::{CertificateResult, load_certs_from_paths};
use url::Url;

use crate::config::env::Env;
use crate::model::error::UsageError;
use crate::support::tls::Authorities;
use crate::youtube::client::proxy::Proxy;
use crate::youtube::client::{Network, is_loopback};

/// The settings for requests to `base_url`.
///
/// # Errors
/// If a variable is malformed, or names certificates that cannot be read.
pub(super) fn resolve(base_url: &Url, env: &Env) -> Result<Network, UsageError> {
    let authorities = if base_url.scheme() == "https" { authorities(env)? } else { None };
    Ok(Network { proxy: proxy(base_url, env)?, exceptions: String::new(), authorities })
}

/// The settings for requests to object storage. Each goes through the proxy unless its server is an exception.
///
/// # Errors
/// As [`resolve`].
#[cfg(feature = "cloud")]
pub(super) fn for_object_storage(env: &Env) -> Result<Network, UsageError> {
    // Loopback, and the services that give credentials to the programs of a cloud's machine.
    let never = "localhost,127.0.0.0/8,::1,169.254.0.0/16,metadata.google.internal";
    let exceptions = exceptions(env)?.split([',', ' ', '\t']).collect::<Vec<_>>().join(",");
    Ok(Network { proxy: any_proxy(env)?, exceptions: format!("{never},{exceptions}"), authorities: authorities(env)? })
}

/// The proxy for `base_url`, never for a loopback address.
fn proxy(base_url: &Url, env: &Env) -> Result<Option<Proxy>, UsageError> {
    let Some(proxy) = any_proxy(env)?.filter(|_| !is_loopback(base_url)) else { return Ok(None) };
    Ok(proxy.applies_to(base_url, exceptions(env)?)?.then_some(proxy))
}

fn exceptions(env: &Env) -> Result<&str, UsageError> {
    Ok(env.get("NO_PROXY")?.or(env.get("no_proxy")?).unwrap_or_default())
}

/// The proxy that the environment names for https:.
fn any_proxy(env: &Env) -> Result<Option<Proxy>, UsageError> {
    let parse = |name: &'static str| env.get(name)?.map(|value| Proxy::parse(name, value)).transpose();
    let first = |names: [&'static str; 2]| -> Result<Option<Proxy>, UsageError> {
        let [upper, lower] = names.map(parse);
        Ok(upper?.or(lower?))
    };
    // Only https: leaves this machine, so HTTP_PROXY is checked but never used. Under CGI it is the `Proxy` header of an
    // HTTP request ("httpoxy"), and is ignored.
    if !env.has("REQUEST_METHOD") {
        parse("HTTP_PROXY")?;
    }
    parse("http_proxy")?;
    let (https, all) = (first(["HTTPS_PROXY", "https_proxy"])?, first(["ALL_PROXY", "all_proxy"])?);
    Ok(https.or(all))
}

/// The certificates of `SSL_CERT_FILE` and `SSL_CERT_DIR`; `None` if neither is set, so that the platform's are used.
fn authorities(env: &Env) -> Result<Option<Authorities>, UsageError> {
    let file = env.get_os("SSL_CERT_FILE").map(Path::new);
    let folders: Vec<PathBuf> = env.get_os("SSL_CERT_DIR").map(split_paths).unwrap_or_default();
    let mut certificates = Vec::new();
    if let Some(file) = file {
        let found = load("SSL_CERT_FILE", file, load_certs_from_paths(Some(file), None))?;
        if Authorities::new(found.clone()).is_none() {
            return Err(UsageError(format!(
                "SSL_CERT_FILE: {} holds no certificate; name a file of '-----BEGIN CERTIFICATE-----' blocks (PEM), to which `openssl x509 -inform der` converts others",
                file.display()
            )));
        }
        certificates.extend(found);
    }
    for folder in &folders {
        certificates.extend(load("SSL_CERT_DIR", folder, load_certs_from_paths(None, Some(folder)))?);
    }
    match Authorities::new(certificates) {
        None if !folders.is_empty() => Err(UsageError(
            "SSL_CERT_DIR: there is no certificate in its folders; put files of '-----BEGIN CERTIFICATE-----' blocks (PEM) there, or unset it".into(),
        )),
        authorities => Ok(authorities),
    }
}

/// The certificates at `path`. Unreadable files in a folder are skipped, since private keys may be among them.
fn load(
    variable: &str,
    path: &Path,
    found: CertificateResult,
) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, UsageError> {
    let is_about_path = |error: &&rustls_native_certs::Error| matches!(&error.kind, rustls_native_certs::ErrorKind::Io { path: at, .. } if at == path);
    match found.errors.iter().find(is_about_path) {
        Some(error) => {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            Err(UsageError(format!(
                "{variable}: cannot read {}: {cause}; name one that you may read, or unset {variable}",
                path.display()
            )))
        }
        None => Ok(found.certs),
    }
}

fn split_paths(list: &OsStr) -> Vec<PathBuf> {
    std::env::split_paths(list).filter(|path| !path.as_os_str().is_empty()).collect()
}
