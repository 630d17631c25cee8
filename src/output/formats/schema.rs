//! The JSON Schema of the document, draft 2020-12.

use crate::model::columns::Column;
use crate::model::error::ErrorKind;
use crate::model::video::{DESCRIPTION, merged_columns};

/// The schema without the fields of a video and the kinds of errors, which are generated from
/// [`merged_columns`] and [`ErrorKind::ALL`].
const FRAME: &str = include_str!("schema.json");

pub fn schema() -> String {
    let mut kinds: Vec<String> = ErrorKind::ALL.iter().map(|kind| format!("\"{kind}\"")).collect();
    // Two kinds may share a name.
    kinds.dedup();
    let required: Vec<String> = merged_columns()
        .filter(|column| column.name != DESCRIPTION)
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let properties: Vec<String> = merged_columns().map(Column::property).collect();
    FRAME
        .replace("\"KINDS\"", &kinds.join(", "))
        .replace("\"REQUIRED\"", &required.join(", "))
        .replace("\"PROPERTIES\": {}", &properties.join(",\n        "))
}
