use std::sync::Arc;

use clients::git::{self, FetchRequest, Fetched, GitError, Limits};
use domain::{ChangedFile, Classify, CommitSha, ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{Tx, analyses, repositories::Repository, runs::Fence};

use super::{COMMIT_TIME, Work, Written, blocking};
use crate::{Deadline, Deps, Error};

/// The commit, kept in the object store.
pub(crate) struct Found(Output);

#[derive(Serialize, Deserialize)]
pub(crate) struct Output {
    pub(super) commit: CommitSha,
    /// With what the commit was compared: where its history parted from the base.
    base: Option<CommitSha>,
    snapshot_key: String,
    commit_object_sha256: String,
    files: usize,
    bytes: u64,
    pub(super) changes: Option<Vec<ChangedFile>>,
}

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let head = work.run().commit.clone().ok_or(Error::Incomplete("commit"))?;
    let base = work.input()?.base_sha.filter(|base| !base.is_null() && *base != head);
    let repository = work.repository()?;
    if repository.suspended {
        return Err(Error::Suspended);
    }
    let request = FetchRequest {
        url: repository.clone_url.clone(),
        base: parting(deps, repository, base, &head).await?,
        head,
        token: deps.token(repository).await?,
        limits: Limits {
            time: deadline.remaining().saturating_sub(COMMIT_TIME),
            ..Limits::default()
        },
    };
    let (fetched, base) = fetch(deps, request).await?;
    let stored = deps.objects.put_snapshot(work.run().org, &fetched.snapshot).await?;
    let output = Output {
        commit: fetched.snapshot.commit.clone(),
        base,
        snapshot_key: stored.key,
        commit_object_sha256: hex::encode(Sha256::digest(&fetched.commit_object)),
        files: fetched.snapshot.files.len(),
        bytes: fetched.snapshot.files.iter().map(|file| file.bytes.len() as u64).sum(),
        changes: fetched.changes,
    };
    work.snapshot = Some(Arc::new(fetched.snapshot));
    Ok(Found(output))
}

/// Where the histories of base and head part: what others have since added to the base is not a
/// change of this head. Only GitHub can tell, since we fetch no history; elsewhere the base
/// itself is taken, which shows more findings and never fewer.
async fn parting(
    deps: &Deps,
    repository: &Repository,
    base: Option<CommitSha>,
    head: &CommitSha,
) -> Result<Option<CommitSha>, Error> {
    let (Some(base), Some(installation)) = (base.clone(), repository.github_installation) else {
        return Ok(base);
    };
    let Some(github) = deps.github().await? else { return Ok(Some(base)) };
    match github.merge_base(Some(installation), &repository.full_name, &base, head).await {
        Ok(parting) => Ok(Some(parting)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Some(base)),
        Err(error) => Err(error.into()),
    }
}

/// Fetches, and answers with what the commit was compared.
async fn fetch(deps: &Deps, request: FetchRequest) -> Result<(Fetched, Option<CommitSha>), Error> {
    let guard = deps.guard.clone();
    let (outcome, mut request) = blocking(move || (git::fetch(&request, &guard), request)).await?;
    match outcome {
        Ok(fetched) => Ok((fetched, request.base)),
        // A force push leaves the old head behind; then there is nothing to compare with.
        Err(GitError::CommitNotFound(missing)) if request.base.as_ref() == Some(&missing) => {
            tracing::warn!(base = %missing, "the base is gone, so every line counts as new");
            request.base = None;
            let guard = deps.guard.clone();
            let fetched = blocking(move || git::fetch(&request, &guard)).await??;
            Ok((fetched, None))
        }
        Err(error) => Err(error.into()),
    }
}

impl Found {
    pub(super) async fn write(&self, tx: &Tx<'_>, fence: &Fence) -> Result<Written, Error> {
        analyses::insert(tx, fence, Some(&self.0.commit_object_sha256)).await?;
        Written::output("fetch", &self.0)
    }
}
