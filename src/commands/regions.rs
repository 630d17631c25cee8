//! `regions`: the table of regions.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;

use crate::cli::RegionsFormat;
use crate::config::region_list;
use crate::model::language::search_config;
use crate::model::region::Region;

/// A row of the table.
#[derive(Serialize)]
struct Row {
    code: Region,
    name: String,
    language: &'static str,
    search_config: &'static str,
}

pub(super) fn regions(format: RegionsFormat) -> io::Result<String> {
    match format {
        RegionsFormat::Table => Ok(table()),
        RegionsFormat::Json => Ok(format!("{}\n", serde_json::to_string(&rows().collect::<Vec<_>>())?)),
        RegionsFormat::Csv => csv(),
    }
}

fn rows() -> impl Iterator<Item = Row> {
    Region::all().map(|code| {
        let language = code.language();
        Row { code, name: code.name().to_owned(), language, search_config: search_config(language) }
    })
}

fn table() -> String {
    let mut text = format!("{:<4}  {:<22}  {:<8}  {}\n", "Code", "Name", "Language", "Search configuration");
    for Row { code, name, language, search_config } in rows() {
        let _ = writeln!(text, "{code:<4}  {name:<22}  {language:<8}  {search_config}");
    }
    for (name, codes) in region_list::SETS {
        let _ = writeln!(text, "\n{name}: {}", codes.join(","));
    }
    text
}

fn csv() -> io::Result<String> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    rows().try_for_each(|row| writer.serialize(row))?;
    let bytes = writer.into_inner().map_err(|error| error.into_error())?;
    String::from_utf8(bytes).map_err(io::Error::other)
}
