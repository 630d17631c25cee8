//! Which connections may be used again.
//!
//! The HTTP client keeps a pool that has no switch for a single connection, and over HTTP/2 it hands out one that has
//! fallen silent again and again. So a client whose pool holds a bad connection is replaced: what is under way on
//! the old one finishes there, and everything after it connects anew.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// A server that has closed this many connections after an answer without saying so does it always.
const CLOSED_AFTER_ANSWERS: u32 = 3;

/// The longest wait for the first connection. One that takes longer is not waited for, since it may never come.
const FIRST_CONNECTION: Duration = Duration::from_secs(1);

/// From the end of the TLS handshake until an HTTP/2 connection is in the pool: some turns of the runtime.
const POOLING: Duration = Duration::from_millis(2);

/// The clients of a run, of which one is in use.
pub(super) struct Connections<C> {
    build: Box<Build<C>>,
    current: Mutex<Arc<Generation<C>>>,
    /// Local addresses of connections on which an answer has come.
    answered: Mutex<HashSet<SocketAddr>>,
    closed_after_answers: AtomicU32,
}

/// Builds a client that announces its first connection, and keeps connections or not.
type Build<C> = dyn Fn(FirstConnection, bool) -> Result<C, String> + Send + Sync;

/// A client with its pool.
pub(super) struct Generation<C> {
    pub(super) client: C,
    is_begun: AtomicBool,
    first: FirstConnection,
}

/// Whether the first connection is there.
#[derive(Debug, Clone)]
pub(super) struct FirstConnection(Arc<watch::Sender<bool>>);

impl FirstConnection {
    fn new(is_there: bool) -> FirstConnection {
        FirstConnection(Arc::new(watch::Sender::new(is_there)))
    }

    pub(super) fn announce(&self) {
        self.0.send_replace(true);
    }
}

/// Announces the first connection when it is dropped, since a request that has ended opens none any more.
pub(super) struct Opening(FirstConnection);

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.announce();
    }
}

impl<C> Connections<C> {
    /// # Errors
    /// What `build` says.
    pub(super) fn new(
        build: impl Fn(FirstConnection, bool) -> Result<C, String> + Send + Sync + 'static,
    ) -> Result<Connections<C>, String> {
        let build = Box::new(build);
        let first = Generation::new(&*build, true)?;
        Ok(Connections {
            build,
            current: Mutex::new(Arc::new(first)),
            answered: Mutex::default(),
            closed_after_answers: AtomicU32::new(0),
        })
    }

    /// The client for the next request.
    pub(super) fn current(&self) -> Arc<Generation<C>> {
        Arc::clone(&lock(&self.current))
    }

    /// Notes the connection of an answer, by its local address.
    pub(super) fn answered_on(&self, connection: SocketAddr) {
        lock(&self.answered).insert(connection);
    }

    /// Whether an answer has come on this connection.
    pub(super) fn has_answered(&self, connection: SocketAddr) -> bool {
        lock(&self.answered).contains(&connection)
    }

    /// Notes that the server closed a connection after an answer without a word.
    pub(super) fn closed_after_answer(&self) {
        self.closed_after_answers.fetch_add(1, Relaxed);
    }

    /// Leaves all connections of `used`, unless that has been done already.
    pub(super) fn replace(&self, used: &Arc<Generation<C>>) {
        let mut current = lock(&self.current);
        if !Arc::ptr_eq(&current, used) {
            return;
        }
        let keeps = self.closed_after_answers.load(Relaxed) < CLOSED_AFTER_ANSWERS;
        match Generation::new(&*self.build, keeps) {
            Ok(fresh) => *current = Arc::new(fresh),
            // The first one could be built, so this has to do with the machine; the old client still works.
            Err(error) => tracing::debug!(error, "no fresh connections"),
        }
    }
}

impl<C> Generation<C> {
    fn new(build: &Build<C>, keeps: bool) -> Result<Generation<C>, String> {
        let first = FirstConnection::new(false);
        Ok(Generation { client: build(first.clone(), keeps)?, is_begun: AtomicBool::new(false), first })
    }

    /// Lets one request open the first connection and the others wait for it: over HTTP/2 they share it, where each
    /// would open one of its own if all began at once. Over HTTP/1.1 each opens its own afterwards.
    pub(super) async fn enter(&self) -> Option<Opening> {
        if !self.is_begun.swap(true, Relaxed) {
            return Some(Opening(self.first.clone()));
        }
        let mut first = self.first.0.subscribe();
        if !*first.borrow() {
            let is_there = timeout(FIRST_CONNECTION, first.wait_for(|is_there| *is_there)).await.is_ok();
            if is_there {
                sleep(POOLING).await;
            }
        }
        None
    }
}

/// Nothing panics while these are locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
