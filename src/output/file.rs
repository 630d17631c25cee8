//! A file that is written whole or not at all.
//!
//! A temporary file of a fixed name lies beside the target while it is written: locked by its
//! writer, so that a second run waits for it, and taken away by the next run when its writer was
//! killed. The lock dies with its process.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

/// Finds out whether `path` can be written, without touching it. Takes away what a killed run left.
///
/// # Errors
/// When it cannot: the folder is missing or read-only, or the target is a folder.
pub(super) fn check(path: &Path) -> io::Result<()> {
    let target = resolve(path)?;
    match fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        // A device or a pipe: opening a pipe to find out would wait for its reader.
        Ok(metadata) if !metadata.is_file() => Ok(()),
        _ => {
            let temporary = temporary_of(&target)?;
            match OpenOptions::new().write(true).create(true).truncate(false).open(&temporary) {
                Ok(file) if file.try_lock().is_ok() => fs::remove_file(&temporary),
                // Another run is writing there, so it can be written.
                Ok(_) => Ok(()),
                Err(error) => Err(error),
            }
        }
    }
}

/// Replaces the content of `path`: a temporary file beside it, fsync, rename. A link is followed,
/// the mode and where possible the owner are kept, a new file has the umask's mode; a target that
/// is no regular file is written in place.
///
/// # Errors
/// Whatever goes wrong; the old content is there then.
pub(super) fn replace(path: &Path, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let target = resolve(path)?;
    let old = fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        let mut file = BufWriter::new(OpenOptions::new().write(true).open(&target)?);
        content(&mut file)?;
        return file.flush();
    }
    let temporary = temporary_of(&target)?;
    let file = create_locked(&temporary)?;
    let written = (|| {
        if let Some(old) = &old {
            // Another user's file stays his where we may say so.
            let _ = fchown(&file, Some(old.uid()), Some(old.gid()));
            file.set_permissions(old.permissions())?;
        }
        let mut buffered = BufWriter::with_capacity(1 << 16, &file);
        content(&mut buffered)?;
        buffered.flush()?;
        drop(buffered);
        file.sync_all()?;
        fs::rename(&temporary, &target)
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
        return written;
    }
    // The new name is on disk once its folder is.
    File::open(folder_of(&target))?.sync_all()
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

/// Creates the file and locks it. One that lies there unlocked was left by a killed run.
fn create_locked(path: &Path) -> io::Result<File> {
    loop {
        let created = OpenOptions::new().write(true).create_new(true).open(path);
        match created {
            Ok(file) => {
                file.lock()?;
                // Between the two steps somebody may have taken it for a leftover.
                if fs::metadata(path).is_ok_and(|there| file.metadata().is_ok_and(|ours| ours.ino() == there.ino())) {
                    return Ok(file);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => remove_leftover(path)?,
            Err(error) => return Err(error),
        }
    }
}

/// Removes the file unless somebody holds its lock; waits for him otherwise.
fn remove_leftover(path: &Path) -> io::Result<()> {
    let gone = |error: io::Error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) };
    let file = match OpenOptions::new().write(true).open(path) {
        Ok(file) => file,
        Err(error) => return gone(error),
    };
    match file.try_lock() {
        Ok(()) => fs::remove_file(path).or_else(gone),
        Err(TryLockError::WouldBlock) => file.lock(),
        Err(TryLockError::Error(error)) => Err(error),
    }
}
