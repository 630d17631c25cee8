//! A video's tags as one text. A video has fourteen on average, so a `String` for each would take more memory than all
//! other fields of the videos.

use std::fmt;

use serde::{Deserialize, Deserializer};

/// Ends each tag: the unit separator of ASCII, which cannot be typed on a keyboard. One within a tag becomes U+FFFD.
const END: char = '\u{1f}';

/// In the owner's order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags(Box<str>);

impl Tags {
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.split_terminator(END)
    }
}

/// Tags that are being read.
#[derive(Default)]
pub struct Builder(String);

impl Builder {
    pub fn push(&mut self, tag: &str) {
        if tag.contains(END) {
            self.0.push_str(&tag.replace(END, "\u{fffd}"));
        } else {
            self.0.push_str(tag);
        }
        self.0.push(END);
    }

    pub fn build(self) -> Tags {
        Tags(self.0.into())
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
        let long = "z".repeat(300_000);
        for tags in [&[][..], &[""], &["", "a", ""], &["żółw", "two words", "|,\0"], &[&long]] {
            let kept: Tags = tags.iter().collect();
            assert_eq!(kept.iter().collect::<Vec<_>>(), tags);
        }
        let kept: Tags = ["a\u{1f}b", "c"].into_iter().collect();
        assert_eq!(kept.iter().collect::<Vec<_>>(), ["a\u{fffd}b", "c"]);
    }
}
