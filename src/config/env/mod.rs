//! The environment, read once and passed on as data.

mod dotenv;

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use crate::model::error::UsageError;
use dotenv::Dotenv;

/// Environment variables by name. Empty ones count as unset.
#[derive(Default)]
pub struct Env {
    variables: HashMap<OsString, OsString>,
    /// The names of those that come from `.env`.
    from_dotenv: HashSet<OsString>,
    /// Why a line of `.env` that is needed cannot be read.
    broken: Option<String>,
    warnings: Vec<String>,
}

impl Env {
    /// Reads the environment of the process, which takes precedence, and `.env` in the working directory.
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the environment")]
    pub fn read() -> Env {
        Env::join(std::env::vars_os(), Dotenv::read(Path::new(".env")))
    }

    fn join(real: impl Iterator<Item = (OsString, OsString)>, dotenv: Dotenv) -> Env {
        let Dotenv { values, broken, mut warnings } = dotenv;
        let real: HashMap<OsString, OsString> = real.filter(|(_, value)| !value.is_empty()).collect();
        let (overridden, broken): (Vec<_>, Vec<_>) =
            broken.into_iter().partition(|(name, _)| real.contains_key(OsStr::new(name)));
        warnings.extend(overridden.into_iter().map(|(_, why)| why));
        let mut variables: HashMap<OsString, OsString> =
            values.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        let from_dotenv = variables.keys().filter(|name| !real.contains_key(*name)).cloned().collect();
        variables.extend(real);
        Env { variables, from_dotenv, broken: broken.into_iter().map(|(_, why)| why).next(), warnings }
    }

    /// Checks that `.env` could be read as far as it matters.
    ///
    /// # Errors
    /// If a line for a variable that the environment does not set cannot be read. The message gives the line's number, not
    /// its value.
    pub fn check(&self) -> Result<(), UsageError> {
        self.broken.clone().map_or(Ok(()), |why| Err(UsageError(why)))
    }

    /// The value of a variable.
    ///
    /// # Errors
    /// If the variable is not UTF-8.
    pub fn get(&self, name: &str) -> Result<Option<&str>, UsageError> {
        let Some(value) = self.get_os(name) else { return Ok(None) };
        value.to_str().map(Some).ok_or_else(|| UsageError(format!("{name} is not valid UTF-8; correct it")))
    }

    /// A variable that need not be UTF-8, such as a path.
    pub fn get_os(&self, name: &str) -> Option<&OsStr> {
        self.variables.get(OsStr::new(name)).map(OsString::as_os_str)
    }

    /// Whether a variable comes from `.env`, which is not trusted.
    pub fn is_from_dotenv(&self, name: &str) -> bool {
        self.from_dotenv.contains(OsStr::new(name))
    }

    /// Whether a variable is set and not empty.
    pub fn has(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(name))
    }

    /// The variables that are UTF-8 and do not come from `.env`.
    #[cfg(feature = "cloud")]
    pub fn trusted(&self) -> impl Iterator<Item = (String, String)> {
        let trusted = self.variables.iter().filter(|(name, _)| !self.from_dotenv.contains(*name));
        trusted.filter_map(|(name, value)| Some((name.to_str()?.to_owned(), value.to_str()?.to_owned())))
    }

    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

#[cfg(test)]
mod tests;
