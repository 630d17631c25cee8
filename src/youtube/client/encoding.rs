//! `Content-Encoding`: decompresses gzip, the only encoding that is requested.
//!
//! reqwest's own decompression is not used: it accepts neither `GZIP` in capitals nor a second member, and it discards
//! what it has decompressed if the end is broken.

use std::io::Read;

use flate2::bufread::GzDecoder;

use super::MAX_BODY;

/// Every member of a gzip stream begins with this (RFC 1952 §2.3.1).
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// An encoding that was not requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UnknownEncoding;

/// Whether a body is compressed, by its `Content-Encoding` (RFC 9110 §8.4: any case, `x-gzip` is `gzip`).
pub(super) fn is_gzip(content_encoding: &str) -> Result<bool, UnknownEncoding> {
    match content_encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        _ => Err(UnknownEncoding),
    }
}

/// Why a body cannot be decompressed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GzipError {
    /// Truncated, or damaged.
    Corrupt,
    /// Larger than [`MAX_BODY`].
    TooLarge,
}

/// Appends all members (RFC 1952 §2.2) to `output`. Data after the last member is ignored, as `gzip` does. If there is
/// an error, `output` keeps what was decompressed before it.
pub(super) fn gunzip(mut compressed: &[u8], output: &mut Vec<u8>) -> Result<(), GzipError> {
    loop {
        let room = (MAX_BODY - output.len()) as u64;
        let mut member = GzDecoder::new(&mut compressed).take(room + 1);
        member.read_to_end(output).map_err(|_| GzipError::Corrupt)?;
        if output.len() > MAX_BODY {
            output.truncate(MAX_BODY);
            return Err(GzipError::TooLarge);
        }
        if !compressed.starts_with(&GZIP_MAGIC) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn decompressed(compressed: &[u8]) -> (String, Result<(), GzipError>) {
        let mut bytes = Vec::new();
        let result = gunzip(compressed, &mut bytes);
        (String::from_utf8(bytes).unwrap(), result)
    }

    #[test]
    fn all_members_are_read_and_what_follows_is_ignored() {
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(decompressed(&two), ("one two".into(), Ok(())));
        assert_eq!(decompressed(&[two.as_slice(), &[0; 16]].concat()), ("one two".into(), Ok(())));
        assert_eq!(decompressed(&gzip(b"")), (String::new(), Ok(())));
    }

    #[test]
    fn what_precedes_a_broken_end_is_kept() {
        let compressed = gzip(b"whole");
        assert_eq!(decompressed(&compressed[..compressed.len() - 3]), ("whole".into(), Err(GzipError::Corrupt)));
        assert_eq!(decompressed(b"plain"), (String::new(), Err(GzipError::Corrupt)));
        assert_eq!(decompressed(b""), (String::new(), Err(GzipError::Corrupt)));
    }

    #[test]
    fn the_size_is_bounded_over_all_members() {
        let half = gzip(&vec![b' '; MAX_BODY / 2 + 1]);
        let (text, result) = decompressed(&[half.as_slice(), &half].concat());
        assert_eq!((text.len(), result), (MAX_BODY, Err(GzipError::TooLarge)));
    }

    #[test]
    fn an_encoding_is_read_in_any_case() {
        for (value, expected) in
            [("gzip", Ok(true)), ("GZIP", Ok(true)), (" X-Gzip ", Ok(true)), ("", Ok(false)), ("Identity", Ok(false))]
        {
            assert_eq!(is_gzip(value), expected, "{value:?}");
        }
        for value in ["br", "zstd", "gzip, gzip", "deflate"] {
            assert_eq!(is_gzip(value), Err(UnknownEncoding), "{value:?}");
        }
    }
}
