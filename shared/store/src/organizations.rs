//! The `organizations` table: the tenants.

use domain::OrgId;

use crate::{StoreError, Tx};

#[derive(Debug, Clone)]
pub struct NewOrganization<'a> {
    pub id: OrgId,
    pub github_id: Option<i64>,
    pub login: &'a str,
    pub name: &'a str,
    pub avatar_url: Option<&'a str>,
}

/// Creates the tenant of this transaction. `false`: the login or GitHub account is taken.
pub async fn insert(tx: &Tx<'_>, new: &NewOrganization<'_>) -> Result<bool, StoreError> {
    let created = tx
        .execute(
            "INSERT INTO organizations (id, github_id, login, name, avatar_url)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[new.id.as_uuid(), &new.github_id, &new.login, &new.name, &new.avatar_url],
        )
        .await?;
    Ok(created == 1)
}

/// Finds a tenant by its handle. Only the owner of the tables may look over the wall so.
pub async fn find_by_login(tx: &Tx<'_>, login: &str) -> Result<Option<OrgId>, StoreError> {
    let row = tx.query_opt("SELECT id FROM organizations WHERE login = $1", &[&login]).await?;
    Ok(row.map(|row| OrgId::new(row.get("id"))))
}
