//! What a run may spend: quota units and retries.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A number of things that may be taken, one by one.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    /// Quota units: every attempt costs one, a refused one too ("Quota costs"). `None` is no limit.
    pub(super) fn of_units(max_units: Option<u32>) -> Budget {
        Budget(AtomicU32::new(max_units.unwrap_or(u32::MAX)))
    }

    /// Retries after server errors and faults of the way, over the whole run: a fifth of the
    /// planned requests, at least ten. So a server in trouble is not asked five times for everything.
    pub(super) fn of_retries(planned_requests: u32) -> Budget {
        Budget(AtomicU32::new((planned_requests / 5).max(10)))
    }

    /// Takes one, if there is one.
    pub(super) fn take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// Gives back one that was taken.
    pub(super) fn give_back(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    /// Whether there is none left.
    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}
