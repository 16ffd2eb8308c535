//! What the database knows about one analysis, and what is attested about it.

use std::collections::BTreeMap;

use domain::{
    AttestationId, CommitSha, Coverage, FormalSummary, PolicyFacts, PolicyState, RunId, Severity,
    Tier, Verdict,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use signing::{Attested, Decision, Parent, Standing};
use store::{
    Page, Tx,
    analyses::{self, Analysis, Metadata},
    attestations::{self, Attestation},
    findings::{self, Shown},
    repositories::{self, Repository},
};

use crate::Error;

/// How many findings are read at once.
const FINDINGS_PER_PAGE: i64 = 1000;
/// How far a row of passed analyses is followed back; no tier asks for more than 25.
const CLEAN_RUNS_MAX: i64 = 100;

/// Everything that a statement is made of, read in one transaction.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) analysis: Analysis,
    pub(crate) repository: Repository,
    pub(crate) commit: CommitSha,
    pub(crate) verdict: Verdict,
    pub(crate) tier: Tier,
    pub(crate) expires_at: Timestamp,
    /// The end of the repository's chain.
    pub(crate) previous: Option<Attestation>,
    coverage: Coverage,
    completed_at: Timestamp,
    rules_version: String,
    judged: Judged,
    standing: Standing,
    source_ref: Option<String>,
}

/// An analysis with a verdict has all of these.
struct Completed {
    verdict: Verdict,
    commit: CommitSha,
    coverage: Coverage,
    completed_at: Timestamp,
    rules_version: String,
}

/// `None`: the analysis is attested already.
pub(crate) async fn read(tx: &Tx<'_>, run: RunId) -> Result<Option<Record>, Error> {
    let analysis = analyses::find_by_run(tx, run).await?.ok_or(Error::NoVerdict(run))?;
    let completed = completed(run, &analysis)?;
    if attestations::find_by_analysis(tx, analysis.id).await?.is_some() {
        return Ok(None);
    }
    let missing = |field| Error::Incomplete { run, field };
    let repository = match analysis.repository {
        Some(id) => repositories::find(tx, id).await?,
        None => None,
    };
    let repository = repository.ok_or(missing("repository"))?;
    let metadata: Metadata =
        serde_json::from_value(analysis.metadata.clone()).map_err(|_| missing("gate"))?;

    let judged = judge(tx, &analysis, metadata).await?;
    let standing = Standing {
        coverage: completed.coverage.ratio(),
        critical: judged.standing(Severity::Critical),
        high: judged.standing(Severity::High),
        formal_ratio: judged.formal_ratio(),
        clean_runs: clean_runs(tx, &analysis, completed.verdict).await?,
    };
    let tier = tier(&standing);
    let lifetime = SignedDuration::from_hours(24 * tier.valid_days());
    Ok(Some(Record {
        previous: attestations::find_newest(tx, repository.id).await?,
        source_ref: source_ref(&analysis),
        commit: completed.commit,
        verdict: completed.verdict,
        expires_at: completed.completed_at + lifetime,
        completed_at: completed.completed_at,
        coverage: completed.coverage,
        rules_version: completed.rules_version,
        analysis,
        repository,
        tier,
        judged,
        standing,
    }))
}

fn completed(run: RunId, analysis: &Analysis) -> Result<Completed, Error> {
    let missing = |field| Error::Incomplete { run, field };
    Ok(Completed {
        verdict: analysis.verdict.ok_or(Error::NoVerdict(run))?,
        commit: analysis.head.clone().ok_or(missing("commit"))?,
        coverage: analysis.coverage.clone().ok_or(missing("coverage"))?,
        completed_at: analysis.completed_at.ok_or(missing("end"))?,
        rules_version: analysis.rules_version.clone().ok_or(missing("rules version"))?,
    })
}

fn tier(standing: &Standing) -> Tier {
    let Standing { coverage, critical, high, formal_ratio, clean_runs } = *standing;
    Tier::earned(coverage, critical, high, formal_ratio, clean_runs)
}

/// A pull request's head is known by its number: branches of forks are nobody's namespace.
fn source_ref(analysis: &Analysis) -> Option<String> {
    match analysis.pull_request {
        Some(number) => Some(format!("refs/pull/{number}/head")),
        None => analysis.git_ref.clone(),
    }
}

/// Passed analyses of the repository in a row, ending with this one.
async fn clean_runs(tx: &Tx<'_>, analysis: &Analysis, verdict: Verdict) -> Result<u32, Error> {
    if verdict == Verdict::Failed {
        return Ok(0);
    }
    let filter = analyses::Filter {
        repository: analysis.repository,
        status: Some("completed"),
        ..analyses::Filter::default()
    };
    let page = Page { after: Some(*analysis.id.as_uuid()), limit: CLEAN_RUNS_MAX };
    let before = analyses::list(tx, &filter, page).await?;
    let passed =
        before.iter().take_while(|earlier| earlier.verdict == Some(Verdict::Passed)).count();
    Ok(u32::try_from(passed).unwrap_or(u32::MAX).saturating_add(1))
}

/// The findings of one analysis, sorted by what they mean for its statement.
#[derive(Debug, Default)]
struct Judged {
    metadata: Metadata,
    deciding: Vec<Decision>,
    others: BTreeMap<Severity, u32>,
    /// What would count if the whole commit were the change.
    standing: BTreeMap<Severity, u32>,
}

async fn judge(tx: &Tx<'_>, analysis: &Analysis, metadata: Metadata) -> Result<Judged, Error> {
    let mut judged = Judged { metadata, ..Judged::default() };
    let mut page = Page { after: None, limit: FINDINGS_PER_PAGE };
    loop {
        let found = findings::list(tx, analysis.id, &findings::Filter::default(), page).await?;
        let Some(last) = found.last() else { return Ok(judged) };
        page.after = Some(*last.id.as_uuid());
        found.iter().for_each(|finding| judged.add(finding));
    }
}

impl Judged {
    fn add(&mut self, finding: &Shown) {
        if finding.deciding {
            self.deciding.push(Decision {
                fingerprint: finding.fingerprint.clone(),
                rule: finding.rule.clone(),
                severity: finding.severity,
            });
        } else {
            *self.others.entry(finding.severity).or_default() += 1;
        }
        let stands = finding.dismissal.is_none()
            && !finding.tags.demoted
            && finding.confidence >= self.metadata.gate.confidence_min;
        // What decided keeps standing, even when someone dismissed it a moment after the verdict.
        if stands || finding.deciding {
            *self.standing.entry(finding.severity).or_default() += 1;
        }
    }

    fn standing(&self, severity: Severity) -> u32 {
        self.standing.get(&severity).copied().unwrap_or_default()
    }

    /// The share of formal checks that are proved: a bug that was found is no proof.
    fn formal_ratio(&self) -> f64 {
        self.metadata.formal.as_ref().map_or(0.0, FormalSummary::proved_ratio)
    }
}

impl Record {
    pub(crate) fn attested<'a>(&'a self, id: AttestationId, public_url: &'a str) -> Attested<'a> {
        let incomplete = self.judged.metadata.incomplete.as_array();
        Attested {
            id,
            analysis: self.analysis.id,
            base_url: public_url,
            engine_version: env!("CARGO_PKG_VERSION"),
            repository_url: self
                .repository
                .html_url
                .as_deref()
                .unwrap_or(&self.repository.clone_url),
            commit: &self.commit,
            commit_object_sha256: self.analysis.commit_object_sha256.as_deref(),
            base_commit: self.analysis.base.as_ref(),
            source_ref: self.source_ref.as_deref(),
            verdict: self.verdict,
            tier: self.tier,
            examined_at: self.completed_at,
            expires_at: self.expires_at,
            rules_version: &self.rules_version,
            gate: &self.judged.metadata.gate,
            repository_policy_sha256: self.followed().and_then(|facts| facts.sha256.as_deref()),
            coverage: &self.coverage,
            incomplete: incomplete.map(Vec::as_slice).unwrap_or_default(),
            deciding: &self.judged.deciding,
            others: &self.judged.others,
            standing: self.standing,
            parent: self
                .previous
                .as_ref()
                .map(|previous| Parent { id: previous.id, attestation_hash: &previous.hash }),
        }
    }

    /// What the repository's own policy did; none if there was none, or none to follow.
    fn followed(&self) -> Option<&PolicyFacts> {
        let facts = self.judged.metadata.policy.as_ref();
        facts.filter(|facts| facts.state == PolicyState::Applied)
    }

    /// Which classes of defect were looked for (spec/verification, Attestation).
    pub(crate) fn scope(&self) -> Value {
        // Looked for, in the functions that the evidence counts; that is not found everywhere.
        let formal = self.judged.metadata.formal.as_ref().is_some_and(|it| it.checks() > 0);
        json!({
            "security_vulnerabilities": true,
            "null_safety": formal,
            "array_bounds": formal,
            "integer_overflow": formal,
            "division_by_zero": formal,
            "type_safety": false,
            "resource_leaks": false,
            // Assay makes no claim about who wrote the code.
            "ai_code_detection": false,
        })
    }

    /// The facts in short, for whoever lists attestations; the signed detail has them in full.
    pub(crate) fn evidence(&self) -> Value {
        json!({
            "rules_version": self.rules_version,
            "policy": self.judged.metadata.policy,
            "coverage": self.standing.coverage,
            "files": self.coverage.files,
            "analysed": self.coverage.analysed,
            "counts": self.analysis.counts,
            "critical": self.standing.critical,
            "high": self.standing.high,
            "formal_ratio": self.standing.formal_ratio,
            "formal": self.judged.metadata.formal,
            "clean_runs": self.standing.clean_runs,
        })
    }

    pub(crate) fn kind(&self) -> &'static str {
        if self.analysis.pull_request.is_some() { "pr" } else { "commit" }
    }
}
