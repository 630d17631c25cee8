//! Rows as one list for each column, which a statement takes apart again with `unnest`: all of them in one round trip,
//! where COPY takes three for each table.

use tokio_postgres::types::{Kind, ToSql, Type};

/// A parameter and its type, so that the server need not be asked for it first.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// A column.
pub(super) struct Column<'a> {
    name: &'static str,
    /// Of the list.
    kind: Type,
    values: Box<dyn ToSql + Sync + Send + 'a>,
}

impl<'a> Column<'a> {
    /// `kind` is that of the list.
    pub(super) fn new<T: ToSql + Sync + Send + 'a>(
        name: &'static str,
        kind: Type,
        values: impl Iterator<Item = T>,
    ) -> Column<'a> {
        Column { name, kind, values: Box::new(values.collect::<Vec<T>>()) }
    }

    fn element(&self) -> &str {
        match self.kind.kind() {
            Kind::Array(element) => element.name(),
            _ => self.kind.name(),
        }
    }
}

/// `video_id text, views int8`
pub(super) fn definitions(columns: &[Column<'_>]) -> String {
    let each = columns.iter().map(|column| format!("{} {}", column.name, column.element()));
    each.collect::<Vec<_>>().join(", ")
}

/// `video_id, views`
pub(super) fn names(columns: &[Column<'_>]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// The rows, where the first list is the first parameter: `unnest($1::text[], $2::int8[])`
pub(super) fn rows(columns: &[Column<'_>]) -> String {
    let each = (1..).zip(columns).map(|(number, column)| format!("${number}::{}[]", column.element()));
    format!("unnest({})", each.collect::<Vec<_>>().join(", "))
}

/// The lists, and what comes after them.
pub(super) fn parameters<'a>(columns: &'a [Column<'_>], more: &[Parameter<'a>]) -> Vec<Parameter<'a>> {
    let lists = columns.iter().map(|column| (&*column.values as &(dyn ToSql + Sync), column.kind.clone()));
    lists.chain(more.iter().cloned()).collect()
}
