//! Saves a run that the history could not store.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::error::WriteError;
use super::formats::json;
use super::objects::content;
use super::{OutputError, Place, file};
use crate::bucket::{NewObject, Object};
use crate::model::Document;
use crate::support::blocking::run_blocking;
use crate::support::time_limit::Interruption;

/// Where a document is saved if the history did not record it. The first place that works is used, a folder first: it
/// needs no network, which the history may have lost too.
#[derive(Debug, Clone, Default)]
pub struct Rescue {
    pub folders: Vec<PathBuf>,
    /// Beginnings of keys.
    pub objects: Vec<Object>,
}

/// The name from which those of the temporary files are derived.
const UNSTORED: &str = "trendfetch-run.json";

impl Rescue {
    /// Saves a document as `trendfetch-RUN_ID.json`, and returns where: an absolute path, or an address.
    ///
    /// # Errors
    /// If it can be saved nowhere: the error of the last place. If the run ended before: what ended it.
    pub async fn save(
        &self,
        document: &Arc<Document>,
        end: impl Future<Output = Interruption>,
    ) -> Result<Result<Place, OutputError>, Interruption> {
        let (rescue, saved) = (self.clone(), Arc::clone(document));
        let mut end = std::pin::pin!(end);
        let mut saved = tokio::select! {
            saved = run_blocking(move || rescue.save_file(&saved)) => saved,
            why = &mut end => return Err(why),
        };
        for folder in &self.objects {
            if saved.is_ok() {
                break;
            }
            let object = folder.child(&name(document));
            let json = Arc::clone(document);
            let content = content(move |out| self::json(&*json, out));
            let upload = object.upload(vec![vec![NewObject { object: object.clone(), content }]]);
            saved = match upload.finish(&mut end).await? {
                Ok(()) => Ok(Place::Object(object)),
                Err(error) => Err(OutputError::new(&object, error.into())),
            };
        }
        Ok(saved)
    }

    fn save_file(&self, document: &Document) -> Result<Place, OutputError> {
        let name = name(document);
        let mut saved = Err(OutputError::new(&name, WriteError::File(io::ErrorKind::NotFound.into())));
        for folder in &self.folders {
            let path = folder.join(&name);
            let path = std::path::absolute(&path).unwrap_or(path);
            saved = match file::create(folder, &name, UNSTORED, |out| json(document, out)) {
                Ok(()) => return Ok(Place::File(path)),
                Err(error) => Err(OutputError::new(path.display(), error)),
            };
        }
        saved
    }

    /// Removes the temporary file of a run that was killed while it saved a document.
    pub fn remove_stale_temp(&self) {
        self.folders.iter().for_each(|folder| file::remove_stale_temp(folder, UNSTORED));
    }
}

fn name(document: &Document) -> String {
    format!("trendfetch-{}.json", document.run_id)
}
