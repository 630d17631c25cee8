//! The conventional path `-`.

use std::path::Path;

/// Whether a path stands for standard input or standard output.
pub fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}
