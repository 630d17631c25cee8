//! `prune`: deletes old data from the history.

use jiff::Timestamp;

use super::{location, print_message};
use crate::cli::{PruneArgs, TerminalArgs};
use crate::config::env::Env;
use crate::history::expiry::cutoff;
use crate::history::prune::{PruneOptions, Pruned, prune};
use crate::history::{self, Access};

pub(super) async fn run(args: &PruneArgs, terminal: &TerminalArgs, env: &Env, now: Timestamp) -> anyhow::Result<()> {
    let location = location(&args.store, env)?;
    let mut backend = history::open(&location, Access::Modify).await?;
    let options = PruneOptions {
        expired_before: args.keep.map(|keep| cutoff(now, keep)),
        log_before: args.log.map(|log| cutoff(now, log)),
        future_after: args.ahead.then_some(now),
    };
    let mut pruned = Pruned::default();
    let result = prune(&mut *backend, &options, &mut pruned).await;
    backend.close().await;
    if let Some(why) = &pruned.unreclaimed {
        tracing::warn!("the data is deleted, but not all of its space was freed: {why}");
    }
    // Also after an error, since a part may have been deleted.
    print_message(&summary(args, &pruned), terminal)?;
    Ok(result?)
}

fn summary(args: &PruneArgs, pruned: &Pruned) -> String {
    let mut deleted = Vec::new();
    if args.keep.is_some() || args.ahead {
        deleted.push(format!("the charts of {} run(s)", pruned.deleted.runs));
        deleted.push(format!("{} video(s)", pruned.deleted.videos));
    }
    if args.log.is_some() {
        deleted.push(format!("{} run(s) of the log", pruned.log_runs));
    }
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let (before, after) = (pruned.size_before, pruned.size_after);
    format!("deleted {}; {:.1} MiB became {:.1} MiB\n", deleted.join(", and "), mib(before), mib(after))
}
