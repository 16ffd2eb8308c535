use std::sync::Arc;

use clients::git::{self, FetchRequest, GitError, Limits};
use domain::{
    Classify, CommitSha, ErrorKind,
    kinds::analysis::{Fetched, Input},
};
use sha2::{Digest, Sha256};
use store::{Tx, analyses, repositories::Repository, runs::Fence};

use super::policy;
use crate::memory::{COMMIT_TIME, Work, Written, blocking, input, written};
use crate::{Deps, Error};
use engine::Deadline;

/// The commit, kept in the object store.
pub(crate) struct Found(Fetched);

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let head = work.run().commit.clone().ok_or(Error::Incomplete("commit"))?;
    let asked = input::<Input>(work)?.base_sha.filter(|base| !base.is_null());
    let base = asked.clone().filter(|base| *base != head);
    let repository = work.memory.repository()?;
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
    let (fetched, request) = fetch(deps, request).await?;
    let base = request.base.clone();
    let sides = policy::Sides { base: asked.as_ref(), compared: base.as_ref(), fetched: &fetched };
    let policy = policy::find(deps, work, request, &sides).await?;
    let org = work.run().org;
    let stored = deps.objects.put_snapshot(org, &fetched.snapshot).await?;
    let base_key = match &fetched.base_files {
        Some(files) => Some(deps.objects.put_base(org, &fetched.snapshot.commit, files).await?.key),
        None => None,
    };
    let output = Fetched {
        commit: fetched.snapshot.commit.clone(),
        branch: None,
        base,
        snapshot_key: Some(stored.key),
        base_key,
        policy,
        commit_object_sha256: Some(hex::encode(Sha256::digest(&fetched.commit_object))),
        files: fetched.snapshot.files.len(),
        bytes: fetched.snapshot.files.iter().map(|file| file.bytes.len() as u64).sum(),
        changes: fetched.changes,
    };
    work.memory.snapshot = Some(Arc::new(fetched.snapshot));
    work.memory.base_files = fetched.base_files.map(Arc::new);
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

/// Fetches, and answers with what was asked for in the end: the base may be gone.
async fn fetch(deps: &Deps, request: FetchRequest) -> Result<(git::Fetched, FetchRequest), Error> {
    let guard = deps.guard.clone();
    let (outcome, mut request) = blocking(move || (git::fetch(&request, &guard), request)).await?;
    match outcome {
        Ok(fetched) => Ok((fetched, request)),
        // A force push leaves the old head behind; then there is nothing to compare with.
        Err(GitError::CommitNotFound(missing)) if request.base.as_ref() == Some(&missing) => {
            tracing::warn!(base = %missing, "the base is gone, so every line counts as new");
            request.base = None;
            let guard = deps.guard.clone();
            let (outcome, request) =
                blocking(move || (git::fetch(&request, &guard), request)).await?;
            Ok((outcome?, request))
        }
        Err(error) => Err(error.into()),
    }
}

impl Found {
    pub(super) async fn write(&self, tx: &Tx<'_>, fence: &Fence) -> Result<Written, Error> {
        analyses::insert(tx, fence, self.0.commit_object_sha256.as_deref()).await?;
        written("fetch", &self.0)
    }
}
