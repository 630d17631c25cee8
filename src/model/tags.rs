//! A video's tags, in one piece of memory: a video has fourteen on average, and a run of all regions 300,000, so
//! that a `String` each would take more room than all else that is known of the videos.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The owner's tags, in his order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// Each tag after its length, see [`Builder::push`].
    text: Box<str>,
}

impl Tags {
    /// The tags, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let mut rest = &*self.text;
        std::iter::from_fn(move || {
            let digits = rest.bytes().position(|digit| digit < BASE)? + 1;
            let (length, tags) = rest.split_at(digits);
            let length = length.bytes().rev().fold(0, |sum, digit| sum * usize::from(BASE) + usize::from(digit % BASE));
            let (tag, others) = tags.split_at(length);
            rest = others;
            Some(tag)
        })
    }
}

/// So that a digit is one byte, and most lengths are one digit.
const BASE: u8 = 64;

/// Tags that are still coming.
#[derive(Debug, Default)]
pub struct Builder {
    text: String,
}

impl Builder {
    /// One more: its length in bytes to base 64, the lowest digit first, each but the last with 64 added; then its text.
    pub fn push(&mut self, tag: &str) {
        let base = usize::from(BASE);
        let mut length = tag.len();
        while length >= base {
            self.text.push(char::from((length % base) as u8 + BASE));
            length /= base;
        }
        self.text.push(char::from(length as u8));
        self.text.push_str(tag);
    }

    /// These are all.
    pub fn build(self) -> Tags {
        Tags { text: self.text.into() }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Tags {
    fn from_iter<I: IntoIterator<Item = S>>(tags: I) -> Tags {
        let mut builder = Builder::default();
        tags.into_iter().for_each(|tag| builder.push(tag.as_ref()));
        builder.build()
    }
}

impl<'de> Deserialize<'de> for Tags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Tags, D::Error> {
        Vec::<String>::deserialize(deserializer).map(Tags::from_iter)
    }
}

impl Serialize for Tags {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Tags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_come_out_as_they_went_in() {
        let long = ["ż".repeat(32), "x".repeat(63), "y".repeat(64), "z".repeat(300_000)];
        let long: Vec<&str> = long.iter().map(String::as_str).collect();
        for tags in [&[][..], &[""], &["", "a", ""], &["żółw", "two words", "|,\0"], &long] {
            let kept: Tags = tags.iter().collect();
            assert_eq!(kept.iter().collect::<Vec<_>>(), tags);
            assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::json!(tags));
        }
    }
}
