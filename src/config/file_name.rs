//! What the name of a file says about its content, and names that are refused.

use std::path::Path;

use crate::model::error::UsageError;
use crate::output::Format;
use crate::support::path::{is_object_storage, scheme};

/// The meaning of an output's name.
pub(super) struct FileName {
    pub(super) format: Format,
    /// Whether it ends in `.gz`.
    pub(super) is_compressed: bool,
    /// Whether the format is JSON only because the extension is not that of a format.
    pub(super) has_unknown_extension: bool,
}

impl FileName {
    /// Reads the name of an output. `chosen` is the format of `--format`, which counts if the extension names none.
    ///
    /// # Errors
    /// If it is an address, or names a format that cannot be written.
    pub(super) fn parse(path: &Path, chosen: Option<Format>) -> Result<FileName, UsageError> {
        check_output(path)?;
        let is_compressed = extension(path).is_some_and(|extension| extension == "gz");
        let stem = path.file_stem().filter(|_| is_compressed).map_or(path, Path::new);
        let inner = extension(stem);
        let format = inner.as_deref().and_then(Format::from_extension).or(chosen);
        let reason_to_refuse = match format {
            Some(Format::Parquet) if is_compressed => Some("Parquet is compressed already; leave out .gz"),
            _ => inner.as_deref().and_then(reason_to_refuse),
        };
        match reason_to_refuse {
            Some(why) => Err(UsageError(format!("--output {}: {why}", path.display()))),
            None => Ok(FileName {
                format: format.unwrap_or(Format::Json),
                is_compressed,
                has_unknown_extension: format.is_none() && inner.is_some(),
            }),
        }
    }
}

fn extension(path: &Path) -> Option<String> {
    path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase())
}

/// Why no file with this extension is written. Each would hold something other than its name says.
fn reason_to_refuse(extension: &str) -> Option<&'static str> {
    match extension {
        "tsv" | "tab" => Some("tab-separated values cannot be written; name a file such as trends.csv"),
        "xls" | "xlsx" | "xlsm" | "ods" => {
            Some("spreadsheets cannot be written; name a file such as trends.csv, which they open (see --csv-bom)")
        }
        "zip" | "7z" | "rar" | "tar" | "tgz" => Some("archives cannot be written; name a file such as trends.json.gz"),
        "bz2" | "xz" | "zst" | "lz4" | "br" | "lzma" | "z" => {
            Some("only gzip can be written; name a file such as trends.json.gz")
        }
        _ => None,
    }
}

/// Checks that an output is a path or the address of an object.
///
/// # Errors
/// If it is another address. The message does not quote it, since it may contain a password.
fn check_output(path: &Path) -> Result<(), UsageError> {
    check("--output", path, |scheme| match scheme {
        "file" => "give the path alone",
        "postgres" | "postgresql" | "sqlite" => "a history is given with --store",
        _ => "only files can be written; if it is the name of a file, put ./ in front",
    })
}

/// Checks that a page is written to a path or to object storage, and that its name does not promise compression.
///
/// # Errors
/// If it is another address, or ends in `.gz`.
pub fn check_page(path: &Path) -> Result<(), UsageError> {
    check_output(path)?;
    match extension(path).as_deref() {
        Some("gz") => Err(UsageError(format!("--output {}: a page is not compressed; leave out .gz", path.display()))),
        _ => Ok(()),
    }
}

/// Checks that a document to read is a path or the address of an object.
///
/// # Errors
/// If it is another address.
pub fn check_document(argument: &str, path: &Path) -> Result<(), UsageError> {
    check(argument, path, |scheme| match scheme {
        "file" => "give the path alone",
        _ => "only files can be read; download it first, or if it is the name of a file, put ./ in front",
    })
}

fn check(argument: &str, path: &Path, remedy: impl Fn(&str) -> &'static str) -> Result<(), UsageError> {
    let Some(scheme) = scheme(&path.to_string_lossy()) else { return Ok(()) };
    let remedy = match is_object_storage(&scheme) {
        true if cfg!(feature = "cloud") => return Ok(()),
        true => "this trendfetch was built without object storage; build it with --features cloud",
        false => remedy(&scheme),
    };
    Err(UsageError(format!("{argument} begins with {scheme}:, as an address does; {remedy}")))
}

/// Whether it is the address of an object, rather than a path.
pub(super) fn is_object(path: &Path) -> bool {
    scheme(&path.to_string_lossy()).is_some_and(|scheme| is_object_storage(&scheme))
}
