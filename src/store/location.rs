//! What `--store` and `TRENDFETCH_STORE` say.

use std::fmt;
use std::path::PathBuf;

use crate::error::UsageError;

/// Where a history is. No `Serialize`; `Debug` and `Display` leave the password out.
#[derive(Clone, PartialEq, Eq)]
pub enum Location {
    /// A file of SQLite.
    Sqlite(SqliteFile),
    /// A database of a PostgreSQL server.
    Postgres(PostgresUrl),
}

/// A path, and how its changes are logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteFile {
    /// The file.
    pub path: PathBuf,
    /// How.
    pub journal: Journal,
}

/// SQLite's `journal_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Journal {
    /// A write-ahead log: readers and a writer do not wait for each other.
    Wal,
    /// A rollback journal, for network folders, where SQLite forbids the other ("Write-Ahead Logging", §1).
    Delete,
}

/// A URL as libpq reads it. It may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// Parameters of a URL that may be shown; any other, a password among them, may not.
const HARMLESS: [&str; 6] = ["host=", "hostaddr=", "port=", "user=", "dbname=", "ssl"];

impl PostgresUrl {
    /// The URL with its password.
    #[cfg(feature = "postgres")]
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// The URL without its password.
    fn without_password(&self) -> String {
        let (bare, parameters) = self.0.split_once('?').unwrap_or((&self.0, ""));
        let mut shown = match bare.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (login, place))) => {
                format!("{scheme}://{}@{place}", login.split(':').next().unwrap_or_default())
            }
            None => bare.to_owned(),
        };
        let harmless = parameters.split('&').filter(|pair| HARMLESS.iter().any(|name| pair.starts_with(name)));
        for (index, pair) in harmless.enumerate() {
            shown.push(if index == 0 { '?' } else { '&' });
            shown.push_str(pair);
        }
        shown
    }
}

impl Location {
    /// Reads a path, a `sqlite:` URL or a `postgres:` URL, found in `origin`.
    ///
    /// # Errors
    /// When it is none of them, or this build lacks the engine. The sentence never holds the text.
    pub fn parse(text: &str, origin: &str) -> Result<Location, UsageError> {
        let wrong = |why: &str| UsageError(format!("{origin}: {why}"));
        let (scheme, rest) = match text.split_once(':') {
            // One letter is no scheme, and a slash before the colon makes it a path.
            Some((scheme, rest)) if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                (scheme.to_ascii_lowercase(), rest)
            }
            _ => (String::new(), text),
        };
        match scheme.as_str() {
            "" | "sqlite" => sqlite(rest, !scheme.is_empty()).map_err(|why| wrong(&why)),
            "postgres" | "postgresql" if !cfg!(feature = "postgres") => {
                Err(wrong("this trendfetch was built without PostgreSQL; build it with --features postgres"))
            }
            "postgres" | "postgresql" if !rest.starts_with("//") => {
                Err(wrong("not an address of PostgreSQL; write postgres://user@host/database"))
            }
            "postgres" | "postgresql" => {
                let url = PostgresUrl(text.to_owned());
                #[cfg(feature = "postgres")]
                super::postgres::check(&url).map_err(wrong)?;
                Ok(Location::Postgres(url))
            }
            _ => Err(wrong(
                "give a path, sqlite:PATH, or postgres://user@host/database; a path with a colon begins with ./",
            )),
        }
    }

    /// Whether the text itself holds a password, which an argument list would show to every user of
    /// the machine.
    pub fn holds_password(&self) -> bool {
        match self {
            Location::Sqlite(_) => false,
            Location::Postgres(url) => {
                let login = url.0.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
                login.is_some_and(|(login, _)| login.contains(':')) || url.0.contains("password=")
            }
        }
    }
}

fn sqlite(text: &str, is_url: bool) -> Result<Location, String> {
    if !cfg!(feature = "sqlite") {
        return Err("this trendfetch was built without SQLite; build it with --features sqlite".into());
    }
    let (path, parameters) = match text.split_once('?') {
        Some((path, parameters)) if is_url => (path, parameters),
        _ => (text, ""),
    };
    let journal = match parameters {
        "" | "journal_mode=wal" => Journal::Wal,
        "journal_mode=delete" => Journal::Delete,
        _ => return Err("the one parameter that sqlite: takes is ?journal_mode=delete, for network folders".into()),
    };
    // sqlite:///absolute and sqlite://relative are what other programs write.
    let path = if is_url { path.strip_prefix("//").unwrap_or(path) } else { path };
    match path {
        "" => Err("it names no file; give a path such as history.db".into()),
        ":memory:" => Err("a history in memory would be gone at once; give a path such as history.db".into()),
        path if path.ends_with('/') => Err("it names a folder; name a file in it, such as history.db".into()),
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
        match self.journal {
            Journal::Wal => self.path.display().fmt(f),
            Journal::Delete => write!(f, "sqlite:{}?journal_mode=delete", self.path.display()),
        }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.without_password())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
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
    fn paths_and_sqlite_urls() {
        for (text, path) in [
            ("history.db", "history.db"),
            ("./a:b.db", "./a:b.db"),
            ("/var/lib/x?y.db", "/var/lib/x?y.db"),
            ("sqlite:history.db", "history.db"),
            ("SQLite:history.db", "history.db"),
            ("sqlite:///var/lib/h.db", "/var/lib/h.db"),
            ("sqlite:/var/lib/h.db?journal_mode=wal", "/var/lib/h.db"),
        ] {
            let expected = SqliteFile { path: path.into(), journal: Journal::Wal };
            assert_eq!(parse(text), Ok(Location::Sqlite(expected)), "{text}");
        }
        let Ok(Location::Sqlite(file)) = parse("sqlite:h.db?journal_mode=delete") else { panic!() };
        assert_eq!(file.journal, Journal::Delete);
        for text in [
            "",
            "sqlite:",
            "folder/",
            ":memory:",
            "sqlite::memory:",
            "sqlite:h.db?mode=ro",
            "mysql://h/d",
            "http://h/x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_password_shows_nowhere() {
        for text in [
            "postgres://me:canary@db.example.org:5432/trends?sslmode=require",
            "postgresql://me@db.example.org:5432/trends?password=canary",
            "postgres://me:can%40ary:canary@db.example.org:5432/trends?sslmode=disable&password=canary",
        ] {
            let location = parse(text).unwrap();
            assert!(location.holds_password());
            for shown in [format!("{location}"), format!("{location:?}")] {
                assert!(!shown.contains("canary") && shown.contains("me@db.example.org:5432/trends"), "{shown}");
            }
        }
        assert!(!parse("postgres:///trends?host=/run/postgresql").unwrap().holds_password());
        for text in [
            "postgres:canary",
            "postgres://me:can@ary:canary@h/d",
            "postgres://h/d?sslmode=canary",
            "postgres://h/d?canary=1",
        ] {
            assert!(!parse(text).unwrap_err().contains("canary"), "{text}");
        }
    }
}
