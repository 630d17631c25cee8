//! Runs blocking work on another thread, so that signals and deadlines are still noticed.
//!
//! tokio's `spawn_blocking` does the same, but panics if no thread can be started, as under a limit on processes
//! (`ulimit -u`, `pids.max`).

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{SendError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use tokio::sync::oneshot;

/// A job gets the worker that runs it, or `None` if it runs on the calling thread.
type Job = Box<dyn FnOnce(Option<&Worker>) + Send>;

#[derive(Clone)]
struct Worker(SyncSender<Job>);

/// Idle worker threads.
static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

/// Starts the work on another thread at once; the future resolves to its result.
///
/// If no thread can be started, the work runs on this thread before the call returns: slower, but nothing is lost. A
/// panic of the work is resumed by the future.
pub fn run_blocking<T, W>(work: W) -> impl Future<Output = T> + Send
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let (finish, done) = oneshot::channel::<Result<T, Box<dyn Any + Send>>>();
    let job: Job = Box::new(move |worker| {
        let result = catch_unwind(AssertUnwindSafe(work));
        // Before the result is sent, so that the next call reuses this thread.
        idle().extend(worker.cloned());
        // The future may have been dropped.
        let _ = finish.send(result);
    });
    if let Err(job) = dispatch(job) {
        job(None);
    }
    async move {
        match done.await {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => resume_unwind(panic),
            // A job always sends its result.
            Err(_) => std::future::pending().await,
        }
    }
}

/// Whether the next [`run_blocking`] gets a thread of its own.
pub fn can_start_thread() -> bool {
    let mut idle = idle();
    if idle.is_empty() {
        idle.extend(spawn_worker());
    }
    !idle.is_empty()
}

/// Sends the job to a worker; returns it if no worker is idle and none can be started.
fn dispatch(job: Job) -> Result<(), Job> {
    let worker = idle().pop();
    match worker.map_or_else(spawn_worker, Ok) {
        Ok(Worker(jobs)) => jobs.send(job).map_err(|SendError(job)| job),
        Err(_) => Err(job),
    }
}

fn spawn_worker() -> io::Result<Worker> {
    let (sender, jobs) = sync_channel::<Job>(1);
    let worker = Worker(sender);
    let this = worker.clone();
    Builder::new().spawn(move || jobs.iter().for_each(|job| job(Some(&this))))?;
    Ok(worker)
}

fn idle() -> MutexGuard<'static, Vec<Worker>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::thread;

    use super::*;

    #[tokio::test]
    async fn threads_are_reused() {
        let mut threads = HashSet::new();
        // Other tests use the pool too, so this need not be the same thread each time.
        for _ in 0..50 {
            threads.insert(run_blocking(|| thread::current().id()).await);
        }
        assert!(threads.len() < 50 && !threads.contains(&thread::current().id()));
    }

    #[tokio::test]
    #[should_panic(expected = "of the work")]
    async fn a_panic_of_the_work_is_resumed() {
        run_blocking(|| panic!("of the work")).await;
    }
}
