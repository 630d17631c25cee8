//! A file that is written whole or not at all.
//!
//! A temporary file of a fixed name lies beside the target while it is written, locked by its
//! writer: a second run waits for it, and a leftover of a killed run, whose lock died with it, is
//! taken away.

use std::fs::{self, File};
use std::io::{self, Write};
use std::iter::successors;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use super::fault::Fault;
use super::{Out, stream};
use crate::support::file_lock;

/// How the names of temporary files end.
const TEMPORARY: &str = ".trendfetch-tmp";

/// The longest name, in bytes, that a temporary name repeats. Most file systems take 255 bytes, encrypted ones 143.
const LONGEST_REPEATED: usize = 100;

/// Finds out whether `path` can be written, without touching it. Takes away what a killed run left.
///
/// # Errors
/// When it cannot: the folder is missing or read-only, or what is there cannot be replaced.
pub(super) fn check(path: &Path) -> Result<(), Fault> {
    let Target::File(target) = Target::of(path)? else { return stream::check(path) };
    let temporary = temporary_of(&target)?;
    // Where another run is writing, it can be written.
    if let Some(_locked) = file_lock::try_lock(&temporary).map_err(Fault::of_file)? {
        fs::remove_file(&temporary).map_err(Fault::of_file)?;
    }
    may_be_replaced(&target)
}

/// Whether another file may take the name of the one there: another user's in a sticky folder stays, and so does one
/// that is immutable or a mount point.
fn may_be_replaced(target: &Path) -> Result<(), Fault> {
    if is_mount_point(target) {
        return Err(Fault::new("it is a mount point, which cannot be replaced", "mount its folder in its place"));
    }
    // Asked without doing anything: Linux looks whether the name may go before it looks whether a folder has it.
    match fs::remove_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(Fault::new(
            "the file there may not be replaced: it is immutable, or another user's in a sticky folder",
            "choose another name",
        )),
        _ => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn is_mount_point(target: &Path) -> bool {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let found = statx(CWD, target, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::empty());
    found.is_ok_and(|found| found.stx_attributes.contains(StatxAttributes::MOUNT_ROOT))
}

#[cfg(not(target_os = "linux"))]
fn is_mount_point(_: &Path) -> bool {
    false
}

/// Replaces the content of `path`: a temporary file beside it, fsync, rename. A link is followed,
/// the mode and where possible the owner are kept, a new file has the umask's mode; a target that
/// is no regular file is written in place.
///
/// # Errors
/// Whatever goes wrong. A regular file is as it was then.
pub(super) fn replace(path: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), Fault> {
    match Target::of(path)? {
        Target::File(target) => through(&temporary_of(&target)?, &target, content).map_err(Fault::of_file),
        Target::Stream => stream::write(path, content),
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
) -> Result<(), Fault> {
    through(&temporary_of(&folder.join(alias))?, &folder.join(name), content).map_err(Fault::of_file)
}

/// Takes away what a killed run left of [`create`].
pub(super) fn sweep(folder: &Path, alias: &str) {
    let Ok(temporary) = temporary_of(&folder.join(alias)) else { return };
    if temporary.exists() && file_lock::try_lock(&temporary).is_ok_and(|claimed| claimed.is_some()) {
        // If it stays, it does no harm.
        let _ = fs::remove_file(&temporary);
    }
}

fn through(temporary: &Path, target: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let file = file_lock::lock(temporary)?;
    let written = write_to(&file, content).and_then(|()| {
        if let Ok(old) = fs::metadata(target) {
            keep_owner(&file, &old);
            // Where all files have one mode, as on a FAT disk, none can be set.
            if file.metadata()?.permissions() != old.permissions() {
                file.set_permissions(old.permissions())?;
            }
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

/// Another user's file stays theirs where that is allowed, and otherwise its group's: those who could read it still can.
fn keep_owner(file: &File, old: &fs::Metadata) {
    if fchown(file, Some(old.uid()), Some(old.gid())).is_err() {
        let _ = fchown(file, None, Some(old.gid()));
    }
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
    fn of(path: &Path) -> Result<Target, Fault> {
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(Fault::of_file(io::Error::new(io::ErrorKind::IsADirectory, "its name is that of a folder")));
        }
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => {
                Err(Fault::of_file(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")))
            }
            Ok(there) if !there.is_file() => Ok(Target::Stream),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Fault::of_file(error)),
            _ => Ok(Target::File(resolve(path))),
        }
    }
}

/// Whether `path` leads to something that is written in place.
pub(super) fn is_stream(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::Stream))
}

/// The file that a chain of links ends in, which need not exist.
fn resolve(path: &Path) -> PathBuf {
    links(path).last().unwrap_or_else(|| path.to_owned())
}

/// Where a file is or would be, the same for every path to it.
pub(super) fn place(path: &Path) -> Option<PathBuf> {
    let target = resolve(path);
    let folder = fs::canonicalize(folder_of(&target)).or_else(|_| std::path::absolute(folder_of(&target)));
    Some(folder.ok()?.join(target.file_name()?))
}

/// A path, and where it leads if it is a link, step by step.
pub(super) fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |link: &PathBuf| fs::read_link(link).ok().map(|next| folder_of(link).join(next));
    // Linux itself follows no more than 40.
    successors(Some(path.to_owned()), next).take(41)
}

pub(super) fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The temporary file of a target: `.NAME.trendfetch-tmp`, or a hash of a long name, which would be too long with more.
fn temporary_of(target: &Path) -> Result<PathBuf, Fault> {
    let name = target.file_name().ok_or_else(|| Fault::new("it names no file", "name a file in it"))?.as_bytes();
    if name.ends_with(TEMPORARY.as_bytes()) {
        return Err(Fault::new(
            "names that end in .trendfetch-tmp are those of temporary files",
            "choose another name",
        ));
    }
    let mut temporary = b".".to_vec();
    match name.len() {
        ..=LONGEST_REPEATED => temporary.extend_from_slice(name),
        _ => temporary.extend_from_slice(file_lock::fnv1a_hex(name).as_bytes()),
    }
    temporary.extend_from_slice(TEMPORARY.as_bytes());
    Ok(folder_of(target).join(std::ffi::OsStr::from_bytes(&temporary)))
}
