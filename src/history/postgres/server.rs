//! What a server, a database and a role are like, and whether they will do.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Row};

use super::connect::Connector;
use crate::history::location::PostgresUrl;
use crate::history::{Access, HistoryError};

/// What a run does with each table.
const WRITES: [(&str, &[&str]); 8] = [
    ("trendfetch_schema", &["SELECT"]),
    ("runs", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("run_regions", &["SELECT", "INSERT", "DELETE"]),
    ("left_old", &["SELECT", "INSERT", "DELETE"]),
    ("videos", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    ("places", &["SELECT", "INSERT", "DELETE"]),
    ("counts", &["SELECT", "INSERT", "DELETE"]),
    ("presence", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
];

/// One row: lists of tables and of the rights that are needed on them. Names come quoted, as a statement has them.
const LOOK: &str = "
    WITH history AS (
        SELECT nspname, pg_get_userbyid(relowner) AS owner, pg_has_role(relowner, 'USAGE') AS is_ours
        FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE pg_class.oid = to_regclass('trendfetch_schema')
    )
    SELECT current_setting('server_encoding'), pg_is_in_recovery(),
           current_setting('transaction_read_only') = 'on'
               AND (SELECT source NOT IN ('user', 'database user') FROM pg_settings
                    WHERE name = 'default_transaction_read_only'),
           (SELECT source <> 'client' FROM pg_settings WHERE name = 'application_name'),
           quote_ident(current_user), quote_ident(current_database()),
           (SELECT quote_ident(owner) FROM history), coalesce((SELECT is_ours FROM history), false),
           quote_ident(coalesce((SELECT nspname FROM history), current_schema())),
           has_database_privilege(current_database(), 'TEMPORARY'),
           coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
           ARRAY(SELECT privilege
                 FROM history, unnest($1::text[], $2::text[]) WITH ORDINALITY AS needed (name, privilege, nth)
                 WHERE NOT has_table_privilege(to_regclass(format('%I.%I', nspname, name)), privilege)
                 GROUP BY privilege ORDER BY min(nth))";

/// What was found.
pub(super) struct Server {
    encoding: String,
    is_standby: bool,
    /// By a setting that is not the role's own.
    is_read_only: bool,
    /// Whether something stands between that opened the session on our behalf: it gives the server our name later.
    is_pooled: bool,
    role: String,
    database: String,
    /// Of the tables, where they are there.
    owner: Option<String>,
    is_owner: bool,
    /// Where the tables are, or would be made; `None` where there is no place for them.
    schema: Option<String>,
    may_use_temporary: bool,
    may_create: bool,
    /// Rights that the role has not on every table that needs them.
    lacks: Vec<String>,
}

impl Server {
    pub(super) async fn look(client: &Client, access: Access) -> Result<Server, Error> {
        let is_needed = |right: &&str| match access {
            Access::Create => true,
            Access::Existing => *right != "INSERT",
            Access::Read => *right == "SELECT",
        };
        let rights = |rights: &[&'static str]| rights.iter().copied().filter(is_needed).collect::<Vec<_>>();
        let needed = WRITES.iter().flat_map(|(table, of)| rights(of).into_iter().map(|right| (*table, right)));
        let (tables, rights): (Vec<&str>, Vec<&str>) = needed.unzip();
        let row = client.query_typed_one(LOOK, &[(&tables, Type::TEXT_ARRAY), (&rights, Type::TEXT_ARRAY)]).await?;
        Server::of(&row)
    }

    fn of(row: &Row) -> Result<Server, Error> {
        Ok(Server {
            encoding: row.try_get(0)?,
            is_standby: row.try_get(1)?,
            is_read_only: row.try_get(2)?,
            is_pooled: row.try_get(3)?,
            role: row.try_get(4)?,
            database: row.try_get(5)?,
            owner: row.try_get(6)?,
            is_owner: row.try_get(7)?,
            schema: row.try_get(8)?,
            may_use_temporary: row.try_get(9)?,
            may_create: row.try_get(10)?,
            lacks: row.try_get(11)?,
        })
    }

    pub(super) fn has_tables(&self) -> bool {
        self.owner.is_some()
    }

    /// Whether a pooler has opened the session.
    pub(super) fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// The search path under which all that is done is done with the tables that were found.
    pub(super) fn search_path(&self) -> &str {
        self.schema.as_deref().unwrap_or_default()
    }

    /// # Errors
    /// Where it will not do for what it is opened for.
    pub(super) fn check(&self, url: &PostgresUrl, access: Access) -> Result<(), HistoryError> {
        let refuse = |why: String, remedy: String| Err(HistoryError::new(url, why, remedy));
        let Server { encoding, role, database, .. } = self;
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
            return self.check_place(url, access);
        }
        let mut lacks: Vec<&str> = self.lacks.iter().map(String::as_str).collect();
        let mut remedies = Vec::new();
        if let (Some(schema), false) = (&self.schema, lacks.is_empty()) {
            remedies.push(format!("GRANT {} ON ALL TABLES IN SCHEMA {schema} TO {role}", lacks.join(", ")));
        }
        if access == Access::Create && !self.may_use_temporary {
            lacks.push("TEMPORARY");
            remedies.push(format!("GRANT TEMPORARY ON DATABASE {database} TO {role}"));
        }
        if lacks.is_empty() {
            return Ok(());
        }
        refuse(format!("its user {role} lacks these rights: {}", lacks.join(", ")), remedies.join(" and "))
    }

    /// Where there are no tables yet.
    fn check_place(&self, url: &PostgresUrl, access: Access) -> Result<(), HistoryError> {
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

    /// # Errors
    /// Where tables of an older version cannot be brought up to date by this role, or in this place.
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

/// Whether a session that a pooler opened belongs to others as well, from one transaction to the next. While another
/// client keeps a transaction open, a session of one's own stays the same.
pub(super) async fn is_shared(client: &Client, connector: &Connector) -> bool {
    let Ok(other) = connector.connect().await else { return false };
    let compare = async {
        let ours = process(client).await?;
        other.client.batch_execute("BEGIN").await?;
        Ok::<bool, Error>(process(&other.client).await? == ours || process(client).await? != ours)
    };
    // One that has no session left for the other gives this one to nobody else.
    let is_shared = match tokio::time::timeout(connector.limit(), compare).await {
        Ok(compared) => compared.unwrap_or(true),
        Err(_) => false,
    };
    other.end().await;
    is_shared
}

/// The process on the server that answers.
async fn process(client: &Client) -> Result<i32, Error> {
    client.query_typed_one("SELECT pg_backend_pid()", &[]).await?.try_get(0)
}
