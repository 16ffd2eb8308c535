//! The `embeddings` table and the cache behind it.
//!
//! A text is embedded once per tenant and model: vectors go into the cache first, in a
//! transaction of their own if they were expensive, and chunks take them from there.

use std::collections::BTreeSet;

use domain::{ChunkId, OrgId};
use pgvector::Vector;
use uuid::Uuid;

use crate::{
    StoreError, Tx,
    corpora::{Writer, sha256},
};

/// Of the given contents those that the model has not embedded yet, each once.
pub async fn missing(
    tx: &Tx<'_>,
    org: OrgId,
    model: &str,
    contents: impl IntoIterator<Item = &[u8; 32]>,
) -> Result<BTreeSet<[u8; 32]>, StoreError> {
    let contents: Vec<&[u8]> = contents.into_iter().map(|sha| &sha[..]).collect();
    let rows = tx
        .query(
            "SELECT content_sha256 FROM unnest($3::bytea[]) AS wanted (content_sha256)
             EXCEPT
             SELECT content_sha256 FROM embedding_cache
             WHERE org_id = $1 AND model = $2 AND content_sha256 = ANY ($3)",
            &[org.as_uuid(), &model, &contents],
        )
        .await?;
    rows.iter().map(|row| sha256(row, "embedding_cache", "content_sha256")).collect()
}

/// Keeps what was embedded. The first answer stays: equal contents have equal vectors.
pub async fn remember(
    tx: &Tx<'_>,
    org: OrgId,
    model: &str,
    embedded: Vec<([u8; 32], Vec<f32>)>,
) -> Result<(), StoreError> {
    if embedded.is_empty() {
        return Ok(());
    }
    let (contents, vectors): (Vec<Vec<u8>>, Vec<Vector>) =
        embedded.into_iter().map(|(sha, vector)| (sha.to_vec(), Vector::from(vector))).unzip();
    tx.execute(
        "INSERT INTO embedding_cache (org_id, model, content_sha256, embedding)
         SELECT $1, $2, new.sha, new.embedding
         FROM unnest($3::bytea[], $4::vector[]) AS new (sha, embedding)
         ORDER BY new.sha
         ON CONFLICT DO NOTHING",
        &[org.as_uuid(), &model, &contents, &vectors],
    )
    .await?;
    Ok(())
}

/// Gives chunks their vectors from the cache; one that is not there yet leaves its chunk pending.
pub async fn attach(
    tx: &Tx<'_>,
    writer: &Writer,
    model: &str,
    chunks: &[ChunkId],
) -> Result<u64, StoreError> {
    if chunks.is_empty() {
        return Ok(0);
    }
    let chunks: Vec<Uuid> = chunks.iter().map(|chunk| *chunk.as_uuid()).collect();
    tx.execute(
        "INSERT INTO embeddings (org_id, model, chunk_id, corpus_id, status, embedding)
         SELECT c.org_id, $1, c.id, c.corpus_id,
                CASE WHEN k.embedding IS NULL THEN 'pending' ELSE 'ready' END, k.embedding
         FROM chunks c
         LEFT JOIN embedding_cache k ON k.org_id = c.org_id AND k.model = $1
                                    AND k.content_sha256 = c.content_sha256
         WHERE c.corpus_id = $2 AND c.id = ANY ($3)
         ON CONFLICT (model, chunk_id) DO NOTHING",
        &[&model, &writer.corpus.id, &chunks],
    )
    .await
}
