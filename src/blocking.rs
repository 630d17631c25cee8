//! Work that blocks, on a thread of its own, so that signals and deadlines are noticed meanwhile.

use std::panic::resume_unwind;
use std::sync::mpsc;
use std::thread;

use tokio::sync::oneshot;

/// Starts the work on another thread, at once; the future waits for its result. Where no thread can be started, which a
/// limit on processes causes (`ulimit -u`, `pids.max`), the work is done on this thread before the call returns: slower,
/// but nothing is lost. A panic of the work continues here.
///
/// tokio's `spawn_blocking` panics in that case.
pub(crate) fn unblocked<T, W>(work: W) -> impl Future<Output = T> + Send
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let started = start(work);
    async move {
        match started {
            Started::Here(done) => done,
            Started::There(thread, done) => match done.await {
                Ok(done) => done,
                // Only a panic ends the thread without a result.
                Err(_) => resume_unwind(thread.join().err().unwrap_or_else(|| Box::new("a thread ended early"))),
            },
        }
    }
}

enum Started<T> {
    Here(T),
    There(thread::JoinHandle<()>, oneshot::Receiver<T>),
}

fn start<T, W>(work: W) -> Started<T>
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    // A thread that could not be started would take the work with it, so it is handed over afterwards.
    let (hand_over, handed_over) = mpsc::sync_channel::<W>(1);
    let (finish, done) = oneshot::channel();
    let thread = thread::Builder::new().spawn(move || {
        if let Ok(work) = handed_over.recv() {
            // Nobody may wait for the result any more.
            let _ = finish.send(work());
        }
    });
    match thread {
        Err(_) => Started::Here(work()),
        Ok(thread) => match hand_over.send(work) {
            Ok(()) => Started::There(thread, done),
            Err(mpsc::SendError(work)) => Started::Here(work()),
        },
    }
}
