//! The environment, asked once. Everything else gets it as data.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;

use crate::error::UsageError;

/// What `.env` may set. Never the base URL: a foreign folder must not be able to send the key elsewhere.
const FROM_DOTENV: &[&str] = &["YOUTUBE_API_KEY", "TRENDFETCH_REGIONS"];

/// Environment variables by name.
#[derive(Default)]
pub struct Env(HashMap<OsString, OsString>);

impl Env {
    /// The process's own, and below it what `.env` in the working directory gives.
    ///
    /// # Errors
    /// When `.env` is there but cannot be read.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the environment")]
    pub fn read() -> Result<Env, UsageError> {
        let mut env = Env::from_dotenv(Path::new(".env"))?;
        env.0.extend(std::env::vars_os().filter(|(_, value)| !value.is_empty()));
        Ok(env)
    }

    fn from_dotenv(path: &Path) -> Result<Env, UsageError> {
        let mut env = Env::default();
        let lines = match dotenvy::from_path_iter(path) {
            Ok(lines) => lines,
            Err(error) if error.not_found() => return Ok(env),
            Err(_) => {
                return Err(UsageError(".env is there but cannot be read; make it readable, or remove it".into()));
            }
        };
        for (index, line) in lines.enumerate() {
            // The error would print the line, and with it perhaps the key.
            let (name, value) = line.map_err(|_| {
                UsageError(format!(
                    "entry {} of .env is malformed; write NAME=value, with quotes around spaces",
                    index + 1
                ))
            })?;
            if FROM_DOTENV.contains(&name.as_str()) && !value.is_empty() {
                env.0.insert(name.into(), value.into());
            }
        }
        Ok(env)
    }

    /// A variable; an empty one counts as none.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn get(&self, name: &str) -> Result<Option<&str>, UsageError> {
        let Some(value) = self.0.get(std::ffi::OsStr::new(name)) else { return Ok(None) };
        value.to_str().map(Some).ok_or_else(|| UsageError(format!("{name} is not valid UTF-8; set it anew")))
    }

    /// Whether a variable is set and not empty.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(std::ffi::OsStr::new(name))
    }
}
