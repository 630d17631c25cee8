//! Object storage: objects in a bucket of Amazon S3 or a server that speaks its protocol, of Google Cloud Storage, or in
//! a container of Azure Blob Storage.
//!
//! - `address` — `s3://bucket/key` and the like
//! - `settings` — the clouds' own environment variables, and how long to try
//! - `buckets` — a client for each bucket
//! - `transport` — HTTP, over the client of the rest of the program
//! - `fault` — what went wrong, in one sentence with the remedy
//! - `object` — checks, reads and removes an object
//! - `upload` — writes objects whole or not at all
//!
//! Only this folder names `object_store`. Without the feature `cloud` there is no [`Object`], so the code that handles
//! one is never reached.

#[cfg(feature = "cloud")]
mod address;
#[cfg(feature = "cloud")]
mod buckets;
#[cfg(not(feature = "cloud"))]
mod disabled;
#[cfg(feature = "cloud")]
mod fault;
#[cfg(feature = "cloud")]
mod object;
#[cfg(feature = "cloud")]
mod settings;
#[cfg(feature = "cloud")]
mod transport;
#[cfg(feature = "cloud")]
mod upload;

use std::io::{self, Write};
use std::time::Duration;

#[cfg(feature = "cloud")]
pub use self::{buckets::Buckets, fault::BucketError, object::Object, settings::Settings, upload::Upload};

#[cfg(not(feature = "cloud"))]
pub use disabled::{BucketError, Object, Upload};

/// How long to try.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// The time for one attempt, apart from that which the size of an object takes.
    pub timeout: Duration,
    pub retries: u32,
    /// The first backoff; it doubles.
    pub backoff: Duration,
}

impl Default for Patience {
    /// That of a run without options.
    fn default() -> Patience {
        Patience { timeout: Duration::from_secs(10), retries: 4, backoff: Duration::from_millis(500) }
    }
}

/// How long a cancelled upload may take to clean up.
pub const TIME_TO_ABANDON: Duration = Duration::from_millis(500);

/// Writes the content of an object, on a thread that may block.
pub type Content = Box<dyn FnOnce(&mut dyn Write) -> io::Result<()> + Send>;

/// An object to be written.
pub struct NewObject {
    pub object: Object,
    pub content: Content,
}
