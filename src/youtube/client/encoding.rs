//! `Content-Encoding`: gzip is the only encoding that is requested.
//!
//! reqwest's own decompression is not used: it accepts neither `GZIP` in capitals nor a second member, and it discards
//! what it has decompressed if the end is broken.

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

#[cfg(test)]
mod tests {
    use super::*;

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
