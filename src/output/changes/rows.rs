//! The formats with a row for each move.

use std::io;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::history::changes::{MOVE_COLUMNS, Move, RegionChanges};
use crate::model::columns::Column;
use crate::model::columns::Value::Text;
use crate::model::region::Region;
use crate::output::Out;
use crate::output::formats::{csv, lines};

struct Row<'a> {
    region: Region,
    /// The list that it is in.
    change: &'static str,
    moved: &'a Move,
}

/// The columns before those of the move.
fn own_columns<'a>() -> [Column<Row<'a>>; 2] {
    [
        Column::new("region", Text(|row| Some(row.region.code())), "", ""),
        Column::new("change", Text(|row| Some(row.change)), "", ""),
    ]
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        own_columns().iter().try_for_each(|column| column.serialize(self, &mut map))?;
        MOVE_COLUMNS.iter().try_for_each(|column| column.serialize(self.moved, &mut map))?;
        map.end()
    }
}

pub(super) fn ndjson<'a>(changes: impl Iterator<Item = &'a RegionChanges>, out: &mut Out<'_>) -> io::Result<()> {
    lines(changes.flat_map(rows), out)
}

pub(super) fn csv<'a>(changes: impl Iterator<Item = &'a RegionChanges>, out: &mut Out<'_>) -> io::Result<()> {
    let names = own_columns().map(|column| column.name);
    let names = names.into_iter().chain(MOVE_COLUMNS.iter().map(|column| column.name)).collect();
    let cells = |row: Row<'_>| {
        let own = own_columns().map(|column| csv::cell(&column, &row));
        own.into_iter().chain(MOVE_COLUMNS.iter().map(|column| csv::cell(column, row.moved))).collect()
    };
    csv::write(names, changes.flat_map(rows).map(cells), false, out)
}

fn rows(changes: &RegionChanges) -> impl Iterator<Item = Row<'_>> {
    let region = changes.region;
    let row = move |change, moved| Row { region, change, moved };
    changes.lists().into_iter().flat_map(move |(change, moves)| moves.iter().map(move |moved| row(change, moved)))
}
