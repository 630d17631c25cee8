//! The JSON Schema of the document, draft 2020-12.

use crate::model::error::ErrorKind;
use crate::model::video::{COLUMNS, DESCRIPTION};

/// The schema without the fields of a video and the kinds of errors, which are generated from [`COLUMNS`] and
/// [`ErrorKind::ALL`].
const FRAME: &str = include_str!("schema.json");

pub fn schema() -> String {
    let mut kinds: Vec<String> = ErrorKind::ALL.iter().map(|kind| format!("\"{kind}\"")).collect();
    // Two kinds may share a name.
    kinds.dedup();
    let required: Vec<String> = COLUMNS
        .iter()
        .filter(|column| column.name != DESCRIPTION)
        .map(|column| format!("\"{}\"", column.name))
        .collect();
    let properties: Vec<String> = COLUMNS.iter().map(|column| column.property()).collect();
    FRAME
        .replace("\"KINDS\"", &kinds.join(", "))
        .replace("\"REQUIRED\"", &required.join(", "))
        .replace("\"PROPERTIES\": {}", &properties.join(",\n        "))
}
