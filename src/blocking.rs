//! Work that blocks, beside the runtime, so that signals are heard meanwhile.

/// Does the work on another thread and waits for it. A panic of it goes on here.
pub(crate) async fn unblocked<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
