//! Checks that the server, the database and the role can be used as a history.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::connect::Connector;
use crate::history::{Access, HistoryError, PostgresUrl};

/// The privileges that a run needs on each table.
const PRIVILEGES: [(&str, &[&str]); 10] = [
    ("trendfetch_schema", &["SELECT"]),
    ("runs", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("region_results", &["SELECT", "INSERT", "DELETE"]),
    ("left_old", &["SELECT", "INSERT", "DELETE"]),
    ("videos", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("places_rows", &["SELECT", "INSERT", "DELETE"]),
    ("counts_rows", &["SELECT", "INSERT", "DELETE"]),
    ("presence", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("categories", &["SELECT", "INSERT", "UPDATE"]),
    ("regions", &["SELECT", "INSERT", "UPDATE"]),
];

/// Parameters: lists of tables and of the privileges that are needed on them. Names come quoted, ready for a statement.
const SERVER_INFO: &str = "
    WITH history AS (
        SELECT nspname, pg_get_userbyid(relowner) AS owner, pg_has_role(relowner, 'USAGE') AS is_ours
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE pg_class.oid = to_regclass('trendfetch_schema')
    )
    SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS is_standby,
           current_setting('transaction_read_only') = 'on'
               AND (SELECT source NOT IN ('user', 'database user') FROM pg_settings
                    WHERE name = 'default_transaction_read_only') AS is_read_only,
           (SELECT source <> 'client' FROM pg_settings WHERE name = 'application_name') AS is_pooled,
           quote_ident(current_user) AS role, quote_ident(current_database()) AS database,
           (SELECT quote_ident(owner) FROM history) AS owner,
           coalesce((SELECT is_ours FROM history), false) AS is_owner,
           quote_ident(coalesce((SELECT nspname FROM history), current_schema())) AS schema,
           has_database_privilege(current_database(), 'TEMPORARY') AS may_use_temporary,
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
           ARRAY(SELECT privilege
                 FROM history, unnest($1::text[], $2::text[]) WITH ORDINALITY AS needed (name, privilege, nth)
                 WHERE NOT has_table_privilege(to_regclass(format('%I.%I', nspname, name)), privilege)
                 GROUP BY privilege ORDER BY min(nth)) AS missing_privileges";

pub(super) struct ServerInfo {
    encoding: String,
    is_standby: bool,
    /// By a setting of the database or the server, not of the role.
    is_read_only: bool,
    /// Whether a pooler opened the session. A pooler sets the name of the application afterwards.
    is_pooled: bool,
    role: String,
    database: String,
    /// Owner of the tables; `None` if there are no tables.
    owner: Option<String>,
    is_owner: bool,
    /// Where the tables are or would be created; `None` if the search path names no usable schema.
    schema: Option<String>,
    may_use_temporary: bool,
    may_create: bool,
    /// Privileges that the role lacks on some table that needs them.
    missing_privileges: Vec<String>,
}

impl ServerInfo {
    pub(super) async fn query(client: &Client, access: Access) -> Result<ServerInfo, Error> {
        let is_needed = |privilege: &str| match access {
            Access::Create => true,
            Access::Modify => privilege != "INSERT",
            Access::Read => privilege == "SELECT",
        };
        let all = PRIVILEGES.iter().flat_map(|(table, names)| names.iter().map(move |privilege| (*table, *privilege)));
        let (tables, privileges): (Vec<&str>, Vec<&str>) = all.filter(|(_, privilege)| is_needed(privilege)).unzip();
        let parameters = [(&tables as _, Type::TEXT_ARRAY), (&privileges as _, Type::TEXT_ARRAY)];
        ServerInfo::from_row(&client.query_typed_one(SERVER_INFO, &parameters).await?)
    }

    fn from_row(row: &Row) -> Result<ServerInfo, Error> {
        Ok(ServerInfo {
            encoding: row.try_get("encoding")?,
            is_standby: row.try_get("is_standby")?,
            is_read_only: row.try_get("is_read_only")?,
            is_pooled: row.try_get("is_pooled")?,
            role: row.try_get("role")?,
            database: row.try_get("database")?,
            owner: row.try_get("owner")?,
            is_owner: row.try_get("is_owner")?,
            schema: row.try_get("schema")?,
            may_use_temporary: row.try_get("may_use_temporary")?,
            may_create: row.try_get("may_create")?,
            missing_privileges: row.try_get("missing_privileges")?,
        })
    }

    pub(super) fn has_tables(&self) -> bool {
        self.owner.is_some()
    }

    pub(super) fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// The search path that leads to these tables and no others.
    pub(super) fn search_path(&self) -> &str {
        self.schema.as_deref().unwrap_or_default()
    }

    /// Checks the server, the database and the role.
    ///
    /// # Errors
    /// When they cannot be used for this access.
    pub(super) fn check(&self, url: &PostgresUrl, access: Access) -> Result<(), HistoryError> {
        let refuse = |why: String, remedy: String| Err(HistoryError::new(url, why, remedy));
        let ServerInfo { encoding, role, database, .. } = self;
        if access == Access::Create && encoding != "UTF8" {
            let why = format!("its encoding is {encoding}, and titles need UTF8");
            return refuse(why, "make another: CREATE DATABASE name TEMPLATE template0 ENCODING 'UTF8'".into());
        }
        if access != Access::Read && self.is_standby {
            return refuse("the server takes no writes".into(), "name the primary, not a standby".into());
        }
        if access != Access::Read && self.is_read_only {
            let why = "the server takes no writes, since default_transaction_read_only is on";
            let remedy = format!("turn it off (ALTER DATABASE {database} SET default_transaction_read_only = off)");
            return refuse(why.into(), remedy);
        }
        if !self.has_tables() {
            return self.check_new_schema(url, access);
        }
        let mut missing: Vec<&str> = self.missing_privileges.iter().map(String::as_str).collect();
        let mut remedies = Vec::new();
        if let (Some(schema), false) = (&self.schema, missing.is_empty()) {
            remedies.push(format!("GRANT {} ON ALL TABLES IN SCHEMA {schema} TO {role}", missing.join(", ")));
        }
        if access == Access::Create && !self.may_use_temporary {
            missing.push("TEMPORARY");
            remedies.push(format!("GRANT TEMPORARY ON DATABASE {database} TO {role}"));
        }
        if missing.is_empty() {
            return Ok(());
        }
        refuse(format!("its user {role} lacks these rights: {}", missing.join(", ")), remedies.join(" and "))
    }

    /// Checks that the tables can be created.
    fn check_new_schema(&self, url: &PostgresUrl, access: Access) -> Result<(), HistoryError> {
        let role = &self.role;
        let (why, remedy) = match &self.schema {
            _ if access != Access::Create => {
                let remedy = "a run with --store makes one; check the address";
                ("there is no history in it".to_owned(), remedy.to_owned())
            }
            None => (
                format!("its search path names no schema that its user {role} may use"),
                "CREATE SCHEMA or GRANT USAGE ON SCHEMA, or correct the search_path".to_owned(),
            ),
            Some(schema) if !self.may_create => (
                format!("its user {role} may not make tables in its schema {schema}"),
                format!("GRANT CREATE ON SCHEMA {schema} TO {role}"),
            ),
            Some(_) if !self.may_use_temporary => (
                format!("its user {role} lacks these rights: TEMPORARY"),
                format!("GRANT TEMPORARY ON DATABASE {} TO {role}", self.database),
            ),
            Some(_) => return Ok(()),
        };
        Err(HistoryError::new(url, why, remedy))
    }

    /// Checks that tables of version `from` can be migrated to version `to`.
    ///
    /// # Errors
    /// When this role, or this server, cannot bring tables of an older version up to date.
    pub(super) fn check_migration(&self, url: &PostgresUrl, from: usize, to: usize) -> Result<(), HistoryError> {
        if !self.has_tables() || (self.is_owner && !self.is_standby && !self.is_read_only) {
            return Ok(());
        }
        let owner = self.owner.as_deref().unwrap_or_default();
        Err(HistoryError::new(
            url,
            format_args!("its tables are version {from}, and this trendfetch brings them to version {to} first"),
            format!("open it once as their owner, {owner}, with any command"),
        ))
    }
}

/// Whether a pooler gives the session to other clients between transactions. Without that, the session stays on the same
/// server process while another client keeps a transaction open.
pub(super) async fn is_shared(client: &Client, connector: &Connector) -> bool {
    let Ok(other) = connector.connect().await else { return false };
    let compare = async {
        let ours = process(client).await?;
        other.client.batch_execute("BEGIN").await?;
        Ok::<bool, Error>(process(&other.client).await? == ours || process(client).await? != ours)
    };
    // A pooler that has no session left for the other client does not share this one.
    let is_shared = match tokio::time::timeout(connector.timeout(), compare).await {
        Ok(compared) => compared.unwrap_or(true),
        Err(_) => false,
    };
    other.close().await;
    is_shared
}

/// The server process of the session.
async fn process(client: &Client) -> Result<i32, Error> {
    client.query_typed_one("SELECT pg_backend_pid() AS process", &[]).await?.try_get("process")
}
