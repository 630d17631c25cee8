//! Receives SIGINT, SIGTERM and SIGHUP as values.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Handlers that are installed from creation on; nothing else handles these signals.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
    /// Never awaited. With a handler, a write beyond the limit on file sizes (`ulimit -f`) fails with an error that can be
    /// reported; without one, the signal would end the process.
    _file_size: Signal,
}

impl Signals {
    /// Installs the handlers. A signal that was ignored when the program started stays ignored: SIGHUP under `nohup`, and
    /// SIGINT in the background job of a script.
    ///
    /// # Errors
    /// If the system refuses the handlers.
    pub fn listen() -> io::Result<Signals> {
        let ignored = Ignored::read();
        let unless_ignored = |kind: SignalKind| match ignored.has(kind) {
            true => Ok(None),
            false => signal(kind).map(Some),
        };
        Ok(Signals {
            interrupt: unless_ignored(SignalKind::interrupt())?,
            terminate: unless_ignored(SignalKind::terminate())?,
            hang_up: unless_ignored(SignalKind::hangup())?,
            _file_size: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    /// The number of the next signal: 1, 2 or 15.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            () = received(&mut self.interrupt) => 2,
            () = received(&mut self.terminate) => 15,
            () = received(&mut self.hang_up) => 1,
        }
    }
}

/// The same number on Linux, macOS and the BSDs.
const SIGXFSZ: i32 = 25;

async fn received(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that this process ignores, as a mask in which signal 1 is the lowest bit.
///
/// Reading the disposition of a signal takes `sigaction`, which is unsafe, but Linux lists the ignored ones in
/// proc_pid_status(5). Elsewhere SIGHUP counts as ignored, so that `nohup` works; without `nohup`, a hang-up then ends the
/// process at once, which files and histories survive.
struct Ignored(u64);

impl Ignored {
    fn read() -> Ignored {
        let mask = || {
            let status = fs::read_to_string("/proc/self/status").ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(line.trim(), 16).ok()
        };
        Ignored(mask().unwrap_or(1))
    }

    fn has(&self, kind: SignalKind) -> bool {
        let bit = u32::try_from(kind.as_raw_value() - 1).ok();
        bit.and_then(|bit| self.0.checked_shr(bit)).is_some_and(|mask| mask & 1 == 1)
    }
}
