//! Work that blocks, on another thread, so that signals and deadlines are noticed meanwhile.
//!
//! tokio's `spawn_blocking` does the same, but panics where no thread can be started, which a limit on processes causes
//! (`ulimit -u`, `pids.max`).

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{SendError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::Builder;

use tokio::sync::oneshot;

/// Work, which is told the thread that it runs on, where there is one.
type Job = Box<dyn FnOnce(Option<&Worker>) + Send>;

#[derive(Clone)]
struct Worker(SyncSender<Job>);

/// Threads that wait for work.
static IDLE: Mutex<Vec<Worker>> = Mutex::new(Vec::new());

/// Starts the work on another thread, at once; the future waits for its result. Where no thread can be started, the work
/// is done on this thread before the call returns: slower, but nothing is lost. A panic of the work continues here.
pub fn run_blocking<T, W>(work: W) -> impl Future<Output = T> + Send
where
    T: Send + 'static,
    W: FnOnce() -> T + Send + 'static,
{
    let (finish, done) = oneshot::channel::<Result<T, Box<dyn Any + Send>>>();
    let job: Job = Box::new(move |worker| {
        let result = catch_unwind(AssertUnwindSafe(work));
        // Before the result is there, so that what comes next finds this thread.
        idle().extend(worker.cloned());
        // Nobody may wait for the result any more.
        let _ = finish.send(result);
    });
    if let Err(job) = hand_over(job) {
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

/// Whether the next work has a thread of its own.
pub fn has_thread() -> bool {
    let mut idle = idle();
    if idle.is_empty() {
        idle.extend(start());
    }
    !idle.is_empty()
}

/// Gives the job to a thread; gives it back where there is none.
fn hand_over(job: Job) -> Result<(), Job> {
    let worker = idle().pop();
    match worker.map_or_else(start, Ok) {
        Ok(Worker(jobs)) => jobs.send(job).map_err(|SendError(job)| job),
        Err(_) => Err(job),
    }
}

fn start() -> io::Result<Worker> {
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
    async fn threads_are_used_again() {
        let mut threads = HashSet::new();
        // Other tests take threads too, so that this need not be the same one each time.
        for _ in 0..50 {
            threads.insert(run_blocking(|| thread::current().id()).await);
        }
        assert!(threads.len() < 50 && !threads.contains(&thread::current().id()));
    }

    #[tokio::test]
    #[should_panic(expected = "of the work")]
    async fn a_panic_of_the_work_continues() {
        run_blocking(|| panic!("of the work")).await;
    }
}
