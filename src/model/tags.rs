//! A video's tags in two blocks of memory, as Arrow lays out a column of texts. A video has fourteen on average, so that a
//! `String` each would take more memory than all else that is known about the videos.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// In the owner's order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags {
    /// One tag after the other.
    text: Box<str>,
    /// Where each tag ends in `text`.
    ends: Box<[u32]>,
}

impl Tags {
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let tag = &self.text[start..*end as usize];
            start = *end as usize;
            tag
        })
    }
}

/// Tags that are being read.
#[derive(Default)]
pub struct Builder {
    text: String,
    ends: Vec<u32>,
}

impl Builder {
    /// Adds a tag, unless all of them would exceed 4 GiB.
    pub fn push(&mut self, tag: &str) {
        if let Ok(end) = u32::try_from(self.text.len() + tag.len()) {
            self.text.push_str(tag);
            self.ends.push(end);
        }
    }

    pub fn build(self) -> Tags {
        Tags { text: self.text.into(), ends: self.ends.into() }
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
        let long = "z".repeat(300_000);
        for tags in [&[][..], &[""], &["", "a", ""], &["żółw", "two words", "|,\0\u{1f}"], &[&long]] {
            let kept: Tags = tags.iter().collect();
            assert_eq!(kept.iter().collect::<Vec<_>>(), tags);
        }
    }
}
