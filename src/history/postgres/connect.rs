//! A connection to PostgreSQL, encrypted wherever it leaves this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::lookup::look_up;
use super::{certificate, pgpass};
use crate::history::location::PostgresUrl;
use crate::history::{HistoryError, Passwords};
use crate::support::tls;

/// For each address of the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the network may swallow what was sent before the connection counts as broken.
const SILENCE: Duration = Duration::from_secs(30);

/// How long the end of a session is waited for: a signal leaves little more.
pub(super) const GOODBYE: Duration = Duration::from_millis(500);

/// Where a server listens whose address names no port.
const DEFAULT_PORT: u16 = 5432;

/// Where the server is known to listen when a URL names no host: as Debian and Red Hat build it.
const SOCKET_FOLDER: &str = "/var/run/postgresql";

/// A URL, read.
pub(super) struct Settings {
    config: Config,
    /// `sslrootcert`: certificates that are trusted besides the platform's.
    roots: Option<PathBuf>,
}

impl Settings {
    /// Reads a connection URI ("Connection URIs" of PostgreSQL, with the parameters of
    /// [`tokio_postgres::Config`]), but that `sslmode` never means a certificate that is not looked at:
    /// `require` checks it as `verify-full` does, and `prefer` does where the server offers one. Without
    /// `sslmode`, a server on this machine gets `disable`, another `require`.
    ///
    /// # Errors
    /// One sentence, without the URL.
    pub(super) fn read(url: &PostgresUrl) -> Result<Settings, &'static str> {
        let (mut mode, mut roots, mut others) = (None, None, Vec::new());
        let (bare, parameters) = url.parts();
        for pair in parameters {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "sslmode" => {
                    mode = Some(match value {
                        "disable" => SslMode::Disable,
                        "prefer" => SslMode::Prefer,
                        "require" | "verify-ca" | "verify-full" => SslMode::Require,
                        _ => return Err("sslmode is one of disable, prefer, require, verify-full"),
                    });
                }
                "sslrootcert" if value == "system" => {}
                "sslrootcert" => roots = Some(PathBuf::from(&*percent_decode_str(value).decode_utf8_lossy())),
                _ => others.push(pair),
            }
        }
        let mut config = Config::from_str(&format!("{bare}?{}", others.join("&"))).map_err(
            |_| "malformed; write postgres://user@host:5432/database?sslmode=require, with %XX for special characters",
        )?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path(SOCKET_FOLDER);
        }
        let mode = mode.unwrap_or(if is_local(&config) { SslMode::Disable } else { SslMode::Require });
        config.ssl_mode(mode).application_name("trendfetch").tcp_user_timeout(SILENCE).keepalives_idle(SILENCE);
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        Ok(Settings { config, roots })
    }

    fn tls(&self) -> Result<ClientConfig, String> {
        let roots = match &self.roots {
            None => Vec::new(),
            Some(path) => {
                let unreadable = |error: String| format!("cannot read sslrootcert {}: {error}", path.display());
                let pem = fs::read(path).map_err(|error| unreadable(error.to_string()))?;
                let roots: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
                let roots = roots.map_err(|error| unreadable(error.to_string()))?;
                if roots.is_empty() {
                    return Err(unreadable("it holds no certificate in PEM form".to_owned()));
                }
                roots
            }
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            Verifier::new_with_extra_roots(roots.clone(), Arc::clone(&provider)).map_err(|error| error.to_string())?;
        tls::client_config(provider, Arc::new(verifier), roots, certificate::check_name)
    }
}

/// The password that PostgreSQL's own programs would take. The file calls a server localhost that is reached by the
/// usual socket, and a database without a name has that of its user.
fn password(passwords: &Passwords, config: &Config) -> Option<String> {
    if passwords.password.is_some() {
        return passwords.password.clone();
    }
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(folder)) if folder == Path::new(SOCKET_FOLDER) => "localhost".to_owned(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => config.get_hostaddrs().first()?.to_string(),
    };
    let port = config.get_ports().first().copied().unwrap_or(DEFAULT_PORT).to_string();
    let user = config.get_user().map_or_else(whoami::username, |user| Ok(user.to_owned())).ok()?;
    pgpass::read(passwords.file.as_deref()?, [&host, &port, config.get_dbname().unwrap_or(&user), &user])
}

/// Whether no packet leaves this machine.
fn is_local(config: &Config) -> bool {
    let is_loopback = |name: &str| {
        name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
    };
    config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
        && (!config.get_hostaddrs().is_empty()
            || config.get_hosts().iter().all(|host| match host {
                Host::Unix(_) => true,
                Host::Tcp(name) => is_loopback(name),
            }))
}

/// Finds out whether a URL can be read.
///
/// # Errors
/// One sentence, without the URL.
pub(in crate::history) fn check(url: &PostgresUrl) -> Result<(), &'static str> {
    Settings::read(url).map(drop)
}

/// How to connect, worked out once.
pub(super) struct Connector {
    config: Config,
    /// The same for further addresses of the server.
    others: Vec<Config>,
    /// `None` where nothing is encrypted.
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// # Errors
    /// When TLS cannot be prepared, or a name has no address.
    pub(super) async fn new(url: &PostgresUrl) -> Result<Connector, HistoryError> {
        let mut settings = Settings::read(url).map_err(|why| HistoryError::new(url, why, "check the address"))?;
        if settings.config.get_password().is_none()
            && let Some(password) = url.passwords().and_then(|passwords| password(passwords, &settings.config))
        {
            settings.config.password(password);
        }
        let tls = match settings.config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(settings.tls().map_err(|why| {
                let remedy = "install the system's certificates (ca-certificates), or name a readable sslrootcert";
                HistoryError::new(url, why, remedy)
            })?)),
        };
        let unknown =
            |error| HistoryError::new(url, error, "check that the server runs, and that its address is right");
        let mut configs = look_up(&settings.config).await.map_err(unknown)?.into_iter();
        Ok(Connector { config: configs.next().unwrap_or(settings.config), others: configs.collect(), tls })
    }

    /// For the server's first answers too; the library's own limit is for TCP alone.
    pub(super) fn limit(&self) -> Duration {
        self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT)
    }

    /// Connects.
    ///
    /// # Errors
    /// When the server cannot be reached, or lets nobody in.
    pub(super) async fn connect(&self) -> Result<Session, Error> {
        let mut connected = self.connect_by(&self.config).await;
        for other in &self.others {
            if connected.is_err() {
                connected = self.connect_by(other).await;
            }
        }
        connected
    }

    async fn connect_by(&self, config: &Config) -> Result<Session, Error> {
        Ok(match &self.tls {
            None => {
                let (client, connection) = config.connect(NoTls).await?;
                Session { client, connection: tokio::spawn(connection) }
            }
            Some(tls) => {
                let (client, connection) = config.connect(tls.clone()).await?;
                Session { client, connection: tokio::spawn(connection) }
            }
        })
    }
}

/// A session on the server.
pub(super) struct Session {
    pub(super) client: Client,
    /// Carries what the client asks; it ends when the client is gone.
    connection: JoinHandle<Result<(), Error>>,
}

impl Session {
    /// Takes leave of the server, and waits until the server has been told: it would log a connection that is merely
    /// dropped as lost.
    pub(super) async fn end(self) {
        drop(self.client);
        // A server that is silent is left as it is.
        let _ = tokio::time::timeout(GOODBYE, self.connection).await;
    }
}
