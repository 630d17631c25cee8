//! How much a page shows, so that it stays small.

#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Entries of each chart.
    pub entries: usize,
    /// Videos in each list of entered, left, risen and fallen ones.
    pub moves: usize,
    /// Runs in each rank plot.
    pub runs: usize,
    /// Whether the lines of videos that are no longer at the top have their titles.
    pub other_titles: bool,
}

const fn limits(entries: usize, moves: usize, runs: usize, other_titles: bool) -> Limits {
    Limits { entries, moves, runs, other_titles }
}

/// From the largest page to the smallest; the first one below [`super::MAX_PAGE`] is used.
pub(super) const LIMITS: &[Limits] = &[
    limits(200, 6, 120, true),
    limits(100, 6, 120, true),
    limits(50, 6, 60, true),
    limits(50, 5, 28, true),
    limits(50, 5, 28, false),
    limits(40, 5, 28, false),
    limits(30, 5, 28, false),
    limits(25, 3, 28, false),
    limits(20, 3, 28, false),
    limits(15, 3, 28, false),
    limits(12, 3, 28, false),
    limits(10, 3, 14, false),
    limits(10, 0, 14, false),
    limits(8, 0, 7, false),
    limits(5, 0, 7, false),
    limits(3, 0, 0, false),
    limits(1, 0, 0, false),
];
