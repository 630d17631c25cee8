//! Writes objects whole or not at all, with bounded memory: a small object in one request, a larger one in parts that
//! become an object together, or are abandoned.

use std::io::{self, Write};
use std::panic::resume_unwind;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use object_store::MultipartUpload;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use super::fault::BucketError;
use super::object::Object;
use super::{Content, NewObject, TIME_TO_ABANDON};
use crate::support::blocking::{can_start_thread, run_blocking};

/// The size of all parts but the last: at least 5 MiB are required, 10,000 parts are allowed, and some stores want equal
/// parts. At most four are in memory.
const PART: usize = 8 << 20;

/// How long a failed upload may take to clean up.
const TIME_TO_CLEAN_UP: Duration = Duration::from_secs(10);

/// An upload that runs as a task of its own.
pub struct Upload {
    task: JoinHandle<Result<(), Failure>>,
    cancel: oneshot::Sender<()>,
}

enum Failure {
    Cancelled,
    Failed(BucketError),
}

impl From<BucketError> for Failure {
    fn from(error: BucketError) -> Failure {
        Failure::Failed(error)
    }
}

impl Upload {
    pub(super) fn start(groups: Vec<Vec<NewObject>>) -> Upload {
        let (cancel, cancelled) = oneshot::channel();
        Upload { task: tokio::spawn(write_groups(groups, cancelled)), cancel }
    }

    /// Waits for the end of the upload, which is cancelled when `end` resolves. Then half a second remains to clean up.
    ///
    /// # Errors
    /// The value of `end` if the upload was cancelled.
    pub async fn finish<T>(mut self, end: impl Future<Output = T>) -> Result<Result<(), BucketError>, T> {
        let mut end = pin!(end);
        let why = tokio::select! {
            biased;
            done = &mut self.task => match outcome(done) {
                Ok(written) => return Ok(written),
                // Only this call cancels it.
                Err(()) => end.await,
            },
            why = &mut end => why,
        };
        let _ = self.cancel.send(());
        match timeout(TIME_TO_ABANDON, self.task).await.map(outcome) {
            Ok(Ok(written)) => Ok(written),
            Ok(Err(())) | Err(_) => Err(why),
        }
    }
}

/// The result of the task, or an error if it was cancelled.
fn outcome(done: Result<Result<(), Failure>, JoinError>) -> Result<Result<(), BucketError>, ()> {
    match done {
        Ok(Ok(())) => Ok(Ok(())),
        Ok(Err(Failure::Failed(error))) => Ok(Err(error)),
        Ok(Err(Failure::Cancelled)) => Err(()),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_) => Err(()),
        },
    }
}

type Cancelled = oneshot::Receiver<()>;

async fn write_groups(groups: Vec<Vec<NewObject>>, mut cancelled: Cancelled) -> Result<(), Failure> {
    for group in groups {
        write_group(group, &mut cancelled).await?;
    }
    Ok(())
}

async fn write_group(group: Vec<NewObject>, cancelled: &mut Cancelled) -> Result<(), Failure> {
    let mut written = Vec::new();
    for NewObject { object, content } in group {
        if let Err(failure) = write(&object, content, cancelled).await {
            for object in &written {
                clean_up(object, "removed", object.remove()).await;
            }
            return Err(failure);
        }
        written.push(object);
    }
    Ok(())
}

async fn write(object: &Object, content: Content, cancelled: &mut Cancelled) -> Result<(), Failure> {
    let mut rendering = Rendering::start(content);
    let mut begun = None;
    let sent = send(object, &mut rendering, &mut begun, cancelled).await;
    // Ends the rendering, if it goes on.
    drop(rendering);
    if let (Err(_), Some(mut upload)) = (&sent, begun) {
        clean_up(object, "abandoned", async { upload.abort().await.map_err(|error| object.error(&error)) }).await;
    }
    sent
}

/// Sends an object. If that fails, the upload in `begun`, if any, is to be abandoned.
async fn send(
    object: &Object,
    rendering: &mut Rendering,
    begun: &mut Option<Box<dyn MultipartUpload>>,
    cancelled: &mut Cancelled,
) -> Result<(), Failure> {
    let Some(first) = unless(cancelled, rendering.part()).await?? else {
        return Ok(unless(cancelled, object.put(Bytes::new().into())).await??);
    };
    let Some(second) = unless(cancelled, rendering.part()).await?? else {
        return Ok(unless(cancelled, object.put(first.into())).await??);
    };
    // This is not cancelled: without its answer, the upload could not be abandoned.
    let upload = begun.insert(object.begin().await?);
    let failed = |error: object_store::Error| object.error(&error);
    unless(cancelled, upload.put_part(first.into())).await?.map_err(failed)?;
    let mut next = Some(second);
    while let Some(part) = next {
        unless(cancelled, upload.put_part(part.into())).await?.map_err(failed)?;
        next = unless(cancelled, rendering.part()).await??;
    }
    unless(cancelled, upload.complete()).await?.map_err(failed)?;
    Ok(())
}

/// The result of the work, unless the upload is cancelled.
async fn unless<T>(cancelled: &mut Cancelled, work: impl Future<Output = T>) -> Result<T, Failure> {
    tokio::select! {
        biased;
        // Also if the `Upload` is dropped.
        _ = cancelled => Err(Failure::Cancelled),
        done = work => Ok(done),
    }
}

async fn clean_up(object: &Object, what: &str, work: impl Future<Output = Result<(), BucketError>>) {
    match timeout(TIME_TO_CLEAN_UP, work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!("what was written of {object} could not be {what}: {error}"),
        Err(_) => tracing::warn!("what was written of {object} could not be {what} in time"),
    }
}

/// Content that is rendered on another thread, part by part.
struct Rendering {
    parts: mpsc::Receiver<Bytes>,
    result: oneshot::Receiver<io::Result<()>>,
}

impl Rendering {
    fn start(content: Content) -> Rendering {
        // Without another thread, all parts are rendered before the first is sent.
        let ahead = if can_start_thread() { 1 } else { Semaphore::MAX_PERMITS };
        let (sender, parts) = mpsc::channel(ahead);
        let (finish, result) = oneshot::channel();
        // Its future is not needed: the work has started, and sends its result itself.
        drop(run_blocking(move || {
            let mut writer = PartWriter { sender, part: Vec::new() };
            let rendered = content(&mut writer).and_then(|()| writer.finish());
            drop(writer);
            let _ = finish.send(rendered);
        }));
        Rendering { parts, result }
    }

    /// The next part, or `None` after the last.
    async fn part(&mut self) -> Result<Option<Bytes>, BucketError> {
        if let Some(part) = self.parts.recv().await {
            return Ok(Some(part));
        }
        match (&mut self.result).await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Err(BucketError::of_content(&error)),
            // The end has been reported before, or the work has panicked.
            Err(_) => Err(BucketError::new("its content could not be rendered; report this".into())),
        }
    }
}

/// Collects parts of equal size.
struct PartWriter {
    sender: mpsc::Sender<Bytes>,
    part: Vec<u8>,
}

impl PartWriter {
    fn send(&mut self) -> io::Result<()> {
        let part = Bytes::from(std::mem::take(&mut self.part));
        let closed = || io::Error::from(io::ErrorKind::BrokenPipe);
        match self.sender.try_send(part) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(part)) => self.sender.blocking_send(part).map_err(|_| closed()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(closed()),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.part.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Parts that grow would leave the heap in pieces. Memory that a small object does not touch costs nothing.
        if self.part.capacity() == 0 {
            self.part.reserve_exact(PART);
        }
        let length = bytes.len().min(PART - self.part.len());
        self.part.extend_from_slice(&bytes[..length]);
        if self.part.len() == PART {
            self.send()?;
        }
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
