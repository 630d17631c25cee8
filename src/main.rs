//! Parse, resolve, build the runtime, run, exit code.

use std::cell::Cell;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::MultiProgress;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use trendfetch::cli::Cli;
use trendfetch::config::env::Env;
use trendfetch::config::{Config, TerminalConfig};
use trendfetch::model::error::UsageError;
use trendfetch::output::exit_status::ExitStatus;
use trendfetch::output::{self, logging, progress};
use trendfetch::support::blocking::{can_start_thread, run_blocking};
use trendfetch::support::signals::Signals;
use trendfetch::support::time_limit::GRACE;
use trendfetch::youtube::api_key::forbid_core_dumps;
use trendfetch::{app, commands};

/// How long after its end a run is waited for. It ends by itself, unless a log line of it is stuck in a full pipe.
const OVERDUE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    forbid_core_dumps();
    Cli::read()
        .map_err(anyhow::Error::from)
        .and_then(start)
        .unwrap_or_else(|error| {
            output::print_error(&format!("{error:#}"));
            if error.is::<UsageError>() { ExitStatus::Usage } else { ExitStatus::Failed }
        })
        .into()
}

fn start(cli: Cli) -> anyhow::Result<ExitStatus> {
    let env = Env::read();
    let screen = TerminalConfig::resolve(&cli.run, &env)?;
    let lines = progress::screen(screen.progress);
    logging::init(screen, lines.clone());
    // The wall clock is asked here and nowhere else.
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the clock")]
    let now = Timestamp::now();
    env.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    // A runtime has descriptors of its own. It comes after the outputs, which may be those that the program started with.
    match cli.command {
        None => {
            let config = Config::resolve(cli.run, &env)?;
            runtime()?.block_on(run(config, lines, now))
        }
        Some(command) => {
            let page = commands::page(&command);
            runtime()?.block_on(commands::run(command, page, &env, now)).map(|()| ExitStatus::Complete)
        }
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")
}

/// The run has a thread of its own, so that a signal or the deadline ends it whatever blocks it.
async fn run(config: Config, lines: MultiProgress, now: Timestamp) -> anyhow::Result<ExitStatus> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let ended_by = Cell::new(None);
    let (tell, signalled) = watch::channel(None);
    let deadline = config.plan.deadline;
    let run = async {
        if !can_start_thread() {
            return Ok(app::run(config, now, lines, signalled).await?);
        }
        run_blocking(move || Ok(runtime()?.block_on(app::run(config, now, lines, signalled))?)).await
    };
    let exit = tokio::select! {
        exit = run => exit,
        () = overdue(&mut signals, &ended_by, &tell, deadline) => {
            output::print_error("ended before everything was written; files are whole, old or new, but standard output, pipes and devices may have a part of the data");
            Ok(ExitStatus::Failed)
        }
    };
    let Some(signal) = ended_by.get() else { return exit };
    if let Err(error) = exit {
        output::print_error(&format!("{error:#}"));
    }
    Ok(ExitStatus::Signal(signal))
}

/// Tells the run of the first signal, and waits until it should have ended; a second signal ends it as it is.
async fn overdue(
    signals: &mut Signals,
    ended_by: &Cell<Option<u8>>,
    tell: &watch::Sender<Option<Instant>>,
    deadline: Option<Duration>,
) {
    let end = async {
        match deadline {
            Some(deadline) => sleep(deadline.saturating_add(GRACE + OVERDUE)).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        signal = signals.next() => {
            ended_by.set(Some(signal));
            // A run that is over takes no message.
            let _ = tell.send(Some(Instant::now()));
            let _ = timeout(GRACE + OVERDUE, signals.next()).await;
        }
        () = end => {}
    }
}
