//! The `repo_syncs` table: when a repository was looked at, and what came of it.

use domain::{CommitSha, ManifestId, RepositoryId, RunId};

use crate::{StoreError, Tx, runs::Fence};

/// What the default branch held when it was last synced into a version of its own.
#[derive(Debug, Clone)]
pub struct LastSync {
    pub manifest: ManifestId,
    pub hash: String,
    pub commit: CommitSha,
}

/// The newest sync of a repository that found something new.
///
/// Examined pull requests make versions too, so the newest version of all says nothing about
/// the default branch.
pub async fn find_last_change(
    tx: &Tx<'_>,
    repository: RepositoryId,
) -> Result<Option<LastSync>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT m.id, m.hash, m.commit_sha
             FROM repo_syncs s JOIN project_manifests m ON m.id = s.manifest_id
             WHERE s.repository_id = $1 AND s.status = 'success'
             ORDER BY s.started_at DESC, s.id DESC LIMIT 1",
            &[repository.as_uuid()],
        )
        .await?;
    row.map(|row| {
        Ok(LastSync {
            manifest: ManifestId::new(row.get("id")),
            hash: row.get("hash"),
            commit: crate::rows::parse(&row, "project_manifests", "commit_sha")?,
        })
    })
    .transpose()
}

/// Notes that a run has looked; without a manifest, the content was what it had been.
pub async fn insert(
    tx: &Tx<'_>,
    fence: &Fence,
    manifest: Option<ManifestId>,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO repo_syncs (org_id, project_id, repository_id, run_id, status, manifest_id,
                                 started_at, finished_at)
         SELECT r.org_id, r.project_id, r.repository_id, r.id, 'success', $2,
                coalesce(r.started_at, clock_timestamp()), clock_timestamp()
         FROM runs r WHERE r.id = $1",
        &[fence.run().as_uuid(), &manifest.map(|id| *id.as_uuid())],
    )
    .await?;
    Ok(())
}

/// Notes that nothing will come of the sync, even if it never began.
///
/// It demands no fence: a run that was given up or canceled has no lease any more.
pub async fn fail(tx: &Tx<'_>, run: RunId, error: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO repo_syncs (org_id, project_id, repository_id, run_id, status, error_message,
                                 started_at, finished_at)
         SELECT r.org_id, r.project_id, r.repository_id, r.id, 'failed', $2,
                coalesce(r.started_at, clock_timestamp()), clock_timestamp()
         FROM runs r
         WHERE r.id = $1 AND r.kind = 'repository_sync'
           AND r.project_id IS NOT NULL AND r.repository_id IS NOT NULL
         ON CONFLICT (run_id) DO UPDATE
         SET status = 'failed', error_message = excluded.error_message,
             finished_at = excluded.finished_at
         WHERE repo_syncs.status <> 'success'",
        &[run.as_uuid(), &error],
    )
    .await?;
    Ok(())
}
