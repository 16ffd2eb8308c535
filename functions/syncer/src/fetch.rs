use std::time::Duration;

use clients::git::{self, FetchRequest, Limits};
use domain::{Manifest, PolicySource, kinds::analysis::Fetched};
use engine::{Deadline, Written};
use sha2::{Digest, Sha256};
use store::{
    Tx,
    runs::{self, Fence},
};

use crate::{Deps, Error, blocking, worker::Work, written};

/// Kept free at the end of an invocation for writing down what was found.
const COMMIT_TIME: Duration = Duration::from_secs(10);

/// What a look at the default branch showed.
pub(crate) struct Found(Fetched);

pub(crate) async fn work(deps: &Deps, work: &mut Work, deadline: Deadline) -> Result<Found, Error> {
    let repository = work.memory.repository()?;
    if repository.suspended {
        return Err(Error::Suspended);
    }
    let (url, guard) = (repository.clone_url.clone(), deps.guard.clone());
    let token = deps.token(repository).await?;
    let time = deadline.remaining().saturating_sub(COMMIT_TIME);
    let limits = Limits { time, ..Limits::default() };
    let last = work.memory.last.as_ref().map(|last| last.commit.clone());
    let (branch, fetched) = blocking(move || {
        let branch = git::default_branch_head(&url, token.as_ref(), &guard, &limits)?;
        if last.as_ref() == Some(&branch.head) {
            return Ok::<_, Error>((branch, None));
        }
        // Compared with nothing: a force push may have left the last commit behind.
        let request = FetchRequest { url, head: branch.head.clone(), base: None, token, limits };
        let fetched = git::fetch(&request, &guard)?;
        Ok((branch, Some(fetched)))
    })
    .await??;
    let mut output = Fetched {
        commit: branch.head,
        branch: Some(branch.name),
        base: None,
        snapshot_key: None,
        base_key: None,
        policy: PolicySource::default(),
        commit_object_sha256: None,
        files: 0,
        bytes: 0,
        changes: None,
    };
    if let Some(fetched) = fetched {
        let stored = deps.objects.put_snapshot(work.run().org, &fetched.snapshot).await?;
        output.snapshot_key = Some(stored.key);
        output.commit_object_sha256 = Some(hex::encode(Sha256::digest(&fetched.commit_object)));
        let manifest = blocking(move || Manifest::of(&fetched.snapshot)).await?;
        (output.files, output.bytes) = (manifest.files.len(), manifest.bytes());
        work.memory.manifest = Some(manifest);
    }
    Ok(Found(output))
}

impl Found {
    pub(crate) async fn write(&self, tx: &Tx<'_>, fence: &Fence) -> Result<Written, Error> {
        runs::name_commit(tx, fence, &self.0.commit).await?;
        written("fetch", &self.0)
    }
}
