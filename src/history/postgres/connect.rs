//! Connects to PostgreSQL, with TLS wherever the connection leaves this machine.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fs, io};

use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls_platform_verifier::Verifier;
use tokio::task::JoinHandle;
use tokio_postgres::config::{LoadBalanceHosts, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::hosts::{NamedHost, hosts};
use super::operation::{OperationError, Retry, with_timeout};
use super::{certificate, pgpass};
use crate::history::location::{CONNECT_TIMEOUT, ConnectionSettings, SOCKET_FOLDER};
use crate::history::{Access, HistoryError, PasswordSources, PostgresUrl};
use crate::support::tls;

/// How long to wait for the end of a session. A signal leaves little more.
pub(super) const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// How to connect, prepared once for every connection.
pub(super) struct Connector {
    url: PostgresUrl,
    /// In the order in which to try them.
    hosts: Vec<NamedHost>,
    /// What the server must be; the second is tried if no host is the first.
    targets: Vec<TargetSessionAttrs>,
    /// `None` if nothing is encrypted.
    tls: Option<MakeRustlsConnect>,
    reconnect_timeout: Duration,
}

impl Connector {
    /// Reads the settings in the URL, and looks up the password.
    ///
    /// # Errors
    /// When TLS cannot be prepared.
    pub(super) fn new(url: &PostgresUrl, access: Access) -> Result<Connector, HistoryError> {
        let settings = ConnectionSettings::new(url).map_err(|why| HistoryError::new(url, why, "check the address"))?;
        let tls = match settings.config.get_ssl_mode() {
            SslMode::Disable => None,
            _ => Some(MakeRustlsConnect::new(tls_config(settings.root_certificates.as_deref()).map_err(|why| {
                let remedy = "install the system's certificates (ca-certificates), or name a readable sslrootcert";
                HistoryError::new(url, why, remedy)
            })?)),
        };
        let mut hosts = hosts(&settings.config);
        if let Some(sources) = url.password_sources().filter(|_| settings.config.get_password().is_none()) {
            for host in &mut hosts {
                if let Some(password) = password(sources, host) {
                    host.config.password(password);
                }
            }
        }
        let targets = targets(&settings, access, hosts.len());
        Ok(Connector { url: url.clone(), hosts, targets, tls, reconnect_timeout: settings.reconnect_timeout })
    }

    /// Limits the wait for each address of the server. It includes the server's first answers; the limit of the client
    /// library covers TCP only.
    pub(super) fn timeout(&self) -> Duration {
        let timeout = self.hosts.first().and_then(|host| host.config.get_connect_timeout());
        timeout.copied().unwrap_or(CONNECT_TIMEOUT)
    }

    /// How long to try to reach a lost server.
    pub(super) fn reconnect_timeout(&self) -> Duration {
        self.reconnect_timeout
    }

    /// Tries the hosts in turn.
    ///
    /// # Errors
    /// When none can be reached, refuses the user, or is what the URL or a run asks for.
    pub(super) async fn connect(&self) -> Result<Session, OperationError> {
        let mut hosts: Vec<&NamedHost> = self.hosts.iter().collect();
        if hosts.iter().any(|host| host.config.get_load_balance_hosts() == LoadBalanceHosts::Random) {
            fastrand::shuffle(&mut hosts);
        }
        let (mut failures, mut retry) = (Vec::new(), Retry::Never);
        for target in &self.targets {
            failures.clear();
            for host in &hosts {
                match self.connect_to(host, *target).await {
                    Ok(session) => return Ok(session),
                    Err(failed) => {
                        retry = retry.max(failed.retry);
                        failures.push((format!("{}:{}", host.name, host.port), failed.error));
                    }
                }
            }
        }
        let none = || HistoryError::new(&self.url, "it names no host", "check the address");
        Err(OperationError { error: HistoryError::of_hosts(failures).unwrap_or_else(none), retry })
    }

    /// Tries the addresses of a host in turn. They are looked up each time, since a name may move to the server that takes
    /// over.
    async fn connect_to(&self, host: &NamedHost, target: TargetSessionAttrs) -> Result<Session, OperationError> {
        let unknown = |error| OperationError {
            error: HistoryError::new(&self.url, error, "check that the server runs, and that its address is right"),
            retry: Retry::WhenBack,
        };
        let mut failure = None;
        for mut config in host.look_up().await.map_err(unknown)? {
            config.target_session_attrs(target);
            match with_timeout(&self.url, self.timeout(), self.connect_with(&config)).await {
                Ok(session) => return Ok(session),
                Err(failed) => failure = Some(failed),
            }
        }
        Err(failure.unwrap_or_else(|| unknown(io::Error::other("its server's name has no address"))))
    }

    async fn connect_with(&self, config: &Config) -> Result<Session, Error> {
        Ok(match &self.tls {
            None => Session::new(config.connect(NoTls).await?),
            Some(tls) => Session::new(config.connect(tls.clone()).await?),
        })
    }
}

/// What the server must be. Of several, only one takes the writes of a run, and which one changes with time.
fn targets(settings: &ConnectionSettings, access: Access, hosts: usize) -> Vec<TargetSessionAttrs> {
    match settings.config.get_target_session_attrs() {
        TargetSessionAttrs::Any if access != Access::Read && hosts > 1 => vec![TargetSessionAttrs::ReadWrite],
        TargetSessionAttrs::Any if access == Access::Read && settings.prefers_standby => {
            vec![TargetSessionAttrs::ReadOnly, TargetSessionAttrs::Any]
        }
        target => vec![target],
    }
}

pub(super) struct Session {
    pub(super) client: Client,
    /// Sends and receives for the client, and ends when the client is dropped.
    connection: JoinHandle<()>,
    /// Why the connection ended.
    end: Arc<Mutex<Option<Error>>>,
}

impl Session {
    fn new<C>((client, connection): (Client, C)) -> Session
    where
        C: Future<Output = Result<(), Error>> + Send + 'static,
    {
        let end = Arc::new(Mutex::new(None));
        let ended = Arc::clone(&end);
        let connection = tokio::spawn(async move {
            if let Err(error) = connection.await {
                *ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
        });
        Session { client, connection, end }
    }

    /// A client only knows that its connection is closed. The server may have said why.
    pub(super) fn explain(&self, error: Error) -> Error {
        let end = || self.end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if error.is_closed() { end().unwrap_or(error) } else { error }
    }

    /// Drops the connection at once. The client counts as closed then.
    pub(super) fn abort(&self) {
        self.connection.abort();
    }

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

/// The password that PostgreSQL's own programs would use. The name of the database defaults to that of the user.
fn password(sources: &PasswordSources, host: &NamedHost) -> Option<String> {
    if sources.password.is_some() {
        return sources.password.clone();
    }
    let config = &host.config;
    let user = config.get_user().map_or_else(whoami::username, |user| Ok(user.to_owned())).ok()?;
    let (name, port) = (host.name_in_password_file(SOCKET_FOLDER), host.port.to_string());
    pgpass::read(sources.file.as_deref()?, [name, &port, config.get_dbname().unwrap_or(&user), &user])
}
