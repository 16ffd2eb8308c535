//! Keeping organisations, installations and repositories as GitHub reports them.

use domain::{InstallationId, OrgId};
use store::{
    Session, StoreError, Tx, Unscoped, deliveries,
    installations::{self, Reported},
    organizations::{self, NewOrganization},
    repositories::{self, NewRepository},
};
use uuid::Uuid;

use super::blank;
use crate::{
    event::{Account, Installation, InstallationState, Repository},
    github::{Delivery, Outcome},
};

/// Repositories that were given to an installation, or taken from it.
pub(crate) struct Moved<'a> {
    pub(crate) installation: &'a Installation,
    pub(crate) added: Vec<Repository>,
    pub(crate) removed: Vec<Repository>,
}

/// What GitHub now says about a repository.
pub(crate) struct RepositoryChange {
    pub(crate) repository: Repository,
    pub(crate) installation: Option<i64>,
    pub(crate) deleted: bool,
}

/// Installed, removed, suspended, or given other permissions.
pub(crate) async fn changed(
    session: &mut Session,
    delivery: &Delivery,
    installation: &Installation,
) -> Result<Outcome, StoreError> {
    let unscoped = session.begin_unscoped().await?;
    if installation.state == InstallationState::Deleted {
        let Some(known) = unscoped.locate_installation(installation.id).await? else {
            return Ok(unknown(installation.id));
        };
        let tx = unscoped.scope(known.org).await?;
        installations::delete(&tx, known.installation).await?;
        return finish(tx, known.org, delivery).await;
    }
    let (tx, org) = tenant(unscoped, installation).await?;
    let id = upsert(&tx, org, installation).await?;
    for repository in &installation.repositories {
        add(&tx, org, id, repository).await?;
    }
    finish(tx, org, delivery).await
}

pub(crate) async fn repositories_changed(
    session: &mut Session,
    delivery: &Delivery,
    moved: &Moved<'_>,
) -> Result<Outcome, StoreError> {
    let unscoped = session.begin_unscoped().await?;
    let (tx, org) = tenant(unscoped, moved.installation).await?;
    let id = upsert(&tx, org, moved.installation).await?;
    for repository in &moved.added {
        add(&tx, org, id, repository).await?;
    }
    for repository in &moved.removed {
        repositories::disable(&tx, repository.id).await?;
    }
    finish(tx, org, delivery).await
}

/// Renamed, archived, made private, moved to another default branch, or deleted.
pub(crate) async fn repository_changed(
    session: &mut Session,
    delivery: &Delivery,
    change: &RepositoryChange,
) -> Result<Outcome, StoreError> {
    let reported = &change.repository;
    let unscoped = session.begin_unscoped().await?;
    let located = unscoped.locate_repository(reported.id, change.installation).await?;
    let Some(located) = located else {
        let reason = format!("repository {} is not registered", reported.id);
        return Ok(Outcome::Ignored { reason });
    };
    let tx = unscoped.scope(located.org).await?;
    if change.deleted {
        repositories::disable(&tx, reported.id).await?;
    } else {
        let now = repositories::Reported {
            github_id: reported.id,
            full_name: reported.full_name.as_deref(),
            private: reported.private,
            default_branch: reported.default_branch.as_deref(),
            archived: reported.archived,
        };
        repositories::update_reported(&tx, &now).await?;
    }
    finish(tx, located.org, delivery).await
}

/// The tenant that the installation's account is, made now if it is new.
async fn tenant<'a>(
    unscoped: Unscoped<'a>,
    installation: &Installation,
) -> Result<(Tx<'a>, OrgId), StoreError> {
    let account: &Account = &installation.account;
    if let Some(known) = unscoped.locate_installation(installation.id).await? {
        return Ok((unscoped.scope(known.org).await?, known.org));
    }
    if let Some(org) = unscoped.locate_organization(account.id).await? {
        return Ok((unscoped.scope(org).await?, org));
    }
    let org = OrgId::new(Uuid::now_v7());
    let tx = unscoped.scope(org).await?;
    let new = NewOrganization {
        id: org,
        github_id: Some(account.id),
        login: &account.login,
        name: &account.login,
        avatar_url: account.avatar_url.as_deref(),
    };
    if !organizations::insert(&tx, &new).await? {
        // The handle belongs to an organisation that was made by hand. GitHub's account is not
        // given its data: the new tenant gets a handle that cannot be anyone else's.
        let login = format!("{}-{}", account.login, account.id);
        let new = NewOrganization { login: &login, ..new };
        if !organizations::insert(&tx, &new).await? {
            return Err(StoreError::ChangedMeanwhile);
        }
    }
    Ok((tx, org))
}

async fn upsert(
    tx: &Tx<'_>,
    org: OrgId,
    installation: &Installation,
) -> Result<InstallationId, StoreError> {
    let reported = Reported {
        github_installation: installation.id,
        account_type: installation.account.kind.as_deref().unwrap_or("User"),
        account_login: &installation.account.login,
        permissions: &installation.permissions,
        events: &installation.events,
        suspended: installation.state == InstallationState::Suspended,
    };
    installations::upsert(tx, org, &reported).await
}

async fn add(
    tx: &Tx<'_>,
    org: OrgId,
    installation: InstallationId,
    repository: &Repository,
) -> Result<(), StoreError> {
    let Some(full_name) = repository.full_name.as_deref() else { return Ok(()) };
    if repositories::connect(tx, repository.id, installation).await? {
        return Ok(());
    }
    let (owner, name) = full_name.split_once('/').unwrap_or(("", full_name));
    let clone_url = format!("https://github.com/{full_name}.git");
    let new = NewRepository {
        provider: "github",
        github_id: Some(repository.id),
        installation: Some(installation),
        owner,
        name,
        full_name,
        private: repository.private.unwrap_or(true),
        // Installation events do not say; the first sync or repository event corrects it.
        default_branch: "main",
        clone_url: &clone_url,
        html_url: None,
    };
    repositories::insert(tx, org, &new).await?;
    Ok(())
}

async fn finish(tx: Tx<'_>, org: OrgId, delivery: &Delivery) -> Result<Outcome, StoreError> {
    if !deliveries::insert(&tx, &blank(org, delivery)).await? {
        // Seen before; what it said is written already, and maybe something newer since.
        return Ok(Outcome::Deduplicated { run: None });
    }
    tx.commit().await?;
    Ok(Outcome::Accepted { run: None })
}

fn unknown(installation: i64) -> Outcome {
    Outcome::Ignored { reason: format!("installation {installation} is not known") }
}
