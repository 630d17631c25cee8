//! gzip (RFC 1952).

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::bufread::GzDecoder;
use flate2::write::GzEncoder;

/// Every member of a gzip stream begins with this (RFC 1952 §2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether the data is compressed.
pub fn is_gzip(data: &[u8]) -> bool {
    data.starts_with(&MAGIC)
}

/// Why data cannot be decompressed to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GzipError {
    /// Truncated, or damaged.
    Corrupt,
    /// Larger than the limit.
    TooLarge,
}

/// Appends all members (RFC 1952 §2.2) to `output`, up to `limit` bytes in all. Data after the last member is ignored, as
/// `gzip` does. If there is an error, `output` keeps what was decompressed before it.
///
/// # Errors
/// If the data is damaged, or `output` would exceed the limit.
pub fn decompress(mut compressed: &[u8], limit: usize, output: &mut Vec<u8>) -> Result<(), GzipError> {
    loop {
        let room = (limit - output.len()) as u64;
        let mut member = GzDecoder::new(&mut compressed).take(room + 1);
        member.read_to_end(output).map_err(|_| GzipError::Corrupt)?;
        if output.len() > limit {
            output.truncate(limit);
            return Err(GzipError::TooLarge);
        }
        if !is_gzip(compressed) {
            return Ok(());
        }
    }
}

/// Compresses what `content` writes. The header has neither a time nor a name, so equal content gives equal bytes.
///
/// # Errors
/// Any error of the writer or of `content`.
pub fn compress<W: Write>(writer: W, content: impl FnOnce(&mut GzEncoder<W>) -> io::Result<()>) -> io::Result<()> {
    let mut encoder = GzEncoder::new(writer, Compression::default());
    content(&mut encoder)?;
    encoder.finish().map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut compressed = Vec::new();
        compress(&mut compressed, |out| out.write_all(text)).unwrap();
        compressed
    }

    fn decompressed(compressed: &[u8]) -> (String, Result<(), GzipError>) {
        let mut bytes = Vec::new();
        let result = decompress(compressed, LIMIT, &mut bytes);
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
        let half = gzip(&vec![b' '; LIMIT / 2 + 1]);
        let (text, result) = decompressed(&[half.as_slice(), &half].concat());
        assert_eq!((text.len(), result), (LIMIT, Err(GzipError::TooLarge)));
    }

    #[test]
    fn the_header_has_neither_a_time_nor_a_name() {
        // RFC 1952 §2.3: no flags, time 0, default compression, unknown system.
        assert_eq!(gzip(b"x")[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
    }
}
