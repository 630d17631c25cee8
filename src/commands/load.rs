//! `load`: stores a saved document in the history.

use std::sync::Arc;

use jiff::Timestamp;

use super::{check_not_in_future, location, print_message};
use crate::cli::{LoadArgs, TerminalArgs};
use crate::config;
use crate::config::env::Env;
use crate::history::{self, Access};
use crate::model::read_document;

pub(super) async fn run(args: &LoadArgs, terminal: &TerminalArgs, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let location = location(&args.store, env)?;
    config::check_document("FILE", &args.file)?;
    let document = Arc::new(read_document::read(&args.file)?);
    check_not_in_future(&document, &args.file, now)?;
    let mut backend = history::open(&location, Access::Create).await?;
    // No server's clock is known here, so no run of the history can be found to be dated wrongly.
    let stored = backend.record(&document, None).await;
    backend.close().await;
    let what = if stored? { "is in the history now" } else { "was in the history already; nothing changed" };
    Ok(print_message(&format!("run {} of {} {what}\n", document.run_id, document.fetched_at), terminal)?)
}
