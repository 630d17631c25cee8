//! The JSON Schemas of what the program prints (draft 2020-12).
//!
//! All objects are open, without `additionalProperties: false`, so that a field can be added without breaking a reader. The
//! fields of a video, a chart entry and a move are generated from their columns, the kinds of errors from [`ErrorKind`].
//!
//! The `$id` is a URN, a name and not an address: the schemas are published nowhere, and a validator must not look for them
//! there. The number in it is the `schema_version`.

use std::iter;

use clap::ValueEnum;

use super::formats::categorized::category_column;
use super::formats::entries::own_columns;
use crate::history::changes::MOVE_COLUMNS;
use crate::model::columns::Column;
use crate::model::error::ErrorKind;
use crate::model::video::{COLUMNS, DESCRIPTION, merged_columns};

/// A shape of the data that has a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// A whole run, as --json prints it
    Document,
    /// A line of ndjson
    Video,
    /// A line of ndjson with --rows entries
    Entry,
    /// What changes -f json prints
    Changes,
}

// The schemas, with placeholders for what is generated.
const DOCUMENT: &str = include_str!("document.json");
const ROW: &str = include_str!("row.json");
const CHANGES: &str = include_str!("changes.json");

/// Definitions that several schemas use. Each may refer to those before it.
const DEFINITIONS: &[(&str, &str)] = &[
    ("time", r#""type": "string", "format": "date-time", "pattern": "Z$""#),
    ("region", r#""type": "string", "pattern": "^[A-Z]{2}$""#),
    ("regions", r##""type": "array", "items": { "$ref": "#/$defs/region" }, "uniqueItems": true"##),
    (
        "ranks",
        r##""type": "object", "minProperties": 1, "propertyNames": { "$ref": "#/$defs/region" }, "additionalProperties": { "type": "integer", "minimum": 1 }"##,
    ),
    ("id", r#""type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$""#),
    ("name", r#""type": "string", "maxLength": 1000"#),
    ("count", r#""type": "integer", "minimum": 0"#),
    ("count_or_null", r#""type": ["integer", "null"], "minimum": 0"#),
    ("text_or_null", r#""type": ["string", "null"]"#),
    ("language", r#""type": "string", "pattern": "^[a-z]{2,3}$""#),
];

/// The schema of a shape.
pub fn schema(shape: Shape) -> String {
    let schema = match shape {
        Shape::Document => {
            let kinds = fill(DOCUMENT, "\"KINDS\"", &kinds());
            fill(&kinds, "\"VIDEO\": {}", &object(merged_columns().map(Field::of)))
        }
        Shape::Video => {
            let category = Field { is_required: false, ..Field::of(&category_column()) };
            let fields = iter::once(category).chain(merged_columns().map(Field::of));
            row("video", "A video of a run, merged over the regions.", fields)
        }
        Shape::Entry => {
            let own = own_columns();
            let fields = own.iter().map(Field::of).chain(COLUMNS.iter().map(Field::of));
            row("entry", "An entry of a region's chart in a run.", fields)
        }
        Shape::Changes => fill(CHANGES, "\"MOVE\": {}", &object(MOVE_COLUMNS.iter().map(Field::of))),
    };
    let definitions = definitions(&schema);
    fill(&schema, "\"DEFINITIONS\": {}", &definitions)
}

fn row(name: &str, description: &str, fields: impl Iterator<Item = Field>) -> String {
    let row = ROW.replace("NAME", name).replace("DESCRIPTION", description);
    fill(&row, "\"FIELDS\": {}", &object(fields))
}

fn kinds() -> String {
    let mut kinds: Vec<String> = ErrorKind::ALL.iter().map(|kind| format!("\"{kind}\"")).collect();
    // Two kinds may share a name.
    kinds.dedup();
    kinds.join(", ")
}

/// A property of an object.
struct Field {
    name: &'static str,
    property: String,
    is_required: bool,
}

impl Field {
    fn of<R>(column: &Column<R>) -> Field {
        Field { name: column.name, property: column.property(), is_required: column.name != DESCRIPTION }
    }
}

/// The members of the schema of an object with these fields.
fn object(fields: impl Iterator<Item = Field>) -> String {
    let (mut required, mut properties) = (Vec::new(), Vec::new());
    for Field { name, property, is_required } in fields {
        if is_required {
            required.push(format!("\"{name}\""));
        }
        properties.push(format!("  {property}"));
    }
    let (required, properties) = (required.join(", "), properties.join(",\n"));
    format!("\"type\": \"object\",\n\"required\": [{required}],\n\"properties\": {{\n{properties}\n}}")
}

/// Those of [`DEFINITIONS`] that the schema refers to, directly or by way of another one.
fn definitions(schema: &str) -> String {
    let mut used: Vec<String> = Vec::new();
    for (name, members) in DEFINITIONS.iter().rev() {
        let reference = format!("\"#/$defs/{name}\"");
        if schema.contains(&reference) || used.iter().any(|user| user.contains(&reference)) {
            used.push(format!("\"{name}\": {{ {members} }}"));
        }
    }
    used.reverse();
    used.join(",\n")
}

/// Replaces a placeholder by a text, whose lines are indented like the placeholder.
fn fill(template: &str, placeholder: &str, text: &str) -> String {
    let line = template.lines().find(|line| line.contains(placeholder)).unwrap_or_default();
    let indentation = &line[..line.len() - line.trim_start().len()];
    template.replace(placeholder, &text.replace('\n', &format!("\n{indentation}")))
}
