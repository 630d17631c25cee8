//! Looks up the addresses of a server's names, with the system's resolver.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};

use tokio_postgres::Config;
use tokio_postgres::config::Host;

use crate::support::blocking::run_blocking;

/// Returns the configuration once for each address of its hosts, in order. The client library can look up names itself,
/// but it panics if no thread can be started.
///
/// # Errors
/// When a name has no address.
pub(super) async fn look_up(config: &Config) -> io::Result<Vec<Config>> {
    let hosts = config.get_hosts();
    // A socket has no address, and the library wants an address for every host or for none.
    if !config.get_hostaddrs().is_empty() || hosts.iter().any(|host| matches!(host, Host::Unix(_))) {
        return Ok(vec![config.clone()]);
    }
    let mut found = Vec::new();
    for host in hosts {
        if let Host::Tcp(name) = host {
            found.push(addresses(name.clone()).await?);
        }
    }
    let count = found.iter().map(Vec::len).max().unwrap_or(0);
    let nth = |nth: usize| {
        let mut config = config.clone();
        found.iter().filter_map(|found| found.get(nth).or(found.last())).for_each(|address| {
            config.hostaddr(*address);
        });
        config
    };
    Ok((0..count).map(nth).collect())
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
