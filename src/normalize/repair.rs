//! Repairs JSON that the grammar allows and serde_json refuses: unpaired surrogates, and numbers beyond the range of
//! `f64`. Both are replaced in place, so that only the value that holds them is lost.
//!
//! Source: RFC 8259 §6 and §8.2, which leave both to the parser.

/// Replaces each unpaired surrogate by U+FFFD, and each number beyond the range of `f64` by null.
pub(crate) fn repair_json(json: &mut [u8]) {
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        at = match byte {
            b'"' => repair_string(json, at + 1),
            b'-' | b'0'..=b'9' => repair_number(json, at),
            _ => at + 1,
        };
    }
}

/// Takes the position after a string's opening quote, and returns that after its closing quote.
fn repair_string(json: &mut [u8], mut at: usize) -> usize {
    while let Some(byte) = json.get(at) {
        at += match (byte, utf16_unit(json, at)) {
            (b'"', _) => return at + 1,
            (b'\\', Some(0xd800..=0xdbff)) if matches!(utf16_unit(json, at + 6), Some(0xdc00..=0xdfff)) => 12,
            (b'\\', Some(0xd800..=0xdfff)) => {
                json[at..at + 6].copy_from_slice(br"\ufffd");
                6
            }
            (b'\\', _) => 2,
            _ => 1,
        };
    }
    at
}

/// The UTF-16 unit of an escape `\uXXXX`.
fn utf16_unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(br"\u")?;
    u16::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Takes the position of a number's first byte, and returns that after its last.
fn repair_number(json: &mut [u8], start: usize) -> usize {
    let is_number_byte = |byte: &&u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let end = start + json[start..].iter().take_while(is_number_byte).count();
    let number = &mut json[start..end];
    let value: Option<f64> = str::from_utf8(number).ok().and_then(|text| text.parse().ok());
    // Below f64::MAX, since parsers differ near the limit and no field takes a number of this size.
    if value.is_some_and(|value| value.abs() >= 1e300) {
        number.fill(b' ');
        number[..4].copy_from_slice(b"null");
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repaired(json: &str) -> String {
        let mut bytes = json.as_bytes().to_vec();
        repair_json(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn unpaired_surrogates_are_replaced_and_pairs_and_escaped_backslashes_stay() {
        let cases = [
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#""\uDE00""#, r#""\ufffd""#),
            (r#""\ud83d\ude00""#, r#""\ud83d\ude00""#),
            (r#""\ud83d\ud83d\ude00""#, r#""\ufffd\ud83d\ude00""#),
            (r#""\ude00\ud83d""#, r#""\ufffd\ufffd""#),
            (r#""\ud83d\u0041""#, r#""\ufffd\u0041""#),
            (r#""\ud83d\n\\""#, r#""\ufffd\n\\""#),
            (r#""\\ud83d""#, r#""\\ud83d""#),
            (r#""\\\ud83d""#, r#""\\\ufffd""#),
            (r#""\"\ud83d""#, r#""\"\ufffd""#),
            (r#"{"\ud83d":"\ud83d"}"#, r#"{"\ufffd":"\ufffd"}"#),
            (r#""\ud83d\ude"#, r#""\ufffd\ude"#),
            (r#""\ud83"#, r#""\ud83"#),
            (r#""\"#, r#""\"#),
        ];
        for (json, expected) in cases {
            assert_eq!(repaired(json), expected, "{json}");
        }
    }

    #[test]
    fn a_number_beyond_f64_becomes_null_outside_of_strings() {
        let long = "9".repeat(400);
        let cases = [
            ("[1e999,-1E+999,1e5]", "[null ,null   ,1e5]"),
            (r#"{"a":1e999,"1e999":"1e999"}"#, r#"{"a":null ,"1e999":"1e999"}"#),
            ("1e-999", "1e-999"),
            ("0e999", "0e999"),
            ("18446744073709551616", "18446744073709551616"),
            ("1e", "1e"),
            ("1e9999999999999999999", &format!("null{}", " ".repeat(17))),
            (&long, &format!("null{}", " ".repeat(396))),
        ];
        for (json, expected) in cases {
            assert_eq!(repaired(json), expected, "{json}");
        }
    }
}
