//! A file that is written whole or not at all.
//!
//! A temporary file of a fixed name lies beside the target while it is written, locked by its
//! writer: a second run waits for it, and a leftover of a killed run, whose lock died with it, is
//! taken away.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use super::Out;
use crate::claim;

/// Finds out whether `path` can be written, without touching it. Takes away what a killed run left.
///
/// # Errors
/// When it cannot: the folder is missing or read-only, or the target is a folder.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let Target::File(target) = Target::of(path)? else { return Ok(()) };
    let temporary = temporary_of(&target)?;
    match claim::try_now(&temporary)? {
        Some(_locked) => fs::remove_file(&temporary),
        // Another run is writing there, so it can be written.
        None => Ok(()),
    }
}

/// Replaces the content of `path`: a temporary file beside it, fsync, rename. A link is followed,
/// the mode and where possible the owner are kept, a new file has the umask's mode; a target that
/// is no regular file is written in place.
///
/// # Errors
/// Whatever goes wrong. A regular file is as it was then.
pub(super) fn replace(path: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    match Target::of(path)? {
        Target::File(target) => through(&temporary_of(&target)?, &target, content),
        Target::Stream => write_to(&OpenOptions::new().write(true).open(path)?, content),
    }
}

/// Writes a new file `name` in a folder or below it, where `alias` gives the temporary file its name: the same for
/// names that never come again, so that a later run finds what a killed one left.
///
/// # Errors
/// As above.
pub(super) fn create(
    folder: &Path,
    name: &str,
    alias: &str,
    content: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> io::Result<()> {
    through(&temporary_of(&folder.join(alias))?, &folder.join(name), content)
}

/// Takes away what a killed run left of [`create`].
pub(super) fn sweep(folder: &Path, alias: &str) {
    let Ok(temporary) = temporary_of(&folder.join(alias)) else { return };
    if temporary.exists() && claim::try_now(&temporary).is_ok_and(|claimed| claimed.is_some()) {
        // If it stays, it does no harm.
        let _ = fs::remove_file(&temporary);
    }
}

fn through(temporary: &Path, target: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let file = claim::wait_for(temporary)?;
    let written = write_to(&file, content).and_then(|()| {
        if let Ok(old) = fs::metadata(target) {
            // Another user's file stays his where we may say so.
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
            file.set_permissions(old.permissions())?;
        }
        file.sync_all()?;
        fs::rename(temporary, target)
    });
    if written.is_err() {
        let _ = fs::remove_file(temporary);
        return written;
    }
    // Makes the new name last through a power cut. It is there already, so a folder that may not be
    // read is no failure.
    let _ = File::open(folder_of(target)).and_then(|folder| folder.sync_all());
    Ok(())
}

fn write_to(mut file: &File, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let mut buffered = Out::with_capacity(1 << 16, &mut file);
    content(&mut buffered)?;
    buffered.flush()
}

/// What a path stands for.
enum Target {
    /// A regular file, there or not, behind all links.
    File(PathBuf),
    /// A device, a pipe, a socket: written in place. Its links are the system's, and lead nowhere.
    Stream,
}

impl Target {
    fn of(path: &Path) -> io::Result<Target> {
        if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "its name is that of a folder"));
        }
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
            Ok(there) if !there.is_file() => Ok(Target::Stream),
            _ => resolve(path).map(Target::File),
        }
    }
}

/// The file that a chain of links ends in, which need not exist.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    // Linux itself follows no more than 40.
    for _ in 0..40 {
        match fs::read_link(&target) {
            Ok(next) => target = folder_of(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::other("too many links"))
}

fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn temporary_of(target: &Path) -> io::Result<PathBuf> {
    let name = target.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(".trendfetch-tmp");
    Ok(folder_of(target).join(temporary))
}
