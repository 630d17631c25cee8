//! Parse, resolve, build the runtime, run, exit code.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::MultiProgress;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use trendfetch::cli::Cli;
use trendfetch::config::{Config, Screen};
use trendfetch::env::Env;
use trendfetch::error::UsageError;
use trendfetch::exit::Exit;
use trendfetch::output::{self, progress};
use trendfetch::secret::forbid_core_dumps;
use trendfetch::signals::Signals;
use trendfetch::{app, commands, logging};

/// How long a run may write what arrived, once a signal has ended it: longer than it waits for its history, or what the
/// history did not take could not be saved.
const LAST_WORDS: Duration = app::PATIENCE_WHEN_CANCELLED.saturating_mul(2);

fn main() -> ExitCode {
    forbid_core_dumps();
    Cli::read()
        .map_err(anyhow::Error::from)
        .and_then(start)
        .unwrap_or_else(|error| {
            output::complain(&format!("{error:#}"));
            if error.is::<UsageError>() { Exit::Usage } else { Exit::Failed }
        })
        .into()
}

fn start(cli: Cli) -> anyhow::Result<Exit> {
    let env = Env::read();
    let screen = Screen::resolve(&cli.run, &env)?;
    let lines = progress::screen(screen.progress);
    logging::init(screen, lines.clone());
    // The wall clock is asked here and nowhere else.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]
    let now = Timestamp::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    env.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    let Some(command) = cli.command else { return run(runtime, Config::resolve(cli.run, &env)?, lines, now) };
    runtime.block_on(commands::run(command, &env, now)).map(|()| Exit::Complete)
}

fn run(runtime: Runtime, config: Config, lines: MultiProgress, now: Timestamp) -> anyhow::Result<Exit> {
    let exit = runtime.block_on(async {
        let mut signals = Signals::listen().context("cannot listen for signals")?;
        let ended_by = Cell::new(None);
        let (cancel, cancelled) = watch::channel(false);
        let exit = tokio::select! {
            exit = app::run(config, now, lines, cancelled) => exit?,
            exit = listen(&mut signals, &ended_by, &cancel) => exit,
        };
        Ok(ended_by.get().map_or(exit, Exit::Signal))
    });
    // A write that hangs is not waited for.
    runtime.shutdown_background();
    exit
}

/// The first signal cancels the run; a second one, or [`LAST_WORDS`], ends it as it is.
async fn listen(signals: &mut Signals, ended_by: &Cell<Option<u8>>, cancel: &watch::Sender<bool>) -> Exit {
    let first = signals.next().await;
    ended_by.set(Some(first));
    // A run that is over takes no message.
    let _ = cancel.send(true);
    let _ = tokio::time::timeout(LAST_WORDS, signals.next()).await;
    output::complain("ended before everything was written; what is there is whole, old or new");
    Exit::Signal(first)
}
