//! A video's tags, in one piece of memory: a video has fourteen on average, and a run of all regions 300,000, so
//! that a `String` each would take more room than all else that is known of the videos.

use std::fmt;

use serde::{Serialize, Serializer};

/// The owner's tags, in his order.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tags {
    text: Box<str>,
    /// Where each ends in the text.
    ends: Box<[u32]>,
}

impl Tags {
    /// The tags, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| &self.text[start as usize..*end as usize])
    }
}

impl<S: AsRef<str>> FromIterator<S> for Tags {
    fn from_iter<I: IntoIterator<Item = S>>(tags: I) -> Tags {
        let (mut text, mut ends) = (String::new(), Vec::new());
        for tag in tags {
            text.push_str(tag.as_ref());
            // Answers have at most 8 MiB, documents 512.
            ends.push(u32::try_from(text.len()).unwrap_or(u32::MAX));
        }
        Tags { text: text.into(), ends: ends.into() }
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
        for tags in [&[][..], &[""], &["", "a", ""], &["żółw", "two words", "|,"]] {
            let kept: Tags = tags.iter().collect();
            assert_eq!(kept.iter().collect::<Vec<_>>(), tags);
            assert_eq!(serde_json::to_value(&kept).unwrap(), serde_json::json!(tags));
        }
    }
}
