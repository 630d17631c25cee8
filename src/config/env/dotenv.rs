//! Parses `.env` literally, without expansion.
//!
//! No crate fits, because the effect of an unreadable line depends on the name in it. dotenvy also expands `$NAME` from
//! the environment (the option against that is not released yet), and its errors contain the line, and so the key.
//! dotenv-parser, last released in 2021, rejects a whole file for one bad line. adotenv expands nothing, but it
//! consists of 29,000 lines for use in editors, and it reads UTF-8 only: a single accent in a Latin-1 comment would
//! make all values unreadable.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::support::sanitize::decode_utf16;

/// The names that are read. The base URL is not one of them: the `.env` of a foreign folder must not be able to send the
/// key elsewhere.
const NAMES: [&str; 3] = ["YOUTUBE_API_KEY", "TRENDFETCH_REGIONS", "TRENDFETCH_STORE"];

/// The largest file that is read. A foreign folder may contain anything under that name.
const MAX_BYTES: u64 = 1 << 20;

const BLANKS: [char; 2] = [' ', '\t'];

/// The result of parsing a `.env`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dotenv {
    pub(super) values: Vec<(&'static str, String)>,
    /// The names whose lines cannot be read, each with a message that does not contain the value.
    pub(super) broken: Vec<(&'static str, String)>,
    /// Other problems. The file may belong to another program, so they are not errors.
    pub(super) warnings: Vec<String>,
}

impl Dotenv {
    /// Reads a file. A missing one is empty.
    pub(super) fn read(path: &Path) -> Dotenv {
        match read_limited(path) {
            Ok(Some(bytes)) => Dotenv::parse(&bytes),
            Ok(None) => Dotenv::default(),
            Err(why) => Dotenv {
                warnings: vec![format!(".env is ignored: {why}; make it a readable file, or remove it")],
                ..Dotenv::default()
            },
        }
    }

    /// Parses lines of `NAME=value`. Empty values are ignored; of several for one name, the last one counts.
    pub(super) fn parse(bytes: &[u8]) -> Dotenv {
        let utf16 = decode_utf16(bytes);
        // What is not UTF-8 becomes U+FFFD, which is an error only in a value that is needed.
        let text = utf16.clone().unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
        let mut lines = lines(text.trim_start_matches('\u{feff}'));
        for line in &mut lines {
            line.value = match line.value {
                Ok(_) if utf16.is_some() => Err("the file is UTF-16; save it as UTF-8"),
                Ok(value) if line.name.is_some() => check_text(value),
                other => other,
            };
        }

        let mut found = Dotenv::default();
        for name in NAMES {
            let with_name = || lines.iter().filter(|line| line.name == Some(name));
            if let Some((number, why)) = with_name().find_map(Line::error) {
                found.broken.push((name, format!("line {number} of .env, for {name}, cannot be read: {why}")));
            }
            let values: Vec<(usize, &str)> = with_name().filter_map(Line::non_empty).collect();
            if let Some((number, value)) = values.last() {
                if values.len() > 1 {
                    found
                        .warnings
                        .push(format!("{name} is set in .env several times; line {number}, the last one, counts"));
                }
                found.values.push((name, (*value).to_owned()));
            }
        }
        let mut others = lines.iter().filter(|line| line.name.is_none()).filter_map(Line::error);
        if let Some((number, why)) = others.next() {
            let count = 1 + others.count();
            found
                .warnings
                .push(format!("{count} line(s) of .env cannot be read and are ignored; line {number}: {why}"));
        }
        found
    }
}

/// The content of a file; `None` if there is none.
fn read_limited(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        // Opening a FIFO or a device may block.
        Ok(file) if !file.is_file() => return Err(io::Error::other("it is not a regular file")),
        file => file?,
    };
    let mut bytes = Vec::new();
    // Some files in /proc are endless, with a length of 0.
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

/// A line that is neither blank nor a comment.
struct Line<'a> {
    /// Counted from 1.
    number: usize,
    /// Which of [`NAMES`] it is for.
    name: Option<&'static str>,
    value: Result<&'a str, &'static str>,
}

impl<'a> Line<'a> {
    fn error(&self) -> Option<(usize, &'static str)> {
        self.value.err().map(|why| (self.number, why))
    }

    fn non_empty(&self) -> Option<(usize, &'a str)> {
        self.value.ok().filter(|value| !value.is_empty()).map(|value| (self.number, value))
    }
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let (mut lines, mut rest, mut number) = (Vec::new(), text, 1);
    while !rest.is_empty() {
        let (line, mut below) = split_line(rest);
        if !matches!(line.trim_start().chars().next(), None | Some('#')) {
            let (name, value) = match entry(rest) {
                Ok(entry) => {
                    below = entry.below;
                    (NAMES.into_iter().find(|name| *name == entry.name), Ok(entry.value))
                }
                Err(why) => (named_in(line), Err(why)),
            };
            lines.push(Line { number, name, value });
        }
        number += rest[..rest.len() - below.len()].matches('\n').count();
        rest = below;
    }
    lines
}

/// The first line without its line break, and the text below it.
fn split_line(text: &str) -> (&str, &str) {
    let (line, below) = text.split_once('\n').unwrap_or((text, ""));
    (line.strip_suffix('\r').unwrap_or(line), below)
}

struct Entry<'a> {
    name: &'a str,
    value: &'a str,
    below: &'a str,
}

/// The `NAME=value` that a text begins with, with or without `export` before it.
fn entry(text: &str) -> Result<Entry<'_>, &'static str> {
    let (line, _) = split_line(text);
    let before = line.split('=').next().filter(|before| before.len() < line.len());
    let before = before.ok_or("it has no '='; write NAME=value")?;
    let after = &text[before.len() + 1..];
    let name = before.trim();
    let name = name.strip_prefix("export").filter(|rest| rest.starts_with(BLANKS)).map_or(name, str::trim_start);
    if name.is_empty() || !name.chars().all(|character| character.is_alphanumeric() || "_-.".contains(character)) {
        return Err("what comes before '=' is not a name; write NAME=value");
    }
    let start = after.trim_start_matches(BLANKS);
    let quoted = ['"', '\''].into_iter().find_map(|quote| Some((quote, start.strip_prefix(quote)?)));
    let (value, below) = match quoted {
        Some((quote, inside)) => up_to_quote(inside, quote)?,
        None => {
            let (value, below) = split_line(after);
            (strip_comment(value).trim_matches(BLANKS), below)
        }
    };
    Ok(Entry { name, value, below })
}

/// A value up to its closing quote, and the text below the line of that quote. Values of other programs, such as
/// certificates, may have several lines.
fn up_to_quote(text: &str, quote: char) -> Result<(&str, &str), &'static str> {
    let unclosed = "its quote is not closed; close it, or leave both out";
    let (value, rest) = text.split_once(quote).ok_or(unclosed)?;
    // A line with one of our names within the value shows that the quote was not closed.
    if value.lines().skip(1).any(|line| named_in(line).is_some()) {
        return Err(unclosed);
    }
    let (tail, below) = split_line(rest);
    match strip_comment(tail).trim().is_empty() {
        true => Ok((value, below)),
        false => Err("there is text after its closing quote; put the whole value into quotes of the other kind"),
    }
}

/// A line without its comment, which begins at the first `#` after a blank.
fn strip_comment(line: &str) -> &str {
    let mut marks = line.match_indices('#').map(|(at, _)| &line[..at]);
    marks.find(|before| before.ends_with(BLANKS)).unwrap_or(line)
}

/// Which of [`NAMES`] occurs before the `=` of a line, or before its comment if it has no `=`.
fn named_in(line: &str) -> Option<&'static str> {
    let head = line.split(['=', '#']).next()?;
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    NAMES.into_iter().find(|name| head.split(|character| !is_part(character)).any(|word| word == *name))
}

fn check_text(value: &str) -> Result<&str, &'static str> {
    if value.contains('\u{fffd}') {
        return Err("it is not valid UTF-8; write the line again, and save the file as UTF-8");
    }
    match value.contains(|character: char| character.is_control() && character != '\t') {
        true => Err("it contains a line break or another control character; write the value in one line"),
        false => Ok(value),
    }
}
