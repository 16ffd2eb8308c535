//! How lists are cut into pages.

use uuid::Uuid;

/// A part of a list: at most `limit` rows, beginning after the row `after`.
///
/// A page is found by the last row of the one before, not by an offset, so rows that arrive
/// meanwhile neither repeat nor hide others. A row that does not exist has nothing after it.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    pub after: Option<Uuid>,
    pub limit: i64,
}

/// The condition that a row comes after the row `$1` when the newest come first. Without `$1`
/// every row does.
pub(crate) fn follows(table: &str, alias: &str) -> String {
    format!(
        "({alias}.created_at, {alias}.id) < (
             CASE WHEN $1::uuid IS NULL THEN 'infinity'
                  ELSE (SELECT c.created_at FROM {table} c WHERE c.id = $1) END,
             coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))"
    )
}
