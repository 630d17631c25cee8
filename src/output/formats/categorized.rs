//! The videos of several categories in one file: each row has the category of its chart.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::columns::Column;
use crate::model::columns::Value::Count;
use crate::model::video::merged_columns;
use crate::model::{Document, MergedVideo};

/// A merged video of one of several categories.
pub(in crate::output) struct CategorizedVideo<'a> {
    pub(super) document: &'a Document,
    pub(super) video: &'a MergedVideo,
}

/// The column that precedes those of the video.
pub(in crate::output) fn category_column<'a>() -> Column<CategorizedVideo<'a>> {
    Column::new(
        "chart_category_id",
        Count(|row| row.document.request.category_id.map(u64::from)),
        r#""type": ["integer", "null"], "minimum": 1"#,
        "only if several categories were requested: the category of the chart; null is the chart of all categories",
    )
}

/// The videos of a document, each with its category.
pub(super) fn categorized(document: &Document) -> impl Iterator<Item = CategorizedVideo<'_>> {
    document.videos.iter().map(move |video| CategorizedVideo { document, video })
}

impl Serialize for CategorizedVideo<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        category_column().serialize(self, &mut map)?;
        merged_columns().try_for_each(|column| column.serialize(self.video, &mut map))?;
        map.end()
    }
}
