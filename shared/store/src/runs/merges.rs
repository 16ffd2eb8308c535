//! Looking for merges of a pull request, of which one at most is open.

use domain::{CommitSha, RepositoryId, RunId, kinds::merge::MergeMethod};

use crate::{
    StoreError, Tx,
    rows::{parse, parse_opt},
};

/// A merge that was asked for and is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenMerge {
    pub run: RunId,
    pub method: MergeMethod,
    /// None: any head would do, and the run has not looked yet which it is.
    pub head: Option<CommitSha>,
}

/// Callers hold the repository's lock, or else two of them find nothing at once.
pub async fn find_open(
    tx: &Tx<'_>,
    repository: RepositoryId,
    pull_request: i32,
) -> Result<Option<OpenMerge>, StoreError> {
    let row = tx
        .query_opt(
            "SELECT id, coalesce(input ->> 'method', '') AS method, commit_sha FROM runs
             WHERE repository_id = $1 AND pull_request = $2 AND kind = 'merge'
               AND status IN ('queued', 'running', 'waiting')
             ORDER BY created_at DESC LIMIT 1",
            &[repository.as_uuid(), &pull_request],
        )
        .await?;
    row.map(|row| {
        Ok(OpenMerge {
            run: RunId::new(row.get("id")),
            method: parse(&row, "runs", "method")?,
            head: parse_opt(&row, "runs", "commit_sha")?,
        })
    })
    .transpose()
}

/// How many merges of a pull request were asked for so far, whatever became of them.
pub async fn count(
    tx: &Tx<'_>,
    repository: RepositoryId,
    pull_request: i32,
) -> Result<i64, StoreError> {
    let row = tx
        .query_one(
            "SELECT count(*) FROM runs
             WHERE repository_id = $1 AND pull_request = $2 AND kind = 'merge'",
            &[repository.as_uuid(), &pull_request],
        )
        .await?;
    Ok(row.get(0))
}
