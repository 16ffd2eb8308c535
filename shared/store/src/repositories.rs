//! The `repositories` table, and the project that each repository is kept in.

use domain::{OrgId, ProjectId, RepositoryId};
use jiff::Timestamp;
use tokio_postgres::Row;

use crate::{
    StoreError, Tx,
    page::{Page, follows},
};

const COLUMNS: &str = "r.id, r.org_id, r.project_id, r.provider, r.github_id, r.owner, r.name,
     r.full_name, r.private, r.default_branch, r.clone_url, r.html_url, r.enabled, r.archived_at,
     r.next_sync_at, r.sync_interval_minutes, r.created_at, i.github_installation_id,
     i.suspended_at IS NOT NULL OR i.deleted_at IS NOT NULL AS suspended";

const FROM: &str = "repositories r LEFT JOIN installations i ON i.id = r.installation_id";

#[derive(Debug, Clone)]
pub struct Repository {
    pub id: RepositoryId,
    pub org: OrgId,
    pub project: ProjectId,
    pub provider: String,
    pub github_id: Option<i64>,
    /// GitHub's id of the installation through which it is reached; none when registered by hand.
    pub github_installation: Option<i64>,
    /// The installation is suspended or gone.
    pub suspended: bool,
    pub owner: String,
    pub name: String,
    pub full_name: String,
    pub private: bool,
    pub default_branch: String,
    pub clone_url: String,
    pub html_url: Option<String>,
    pub enabled: bool,
    pub archived_at: Option<Timestamp>,
    pub next_sync_at: Option<Timestamp>,
    pub sync_interval_minutes: i32,
    pub created_at: Timestamp,
}

pub async fn find(tx: &Tx<'_>, id: RepositoryId) -> Result<Option<Repository>, StoreError> {
    let row = tx
        .query_opt(&format!("SELECT {COLUMNS} FROM {FROM} WHERE r.id = $1"), &[id.as_uuid()])
        .await?;
    Ok(row.as_ref().map(Repository::from))
}

impl From<&Row> for Repository {
    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn from(row: &Row) -> Self {
        Self {
            id: RepositoryId::new(row.get("id")),
            org: OrgId::new(row.get("org_id")),
            project: ProjectId::new(row.get("project_id")),
            provider: row.get("provider"),
            github_id: row.get("github_id"),
            github_installation: row.get("github_installation_id"),
            suspended: row.get::<_, Option<bool>>("suspended").unwrap_or(false),
            owner: row.get("owner"),
            name: row.get("name"),
            full_name: row.get("full_name"),
            private: row.get("private"),
            default_branch: row.get("default_branch"),
            clone_url: row.get("clone_url"),
            html_url: row.get("html_url"),
            enabled: row.get("enabled"),
            archived_at: row.get("archived_at"),
            next_sync_at: row.get("next_sync_at"),
            sync_interval_minutes: row.get("sync_interval_minutes"),
            created_at: row.get("created_at"),
        }
    }
}

/// A repository to be registered, and the project that is made for it.
#[derive(Debug, Clone)]
pub struct NewRepository<'a> {
    pub provider: &'a str,
    pub github_id: Option<i64>,
    pub installation: Option<domain::InstallationId>,
    pub owner: &'a str,
    pub name: &'a str,
    pub full_name: &'a str,
    pub private: bool,
    pub default_branch: &'a str,
    pub clone_url: &'a str,
    pub html_url: Option<&'a str>,
}

/// Registers a repository with a project of its own. `None`: it is registered already.
pub async fn insert(
    tx: &Tx<'_>,
    org: OrgId,
    new: &NewRepository<'_>,
) -> Result<Option<RepositoryId>, StoreError> {
    let row = tx
        .query_opt(
            "WITH project AS (
                 INSERT INTO projects (org_id, name, slug, repo_url, mode)
                 VALUES ($1, $2, left(regexp_replace(lower($2), '[^a-z0-9._-]+', '-', 'g'), 120),
                         $3, $4)
                 ON CONFLICT (org_id, slug) DO UPDATE SET updated_at = now()
                 RETURNING id
             )
             INSERT INTO repositories (org_id, project_id, installation_id, provider, github_id,
                                       owner, name, full_name, private, default_branch, clone_url,
                                       html_url, next_sync_at)
             SELECT $1, project.id, $5, $4, $6, $7, $8, $2, $9, $10, $3, $11, now() FROM project
             ON CONFLICT DO NOTHING
             RETURNING id",
            &[
                org.as_uuid(),
                &new.full_name,
                &new.clone_url,
                &new.provider,
                &new.installation.map(|id| *id.as_uuid()),
                &new.github_id,
                &new.owner,
                &new.name,
                &new.private,
                &new.default_branch,
                &new.html_url,
            ],
        )
        .await?;
    Ok(row.map(|row| RepositoryId::new(row.get("id"))))
}

/// Which repositories a reader wants; what is `None` does not narrow.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub enabled: Option<bool>,
}

/// Newest first.
pub async fn list(tx: &Tx<'_>, filter: Filter, page: Page) -> Result<Vec<Repository>, StoreError> {
    let rows = tx
        .query(
            &format!(
                "SELECT {COLUMNS} FROM {FROM}
                 WHERE {}
                   AND ($3::boolean IS NULL OR r.enabled = $3)
                 ORDER BY r.created_at DESC, r.id DESC
                 LIMIT $2",
                follows("repositories", "r")
            ),
            &[&page.after, &page.limit, &filter.enabled],
        )
        .await?;
    Ok(rows.iter().map(Repository::from).collect())
}

/// Settings to be changed; `None` leaves one as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Changes<'a> {
    pub enabled: Option<bool>,
    pub default_branch: Option<&'a str>,
    pub sync_interval_minutes: Option<i32>,
}

/// `false`: there is no such repository.
pub async fn update(
    tx: &Tx<'_>,
    id: RepositoryId,
    changes: &Changes<'_>,
) -> Result<bool, StoreError> {
    let touched = tx
        .execute(
            "UPDATE repositories
             SET enabled = coalesce($2, enabled),
                 default_branch = coalesce($3, default_branch),
                 sync_interval_minutes = coalesce($4, sync_interval_minutes),
                 updated_at = now()
             WHERE id = $1",
            &[
                id.as_uuid(),
                &changes.enabled,
                &changes.default_branch,
                &changes.sync_interval_minutes,
            ],
        )
        .await?;
    Ok(touched == 1)
}

/// Reads a repository and keeps others from asking for its runs until this transaction ends, so
/// that the same request made twice at once becomes one run.
pub async fn find_locked(tx: &Tx<'_>, id: RepositoryId) -> Result<Option<Repository>, StoreError> {
    let row = tx
        .query_opt(
            &format!("SELECT {COLUMNS} FROM {FROM} WHERE r.id = $1 FOR NO KEY UPDATE OF r"),
            &[id.as_uuid()],
        )
        .await?;
    Ok(row.as_ref().map(Repository::from))
}

/// Moves the next sync on by one interval, if it still is the one that was due at `due_at`, and
/// answers the repository's project. `None`: someone else moved it, or nobody wants it any more.
///
/// Slots that were missed are not made up for: one look shows all that happened meanwhile.
pub async fn take_sync_slot(
    tx: &Tx<'_>,
    id: RepositoryId,
    due_at: Timestamp,
) -> Result<Option<ProjectId>, StoreError> {
    let row = tx
        .query_opt(
            "UPDATE repositories
             SET next_sync_at = now() + make_interval(mins => sync_interval_minutes)
             WHERE id = $1 AND next_sync_at = $2 AND enabled AND archived_at IS NULL
             RETURNING project_id",
            &[id.as_uuid(), &due_at],
        )
        .await?;
    Ok(row.map(|row| ProjectId::new(row.get("project_id"))))
}

/// What GitHub reports about a repository that is reached through an installation.
#[derive(Debug, Clone)]
pub struct Reported<'a> {
    pub github_id: i64,
    pub full_name: Option<&'a str>,
    pub private: Option<bool>,
    pub default_branch: Option<&'a str>,
    pub archived: Option<bool>,
}

/// Writes what GitHub reported last; `None` where it did not say. `false`: it is not registered.
pub async fn update_reported(tx: &Tx<'_>, reported: &Reported<'_>) -> Result<bool, StoreError> {
    let touched = tx
        .execute(
            "UPDATE repositories
             SET owner = coalesce(split_part($2, '/', 1), owner),
                 name = coalesce(split_part($2, '/', 2), name),
                 full_name = coalesce($2, full_name),
                 private = coalesce($3, private),
                 default_branch = coalesce($4, default_branch),
                 archived_at = CASE WHEN coalesce($5, archived_at IS NOT NULL)
                                    THEN coalesce(archived_at, now()) END,
                 updated_at = now()
             WHERE github_id = $1",
            &[
                &reported.github_id,
                &reported.full_name,
                &reported.private,
                &reported.default_branch,
                &reported.archived,
            ],
        )
        .await?;
    Ok(touched > 0)
}

/// Connects a repository that was registered by hand, or had left, with its installation.
pub async fn connect(
    tx: &Tx<'_>,
    github_id: i64,
    installation: domain::InstallationId,
) -> Result<bool, StoreError> {
    let touched = tx
        .execute(
            "UPDATE repositories SET installation_id = $2, enabled = true, updated_at = now()
             WHERE github_id = $1",
            &[&github_id, installation.as_uuid()],
        )
        .await?;
    Ok(touched > 0)
}

/// Stops watching a repository that the installation no longer covers.
pub async fn disable(tx: &Tx<'_>, github_id: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE repositories SET enabled = false, updated_at = now() WHERE github_id = $1",
        &[&github_id],
    )
    .await?;
    Ok(())
}
