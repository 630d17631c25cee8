//! Addresses in object storage, and what the environment says about the clouds.

use std::path::Path;

use super::file_name;
#[cfg(feature = "cloud")]
use super::network;
#[cfg(feature = "cloud")]
use crate::bucket::{Buckets, Settings};
use crate::bucket::{Object, Patience};
use crate::config::env::Env;
use crate::model::error::UsageError;
use crate::output::Place;
#[cfg(feature = "cloud")]
use crate::support::sanitize::one_line;

/// The buckets that the command line names.
pub struct ObjectStorage<'a> {
    #[cfg_attr(not(feature = "cloud"), expect(dead_code, reason = "there is nothing to set up"))]
    env: &'a Env,
    #[cfg_attr(not(feature = "cloud"), expect(dead_code, reason = "there is nothing to set up"))]
    patience: Patience,
    #[cfg(feature = "cloud")]
    buckets: Option<Buckets>,
}

impl<'a> ObjectStorage<'a> {
    pub fn new(env: &'a Env, patience: Patience) -> ObjectStorage<'a> {
        ObjectStorage {
            env,
            patience,
            #[cfg(feature = "cloud")]
            buckets: None,
        }
    }

    /// What a path or an address leads to. `argument` is the option that names it.
    ///
    /// # Errors
    /// If the address or the environment is malformed.
    pub fn place(&mut self, argument: &str, path: &Path) -> Result<Place, UsageError> {
        Ok(match self.object(argument, path)? {
            Some(object) => Place::Object(object),
            None => Place::File(path.to_owned()),
        })
    }

    /// The object at an address; `None` if it is a path.
    ///
    /// # Errors
    /// If the address or the environment is malformed.
    #[cfg(feature = "cloud")]
    pub fn object(&mut self, argument: &str, path: &Path) -> Result<Option<Object>, UsageError> {
        if !file_name::is_object(path) {
            return Ok(None);
        }
        let error = |why: String| UsageError(format!("{argument}: {}", one_line(&why, 500)));
        let address = path.to_str().ok_or_else(|| error("the address is not valid UTF-8; correct it".into()))?;
        let buckets = match &mut self.buckets {
            Some(buckets) => buckets,
            None => {
                let network = network::for_object_storage(self.env)?;
                let settings = Settings::new(self.env.trusted(), network, self.patience);
                self.buckets.insert(Buckets::new(settings))
            }
        };
        buckets.object(address).map(Some).map_err(error)
    }

    #[cfg(not(feature = "cloud"))]
    pub fn object(&mut self, _: &str, path: &Path) -> Result<Option<Object>, UsageError> {
        debug_assert!(!file_name::is_object(path), "refused before");
        Ok(None)
    }
}
