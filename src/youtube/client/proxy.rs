//! The proxy that the environment names.

use std::fmt;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::{Host, Url};

use crate::model::error::UsageError;
use crate::support::sanitize::one_line;

/// The longest status line that is read, in bytes.
const MAX_STATUS_LINE: u64 = 1 << 10;

/// The longest wait for a proxy's status line.
const STATUS_TIMEOUT: Duration = Duration::from_secs(2);

/// What reqwest supports. With `socks4` and `socks5` this machine resolves the server's name, with `socks4a` and
/// `socks5h` the proxy does.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// A proxy for every request of a run. `Debug` hides its login.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy {
    /// The environment variable that names it.
    pub variable: &'static str,
    url: Url,
}

impl Proxy {
    /// Parses the value of `variable`: a URL that may include a login. `http://` may be omitted.
    ///
    /// # Errors
    /// When it is not a valid URL of a proxy. The message quotes nothing of the value, which may include a password.
    pub fn parse(variable: &'static str, value: &str) -> Result<Proxy, UsageError> {
        let invalid = |why: &str| UsageError(format!("{variable} is not a proxy's address: {why}"));
        let value = value.trim();
        let address = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let malformed = "write http://host:port, or http://user:password@host:port with %XX for special characters";
        let mut url = Url::parse(&address).map_err(|_| invalid(malformed))?;
        if !SCHEMES.contains(&url.scheme()) {
            return Err(invalid("it begins with an unknown scheme; http, https, socks5 and socks5h are supported"));
        }
        // An unescaped '/', '?' or '#' in a password ends up here too.
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid(
                "a path is not supported, and so no script of proxy settings (PAC); write http://host:port, with %XX for special characters of a password",
            ));
        }
        // `Url` checks the host of http:, but not that of socks5:.
        let host = url.host_str().and_then(|host| Host::parse(host).ok()).ok_or_else(|| invalid(malformed))?;
        url.set_host(Some(&host.to_string())).map_err(|_| invalid(malformed))?;
        Ok(Proxy { variable, url })
    }

    /// Whether requests to `server` go through the proxy. `exceptions` is the value of `NO_PROXY`: hosts, domains and
    /// networks, separated by commas or blanks.
    ///
    /// # Errors
    /// When the HTTP client would not accept the proxy's URL and would silently bypass the proxy.
    pub fn applies_to(&self, server: &Url, exceptions: &str) -> Result<bool, UsageError> {
        let unusable = || UsageError(format!("{} is not a proxy's address: write http://host:port", self.variable));
        let server: hyper::Uri = server.as_str().parse().map_err(|_| unusable())?;
        let exceptions = exceptions.split([',', ' ', '\t']).collect::<Vec<_>>().join(",");
        // reqwest decides with the same code.
        let is_used = |exceptions: &str| {
            Matcher::builder().all(self.url.as_str()).no(exceptions).build().intercept(&server).is_some()
        };
        if is_used("") { Ok(is_used(&exceptions)) } else { Err(unusable()) }
    }

    pub(super) fn has_login(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// The proxy's status for a CONNECT to `server`, such as `403 Forbidden`. The HTTP client discards it, so this sends
    /// CONNECT once more, with nothing that is meant for the server. `None` if there is no response, or if the proxy
    /// does not speak HTTP.
    pub(super) async fn connect_status(&self, server: &Url) -> Option<String> {
        let (host, port) = (self.url.host_str()?, self.url.port_or_known_default()?);
        if self.url.scheme() != "http" {
            return None;
        }
        let target = format!("{}:{}", server.host_str()?, server.port_or_known_default()?);
        let uri: hyper::Uri = server.as_str().parse().ok()?;
        let login = Matcher::builder().all(self.url.as_str()).build().intercept(&uri)?.basic_auth().cloned();
        let login = login.as_ref().and_then(|login| login.to_str().ok());
        let login = login.map(|login| format!("Proxy-Authorization: {login}\r\n")).unwrap_or_default();
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{login}\r\n");
        let status = async {
            let mut stream = TcpStream::connect((host.trim_matches(['[', ']']), port)).await.ok()?;
            stream.write_all(request.as_bytes()).await.ok()?;
            let mut line = String::new();
            BufReader::new(stream.take(MAX_STATUS_LINE)).read_line(&mut line).await.ok()?;
            let (version, status) = line.split_once(' ')?;
            version.starts_with("HTTP/").then(|| one_line(status, 60))
        };
        timeout(STATUS_TIMEOUT, status).await.ok()?
    }

    /// The URL, including the login.
    pub(super) fn expose(&self) -> &Url {
        &self.url
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({}, hidden)", self.variable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn youtube() -> Url {
        Url::parse("https://www.googleapis.com/youtube/v3").unwrap()
    }

    #[test]
    fn a_valid_address_is_used() {
        for (value, url) in [
            ("proxy", "http://proxy/"),
            ("proxy:3128", "http://proxy:3128/"),
            ("http://proxy:3128/", "http://proxy:3128/"),
            ("HTTPS://Proxy:443", "https://proxy/"),
            (" http://proxy:3128\n", "http://proxy:3128/"),
            ("127.0.0.1:3128", "http://127.0.0.1:3128/"),
            ("http://[::1]:3128", "http://[::1]:3128/"),
            ("pröxy:3128", "http://xn--prxy-6qa:3128/"),
            ("http://us er:p@ss w%2F§@proxy:3128", "http://us%20er:p%40ss%20w%2F%C2%A7@proxy:3128/"),
            ("http://user@proxy:3128", "http://user@proxy:3128/"),
            ("socks5://proxy", "socks5://proxy"),
            ("socks5h://user:p@ss@proxy:80", "socks5h://user:p%40ss@proxy:80"),
            ("socks4a://pröxy:1080", "socks4a://xn--prxy-6qa:1080"),
            ("socks4://[::1]:1080", "socks4://[::1]:1080"),
        ] {
            let proxy = Proxy::parse("HTTPS_PROXY", value).unwrap();
            assert_eq!(proxy.expose().as_str(), url, "{value}");
            assert_eq!(proxy.applies_to(&youtube(), ""), Ok(true), "{value}");
            assert_eq!(format!("{proxy:?}"), "Proxy(HTTPS_PROXY, hidden)");
        }
    }

    #[test]
    fn exceptions_are_hosts_domains_and_networks() {
        let proxy = Proxy::parse("HTTPS_PROXY", "proxy:3128").unwrap();
        for (exceptions, host, is_used) in [
            ("", "www.googleapis.com", true),
            ("example.org,10.0.0.0/8", "www.googleapis.com", true),
            ("localhost, .googleapis.com", "www.googleapis.com", false),
            ("localhost googleapis.com", "www.googleapis.com", false),
            ("WWW.GoogleAPIs.com", "www.googleapis.com", false),
            ("apis.com", "www.googleapis.com", true),
            ("*", "www.googleapis.com", false),
            ("10.0.0.0/8", "10.1.2.3", false),
            ("10.0.0.0/8", "11.1.2.3", true),
        ] {
            let server = Url::parse(&format!("https://{host}/x")).unwrap();
            assert_eq!(proxy.applies_to(&server, exceptions), Ok(is_used), "{exceptions} {host}");
        }
    }
}
