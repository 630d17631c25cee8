//! The entries of all charts, one row each, with fields of the run and of the video.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::columns::Column;
use crate::model::columns::Value::{Count, Text, Time};
use crate::model::region::Region;
use crate::model::video::COLUMNS;
use crate::model::{Document, MergedVideo};

/// An entry of a region's chart.
pub(super) struct FlatEntry<'a> {
    pub(super) document: &'a Document,
    pub(super) region: Region,
    pub(super) rank: u32,
    pub(super) video: &'a MergedVideo,
}

/// The columns of the run and of the entry, which precede those of the video.
pub(super) fn own_columns<'a>() -> [Column<FlatEntry<'a>>; 5] {
    [
        Column::new("run_id", Text(|row| Some(row.document.run_id.as_str())), "", ""),
        Column::new("fetched_at", Time(|row| Some(row.document.fetched_at)), "", ""),
        Column::new("source", Text(|row| Some(row.document.source.as_str())), "", ""),
        Column::new("region", Text(|row| Some(row.region.code())), "", ""),
        Column::new("rank", Count(|row| Some(row.rank.into())), "", ""),
    ]
}

/// The columns of the video: all but its own `fetched_at`, which is the last one.
pub(super) const VIDEO_COLUMNS: &[Column<MergedVideo>] = match COLUMNS.split_last() {
    Some((_, columns)) => columns,
    None => &[],
};

/// The entries of all charts: regions in the order of the request, each by rank.
pub(super) fn entries(document: &Document) -> Vec<FlatEntry<'_>> {
    let mut entries = Vec::new();
    for video in &document.videos {
        let entry = |(region, rank): &(Region, u32)| FlatEntry { document, region: *region, rank: *rank, video };
        entries.extend(video.ranks.iter().map(entry));
    }
    let position = |region| document.request.regions.iter().position(|requested| *requested == region);
    entries.sort_by_cached_key(|entry| (position(entry.region), entry.rank));
    entries
}

impl Serialize for FlatEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        own_columns().iter().try_for_each(|column| column.serialize(self, &mut map))?;
        VIDEO_COLUMNS.iter().try_for_each(|column| column.serialize(self.video, &mut map))?;
        map.end()
    }
}
