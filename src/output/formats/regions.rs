//! The regions that a run requested, one row each, with those that failed.

use crate::model::columns::Column;
use crate::model::columns::Value::{Count, Text, Time};
use crate::model::{Document, RegionStats};

/// A region of a run.
pub(super) struct FlatRegion<'a> {
    document: &'a Document,
    chart: &'a RegionStats,
}

pub(super) fn columns<'a>() -> [Column<FlatRegion<'a>>; 9] {
    [
        Column::new("run_id", Text(|row| Some(row.document.run_id.as_str())), "", ""),
        Column::new("fetched_at", Time(|row| Some(row.document.fetched_at)), "", ""),
        Column::new("source", Text(|row| Some(row.document.source.as_str())), "", ""),
        Column::new("region", Text(|row| Some(row.chart.region.code())), "", ""),
        Column::new("status", Text(|row| Some(row.chart.status.as_str())), "", ""),
        Column::new("videos", Count(|row| u64::try_from(row.chart.videos).ok()), "", ""),
        Column::new("max_results", Count(|row| Some(row.document.request.max_results.into())), "", ""),
        Column::new("category_id", Count(|row| row.document.request.category_id.map(u64::from)), "", ""),
        Column::new("error_kind", Text(|row| row.chart.error.as_ref().map(|error| error.kind.as_str())), "", ""),
    ]
}

/// The regions of a run, by code.
pub(super) fn regions(document: &Document) -> Vec<FlatRegion<'_>> {
    let mut regions: Vec<_> = document.stats.regions.iter().map(|chart| FlatRegion { document, chart }).collect();
    regions.sort_by_key(|row| row.chart.region);
    regions
}
