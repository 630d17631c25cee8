//! What was typed and what the environment says, as one validated meaning.

pub mod env;
mod network;
mod outputs;
pub mod region_list;
mod terminal;

use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::cli::RunArgs;
use crate::config::env::Env;
use crate::demo;
use crate::fetch::Plan;
use crate::fetch::retry::RetryPolicy;
use crate::history::run_history::HistoryConfig;
use crate::history::{Location, MAX_RETENTION, PasswordSources};
use crate::model::Request;
use crate::model::category::Category;
use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::output::Outputs;
use crate::youtube::api_key::ApiKey;
use crate::youtube::client::{Network, is_loopback};

use network::network;
use outputs::{outputs, refuse_to_overwrite};

pub use terminal::{TerminalConfig, has_color};

/// The public API: `GET {…}/videos`.
const PUBLIC_API: &str = "https://www.googleapis.com/youtube/v3";

/// A run, ready to begin.
#[derive(Debug)]
pub struct Config {
    /// What to fetch.
    pub plan: Plan,
    /// From where; `None` is `--dry-run`.
    pub source: Option<Source>,
    /// For one attempt.
    pub timeout: Duration,
    /// What to write.
    pub outputs: Outputs,
    /// Where to keep the run.
    pub history: Option<HistoryConfig>,
}

/// Where the charts come from.
#[derive(Debug)]
pub enum Source {
    /// An endpoint of the API.
    Api {
        /// `{base_url}/videos` is asked.
        base_url: Url,
        /// Sent in its header only.
        key: ApiKey,
        /// Proxy and certificates.
        network: Box<Network>,
    },
    /// The simulation.
    Demo(demo::Mode),
}

impl Source {
    /// The document's word for it.
    pub fn name(&self) -> String {
        match self {
            Source::Api { base_url, .. } => match base_url.host_str() {
                Some("www.googleapis.com" | "youtube.googleapis.com") | None => "youtube".to_owned(),
                Some(host) => host.to_owned(),
            },
            Source::Demo(_) => "demo".to_owned(),
        }
    }
}

impl Config {
    /// What was typed, checked, with what the environment and the defaults fill in.
    ///
    /// # Errors
    /// For the first thing that is malformed or missing.
    pub fn resolve(args: RunArgs, env: &Env) -> Result<Config, UsageError> {
        env.check()?;
        let regions = regions(&args.regions, env)?;
        for region in regions.iter().filter(|region| !region.is_known()) {
            tracing::warn!(
                "{region} is not a region that YouTube is known to offer; it is asked all the same, for one quota unit"
            );
        }
        let outputs = outputs(&args, env)?;
        Ok(Config {
            history: history(&args, &outputs, env)?,
            source: source(&args, env)?,
            plan: Plan {
                request: Request {
                    regions,
                    max_results: args.max_results,
                    category_id: args.category.map(Category::id),
                },
                description: args.description,
                concurrency: (args.concurrency > 0).then_some(args.concurrency),
                retry: RetryPolicy { retries: args.retries, backoff: args.backoff, max_wait: args.max_wait },
                deadline: args.deadline,
                max_units: args.max_units,
            },
            timeout: args.timeout,
            outputs,
        })
    }
}

fn regions(typed: &[String], env: &Env) -> Result<Vec<Region>, UsageError> {
    if !typed.is_empty() {
        return region_list::parse(&typed.join(","));
    }
    match env.get("TRENDFETCH_REGIONS")? {
        Some(list) => region_list::parse(list).map_err(|error| UsageError(format!("TRENDFETCH_REGIONS: {error}"))),
        None => region_list::parse("dailywatch"),
    }
}

fn source(args: &RunArgs, env: &Env) -> Result<Option<Source>, UsageError> {
    let base_url = match (&args.base_url, env.get("TRENDFETCH_BASE_URL")?) {
        (Some(typed), _) => base_url(typed, "--base-url")?,
        (None, Some(given)) if args.demo.is_none() => base_url(given, "TRENDFETCH_BASE_URL")?,
        (None, _) => base_url(PUBLIC_API, "--base-url")?,
    };
    if args.dry_run {
        return Ok(None);
    }
    if let Some(mode) = args.demo {
        return Ok(Some(Source::Demo(mode)));
    }
    let network = Box::new(network(&base_url, env)?);
    Ok(Some(Source::Api { base_url, key: api_key(args.api_key_file.as_deref(), env)?, network }))
}

fn base_url(text: &str, place: &str) -> Result<Url, UsageError> {
    let wrong = |why: &str| UsageError(format!("{place}: {why}"));
    let url =
        Url::parse(text).map_err(|_| wrong("not an address; write https://host/path, to which /videos is added"))?;
    if url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("not an address of the web; write https://host/path, to which /videos is added"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(wrong("an address with a login is not taken, since it would show in logs; leave it out"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("an address with '?' or '#' is not taken; leave that part out"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(wrong(
            "over plain http: the key would travel in the clear; use https:, or an address of this machine",
        ));
    }
    Ok(url)
}

/// The key: the file that was named, the service manager's credential, the environment.
fn api_key(file: Option<&Path>, env: &Env) -> Result<ApiKey, UsageError> {
    if let Some(path) = file {
        ApiKey::warn_of_readers(path);
        return ApiKey::from_file(path);
    }
    // systemd, "Credentials": LoadCredential= puts files there, and their access list shows as group bits.
    if let Some(folder) = env.get("CREDENTIALS_DIRECTORY")? {
        let path = Path::new(folder).join("youtube_api_key");
        let is_there = path.try_exists().map_err(|error| {
            UsageError(format!("cannot read the key from {}: {error}; check CREDENTIALS_DIRECTORY", path.display()))
        })?;
        if is_there {
            return ApiKey::from_file(&path);
        }
    }
    match env.get("YOUTUBE_API_KEY")? {
        Some(key) => ApiKey::parse(key, "YOUTUBE_API_KEY"),
        None => Err(UsageError(
            "there is no API key; set YOUTUBE_API_KEY (https://console.cloud.google.com/apis/credentials makes one), or try --demo, which needs none".into(),
        )),
    }
}

/// A day is left of what YouTube's terms give, for the next run to come late.
const KEEP: Duration = Duration::from_secs((MAX_RETENTION.as_hours() as u64 - 24) * 3600);

fn history(args: &RunArgs, outputs: &Outputs, env: &Env) -> Result<Option<HistoryConfig>, UsageError> {
    let Some(location) = location(args.store.as_deref(), env)? else {
        let given = args.keep.map(|_| "--keep").or(args.min_interval.map(|_| "--min-interval"));
        return match given {
            Some(option) => {
                Err(UsageError(format!("{option} is about a history; add --store, or set TRENDFETCH_STORE")))
            }
            None => Ok(None),
        };
    };
    if args.demo.is_some() && args.store.is_none() {
        tracing::warn!(
            "this demo's run goes into the history of TRENDFETCH_STORE, as source demo; --store names another"
        );
    }
    if let Location::Sqlite(history) = &location {
        refuse_to_overwrite(outputs, &history.path, "is the history itself; name another file")?;
    }
    // Beside a device is no place for a file.
    let is_device = |path: &Path| std::fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
    let first = outputs.files.iter().find(|file| !is_device(&file.path)).and_then(|file| file.path.parent());
    // systemd may name several, separated by colons.
    let state = env.get("STATE_DIRECTORY")?.and_then(|list| list.split(':').next());
    Ok(Some(HistoryConfig {
        store_argument: args.store.is_some().then(|| location.absolute()),
        location,
        retention: args.keep.unwrap_or(KEEP),
        min_interval: args.min_interval,
        rescue_folders: first
            .into_iter()
            .chain(state.map(Path::new))
            .chain([Path::new("")])
            .map(Path::to_owned)
            .collect(),
    }))
}

/// Where PostgreSQL's own programs look for a password ("Environment Variables", "The Password File").
fn passwords(env: &Env) -> Result<PasswordSources, UsageError> {
    let in_home = || env.get_os("HOME").map(|home| Path::new(home).join(".pgpass"));
    Ok(PasswordSources {
        password: env.get("PGPASSWORD")?.map(str::to_owned),
        file: env.get_os("PGPASSFILE").map(PathBuf::from).or_else(in_home),
    })
}

/// Where the history is, as `--store` or the environment say.
///
/// # Errors
/// When that is malformed.
pub fn location(typed: Option<&str>, env: &Env) -> Result<Option<Location>, UsageError> {
    let (text, origin) = match (typed, env.get("TRENDFETCH_STORE")?) {
        (Some(typed), _) => (typed, "--store"),
        (None, Some(given)) => (given, "TRENDFETCH_STORE"),
        (None, None) => return Ok(None),
    };
    let mut location = Location::parse(text, origin)?;
    // A foreign folder must not be able to send them elsewhere.
    if typed.is_some() || !env.is_from_dotenv("TRENDFETCH_STORE") {
        location = location.with_password_sources(passwords(env)?);
    }
    if typed.is_some() && location.has_password() {
        tracing::warn!(
            "every user of this machine can read the password in --store; put the address into TRENDFETCH_STORE"
        );
    }
    Ok(Some(location))
}
