//! `load`: stores saved documents in the history, each in a transaction of its own.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::{location, print_message, read_document};
use crate::bucket::Patience;
use crate::cli::{LoadArgs, TerminalArgs};
use crate::config::env::Env;
use crate::config::{self, ObjectStorage};
use crate::history::{self, Access, Backend, HistoryError, Location};
use crate::model::Document;
use crate::model::error::UsageError;
use crate::output::Place;
use crate::support::path::is_dash;

/// Loads each document that can be read. One that cannot is reported and does not keep the others from being loaded.
pub(super) async fn run(args: &LoadArgs, terminal: &TerminalArgs, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let location = location(&args.store, env)?;
    let places = places(&args.files, env)?;
    let (mut backend, mut counts) = (None, Counts::default());
    for place in &places {
        let document = match read_document(place, now).await {
            Ok(document) => Arc::new(document),
            Err(error) if args.files.len() == 1 => return Err(error),
            Err(error) => {
                tracing::error!("{error:#}");
                counts.failed += 1;
                continue;
            }
        };
        let is_new = record(&mut backend, &location, &document).await?;
        let count = if is_new { &mut counts.new } else { &mut counts.known };
        *count += 1;
        let what = if is_new { "is in the history now" } else { "was in the history already; nothing changed" };
        print_message(&format!("run {} of {} {what}\n", document.run_id, document.fetched_at), terminal)?;
    }
    if let Some(backend) = backend {
        backend.close().await;
    }
    if args.files.len() > 1 {
        print_message(&counts.summary(), terminal)?;
    }
    let Counts { failed, .. } = counts;
    anyhow::ensure!(
        failed == 0,
        "{failed} document(s) could not be loaded; correct what the lines above say, and repeat"
    );
    Ok(())
}

#[derive(Default)]
struct Counts {
    new: usize,
    known: usize,
    failed: usize,
}

impl Counts {
    fn summary(&self) -> String {
        let Counts { new, known, failed } = self;
        let total = new + known + failed;
        format!("{total} documents: {new} loaded, {known} in the history already, {failed} not loaded\n")
    }
}

fn places(files: &[PathBuf], env: &Env) -> Result<Vec<Place>, UsageError> {
    files.iter().try_for_each(|file| config::check_document("FILE", file))?;
    if files.iter().filter(|file| is_dash(file)).count() > 1 {
        return Err(UsageError("standard input can be read only once; give - once".into()));
    }
    let mut storage = ObjectStorage::new(env, Patience::default());
    files.iter().map(|file| storage.place("FILE", file)).collect()
}

/// Opens the history when the first document is there, so that a wrong file does not create it.
async fn record(
    backend: &mut Option<Box<dyn Backend>>,
    location: &Location,
    document: &Arc<Document>,
) -> Result<bool, HistoryError> {
    let backend = match backend {
        Some(backend) => backend,
        None => backend.insert(history::open(location, Access::Create).await?),
    };
    // No server's clock is known here, so no run of the history can be found to be dated wrongly.
    backend.record(document, None).await
}
