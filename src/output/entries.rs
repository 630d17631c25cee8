//! The places of all charts: a row for each, with the facts of its video.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::region::Region;
use crate::model::{Document, MergedVideo};

/// A place in a chart.
pub(super) struct Entry<'a> {
    /// The run that saw it.
    pub(super) document: &'a Document,
    /// Whose chart.
    pub(super) region: Region,
    /// 1 is the top.
    pub(super) rank: u32,
    /// What was there.
    pub(super) video: &'a MergedVideo,
}

/// The places of all charts: regions in the order asked for, each by rank.
pub(super) fn entries(document: &Document) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = document
        .videos
        .iter()
        .flat_map(|video| {
            video.ranks.iter().map(move |(region, rank)| Entry { document, region: *region, rank: *rank, video })
        })
        .collect();
    let place = |region| document.request.regions.iter().position(|asked| *asked == region);
    entries.sort_by_cached_key(|entry| (place(entry.region), entry.rank));
    entries
}

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("run_id", &self.document.run_id)?;
        map.serialize_entry("fetched_at", &self.document.fetched_at)?;
        map.serialize_entry("source", &self.document.source)?;
        map.serialize_entry("region", &self.region)?;
        map.serialize_entry("rank", &self.rank)?;
        self.video.serialize_fields(&mut map)?;
        map.end()
    }
}
