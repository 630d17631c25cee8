//! Where a history is, as `--store` and `TRENDFETCH_STORE` name it.

#[cfg(feature = "postgres")]
mod connection_settings;
mod postgres_url;

use std::fmt;
use std::path::PathBuf;

#[cfg(feature = "postgres")]
pub(super) use self::connection_settings::{CONNECT_TIMEOUT, ConnectionSettings, SOCKET_FOLDER};
pub use self::postgres_url::{PasswordSources, PostgresUrl};
use crate::model::error::UsageError;
use crate::support::path::is_object_storage;

/// The place of a history. `Debug` and `Display` leave the password out, and there is no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    Sqlite(SqliteFile),
    Postgres(PostgresUrl),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFile {
    pub path: PathBuf,
    pub journal: JournalMode,
}

/// SQLite's `journal_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMode {
    /// A write-ahead log: readers and a writer do not wait for each other.
    Wal,
    /// A rollback journal, for network folders, which the write-ahead log does not support ("Write-Ahead Logging", §1).
    Delete,
}

impl Location {
    /// Whether a history may be there. A server must be asked.
    pub fn may_exist(&self) -> bool {
        match self {
            Location::Sqlite(file) => file.path.exists(),
            Location::Postgres(_) => true,
        }
    }

    /// Reads a path, a `sqlite:` URL or a `postgres:` URL. `origin` names the option or variable in messages.
    ///
    /// # Errors
    /// When it is none of them, or this build lacks the database. The message does not quote the text, which may
    /// contain a password.
    pub fn parse(text: &str, origin: &str) -> Result<Location, UsageError> {
        let error = |why: &str| UsageError(format!("{origin}: {why}"));
        let text = text.trim();
        let (scheme, rest) = match text.split_once(':') {
            // A scheme has more than one letter; text with a slash before the colon is a path.
            Some((scheme, rest)) if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                (scheme.to_ascii_lowercase(), rest)
            }
            _ => (String::new(), text),
        };
        match scheme.as_str() {
            "sqlite" => sqlite_url(rest).map_err(error),
            "" if is_address(text) && text != MEMORY => Err(error(VALID_FORMS)),
            "" => sqlite(text, JournalMode::Wal).map_err(error),
            "postgres" | "postgresql" if !cfg!(feature = "postgres") => {
                Err(error("this trendfetch was built without PostgreSQL; build it with --features postgres"))
            }
            "postgres" | "postgresql" => PostgresUrl::parse(text).map(Location::Postgres).map_err(error),
            scheme if is_object_storage(scheme) => Err(error(NO_OBJECT_STORAGE)),
            _ => Err(error(VALID_FORMS)),
        }
    }

    /// Whether the address contains a password. As an argument of a program, it is visible to every user of the
    /// machine.
    pub fn has_password(&self) -> bool {
        match self {
            Location::Sqlite(_) => false,
            Location::Postgres(url) => url.has_password(),
        }
    }

    /// Looks for a password in these places if the address has none.
    pub fn with_password_sources(self, sources: PasswordSources) -> Location {
        match self {
            Location::Sqlite(_) => self,
            Location::Postgres(url) => Location::Postgres(url.with_password_sources(sources)),
        }
    }

    /// The same location, valid in any working directory.
    pub fn absolute(&self) -> Location {
        match self {
            Location::Sqlite(file) => {
                let path = std::path::absolute(&file.path).unwrap_or_else(|_| file.path.clone());
                Location::Sqlite(SqliteFile { path, ..file.clone() })
            }
            Location::Postgres(_) => self.clone(),
        }
    }
}

/// SQLite's name for a database without a file.
const MEMORY: &str = ":memory:";

const VALID_FORMS: &str =
    "give a path, sqlite:PATH, or postgres://user@host/database; a path with a colon or an @ begins with ./";

const NO_OBJECT_STORAGE: &str =
    "a history cannot be in object storage; give a path, sqlite:PATH, or postgres://user@host/database";

/// Whether the text looks like an address. Reading it as a path would put a password in it into a file name.
fn is_address(text: &str) -> bool {
    let is_path = text.starts_with(['/', '.']);
    !is_path && (text.contains(':') || text.contains('@') || text.contains("password="))
}

fn sqlite_url(rest: &str) -> Result<Location, &'static str> {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let journal = match parameters {
        "" | "journal_mode=wal" => JournalMode::Wal,
        "journal_mode=delete" => JournalMode::Delete,
        _ => return Err("the only parameter of sqlite: is ?journal_mode=delete, for network folders"),
    };
    // sqlite:///absolute and sqlite://relative are what other programs write.
    sqlite(path.strip_prefix("//").unwrap_or(path), journal)
}

fn sqlite(path: &str, journal: JournalMode) -> Result<Location, &'static str> {
    match path {
        _ if !cfg!(feature = "sqlite") => {
            Err("this trendfetch was built without SQLite; build it with --features sqlite")
        }
        "" => Err("it names no file; give a path such as history.db"),
        MEMORY => Err("a history in memory would be lost at once; give a path such as history.db"),
        path if path.contains("://") && !path.starts_with("./") => Err(VALID_FORMS),
        path if path.ends_with('/') => Err("it names a folder; name a file in it, such as history.db"),
        path => Ok(Location::Sqlite(SqliteFile { path: PathBuf::from(path), journal })),
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Sqlite(file) => file.fmt(f),
            Location::Postgres(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for SqliteFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match self.journal {
            JournalMode::Wal if !is_address(&path.to_string()) => path.fmt(f),
            JournalMode::Wal => write!(f, "sqlite:{path}"),
            JournalMode::Delete => write!(f, "sqlite:{path}?journal_mode=delete"),
        }
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Location, String> {
        Location::parse(text, "--store").map_err(|error| error.to_string())
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn paths_and_sqlite_urls_are_read_and_shown_alike() {
        for (text, path) in [
            ("history.db", "history.db"),
            (" history.db\n", "history.db"),
            ("./a:b.db", "./a:b.db"),
            ("./me@home.db", "./me@home.db"),
            ("./s3://h.db", "./s3://h.db"),
            ("/var/lib/x?y.db", "/var/lib/x?y.db"),
            ("sqlite:history.db", "history.db"),
            ("SQLite:history.db", "history.db"),
            ("sqlite:///var/lib/h.db", "/var/lib/h.db"),
            ("sqlite:/var/lib/h.db?journal_mode=wal", "/var/lib/h.db"),
            ("sqlite:a:b.db", "a:b.db"),
        ] {
            let expected = Location::Sqlite(SqliteFile { path: path.into(), journal: JournalMode::Wal });
            assert_eq!(parse(text), Ok(expected.clone()), "{text}");
            assert_eq!(parse(&expected.to_string()), Ok(expected), "what is shown is read back: {text}");
        }
        let Ok(Location::Sqlite(file)) = parse("sqlite:h.db?journal_mode=delete") else { panic!() };
        assert_eq!(file.journal, JournalMode::Delete);
        for text in [
            "",
            "sqlite:",
            "folder/",
            ":memory:",
            "sqlite::memory:",
            "sqlite:h.db?mode=ro",
            "mysql://h/d",
            "http://h/x",
            "postgre://h/d",
            "postgres:/h/d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        for text in ["s3://bucket/h.db", "S3:/bucket/h.db", "gs://bucket", "az:container"] {
            assert!(parse(text).unwrap_err().contains("object storage"), "{text}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_password_is_never_shown() {
        for text in [
            "postgres://me:canary@db.example.org:5432/trends?sslmode=require",
            "  postgresql://me@db.example.org:5432/trends?password=canary",
            "postgres://me:can%40ary:canary@db.example.org:5432/trends?sslmode=disable&password=canary",
        ] {
            let location = parse(text).unwrap();
            assert!(location.has_password());
            for shown in [format!("{location}"), format!("{location:?}")] {
                assert!(!shown.contains("canary") && shown.contains("me@db.example.org:5432/trends"), "{shown}");
            }
        }
        assert!(!parse("postgres:///trends?host=/run/postgresql").unwrap().has_password());
        for text in [
            "postgres:canary",
            "postgres//me:canary@h/d",
            "postgresql+psycopg2://me:canary@h/d",
            "host=h user=me password=canary",
            "postgres://me:can?canary@h/d",
            "postgres://me:can#canary@h/d",
            "postgres://me:can@ary:canary@h/d",
            "postgres://h/d?sslmode=canary",
            "postgres://h/d?canary=1",
        ] {
            assert!(!parse(text).unwrap_err().contains("canary"), "{text}");
        }
    }
}
