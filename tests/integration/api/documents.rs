//! Documents of an organisation, as its runs write them.

use domain::{Citation, CitationSource, Content, OrgId, ProjectId, RepositoryId, RunId};
use serde_json::json;
use store::artifacts::{self, NewArtifact, WriteError, Written};
use tests::TestDatabase;
use uuid::Uuid;

use super::world::World;

/// A version as a run writes it; the tests change what they are about.
pub(crate) fn document(project: ProjectId, kind: &str, key: &str, content: Content) -> NewArtifact {
    NewArtifact {
        project,
        run: None,
        kind: kind.parse().unwrap(),
        key: key.parse().unwrap(),
        content,
        citations: Vec::new(),
    }
}

pub(crate) async fn write(
    database: &TestDatabase,
    org: OrgId,
    new: &NewArtifact,
) -> Result<Written, WriteError> {
    let mut session = database.functions().session().await.unwrap();
    let tx = session.begin(org).await.unwrap();
    let written = artifacts::write(&tx, new).await?;
    tx.commit().await.unwrap();
    Ok(written)
}

pub(crate) async fn project_of(database: &TestDatabase, repository: RepositoryId) -> ProjectId {
    let row = database
        .sql()
        .await
        .query_one("SELECT project_id FROM repositories WHERE id = $1", &[repository.as_uuid()])
        .await
        .unwrap();
    ProjectId::new(row.get(0))
}

pub(crate) fn cites(number: u32, source: CitationSource, reference: impl ToString) -> Citation {
    Citation { number, source, reference: reference.to_string(), payload: json!({}) }
}

impl World {
    /// The project of a repository, with a report of the run that cites the finding.
    pub(super) async fn report(
        &self,
        org: OrgId,
        repository: RepositoryId,
        run: Uuid,
        finding: Uuid,
    ) -> (ProjectId, Uuid) {
        let project = project_of(&self.database, repository).await;
        let text = "# Report\n\nIt builds code from input [[1]](citation:1).\n";
        let new = NewArtifact {
            run: Some(RunId::new(run)),
            citations: vec![cites(1, CitationSource::Finding, finding)],
            ..document(project, "SCAN_REPORT", &format!("run:{run}"), Content::markdown(text))
        };
        (project, *write(&self.database, org, &new).await.unwrap().id.as_uuid())
    }
}
