//! `Content-Encoding`: gzip, and nothing else, is asked for.
//!
//! Not left to the HTTP client, which reads neither `GZIP` in capitals nor a second member, and forgets what it has
//! unpacked when the end is broken.

use std::io::Read;

use flate2::bufread::GzDecoder;

use super::MAX_BODY;

/// What every member of a gzip stream begins with (RFC 1952 §2.3.1).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Whether a body is packed, by its `Content-Encoding` (RFC 9110 §8.4: any case, `x-gzip` is `gzip`).
///
/// # Errors
/// For a coding that was not asked for.
pub(super) fn is_gzip(content_encoding: &str) -> Result<bool, ()> {
    match content_encoding.trim().to_ascii_lowercase().as_str() {
        "" | "identity" => Ok(false),
        "gzip" | "x-gzip" => Ok(true),
        _ => Err(()),
    }
}

/// Why a body cannot be unpacked to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Cut short, or not what its checksum says.
    Broken,
    /// Larger than [`MAX_BODY`].
    TooLarge,
}

/// Unpacks all members (RFC 1952 §2.2); what follows the last one is ignored, as `gzip` itself does. What could be
/// unpacked stays in `unpacked`.
pub(super) fn unpack(mut packed: &[u8], unpacked: &mut Vec<u8>) -> Result<(), Fault> {
    loop {
        let room = (MAX_BODY - unpacked.len()) as u64;
        let mut member = GzDecoder::new(&mut packed).take(room + 1);
        member.read_to_end(unpacked).map_err(|_| Fault::Broken)?;
        if unpacked.len() > MAX_BODY {
            unpacked.truncate(MAX_BODY);
            return Err(Fault::TooLarge);
        }
        if !packed.starts_with(&MAGIC) {
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

    fn unpacked(packed: &[u8]) -> (String, Result<(), Fault>) {
        let mut bytes = Vec::new();
        let end = unpack(packed, &mut bytes);
        (String::from_utf8(bytes).unwrap(), end)
    }

    #[test]
    fn every_member_counts_and_what_follows_does_not() {
        let two = [gzip(b"one "), gzip(b"two")].concat();
        assert_eq!(unpacked(&two), ("one two".into(), Ok(())));
        assert_eq!(unpacked(&[two.as_slice(), &[0; 16]].concat()), ("one two".into(), Ok(())));
        assert_eq!(unpacked(&gzip(b"")), (String::new(), Ok(())));
    }

    #[test]
    fn what_came_before_a_broken_end_is_kept() {
        let packed = gzip(b"whole");
        assert_eq!(unpacked(&packed[..packed.len() - 3]), ("whole".into(), Err(Fault::Broken)));
        assert_eq!(unpacked(b"plain"), (String::new(), Err(Fault::Broken)));
        assert_eq!(unpacked(b""), (String::new(), Err(Fault::Broken)));
    }

    #[test]
    fn the_size_is_bounded_over_all_members() {
        let half = gzip(&vec![b' '; MAX_BODY / 2 + 1]);
        let (text, end) = unpacked(&[half.as_slice(), &half].concat());
        assert_eq!((text.len(), end), (MAX_BODY, Err(Fault::TooLarge)));
    }

    #[test]
    fn a_coding_is_read_in_any_case() {
        for (value, expected) in
            [("gzip", Ok(true)), ("GZIP", Ok(true)), (" X-Gzip ", Ok(true)), ("", Ok(false)), ("Identity", Ok(false))]
        {
            assert_eq!(is_gzip(value), expected, "{value:?}");
        }
        for value in ["br", "zstd", "gzip, gzip", "deflate"] {
            assert_eq!(is_gzip(value), Err(()), "{value:?}");
        }
    }
}
