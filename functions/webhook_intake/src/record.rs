//! Writing an event down: one transaction, one commit, and then the queue.

use domain::{CommitSha, OrgId, RunId, RunKind, kinds::analysis};
use faults::Mutation;
use queue::{Message, RunRequested};
use serde_json::json;
use store::{
    Session, StoreError, Tx,
    deliveries::{self, NewDelivery},
    outbox::{self, Outgoing, Unsent},
    repositories::{self, Repository},
    runs::{self, Inserted, NewRun},
};
use uuid::Uuid;

use crate::{
    Deps, Failure,
    event::{Event, GithubEvent, PullRequest, Push},
    github::{Delivery, Outcome},
};

mod installation;

const SOURCE: &str = "github";

/// Does what a verified event asks for.
pub(crate) async fn record(
    deps: &Deps,
    delivery: &Delivery,
    event: GithubEvent,
) -> Result<Outcome, Failure> {
    let GithubEvent { installation, repository, event } = event;
    let examine = match event {
        Event::Ignored { reason } => return Ok(Outcome::Ignored { reason }),
        Event::PullRequest(pull_request) => Examine::pull_request(pull_request),
        Event::Push(push) => Examine::push(push),
        Event::Installation(installation) => {
            let mut session = deps.database().await?.session().await?;
            return Ok(installation::changed(&mut session, delivery, &installation).await?);
        }
        Event::InstallationRepositories { installation, added, removed } => {
            let mut session = deps.database().await?.session().await?;
            let moved = installation::Moved { installation: &installation, added, removed };
            return Ok(installation::repositories_changed(&mut session, delivery, &moved).await?);
        }
        Event::Repository { deleted } => {
            let Some(repository) = repository else { return Ok(about_nothing()) };
            let mut session = deps.database().await?.session().await?;
            let change = installation::RepositoryChange { repository, installation, deleted };
            return Ok(installation::repository_changed(&mut session, delivery, &change).await?);
        }
    };
    let Some(repository) = repository else { return Ok(about_nothing()) };
    let mut session = deps.database().await?.session().await?;
    let about = About { github_id: repository.id, installation };
    let (outcome, unsent) = request_run(deps, &mut session, delivery, &about, &examine).await?;
    if let Some(unsent) = unsent {
        send(deps, &unsent).await;
    }
    Ok(outcome)
}

/// Which repository an event is about, in GitHub's numbers.
struct About {
    github_id: i64,
    installation: Option<i64>,
}

/// A commit that wants to be examined.
struct Examine {
    event: &'static str,
    git_ref: String,
    commit: CommitSha,
    base: Option<CommitSha>,
    pull_request: Option<i32>,
    title: Option<String>,
}

impl Examine {
    fn pull_request(pull_request: PullRequest) -> Self {
        Self {
            event: "pull_request",
            git_ref: format!("refs/pull/{}/head", pull_request.number),
            commit: pull_request.head,
            base: Some(pull_request.base),
            pull_request: Some(pull_request.number),
            title: pull_request.title,
        }
    }

    /// A branch is examined as a whole: what was there before the push counts too.
    fn push(push: Push) -> Self {
        Self {
            event: "push",
            git_ref: push.git_ref,
            commit: push.after,
            base: None,
            pull_request: None,
            title: None,
        }
    }

    /// The branch that was pushed to; none for a pull request.
    fn branch(&self) -> Option<&str> {
        self.git_ref.strip_prefix("refs/heads/").filter(|_| self.pull_request.is_none())
    }
}

fn about_nothing() -> Outcome {
    Outcome::Ignored { reason: "the payload names no repository".to_owned() }
}

/// Delivery, run and outbox row in one transaction.
async fn request_run(
    deps: &Deps,
    session: &mut Session,
    delivery: &Delivery,
    about: &About,
    examine: &Examine,
) -> Result<(Outcome, Option<Unsent>), StoreError> {
    let unscoped = session.begin_unscoped().await?;
    let located = unscoped.locate_repository(about.github_id, about.installation).await?;
    let Some(located) = located else {
        let reason = format!("repository {} is not registered", about.github_id);
        return Ok((Outcome::Ignored { reason }, None));
    };
    let confirmed = take_confirmed(deps);
    if !confirmed.is_empty() {
        unscoped.settle_outbox(&confirmed).await?;
    }
    let tx = unscoped.scope(located.org).await?;
    let repository = repositories::find_locked(&tx, located.repository)
        .await?
        .ok_or(StoreError::ChangedMeanwhile)?;
    // Under the lock: the same delivery, arriving twice at once, is seen by the second.
    if let Some(known) = deliveries::find(&tx, SOURCE, &delivery.id).await? {
        return Ok((deduplicated(known), None));
    }
    let written = match reason_to_ignore(&repository, examine) {
        Some(reason) => {
            insert_delivery(&tx, delivery, &repository, None, Some(&reason)).await?;
            (Outcome::Ignored { reason }, None)
        }
        None => insert_run(&tx, delivery, &repository, examine).await?,
    };
    faults::point("intake.before_commit");
    tx.commit().await?;
    faults::point("intake.after_commit");
    Ok(written)
}

fn reason_to_ignore(repository: &Repository, examine: &Examine) -> Option<String> {
    let name = &repository.full_name;
    if repository.suspended {
        return Some(format!("the installation of {name} is suspended or was removed"));
    }
    if !repository.enabled {
        return Some(format!("{name} is disabled"));
    }
    if repository.archived_at.is_some() {
        return Some(format!("{name} is archived"));
    }
    match examine.branch() {
        Some(branch) if branch != repository.default_branch => {
            Some(format!("{branch} is not the default branch of {name}"))
        }
        _ => None,
    }
}

async fn insert_run(
    tx: &Tx<'_>,
    delivery: &Delivery,
    repository: &Repository,
    examine: &Examine,
) -> Result<(Outcome, Option<Unsent>), StoreError> {
    let recent =
        runs::find_recent_for_commit(tx, repository.id, &examine.commit, examine.pull_request)
            .await?;
    if let Some(run) = recent {
        insert_delivery(tx, delivery, repository, Some(run), None).await?;
        return Ok((Outcome::Deduplicated { run: Some(run) }, None));
    }
    if let Some(number) = examine.pull_request {
        runs::supersede(tx, repository.id, number, &examine.commit).await?;
    }
    let new = new_run(delivery, repository, examine);
    let run = match runs::insert(tx, &new).await? {
        Inserted::New(run) => run,
        Inserted::Existing(run) => return Ok((Outcome::Deduplicated { run: Some(run) }, None)),
    };
    let body = RunRequested { org_id: repository.org, run_id: run }.body();
    let message = Outgoing {
        org: repository.org,
        queue: RunRequested::QUEUE.as_str(),
        body: &body,
        traceparent: Some(delivery.traceparent.as_str()),
    };
    // Polled together, they are one round trip.
    let ((), unsent) = tokio::try_join!(
        insert_delivery(tx, delivery, repository, Some(run), None),
        outbox::insert(tx, &message),
    )?;
    Ok((Outcome::Accepted { run: Some(run) }, Some(unsent)))
}

fn new_run(delivery: &Delivery, repository: &Repository, examine: &Examine) -> NewRun {
    let input = analysis::Input { base_sha: examine.base.clone(), pr_title: examine.title.clone() };
    NewRun {
        id: RunId::new(Uuid::now_v7()),
        org: repository.org,
        project: Some(repository.project),
        repository: Some(repository.id),
        kind: RunKind::Analysis,
        idempotency_key: format!("{SOURCE}:{}", delivery.id),
        event_type: examine.event.to_owned(),
        git_ref: Some(examine.git_ref.clone()),
        commit: Some(examine.commit.clone()),
        pull_request: examine.pull_request,
        input: json!(input),
        traceparent: Some(delivery.traceparent.to_string()),
        parent: None,
        schedule: None,
    }
}

async fn insert_delivery(
    tx: &Tx<'_>,
    delivery: &Delivery,
    repository: &Repository,
    run: Option<RunId>,
    ignored_reason: Option<&str>,
) -> Result<(), StoreError> {
    let new = NewDelivery {
        repo_owner: Some(&repository.owner),
        repo_name: Some(&repository.name),
        run,
        ignored_reason,
        ..blank(repository.org, delivery)
    };
    if deliveries::insert(tx, &new).await? { Ok(()) } else { Err(StoreError::ChangedMeanwhile) }
}

fn blank(org: OrgId, delivery: &Delivery) -> NewDelivery<'_> {
    NewDelivery {
        org,
        source: SOURCE,
        id: &delivery.id,
        event: &delivery.event,
        repo_owner: None,
        repo_name: None,
        run: None,
        ignored_reason: None,
    }
}

fn deduplicated(known: deliveries::Delivery) -> Outcome {
    match known.ignored_reason {
        Some(reason) => Outcome::Ignored { reason },
        None => Outcome::Deduplicated { run: known.run },
    }
}

/// Sends what is committed. Failing is no failure of the webhook: the row stays, and the
/// scheduler sends what is left.
async fn send(deps: &Deps, unsent: &Unsent) {
    let sent =
        deps.sender.send(RunRequested::QUEUE, &unsent.body, unsent.traceparent.as_deref()).await;
    faults::point("intake.after_send");
    match sent {
        Err(error) if !faults::mutated(Mutation::ForgetUnsent) => {
            let chain: &dyn std::error::Error = &error;
            tracing::warn!(error = chain, "left in the outbox");
            startup::count("assay.outbox.left", 1, &[("queue", "runs")]);
        }
        Ok(()) | Err(_) => {
            if let Ok(mut confirmed) = deps.confirmed.lock() {
                confirmed.push(unsent.id);
            }
        }
    }
}

fn take_confirmed(deps: &Deps) -> Vec<i64> {
    deps.confirmed.lock().map(|mut confirmed| std::mem::take(&mut *confirmed)).unwrap_or_default()
}
