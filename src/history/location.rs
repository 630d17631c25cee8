//! What `--store` and `TRENDFETCH_STORE` say.

use std::fmt;
use std::path::PathBuf;

use crate::model::error::UsageError;

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

/// A connection URI as PostgreSQL's documentation has it, and where its password is, which may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: String,
    passwords: Option<Passwords>,
}

/// Where a password is looked for that is not in the address: first the one, then the other.
#[derive(Clone, PartialEq, Eq)]
pub struct Passwords {
    /// `PGPASSWORD`.
    pub password: Option<String>,
    /// `PGPASSFILE`, else `~/.pgpass`.
    pub file: Option<PathBuf>,
}

/// Parameters of a URL that may be shown; any other, a password among them, may not.
const HARMLESS: [&str; 8] = ["host=", "hostaddr=", "port=", "user=", "dbname=", "sslmode=", "sslrootcert=", "options="];

impl PostgresUrl {
    /// What stands before the first `?`, and the parameters after it, with a password in either.
    pub(super) fn parts(&self) -> (&str, impl Iterator<Item = &str>) {
        let (bare, parameters) = self.text.split_once('?').unwrap_or((&self.text, ""));
        (bare, parameters.split('&').filter(|pair| !pair.is_empty()))
    }

    /// The file of certificates that `sslrootcert` names.
    #[cfg(feature = "postgres")]
    pub(super) fn root_certificate(&self) -> Option<&str> {
        let mut names = self.parts().1.filter_map(|pair| pair.strip_prefix("sslrootcert="));
        names.next().filter(|name| *name != "system")
    }

    /// `None` where a password is looked for in the address alone.
    #[cfg(feature = "postgres")]
    pub(super) fn passwords(&self) -> Option<&Passwords> {
        self.passwords.as_ref()
    }

    fn has_password(&self) -> bool {
        let (bare, mut parameters) = self.parts();
        let login = bare.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        login.is_some_and(|(login, _)| login.contains(':')) || parameters.any(|pair| pair.starts_with("password="))
    }
}

impl Location {
    /// Reads a path, a `sqlite:` URL or a `postgres:` URL, found in `origin`.
    ///
    /// # Errors
    /// When it is none of them, or this build lacks the backend. The sentence never holds the text.
    pub fn parse(text: &str, origin: &str) -> Result<Location, UsageError> {
        let wrong = |why: &str| UsageError(format!("{origin}: {why}"));
        let text = text.trim();
        let (scheme, rest) = match text.split_once(':') {
            // One letter is no scheme, and a slash before the colon makes it a path.
            Some((scheme, rest)) if scheme.len() > 1 && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                (scheme.to_ascii_lowercase(), rest)
            }
            _ => (String::new(), text),
        };
        match scheme.as_str() {
            "sqlite" => sqlite_url(rest).map_err(wrong),
            "" if is_address(text) && text != MEMORY => Err(wrong(WHAT_IT_IS)),
            "" => sqlite(text, Journal::Wal).map_err(wrong),
            "postgres" | "postgresql" if !cfg!(feature = "postgres") => {
                Err(wrong("this trendfetch was built without PostgreSQL; build it with --features postgres"))
            }
            "postgres" | "postgresql" => postgres_url(text).map_err(wrong),
            _ => Err(wrong(WHAT_IT_IS)),
        }
    }

    /// Whether the text itself holds a password, which an argument list would show to every user of
    /// the machine.
    pub fn has_password(&self) -> bool {
        match self {
            Location::Sqlite(_) => false,
            Location::Postgres(url) => url.has_password(),
        }
    }

    /// The same place; a password that is not in its address is looked for there.
    pub fn with_passwords(self, passwords: Passwords) -> Location {
        match self {
            Location::Sqlite(_) => self,
            Location::Postgres(url) => Location::Postgres(PostgresUrl { passwords: Some(passwords), ..url }),
        }
    }

    /// The same place from any working directory.
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

/// What SQLite calls a database without a file.
const MEMORY: &str = ":memory:";

const WHAT_IT_IS: &str =
    "give a path, sqlite:PATH, or postgres://user@host/database; a path with a colon or an @ begins with ./";

/// Whether something that is meant as an address, and may hold a password, would pass for a path.
fn is_address(text: &str) -> bool {
    let is_path = text.starts_with(['/', '.']);
    !is_path && (text.contains(':') || text.contains('@') || text.contains("password="))
}

fn sqlite_url(rest: &str) -> Result<Location, &'static str> {
    let (path, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let journal = match parameters {
        "" | "journal_mode=wal" => Journal::Wal,
        "journal_mode=delete" => Journal::Delete,
        _ => return Err("the one parameter that sqlite: takes is ?journal_mode=delete, for network folders"),
    };
    // sqlite:///absolute and sqlite://relative are what other programs write.
    sqlite(path.strip_prefix("//").unwrap_or(path), journal)
}

fn sqlite(path: &str, journal: Journal) -> Result<Location, &'static str> {
    match path {
        _ if !cfg!(feature = "sqlite") => {
            Err("this trendfetch was built without SQLite; build it with --features sqlite")
        }
        "" => Err("it names no file; give a path such as history.db"),
        MEMORY => Err("a history in memory would be gone at once; give a path such as history.db"),
        path if path.contains("://") => Err(WHAT_IT_IS),
        path if path.ends_with('/') => Err("it names a folder; name a file in it, such as history.db"),
        path => Ok(Location::Sqlite(SqliteFile { path: PathBuf::from(path), journal })),
    }
}

fn postgres_url(text: &str) -> Result<Location, &'static str> {
    let url = PostgresUrl { text: text.to_owned(), passwords: None };
    if !text.contains("://") {
        return Err("not an address of PostgreSQL; write postgres://user@host/database");
    }
    // A password with a question mark that is not written as %3F would come apart there, and half of it show.
    if text.contains('#') || url.parts().1.any(|pair| pair.contains('@')) {
        return Err("a '?', '@' or '#' in a user, a password or a parameter is written as %3F, %40 or %23");
    }
    #[cfg(feature = "postgres")]
    super::postgres::check(&url)?;
    Ok(Location::Postgres(url))
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
            Journal::Wal if !is_address(&path.to_string()) => path.fmt(f),
            Journal::Wal => write!(f, "sqlite:{path}"),
            Journal::Delete => write!(f, "sqlite:{path}?journal_mode=delete"),
        }
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (bare, parameters) = self.parts();
        match bare.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (login, place))) => {
                write!(f, "{scheme}://{}@{place}", login.split(':').next().unwrap_or_default())?;
            }
            None => f.write_str(bare)?,
        }
        let harmless = parameters.filter(|pair| HARMLESS.iter().any(|name| pair.starts_with(name)));
        for (index, pair) in harmless.enumerate() {
            write!(f, "{}{pair}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
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
            (" history.db\n", "history.db"),
            ("./a:b.db", "./a:b.db"),
            ("./me@home.db", "./me@home.db"),
            ("/var/lib/x?y.db", "/var/lib/x?y.db"),
            ("sqlite:history.db", "history.db"),
            ("SQLite:history.db", "history.db"),
            ("sqlite:///var/lib/h.db", "/var/lib/h.db"),
            ("sqlite:/var/lib/h.db?journal_mode=wal", "/var/lib/h.db"),
            ("sqlite:a:b.db", "a:b.db"),
        ] {
            let expected = Location::Sqlite(SqliteFile { path: path.into(), journal: Journal::Wal });
            assert_eq!(parse(text), Ok(expected.clone()), "{text}");
            assert_eq!(parse(&expected.to_string()), Ok(expected), "what is shown can be read: {text}");
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
