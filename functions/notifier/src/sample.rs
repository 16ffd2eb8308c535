//! Endings as the tests need them.

use domain::{
    AnalysisId, ErrorCode, FindingId, Fingerprint, LineRange, OrgId, ProjectId, RunId, RunKind,
    RunStatus, Severity, SnippetHash, Verdict,
};
use serde_json::json;
use store::{
    analyses::{Analysis, Counts, Delta},
    findings::{Expired, Stored},
    runs::Run,
};

use crate::report::Ending;

const FIX: &str = "--- a/a.py\n+++ b/a.py\n@@ -1,4 +1,4 @@\n import ast\n \n-result = eval(\n-    request.args['x'])\n+result = ast.literal_eval(\n+    request.args['x'])\n";

pub(crate) fn run(status: RunStatus) -> Run {
    Run {
        id: RunId::new("0190a5b0-0000-7000-8000-000000000002".parse().unwrap()),
        org: OrgId::new("0190a5b0-0000-7000-8000-000000000001".parse().unwrap()),
        project: None,
        repository: None,
        kind: RunKind::Analysis,
        status,
        event_type: "pull_request".into(),
        git_ref: None,
        commit: Some("a".repeat(40).parse().unwrap()),
        pull_request: Some(7),
        input: json!({}),
        summary: None,
        error_code: Some(ErrorCode::CommitNotFound),
        error: Some("the commit is gone".into()),
        last_error: None,
        attempts: 1,
        traceparent: None,
        parent: None,
        resumes: None,
        origin: RunId::new("0190a5b0-0000-7000-8000-000000000002".parse().unwrap()),
        schedule: None,
        waiting_for: None,
        wake_at: None,
        created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
        started_at: None,
        finished_at: None,
    }
}

pub(crate) fn analysis(verdict: Verdict, high: u32) -> Analysis {
    let id = "0190a5b0-0000-7000-8000-000000000003".parse().unwrap();
    Analysis {
        id: AnalysisId::new(id),
        org: OrgId::new(id),
        project: ProjectId::new(id),
        repository: None,
        run: None,
        kind: "pull_request".into(),
        pull_request: Some(7),
        title: None,
        git_ref: None,
        head: None,
        base: None,
        commit_object_sha256: None,
        status: "completed".into(),
        verdict: Some(verdict),
        rules_version: None,
        counts: json!(Counts {
            deciding: [(Severity::High, high)].into(),
            new: high,
            ..Counts::default()
        }),
        coverage: None,
        metadata: json!({}),
        error_message: None,
        started_at: None,
        completed_at: None,
        created_at: "2026-03-01T12:00:00Z".parse().unwrap(),
    }
}

pub(crate) fn finding(severity: Severity, deciding: bool) -> Stored {
    Stored {
        id: FindingId::new("0190a5b0-0000-7000-8000-000000000004".parse().unwrap()),
        rule: "python.injection.eval".into(),
        severity,
        title: "eval".into(),
        description: Some("Runs text as code.".into()),
        path: "a.py".into(),
        lines: LineRange { first: 3, last: 4 },
        snippet_hash: SnippetHash::of(""),
        fingerprint: Fingerprint::of("python.injection.eval", "a.py", "", "eval(x)", 0),
        lineage: Fingerprint::of("python.injection.eval", "a.py", "", "eval(x)", 0),
        snippet: Some("result = eval(\n    request.args['x'])".into()),
        fix_suggestion: Some("Use a parser.".into()),
        fix_diff: Some(FIX.into()),
        proof: None,
        deciding,
        expired: None,
    }
}

/// A pull request that failed: one finding of each sort, and everything that there is to say.
pub(crate) fn failed() -> Ending {
    let mut analysis = analysis(Verdict::Failed, 2);
    analysis.counts = json!(Counts {
        deciding: [(Severity::High, 1), (Severity::Medium, 1)].into(),
        new: 3,
        existing: 5,
        dismissed: 2,
        expired: 1,
        total: 8,
        since_base: Some(Delta { new: 3, fixed: 4, persisting: 5 }),
        since_previous: Some(Delta { new: 1, fixed: 2, persisting: 7 }),
    });
    let expired = Stored {
        title: "Code from @strangers | <b>".into(),
        path: "src/`odd` name.py".into(),
        snippet: Some("```\n# @octo\n</details>".into()),
        fix_diff: None,
        expired: Some(Expired {
            by: "api_key:1".into(),
            owner: Some("team-a".into()),
            ground: None,
            reason: "until the rewrite".into(),
            at: "2026-02-01T00:00:00Z".parse().unwrap(),
        }),
        ..finding(Severity::Medium, true)
    };
    let new = vec![finding(Severity::High, true), expired, finding(Severity::Low, false)];
    Ending { run: run(RunStatus::Succeeded), analysis: Some(analysis), new }
}
