//! What an analysis leaves: findings, formal results, scores, a summary, and what can be searched.

use std::time::{Duration, Instant};

use domain::{CommitSha, OrgId, RepositoryId, RunId, Snapshot, SourceFile};
use objects::Objects;
use queue::EmbedRequested;
use serde_json::json;
use uuid::Uuid;

use super::{World, commit};

impl World {
    pub(super) async fn analysis(&self, org: OrgId, repository: RepositoryId, run: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let counts = json!({
            "deciding": { "critical": 1, "high": 0, "medium": 0, "low": 0, "info": 0 },
            "new": 1, "existing": 2, "dismissed": 0, "total": 3,
        });
        let coverage = json!({
            "files": 3, "analysed": 2, "lines": 120, "functions": 4, "classes": 1,
            "languages": { "python": 2 },
            "problems": [{ "path": "broken.py", "line": 3, "errors": 1 }],
            "unanalysed": [{ "path": "logo.png", "reason": "binary" }],
        });
        self.sql(&format!(
            "INSERT INTO analyses (id, org_id, project_id, repo_id, run_id, kind, ref, head_sha,
                                   status, verdict, counts, coverage, rules_version, started_at,
                                   completed_at, created_at)
             SELECT '{id}', org_id, project_id, id, '{run}', 'commit', 'refs/heads/main',
                    '{commit}', 'completed', 'failed', '{counts}', '{coverage}', 'rules-1',
                    now(), now(), clock_timestamp()
             FROM repositories WHERE id = '{repository}' AND org_id = '{org}'",
            commit = commit(run),
        ))
        .await;
        id
    }

    pub(super) async fn findings(
        &self,
        org: OrgId,
        repository: RepositoryId,
        analysis: Uuid,
    ) -> Vec<Uuid> {
        let rows =
            [("critical", "src/app.py", 12), ("high", "src/db.py", 7), ("low", "lib/x.go", 1)];
        let mut ids = Vec::new();
        for (index, (severity, path, line)) in rows.into_iter().enumerate() {
            let id = Uuid::now_v7();
            ids.push(id);
            self.sql(&format!(
                "INSERT INTO findings (id, org_id, analysis_id, repo_id, rule_id, fingerprint,
                     category, severity, title, description, file_path, line_start, line_end,
                     code_snippet, snippet_hash, fix_suggestion, confidence, verification_type,
                     state, deciding, metadata)
                 VALUES ('{id}', '{org}', '{analysis}', '{repository}', 'rule-{index}',
                     '{index:064x}', 'injection', '{severity}', 'Title', 'Description', '{path}',
                     {line}, {line}, 'eval(x)', '{index:064x}', 'Do not.', 0.9, 'ast', '{state}',
                     true, '{{\"cwe\": [\"CWE-95\"], \"owasp\": [\"A03:2021\"], \"demoted\": false}}')",
                state = if index == 0 { "new" } else { "existing" },
            ))
            .await;
        }
        ids
    }

    pub(super) async fn formal_result(&self, org: OrgId, analysis: Uuid) -> Uuid {
        let id = Uuid::now_v7();
        let summary = json!({
            "solver_unavailable": null, "functions": 1, "functions_incomplete": 0,
            "functions_skipped": 0, "proved": 0, "refuted": 1, "caller_dependent": 0,
            "unknown": 0, "kept": 1, "reasons": { "the solver gave up": 2 },
        });
        self.sql(&format!(
            "INSERT INTO formal_results (id, org_id, analysis_id, place, language, file_path,
                                         function_name, line, check_kind, verdict, query_hash,
                                         query, duration_ms, counterexample, test)
             VALUES ('{id}', '{org}', '{analysis}', 0, 'python', 'src/app.py', 'share', 12,
                     'division_by_zero', 'refuted', '{hash}', '(assert true)', 1.5,
                     '[{{\"name\": \"count\", \"value\": \"0\"}}]', 'share(0)');
             UPDATE analyses SET metadata = metadata || '{{\"formal\": {summary}}}'
             WHERE id = '{analysis}'",
            hash = "a".repeat(64),
        ))
        .await;
        id
    }

    /// A score of `src/app.py` and a summary, as an analysis keeps them.
    pub(super) async fn insight(
        &self,
        org: OrgId,
        repository: RepositoryId,
        run: Uuid,
    ) -> (Uuid, Uuid) {
        let (score, summary) = (Uuid::now_v7(), Uuid::now_v7());
        let part = json!({
            "name": "pass_rate", "weight": 0.7, "value": 0.5, "count": 1, "of": 2, "note": "units",
            "places": [{ "line": 12, "rule": "python.injection.eval" }, { "line": 13 }],
        });
        let factors = json!({
            "method": "1", "language": "python", "lines": 20, "score": 65.0, "risk_level": "medium",
            "risk_reasons": ["a score of 65.0, from 60 to 80"], "confidence": 0.8,
            "factors": [
                { "name": "verification", "value": 0.65, "weight": 0.25, "share": 1.0,
                  "points": 65.0, "not_measured": null, "parts": [part] },
                { "name": "history", "value": null, "weight": 0.25, "share": 0.0, "points": 0.0,
                  "not_measured": "unknown", "parts": [] },
            ],
            "not_measured": ["history"],
            "formula": { "score": 60.0, "risk_level": "medium", "assumed": ["history"] },
        });
        let changes = json!([{
            "path": "src/app.py", "line": 3, "name": "run", "kind": "function",
            "state": "signature", "public": true, "test": false, "before": "def run()", "after": "def run(a)",
            "moved_from": null,
        }]);
        let risk = json!({ "level": "medium", "reasons": [{
            "code": "breaking_changes", "level": "medium", "text": "1 change may break callers",
            "named": ["run in src/app.py"], "count": 1,
        }] });
        let facts = json!({
            "method": "1", "given_title": null, "kind": "chore", "scope": "src",
            "totals": { "files": 1, "lines_added": 1, "lines_removed": 1, "symbols_added": 0,
                        "symbols_changed": 1, "symbols_removed": 0 },
            "files": [{ "path": "src/app.py", "state": "modified", "kind": "code",
                        "language": "python", "lines_added": 1, "lines_removed": 1 }],
            "components": [{ "path": "src", "manifest": null, "files": 1 }],
            "breaking": [{ "kind": "signature", "path": "src/app.py", "line": 3, "symbol": "run",
                           "reason": "the new parameter `a` must be given",
                           "before": "def run()", "after": "def run(a)" }],
            "labels": ["breaking-change"], "not_compared": [],
        });
        self.sql(&format!(
            "INSERT INTO trust_score_cache (id, org_id, repo_id, run_id, file_path, commit_sha,
                                            score, formula_score, risk_level, confidence,
                                            introduced, factors)
             VALUES ('{score}', '{org}', '{repository}', '{run}', 'src/app.py', '{commit}', 65, 60,
                     'medium', 0.8, 1, $json${factors}$json$);
             INSERT INTO diff_summary_cache (id, org_id, repo_id, run_id, pr_number, head_sha,
                                             base_sha, title, description, changelog, changes,
                                             risk_level, risk_assessment, facts)
             VALUES ('{summary}', '{org}', '{repository}', '{run}', 7, '{commit}', '{base}',
                     'Change run in src', 'One file.', 'chore(src)!: change run',
                     $json${changes}$json$, 'medium', $json${risk}$json$, $json${facts}$json$)",
            commit = commit(run),
            base = "e".repeat(40),
        ))
        .await;
        (score, summary)
    }

    /// Indexes one file, as the embedder does.
    pub(super) async fn index(&self, org: OrgId, run: Uuid) {
        let folder = tempfile::tempdir().unwrap();
        let objects = Objects::open(&format!("file://{}", folder.path().display())).unwrap();
        let text =
            "def greet(name):\n    \"\"\"Welcomes a visitor by name.\"\"\"\n    return name\n";
        let file = SourceFile { path: "src/greeting.py".into(), bytes: text.into() };
        let commit: CommitSha = commit(run).parse().unwrap();
        let snapshot = Snapshot { commit, files: vec![file], left_out: vec![] };
        objects.put_snapshot(org, &snapshot).await.unwrap();
        let deps = embedder::Deps::of(self.database.functions(), objects);
        let message = EmbedRequested { org_id: org, run_id: RunId::new(run) };
        let deadline = Instant::now() + Duration::from_secs(60);
        embedder::handle(&deps, message, deadline).await.unwrap();
    }
}
