//! Sends rows as one array for each column, which the statement turns into rows again with `unnest`. All rows take one
//! round trip; COPY would take three for each table.

use tokio_postgres::types::{Kind, ToSql, Type};

/// A parameter with its type, which saves the round trip to look the type up.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

pub(super) struct ArrayColumn<'a> {
    name: &'static str,
    array_type: Type,
    values: Box<dyn ToSql + Sync + Send + 'a>,
}

impl<'a> ArrayColumn<'a> {
    pub(super) fn new<T: ToSql + Sync + Send + 'a>(
        name: &'static str,
        array_type: Type,
        values: impl Iterator<Item = T>,
    ) -> ArrayColumn<'a> {
        ArrayColumn { name, array_type, values: Box::new(values.collect::<Vec<T>>()) }
    }

    fn element_type(&self) -> &str {
        match self.array_type.kind() {
            Kind::Array(element) => element.name(),
            _ => self.array_type.name(),
        }
    }
}

/// `video_id text, views int8`
pub(super) fn definitions(columns: &[ArrayColumn<'_>]) -> String {
    let each = columns.iter().map(|column| format!("{} {}", column.name, column.element_type()));
    each.collect::<Vec<_>>().join(", ")
}

/// `video_id, views`
pub(super) fn names(columns: &[ArrayColumn<'_>]) -> String {
    columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// `unnest($1::text[], $2::int8[])`
pub(super) fn rows(columns: &[ArrayColumn<'_>]) -> String {
    let each = (1..).zip(columns).map(|(number, column)| format!("${number}::{}[]", column.element_type()));
    format!("unnest({})", each.collect::<Vec<_>>().join(", "))
}

/// The arrays, followed by `more`.
pub(super) fn parameters<'a>(columns: &'a [ArrayColumn<'_>], more: &[Parameter<'a>]) -> Vec<Parameter<'a>> {
    let arrays = columns.iter().map(|column| (&*column.values as &(dyn ToSql + Sync), column.array_type.clone()));
    arrays.chain(more.iter().cloned()).collect()
}
