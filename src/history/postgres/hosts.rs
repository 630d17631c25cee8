//! The hosts that a URL names, and their addresses, which the system's resolver looks up.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::Path;

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::support::blocking::run_blocking;

/// The port of a host without one.
const DEFAULT_PORT: u16 = 5432;

/// A host of a URL, and the settings for it alone.
#[derive(Clone)]
pub(super) struct NamedHost {
    pub(super) name: String,
    pub(super) port: u16,
    pub(super) config: Config,
}

/// Returns the hosts in their order.
pub(super) fn hosts(config: &Config) -> Vec<NamedHost> {
    let (hosts, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let host = |nth: usize| {
        let (host, address) = (hosts.get(nth), addresses.get(nth));
        let port = ports.get(nth).or(ports.first()).copied().unwrap_or(DEFAULT_PORT);
        let mut config = without_hosts(config);
        config.port(port);
        if let Some(address) = address {
            config.hostaddr(*address);
        }
        let name = match host {
            Some(Host::Tcp(name)) => {
                config.host(name);
                name.clone()
            }
            Some(Host::Unix(folder)) => {
                config.host_path(folder);
                folder.display().to_string()
            }
            None => address.map(IpAddr::to_string).unwrap_or_default(),
        };
        NamedHost { name, port, config }
    };
    (0..hosts.len().max(addresses.len())).map(host).collect()
}

/// The client library has no way to take a host out of a configuration.
fn without_hosts(config: &Config) -> Config {
    let mut copy = Config::new();
    config.get_user().map(|user| copy.user(user));
    config.get_password().map(|password| copy.password(password));
    config.get_dbname().map(|name| copy.dbname(name));
    config.get_options().map(|options| copy.options(options));
    config.get_application_name().map(|name| copy.application_name(name));
    config.get_connect_timeout().map(|timeout| copy.connect_timeout(*timeout));
    config.get_tcp_user_timeout().map(|timeout| copy.tcp_user_timeout(*timeout));
    config.get_keepalives_interval().map(|interval| copy.keepalives_interval(interval));
    config.get_keepalives_retries().map(|retries| copy.keepalives_retries(retries));
    copy.ssl_mode(config.get_ssl_mode())
        .ssl_negotiation(config.get_ssl_negotiation())
        .keepalives(config.get_keepalives())
        .keepalives_idle(config.get_keepalives_idle())
        .target_session_attrs(config.get_target_session_attrs())
        .channel_binding(config.get_channel_binding())
        .load_balance_hosts(config.get_load_balance_hosts());
    copy
}

impl NamedHost {
    /// What the password file calls it: the default socket's server is localhost.
    pub(super) fn name_in_password_file(&self, socket_folder: &str) -> &str {
        if Path::new(&self.name) == Path::new(socket_folder) { "localhost" } else { &self.name }
    }

    /// Returns the settings once for each address of the host, in order. The client library can look up names itself, but
    /// it panics if no thread can be started.
    ///
    /// # Errors
    /// When the name has no address.
    pub(super) async fn look_up(&self) -> io::Result<Vec<Config>> {
        let is_socket = matches!(self.config.get_hosts().first(), Some(Host::Unix(_)));
        if is_socket || !self.config.get_hostaddrs().is_empty() {
            return Ok(vec![self.config.clone()]);
        }
        let at = |address: IpAddr| {
            let mut config = self.config.clone();
            config.hostaddr(address);
            config
        };
        Ok(addresses(self.name.clone()).await?.into_iter().map(at).collect())
    }
}

async fn addresses(name: String) -> io::Result<Vec<IpAddr>> {
    if let Ok(address) = name.parse() {
        return Ok(vec![address]);
    }
    let mut found: Vec<IpAddr> =
        run_blocking(move || (name, 0).to_socket_addrs()).await?.map(|found| found.ip()).collect();
    found.dedup();
    if found.is_empty() {
        return Err(io::Error::other("its server's name has no address"));
    }
    Ok(found)
}
