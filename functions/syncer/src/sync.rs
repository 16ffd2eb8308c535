use std::time::{Duration, Instant};

use clients::git::{self, FetchRequest, Fetched, Limits};
use domain::{ChangedFile, CommitSha, ErrorCode, Manifest, OrgId, RunKind, StepStatus};
use jiff::Timestamp;
use queue::{EmbedRequested, Message, Queue, SyncRequested};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use store::{
    Session,
    manifests::{self, Among, Kept, NewManifest},
    outbox::{self, Outgoing, Unsent},
    repo_syncs::{self, LastSync},
    repositories::{self, Repository},
    run_steps::{self, Finished},
    runs::{self, Claim, Lease},
};

use crate::{Deps, Error};

/// Longest time a fetch may take: the function has 120 seconds, and the result is to be kept.
const FETCH_TIME: Duration = Duration::from_secs(90);

/// A claimed run and what it is about.
struct Work {
    lease: Lease,
    repository: Option<Repository>,
    /// What the default branch held when it last changed.
    last: Option<LastSync>,
}

/// Does a sync. `Ok`: nobody needs to send this message again.
pub(crate) async fn sync(deps: &Deps, message: SyncRequested) -> Result<(), Error> {
    let begun = Begun::now();
    let mut session = deps.session().await?;
    let Some(work) = claim(deps, &mut session, message).await? else { return Ok(()) };
    startup::count("assay.runs.claimed", 1, &[("kind", RunKind::RepositorySync.as_str())]);
    let outcome = async {
        let look = look(deps, &work).await?;
        commit(&mut session, &work, &look, &begun).await
    }
    .await;
    match outcome {
        Ok(Some(unsent)) => {
            startup::count("assay.runs.finished", 1, &[("status", "succeeded")]);
            send(deps, &mut session, message.org_id, unsent).await;
            Ok(())
        }
        Ok(None) => {
            tracing::info!("the lease is lost: another worker does this run");
            Ok(())
        }
        Err(error) => {
            // The connection may be what failed, and there is only one: a new one is asked for.
            drop(session);
            let told = error.told();
            let ended = give_up(deps, &work, error.ending(), &told).await;
            if ended.is_err() {
                tracing::error!(told, "a sync failed, and that could not be written down");
            }
            // The queue's edge logs what comes back from here, and asks for the message again.
            if ended? { Ok(()) } else { Err(error) }
        }
    }
}

/// `None`: there is nothing to do, or nothing any more.
async fn claim(
    deps: &Deps,
    session: &mut Session,
    message: SyncRequested,
) -> Result<Option<Work>, Error> {
    let lease_seconds = i32::try_from(deps.lease.as_secs()).unwrap_or(i32::MAX);
    let tx = session.begin(message.org_id).await?;
    match runs::claim(&tx, message.run_id, lease_seconds).await? {
        Claim::NotDue => {
            tracing::info!("nothing to do: the run is held by another worker, or over");
            Ok(None)
        }
        Claim::Exhausted => {
            let run = runs::find(&tx, message.run_id).await?;
            let told = run.and_then(|run| run.error).unwrap_or_default();
            repo_syncs::fail(&tx, message.run_id, &told).await?;
            tx.commit().await?;
            tracing::error!(told, "the run failed");
            startup::count("assay.runs.finished", 1, &[("status", "failed")]);
            Ok(None)
        }
        Claim::Won(lease) if lease.run.kind != RunKind::RepositorySync => {
            // Not committed, so it was never claimed.
            tracing::error!(kind = %lease.run.kind, "a run of another kind came to the wrong queue");
            Ok(None)
        }
        Claim::Won(lease) => {
            let (repository, last) = match lease.run.repository {
                Some(id) => (
                    repositories::find(&tx, id).await?,
                    repo_syncs::find_last_change(&tx, id).await?,
                ),
                None => (None, None),
            };
            tx.commit().await?;
            Ok(Some(Work { lease: *lease, repository, last }))
        }
    }
}

/// What a look at the default branch showed.
struct Look {
    commit: CommitSha,
    branch: String,
    /// None: the branch stands where it stood.
    content: Option<Content>,
}

struct Content {
    manifest: Value,
    hash: String,
    /// What the fetch step leaves for whoever indexes the content.
    fetched: Value,
}

async fn look(deps: &Deps, work: &Work) -> Result<Look, Error> {
    let repository = work.repository.as_ref().ok_or(Error::Incomplete("repository"))?;
    if repository.suspended {
        return Err(Error::Suspended);
    }
    let (url, guard) = (repository.clone_url.clone(), deps.guard.clone());
    let token = deps.token(repository).await?;
    let limits = Limits { time: FETCH_TIME, ..Limits::default() };
    let last = work.last.as_ref().map(|last| last.commit.clone());
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
    let content = match fetched {
        Some(fetched) => Some(keep(deps, work, fetched).await?),
        None => None,
    };
    Ok(Look { commit: branch.head, branch: branch.name, content })
}

/// Puts the content where the index will look for it, and describes it.
async fn keep(deps: &Deps, work: &Work, fetched: Fetched) -> Result<Content, Error> {
    let stored = deps.objects.put_snapshot(work.lease.run.org, &fetched.snapshot).await?;
    let commit_object_sha256 = hex::encode(Sha256::digest(&fetched.commit_object));
    let (manifest, snapshot) =
        blocking(move || (Manifest::of(&fetched.snapshot), fetched.snapshot)).await?;
    let changes: Option<Vec<ChangedFile>> = None;
    Ok(Content {
        hash: manifest.hash(),
        fetched: json!({
            "commit": snapshot.commit,
            "snapshot_key": stored.key,
            "commit_object_sha256": commit_object_sha256,
            "files": manifest.files.len(),
            "bytes": manifest.bytes(),
            "changes": changes,
        }),
        manifest: serde_json::to_value(&manifest).map_err(Error::Manifest)?,
    })
}

/// Writes both steps and the ending. `None`: the lease is lost and nothing was written.
async fn commit(
    session: &mut Session,
    work: &Work,
    look: &Look,
    begun: &Begun,
) -> Result<Option<Vec<Unsent>>, Error> {
    let run = &work.lease.run;
    let repository = work.repository.as_ref().ok_or(Error::Incomplete("repository"))?;
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else { return Ok(None) };

    let unchanged = work.last.as_ref().map(|last| last.hash.as_str());
    let changed = look.content.as_ref().filter(|content| Some(content.hash.as_str()) != unchanged);
    let kept = match changed {
        Some(content) => {
            let new = NewManifest {
                repository: repository.id,
                commit: &look.commit,
                data: &content.manifest,
                hash: &content.hash,
            };
            Some(manifests::keep(&tx, &new, Among::Newest).await?)
        }
        None => None,
    };
    repo_syncs::insert(&tx, &fence, kept.map(|kept| kept.id)).await?;
    runs::name_commit(&tx, &fence, &look.commit).await?;
    for (step, output) in [("fetch", fetch_output(look)), ("manifest", manifest_output(work, kept))]
    {
        let done = Finished {
            step,
            status: StepStatus::Succeeded,
            output: Some(&output),
            error: None,
            started_at: begun.at,
        };
        run_steps::insert(&tx, &fence, &done).await?;
    }
    let mut unsent = Vec::new();
    if kept.is_some() {
        let embed = EmbedRequested { org_id: run.org, run_id: run.id };
        let outgoing = Outgoing {
            org: run.org,
            queue: EmbedRequested::QUEUE.as_str(),
            body: &embed.body(),
            traceparent: run.traceparent.as_deref(),
        };
        unsent.push(outbox::insert(&tx, &outgoing).await?);
    }
    runs::succeed(&tx, &fence, &summary(look, kept)).await?;
    tx.commit().await?;
    let took = begun.instant.elapsed();
    startup::measure("assay.step.duration", took, &[("step", "sync")]);
    tracing::info!(
        changed = kept.is_some(),
        duration_ms = took.as_millis() as u64,
        "repository synced"
    );
    Ok(Some(unsent))
}

fn fetch_output(look: &Look) -> Value {
    match &look.content {
        Some(content) => content.fetched.clone(),
        None => json!({ "commit": look.commit, "snapshot_key": null }),
    }
}

fn manifest_output(work: &Work, kept: Option<Kept>) -> Value {
    match (kept, &work.last) {
        (Some(kept), _) => {
            json!({ "manifest_id": kept.id, "version": kept.version, "changed": true })
        }
        (None, last) => json!({
            "manifest_id": last.as_ref().map(|last| last.manifest),
            "hash": last.as_ref().map(|last| &last.hash),
            "changed": false,
        }),
    }
}

fn summary(look: &Look, kept: Option<Kept>) -> Value {
    let read = look.content.as_ref().map(|content| content.fetched["files"].clone());
    json!({
        "branch": look.branch,
        "commit": look.commit,
        "changed": kept.is_some(),
        "manifest_version": kept.map(|kept| kept.version),
        // How many files were read.
        "processed": read.unwrap_or_else(|| json!(0)),
    })
}

/// Ends the run with a code, or else gives it back. `false`: it is to be tried again.
async fn give_up(
    deps: &Deps,
    work: &Work,
    ending: Option<ErrorCode>,
    told: &str,
) -> Result<bool, Error> {
    let run = &work.lease.run;
    let mut session = deps.session().await?;
    let tx = session.begin(run.org).await?;
    let Some(fence) = runs::fence(&tx, &work.lease).await? else {
        tracing::info!(told, "the sync failed, and another worker does it already");
        return Ok(true);
    };
    let Some(code) = ending else {
        runs::release(&tx, &fence, told).await?;
        tx.commit().await?;
        return Ok(false);
    };
    runs::fail(&tx, &fence, code, told).await?;
    repo_syncs::fail(&tx, run.id, told).await?;
    tx.commit().await?;
    tracing::error!(code = %code, told, "the run failed");
    startup::count("assay.runs.finished", 1, &[("status", "failed")]);
    Ok(true)
}

/// Sends what was committed, and forgets what the queue has confirmed. What does not go stays
/// written down, and the scheduler sends it; so no failure here is the run's.
async fn send(deps: &Deps, session: &mut Session, org: OrgId, unsent: Vec<Unsent>) {
    let mut sent = Vec::new();
    for message in &unsent {
        let Some(queue) = Queue::named(&message.queue) else { continue };
        match deps.sender.send(queue, &message.body, message.traceparent.as_deref()).await {
            Ok(()) => sent.push(message.id),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                queue = message.queue,
                "a message stays in the outbox"
            ),
        }
    }
    if sent.is_empty() {
        return;
    }
    if let Err(error) = forget(session, org, &sent).await {
        let error: &dyn std::error::Error = &error;
        tracing::warn!(error, "messages that were sent stay in the outbox and go twice");
    }
}

async fn forget(session: &mut Session, org: OrgId, sent: &[i64]) -> Result<(), Error> {
    let tx = session.begin(org).await?;
    outbox::delete(&tx, sent).await?;
    Ok(tx.commit().await?)
}

struct Begun {
    at: Timestamp,
    instant: Instant,
}

impl Begun {
    #[expect(clippy::disallowed_methods, reason = "for people: no decision hangs on it")]
    fn now() -> Self {
        Self { at: Timestamp::now(), instant: Instant::now() }
    }
}

/// Runs what would hold up everything else, and turns its panic into an error.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Panicked)
}
