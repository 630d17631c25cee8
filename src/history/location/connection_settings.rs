//! Translates a PostgreSQL URL into settings of the client library.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::PostgresUrl;

/// The time limit for connecting to each address of the server.
pub(in crate::history) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long sent data may stay unacknowledged before the connection counts as broken.
const TCP_TIMEOUT: Duration = Duration::from_secs(30);

/// The folder of the server's socket, used if a URL names no host. This is how Debian and Red Hat build PostgreSQL.
pub(in crate::history) const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// How long a run waits for a lost server to come back, or for another one to take its place, unless the URL says
/// otherwise. It then saves its document.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(60);

pub(in crate::history) struct ConnectionSettings {
    pub(in crate::history) config: Config,
    /// `sslrootcert`: certificates that are trusted besides the platform's.
    pub(in crate::history) root_certificates: Option<PathBuf>,
    /// `target_session_attrs=prefer-standby`: reading uses a standby if one can be reached.
    pub(in crate::history) prefers_standby: bool,
    /// `reconnect_timeout`, a parameter of our own: see [`RECONNECT_TIMEOUT`].
    pub(in crate::history) reconnect_timeout: Duration,
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
        let (mut target, mut prefers_standby) = (TargetSessionAttrs::Any, false);
        let mut reconnect_timeout = RECONNECT_TIMEOUT;
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
                "target_session_attrs" => {
                    prefers_standby = value == "prefer-standby";
                    target = match value {
                        "any" | "prefer-standby" => TargetSessionAttrs::Any,
                        "primary" | "read-write" => TargetSessionAttrs::ReadWrite,
                        "standby" | "read-only" => TargetSessionAttrs::ReadOnly,
                        _ => return Err("target_session_attrs is one of any, primary, standby, prefer-standby"),
                    };
                }
                "reconnect_timeout" => {
                    let seconds = value.parse().map_err(|_| "reconnect_timeout is a number of seconds")?;
                    reconnect_timeout = Duration::from_secs(seconds);
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
        if !are_matching(&config) {
            return Err("it has one host and address for each other, and one port for all hosts or for each");
        }
        let default = if is_local(&config) { SslMode::Disable } else { SslMode::Require };
        config.ssl_mode(ssl_mode.unwrap_or(default)).application_name("trendfetch");
        config.tcp_user_timeout(TCP_TIMEOUT).keepalives_idle(TCP_TIMEOUT).target_session_attrs(target);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(ConnectionSettings { config, root_certificates, prefers_standby, reconnect_timeout })
    }
}

/// Whether the numbers of hosts, addresses and ports fit each other.
fn are_matching(config: &Config) -> bool {
    let (hosts, addresses, ports) = (config.get_hosts().len(), config.get_hostaddrs().len(), config.get_ports().len());
    (hosts == 0 || addresses == 0 || hosts == addresses) && (ports <= 1 || ports == hosts.max(addresses))
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
