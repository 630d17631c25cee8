//! How much a page shows, so that it stays small.

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Entries of each chart.
    pub entries: usize,
    /// Videos in each list of entered, left, risen and fallen ones.
    pub moves: usize,
    /// Runs in each rank plot.
    pub runs: usize,
}

/// From the largest page to the smallest; the first one below [`super::MAX_PAGE`] is used.
pub(super) const LIMITS: &[Limits] = &[
    Limits { entries: 200, moves: 10, runs: 28 },
    Limits { entries: 100, moves: 10, runs: 28 },
    Limits { entries: 50, moves: 5, runs: 28 },
    Limits { entries: 25, moves: 5, runs: 14 },
    Limits { entries: 10, moves: 5, runs: 14 },
    Limits { entries: 10, moves: 3, runs: 7 },
    Limits { entries: 5, moves: 0, runs: 7 },
    Limits { entries: 3, moves: 0, runs: 0 },
    Limits { entries: 1, moves: 0, runs: 0 },
];
