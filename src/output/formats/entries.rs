//! The entries of all charts, one row each, with fields of the run, of the chart and of the video.
//!
//! A row has no column that depends on the regions of its run, so the rows of all runs form one table.

use std::collections::HashMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::columns::Column;
use crate::model::columns::Value::{Count, Text, Time};
use crate::model::region::Region;
use crate::model::video::COLUMNS;
use crate::model::{Document, MergedVideo, RegionStats};

/// An entry of a region's chart.
pub(in crate::output) struct FlatEntry<'a> {
    pub(super) document: &'a Document,
    pub(super) chart: &'a RegionStats,
    pub(super) rank: u32,
    pub(super) video: &'a MergedVideo,
}

/// The columns of the run, of the chart and of the entry. [`COLUMNS`], those of the video, follow them.
pub(in crate::output) fn own_columns<'a>() -> [Column<FlatEntry<'a>>; 7] {
    [
        Column::new(
            "run_id",
            Text(|row| Some(row.document.run_id.as_str())),
            r#""type": "string", "format": "uuid""#,
            "UUIDv7: sorts by time",
        ),
        Column::new(
            "fetched_at",
            Time(|row| Some(row.document.fetched_at)),
            r##""$ref": "#/$defs/time""##,
            "start of the run",
        ),
        Column::new(
            "source",
            Text(|row| Some(row.document.source.as_str())),
            r#""type": "string", "minLength": 1"#,
            "youtube, demo, or the host of --base-url without its port",
        ),
        Column::new("region", Text(|row| Some(row.chart.region.code())), r##""$ref": "#/$defs/region""##, ""),
        Column::new(
            "chart_category_id",
            Count(|row| row.document.request.category_id.map(u64::from)),
            r#""type": ["integer", "null"], "minimum": 1"#,
            "the category of the chart; null is the chart of all categories",
        ),
        Column::new(
            "region_status",
            Text(|row| Some(row.chart.status.as_str())),
            r#""enum": ["ok", "partial"]"#,
            "partial: the end of the chart is missing",
        ),
        Column::new("rank", Count(|row| Some(row.rank.into())), r#""type": "integer", "minimum": 1"#, "1 is the top"),
    ]
}

/// The entries of all charts: regions in the order of the request, each by rank.
pub(super) fn entries(document: &Document) -> Vec<FlatEntry<'_>> {
    let charts: HashMap<Region, (usize, &RegionStats)> =
        document.stats.regions.iter().enumerate().map(|(position, chart)| (chart.region, (position, chart))).collect();
    let mut entries = Vec::new();
    for video in &document.videos {
        let entry = |(region, rank): &(Region, u32)| {
            // `stats` has a row for each region requested.
            let &(position, chart) = charts.get(region)?;
            Some((position, FlatEntry { document, chart, rank: *rank, video }))
        };
        entries.extend(video.ranks.iter().filter_map(entry));
    }
    entries.sort_by_key(|(position, entry)| (*position, entry.rank));
    entries.into_iter().map(|(_, entry)| entry).collect()
}

impl Serialize for FlatEntry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        own_columns().iter().try_for_each(|column| column.serialize(self, &mut map))?;
        COLUMNS.iter().try_for_each(|column| column.serialize(self.video, &mut map))?;
        map.end()
    }
}
