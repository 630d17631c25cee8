//! Opens a database, checks that it can be used before any quota is spent, and brings its tables up to date.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error};

use super::connect::{Connector, Session};
use super::migrations::MIGRATIONS;
use super::operation::{COMMIT_LOCK, OPERATION_TIMEOUT, begin, with_timeout};
use super::server::{ServerInfo, is_shared};
use super::write::upsert_names;
use crate::history::names::Names;
use crate::history::{Access, HistoryError, PostgresUrl};

/// Overrides settings that the role, the database or the server may have. Parameter: the search path.
///
/// - Waits for locks are limited.
/// - When a machine loses power, the server releases its locks within a minute or two; by default TCP takes two hours.
/// - No timeout of a statement or of an idle session ends the session, and with it the lock of the request.
/// - A query for all regions is not compiled first (`jit`).
/// - A read-only default is lifted if it was set for the role, but not if it was set for the database or the server.
///
/// Settings that an older server does not have are left out.
const CONFIGURE: &str = "
    SELECT set_config(name, value, false)
    FROM pg_settings JOIN (VALUES
        ('lock_timeout', '50s'), ('idle_in_transaction_session_timeout', '90s'), ('tcp_keepalives_idle', '30'),
        ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_session_timeout', '0'), ('jit', 'off'),
        ('default_transaction_read_only', 'off'), ('search_path', $1)
    ) AS ours (name, value) USING (name)
    WHERE name <> 'default_transaction_read_only' OR source IN ('user', 'database user')";

pub(super) struct OpenedDatabase {
    pub(super) session: Session,
    /// See [`configure`].
    pub(super) search_path: String,
    /// The text search configurations that the server has.
    pub(super) search_configs: Vec<String>,
}

/// Connects, checks the database, and migrates its tables if needed.
///
/// # Errors
/// When the database cannot be used for this access.
pub(super) async fn open(
    url: &PostgresUrl,
    connector: &Connector,
    access: Access,
) -> Result<OpenedDatabase, HistoryError> {
    let mut session = connector.connect().await?;
    match prepare(url, connector, &mut session.client, access).await {
        Ok((search_path, search_configs)) => Ok(OpenedDatabase { session, search_path, search_configs }),
        Err(error) => {
            session.close().await;
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
    let server = with_timeout(url, OPERATION_TIMEOUT, ServerInfo::query(client, access)).await?;
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
    // In a shared session, the settings would be those of others too.
    let configured = async { if is_shared { Ok(()) } else { configure(client, &search_path).await } };
    // Sent together; the server executes them in this order.
    let queries =
        async { tokio::try_join!(biased; configured, version(client, server.has_tables()), search_configs(client)) };
    let ((), mut found, search_configs) = with_timeout(url, OPERATION_TIMEOUT, queries).await?;
    if found < MIGRATIONS.len() {
        server.check_migration(url, found, MIGRATIONS.len())?;
        found = with_timeout(url, OPERATION_TIMEOUT, migrate(client)).await?;
    }
    if found > MIGRATIONS.len() {
        return Err(HistoryError::newer_version(url, found, MIGRATIONS.len()));
    }
    Ok((search_path, search_configs))
}

/// Makes the session independent of settings that others have made, and of tables with the same names in other schemas.
pub(super) async fn configure(client: &Client, search_path: &str) -> Result<(), Error> {
    client.query_typed(CONFIGURE, &[(&search_path, Type::TEXT)]).await.map(drop)
}

/// How many migrations the database has.
async fn version(client: &Client, has_tables: bool) -> Result<usize, Error> {
    if !has_tables {
        return Ok(0);
    }
    let row = client.query_typed_one("SELECT coalesce(max(version), 0) AS version FROM trendfetch_schema", &[]).await?;
    Ok(usize::try_from(row.try_get::<_, i64>("version")?).unwrap_or(usize::MAX))
}

async fn search_configs(client: &Client) -> Result<Vec<String>, Error> {
    let sql = "SELECT array_agg(cfgname::text) AS names FROM pg_ts_config WHERE pg_ts_config_is_visible(oid)";
    client.query_typed_one(sql, &[]).await?.try_get("names")
}

/// Applies the missing migrations, and returns the version of the tables after that.
async fn migrate(client: &mut Client) -> Result<usize, Error> {
    let transaction = begin(client).await?;
    transaction.batch_execute(COMMIT_LOCK).await?;
    transaction.batch_execute("CREATE TABLE IF NOT EXISTS trendfetch_schema (version bigint PRIMARY KEY)").await?;
    // Another process may have migrated it since.
    let applied = version(transaction.client(), true).await?;
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..).skip(applied) {
        transaction.batch_execute(migration).await?;
        transaction.execute("INSERT INTO trendfetch_schema VALUES ($1)", &[&number]).await?;
    }
    upsert_names(&transaction, &Names::known()).await?;
    transaction.commit().await?;
    Ok(applied.max(MIGRATIONS.len()))
}
