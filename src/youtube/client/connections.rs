//! Decides which connections may be used again.
//!
//! reqwest's pool cannot drop a single connection, and over HTTP/2 it keeps handing out one that has stopped
//! responding. So a client whose pool holds a bad connection is replaced: requests in flight on it finish there, and
//! later ones connect anew.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A server that has silently closed this many connections after a response is assumed to close every one.
const MAX_SILENT_CLOSES: u32 = 3;

/// The longest wait for the first connection, which may never open.
const FIRST_CONNECTION_TIMEOUT: Duration = Duration::from_secs(1);

/// From the end of the TLS handshake until an HTTP/2 connection is in the pool, which takes a few turns of the runtime.
const POOLING_DELAY: Duration = Duration::from_millis(2);

/// The current HTTP client of a run, and what is known about its connections.
pub(super) struct Connections<C> {
    build: Box<BuildClient<C>>,
    current: Mutex<Arc<PooledClient<C>>>,
    /// Local addresses of connections on which a response has arrived.
    responded: Mutex<HashSet<SocketAddr>>,
    silent_closes: AtomicU32,
}

/// Builds a client that signals its first connection, and that keeps idle connections if the flag is set.
type BuildClient<C> = dyn Fn(FirstConnection, bool) -> Result<C, String> + Send + Sync;

/// A client with its connection pool.
pub(super) struct PooledClient<C> {
    pub(super) client: C,
    /// Whether a request has begun to open the first connection.
    is_opening: AtomicBool,
    first: FirstConnection,
}

/// Signals that the first connection is open.
#[derive(Debug, Clone)]
pub(super) struct FirstConnection(Arc<watch::Sender<bool>>);

impl FirstConnection {
    fn new() -> FirstConnection {
        FirstConnection(Arc::new(watch::Sender::new(false)))
    }

    pub(super) fn signal(&self) {
        self.0.send_replace(true);
    }
}

/// Held by the request that opens the first connection. Signals when dropped, so that the others do not wait for a
/// request that has ended without a connection.
pub(super) struct OpeningGuard(FirstConnection);

impl Drop for OpeningGuard {
    fn drop(&mut self) {
        self.0.signal();
    }
}

impl<C> Connections<C> {
    /// Builds the first client.
    ///
    /// # Errors
    /// The error of `build`.
    pub(super) fn new(
        build: impl Fn(FirstConnection, bool) -> Result<C, String> + Send + Sync + 'static,
    ) -> Result<Connections<C>, String> {
        let build = Box::new(build);
        let client = PooledClient::new(&*build, true)?;
        Ok(Connections {
            build,
            current: Mutex::new(Arc::new(client)),
            responded: Mutex::default(),
            silent_closes: AtomicU32::new(0),
        })
    }

    /// The client for the next request.
    pub(super) fn current(&self) -> Arc<PooledClient<C>> {
        Arc::clone(&lock(&self.current))
    }

    /// Notes that a response has arrived on the connection with this local address.
    pub(super) fn note_response(&self, connection: SocketAddr) {
        lock(&self.responded).insert(connection);
    }

    pub(super) fn has_responded(&self, connection: SocketAddr) -> bool {
        lock(&self.responded).contains(&connection)
    }

    /// Notes that the server closed a connection after a response without announcing it.
    pub(super) fn note_silent_close(&self) {
        self.silent_closes.fetch_add(1, Relaxed);
    }

    /// Replaces `used` and so abandons its connections, unless it has been replaced already.
    pub(super) fn replace(&self, used: &Arc<PooledClient<C>>) {
        let mut current = lock(&self.current);
        if !Arc::ptr_eq(&current, used) {
            return;
        }
        let keeps_idle = self.silent_closes.load(Relaxed) < MAX_SILENT_CLOSES;
        match PooledClient::new(&*self.build, keeps_idle) {
            Ok(client) => *current = Arc::new(client),
            // The first client could be built, so the cause is this machine. The old client still works.
            Err(error) => tracing::debug!(error, "no fresh connections"),
        }
    }
}

impl<C> PooledClient<C> {
    fn new(build: &BuildClient<C>, keeps_idle: bool) -> Result<PooledClient<C>, String> {
        let first = FirstConnection::new();
        Ok(PooledClient { client: build(first.clone(), keeps_idle)?, is_opening: AtomicBool::new(false), first })
    }

    /// Lets one request open the first connection while the others wait: over HTTP/2 they share it, whereas each would
    /// open its own if all began at once. Over HTTP/1.1 each opens its own afterwards.
    pub(super) async fn wait_for_first_connection(&self) -> Option<OpeningGuard> {
        if !self.is_opening.swap(true, Relaxed) {
            return Some(OpeningGuard(self.first.clone()));
        }
        let mut first = self.first.0.subscribe();
        if !*first.borrow() {
            let is_open = timeout(FIRST_CONNECTION_TIMEOUT, first.wait_for(|is_open| *is_open)).await.is_ok();
            if is_open {
                sleep(POOLING_DELAY).await;
            }
        }
        None
    }
}

/// Nothing panics while these are locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
