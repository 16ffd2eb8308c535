//! Lists in pages.

use serde::Serialize;
use store::Page;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::problem::Problem;

const LIMIT_DEFAULT: u32 = 50;
/// More than this in one answer comes close to what Lambda may send.
const LIMIT_MAX: u32 = 200;

/// A part of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub(crate) next_cursor: Option<Uuid>,
}

/// What a caller asked for, checked.
pub(crate) struct Asked {
    after: Option<Uuid>,
    limit: u32,
}

impl Asked {
    pub(crate) fn new(cursor: Option<Uuid>, limit: Option<u32>) -> Result<Self, Problem> {
        let limit = limit.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::field("limit", format!("expected 1 to {LIMIT_MAX}")));
        }
        Ok(Self { after: cursor, limit })
    }

    /// One row more than was asked for: its presence tells that there is a next page.
    pub(crate) fn page(&self) -> Page {
        Page { after: self.after, limit: i64::from(self.limit) + 1 }
    }

    /// As many rows as were asked for, where there is no next page.
    pub(crate) fn limit(&self) -> i64 {
        i64::from(self.limit)
    }

    pub(crate) fn list<Row, T>(
        &self,
        mut rows: Vec<Row>,
        id: impl Fn(&Row) -> Uuid,
        view: impl Fn(Row) -> T,
    ) -> List<T> {
        let more = rows.len() > self.limit as usize;
        rows.truncate(self.limit as usize);
        let next_cursor = rows.last().filter(|_| more).map(id);
        List { items: rows.into_iter().map(view).collect(), next_cursor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_next_page_only_when_another_row_was_seen() {
        let asked = Asked::new(None, Some(2)).unwrap();
        let list = |rows: Vec<u128>| asked.list(rows, |row| Uuid::from_u128(*row), |row| row);
        assert_eq!(list(vec![1, 2]).next_cursor, None);
        let cut = list(vec![1, 2, 3]);
        assert_eq!((cut.items, cut.next_cursor), (vec![1, 2], Some(Uuid::from_u128(2))));
    }

    #[test]
    fn a_page_has_a_limit() {
        for (limit, fine) in [(0, false), (1, true), (LIMIT_MAX, true), (LIMIT_MAX + 1, false)] {
            assert_eq!(Asked::new(None, Some(limit)).is_ok(), fine, "{limit}");
        }
    }
}
