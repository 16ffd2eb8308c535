//! The `project_manifests` table: what a repository contained, version by version.
//!
//! A manifest is named by the hash of its content, so the same content is one row however often
//! it is seen.

use domain::{CommitSha, ManifestId, RepositoryId};
use serde_json::Value;

use crate::{StoreError, Tx};

/// The content of a repository at one commit.
#[derive(Debug, Clone)]
pub struct NewManifest<'a> {
    pub repository: RepositoryId,
    pub commit: &'a CommitSha,
    /// File tree with size, sha256 and language of each file.
    pub data: &'a Value,
    pub hash: &'a str,
}

/// Where a content is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    pub id: ManifestId,
    pub version: i32,
    /// The version was made now.
    pub made: bool,
}

/// Which of the versions may already be the content in question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Among {
    /// Any: an examined commit is described by whichever version equals it.
    All,
    /// The newest: history goes on, even back to what once was.
    Newest,
}

/// Keeps a content: as the version that has it, or as a new one, numbered without a gap.
pub async fn keep(tx: &Tx<'_>, new: &NewManifest<'_>, among: Among) -> Result<Kept, StoreError> {
    // Whoever else keeps a manifest of this repository waits here, so that each sees the version
    // of the one before. Not on the repository's row: that is locked before runs, and who keeps a
    // manifest holds a run already.
    tx.query_one(
        "SELECT pg_advisory_xact_lock(hashtextextended('project_manifests ' || $1::uuid, 0))",
        &[new.repository.as_uuid()],
    )
    .await?;
    let known = tx
        .query_opt(
            "SELECT id, version FROM project_manifests m
             WHERE repository_id = $1 AND hash = $2
               AND ($3 OR version = (SELECT max(version) FROM project_manifests
                                     WHERE repository_id = $1))
             ORDER BY version DESC LIMIT 1",
            &[new.repository.as_uuid(), &new.hash, &(among == Among::All)],
        )
        .await?;
    let (row, made) = match known {
        Some(row) => (row, false),
        None => (insert(tx, new).await?, true),
    };
    Ok(Kept { id: ManifestId::new(row.get("id")), version: row.get("version"), made })
}

async fn insert(tx: &Tx<'_>, new: &NewManifest<'_>) -> Result<tokio_postgres::Row, StoreError> {
    tx.query_one(
        "INSERT INTO project_manifests (org_id, project_id, repository_id, version, commit_sha,
                                        data, hash)
         SELECT r.org_id, r.project_id, r.id,
                1 + coalesce((SELECT max(version) FROM project_manifests
                              WHERE repository_id = r.id), 0),
                $2, $3, $4
         FROM repositories r WHERE r.id = $1
         RETURNING id, version",
        &[new.repository.as_uuid(), &new.commit.as_str(), new.data, &new.hash],
    )
    .await
}
