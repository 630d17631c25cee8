//! PrioritySemaphore by need: of those that wait, the one whose region has longest to go is next.
//!
//! The pages of a region follow one another, so that a slow region that queued like all others for each of its pages
//! would at last be alone with several to go and one permit in use. In equal need the order is that of asking, so that
//! all first pages, of which nothing is known, go in the order asked for and before any second one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// Shared by all that need one.
#[derive(Debug, Clone)]
pub(super) struct PrioritySemaphore(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    free: usize,
    waiting: BinaryHeap<Waiter>,
    turns: u64,
}

#[derive(Debug)]
struct Waiter {
    need: Duration,
    turn: Reverse<u64>,
    hand_over: oneshot::Sender<Permit>,
}

/// One of the permits, until it is dropped.
#[derive(Debug)]
pub(super) struct Permit(PrioritySemaphore);

impl PrioritySemaphore {
    pub(super) fn new(permits: usize) -> PrioritySemaphore {
        PrioritySemaphore(Arc::new(Mutex::new(State { free: permits, waiting: BinaryHeap::new(), turns: 0 })))
    }

    /// Waits for a permit; who needs more goes first. The place in the queue is taken by the call, and not only when
    /// the future is polled. A future that is dropped gives its permit on,
    /// whether it had come or not.
    pub(super) fn acquire(&self, need: Duration) -> impl Future<Output = Permit> + use<> {
        let handed_over = self.queue(need);
        async {
            match handed_over.await {
                Ok(permit) => permit,
                // The sender lies in the queue until it is used.
                Err(_) => std::future::pending().await,
            }
        }
    }

    fn queue(&self, need: Duration) -> oneshot::Receiver<Permit> {
        let (hand_over, handed_over) = oneshot::channel();
        let mut state = self.state();
        if state.free > 0 {
            state.free -= 1;
            drop(state);
            // The receiver is there.
            let _ = hand_over.send(Permit(self.clone()));
        } else {
            state.turns += 1;
            let turn = Reverse(state.turns);
            state.waiting.push(Waiter { need, turn, hand_over });
        }
        handed_over
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.state();
            let next = state.waiting.pop();
            state.free += usize::from(next.is_none());
            next
        };
        if let Some(waiter) = next {
            // One that has given up gets nothing, and drops what it was sent: then the one after it is next.
            let _ = waiter.hand_over.send(Permit(self.0.clone()));
        }
    }
}

impl Ord for Waiter {
    fn cmp(&self, other: &Waiter) -> std::cmp::Ordering {
        (self.need, self.turn).cmp(&(other.need, other.turn))
    }
}

impl PartialOrd for Waiter {
    fn partial_cmp(&self, other: &Waiter) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiter {
    fn eq(&self, other: &Waiter) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiter {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who gets the only permit one after another, of those who wait with this need and stay or give up.
    async fn order(needs: &[(u64, bool)]) -> Vec<usize> {
        let permits = PrioritySemaphore::new(1);
        let first = permits.acquire(Duration::ZERO).await;
        let got = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (index, (need, _)) in needs.iter().copied().enumerate() {
            let (permits, got) = (permits.clone(), Arc::clone(&got));
            tasks.push(tokio::spawn(async move {
                let _permit = permits.acquire(Duration::from_secs(need)).await;
                got.lock().unwrap().push(index);
                tokio::task::yield_now().await;
            }));
            tokio::task::yield_now().await;
        }
        for (task, (_, stays)) in tasks.iter().zip(needs) {
            if !stays {
                task.abort();
            }
        }
        tokio::task::yield_now().await;
        drop(first);
        for task in tasks {
            let _ = task.await;
        }
        assert_eq!(permits.state().free, 1, "the permit is back");
        assert!(permits.state().waiting.is_empty());
        let got = got.lock().unwrap();
        got.clone()
    }

    #[tokio::test]
    async fn who_needs_most_is_next_and_among_equals_who_came_first() {
        let stay = |needs: &[u64]| needs.iter().map(|need| (*need, true)).collect::<Vec<_>>();
        assert_eq!(order(&stay(&[1, 3, 2, 3, 1])).await, [1, 3, 2, 0, 4]);
        assert_eq!(order(&stay(&[2, 2, 2])).await, [0, 1, 2]);
    }

    #[tokio::test]
    async fn a_permit_is_not_lost_on_one_that_has_given_up() {
        assert_eq!(order(&[(3, false), (1, true), (2, false)]).await, [1]);
        assert!(order(&[(3, false), (1, false)]).await.is_empty());
    }

    #[tokio::test]
    async fn a_permit_handed_over_to_one_that_never_looks_goes_on() {
        let permits = PrioritySemaphore::new(1);
        let first = permits.acquire(Duration::ZERO).await;
        // It takes its place before it is ever polled.
        let waiting = permits.acquire(Duration::ZERO);
        drop(first);
        assert_eq!(permits.state().free, 0, "handed over");
        drop(waiting);
        assert_eq!(permits.state().free, 1);
    }
}
