//! A shop of four languages, an index of it, and what asks it.

use std::time::{Duration, Instant};

use chunking::search_query;
use domain::{CommitSha, OrgId, RepositoryId, RunId, RunKind, Snapshot, SourceFile};
use embedder::{Deps, handle};
use objects::Objects;
use queue::EmbedRequested;
use store::{
    runs::{self, NewRun},
    search::{self, Hit},
};
use tempfile::TempDir;
use tests::TestDatabase;
use uuid::Uuid;

pub(super) const LEASES: &str = r#"
class LeaseExpired(Exception):
    """Another worker has taken the job meanwhile.

    Whatever this worker still wants to write must not be written any more.
    """


def claim_job(connection, worker, seconds):
    """Takes a queued job and writes down until when it is ours."""
    row = connection.execute("UPDATE jobs SET worker = ? WHERE status = 'queued'", worker)
    return Lease(row.id, expires=now() + seconds)


def renew_lease(connection, lease, seconds):
    """Keeps a claimed job for longer; raises LeaseExpired if it was lost."""
    if connection.execute("SELECT worker FROM jobs WHERE id = ?", lease.id) != lease.worker:
        raise LeaseExpired(lease.id)
    lease.expires = now() + seconds
"#;

pub(super) const CART: &str = r"
export interface CartLine { product: string; quantity: number; unitPrice: number }

export class ShoppingCart {
  private lines: CartLine[] = [];

  addProduct(product: string, unitPrice: number, quantity = 1): void {
    const known = this.lines.find((line) => line.product === product);
    if (known) known.quantity += quantity;
    else this.lines.push({ product, unitPrice, quantity });
  }

  totalWithVat(vatPercent: number): number {
    const net = this.lines.reduce((sum, line) => sum + line.quantity * line.unitPrice, 0);
    return Math.round(net * (100 + vatPercent)) / 100;
  }
}
";

const UPLOADS: &str = r#"
package uploads

// SaveAvatar stores the picture that a user uploaded, after checking its size.
func SaveAvatar(user string, picture []byte) error {
	if len(picture) > maxPictureBytes {
		return ErrTooLarge
	}
	return os.WriteFile(filepath.Join(root, user+".png"), picture, 0o600)
}

// HashPassword derives a slow hash, so that a stolen table is of little use.
func HashPassword(password []byte) (string, error) {
	hash, err := argon2id.CreateHash(string(password), argon2id.DefaultParams)
	return hash, err
}
"#;

pub(super) const README: &str = "# Shop\n\nA small shop for trying things out.\n\n## Deployment\n\nPush a tag; the \
    pipeline builds an image and rolls it out to the staging cluster. Production follows after \
    somebody has approved it in the release channel.\n";

pub(super) fn shop() -> Vec<(&'static str, &'static str)> {
    vec![
        ("README.md", README),
        ("jobs/leases.py", LEASES),
        ("logo.png", "\0\u{1}\u{2}"),
        ("server/uploads.go", UPLOADS),
        ("web/cart.ts", CART),
    ]
}

pub(super) fn url_of(folder: &TempDir) -> String {
    format!("file://{}", folder.path().display())
}

pub(super) struct World {
    pub(super) database: TestDatabase,
    pub(super) deps: Deps,
    pub(super) objects: Objects,
    pub(super) folder: TempDir,
}

impl World {
    pub(super) async fn create() -> Self {
        let database = TestDatabase::create().await;
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&url_of(&folder)).unwrap();
        let deps = Deps::of(database.functions(), objects.clone());
        Self { database, deps, objects, folder }
    }

    pub(super) fn objects_url(&self) -> String {
        url_of(&self.folder)
    }

    pub(super) async fn repository(&self, login: &str, number: i64) -> (OrgId, RepositoryId) {
        let org = self.database.organization(login).await;
        let url = format!("https://example.com/{number}.git");
        (org, self.database.repository(org, number, &url).await)
    }

    /// A run whose snapshot has been fetched, and the message that announces it.
    pub(super) async fn run(
        &self,
        (org, repository): (OrgId, RepositoryId),
        commit: char,
        files: &[(&str, &str)],
    ) -> EmbedRequested {
        let commit: CommitSha = commit.to_string().repeat(40).parse().unwrap();
        let files = files
            .iter()
            .map(|(path, text)| SourceFile { path: (*path).into(), bytes: (*text).into() })
            .collect();
        let snapshot = Snapshot { commit: commit.clone(), files, left_out: vec![] };
        self.objects.put_snapshot(org, &snapshot).await.unwrap();

        let run = RunId::new(Uuid::now_v7());
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        let new = NewRun {
            id: run,
            org,
            project: None,
            repository: Some(repository),
            kind: RunKind::Analysis,
            idempotency_key: run.to_string(),
            event_type: "push".into(),
            git_ref: None,
            commit: Some(commit),
            pull_request: None,
            input: serde_json::json!({}),
            traceparent: None,
            parent: None,
            schedule: None,
        };
        runs::insert(&tx, &new).await.unwrap();
        tx.commit().await.unwrap();
        EmbedRequested { org_id: org, run_id: run }
    }

    pub(super) async fn index(&self, message: EmbedRequested) {
        handle(&self.deps, message, Instant::now() + Duration::from_secs(60)).await.unwrap();
    }

    pub(super) async fn search(
        &self,
        org: OrgId,
        repository: Option<RepositoryId>,
        question: &str,
    ) -> Vec<Hit> {
        let mut session = self.database.functions().session().await.unwrap();
        let tx = session.begin(org).await.unwrap();
        search::search(&tx, &search_query(question), repository, 10).await.unwrap()
    }

    /// Every row of the index with the transaction that wrote it last.
    pub(super) async fn rows(&self, org: OrgId) -> Vec<String> {
        let rows = self
            .database
            .sql()
            .await
            .query(
                "SELECT 'chunk ' || id || ' ' || xmin FROM chunks WHERE org_id = $1
                 UNION ALL SELECT 'source ' || id || ' ' || xmin FROM sources WHERE org_id = $1
                 UNION ALL SELECT 'term ' || corpus_id || dimension || ' ' || xmin
                           FROM term_statistics WHERE org_id = $1
                 UNION ALL SELECT 'embedding ' || chunk_id || ' ' || status || ' ' || xmin
                           FROM embeddings_hashed_ngrams_v1 WHERE org_id = $1
                 UNION ALL SELECT 'cached ' || encode(content_sha256, 'hex') || ' ' || xmin
                           FROM embedding_cache WHERE org_id = $1
                 ORDER BY 1",
                &[org.as_uuid()],
            )
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The ids of a file's chunks by name.
    pub(super) async fn chunks(&self, org: OrgId, path: &str) -> Vec<(String, Uuid)> {
        let rows = self
            .database
            .sql()
            .await
            .query(
                "SELECT c.name, c.id FROM chunks c JOIN sources s ON s.id = c.source_id
                 WHERE c.org_id = $1 AND s.name = $2 ORDER BY c.chunk_index",
                &[org.as_uuid(), &path],
            )
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// All numbers that ranking depends on, without ids.
    pub(super) async fn statistics(&self, org: OrgId) -> Vec<String> {
        let rows = self
            .database
            .sql()
            .await
            .query(
                "SELECT 'corpus ' || chunks || ' ' || terms || ' ' || commit_sha
                 FROM corpora WHERE org_id = $1
                 UNION ALL SELECT 'term ' || dimension || ' ' || chunks
                           FROM term_statistics WHERE org_id = $1
                 ORDER BY 1",
                &[org.as_uuid()],
            )
            .await
            .unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }
}
