//! What a run may spend: quota units and retries.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    /// Quota units: every attempt costs one, even if it is refused ("Quota costs"). `None` is no limit.
    pub(super) fn units(max_units: Option<u32>) -> Budget {
        Budget(AtomicU32::new(max_units.unwrap_or(u32::MAX)))
    }

    /// Retries after server errors and network failures, over the whole run: a fifth of the planned requests, at least
    /// ten. A server that fails all the time does not get five attempts for every request.
    pub(super) fn retries(planned_requests: u32) -> Budget {
        Budget(AtomicU32::new((planned_requests / 5).max(10)))
    }

    /// Takes one if one is left.
    pub(super) fn try_take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    pub(super) fn give_back(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}
