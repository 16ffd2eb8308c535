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
    event::{
        Account, Installation, InstallationChange, RepositoriesChange, RepositoryChange,
        RepositoryName,
    },
    github::{Delivery, Outcome},
};

/// Installed, removed, suspended, or given other permissions.
pub(crate) async fn changed(
    session: &mut Session,
    delivery: &Delivery,
    change: &InstallationChange,
) -> Result<Outcome, StoreError> {
    let Some(account) = &change.installation.account else { return Ok(nobody()) };
    let unscoped = session.begin_unscoped().await?;
    if change.deleted {
        let Some(known) = unscoped.locate_installation(change.installation.id).await? else {
            return Ok(unknown(change.installation.id));
        };
        let tx = unscoped.scope(known.org).await?;
        installations::delete(&tx, known.installation).await?;
        return finish(tx, known.org, delivery).await;
    }
    let (tx, org) = tenant(unscoped, &change.installation, account).await?;
    let id = upsert(&tx, org, &change.installation, account, change.suspended).await?;
    for repository in &change.repositories {
        add(&tx, org, id, repository).await?;
    }
    finish(tx, org, delivery).await
}

/// Repositories were given to the installation, or taken from it.
pub(crate) async fn repositories_changed(
    session: &mut Session,
    delivery: &Delivery,
    change: &RepositoriesChange,
) -> Result<Outcome, StoreError> {
    let Some(account) = &change.installation.account else { return Ok(nobody()) };
    let unscoped = session.begin_unscoped().await?;
    let (tx, org) = tenant(unscoped, &change.installation, account).await?;
    let id = upsert(&tx, org, &change.installation, account, false).await?;
    for repository in &change.added {
        add(&tx, org, id, repository).await?;
    }
    for repository in &change.removed {
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
        let reason = format!("{} is not registered", reported.full_name);
        return Ok(Outcome::Ignored { reason });
    };
    let tx = unscoped.scope(located.org).await?;
    if change.deleted {
        repositories::disable(&tx, reported.id).await?;
    } else {
        let now = repositories::Reported {
            github_id: reported.id,
            full_name: &reported.full_name,
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
    account: &Account,
) -> Result<(Tx<'a>, OrgId), StoreError> {
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
    account: &Account,
    suspended: bool,
) -> Result<InstallationId, StoreError> {
    let reported = Reported {
        github_installation: installation.id,
        account_type: &account.kind,
        account_login: &account.login,
        permissions: &installation.permissions,
        events: &installation.events,
        suspended,
    };
    installations::upsert(tx, org, &reported).await
}

async fn add(
    tx: &Tx<'_>,
    org: OrgId,
    installation: InstallationId,
    repository: &RepositoryName,
) -> Result<(), StoreError> {
    if repositories::connect(tx, repository.id, installation).await? {
        return Ok(());
    }
    let (owner, name) = repository.full_name.split_once('/').unwrap_or(("", &repository.full_name));
    let clone_url = format!("https://github.com/{}.git", repository.full_name);
    let new = NewRepository {
        provider: "github",
        github_id: Some(repository.id),
        installation: Some(installation),
        owner,
        name,
        full_name: &repository.full_name,
        private: repository.private,
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

fn nobody() -> Outcome {
    Outcome::Ignored { reason: "the installation names no account".to_owned() }
}

fn unknown(installation: i64) -> Outcome {
    Outcome::Ignored { reason: format!("installation {installation} is not known") }
}
