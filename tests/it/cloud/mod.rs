//! Object storage, on real servers on loopback: moto as Amazon S3 and Google Cloud Storage, Azurite as Azure.

#[cfg(feature = "parquet")]
mod engines;
mod files;
#[cfg(feature = "parquet")]
mod lake;
mod reading;
mod servers;
mod uploads;
