//! What every operation on the server has in common: a timeout, an error that says whether to try again, and the
//! transaction that runs commit in.

use std::time::Duration;

use tokio_postgres::{Client, Error, IsolationLevel, Transaction};

use super::errors::{explain, retry};
use crate::history::{HistoryError, PostgresUrl};

/// A server that accepts the connection and does not answer is given up after this time.
pub(super) const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);

/// The advisory lock under which tables change and runs commit, one after the other: otherwise, two runs with the same
/// videos could deadlock. Its keys are "TRFD" and the schema of the tables, which is the only one in the search path.
pub(super) const COMMIT_LOCK: &str =
    "SELECT pg_advisory_xact_lock(1414678084, oid::integer) FROM pg_namespace WHERE nspname = current_schema()";

pub(super) struct OperationError {
    pub(super) error: HistoryError,
    pub(super) retry: Retry,
}

/// Whether the same operation may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Retry {
    Never,
    /// A moment later: the server asks for it.
    Soon,
    /// When the server is back, or another one has taken its place.
    WhenBack,
}

impl From<OperationError> for HistoryError {
    fn from(failed: OperationError) -> HistoryError {
        failed.error
    }
}

pub(super) async fn with_timeout<T>(
    url: &PostgresUrl,
    timeout: Duration,
    operation: impl Future<Output = Result<T, Error>>,
) -> Result<T, OperationError> {
    match tokio::time::timeout(timeout, operation).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(OperationError { error: explain(url, &error), retry: retry(&error) }),
        Err(_) => {
            let why = format!("no answer within {} s", timeout.as_secs());
            let error = HistoryError::new(url, why, "check that the server runs, and what keeps it busy");
            Err(OperationError { error, retry: Retry::Never })
        }
    }
}

/// A transaction that sees what others committed while it waited for a lock, whatever the default of the database is.
pub(super) async fn begin(client: &mut Client) -> Result<Transaction<'_>, Error> {
    client.build_transaction().isolation_level(IsolationLevel::ReadCommitted).start().await
}
