//! Combines the command line, the environment and the defaults into one validated configuration.

pub mod env;
mod file_name;
mod network;
mod object_storage;
mod outputs;
pub mod region_list;
mod terminal;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::Url;

use crate::bucket::{Object, Patience};
use crate::cli::{ExportArgs, RunArgs, TerminalArgs};
use crate::config::env::Env;
use crate::demo;
use crate::fetch::Plan;
use crate::fetch::retry::RetryPolicy;
use crate::history::run_history::HistoryConfig;
use crate::history::{Location, MAX_RETENTION, PasswordSources};
use crate::model::Request;
use crate::model::category::ChartCategory;
use crate::model::error::UsageError;
use crate::model::region::Region;
use crate::output::{OutputConfig, Rescue};
use crate::youtube::api_key::ApiKey;
use crate::youtube::client::{Network, is_loopback};

use outputs::check_not_overwritten;

pub use file_name::{check_document, check_page};
pub use object_storage::ObjectStorage;
pub use terminal::{TerminalConfig, line_style, use_color};

/// The default of `--base-url`.
const PUBLIC_API: &str = "https://www.googleapis.com/youtube/v3";

/// The configuration of a run.
#[derive(Debug)]
pub struct Config {
    pub plan: Plan,
    /// `None` for `--dry-run`.
    pub source: Option<Source>,
    /// The name of the source in the document.
    pub source_name: String,
    /// The time limit of one attempt.
    pub timeout: Duration,
    pub outputs: OutputConfig,
    pub history: Option<HistoryConfig>,
    /// Where a run is saved that the history could not store.
    pub rescue: Rescue,
}

/// Where the charts come from.
#[derive(Debug)]
pub enum Source {
    Api { base_url: Url, key: ApiKey, network: Box<Network> },
    Demo(demo::Mode),
}

impl Config {
    /// Combines the options and the environment.
    ///
    /// # Errors
    /// For the first value that is malformed or missing.
    pub fn resolve(args: RunArgs, terminal: &TerminalArgs, env: &Env) -> Result<Config, UsageError> {
        env.check()?;
        let regions = regions(&args.regions, env)?;
        for region in regions.iter().filter(|region| !region.is_known()) {
            tracing::warn!(
                "{region} is not a region that YouTube is known to offer; it is requested all the same, for one quota unit"
            );
        }
        let categories = args.categories()?;
        let patience = Patience { timeout: args.timeout, retries: args.retries, backoff: args.backoff };
        let mut storage = ObjectStorage::new(env, patience);
        let outputs = outputs::resolve(&args, &categories, terminal, env, &mut storage)?;
        let base_url = chosen_base_url(&args, env)?;
        Ok(Config {
            history: history(&args, &outputs, env)?,
            rescue: rescue(&outputs, env)?,
            source_name: source_name(&args, &base_url),
            source: source(&args, base_url, env)?,
            plan: Plan {
                requests: requests(&regions, &categories, args.max_results),
                absent: HashMap::new(),
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

fn regions(lists: &[String], env: &Env) -> Result<Vec<Region>, UsageError> {
    if !lists.is_empty() {
        return region_list::parse(&lists.join(","));
    }
    match env.get("TRENDFETCH_REGIONS")? {
        Some(list) => region_list::parse(list).map_err(|error| UsageError(format!("TRENDFETCH_REGIONS: {error}"))),
        None => region_list::parse("dailywatch"),
    }
}

/// A request for each category.
fn requests(regions: &[Region], categories: &[ChartCategory], max_results: u32) -> Vec<Request> {
    let request =
        |category: &ChartCategory| Request { regions: regions.to_vec(), max_results, category_id: category.id() };
    categories.iter().map(request).collect()
}

fn chosen_base_url(args: &RunArgs, env: &Env) -> Result<Url, UsageError> {
    match (&args.base_url, env.get("TRENDFETCH_BASE_URL")?) {
        (Some(url), _) => base_url(url, "--base-url"),
        (None, Some(url)) if args.demo.is_none() => base_url(url, "TRENDFETCH_BASE_URL"),
        (None, _) => base_url(PUBLIC_API, "--base-url"),
    }
}

fn source_name(args: &RunArgs, base_url: &Url) -> String {
    match base_url.host_str() {
        _ if args.demo.is_some() => "demo".to_owned(),
        Some("www.googleapis.com" | "youtube.googleapis.com") | None => "youtube".to_owned(),
        Some(host) => host.to_owned(),
    }
}

fn source(args: &RunArgs, base_url: Url, env: &Env) -> Result<Option<Source>, UsageError> {
    if args.dry_run {
        return Ok(None);
    }
    if let Some(mode) = args.demo {
        return Ok(Some(Source::Demo(mode)));
    }
    let network = Box::new(network::resolve(&base_url, env)?);
    Ok(Some(Source::Api { base_url, key: api_key(args.api_key_file.as_deref(), env)?, network }))
}

fn base_url(text: &str, origin: &str) -> Result<Url, UsageError> {
    let error = |why: &str| UsageError(format!("{origin}: {why}"));
    let url =
        Url::parse(text).map_err(|_| error("not a URL; write https://host/path, to which /videos is appended"))?;
    if url.host().is_none() || !matches!(url.scheme(), "http" | "https") {
        return Err(error("not an https URL; write https://host/path, to which /videos is appended"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(error("a URL with a login is not accepted, since it would show in logs; leave the login out"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(error("a URL with '?' or '#' is not accepted; leave that part out"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        return Err(error("over plain http: the key would travel in the clear; use https:, or a loopback address"));
    }
    Ok(url)
}

/// The key from `--api-key-file`, the service manager's credential, or the environment, in this order.
fn api_key(file: Option<&Path>, env: &Env) -> Result<ApiKey, UsageError> {
    if let Some(path) = file {
        ApiKey::warn_if_readable_by_others(path);
        return ApiKey::from_file(path);
    }
    // Set by systemd's LoadCredential= ("System and Service Credentials"). There is no warning about other readers: the
    // access control lists of these files show as permissions of the group.
    if let Some(folder) = env.get("CREDENTIALS_DIRECTORY")? {
        let path = Path::new(folder).join("youtube_api_key");
        let exists = path.try_exists().map_err(|error| {
            UsageError(format!("cannot read the key from {}: {error}; check CREDENTIALS_DIRECTORY", path.display()))
        })?;
        if exists {
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

/// The default of `--keep`: YouTube's terms allow 30 days, and a day is left for the next run to come late.
const DEFAULT_KEEP: Duration = Duration::from_secs((MAX_RETENTION.as_hours() as u64 - 24) * 3600);

fn history(args: &RunArgs, outputs: &OutputConfig, env: &Env) -> Result<Option<HistoryConfig>, UsageError> {
    let Some(location) = location(args.store.as_deref(), env)? else {
        let given = args.keep.map(|_| "--keep").or(args.min_interval.map(|_| "--min-interval"));
        return match given {
            Some(option) => Err(UsageError(format!("{option} requires --store or TRENDFETCH_STORE"))),
            None => Ok(None),
        };
    };
    if args.demo.is_some() && args.store.is_none() {
        tracing::warn!(
            "this demo run is stored in the history of TRENDFETCH_STORE, with the source demo; --store names another"
        );
    }
    if let Location::Sqlite(history) = &location {
        check_not_overwritten(outputs, &history.path, "is the history itself; name another file")?;
    }
    Ok(Some(HistoryConfig {
        store_argument: args.store.is_some().then(|| location.absolute()),
        location,
        retention: args.keep.unwrap_or(DEFAULT_KEEP),
        min_interval: args.min_interval,
    }))
}

fn rescue(outputs: &OutputConfig, env: &Env) -> Result<Rescue, UsageError> {
    // Nothing can be saved beside a device.
    let is_device = |path: &Path| std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir());
    let mut paths = outputs.files.iter().filter_map(|file| file.place.path());
    let output_folder = paths.find(|path| !is_device(path)).and_then(Path::parent);
    // systemd may set several, separated by colons.
    let state_folder = env.get("STATE_DIRECTORY")?.and_then(|list| list.split(':').next());
    let folders = output_folder.into_iter().chain(state_folder.map(Path::new)).chain([Path::new("")]);
    let mut objects: Vec<Object> =
        outputs.files.iter().filter_map(|file| file.place.object()).map(Object::folder).collect();
    objects.dedup();
    Ok(Rescue { folders: folders.map(Path::to_owned).collect(), objects })
}

/// The outputs of `export`, and the history that it reads.
///
/// # Errors
/// For the first option that is malformed or does not apply.
pub fn export_outputs(
    args: &ExportArgs,
    location: &Location,
    terminal: &TerminalArgs,
    env: &Env,
) -> Result<OutputConfig, UsageError> {
    let outputs = outputs::resolve_export(args, terminal, env)?;
    if let Location::Sqlite(history) = location {
        check_not_overwritten(&outputs, &history.path, "is the history itself; name another file")?;
    }
    Ok(outputs)
}

/// The places where PostgreSQL's own programs look for a password ("Environment Variables", "The Password File").
fn passwords(env: &Env) -> Result<PasswordSources, UsageError> {
    let in_home = || env.get_os("HOME").map(|home| Path::new(home).join(".pgpass"));
    Ok(PasswordSources {
        password: env.get("PGPASSWORD")?.map(str::to_owned),
        file: env.get_os("PGPASSFILE").map(PathBuf::from).or_else(in_home),
    })
}

/// The location of the history from `--store` or the environment.
///
/// # Errors
/// If it is malformed.
pub fn location(store: Option<&str>, env: &Env) -> Result<Option<Location>, UsageError> {
    let (text, origin) = match (store, env.get("TRENDFETCH_STORE")?) {
        (Some(store), _) => (store, "--store"),
        (None, Some(store)) => (store, "TRENDFETCH_STORE"),
        (None, None) => return Ok(None),
    };
    let mut location = Location::parse(text, origin)?;
    // The `.env` of a foreign folder must not be able to send passwords elsewhere.
    if store.is_some() || !env.is_from_dotenv("TRENDFETCH_STORE") {
        location = location.with_password_sources(passwords(env)?);
    }
    if store.is_some() && location.has_password() {
        tracing::warn!("every user of this machine can read the password in --store; set TRENDFETCH_STORE instead");
    }
    tracing::info!("the history is {}", location.absolute());
    Ok(Some(location))
}
