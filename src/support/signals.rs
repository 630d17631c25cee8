//! SIGINT, SIGTERM and SIGHUP, as values.

use std::fs;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listens from its creation on; nothing else handles these signals.
#[derive(Debug)]
pub struct Signals {
    interrupt: Option<Signal>,
    terminate: Option<Signal>,
    hang_up: Option<Signal>,
    /// Never waited for. Where a limit on the size of files is reached, a handler makes the write fail, which has a
    /// message, and nothing else happens; without one, the process ends.
    _file_size: Signal,
}

impl Signals {
    /// From now on an interrupt, a hang-up or a request to end is heard in place of ending the process. A signal that was
    /// ignored when the program started stays ignored: that of `nohup`, and SIGINT in the background job of a script.
    ///
    /// # Errors
    /// When the system refuses the handlers.
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

    /// The next one, by its number: 1, 2 or 15.
    pub async fn next(&mut self) -> u8 {
        tokio::select! {
            () = heard(&mut self.interrupt) => 2,
            () = heard(&mut self.terminate) => 15,
            () = heard(&mut self.hang_up) => 1,
        }
    }
}

/// The same number on Linux, macOS and the BSDs.
const SIGXFSZ: i32 = 25;

async fn heard(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that this process ignores, as a mask in which signal 1 is the lowest bit.
///
/// No safe function tells the disposition of a signal (`sigaction` may set a handler too), but Linux lists those that are
/// ignored (proc_pid_status(5)). Elsewhere SIGHUP counts as ignored, so that `nohup` works: a hang-up then does what it
/// does to any program, which files and histories survive.
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
