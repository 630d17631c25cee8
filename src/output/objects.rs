//! Checks outputs in object storage.

use std::collections::HashSet;

use super::{FileOutput, OutputError, Place};
use crate::bucket::Object;

/// Checks that all outputs in object storage can be written.
///
/// # Errors
/// For the first that cannot.
pub(super) async fn check(files: &[FileOutput]) -> Result<(), OutputError> {
    let mut checked = HashSet::new();
    for output in files {
        let Place::Object(object) = &output.place else { continue };
        // Rights differ by prefix, hardly by object: of the objects of all categories, one is enough.
        if checked.insert(folder(object)) {
            object.check().await.map_err(|error| OutputError::new(object, error.into()))?;
        }
    }
    Ok(())
}

fn folder(object: &Object) -> String {
    let address = object.to_string();
    address.rsplit_once('/').map_or(address.clone(), |(folder, _)| folder.to_owned())
}
