//! Finding chunks: two legs over the corpora in scope, joined as `domain::fuse` says.

use std::collections::BTreeMap;

use domain::{
    ChunkId, CommitSha, LEG_CANDIDATES, LineRange, Ranked, RepositoryId, SearchQuery, fuse,
};
use pgvector::Vector;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{StoreError, Tx, chunks::sparse, rows::parse_opt};

/// Most hits that one search returns.
pub const HITS_MAX: usize = 50;
/// An excerpt's length; the whole chunk is a line range away.
const EXCERPT_CHARS_MAX: usize = 500;
/// Up to so many chunks are compared one by one, which misses nothing and takes about 20 ms.
/// Beyond, an approximate index answers in 4; it is asked again exactly if a filter left it with
/// too few.
const EXACT_CHUNKS_MAX: i64 = 10_000;
/// How widely the approximate index looks around.
const NEAR_BREADTH: &str = "200";

/// A chunk that was found, with what each leg made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub chunk: ChunkId,
    /// None for what is no file of a repository.
    pub repository: Option<RepositoryId>,
    pub path: String,
    /// Qualified name of what is defined there; empty outside of any definition.
    pub name: String,
    pub lines: LineRange,
    /// A commit at which the path has these lines.
    pub commit: Option<CommitSha>,
    pub excerpt: String,
    /// Between 0 and 1, comparable within one search only.
    pub score: f32,
    /// BM25; none if the chunk has none of the question's terms or too few to be a candidate.
    pub lexical: Option<f32>,
    /// Likeness of vectors, at most 1.
    pub semantic: Option<f32>,
}

/// The best hits for `query`, in one repository or in everything the tenant has.
pub async fn search(
    tx: &Tx<'_>,
    query: &SearchQuery,
    repository: Option<RepositoryId>,
    limit: usize,
) -> Result<Vec<Hit>, StoreError> {
    let scope = Scope::of(tx, repository).await?;
    if scope.chunks == 0 || query.terms.is_empty() {
        return Ok(Vec::new());
    }
    let lexical = lexical_leg(tx, &scope, query).await?;
    let semantic = semantic_leg(tx, &scope, query).await?;
    let mut ranked = fuse(&lexical, &semantic);
    ranked.truncate(limit.min(HITS_MAX));
    load(tx, &ranked).await
}

/// The corpora that are searched.
struct Scope {
    corpora: Vec<Uuid>,
    chunks: i64,
}

impl Scope {
    async fn of(tx: &Tx<'_>, repository: Option<RepositoryId>) -> Result<Self, StoreError> {
        let rows = tx
            .query(
                "SELECT id, chunks FROM corpora
                 WHERE chunks > 0 AND ($1::uuid IS NULL OR repository_id = $1)",
                &[&repository.map(|id| *id.as_uuid())],
            )
            .await?;
        Ok(Self {
            corpora: rows.iter().map(|row| row.get("id")).collect(),
            chunks: rows.iter().map(|row| row.get::<_, i64>("chunks")).sum(),
        })
    }
}

async fn lexical_leg(
    tx: &Tx<'_>,
    scope: &Scope,
    query: &SearchQuery,
) -> Result<Vec<(ChunkId, f32)>, StoreError> {
    let dimensions: Vec<i32> = query.terms.iter().map(|term| term.dimension as i32).collect();
    let rows = tx
        .query(
            "SELECT dimension, sum(chunks) AS chunks FROM term_statistics
             WHERE corpus_id = ANY ($1) AND dimension = ANY ($2)
             GROUP BY dimension",
            &[&scope.corpora, &dimensions],
        )
        .await?;
    let containing: BTreeMap<u32, u64> = rows
        .iter()
        .map(|row| (row.get::<_, i32>("dimension") as u32, row.get::<_, i64>("chunks") as u64))
        .collect();
    let weights = query.weights(scope.chunks as u64, &containing);
    if weights.is_empty() {
        return Ok(Vec::new());
    }
    // `<#>` is the negative inner product.
    let rows = tx
        .query(
            "SELECT id, -(weights <#> $2) AS score FROM chunks
             WHERE corpus_id = ANY ($1)
             ORDER BY weights <#> $2, id LIMIT $3",
            &[&scope.corpora, &sparse(&weights), &(LEG_CANDIDATES as i64)],
        )
        .await?;
    Ok(candidates(&rows))
}

async fn semantic_leg(
    tx: &Tx<'_>,
    scope: &Scope,
    query: &SearchQuery,
) -> Result<Vec<(ChunkId, f32)>, StoreError> {
    let vector = Vector::from(query.vector.clone());
    if scope.chunks > EXACT_CHUNKS_MAX {
        let found = near(tx, scope, query, &vector).await?;
        if found.len() == LEG_CANDIDATES {
            return Ok(candidates(&found));
        }
    }
    // Adding zero keeps the planner from using the approximate index here.
    let rows = tx
        .query(
            "SELECT chunk_id AS id, -(embedding <#> $3)::float8 AS score FROM embeddings
             WHERE model = $1 AND status = 'ready' AND corpus_id = ANY ($2)
             ORDER BY (embedding <#> $3) + 0, chunk_id LIMIT $4",
            &[&query.model, &scope.corpora, &vector, &(LEG_CANDIDATES as i64)],
        )
        .await?;
    Ok(candidates(&rows))
}

/// Asks the model's approximate index.
async fn near(
    tx: &Tx<'_>,
    scope: &Scope,
    query: &SearchQuery,
    vector: &Vector,
) -> Result<Vec<Row>, StoreError> {
    // Without the iterative scan a filter drops what was found and nobody looks further.
    tx.query(
        "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true),
                set_config('hnsw.ef_search', $1, true)",
        &[&NEAR_BREADTH],
    )
    .await?;
    // The index is on this very expression, whose width SQL cannot take as a parameter.
    let dimensions = query.vector.len();
    tx.query(
        &format!(
            "SELECT chunk_id AS id, -(embedding::halfvec({dimensions}) <#> $3::vector::halfvec({dimensions})) AS score
             FROM embeddings
             WHERE model = $1 AND status = 'ready' AND corpus_id = ANY ($2)
             ORDER BY embedding::halfvec({dimensions}) <#> $3::vector::halfvec({dimensions}) LIMIT $4"
        ),
        &[&query.model, &scope.corpora, vector, &(LEG_CANDIDATES as i64)],
    )
    .await
}

fn candidates(rows: &[Row]) -> Vec<(ChunkId, f32)> {
    rows.iter()
        .map(|row| (ChunkId::new(row.get("id")), row.get::<_, f64>("score") as f32))
        .filter(|(_, score)| *score > 0.0)
        .collect()
}

async fn load(tx: &Tx<'_>, ranked: &[Ranked<ChunkId>]) -> Result<Vec<Hit>, StoreError> {
    let ids: Vec<Uuid> = ranked.iter().map(|it| *it.key.as_uuid()).collect();
    let rows = tx
        .query(
            "SELECT c.id, c.name, c.text, c.line_start, c.line_end, s.name AS path, s.commit_sha,
                    k.repository_id
             FROM chunks c JOIN sources s ON s.id = c.source_id JOIN corpora k ON k.id = c.corpus_id
             WHERE c.id = ANY ($1)",
            &[&ids],
        )
        .await?;
    let found: BTreeMap<ChunkId, &Row> =
        rows.iter().map(|row| (ChunkId::new(row.get("id")), row)).collect();
    ranked.iter().filter_map(|ranked| found.get(&ranked.key).map(|row| hit(ranked, row))).collect()
}

fn hit(ranked: &Ranked<ChunkId>, row: &Row) -> Result<Hit, StoreError> {
    let line = |column: &str| row.get::<_, i32>(column).unsigned_abs();
    Ok(Hit {
        chunk: ranked.key,
        repository: row.get::<_, Option<_>>("repository_id").map(RepositoryId::new),
        path: row.get("path"),
        name: row.get("name"),
        lines: LineRange { first: line("line_start"), last: line("line_end") },
        commit: parse_opt(row, "sources", "commit_sha")?,
        excerpt: excerpt(row.get("text")),
        score: ranked.score,
        lexical: ranked.lexical,
        semantic: ranked.semantic,
    })
}

/// The beginning of a text, ending with a line if one ends in time.
fn excerpt(text: &str) -> String {
    let text = text.trim_end().trim_start_matches(['\n', '\r']);
    let Some((end, _)) = text.char_indices().nth(EXCERPT_CHARS_MAX) else {
        return text.to_owned();
    };
    let cut = &text[..end];
    cut.rfind('\n').map_or(cut, |newline| &cut[..newline]).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_ends_with_a_line_and_never_inside_of_a_character() {
        assert_eq!(excerpt("\n  one\n  two\n\n"), "  one\n  two");
        let lines = "é line of text\n".repeat(100);
        let cut = excerpt(&lines);
        assert!(cut.ends_with("text") && cut.chars().count() <= EXCERPT_CHARS_MAX);
        assert_eq!(excerpt(&"é".repeat(900)).chars().count(), EXCERPT_CHARS_MAX);
    }
}
