//! Reading columns into domain types, with an error that names table and column.

use std::{error::Error, str::FromStr};

use tokio_postgres::Row;

use crate::StoreError;

/// Reads a text column whose words the domain knows.
pub(crate) fn parse<T>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    row.get::<_, &str>(column).parse().map_err(corrupt(table, column))
}

/// Like [`parse`], for a column that may be null.
pub(crate) fn parse_opt<T>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<Option<T>, StoreError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    row.get::<_, Option<&str>>(column)
        .map(|text| text.parse().map_err(corrupt(table, column)))
        .transpose()
}

pub(crate) fn corrupt<E>(table: &'static str, column: &'static str) -> impl FnOnce(E) -> StoreError
where
    E: Error + Send + Sync + 'static,
{
    move |source| StoreError::CorruptRow { table, column, source: Box::new(source) }
}
