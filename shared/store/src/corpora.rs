//! The `corpora` and `sources` tables: what is searchable, and of which bytes it was made.
//!
//! Runs index the same repository one after another, and messages overtake each other. A run
//! first claims the corpus; from then on no older run can write, because writing demands a
//! [`Writer`], which only the newest claimant gets.

use std::collections::BTreeMap;

use domain::{CommitSha, OrgId, ProjectId, RepositoryId, RunId};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{StoreError, Tx};

/// When chunks have become this many times longer or shorter on average than their weights
/// assume, all weights are computed again.
const AVERAGE_DRIFT_MAX: f64 = 1.5;
/// In a smaller corpus one file moves the average.
const DRIFT_CHUNKS_MIN: i64 = 200;

const COLUMNS: &str = "id, org_id, project_id, extraction, generation, average_terms, chunks, terms, \
     indexed_by";

#[derive(Debug, Clone)]
pub struct Corpus {
    pub(crate) id: Uuid,
    pub(crate) org: OrgId,
    pub(crate) project: ProjectId,
    extraction: String,
    generation: i32,
    /// Terms in a chunk, on average, as this generation's weights assume.
    pub average_terms: f32,
    pub chunks: i64,
    terms: i64,
    pub indexed_by: Option<RunId>,
}

/// A file, upload or message as it was last indexed.
#[derive(Debug, Clone)]
pub struct Source {
    pub sha256: [u8; 32],
    generation: i32,
}

impl Corpus {
    /// Whether everything must be indexed again: never done, done by other rules, or the texts
    /// have become so different that the weights mislead.
    pub fn is_outdated(&self, extraction: &str, sources: &BTreeMap<String, Source>) -> bool {
        if self.generation == 0 || self.extraction != extraction {
            return true;
        }
        // A generation that is still being filled says nothing about its average.
        let is_filled = self.indexed_by.is_some() && sources.values().all(|it| self.is_current(it));
        if !is_filled || self.chunks < DRIFT_CHUNKS_MIN {
            return false;
        }
        let drift = self.terms as f64 / self.chunks as f64 / f64::from(self.average_terms);
        !(1.0 / AVERAGE_DRIFT_MAX..=AVERAGE_DRIFT_MAX).contains(&drift)
    }

    /// Whether `source` was indexed by the rules of this generation.
    pub fn is_current(&self, source: &Source) -> bool {
        source.generation == self.generation
    }

    pub(crate) fn generation(&self) -> i32 {
        self.generation
    }
}

/// Claims the corpus of a repository's code for `run`, making it if there is none.
///
/// `None`: a newer run has claimed it, or the repository is gone.
pub async fn claim_repository(
    tx: &Tx<'_>,
    repository: RepositoryId,
    run: RunId,
) -> Result<Option<Corpus>, StoreError> {
    // A run's id grows with time, so the greater one is the newer.
    let row = tx
        .query_opt(
            &format!(
                "INSERT INTO corpora (org_id, project_id, repository_id, kind, extraction, claimed_by)
                 SELECT r.org_id, r.project_id, r.id, 'code', '', $2
                 FROM repositories r WHERE r.id = $1
                 ON CONFLICT (repository_id) WHERE kind = 'code' DO UPDATE
                 SET claimed_by = excluded.claimed_by, project_id = excluded.project_id
                 WHERE corpora.claimed_by IS NULL OR corpora.claimed_by <= excluded.claimed_by
                 RETURNING {COLUMNS}"
            ),
            &[repository.as_uuid(), run.as_uuid()],
        )
        .await?;
    Ok(row.as_ref().map(Corpus::from))
}

/// What the corpus holds, by name.
pub async fn sources(tx: &Tx<'_>, corpus: &Corpus) -> Result<BTreeMap<String, Source>, StoreError> {
    let rows = tx
        .query("SELECT name, sha256, generation FROM sources WHERE corpus_id = $1", &[&corpus.id])
        .await?;
    rows.iter()
        .map(|row| {
            let sha256 = sha256(row, "sources", "sha256")?;
            Ok((row.get("name"), Source { sha256, generation: row.get("generation") }))
        })
        .collect()
}

/// Proof that, in this transaction, the run is the corpus's newest claimant and nobody else
/// writes to it.
#[derive(Debug)]
pub struct Writer {
    pub corpus: Corpus,
    run: RunId,
}

/// Locks the corpus for writing. `None`: a newer run has claimed it, or another delivery of the
/// same message has begun a generation; either way someone else goes on, so stop.
pub async fn write(tx: &Tx<'_>, corpus: &Corpus, run: RunId) -> Result<Option<Writer>, StoreError> {
    let row = tx
        .query_opt(
            &format!(
                "SELECT {COLUMNS} FROM corpora
                 WHERE id = $1 AND claimed_by = $2 AND generation = $3
                 FOR NO KEY UPDATE"
            ),
            &[&corpus.id, run.as_uuid(), &corpus.generation],
        )
        .await?;
    Ok(row.map(|row| Writer { corpus: Corpus::from(&row), run }))
}

/// Starts again by the rules `extraction`, for chunks of `average_terms` terms. What is there
/// stays to be found until it is replaced.
pub async fn begin_generation(
    tx: &Tx<'_>,
    writer: &Writer,
    extraction: &str,
    average_terms: f32,
) -> Result<Corpus, StoreError> {
    let row = tx
        .query_one(
            &format!(
                "UPDATE corpora SET generation = generation + 1, extraction = $2, average_terms = $3
                 WHERE id = $1
                 RETURNING {COLUMNS}"
            ),
            &[&writer.corpus.id, &extraction, &average_terms],
        )
        .await?;
    Ok(Corpus::from(&row))
}

/// Records that the corpus now equals `commit`.
pub async fn finish(tx: &Tx<'_>, writer: &Writer, commit: &CommitSha) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE corpora SET indexed_by = $2, commit_sha = $3, indexed_at = now()
         WHERE id = $1 AND indexed_by IS DISTINCT FROM $2",
        &[&writer.corpus.id, writer.run.as_uuid(), &commit.as_str()],
    )
    .await?;
    Ok(())
}

pub(crate) fn sha256(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<[u8; 32], StoreError> {
    row.get::<_, &[u8]>(column).try_into().map_err(crate::rows::corrupt(table, column))
}

impl From<&Row> for Corpus {
    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            org: OrgId::new(row.get("org_id")),
            project: ProjectId::new(row.get("project_id")),
            extraction: row.get("extraction"),
            generation: row.get("generation"),
            average_terms: row.get("average_terms"),
            chunks: row.get("chunks"),
            terms: row.get("terms"),
            indexed_by: row.get::<_, Option<_>>("indexed_by").map(RunId::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corpus(chunks: i64, terms: i64) -> Corpus {
        Corpus {
            id: Uuid::nil(),
            org: OrgId::new(Uuid::nil()),
            project: ProjectId::new(Uuid::nil()),
            extraction: "now".into(),
            generation: 2,
            average_terms: 40.0,
            chunks,
            terms,
            indexed_by: Some(RunId::new(Uuid::nil())),
        }
    }

    fn sources<const N: usize>(generations: [i32; N]) -> BTreeMap<String, Source> {
        let source = |generation| Source { sha256: [0; 32], generation };
        generations.map(|generation| (generation.to_string(), source(generation))).into()
    }

    #[test]
    fn only_other_rules_or_a_real_drift_of_a_filled_corpus_ask_for_all_again() {
        let (steady, drifted) = (corpus(1_000, 50_000), corpus(1_000, 70_000));
        assert!(!steady.is_outdated("now", &sources([2])));
        assert!(steady.is_outdated("then", &sources([2])));
        assert!(drifted.is_outdated("now", &sources([2])));
        assert!(corpus(1_000, 20_000).is_outdated("now", &sources([2])));

        assert!(!drifted.is_outdated("now", &sources([2, 1])), "it is being filled");
        assert!(!Corpus { indexed_by: None, ..drifted }.is_outdated("now", &sources([])));
        assert!(!corpus(10, 7_000).is_outdated("now", &sources([2])), "too small to tell");
        assert!(Corpus { generation: 0, ..steady }.is_outdated("now", &sources([])));
    }
}
