//! Connects to PostgreSQL, with TLS wherever the connection leaves this machine.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

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
use crate::history::location::{CONNECT_TIMEOUT, ConnectionSettings, SOCKET_FOLDER};
use crate::history::{HistoryError, PasswordSources, PostgresUrl};
use crate::support::tls;

/// How long to wait for the end of a session. A signal leaves little more.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// The port of an address that names none.
const DEFAULT_PORT: u16 = 5432;

/// How to connect, prepared once for every connection.
pub(super) struct Connector {
    config: Config,
    /// The same for further addresses of the server.
    fallbacks: Vec<Config>,
    /// `None` if nothing is encrypted.
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    /// Reads the settings in the URL, and looks up the server's addresses and the password.
    ///
    /// # Errors
    /// When TLS cannot be prepared, or a name has no address.
    pub(super) async fn new(url: &PostgresUrl) -> Result<Connector, HistoryError> {
        let mut settings =
            ConnectionSettings::new(url).map_err(|why| HistoryError::new(url, why, "check the address"))?;
        if settings.config.get_password().is_none()
            && let Some(password) = url.password_sources().and_then(|sources| password(sources, &settings.config))
        {
            settings.config.password(password);
        }
        let tls = match settings.config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls_config(settings.root_certificates.as_deref()).map_err(|why| {
                let remedy = "install the system's certificates (ca-certificates), or name a readable sslrootcert";
                HistoryError::new(url, why, remedy)
            })?)),
        };
        let unknown_host =
            |error| HistoryError::new(url, error, "check that the server runs, and that its address is right");
        let mut configs = look_up(&settings.config).await.map_err(unknown_host)?.into_iter();
        Ok(Connector { config: configs.next().unwrap_or(settings.config), fallbacks: configs.collect(), tls })
    }

    /// Also limits the wait for the server's first answers; the limit of the client library covers TCP only.
    pub(super) fn timeout(&self) -> Duration {
        self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT)
    }

    /// Tries the addresses of the server in turn.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses the user.
    pub(super) async fn connect(&self) -> Result<Session, Error> {
        let mut result = self.connect_with(&self.config).await;
        for fallback in &self.fallbacks {
            if result.is_err() {
                result = self.connect_with(fallback).await;
            }
        }
        result
    }

    async fn connect_with(&self, config: &Config) -> Result<Session, Error> {
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

pub(super) struct Session {
    pub(super) client: Client,
    /// Sends and receives for the client, and ends when the client is dropped.
    connection: JoinHandle<Result<(), Error>>,
}

impl Session {
    /// Closes the session properly: the server would log a connection that is merely dropped as lost.
    pub(super) async fn close(self) {
        drop(self.client);
        // There is nothing to do about a server that does not answer.
        let _ = tokio::time::timeout(CLOSE_TIMEOUT, self.connection).await;
    }
}

fn tls_config(root_certificates: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = match root_certificates {
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

/// The password that PostgreSQL's own programs would use. In the password file, a server behind the default socket is
/// called localhost. The name of the database defaults to that of the user.
fn password(sources: &PasswordSources, config: &Config) -> Option<String> {
    if sources.password.is_some() {
        return sources.password.clone();
    }
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(folder)) if folder == Path::new(SOCKET_FOLDER) => "localhost".to_owned(),
        Some(Host::Unix(folder)) => folder.display().to_string(),
        None => config.get_hostaddrs().first()?.to_string(),
    };
    let port = config.get_ports().first().copied().unwrap_or(DEFAULT_PORT).to_string();
    let user = config.get_user().map_or_else(whoami::username, |user| Ok(user.to_owned())).ok()?;
    pgpass::read(sources.file.as_deref()?, [&host, &port, config.get_dbname().unwrap_or(&user), &user])
}
