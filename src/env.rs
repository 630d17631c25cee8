//! The environment, asked once. Everything else gets it as data.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use crate::error::UsageError;

/// What `.env` may set. Never the base URL: a foreign folder must not be able to send the key elsewhere.
const FROM_DOTENV: &[&str] = &["YOUTUBE_API_KEY", "TRENDFETCH_REGIONS", "TRENDFETCH_STORE"];

/// The largest `.env` that is read; a foreign folder may hold anything under that name.
const MAX_DOTENV: u64 = 1 << 20;

/// Environment variables by name.
#[derive(Default)]
pub struct Env {
    variables: HashMap<OsString, OsString>,
    /// What is odd about `.env`. It may be another program's, so that is no reason to stop.
    warnings: Vec<String>,
}

impl Env {
    /// Reads the process's own, and below it what `.env` in the working directory gives.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the environment")]
    pub fn read() -> Env {
        let mut env = Env::from_dotenv(Path::new(".env"));
        env.variables.extend(std::env::vars_os().filter(|(_, value)| !value.is_empty()));
        env
    }

    fn from_dotenv(path: &Path) -> Env {
        let mut env = Env::default();
        let lines = match fs::metadata(path) {
            Err(_) => return env,
            Ok(file) if file.is_file() && file.len() <= MAX_DOTENV => dotenvy::from_path_iter(path),
            Ok(_) => {
                env.warnings.push(".env is left out: it is larger than 1 MiB, or no file".into());
                return env;
            }
        };
        let lines = match lines {
            Ok(lines) => lines,
            Err(_) => {
                env.warnings.push(".env is there but cannot be read; make it readable, or remove it".into());
                return env;
            }
        };
        for (index, line) in lines.enumerate() {
            let Ok((name, value)) = line else {
                // The error would print the line, and with it perhaps the key.
                let remedy = "write NAME=value, with quotes around spaces";
                env.warnings.push(format!("entry {} of .env is malformed and left out; {remedy}", index + 1));
                continue;
            };
            if FROM_DOTENV.contains(&name.as_str()) && !value.is_empty() {
                env.variables.insert(name.into(), value.into());
            }
        }
        env
    }

    /// A variable; an empty one counts as none.
    ///
    /// # Errors
    /// When it is not UTF-8.
    pub fn get(&self, name: &str) -> Result<Option<&str>, UsageError> {
        let Some(value) = self.variables.get(OsStr::new(name)) else { return Ok(None) };
        value.to_str().map(Some).ok_or_else(|| UsageError(format!("{name} is not valid UTF-8; set it anew")))
    }

    /// Whether a variable is set and not empty.
    pub fn has(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(name))
    }

    /// What to tell the user.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}
