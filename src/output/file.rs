//! Files that are written whole or not at all.
//!
//! The content goes to a temporary file beside the target, which is locked by its writer. Its name is fixed, so that a
//! second run waits for the first, and a stale file of a killed run, whose lock is free, is removed.

use std::fs::{self, File};
use std::io::{self, Write};
use std::iter::successors;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use super::error::WriteError;
use super::{Out, stream};
use crate::support::file_lock;

/// The suffix of temporary files.
const TEMPORARY: &str = ".trendfetch-tmp";

/// The longest target name, in bytes, that its temporary name includes. Most file systems allow 255 bytes, encrypted ones
/// 143.
const MAX_INCLUDED: usize = 100;

/// Checks that `path` can be written, without touching it. Removes the temporary file of a killed run.
///
/// # Errors
/// If it cannot: the folder is missing or read-only, or what is there cannot be replaced.
pub(super) fn check(path: &Path) -> Result<(), WriteError> {
    let Target::File(target) = Target::of(path)? else { return stream::check(path) };
    let temporary = temporary_of(&target)?;
    // If another run holds the lock, it is writing there, so it can be written.
    if let Some(_locked) = file_lock::try_lock(&temporary).map_err(WriteError::File)? {
        fs::remove_file(&temporary).map_err(WriteError::File)?;
    }
    check_replaceable(&target)
}

/// Checks that the file there can be replaced. It cannot if it is another user's in a sticky folder, immutable, or a mount
/// point.
fn check_replaceable(target: &Path) -> Result<(), WriteError> {
    if is_mount_point(target) {
        return Err(WriteError::MountPoint);
    }
    // This removes nothing: Linux checks whether the name may be removed before it finds that it is not a folder.
    match fs::remove_dir(target) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Err(WriteError::Irreplaceable),
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

/// Replaces the content of `path` by way of a temporary file, fsync and rename. A link is followed; the mode and, where
/// possible, the owner are kept; a new file gets the umask's mode. A target that is not a regular file is written in
/// place.
///
/// # Errors
/// If writing fails. A regular file is unchanged then.
pub(super) fn replace(path: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> Result<(), WriteError> {
    match Target::of(path)? {
        Target::File(target) => write_and_rename(&temporary_of(&target)?, &target, content).map_err(WriteError::File),
        Target::Stream => stream::write(path, content),
    }
}

/// Creates the file `name` in a folder or below it. The name of its temporary file is derived from `alias`, which is the
/// same for all such names, so that a later run finds the temporary file of a killed one.
///
/// # Errors
/// If writing fails. There is no file then.
pub(super) fn create(
    folder: &Path,
    name: &str,
    alias: &str,
    content: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> Result<(), WriteError> {
    write_and_rename(&temporary_of(&folder.join(alias))?, &folder.join(name), content).map_err(WriteError::File)
}

/// Creates a file that is not there yet, with its content and its name on the disk.
///
/// # Errors
/// If writing fails, or the file is there.
#[cfg(feature = "parquet")]
pub(super) fn write_new(path: &Path, content: impl FnOnce(&mut Out<'_>) -> io::Result<()>) -> io::Result<()> {
    let file = File::create_new(path)?;
    write_to(&file, content)?;
    file.sync_all()?;
    sync_folder(folder_of(path));
    Ok(())
}

/// Does the work unless another run is in [`create`] with this folder and alias. No other run enters it meanwhile.
///
/// # Errors
/// If the work fails, or no temporary file can be created.
#[cfg(feature = "parquet")]
pub(super) fn unless_in_use(
    folder: &Path,
    alias: &str,
    work: impl FnOnce() -> io::Result<()>,
) -> Result<(), WriteError> {
    let temporary = temporary_of(&folder.join(alias))?;
    let Some(_locked) = file_lock::try_lock(&temporary).map_err(WriteError::File)? else { return Ok(()) };
    let done = work();
    fs::remove_file(&temporary).and(done).map_err(WriteError::File)
}

/// Makes new names in a folder durable. The files are in place already, so a folder that may not be opened is not an
/// error.
pub(super) fn sync_folder(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Removes the temporary file of a run that was killed in [`create`].
pub(super) fn remove_stale_temp(folder: &Path, alias: &str) {
    let Ok(temporary) = temporary_of(&folder.join(alias)) else { return };
    if temporary.exists() && file_lock::try_lock(&temporary).is_ok_and(|lock| lock.is_some()) {
        // A file that stays does no harm.
        let _ = fs::remove_file(&temporary);
    }
}

fn write_and_rename(
    temporary: &Path,
    target: &Path,
    content: impl FnOnce(&mut Out<'_>) -> io::Result<()>,
) -> io::Result<()> {
    let file = file_lock::lock(temporary)?;
    let written = write_to(&file, content).and_then(|()| {
        if let Ok(old) = fs::metadata(target) {
            keep_owner(&file, &old);
            // On file systems without modes, such as FAT, none can be set.
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
    sync_folder(folder_of(target));
    Ok(())
}

/// Keeps the owner of the old file if that is allowed, and otherwise its group: those who could read it still can.
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

/// What a path leads to.
enum Target {
    /// A regular file, existing or not, with all links resolved.
    File(PathBuf),
    /// A device, pipe or socket, which is written in place. Its links are not resolved, since those in `/proc` lead nowhere.
    Stream,
}

impl Target {
    fn of(path: &Path) -> Result<Target, WriteError> {
        if path.as_os_str().as_bytes().ends_with(b"/") {
            return Err(WriteError::FolderName);
        }
        match fs::metadata(path) {
            Ok(there) if there.is_dir() => Err(WriteError::Folder),
            Ok(there) if !there.is_file() => Ok(Target::Stream),
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(WriteError::File(error)),
            _ => Ok(Target::File(resolve(path))),
        }
    }
}

/// Whether `path` is written in place.
pub(super) fn is_stream(path: &Path) -> bool {
    matches!(Target::of(path), Ok(Target::Stream))
}

/// The end of a chain of links, which need not exist.
fn resolve(path: &Path) -> PathBuf {
    links(path).last().unwrap_or_else(|| path.to_owned())
}

/// The path of a file, existing or not, without links: the same for every path to it.
pub(super) fn canonical(path: &Path) -> Option<PathBuf> {
    let target = resolve(path);
    let folder = fs::canonicalize(folder_of(&target)).or_else(|_| std::path::absolute(folder_of(&target)));
    Some(folder.ok()?.join(target.file_name()?))
}

/// A path, and if it is a link, each path that it leads to.
pub(super) fn links(path: &Path) -> impl Iterator<Item = PathBuf> {
    let next = |link: &PathBuf| fs::read_link(link).ok().map(|next| folder_of(link).join(next));
    // Linux follows at most 40.
    successors(Some(path.to_owned()), next).take(41)
}

pub(super) fn folder_of(target: &Path) -> &Path {
    target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The temporary file of a target: `.NAME.trendfetch-tmp`, with a hash in place of a long name.
fn temporary_of(target: &Path) -> Result<PathBuf, WriteError> {
    let name = target.file_name().ok_or(WriteError::NoFileName)?.as_bytes();
    if name.ends_with(TEMPORARY.as_bytes()) {
        return Err(WriteError::TemporaryName);
    }
    let mut temporary = b".".to_vec();
    match name.len() {
        ..=MAX_INCLUDED => temporary.extend_from_slice(name),
        _ => temporary.extend_from_slice(file_lock::fnv1a_hex(name).as_bytes()),
    }
    temporary.extend_from_slice(TEMPORARY.as_bytes());
    Ok(folder_of(target).join(std::ffi::OsStr::from_bytes(&temporary)))
}
