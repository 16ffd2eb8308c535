//! The `projects` table: what repositories, files and artifacts are kept in.

use domain::ProjectId;
use tokio_postgres::Row;

use crate::{StoreError, Tx};

#[derive(Debug, Clone)]
pub struct Project {
    pub id: ProjectId,
    pub slug: String,
    pub name: String,
}

pub async fn find(tx: &Tx<'_>, id: ProjectId) -> Result<Option<Project>, StoreError> {
    let row =
        tx.query_opt("SELECT id, slug, name FROM projects WHERE id = $1", &[id.as_uuid()]).await?;
    Ok(row.as_ref().map(Project::from))
}

impl From<&Row> for Project {
    // `get` panics on a missing column or a wrong SQL type: both are bugs in this file.
    fn from(row: &Row) -> Self {
        Self { id: ProjectId::new(row.get("id")), slug: row.get("slug"), name: row.get("name") }
    }
}
