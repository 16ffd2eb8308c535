//! The `chunks` table, and with it its `sources`: they change together.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use domain::{ChunkId, CommitSha, LineRange, TERM_DIMENSIONS};
use pgvector::SparseVector;
use tokio_postgres::Row;
use uuid::Uuid;

use crate::{
    StoreError, Tx,
    corpora::{Corpus, Writer, sha256},
    term_statistics::Tally,
};

/// A source as it is to be: all chunks it has now, or why it has none.
#[derive(Debug, Clone)]
pub struct NewSource {
    pub name: String,
    pub sha256: [u8; 32],
    pub chunks: Vec<NewChunk>,
    pub skipped: Option<String>,
}

#[derive(Debug, Clone)]
pub struct NewChunk {
    pub index: u32,
    pub lines: LineRange,
    pub bytes: Range<usize>,
    pub name: String,
    pub header: String,
    pub text: String,
    pub content_sha256: [u8; 32],
    pub term_count: u32,
    /// The chunk's part of BM25, ascending by dimension.
    pub weights: Vec<(u32, f32)>,
}

/// What [`replace`] did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replaced {
    /// Chunks that are new and want embeddings.
    pub added: Vec<ChunkId>,
    /// Chunks whose content was there before; their rows and embeddings are untouched.
    pub kept: usize,
    pub removed: usize,
}

/// Makes each source hold exactly the given chunks. Doing it again changes nothing.
///
/// A chunk whose content is in its source already keeps its row; only its place is updated.
pub async fn replace(
    tx: &Tx<'_>,
    writer: &Writer,
    commit: &CommitSha,
    sources: &[NewSource],
) -> Result<Replaced, StoreError> {
    let corpus = &writer.corpus;
    let existing = existing_chunks(tx, corpus, sources).await?;
    let ids = upsert_sources(tx, corpus, commit, sources).await?;

    let mut plan = Plan { gone: existing, ..Plan::default() };
    for source in sources {
        let id = ids.get(&source.name).copied().ok_or(StoreError::ChangedMeanwhile)?;
        plan.source(id, &source.chunks);
    }
    let mut tally = Tally::default();
    let gone: Vec<Uuid> = plan.gone.values().map(|chunk| chunk.id).collect();
    delete_chunks(tx, &gone, &mut tally).await?;
    move_chunks(tx, &plan.moved).await?;
    let added = insert_chunks(tx, corpus, &plan.added, &mut tally).await?;
    tally.apply(tx, corpus).await?;
    Ok(Replaced { added, kept: plan.kept, removed: gone.len() })
}

/// Removes sources with their chunks and embeddings; answers how many chunks went.
pub async fn remove(tx: &Tx<'_>, writer: &Writer, names: &[String]) -> Result<usize, StoreError> {
    let rows = tx
        .query(
            "SELECT c.id FROM chunks c JOIN sources s ON s.id = c.source_id
             WHERE s.corpus_id = $1 AND s.name = ANY ($2)",
            &[&writer.corpus.id, &names],
        )
        .await?;
    let chunks: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
    let mut tally = Tally::default();
    delete_chunks(tx, &chunks, &mut tally).await?;
    tx.execute(
        "DELETE FROM sources WHERE corpus_id = $1 AND name = ANY ($2)",
        &[&writer.corpus.id, &names],
    )
    .await?;
    tally.apply(tx, &writer.corpus).await?;
    Ok(chunks.len())
}

/// What makes a chunk the same chunk: its source, its content, and which of equal ones it is.
type Key = (Uuid, [u8; 32], i32);

struct Existing {
    id: Uuid,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    index: i32,
    lines: (i32, i32),
    bytes: (i32, i32),
}

impl Place {
    // Chunks come from files of at most a few megabytes; larger numbers would fail the CHECKs.
    fn of(chunk: &NewChunk) -> Self {
        let int = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        Self {
            index: int(chunk.index as usize),
            lines: (int(chunk.lines.first as usize), int(chunk.lines.last as usize)),
            bytes: (int(chunk.bytes.start), int(chunk.bytes.end)),
        }
    }
}

/// How to get from the chunks that are there to those that should be.
#[derive(Default)]
struct Plan<'a> {
    /// Starts with everything that is there; what is wanted is taken out.
    gone: HashMap<Key, Existing>,
    moved: Vec<(Uuid, Place)>,
    added: Vec<(Key, &'a NewChunk)>,
    kept: usize,
}

impl<'a> Plan<'a> {
    fn source(&mut self, source: Uuid, chunks: &'a [NewChunk]) {
        let mut seen: HashMap<[u8; 32], i32> = HashMap::new();
        for chunk in chunks {
            let count = seen.entry(chunk.content_sha256).or_default();
            let key = (source, chunk.content_sha256, *count);
            *count += 1;
            match self.gone.remove(&key) {
                Some(existing) => {
                    self.kept += 1;
                    let place = Place::of(chunk);
                    if existing.place != place {
                        self.moved.push((existing.id, place));
                    }
                }
                None => self.added.push((key, chunk)),
            }
        }
    }
}

/// Chunks of the sources; of an older generation none, since their weights are outdated.
async fn existing_chunks(
    tx: &Tx<'_>,
    corpus: &Corpus,
    sources: &[NewSource],
) -> Result<HashMap<Key, Existing>, StoreError> {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let outdated = tx
        .query(
            "SELECT name FROM sources
             WHERE corpus_id = $1 AND name = ANY ($2) AND generation <> $3",
            &[&corpus.id, &names, &corpus.generation()],
        )
        .await?;
    if !outdated.is_empty() {
        let names: Vec<&str> = outdated.iter().map(|row| row.get("name")).collect();
        let rows = tx
            .query(
                "SELECT c.id FROM chunks c JOIN sources s ON s.id = c.source_id
                 WHERE s.corpus_id = $1 AND s.name = ANY ($2)",
                &[&corpus.id, &names],
            )
            .await?;
        let chunks: Vec<Uuid> = rows.iter().map(|row| row.get("id")).collect();
        let mut tally = Tally::default();
        delete_chunks(tx, &chunks, &mut tally).await?;
        tally.apply(tx, corpus).await?;
    }
    let rows = tx
        .query(
            "SELECT c.id, c.source_id, c.content_sha256, c.occurrence, c.chunk_index,
                    c.line_start, c.line_end, c.byte_start, c.byte_end
             FROM chunks c JOIN sources s ON s.id = c.source_id
             WHERE s.corpus_id = $1 AND s.name = ANY ($2)",
            &[&corpus.id, &names],
        )
        .await?;
    rows.iter()
        .map(|row| {
            let sha = sha256(row, "chunks", "content_sha256")?;
            let key = (row.get("source_id"), sha, row.get("occurrence"));
            Ok((key, Existing::from(row)))
        })
        .collect()
}

/// Writes the sources and answers their ids by name.
async fn upsert_sources(
    tx: &Tx<'_>,
    corpus: &Corpus,
    commit: &CommitSha,
    sources: &[NewSource],
) -> Result<HashMap<String, Uuid>, StoreError> {
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let hashes: Vec<&[u8]> = sources.iter().map(|source| &source.sha256[..]).collect();
    let skipped: Vec<Option<&str>> =
        sources.iter().map(|source| source.skipped.as_deref()).collect();
    let rows = tx
        .query(
            "INSERT INTO sources AS s (org_id, corpus_id, generation, commit_sha, name, sha256, skipped)
             SELECT $1, $2, $3, $4, new.name, new.sha256, new.skipped
             FROM unnest($5::text[], $6::bytea[], $7::text[]) AS new (name, sha256, skipped)
             ON CONFLICT (corpus_id, name) DO UPDATE
             SET generation = excluded.generation, sha256 = excluded.sha256,
                 skipped = excluded.skipped, indexed_at = now(),
                 -- The commit where this content was first seen stays the one that is cited.
                 commit_sha = CASE WHEN s.sha256 = excluded.sha256
                                   THEN s.commit_sha ELSE excluded.commit_sha END
             RETURNING id, name",
            &[
                corpus.org.as_uuid(),
                &corpus.id,
                &corpus.generation(),
                &commit.as_str(),
                &names,
                &hashes,
                &skipped,
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get("name"), row.get("id"))).collect())
}

async fn delete_chunks(tx: &Tx<'_>, chunks: &[Uuid], tally: &mut Tally) -> Result<(), StoreError> {
    if chunks.is_empty() {
        return Ok(());
    }
    let rows = tx
        .query("DELETE FROM chunks WHERE id = ANY ($1) RETURNING term_count, weights", &[&chunks])
        .await?;
    for row in &rows {
        let weights: SparseVector = row.get("weights");
        tally.count(-1, row.get("term_count"), weights.indices());
    }
    Ok(())
}

async fn move_chunks(tx: &Tx<'_>, moved: &[(Uuid, Place)]) -> Result<(), StoreError> {
    if moved.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = moved.iter().map(|(id, _)| *id).collect();
    let places = Places::of(moved.iter().map(|(_, place)| *place));
    tx.execute(
        "UPDATE chunks c
         SET chunk_index = new.chunk_index, line_start = new.line_start, line_end = new.line_end,
             byte_start = new.byte_start, byte_end = new.byte_end
         FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[])
              AS new (id, chunk_index, line_start, line_end, byte_start, byte_end)
         WHERE c.id = new.id",
        &[
            &ids,
            &places.indexes,
            &places.first_lines,
            &places.last_lines,
            &places.first_bytes,
            &places.last_bytes,
        ],
    )
    .await?;
    Ok(())
}

async fn insert_chunks(
    tx: &Tx<'_>,
    corpus: &Corpus,
    added: &[(Key, &NewChunk)],
    tally: &mut Tally,
) -> Result<Vec<ChunkId>, StoreError> {
    if added.is_empty() {
        return Ok(Vec::new());
    }
    let of = |text: fn(&NewChunk) -> &str| -> Vec<&str> {
        added.iter().map(|(_, chunk)| text(chunk)).collect()
    };
    let sources: Vec<Uuid> = added.iter().map(|((source, ..), _)| *source).collect();
    let occurrences: Vec<i32> = added.iter().map(|((.., occurrence), _)| *occurrence).collect();
    let hashes: Vec<&[u8]> = added.iter().map(|(_, chunk)| &chunk.content_sha256[..]).collect();
    let places = Places::of(added.iter().map(|(_, chunk)| Place::of(chunk)));
    let counts: Vec<i32> = added
        .iter()
        .map(|(_, chunk)| i32::try_from(chunk.term_count).unwrap_or(i32::MAX))
        .collect();
    let weights: Vec<SparseVector> =
        added.iter().map(|(_, chunk)| sparse(&chunk.weights)).collect();
    for (count, weights) in counts.iter().zip(&weights) {
        tally.count(1, *count, weights.indices());
    }
    let rows = tx
        .query(
            "INSERT INTO chunks (org_id, project_id, corpus_id, source_id, occurrence,
                                 content_sha256, chunk_index, line_start, line_end, byte_start,
                                 byte_end, name, header, text, term_count, weights)
             SELECT $1, $2, $3, new.*
             FROM unnest($4::uuid[], $5::int[], $6::bytea[], $7::int[], $8::int[], $9::int[],
                         $10::int[], $11::int[], $12::text[], $13::text[], $14::text[],
                         $15::int[], $16::sparsevec[]) AS new
             RETURNING id",
            &[
                corpus.org.as_uuid(),
                corpus.project.as_uuid(),
                &corpus.id,
                &sources,
                &occurrences,
                &hashes,
                &places.indexes,
                &places.first_lines,
                &places.last_lines,
                &places.first_bytes,
                &places.last_bytes,
                &of(|chunk| &chunk.name),
                &of(|chunk| &chunk.header),
                &of(|chunk| &chunk.text),
                &counts,
                &weights,
            ],
        )
        .await?;
    Ok(rows.iter().map(|row| ChunkId::new(row.get("id"))).collect())
}

/// Weights as the database takes them; its dimensions count from 0 here and from 1 in its text.
pub(crate) fn sparse(weights: &[(u32, f32)]) -> SparseVector {
    let weights: BTreeMap<i32, f32> =
        weights.iter().map(|(dimension, weight)| (*dimension as i32, *weight)).collect();
    SparseVector::from_map(&weights, TERM_DIMENSIONS as i32)
}

/// Columns of places, as `unnest` takes them.
#[derive(Default)]
struct Places {
    indexes: Vec<i32>,
    first_lines: Vec<i32>,
    last_lines: Vec<i32>,
    first_bytes: Vec<i32>,
    last_bytes: Vec<i32>,
}

impl Places {
    fn of(places: impl Iterator<Item = Place>) -> Self {
        let mut columns = Self::default();
        for Place { index, lines, bytes } in places {
            columns.indexes.push(index);
            columns.first_lines.push(lines.0);
            columns.last_lines.push(lines.1);
            columns.first_bytes.push(bytes.0);
            columns.last_bytes.push(bytes.1);
        }
        columns
    }
}

impl From<&Row> for Existing {
    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn from(row: &Row) -> Self {
        Self {
            id: row.get("id"),
            place: Place {
                index: row.get("chunk_index"),
                lines: (row.get("line_start"), row.get("line_end")),
                bytes: (row.get("byte_start"), row.get("byte_end")),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(index: u32, content: u8) -> NewChunk {
        let at = index as usize * 10;
        NewChunk {
            index,
            lines: LineRange { first: index + 1, last: index + 1 },
            bytes: at..at + 10,
            name: String::new(),
            header: String::new(),
            text: String::new(),
            content_sha256: [content; 32],
            term_count: 0,
            weights: vec![],
        }
    }

    #[test]
    fn chunks_are_told_by_content_and_not_by_place() {
        let source = Uuid::nil();
        let (first, second) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let there = |id, place: &NewChunk| Existing { id, place: Place::of(place) };
        let mut plan = Plan {
            gone: HashMap::from([
                ((source, [7; 32], 0), there(first, &chunk(0, 7))),
                ((source, [7; 32], 1), there(second, &chunk(1, 7))),
                ((source, [8; 32], 0), there(Uuid::from_u128(3), &chunk(2, 8))),
            ]),
            ..Plan::default()
        };
        // The first stays, a new one comes between, the second moves down, the third is gone.
        let wanted = [chunk(0, 7), chunk(1, 9), chunk(2, 7)];
        plan.source(source, &wanted);

        assert_eq!(plan.kept, 2);
        assert_eq!(plan.moved, [(second, Place::of(&wanted[2]))]);
        let added: Vec<_> = plan.added.iter().map(|(key, chunk)| (*key, chunk.index)).collect();
        assert_eq!(added, [((source, [9; 32], 0), 1)]);
        assert_eq!(plan.gone.len(), 1);
    }
}
