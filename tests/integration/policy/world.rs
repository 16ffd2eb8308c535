//! A repository that an installation shares, with an Assay of real binaries around it.

use std::ops::Deref;

use domain::{CommitSha, RunId};
use serde_json::Value;
use tokio_postgres::Client;

use crate::shop::{Asked, REPOSITORY, Shop};

pub(super) struct World {
    shop: Shop,
    pub(super) sql: Client,
}

impl Deref for World {
    type Target = Shop;

    fn deref(&self) -> &Shop {
        &self.shop
    }
}

/// What came of it.
pub(super) struct Told {
    pub(super) verdict: String,
    /// What the policy did, as the analysis keeps it.
    pub(super) policy: Value,
    pub(super) metadata: Value,
    pub(super) coverage: Value,
    /// Path, rule, severity, whether it decides, and who dismissed it.
    pub(super) findings: Vec<Finding>,
    /// The check run that GitHub was told of.
    pub(super) check: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) path: String,
    pub(super) rule: String,
    pub(super) severity: String,
    pub(super) deciding: bool,
    pub(super) dismissed: Option<(String, String)>,
}

impl World {
    pub(super) async fn new() -> Self {
        let shop = Shop::new().await;
        let sql = shop.world.database.sql().await;
        Self { shop, sql }
    }

    /// GitHub knows where the histories of two commits part, and what a file holds.
    pub(super) fn github_knows(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        parting: &CommitSha,
        policy: Option<&str>,
    ) {
        self.github.part(base.as_str(), head.as_str(), parting.as_str());
        if let Some(text) = policy {
            self.github.file(REPOSITORY, base.as_str(), ".assay.yml", text);
        }
    }

    pub(super) async fn pull_request(&self, head: &CommitSha, base: &CommitSha) -> Told {
        let (base, pull_request) = (Some(base), Some(7));
        self.examine(Asked { event: "pull_request", commit: head, base, pull_request }).await
    }

    /// Lets the orchestrator examine a commit, and the notifier tell of it.
    pub(super) async fn examine(&self, asked: Asked<'_>) -> Told {
        let run = self.request(&asked).await;
        self.work(run).await;
        assert!(!self.notify(run).await);
        self.told(run).await
    }

    /// Lets a commit be examined that GitHub is told nothing about: the verdict, and the commit
    /// whose policy held.
    pub(super) async fn examine_untold(&self, asked: Asked<'_>) -> (String, Value) {
        let run = self.request(&asked).await;
        self.work(run).await;
        let query = "SELECT verdict, metadata -> 'policy' -> 'commit' FROM analyses
                     WHERE run_id = $1";
        let row = self.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
        (row.get(0), row.get(1))
    }

    async fn told(&self, run: RunId) -> Told {
        let query = "SELECT r.status, r.error, a.verdict, a.metadata, a.coverage
                     FROM runs r JOIN analyses a ON a.run_id = r.id WHERE r.id = $1";
        let row = self.sql.query_one(query, &[run.as_uuid()]).await.unwrap();
        let error: Option<String> = row.get(1);
        assert_eq!(row.get::<_, &str>(0), "succeeded", "{error:?}");
        let metadata: Value = row.get(3);
        let query = "SELECT file_path, rule_id, severity, deciding, dismissed_by, dismissed_reason
                     FROM findings f JOIN analyses a ON a.id = f.analysis_id
                     WHERE a.run_id = $1 ORDER BY 1, line_start, 2";
        let rows = self.sql.query(query, &[run.as_uuid()]).await.unwrap();
        let finding = |row: &tokio_postgres::Row| Finding {
            path: row.get(0),
            rule: row.get(1),
            severity: row.get(2),
            deciding: row.get(3),
            dismissed: row.get::<_, Option<String>>(4).zip(row.get(5)),
        };
        Told {
            verdict: row.get(2),
            policy: metadata["policy"].clone(),
            coverage: row.get(4),
            metadata,
            findings: rows.iter().map(finding).collect(),
            check: self.check(run),
        }
    }
}

impl Told {
    pub(super) fn summary(&self) -> &str {
        self.check["output"]["summary"].as_str().unwrap()
    }

    /// Where GitHub shows what was found.
    pub(super) fn annotated(&self) -> Vec<&str> {
        let annotations = self.check["output"]["annotations"].as_array();
        let paths = annotations.into_iter().flatten().map(|one| one["path"].as_str().unwrap());
        paths.collect()
    }

    pub(super) fn deciding(&self) -> Vec<&str> {
        let deciding = self.findings.iter().filter(|finding| finding.deciding);
        deciding.map(|finding| finding.path.as_str()).collect()
    }
}
