//! `.env`, read literally: what stands in a line is its value.
//!
//! No library reads it, because what follows from a line that cannot be read depends on the name in it, and because of
//! what the libraries do. dotenvy fills in `$NAME` from the environment (the switch against that is not released yet),
//! and its errors hold the line, with the key in it. dotenv-parser, last released in 2021, gives up a whole file for one
//! bad line. adotenv expands nothing, but is new and made for editors: 29,000 lines, and UTF-8 only, so that an accent
//! in somebody's Latin-1 comment would cost all values.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use crate::support::sanitize::decode_utf16;

/// What `.env` may set. Never the base URL: a foreign folder must not be able to send the key elsewhere.
const NAMES: [&str; 3] = ["YOUTUBE_API_KEY", "TRENDFETCH_REGIONS", "TRENDFETCH_STORE"];

/// The largest file that is read; a foreign folder may hold anything under that name.
const MAX_BYTES: u64 = 1 << 20;

/// White space within a line.
const BLANKS: [char; 2] = [' ', '\t'];

/// What a `.env` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dotenv {
    /// The value of each name that has one.
    pub(super) values: Vec<(&'static str, String)>,
    /// The names of lines that cannot be read, each with a sentence that does not hold the value.
    pub(super) broken: Vec<(&'static str, String)>,
    /// What else is odd. The file may be another program's, so that is no reason to stop.
    pub(super) warnings: Vec<String>,
}

impl Dotenv {
    /// Reads a file, which need not exist.
    pub(super) fn read(path: &Path) -> Dotenv {
        match bytes_of(path) {
            Ok(Some(bytes)) => Dotenv::parse(&bytes),
            Ok(None) => Dotenv::default(),
            Err(why) => Dotenv {
                warnings: vec![format!(".env is left out: {why}; make it a readable file, or remove it")],
                ..Dotenv::default()
            },
        }
    }

    /// Reads lines of `NAME=value`. An empty value is none; where a name has several, the last one counts.
    pub(super) fn parse(bytes: &[u8]) -> Dotenv {
        let utf16 = decode_utf16(bytes);
        // What is not UTF-8 becomes U+FFFD, and matters only in a value that is wanted.
        let text = utf16.clone().unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned());
        let mut lines = lines(text.trim_start_matches('\u{feff}'));
        for line in &mut lines {
            line.value = match line.value {
                Ok(_) if utf16.is_some() => Err("the file is UTF-16; save it as UTF-8"),
                Ok(value) if line.name.is_some() => one_line_of_text(value),
                other => other,
            };
        }

        let mut found = Dotenv::default();
        for name in NAMES {
            let of_name = || lines.iter().filter(|line| line.name == Some(name));
            if let Some((number, why)) = of_name().find_map(Line::trouble) {
                found.broken.push((name, format!("line {number} of .env, for {name}, cannot be read: {why}")));
            }
            let values: Vec<(usize, &str)> = of_name().filter_map(Line::non_empty).collect();
            if let Some((number, value)) = values.last() {
                if values.len() > 1 {
                    found
                        .warnings
                        .push(format!("{name} stands in .env several times; line {number}, the last one, counts"));
                }
                found.values.push((name, (*value).to_owned()));
            }
        }
        let mut others = lines.iter().filter(|line| line.name.is_none()).filter_map(Line::trouble);
        if let Some((number, why)) = others.next() {
            let count = 1 + others.count();
            found
                .warnings
                .push(format!("{count} line(s) of .env cannot be read and are left out; line {number}: {why}"));
        }
        found
    }
}

/// The content of a file; `None` where there is no file.
fn bytes_of(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        // Opening a FIFO or a device may take forever.
        Ok(file) if !file.is_file() => return Err(io::Error::other("it is no regular file")),
        file => file?,
    };
    let mut bytes = Vec::new();
    // Some files of /proc are endless and claim a length of 0.
    File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    Ok(Some(bytes))
}

/// A line that is neither blank nor a comment.
struct Line<'a> {
    /// From 1.
    number: usize,
    /// Which of [`NAMES`] it is about.
    name: Option<&'static str>,
    value: Result<&'a str, &'static str>,
}

impl<'a> Line<'a> {
    fn trouble(&self) -> Option<(usize, &'static str)> {
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

/// The first line without its end, and what is below it.
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
        return Err("what stands before '=' is no name; write NAME=value");
    }
    let start = after.trim_start_matches(BLANKS);
    let quoted = ['"', '\''].into_iter().find_map(|quote| Some((quote, start.strip_prefix(quote)?)));
    let (value, below) = match quoted {
        Some((quote, inside)) => up_to_quote(inside, quote)?,
        None => {
            let (value, below) = split_line(after);
            (without_comment(value).trim_matches(BLANKS), below)
        }
    };
    Ok(Entry { name, value, below })
}

/// A value up to its closing quote, and what is below the line that ends with it. Values of other programs, such as
/// certificates, may have several lines.
fn up_to_quote(text: &str, quote: char) -> Result<(&str, &str), &'static str> {
    let unclosed = "its quote is not closed; close it, or leave both out";
    let (value, rest) = text.split_once(quote).ok_or(unclosed)?;
    // Rather a line that was not closed than one of ours in the middle of another's value.
    if value.lines().skip(1).any(|line| named_in(line).is_some()) {
        return Err(unclosed);
    }
    let (tail, below) = split_line(rest);
    match without_comment(tail).trim().is_empty() {
        true => Ok((value, below)),
        false => Err("there is text behind its closing quote; put the whole value into quotes of the other kind"),
    }
}

/// A line up to the first `#` after a blank.
fn without_comment(line: &str) -> &str {
    let mut marks = line.match_indices('#').map(|(at, _)| &line[..at]);
    marks.find(|before| before.ends_with(BLANKS)).unwrap_or(line)
}

/// Which of [`NAMES`] stands before the `=` of a line, or before the comment of one that has none.
fn named_in(line: &str) -> Option<&'static str> {
    let head = line.split(['=', '#']).next()?;
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '_';
    NAMES.into_iter().find(|name| head.split(|character| !is_part(character)).any(|word| word == *name))
}

fn one_line_of_text(value: &str) -> Result<&str, &'static str> {
    if value.contains('\u{fffd}') {
        return Err("it is not valid UTF-8; write the line anew, and save the file as UTF-8");
    }
    match value.contains(|character: char| character.is_control() && character != '\t') {
        true => Err("it holds a line break or another control character; write the value in one line"),
        false => Ok(value),
    }
}
