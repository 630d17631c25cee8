//! Texts in the place of a path that are something else: the conventional `-`, and addresses.

use std::path::Path;

/// Whether a path stands for standard input or standard output.
pub fn is_dash(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Schemes that are recognized without a slash after the colon.
const KNOWN_SCHEMES: [&str; 7] = ["file", "http", "https", "postgres", "postgresql", "sftp", "sqlite"];

const OBJECT_STORAGE: [&str; 10] = ["s3", "s3a", "s3n", "gs", "gcs", "az", "azure", "abfs", "abfss", "wasbs"];

/// The scheme, in lower case, of a text that is an address rather than a path: `s3` of `S3://bucket/key`, and `htttps` of
/// `htttps://host`. A path with a `/` before the colon is none.
pub fn scheme(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once(':')?;
    // One letter is the drive of a Windows path.
    let has_form = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let scheme = scheme.to_ascii_lowercase();
    let is_known = KNOWN_SCHEMES.contains(&scheme.as_str()) || is_object_storage(&scheme);
    (has_form && (is_known || rest.starts_with('/'))).then_some(scheme)
}

/// Whether a scheme is that of a cloud's object storage.
pub fn is_object_storage(scheme: &str) -> bool {
    OBJECT_STORAGE.contains(&scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_path() {
        for (text, expected) in [
            ("s3://bucket/key", "s3"),
            ("S3:/bucket/key", "s3"),
            ("gs:bucket", "gs"),
            ("htttps://host/x", "htttps"),
            ("git+ssh://host/x", "git+ssh"),
            ("file:x.json", "file"),
        ] {
            assert_eq!(scheme(text).as_deref(), Some(expected), "{text}");
        }
        for path in
            ["", "-", "x.json", "./s3://b/k", "/s3://b/k", "a/s3:/b", "c:/x", "12:/30.json", "US:PL.json", "://x"]
        {
            assert_eq!(scheme(path), None, "{path}");
        }
    }
}
