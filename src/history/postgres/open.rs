//! Opening a database: whether it can be used, found out before anything is spent, and its tables brought up to date.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::connect::{Connector, Session};
use super::server::{Server, is_shared};
use super::{COMMIT_LOCK, STEP, begin, within};
use crate::history::location::PostgresUrl;
use crate::history::{Access, HistoryError};

/// Applied in this order; `trendfetch_schema` says how many a database has had.
const MIGRATIONS: &[&str] = &[include_str!("0001.sql"), include_str!("0002.sql"), include_str!("0003.sql")];

/// One column, the search path. What is otherwise the role's, the database's or the server's: nobody's lock is waited for without an end; what a run
/// holds that vanished (its machine lost power) the server gives back within a minute or two, not after the two hours
/// that TCP takes by default; no statement and no pause ends the session, and with it the claim of the request; a
/// question for all regions is not compiled first. Only what the server has is set, and of a ban on writing only the
/// role's own.
const CONFIGURE: &str = "
    SELECT set_config(name, value, false)
    FROM pg_settings JOIN (VALUES
        ('lock_timeout', '50s'), ('idle_in_transaction_session_timeout', '90s'), ('tcp_keepalives_idle', '30'),
        ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_session_timeout', '0'), ('jit', 'off'),
        ('default_transaction_read_only', 'off'), ('search_path', $1)
    ) AS ours (name, value) USING (name)
    WHERE name <> 'default_transaction_read_only' OR source IN ('user', 'database user')";

/// A database that will do.
pub(super) struct Opened {
    pub(super) session: Session,
    /// See [`configure`].
    pub(super) search_path: String,
    /// The names of its text search configurations.
    pub(super) search_configs: Vec<String>,
}

/// Opens, and finds out whether the database can be used and, for a run, written.
///
/// # Errors
/// When it cannot.
pub(super) async fn open(url: &PostgresUrl, connector: &Connector, access: Access) -> Result<Opened, HistoryError> {
    let connecting = within(url, connector.limit(), connector.connect()).await;
    let mut session = connecting.map_err(|failure| failure.error)?;
    match prepare(url, connector, &mut session.client, access).await {
        Ok((search_path, search_configs)) => Ok(Opened { session, search_path, search_configs }),
        Err(error) => {
            session.end().await;
            Err(error)
        }
    }
}

async fn prepare(
    url: &PostgresUrl,
    connector: &Connector,
    client: &mut Client,
    access: Access,
) -> Result<(String, Vec<String>), HistoryError> {
    let server = step(url, Server::look(client, access)).await?;
    server.check(url, access)?;
    let is_shared = server.is_pooled() && is_shared(client, connector).await;
    if is_shared && access == Access::Create {
        return Err(HistoryError::new(
            url,
            "a pooler gives its sessions to others after each transaction, so that no lock of a run would hold",
            "name the server itself, or set pool_mode = session in the pooler",
        ));
    }
    let search_path = server.search_path().to_owned();
    // What is set in a session of others would be theirs.
    let configured = async { if is_shared { Ok(()) } else { configure(client, &search_path).await } };
    // Sent together, and done one after the other.
    let read =
        async { tokio::try_join!(biased; configured, version(client, server.has_tables()), search_configs(client)) };
    let ((), mut found, search_configs) = step(url, read).await?;
    if found < MIGRATIONS.len() {
        server.check_migration(url, found, MIGRATIONS.len())?;
        found = step(url, migrate(client)).await?;
    }
    if found > MIGRATIONS.len() {
        return Err(HistoryError::newer(url, found, MIGRATIONS.len()));
    }
    Ok((search_path, search_configs))
}

async fn step<T>(url: &PostgresUrl, step: impl Future<Output = Result<T, Error>>) -> Result<T, HistoryError> {
    within(url, STEP, step).await.map_err(|failure| failure.error)
}

/// Makes the session independent of what others have set, and of other tables with the same names.
pub(super) async fn configure(client: &Client, search_path: &str) -> Result<(), Error> {
    client.query_typed(CONFIGURE, &[(&search_path, Type::TEXT)]).await.map(drop)
}

/// Migrations that the database has had.
async fn version(client: &Client, has_tables: bool) -> Result<usize, Error> {
    if !has_tables {
        return Ok(0);
    }
    let row = client.query_typed_one("SELECT coalesce(max(version), 0) FROM trendfetch_schema", &[]).await?;
    Ok(usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX))
}

async fn search_configs(client: &Client) -> Result<Vec<String>, Error> {
    let sql = "SELECT array_agg(cfgname::text) FROM pg_ts_config WHERE pg_ts_config_is_visible(oid)";
    client.query_typed_one(sql, &[]).await?.try_get(0)
}

/// The version that is there in the end.
async fn migrate(client: &mut Client) -> Result<usize, Error> {
    let transaction = begin(client).await?;
    transaction.batch_execute(COMMIT_LOCK).await?;
    transaction.batch_execute("CREATE TABLE IF NOT EXISTS trendfetch_schema (version bigint PRIMARY KEY)").await?;
    // Another process may have been here meanwhile.
    let applied = version(transaction.client(), true).await?;
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..).skip(applied) {
        transaction.batch_execute(migration).await?;
        transaction.execute("INSERT INTO trendfetch_schema VALUES ($1)", &[&number]).await?;
    }
    transaction.commit().await?;
    Ok(applied.max(MIGRATIONS.len()))
}
