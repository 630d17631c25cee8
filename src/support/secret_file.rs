//! Who may read a file that has a secret.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use rustix::process::geteuid;

/// Whether others than the owner have access to a file. The group may read a file of root, as PostgreSQL's programs allow
/// it for private keys: this is how Kubernetes gives a secret to the user of a pod (`fsGroup`).
pub(crate) fn is_open_to_others(file: &Metadata) -> bool {
    is_open(file.mode(), file.uid(), geteuid().as_raw())
}

fn is_open(mode: u32, owner: u32, user: u32) -> bool {
    let forbidden = if owner == 0 && user != 0 { 0o037 } else { 0o077 };
    mode & forbidden != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_may_read_only_what_root_gave_it() {
        const ROOT: u32 = 0;
        const USER: u32 = 65532;
        for (mode, owner, expected) in [
            (0o100400, USER, false),
            (0o100600, USER, false),
            (0o100640, USER, true),
            (0o100440, ROOT, false),
            (0o100640, ROOT, false),
            (0o100660, ROOT, true),
            (0o100444, ROOT, true),
        ] {
            assert_eq!(is_open(mode, owner, USER), expected, "{mode:o} of {owner}");
        }
        assert!(is_open(0o100640, ROOT, ROOT), "root itself needs no group");
    }
}
