//! A video that moved, and its fields in the data.

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::columns::Column;
use crate::model::columns::Value::{Count, FreeText, MadeText, Text, Time};
use crate::model::video::video_url;

/// A video that moved. [`MOVE_COLUMNS`] is what the data has of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    pub video_id: String,
    /// As last seen.
    pub title: String,
    /// As last seen.
    pub channel: String,
    /// `None` if it left.
    pub rank: Option<u32>,
    /// `None` if it entered.
    pub previous_rank: Option<u32>,
    /// When it was first seen in this chart.
    pub first_seen_at: Timestamp,
    /// In the later chart, or in the earlier one if it left.
    pub views: Option<u64>,
}

impl Move {
    /// How many ranks it rose or fell; 0 if it entered or left.
    pub fn distance(&self) -> u32 {
        self.rank.zip(self.previous_rank).map_or(0, |(rank, previous)| rank.abs_diff(previous))
    }

    /// Whether it is among the first `top` places, or was.
    pub fn touches(&self, top: u32) -> bool {
        [self.rank, self.previous_rank].into_iter().flatten().any(|rank| rank <= top)
    }
}

/// The fields of a move in the data: name, value, type and description in the JSON Schema.
pub const MOVE_COLUMNS: &[Column<Move>] = &[
    Column::new("video_id", Text(|row| Some(&row.video_id)), r##""$ref": "#/$defs/id""##, ""),
    Column::new("title", FreeText(|row| Some(&row.title)), r##""$ref": "#/$defs/name""##, "as last seen"),
    Column::new("channel", FreeText(|row| Some(&row.channel)), r##""$ref": "#/$defs/name""##, "as last seen"),
    Column::new("rank", Count(|row| row.rank.map(u64::from)), RANK_OR_NULL, "null if it left"),
    Column::new("previous_rank", Count(|row| row.previous_rank.map(u64::from)), RANK_OR_NULL, "null if it entered"),
    Column::new(
        "first_seen_at",
        Time(|row| Some(row.first_seen_at)),
        r##""$ref": "#/$defs/time""##,
        "when it was first seen in this chart",
    ),
    Column::new("url", MadeText(|row| video_url(&row.video_id)), r#""type": "string", "format": "uri""#, ""),
    Column::new(
        "views",
        Count(|row| row.views),
        r##""$ref": "#/$defs/count_or_null""##,
        "in the later chart, or in the earlier one if it left; null if unknown",
    ),
];

const RANK_OR_NULL: &str = r#""type": ["integer", "null"], "minimum": 1"#;

impl Serialize for Move {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        MOVE_COLUMNS.iter().try_for_each(|column| column.serialize(self, &mut map))?;
        map.end()
    }
}
