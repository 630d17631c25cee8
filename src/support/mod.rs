//! Helpers that know nothing about charts.

pub mod blocking;
pub(crate) mod file_lock;
pub mod gzip;
pub mod human;
pub mod path;
pub mod sanitize;
pub(crate) mod secret_file;
pub mod signals;
pub mod time_limit;
pub mod tls;
