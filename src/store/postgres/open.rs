//! Opening a database, and bringing its tables up to date.

use tokio_postgres::{Client, Error};

use super::connect::Connector;
use super::{COMMIT_LOCK, STEP, begin, within};
use crate::store::location::PostgresUrl;
use crate::store::{Access, StoreError};

/// Applied in this order; `trendfetch_schema` says how many a database has had.
const MIGRATIONS: &[&str] = &[include_str!("0001.sql")];

/// What a database is like.
struct Found {
    /// Migrations that it has had.
    version: usize,
    is_writable: bool,
    /// Whether the user may write into its tables, or there are none yet.
    may_write: bool,
    /// Its text search configurations.
    search_configs: Vec<String>,
}

/// Opens, and finds out whether the database can be used and, for a run, written. With the
/// connection come the names of its text search configurations.
///
/// # Errors
/// When it cannot.
pub(super) async fn open(
    url: &PostgresUrl,
    connector: &Connector,
    access: Access,
) -> Result<(Client, Vec<String>), StoreError> {
    let connecting = within(url, connector.limit(), connector.connect()).await;
    let mut client = connecting.map_err(|failure| failure.error)?;
    let opening = async {
        let mut found = look(&client).await?;
        let may_create = access == Access::Create && found.is_writable;
        if found.version < MIGRATIONS.len() && (may_create || found.version > 0) {
            found.version = migrate(&mut client).await?;
        }
        Ok(found)
    };
    let found = within(url, STEP, opening).await.map_err(|failure| failure.error)?;
    if found.version > MIGRATIONS.len() {
        return Err(StoreError::newer(url, found.version, MIGRATIONS.len()));
    }
    if access == Access::Create && !found.is_writable {
        return Err(StoreError::new(url, "the server takes no writes", "name the primary, not a standby"));
    }
    if access == Access::Create && !found.may_write {
        return Err(StoreError::new(url, "its user may not write into its tables", "GRANT INSERT, UPDATE and DELETE"));
    }
    if found.version == 0 {
        return Err(StoreError::new(
            url,
            "there is no history in it",
            "a run with --store makes one; check the address",
        ));
    }
    Ok((client, found.search_configs))
}

async fn look(client: &Client) -> Result<Found, Error> {
    let row = client
        .query_one(
            "SELECT to_regclass('trendfetch_schema') IS NOT NULL, current_setting('transaction_read_only') = 'off',
                    (SELECT array_agg(cfgname::text) FROM pg_ts_config WHERE pg_ts_config_is_visible(oid)),
                    coalesce(has_table_privilege(to_regclass('runs'), 'INSERT'), true)",
            &[],
        )
        .await?;
    let version = if row.try_get(0)? { version(client).await? } else { 0 };
    Ok(Found { version, is_writable: row.try_get(1)?, search_configs: row.try_get(2)?, may_write: row.try_get(3)? })
}

async fn version(client: &Client) -> Result<usize, Error> {
    let row = client.query_one("SELECT coalesce(max(version), 0) FROM trendfetch_schema", &[]).await?;
    Ok(usize::try_from(row.try_get::<_, i64>(0)?).unwrap_or(usize::MAX))
}

/// The version that is there in the end.
async fn migrate(client: &mut Client) -> Result<usize, Error> {
    let transaction = begin(client).await?;
    transaction.batch_execute(COMMIT_LOCK).await?;
    transaction.batch_execute("CREATE TABLE IF NOT EXISTS trendfetch_schema (version bigint PRIMARY KEY)").await?;
    // Another process may have been here meanwhile.
    let applied = version(transaction.client()).await?;
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..).skip(applied) {
        transaction.batch_execute(migration).await?;
        transaction.execute("INSERT INTO trendfetch_schema VALUES ($1)", &[&number]).await?;
    }
    transaction.commit().await?;
    Ok(applied.max(MIGRATIONS.len()))
}
