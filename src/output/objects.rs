//! Outputs in object storage.

use std::collections::HashSet;
use std::io::{self, Write};

use super::{FileOutput, Out, OutputError, Place};
use crate::bucket::Content;

/// The content of an object, from a renderer.
pub(super) fn content(render: impl FnOnce(&mut Out<'_>) -> io::Result<()> + Send + 'static) -> Content {
    Box::new(|writer| {
        let mut out = Out::with_capacity(1 << 16, writer);
        render(&mut out)?;
        out.flush()
    })
}

/// Checks that all outputs in object storage can be written.
///
/// # Errors
/// For the first that cannot.
pub(super) async fn check(files: &[FileOutput]) -> Result<(), OutputError> {
    let mut checked = HashSet::new();
    for output in files {
        let Place::Object(object) = &output.place else { continue };
        // Rights differ by prefix, hardly by object: of the objects of all categories, one is enough.
        if checked.insert(object.folder().to_string()) {
            object.check().await.map_err(|error| OutputError::new(object, error.into()))?;
        }
    }
    Ok(())
}
