use std::sync::Arc;

use clients::{
    AddressGuard,
    git::{self, FetchRequest, GitError, Limits},
};
use domain::{
    CommitSha, POLICY_PATH,
    kinds::{analysis::Fetched, codebase_scan::Input},
};
use engine::Deadline;
use sha2::{Digest, Sha256};
use startup::SecretString;
use store::{
    Tx, analyses, codebase_scans,
    runs::{self, Fence},
};

use crate::memory::{COMMIT_TIME, Work, Written, blocking, input, written};
use crate::{Deps, Error};

/// The commit, kept in the object store.
pub(crate) struct Found(Fetched);

pub(super) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let Input { branch, .. } = input(work)?;
    let repository = work.memory.repository()?;
    if repository.suspended {
        return Err(Error::Suspended);
    }
    let wanted = Wanted {
        url: repository.clone_url.clone(),
        branch,
        commit: work.run().commit.clone(),
        token: deps.token(repository).await?,
        guard: deps.guard.clone(),
        limits: Limits {
            time: deadline.remaining().saturating_sub(COMMIT_TIME),
            ..Limits::default()
        },
    };
    let (branch, fetched) = blocking(move || wanted.fetch()).await??;
    let stored = deps.objects.put_snapshot(work.run().org, &fetched.snapshot).await?;
    let output = Fetched {
        commit: fetched.snapshot.commit.clone(),
        branch,
        base: None,
        snapshot_key: Some(stored.key),
        base_key: None,
        policy: policy::standing(&fetched.snapshot, POLICY_PATH),
        commit_object_sha256: Some(hex::encode(Sha256::digest(&fetched.commit_object))),
        files: fetched.snapshot.files.len(),
        bytes: fetched.snapshot.files.iter().map(|file| file.bytes.len() as u64).sum(),
        changes: None,
    };
    work.memory.snapshot = Some(Arc::new(fetched.snapshot));
    Ok(Found(output))
}

/// Which code, and how to get it.
struct Wanted {
    url: String,
    /// None: the repository's default branch.
    branch: Option<String>,
    /// None: the branch's head.
    commit: Option<CommitSha>,
    token: Option<SecretString>,
    guard: AddressGuard,
    limits: Limits,
}

impl Wanted {
    fn fetch(self) -> Result<(Option<String>, git::Fetched), GitError> {
        let Self { url, branch, commit, token, guard, limits } = self;
        let (head, branch) = match (commit, branch) {
            (Some(commit), branch) => (commit, branch),
            (None, Some(name)) => {
                let head = git::branch_head(&url, &name, token.as_ref(), &guard, &limits)?;
                (head, Some(name))
            }
            (None, None) => {
                let default = git::default_branch_head(&url, token.as_ref(), &guard, &limits)?;
                (default.head, Some(default.name))
            }
        };
        let request = FetchRequest { url, head, base: None, token, limits };
        Ok((branch, git::fetch(&request, &guard)?))
    }
}

impl Found {
    pub(super) async fn write(&self, tx: &Tx<'_>, fence: &Fence) -> Result<Written, Error> {
        let Fetched { commit, branch, commit_object_sha256, .. } = &self.0;
        runs::name_commit(tx, fence, commit).await?;
        codebase_scans::begin(tx, fence, branch.as_deref()).await?;
        analyses::insert(tx, fence, commit_object_sha256.as_deref()).await?;
        written("fetch", &self.0)
    }
}
