//! Parses the command line, resolves the configuration, and does the run or the subcommand.

use std::cell::Cell;
use std::ffi::OsString;
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use indicatif::MultiProgress;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use trendfetch::bucket::TIME_TO_ABANDON;
use trendfetch::cli::{self, Cli};
use trendfetch::config::env::Env;
use trendfetch::config::{self, Config, TerminalConfig};
use trendfetch::model::error::UsageError;
use trendfetch::output::exit_status::ExitStatus;
use trendfetch::output::logging::{self, LineStyle, print_error};
use trendfetch::output::progress;
use trendfetch::support::blocking::{can_start_thread, run_blocking};
use trendfetch::support::signals::Signals;
use trendfetch::support::time_limit::{GRACE, ReceivedSignal};
use trendfetch::youtube::api_key::disable_core_dumps;
use trendfetch::{app, commands};

/// How long to wait after a run should have ended. It ends by itself, unless a log line blocks on a full pipe.
const OVERDUE: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    disable_core_dumps();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let env = Env::read();
    let style = config::line_style(cli::log_format(&arguments), &env);
    Cli::read(arguments, style)
        .map_err(anyhow::Error::from)
        .and_then(|cli| start(cli, env, style))
        .unwrap_or_else(|error| {
            print_error(&format!("{error:#}"), style);
            if error.is::<UsageError>() { ExitStatus::Usage } else { ExitStatus::Failed }
        })
        .into()
}

fn start(cli: Cli, env: Env, style: LineStyle) -> anyhow::Result<ExitStatus> {
    let terminal = TerminalConfig::resolve(&cli.terminal, cli.run.progress, &env)?;
    let bars = progress::bars(terminal.progress);
    logging::init(terminal.log_filter, style, bars.clone());
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the clock")]
    let now = Timestamp::now();
    env.warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
    // A runtime opens descriptors. Outputs may be inherited descriptors, known by number, so they are resolved first.
    match cli.command {
        None => {
            let config = Config::resolve(cli.run, &cli.terminal, &env)?;
            runtime()?.block_on(run(config, bars, now, style))
        }
        Some(command) => {
            let outputs = commands::outputs(&command, &cli.terminal, &env)?;
            let work = move || runtime()?.block_on(commands::run(command, &cli.terminal, outputs, &env, now));
            // A signal without a handler ends any process, but not process 1, which this one is in a container.
            if std::process::id() == 1 { runtime()?.block_on(until_signalled(work)) } else { work() }
        }
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")
}

/// Does the work on a thread of its own. A signal ends it at once, as it would without a handler; only an export to object
/// storage gets a moment to abandon its uploads.
async fn until_signalled<W>(work: W) -> anyhow::Result<ExitStatus>
where
    W: FnOnce() -> anyhow::Result<ExitStatus> + Send + 'static,
{
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let mut work = pin!(run_blocking(work));
    tokio::select! {
        exit = &mut work => exit,
        signal = signals.next() => {
            if cfg!(feature = "cloud") {
                let _ = timeout(TIME_TO_ABANDON + OVERDUE, work).await;
            }
            Ok(ExitStatus::Signal(signal))
        }
    }
}

/// Does the run on a thread of its own, so that a signal or the deadline ends it even if it blocks.
async fn run(config: Config, bars: MultiProgress, now: Timestamp, style: LineStyle) -> anyhow::Result<ExitStatus> {
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let ended_by = Cell::new(None);
    let (sender, signalled) = watch::channel(None);
    let deadline = config.plan.deadline;
    let run = async {
        if !can_start_thread() {
            return Ok(app::run(config, now, bars, signalled).await?);
        }
        run_blocking(move || Ok(runtime()?.block_on(app::run(config, now, bars, signalled))?)).await
    };
    let exit = tokio::select! {
        exit = run => exit,
        () = wait_until_overdue(&mut signals, &ended_by, &sender, deadline) => {
            print_error("ended before everything was written; files are whole, old or new, but standard output, pipes and devices may have only a part of the data", style);
            Ok(ExitStatus::Failed)
        }
    };
    let Some(signal) = ended_by.get() else { return exit };
    if let Err(error) = exit {
        print_error(&format!("{error:#}"), style);
    }
    Ok(ExitStatus::Signal(signal))
}

/// Passes the first signal on to the run, then waits until the run should have ended or a second signal is received.
async fn wait_until_overdue(
    signals: &mut Signals,
    ended_by: &Cell<Option<u8>>,
    sender: &watch::Sender<Option<ReceivedSignal>>,
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
            // The run may be over already.
            let _ = sender.send(Some(ReceivedSignal { at: Instant::now(), number: signal }));
            let _ = timeout(GRACE + OVERDUE, signals.next()).await;
        }
        () = end => {}
    }
}
