//! The `term_statistics` table: in how many chunks of a corpus each term occurs.

use std::collections::BTreeMap;

use crate::{StoreError, Tx, corpora::Corpus};

/// By how much the corpus's numbers change.
#[derive(Default)]
pub(crate) struct Tally {
    chunks: i64,
    terms: i64,
    containing: BTreeMap<i32, i32>,
}

impl Tally {
    /// Counts a chunk that comes (`by` 1) or goes (-1).
    pub(crate) fn count(&mut self, by: i32, terms: i32, dimensions: &[i32]) {
        self.chunks += i64::from(by);
        self.terms += i64::from(by) * i64::from(terms);
        for dimension in dimensions {
            *self.containing.entry(*dimension).or_default() += by;
        }
    }

    /// Writes the changes. Only the corpus's writer comes here, so counts never race.
    pub(crate) async fn apply(mut self, tx: &Tx<'_>, corpus: &Corpus) -> Result<(), StoreError> {
        self.containing.retain(|_, by| *by != 0);
        let (dimensions, changes): (Vec<i32>, Vec<i32>) = self.containing.into_iter().unzip();
        tx.execute(
            "UPDATE corpora SET chunks = chunks + $2::bigint, terms = terms + $3::bigint
             WHERE id = $1 AND ($2::bigint <> 0 OR $3::bigint <> 0)",
            &[&corpus.id, &self.chunks, &self.terms],
        )
        .await?;
        tx.execute(
            "MERGE INTO term_statistics AS t
             USING (SELECT dimension, change FROM unnest($3::int[], $4::int[])
                    AS new (dimension, change)) AS new
             ON t.corpus_id = $2 AND t.dimension = new.dimension
             WHEN MATCHED AND t.chunks + new.change = 0 THEN DELETE
             WHEN MATCHED THEN UPDATE SET chunks = t.chunks + new.change
             WHEN NOT MATCHED THEN INSERT (org_id, corpus_id, dimension, chunks)
                 VALUES ($1, $2, new.dimension, new.change)",
            &[corpus.org.as_uuid(), &corpus.id, &dimensions, &changes],
        )
        .await?;
        Ok(())
    }
}
