//! A PostgreSQL connection URI: validated when it is parsed, and shown without its password.

use std::fmt;
use std::path::PathBuf;

/// A connection URI as in PostgreSQL's documentation, which may hold a password, and where else to look for one.
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl {
    text: String,
    password_sources: Option<PasswordSources>,
}

/// Where to look for a password that is not in the URL, in this order.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordSources {
    /// `PGPASSWORD`.
    pub password: Option<String>,
    /// `PGPASSFILE`, or else `~/.pgpass`.
    pub file: Option<PathBuf>,
}

/// Parameters that may be shown. Any other may hold a secret.
const PUBLIC_PARAMETERS: [&str; 11] = [
    "host=",
    "hostaddr=",
    "port=",
    "user=",
    "dbname=",
    "sslmode=",
    "sslrootcert=",
    "options=",
    "target_session_attrs=",
    "connect_timeout=",
    "reconnect_timeout=",
];

impl PostgresUrl {
    /// Validates a connection URI.
    ///
    /// # Errors
    /// When it is malformed. The message does not quote it, since it may hold a password.
    pub(super) fn parse(text: &str) -> Result<PostgresUrl, &'static str> {
        let url = PostgresUrl { text: text.to_owned(), password_sources: None };
        if !text.contains("://") {
            return Err("not a PostgreSQL address; write postgres://user@host/database");
        }
        // A password with a '?' that is not written as %3F would be split there, and its second half would be shown.
        if text.contains('#') || url.parts().1.any(|pair| pair.contains('@')) {
            return Err("a '?', '@' or '#' in a user, a password or a parameter is written as %3F, %40 or %23");
        }
        #[cfg(feature = "postgres")]
        super::ConnectionSettings::new(&url)?;
        Ok(url)
    }

    pub(super) fn with_password_sources(self, sources: PasswordSources) -> PostgresUrl {
        PostgresUrl { password_sources: Some(sources), ..self }
    }

    /// What is before the first `?`, and the parameters after it. Either may hold a password.
    pub(super) fn parts(&self) -> (&str, impl Iterator<Item = &str>) {
        let (base, parameters) = self.text.split_once('?').unwrap_or((&self.text, ""));
        (base, parameters.split('&').filter(|pair| !pair.is_empty()))
    }

    /// The file of certificates that `sslrootcert` names.
    #[cfg(feature = "postgres")]
    pub(in crate::history) fn root_certificate(&self) -> Option<&str> {
        let mut names = self.parts().1.filter_map(|pair| pair.strip_prefix("sslrootcert="));
        names.next().filter(|name| *name != "system")
    }

    /// `None` if only a password in the URL itself counts.
    #[cfg(feature = "postgres")]
    pub(in crate::history) fn password_sources(&self) -> Option<&PasswordSources> {
        self.password_sources.as_ref()
    }

    pub(super) fn has_password(&self) -> bool {
        let (base, mut parameters) = self.parts();
        let login = base.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        login.is_some_and(|(login, _)| login.contains(':')) || parameters.any(|pair| pair.starts_with("password="))
    }
}

impl fmt::Display for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (base, parameters) = self.parts();
        match base.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?))) {
            Some((scheme, (login, host))) => {
                write!(f, "{scheme}://{}@{host}", login.split(':').next().unwrap_or_default())?;
            }
            None => f.write_str(base)?,
        }
        let public = parameters.filter(|pair| PUBLIC_PARAMETERS.iter().any(|name| pair.starts_with(name)));
        for (index, pair) in public.enumerate() {
            write!(f, "{}{pair}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}
