//! The `artifacts` table: documents in versions, counted by `artifact_heads`.
//!
//! The head's row lock makes the versions of a key gapless: whoever writes waits for the writer
//! before, and a transaction that rolls back gives its number back. Versions never change.

use std::collections::BTreeMap;

use domain::{
    ArtifactId, ArtifactKind, Citation, Classify, Content, ErrorKind, InvalidArtifact, LogicalKey,
    ProjectId, RunId,
};
use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::Row;

use crate::{
    Page, StoreError, Tx, citations,
    rows::{corrupt, parse},
};

/// What a list shows of a version; its content is fetched by its id.
const SUMMARY: &str = "a.id, a.project_id, a.run_id, a.kind, a.logical_key, a.version, a.created_at,
     CASE WHEN a.content ->> 'format' = 'markdown' AND jsonb_typeof(a.content -> 'markdown') = 'string'
          THEN 'markdown' ELSE 'json' END AS format,
     (SELECT count(*) FROM citations c WHERE c.artifact_id = a.id) AS citations";

/// The newest version of each key.
const NEWEST: &str =
    "artifact_heads h JOIN artifacts a USING (project_id, kind, logical_key, version)";

const BY_KEY: &str = "kind COLLATE \"C\", logical_key COLLATE \"C\"";

/// A version to be written.
#[derive(Debug, Clone)]
pub struct NewArtifact {
    pub project: ProjectId,
    /// Which run made it.
    pub run: Option<RunId>,
    pub kind: ArtifactKind,
    pub key: LogicalKey,
    pub content: Content,
    pub citations: Vec<Citation>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    pub id: ArtifactId,
    pub version: i32,
}

#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error(transparent)]
    Invalid(#[from] InvalidArtifact),
    #[error("project {0} does not exist")]
    NoProject(ProjectId),
    #[error("the sources of the citations {numbers:?} do not exist")]
    NoSource { numbers: Vec<u32> },
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Classify for WriteError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Invalid(error) => error.kind(),
            Self::NoProject(_) | Self::NoSource { .. } => ErrorKind::Invalid,
            Self::Store(error) => error.kind(),
        }
    }
}

/// Writes the next version of a key together with its citations.
///
/// In the transaction of a step it is written as often as the step is committed: once.
pub async fn write(tx: &Tx<'_>, new: &NewArtifact) -> Result<Written, WriteError> {
    new.content.check(&new.citations)?;
    let numbers = citations::missing(tx, &new.citations).await?;
    if !numbers.is_empty() {
        return Err(WriteError::NoSource { numbers });
    }
    let row = tx
        .query_opt(
            "WITH head AS (
                 INSERT INTO artifact_heads AS h (org_id, project_id, kind, logical_key, version)
                 SELECT p.org_id, p.id, $2, $3, 1 FROM projects p WHERE p.id = $1
                 ON CONFLICT (project_id, kind, logical_key) DO UPDATE SET version = h.version + 1
                 RETURNING org_id, project_id, kind, logical_key, version
             )
             INSERT INTO artifacts (org_id, project_id, run_id, kind, logical_key, version, content,
                                    created_at)
             -- The time after the wait for the lock, so that versions and times agree.
             SELECT org_id, project_id, $4, kind, logical_key, version, $5, clock_timestamp()
             FROM head
             RETURNING id, version",
            &[
                new.project.as_uuid(),
                &new.kind.to_string(),
                &new.key.as_str(),
                &new.run.map(|run| *run.as_uuid()),
                &new.content.to_value(),
            ],
        )
        .await?;
    let row = row.ok_or(WriteError::NoProject(new.project))?;
    let written = Written { id: ArtifactId::new(row.get("id")), version: row.get("version") };
    citations::insert_all(tx, written.id, &new.citations).await?;
    Ok(written)
}

/// A version without its content.
#[derive(Debug, Clone)]
pub struct Summary {
    pub id: ArtifactId,
    pub project: ProjectId,
    pub run: Option<RunId>,
    pub kind: ArtifactKind,
    pub key: LogicalKey,
    pub version: i32,
    /// `markdown` or `json`.
    pub format: String,
    /// How many there are.
    pub citations: i64,
    pub created_at: Timestamp,
}

/// A version with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Artifact {
    pub summary: Summary,
    pub content: Content,
    pub citations: Vec<Citation>,
}

/// Which artifacts a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    pub kind: Option<&'a ArtifactKind>,
    /// How the logical key begins.
    pub key_prefix: Option<&'a str>,
    /// The run that wrote the newest version.
    pub run: Option<RunId>,
}

/// The newest version of each key, by kind and key. A version that arrives meanwhile moves
/// nothing: a page goes on after a key, not after a version.
pub async fn list(
    tx: &Tx<'_>,
    project: ProjectId,
    filter: &Filter<'_>,
    page: Page,
) -> Result<Vec<Summary>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {SUMMARY} FROM {NEWEST}
                 WHERE a.project_id = $3
                   AND ($1::uuid IS NULL OR ({BY_KEY}) >
                        (SELECT {BY_KEY} FROM artifacts WHERE id = $1 AND project_id = $3))
                   AND ($4::text IS NULL OR kind = $4)
                   AND ($5::text IS NULL OR starts_with(logical_key, $5))
                   AND ($6::uuid IS NULL OR a.run_id = $6)
                 ORDER BY {BY_KEY} LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                project.as_uuid(),
                &filter.kind.map(ToString::to_string),
                &filter.key_prefix,
                &filter.run.map(|run| *run.as_uuid()),
            ],
        )
        .await?;
    rows.iter().map(Summary::try_from).collect()
}

/// The newest version of every key, by id, in the order of [`list`].
///
/// Versions never change, so whoever reads them one after the other sees the project as it was at
/// this moment. A head whose version is missing is an error: nothing is left out in silence.
pub async fn list_newest_ids(
    tx: &Tx<'_>,
    project: ProjectId,
    kind: Option<&ArtifactKind>,
    key_prefix: Option<&str>,
) -> Result<Vec<ArtifactId>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT a.id
                 FROM artifact_heads h LEFT JOIN artifacts a
                     USING (project_id, kind, logical_key, version)
                 WHERE project_id = $1
                   AND ($2::text IS NULL OR kind = $2)
                   AND ($3::text IS NULL OR starts_with(logical_key, $3))
                 ORDER BY {BY_KEY}"
            ),
            &[project.as_uuid(), &kind.map(ToString::to_string), &key_prefix],
        )
        .await?;
    rows.iter()
        .map(|row| row.get::<_, Option<_>>("id").map(ArtifactId::new).ok_or(NoSuchVersion))
        .collect::<Result<_, _>>()
        .map_err(corrupt("artifact_heads", "version"))
}

#[derive(Debug, thiserror::Error)]
#[error("the newest version of an artifact is missing")]
struct NoSuchVersion;

/// Every version that a run wrote.
pub async fn list_ids_of_run(tx: &Tx<'_>, run: RunId) -> Result<Vec<ArtifactId>, StoreError> {
    let rows = tx
        .query(
            &format!("SELECT id FROM artifacts WHERE run_id = $1 ORDER BY {BY_KEY}, version"),
            &[run.as_uuid()],
        )
        .await?;
    Ok(rows.iter().map(|row| ArtifactId::new(row.get("id"))).collect())
}

/// The versions of one key, the newest first.
pub async fn list_versions(
    tx: &Tx<'_>,
    of: &Summary,
    page: Page,
) -> Result<Vec<Summary>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {SUMMARY} FROM artifacts a
                 WHERE a.project_id = $3 AND a.kind = $4 AND a.logical_key = $5
                   AND ($1::uuid IS NULL OR a.version <
                        (SELECT c.version FROM artifacts c
                         WHERE c.id = $1 AND c.project_id = $3 AND c.kind = $4 AND c.logical_key = $5))
                 ORDER BY a.version DESC LIMIT $2"
            ),
            &[
                &page.after,
                &page.limit,
                of.project.as_uuid(),
                &of.kind.to_string(),
                &of.key.as_str(),
            ],
        )
        .await?;
    rows.iter().map(Summary::try_from).collect()
}

/// Whole versions, in the order of their ids in `ids`; one that is gone is an error.
pub async fn load(tx: &Tx<'_>, ids: &[ArtifactId]) -> Result<Vec<Artifact>, StoreError> {
    let mut found = BTreeMap::new();
    let uuids: Vec<_> = ids.iter().map(|id| *id.as_uuid()).collect();
    let rows = tx
        .query(
            &format!("SELECT {SUMMARY}, a.content FROM artifacts a WHERE a.id = ANY ($1)"),
            &[&uuids],
        )
        .await?;
    for row in &rows {
        let summary = Summary::try_from(row)?;
        let content = Content::from(row.get::<_, Value>("content"));
        found.insert(summary.id, Artifact { summary, content, citations: Vec::new() });
    }
    for (id, citation) in citations::list(tx, ids).await? {
        found.entry(id).and_modify(|artifact| artifact.citations.push(citation));
    }
    // Only deleting the project takes a version away.
    ids.iter().map(|id| found.remove(id).ok_or(StoreError::ChangedMeanwhile)).collect()
}

pub async fn find(tx: &Tx<'_>, id: ArtifactId) -> Result<Option<Artifact>, StoreError> {
    let exists = tx.query_opt("SELECT FROM artifacts WHERE id = $1", &[id.as_uuid()]).await?;
    if exists.is_none() {
        return Ok(None);
    }
    Ok(load(tx, &[id]).await?.pop())
}

/// Another version of the same key.
pub async fn find_version(
    tx: &Tx<'_>,
    of: &Summary,
    version: i32,
) -> Result<Option<Artifact>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT id FROM artifacts
             WHERE project_id = $1 AND kind = $2 AND logical_key = $3 AND version = $4",
            &[of.project.as_uuid(), &of.kind.to_string(), &of.key.as_str(), &version],
        )
        .await?;
    match row {
        Some(row) => find(tx, ArtifactId::new(row.get("id"))).await,
        None => Ok(None),
    }
}

impl TryFrom<&Row> for Summary {
    type Error = StoreError;

    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn try_from(row: &Row) -> Result<Self, Self::Error> {
        Ok(Self {
            id: ArtifactId::new(row.get("id")),
            project: ProjectId::new(row.get("project_id")),
            run: row.get::<_, Option<_>>("run_id").map(RunId::new),
            kind: parse(row, "artifacts", "kind")?,
            key: row
                .get::<_, &str>("logical_key")
                .parse()
                .map_err(corrupt("artifacts", "logical_key"))?,
            version: row.get("version"),
            format: row.get("format"),
            citations: row.get("citations"),
            created_at: row.get("created_at"),
        })
    }
}
