//! Stands in for the feature `cloud`: types without values.

use std::convert::Infallible;
use std::fmt;

use super::NewObject;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object(Infallible);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BucketError(Infallible);

pub struct Upload(Infallible);

impl Object {
    pub fn is_folder(&self) -> bool {
        match self.0 {}
    }

    #[must_use]
    pub fn child(&self, _: &str) -> Object {
        match self.0 {}
    }

    pub async fn check(&self) -> Result<(), BucketError> {
        match self.0 {}
    }

    pub async fn exists(&self) -> Result<bool, BucketError> {
        match self.0 {}
    }

    pub fn upload(&self, _: Vec<Vec<NewObject>>) -> Upload {
        match self.0 {}
    }

    #[must_use]
    pub fn folder(&self) -> Object {
        match self.0 {}
    }

    pub async fn write(&self, _: Vec<u8>) -> Result<(), BucketError> {
        match self.0 {}
    }

    pub async fn read(&self) -> Result<Vec<u8>, BucketError> {
        match self.0 {}
    }
}

impl fmt::Display for Object {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {}
    }
}

impl Upload {
    pub async fn finish<T>(self, _: impl Future<Output = T>) -> Result<Result<(), BucketError>, T> {
        match self.0 {}
    }
}
