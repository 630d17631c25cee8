//! Translates a PostgreSQL URL into settings of the client library.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};

use super::PostgresUrl;

/// The time limit for connecting to each address of the server.
pub(in crate::history) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long sent data may stay unacknowledged before the connection counts as broken.
const TCP_TIMEOUT: Duration = Duration::from_secs(30);

/// The folder of the server's socket, used if a URL names no host. This is how Debian and Red Hat build PostgreSQL.
pub(in crate::history) const SOCKET_FOLDER: &str = "/var/run/postgresql";

pub(in crate::history) struct ConnectionSettings {
    pub(in crate::history) config: Config,
    /// `sslrootcert`: certificates that are trusted besides the platform's.
    pub(in crate::history) root_certificates: Option<PathBuf>,
}

impl ConnectionSettings {
    /// Reads a connection URI ("Connection URIs" of PostgreSQL, with the parameters of [`tokio_postgres::Config`]). It
    /// differs from PostgreSQL's own programs in `sslmode`, since a certificate is always verified: `require` verifies
    /// like `verify-full`, and so does `prefer` if the server offers TLS. The default is `disable` for a server on this
    /// machine, and `require` for any other.
    ///
    /// # Errors
    /// One sentence, without the URL.
    pub(in crate::history) fn new(url: &PostgresUrl) -> Result<ConnectionSettings, &'static str> {
        let (mut ssl_mode, mut root_certificates, mut others) = (None, None, Vec::new());
        let (base, parameters) = url.parts();
        for pair in parameters {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "sslmode" => {
                    ssl_mode = Some(match value {
                        "disable" => SslMode::Disable,
                        "prefer" => SslMode::Prefer,
                        "require" | "verify-ca" | "verify-full" => SslMode::Require,
                        _ => return Err("sslmode is one of disable, prefer, require, verify-full"),
                    });
                }
                "sslrootcert" if value == "system" => {}
                "sslrootcert" => {
                    root_certificates = Some(PathBuf::from(&*percent_decode_str(value).decode_utf8_lossy()));
                }
                _ => others.push(pair),
            }
        }
        let mut config = Config::from_str(&format!("{base}?{}", others.join("&"))).map_err(
            |_| "malformed; write postgres://user@host:5432/database?sslmode=require, with %XX for special characters",
        )?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path(SOCKET_FOLDER);
        }
        let default = if is_local(&config) { SslMode::Disable } else { SslMode::Require };
        config.ssl_mode(ssl_mode.unwrap_or(default)).application_name("trendfetch");
        config.tcp_user_timeout(TCP_TIMEOUT).keepalives_idle(TCP_TIMEOUT);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(ConnectionSettings { config, root_certificates })
    }
}

/// Whether no packet leaves this machine.
fn is_local(config: &Config) -> bool {
    let is_loopback =
        |name: &str| name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    config.get_hostaddrs().iter().all(IpAddr::is_loopback)
        && (!config.get_hostaddrs().is_empty()
            || config.get_hosts().iter().all(|host| match host {
                Host::Unix(_) => true,
                Host::Tcp(name) => is_loopback(name),
            }))
}
