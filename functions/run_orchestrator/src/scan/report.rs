use std::collections::HashSet;

use ::analysis::custom::rules_version_with;
use domain::{
    ArtifactId, ArtifactKind, CITATIONS_MAX, CodebaseScanId, Content, Coverage, Gate,
    InvalidArtifact, LogicalKey, RepositoryId, Severity, UnanalysedReason,
    kinds::analysis::Fetched,
};
use policy::Held;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{
    StoreError, Tx,
    analyses::{self, Completion, Insight, Metadata},
    artifacts::{self, NewArtifact, WriteError},
    codebase_scans::{self, Results},
    findings::{self, Tally},
    runs::Fence,
    trust_scores,
};

use super::{ScanError, followed, join::Joined, markdown};
use crate::{
    Error,
    analysis::verdict::counts,
    memory::{Work, Written, output, written},
};

#[derive(Serialize)]
struct Output {
    scan_id: CodebaseScanId,
    report: ArtifactId,
    version: i32,
    results: Results,
}

/// Words the report by the findings as they stand in the table, and completes the scan.
pub(super) async fn write(tx: &Tx<'_>, fence: &Fence, work: &Work) -> Result<Written, Error> {
    let joined: Joined = output(work, "join")?;
    let fetched: Fetched = output(work, "fetch")?;
    let run = work.run();
    let repository = work.memory.repository()?;
    let branch = fetched.branch.as_deref().unwrap_or(&repository.default_branch);
    let analysis = analyses::find_by_run(tx, run.id).await?.ok_or(StoreError::ChangedMeanwhile)?;
    let coverage = analysis.coverage.clone().unwrap_or_default();
    let changes = followed::write(tx, fence, &analysis, &unread(&joined, &coverage)).await?;
    let tallies = findings::tally(tx, run.id).await?;
    let worst = findings::list_open(tx, run.id, CITATIONS_MAX as i64).await?;
    let trust = trust_scores::summarize(tx, repository.id, &fetched.commit).await?;

    let scanned = markdown::Scanned {
        full_name: &repository.full_name,
        branch,
        commit: &fetched.commit,
        analysis: analysis.id,
        tallies: &tallies,
        worst: &worst,
        changes: changes.as_ref(),
        trust: &trust,
        coverage: &coverage,
        incomplete: &joined.incomplete,
        policy: &joined.policy,
    };
    let (text, citations) = markdown::report(&scanned);
    let new = NewArtifact {
        project: run.project.ok_or(Error::Incomplete("project"))?,
        run: Some(run.id),
        kind: ArtifactKind::ScanReport,
        key: key(repository.id, branch).map_err(|error| ScanError::Report(error.into()))?,
        content: Content::markdown(text),
        citations,
    };
    let report = artifacts::write(tx, &new).await.map_err(kept)?;
    let gate = Held::of(&fetched.policy).policy.gate;
    complete_analysis(tx, fence, gate, &tallies, &joined).await?;
    let results =
        Results { changes, trust: Some(trust), ..results(&joined, &coverage, &tallies, report.id) };
    let scan_id = codebase_scans::complete(tx, fence, &results).await?;
    let summary = json!({
        "files": results.files,
        "shards": results.shards,
        "findings": results.findings,
        "report": report.id,
        "processed": results.files,
    });
    let output = Output { scan_id, report: report.id, version: report.version, results };
    Ok(Written { summary: Some(summary), ..written("report", &output)? })
}

/// A trouble of the database is tried again, a report that is refused is not.
fn kept(error: WriteError) -> Error {
    match error {
        WriteError::Store(error) => Error::Store(error),
        error @ (WriteError::Invalid(_)
        | WriteError::NoProject(_)
        | WriteError::NoSource { .. }) => Error::Scan(ScanError::Report(error)),
    }
}

/// Each branch has a report, and each scan of it is a version.
fn key(repository: RepositoryId, branch: &str) -> Result<LogicalKey, InvalidArtifact> {
    let plain = format!("scan:{repository}:{branch}").parse();
    // Git allows longer names than a key has room for.
    plain.or_else(|_: InvalidArtifact| {
        format!("scan:{repository}:sha256:{}", hex::encode(Sha256::digest(branch))).parse()
    })
}

/// The files that were not read to the end. In one without a grammar secrets were searched.
fn unread<'a>(joined: &'a Joined, coverage: &'a Coverage) -> HashSet<&'a str> {
    let unanalysed = coverage
        .unanalysed
        .iter()
        .filter(|file| file.reason != UnanalysedReason::UnknownLanguage)
        .map(|file| file.path.as_str());
    let incomplete = joined.incomplete.iter().map(|missed| missed.path.as_str());
    unanalysed.chain(incomplete).collect()
}

async fn complete_analysis(
    tx: &Tx<'_>,
    fence: &Fence,
    gate: Gate,
    tallies: &[Tally],
    joined: &Joined,
) -> Result<(), StoreError> {
    let metadata = Metadata {
        gate,
        incomplete: json!(joined.incomplete),
        formal: None,
        policy: Some(joined.policy.clone()),
        insight: Insight::default(),
    };
    let done = Completion {
        verdict: None,
        counts: &counts(tallies),
        rules_version: &rules_version_with(joined.rules.as_deref()),
        metadata: &metadata,
    };
    analyses::complete(tx, fence, &done).await.map(|_| ())
}

fn results(joined: &Joined, coverage: &Coverage, tallies: &[Tally], report: ArtifactId) -> Results {
    let of = |severity: Severity| -> u32 {
        tallies.iter().filter(|tally| tally.severity == severity).map(|tally| tally.count).sum()
    };
    Results {
        files: joined.files,
        analysed: coverage.analysed,
        shards: joined.shards,
        findings: Severity::ALL.iter().map(|severity| (*severity, of(*severity))).collect(),
        dismissed: tallies.iter().filter(|tally| tally.dismissed).map(|tally| tally.count).sum(),
        unanalysed: coverage.unanalysed.len(),
        incomplete: joined.incomplete.len(),
        changes: None,
        trust: None,
        report,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_branch_has_a_key_of_its_own() {
        let repository = RepositoryId::new(uuid::Uuid::from_u128(1));
        let key = |branch: &str| key(repository, branch).unwrap();
        assert_eq!(key("main").as_str(), format!("scan:{repository}:main"));
        let long = "x".repeat(255);
        assert_ne!(key(&long), key(&long[1..]));
        assert_ne!(key("a\u{7}"), key("a\u{8}"));
    }
}
