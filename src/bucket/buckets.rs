//! A client for each bucket.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use super::address::{Address, Cloud};
use super::object::Object;
use super::settings::Settings;
use super::transport::Transport;
use crate::support::sanitize::one_line;

/// The longest backoff, as for the requests of a run.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The signature of a request is valid for 15 minutes, and each attempt has the first one's.
const MAX_RETRY_TIME: Duration = Duration::from_secs(10 * 60);

/// Any of these tells which account is meant.
const AZURE_ACCOUNT: [&str; 3] = ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_USE_EMULATOR"];

/// A bucket, with a client for it. `Debug` shows no secret.
pub(super) struct Bucket {
    pub(super) store: Box<dyn ObjectStore>,
    pub(super) settings: Arc<Settings>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").finish_non_exhaustive()
    }
}

/// The buckets of an invocation.
pub struct Buckets {
    settings: Arc<Settings>,
    transport: Option<Transport>,
    known: HashMap<(Cloud, String), Arc<Bucket>>,
}

impl Buckets {
    pub fn new(settings: Settings) -> Buckets {
        Buckets { settings: Arc::new(settings), transport: None, known: HashMap::new() }
    }

    /// The object at an address. Sends nothing.
    ///
    /// # Errors
    /// What is wrong with the address or the environment, which quotes neither.
    pub fn object(&mut self, address: &str) -> Result<Object, String> {
        let address = Address::parse(address)?;
        let key = (address.cloud, address.bucket.clone());
        let bucket = match self.known.get(&key) {
            Some(bucket) => Arc::clone(bucket),
            None => {
                let bucket = Arc::new(Bucket { store: self.open(&address)?, settings: Arc::clone(&self.settings) });
                self.known.insert(key, Arc::clone(&bucket));
                bucket
            }
        };
        Ok(Object::new(bucket, address))
    }

    fn open(&mut self, address: &Address) -> Result<Box<dyn ObjectStore>, String> {
        let transport = match &self.transport {
            Some(transport) => transport.clone(),
            None => self.transport.insert(Transport::new(Arc::clone(&self.settings))?).clone(),
        };
        let opened = match address.cloud {
            Cloud::S3 => s3(&self.settings, &address.bucket, transport),
            Cloud::Google => google(&self.settings, &address.bucket, transport),
            Cloud::Azure if AZURE_ACCOUNT.iter().all(|name| self.settings.get(name).is_none()) => {
                return Err("nothing names the account of Azure; set AZURE_STORAGE_ACCOUNT_NAME".into());
            }
            Cloud::Azure => azure(&self.settings, &address.bucket, transport),
        };
        opened.map_err(|error| setting_error(&error, &self.settings))
    }
}

fn setting_error(error: &object_store::Error, settings: &Settings) -> String {
    let text = match error {
        object_store::Error::Generic { source, .. } => source.to_string(),
        error => error.to_string(),
    };
    format!("the settings of the environment cannot be used: {}", settings.redact(&one_line(&text, 200)))
}

fn s3(settings: &Settings, bucket: &str, transport: Transport) -> object_store::Result<Box<dyn ObjectStore>> {
    let builder =
        configured(AmazonS3Builder::new(), settings, "AWS_", |builder, key, value| builder.with_config(key, value));
    // Not every server has the request that deletes several objects.
    let builder = builder.with_bucket_name(bucket).with_disable_bulk_delete(true);
    let builder = builder.with_client_options(options()).with_retry(retry(settings));
    Ok(Box::new(builder.with_http_connector(transport).build()?))
}

fn google(settings: &Settings, bucket: &str, transport: Transport) -> object_store::Result<Box<dyn ObjectStore>> {
    let builder = configured(GoogleCloudStorageBuilder::new(), settings, "GOOGLE_", |builder, key, value| {
        builder.with_config(key, value)
    });
    let builder = builder.with_bucket_name(bucket).with_client_options(options()).with_retry(retry(settings));
    Ok(Box::new(builder.with_http_connector(transport).build()?))
}

fn azure(settings: &Settings, bucket: &str, transport: Transport) -> object_store::Result<Box<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::new();
    // The names of Azure's own command line.
    for (name, key) in
        [("AZURE_STORAGE_ACCOUNT", AzureConfigKey::AccountName), ("AZURE_STORAGE_KEY", AzureConfigKey::AccessKey)]
    {
        if let Some(value) = settings.get(name) {
            builder = builder.with_config(key, value);
        }
    }
    let builder = configured(builder, settings, "AZURE_", |builder, key, value| builder.with_config(key, value));
    let builder = builder.with_container_name(bucket).with_client_options(options()).with_retry(retry(settings));
    Ok(Box::new(builder.with_http_connector(transport).build()?))
}

/// Applies the variables of a cloud that its library knows. Those for the library's HTTP client have no effect, because
/// [`options`] replaces them.
fn configured<B, K: FromStr>(builder: B, settings: &Settings, prefix: &str, with: impl Fn(B, K, &str) -> B) -> B {
    settings.variables(prefix).fold(builder, |builder, (name, value)| match name.parse() {
        Ok(key) => with(builder, key, value),
        Err(_) => builder,
    })
}

/// The transport decides whether plain HTTP is allowed.
fn options() -> ClientOptions {
    ClientOptions::new().with_allow_http(true)
}

fn retry(settings: &Settings) -> RetryConfig {
    let patience = settings.patience;
    RetryConfig {
        max_retries: usize::try_from(patience.retries).unwrap_or(usize::MAX),
        backoff: BackoffConfig {
            init_backoff: patience.backoff,
            max_backoff: MAX_BACKOFF.max(patience.backoff),
            base: 2.0,
        },
        retry_timeout: MAX_RETRY_TIME,
    }
}
