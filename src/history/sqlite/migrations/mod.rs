//! The versions of the tables in a file.

/// In the order in which they are applied. The file's `user_version` says how many it has. A released migration never
/// changes.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("0001.sql"),
    include_str!("0002.sql"),
    include_str!("0003.sql"),
    include_str!("0004.sql"),
    include_str!("0005.sql"),
];
