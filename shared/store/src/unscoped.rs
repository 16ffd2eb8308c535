//! What may be asked before the tenant is known.

use domain::{ApiKeyId, InstallationId, OrgId, RepositoryId, RunId, RunKind, Scope};

use crate::{
    StoreError, Unscoped,
    file_results::UNUSED_DAYS_MAX,
    outbox::Unsent,
    rows::{corrupt, parse},
};

/// Whose key it is, and whether it still opens anything.
#[derive(Debug, Clone)]
pub struct LocatedKey {
    pub id: ApiKeyId,
    pub org: OrgId,
    pub scopes: Vec<Scope>,
    pub expired: bool,
    pub revoked: bool,
}

#[derive(Debug, Clone, Copy)]
pub struct LocatedRepository {
    pub org: OrgId,
    pub repository: RepositoryId,
}

#[derive(Debug, Clone, Copy)]
pub struct LocatedInstallation {
    pub org: OrgId,
    pub installation: InstallationId,
    pub suspended: bool,
}

#[derive(Debug, Clone)]
pub struct RunToWake {
    pub org: OrgId,
    pub run: RunId,
    pub kind: RunKind,
    pub traceparent: Option<String>,
}

#[derive(Debug, Clone, Copy)]
pub struct DueSync {
    pub org: OrgId,
    pub repository: RepositoryId,
    /// The slot that came due: together with the repository it names the run.
    pub due_at: jiff::Timestamp,
}

impl Unscoped<'_> {
    pub async fn locate_api_key(&self, hash: &str) -> Result<Option<LocatedKey>, StoreError> {
        let rows = self.query("SELECT * FROM locate_api_key($1)", &[&hash]).await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let scopes: Vec<&str> = row.get("scopes");
        let scopes = scopes
            .into_iter()
            .map(|word| word.parse().map_err(corrupt("api_keys", "scopes")))
            .collect::<Result<_, _>>()?;
        Ok(Some(LocatedKey {
            id: ApiKeyId::new(row.get("api_key_id")),
            org: OrgId::new(row.get("org_id")),
            scopes,
            expired: row.get("expired"),
            revoked: row.get("revoked"),
        }))
    }

    /// Whose repository a verified GitHub webhook is about.
    pub async fn locate_repository(
        &self,
        github_repository: i64,
        github_installation: Option<i64>,
    ) -> Result<Option<LocatedRepository>, StoreError> {
        let rows = self
            .query(
                "SELECT * FROM locate_repository($1, $2)",
                &[&github_repository, &github_installation],
            )
            .await?;
        Ok(rows.first().map(|row| LocatedRepository {
            org: OrgId::new(row.get("org_id")),
            repository: RepositoryId::new(row.get("repository_id")),
        }))
    }

    pub async fn locate_installation(
        &self,
        github_installation: i64,
    ) -> Result<Option<LocatedInstallation>, StoreError> {
        let rows =
            self.query("SELECT * FROM locate_installation($1)", &[&github_installation]).await?;
        Ok(rows.first().map(|row| LocatedInstallation {
            org: OrgId::new(row.get("org_id")),
            installation: InstallationId::new(row.get("installation_id")),
            suspended: row.get("suspended"),
        }))
    }

    pub async fn locate_organization(
        &self,
        github_account: i64,
    ) -> Result<Option<OrgId>, StoreError> {
        let rows =
            self.query("SELECT locate_organization($1) AS org_id", &[&github_account]).await?;
        Ok(rows.first().and_then(|row| row.get::<_, Option<_>>("org_id")).map(OrgId::new))
    }

    /// Whose badge a token opens.
    pub async fn locate_badge(&self, token: &str) -> Result<Option<OrgId>, StoreError> {
        let rows = self.query("SELECT org_id FROM locate_badge($1)", &[&token]).await?;
        Ok(rows.first().map(|row| OrgId::new(row.get("org_id"))))
    }

    /// Takes messages whose sender did not finish, of every tenant, oldest first.
    pub async fn take_due_outbox(&self, at_most: i32) -> Result<Vec<Unsent>, StoreError> {
        let rows = self.query("SELECT * FROM take_due_outbox($1)", &[&at_most]).await?;
        Ok(rows.iter().map(Unsent::from).collect())
    }

    /// Forgets messages that the queue has confirmed.
    pub async fn settle_outbox(&self, sent: &[i64]) -> Result<(), StoreError> {
        self.query("SELECT settle_outbox($1)", &[&sent]).await?;
        Ok(())
    }

    pub async fn runs_to_wake(&self, at_most: i32) -> Result<Vec<RunToWake>, StoreError> {
        let rows = self.query("SELECT * FROM runs_to_wake($1)", &[&at_most]).await?;
        rows.iter()
            .map(|row| {
                Ok(RunToWake {
                    org: OrgId::new(row.get("org_id")),
                    run: RunId::new(row.get("run_id")),
                    kind: parse(row, "runs", "kind")?,
                    traceparent: row.get("traceparent"),
                })
            })
            .collect()
    }

    /// Forgets results of files that no analysis has asked for in a long time.
    pub async fn forget_file_results(&self, at_most: i32) -> Result<u64, StoreError> {
        let rows = self
            .query(
                "SELECT forget_file_results(current_date - $1::integer, $2) AS gone",
                &[&UNUSED_DAYS_MAX, &at_most],
            )
            .await?;
        let gone = rows.first().map(|row| row.get::<_, i64>("gone")).unwrap_or_default();
        u64::try_from(gone).map_err(corrupt("file_results", "count"))
    }

    pub async fn due_repository_syncs(&self, at_most: i32) -> Result<Vec<DueSync>, StoreError> {
        let rows = self.query("SELECT * FROM due_repository_syncs($1)", &[&at_most]).await?;
        Ok(rows
            .iter()
            .map(|row| DueSync {
                org: OrgId::new(row.get("org_id")),
                repository: RepositoryId::new(row.get("repository_id")),
                due_at: row.get("due_at"),
            })
            .collect())
    }
}
