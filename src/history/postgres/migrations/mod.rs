//! The versions of the tables in a database.

/// In the order in which they are applied. The table `trendfetch_schema` says how many a database has. A released
/// migration never changes.
pub(super) const MIGRATIONS: &[&str] = &[
    include_str!("0001.sql"),
    include_str!("0002.sql"),
    include_str!("0003.sql"),
    include_str!("0004.sql"),
    include_str!("0005.sql"),
];
