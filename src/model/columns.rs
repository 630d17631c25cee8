//! Columns of the data: a name, a value for each row, and its part of the JSON Schema. The renderers of all formats use
//! them.

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::region::Region;
use super::tags::Tags;
use super::video::DESCRIPTION;

/// A column of rows of type `R`.
pub struct Column<R> {
    /// The key in JSON, the heading in CSV, the column in Parquet.
    pub name: &'static str,
    pub value: Value<R>,
    /// The members of the column's object in the JSON Schema.
    schema: &'static str,
    /// Empty if the name is sufficient.
    description: &'static str,
}

/// The type of a column, with the function that returns the value of a row. `None` is null.
pub enum Value<R> {
    /// An id, an address, a code or a name of ours, which programs compare and join by.
    Text(fn(&R) -> Option<&str>),
    /// What people wrote, so it may contain anything. Tags are free text too.
    FreeText(fn(&R) -> Option<&str>),
    /// An address that is made from other values.
    MadeText(fn(&R) -> String),
    Count(fn(&R) -> Option<u64>),
    Flag(fn(&R) -> Option<bool>),
    Time(fn(&R) -> Option<Timestamp>),
    Tags(fn(&R) -> &Tags),
    /// A list of the regions of some ranks.
    Regions(fn(&R) -> &[(Region, u32)]),
    /// A map from regions to ranks.
    Ranks(fn(&R) -> &[(Region, u32)]),
}

impl<R> Column<R> {
    pub const fn new(
        name: &'static str,
        value: Value<R>,
        schema: &'static str,
        description: &'static str,
    ) -> Column<R> {
        Column { name, value, schema, description }
    }

    /// Adds the value of a row to a JSON object. A description that was not requested is omitted.
    ///
    /// # Errors
    /// Any error of the serializer.
    pub fn serialize<M: SerializeMap>(&self, row: &R, map: &mut M) -> Result<(), M::Error> {
        match self.value {
            Value::Text(value) | Value::FreeText(value) => match value(row) {
                None if self.name == DESCRIPTION => Ok(()),
                value => map.serialize_entry(self.name, &value),
            },
            Value::Count(value) => map.serialize_entry(self.name, &value(row)),
            Value::Flag(value) => map.serialize_entry(self.name, &value(row)),
            Value::Time(value) => map.serialize_entry(self.name, &value(row)),
            Value::MadeText(value) => map.serialize_entry(self.name, &value(row)),
            Value::Tags(value) => map.serialize_entry(self.name, value(row)),
            Value::Regions(value) => map.serialize_entry(self.name, &RegionList(value(row))),
            Value::Ranks(value) => map.serialize_entry(self.name, &RankMap(value(row))),
        }
    }

    /// Whether people wrote the value, so that it may contain anything.
    pub fn is_free_text(&self) -> bool {
        matches!(self.value, Value::FreeText(_) | Value::Tags(_))
    }

    /// The value as a cell of CSV: empty for null, the elements of a list separated by `|`.
    pub fn cell(&self, row: &R) -> String {
        fn text(value: Option<impl ToString>) -> String {
            value.map(|value| value.to_string()).unwrap_or_default()
        }
        match self.value {
            Value::Text(value) | Value::FreeText(value) => value(row).unwrap_or_default().to_owned(),
            Value::MadeText(value) => value(row),
            Value::Count(value) => text(value(row)),
            Value::Flag(value) => text(value(row)),
            Value::Time(value) => text(value(row)),
            Value::Tags(value) => value(row).iter().collect::<Vec<_>>().join("|"),
            Value::Regions(value) => joined(value(row), |region, _| region.to_string()),
            Value::Ranks(value) => joined(value(row), |region, rank| format!("{region}:{rank}")),
        }
    }

    /// `"views": { "$ref": "#/$defs/count_or_null" }`, for the properties of an object in JSON Schema.
    pub fn property(&self) -> String {
        let Column { name, schema, description, .. } = self;
        match *description {
            "" => format!(r#""{name}": {{ {schema} }}"#),
            description => format!(r#""{name}": {{ {schema}, "description": "{description}" }}"#),
        }
    }
}

fn joined(ranks: &[(Region, u32)], text: fn(Region, u32) -> String) -> String {
    ranks.iter().map(|(region, rank)| text(*region, *rank)).collect::<Vec<_>>().join("|")
}

struct RegionList<'a>(&'a [(Region, u32)]);

impl Serialize for RegionList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(region, _)| region))
    }
}

struct RankMap<'a>(&'a [(Region, u32)]);

impl Serialize for RankMap<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(region, rank)| (region, rank)))
    }
}
