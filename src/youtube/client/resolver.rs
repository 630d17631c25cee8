//! Looks up host names.

use std::net::ToSocketAddrs;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::support::blocking::run_blocking;

/// Calls `getaddrinfo` like reqwest's own resolver, which panics if no thread can be started.
#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let addresses = run_blocking(move || (name.as_str(), 0).to_socket_addrs()).await?;
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
