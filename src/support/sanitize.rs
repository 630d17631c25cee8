//! Makes untrusted text safe for a terminal. The document carries it unchanged, since JSON escapes it.

use std::borrow::Cow;
use std::fmt::{Display, Write as _};

/// Escapes what a terminal would obey or hide: C0 and C1 controls, DEL, bidirectional controls, and characters without
/// width. ESC becomes the six characters `\u{1b}`. Line breaks and tabs become spaces, and the two joiners are dropped,
/// since words stay readable without them.
pub fn escape_invisible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => out.push(' '),
            // The joiners of Indic scripts, Persian and emoji.
            '\u{200c}' | '\u{200d}' => {}
            invisible if is_invisible(invisible) => {
                let _ = write!(out, "{}", invisible.escape_unicode()); // writing to a String never fails
            }
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// Quotes a text as one word for a shell (POSIX, "Quoting").
pub fn shell_quote(text: &dyn Display) -> String {
    format!("'{}'", text.to_string().replace('\'', r"'\''"))
}

/// Like [`escape_invisible`], but for a line of JSON, by JSON's own escapes. Such characters occur only within its strings,
/// so it stays valid JSON.
pub fn escape_invisible_in_json(line: &str) -> Cow<'_, str> {
    if !line.contains(is_invisible) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    for character in line.chars() {
        match character {
            invisible if is_invisible(invisible) => {
                for unit in invisible.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}"); // writing to a String never fails
                }
            }
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}

/// [`escape_invisible`], with white space folded, truncated to at most `limit` characters with an ellipsis.
pub fn one_line(text: &str, limit: usize) -> String {
    let text = escape_invisible(text);
    let mut words = text.split_whitespace();
    let mut line = words.next().unwrap_or_default().to_owned();
    for word in words {
        line.push(' ');
        line.push_str(word);
        if line.len() > limit * 4 {
            break;
        }
    }
    if let Some((cut, _)) = line.char_indices().nth(limit) {
        let kept = line[..cut].char_indices().next_back().map_or(0, |(last, _)| last);
        line.truncate(kept);
        line.push('…');
    }
    line
}

/// The first `limit` characters of the text.
pub fn truncate(text: &str, limit: usize) -> &str {
    // No text has more characters than bytes.
    if text.len() <= limit {
        return text;
    }
    text.char_indices().nth(limit).map_or(text, |(end, _)| &text[..end])
}

/// Drops a leading byte order mark, which some programs put before UTF-8 (RFC 8259 §8.1 lets a reader ignore it). An
/// incomplete mark is dropped too.
pub fn strip_bom(bytes: &[u8]) -> &[u8] {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    if MARK.starts_with(bytes) { &[] } else { bytes.strip_prefix(MARK).unwrap_or(bytes) }
}

/// Decodes a file in UTF-16, which some Windows programs write; `None` if it is not one. The files that are read here
/// begin with an ASCII character, so a byte order mark is not needed to recognize it.
pub fn decode_utf16(bytes: &[u8]) -> Option<String> {
    let unit = match bytes {
        [0xff, 0xfe, ..] | [1..=255, 0, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] | [0, 1..=255, ..] => u16::from_be_bytes,
        _ => return None,
    };
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
    Some(String::from_utf16_lossy(&units))
}

/// Drops HTML tags: YouTube's error messages contain `<a href=…>` and `<code>`. Other text in angle brackets stays, as in
/// `Requests from referer <empty> are blocked`.
pub fn strip_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = match after.split_once('>') {
            Some((tag, behind)) if is_tag(tag) && !tag.contains('<') => behind,
            _ => {
                out.push('<');
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// Whether this is an element's name, perhaps with attributes. The names are listed, since any word in angle brackets
/// could be a tag.
fn is_tag(tag: &str) -> bool {
    const ELEMENTS: [&str; 36] = [
        "a", "b", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "head",
        "hr", "html", "i", "img", "li", "ol", "p", "pre", "q", "small", "span", "strong", "sub", "sup", "table", "td",
        "tr", "tt", "u", "ul",
    ];
    let tag = tag.strip_prefix('/').unwrap_or(tag);
    let name = tag.split([' ', '\t', '\r', '\n', '/']).next().unwrap_or_default();
    ELEMENTS.iter().any(|element| name.eq_ignore_ascii_case(element))
}

/// Whether a terminal would obey or hide this character.
pub fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escape_invisible("Zażółć 🎵 日本"), "Zażółć 🎵 日本");
        assert_eq!(escape_invisible("മലയാ\u{200d}ളം"), "മലയാളം");
        assert_eq!(escape_invisible("a\u{1b}[2Jb\u{202e}c\u{9b}d\ne"), r"a\u{1b}[2Jb\u{202e}c\u{9b}d e");
    }

    #[test]
    fn an_escaped_line_of_json_is_still_json() {
        let line = "{\"a\":\"x\u{202e}\u{e0001}y\"}";
        assert_eq!(escape_invisible_in_json(line), "{\"a\":\"x\\u202e\\udb40\\udc01y\"}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escape_invisible_in_json(line)).unwrap()["a"],
            "x\u{202e}\u{e0001}y"
        );
    }

    #[test]
    fn one_line_folds_and_truncates() {
        assert_eq!(one_line("  a \r\n  b  ", 10), "a b");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
        assert_eq!(one_line("żółćżółć", 4), "żół…");
    }

    #[test]
    fn truncation_keeps_whole_characters() {
        for (text, limit, kept) in
            [("", 0, ""), ("abc", 3, "abc"), ("abc", 2, "ab"), ("żółć", 4, "żółć"), ("🎵🎵", 1, "🎵")]
        {
            assert_eq!(truncate(text, limit), kept);
        }
    }

    #[test]
    fn one_byte_order_mark_is_dropped() {
        assert_eq!(strip_bom(b"\xef\xbb\xbf\xef\xbb\xbf{"), b"\xef\xbb\xbf{");
        assert_eq!(strip_bom(b"{}"), b"{}");
        for partial in [b"".as_slice(), b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"] {
            assert_eq!(strip_bom(partial), b"");
        }
    }

    #[test]
    fn html_tags_are_dropped() {
        assert_eq!(strip_html("your <a href=\"/x\">quota</a>."), "your quota.");
        assert_eq!(strip_html("<b>a</b> < b"), "a < b");
        assert_eq!(strip_html("one<br/>two<BR />three<p class='x'>"), "onetwothree");
    }

    #[test]
    fn other_angle_brackets_stay() {
        for text in [
            "Requests from referer <empty> are blocked.",
            "Pass <YOUR_API_KEY> or <key>",
            "a < b > c",
            "x <",
            "<>",
            "< b>",
            "<bold>",
            "<project-1>",
        ] {
            assert_eq!(strip_html(text), text);
        }
        assert_eq!(strip_html("<x <b>y</b>"), "<x y");
    }
}
