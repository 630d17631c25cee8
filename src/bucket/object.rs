//! An object, which need not exist yet.

use std::fmt;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload,
};

use super::NewObject;
use super::address::{Address, Cloud};
use super::buckets::Bucket;
use super::fault::BucketError;
use super::upload::Upload;

/// An object in a bucket; or, if its key ends in `/`, the beginning of the keys of several.
#[derive(Clone)]
pub struct Object {
    bucket: Arc<Bucket>,
    address: Address,
}

impl Object {
    pub(super) fn new(bucket: Arc<Bucket>, address: Address) -> Object {
        Object { bucket, address }
    }

    /// Whether it stands for several objects.
    pub fn is_folder(&self) -> bool {
        self.address.is_folder()
    }

    /// The beginning of its own key and those beside it.
    #[must_use]
    pub fn folder(&self) -> Object {
        Object { bucket: Arc::clone(&self.bucket), address: self.address.folder() }
    }

    /// The object `name` below this one.
    #[must_use]
    pub fn child(&self, name: &str) -> Object {
        Object { bucket: Arc::clone(&self.bucket), address: self.address.child(name) }
    }

    /// Checks that it can be written, without a trace: begins an upload and abandons it, so that nobody ever sees an
    /// object, no notification is sent and no version remains.
    ///
    /// # Errors
    /// If it cannot: there is no such bucket, or the credentials do not allow it.
    pub async fn check(&self) -> Result<(), BucketError> {
        let target = if self.is_folder() { self.child("check") } else { self.clone() };
        let mut upload = target.begin().await?;
        if self.address.cloud == Cloud::Azure {
            // Azure's uploads begin with the first block. Blocks that are not committed vanish after a week, or when the
            // blob is written.
            upload.put_part(PutPayload::from_static(b"-")).await.map_err(|error| target.error(&error))?;
        }
        if let Err(error) = upload.abort().await {
            // Those who may only write cannot abandon. What stays is empty and not part of any listing of objects.
            tracing::info!("{self}: the trial upload could not be abandoned: {}", target.error(&error));
        }
        Ok(())
    }

    /// Whether it exists. If the credentials do not allow to know, it counts as missing.
    ///
    /// # Errors
    /// If the bucket cannot be asked.
    pub async fn exists(&self) -> Result<bool, BucketError> {
        match self.store().head(&self.path()).await.map_err(|error| self.error(&error)) {
            Ok(_) => Ok(true),
            Err(error) if error.is_missing || error.is_forbidden => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads it, unless it is larger than 512 MiB.
    ///
    /// # Errors
    /// If it cannot be read, or does not exist.
    pub async fn read(&self) -> Result<Vec<u8>, BucketError> {
        let found = self.store().get(&self.path()).await.map_err(|error| self.error(&error))?;
        Ok(found.bytes().await.map_err(|error| self.error(&error))?.into())
    }

    /// Writes it in one request.
    ///
    /// # Errors
    /// If it cannot be written. An old object is unchanged then.
    pub async fn write(&self, bytes: Vec<u8>) -> Result<(), BucketError> {
        self.put(bytes.into()).await
    }

    /// Starts to write objects: those of a group one after the other, and if one of them fails, those before it are
    /// removed again. The groups are independent of each other, but the first failure ends the upload.
    ///
    /// Must be called within a runtime.
    pub fn upload(&self, groups: Vec<Vec<NewObject>>) -> Upload {
        Upload::start(groups)
    }

    pub(super) async fn put(&self, payload: PutPayload) -> Result<(), BucketError> {
        let options = PutOptions { attributes: self.attributes(), ..PutOptions::default() };
        let put = self.store().put_opts(&self.path(), payload, options).await;
        put.map(|_| ()).map_err(|error| self.error(&error))
    }

    /// Begins an upload in parts.
    pub(super) async fn begin(&self) -> Result<Box<dyn MultipartUpload>, BucketError> {
        let options = PutMultipartOptions { attributes: self.attributes(), ..PutMultipartOptions::default() };
        self.store().put_multipart_opts(&self.path(), options).await.map_err(|error| self.error(&error))
    }

    pub(super) async fn remove(&self) -> Result<(), BucketError> {
        self.store().delete(&self.path()).await.map_err(|error| self.error(&error))
    }

    pub(super) fn error(&self, error: &object_store::Error) -> BucketError {
        BucketError::of_library(error, &self.address, |text| self.bucket.settings.redact(text))
    }

    fn store(&self) -> &dyn ObjectStore {
        &*self.bucket.store
    }

    fn path(&self) -> Path {
        self.address.path()
    }

    /// The media type, without which a browser would save a page instead of showing it.
    fn attributes(&self) -> Attributes {
        let media_type = match self.address.key.rsplit('.').next().unwrap_or_default() {
            "json" => "application/json",
            "ndjson" | "jsonl" => "application/x-ndjson",
            "csv" => "text/csv; charset=utf-8",
            "html" | "htm" => "text/html; charset=utf-8",
            "parquet" => "application/vnd.apache.parquet",
            "prom" | "txt" => "text/plain; charset=utf-8",
            "gz" => "application/gzip",
            _ => "application/octet-stream",
        };
        Attributes::from_iter([(Attribute::ContentType, media_type)])
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.address == other.address
    }
}

impl Eq for Object {}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Object({self})")
    }
}
