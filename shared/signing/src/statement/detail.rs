//! The detail statement: SCAI, one attribute a check, each with its evidence.

use std::collections::BTreeMap;

use domain::{Language, ParseProblem, Severity, Tier, Unanalysed, UnanalysedReason};
use serde::Serialize;

use super::{
    Attested, Decision, STATEMENT_TYPE, Standing, Statement, Subject, Urls, tier_level, to_json,
    verdict_level,
};
use crate::attestation_hash;

const SCAI_TYPE: &str = "https://in-toto.io/attestation/scai/v0.3";

/// How many files of each kind are named; the counts are always of all.
pub const FILES_LISTED_MAX: usize = 1_000;

/// How many deciding findings are named; their digest is always of all.
pub const DECIDING_LISTED_MAX: usize = 10_000;

/// How much of each list is written, since paths may be long: four lists stay below the 8 MiB
/// that a detail statement may have where it is stored.
const LIST_BYTES_MAX: usize = 1536 * 1024;

/// A tuple, because each attribute has a shape of its own; in JSON it is an array.
type Attributes<'a> = (
    Attribute<RulesApplied<'a>, Nothing>,
    Attribute<Nothing, CoverageFacts<'a>>,
    Attribute<Comparison<'a>, FindingCounts<'a>>,
    Attribute<PolicyText<'a>, Deciding<'a>>,
    Attribute<TierFacts, Nothing>,
);

#[derive(Serialize)]
pub(super) struct Scai<'a> {
    attributes: Attributes<'a>,
    producer: Producer,
}

#[derive(Serialize)]
struct Producer {
    uri: String,
}

#[derive(Serialize)]
struct Attribute<C, F> {
    attribute: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    conditions: Option<C>,
    evidence: Evidence<F>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Evidence<F> {
    name: &'static str,
    uri: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    digest: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<F>,
}

/// Stands for a part that an attribute does not have.
#[derive(Serialize)]
enum Nothing {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RulesApplied<'a> {
    engine_version: &'a str,
    rules_version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CoverageFacts<'a> {
    ratio: f64,
    files: u32,
    analysed: u32,
    lines: u64,
    functions: u32,
    classes: u32,
    languages: &'a BTreeMap<Language, u32>,
    unanalysed_by_reason: BTreeMap<UnanalysedReason, u32>,
    unanalysed: &'a [Unanalysed],
    problem_count: usize,
    problems: &'a [ParseProblem],
    incomplete_count: usize,
    incomplete: &'a [serde_json::Value],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Comparison<'a> {
    base_commit: &'a str,
}

#[derive(Serialize)]
struct FindingCounts<'a> {
    deciding: BTreeMap<Severity, u32>,
    others: &'a BTreeMap<Severity, u32>,
}

/// What decided, exactly: the sha256 of this text is the policy's digest in the summary.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyText<'a> {
    rules_version: &'a str,
    critical_max: u32,
    high_max: u32,
    medium_max: u32,
    low_max: u32,
    confidence_min: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository_policy_sha256: Option<&'a str>,
}

impl<'a> PolicyText<'a> {
    pub(super) fn of(attested: &Attested<'a>) -> Self {
        let gate = attested.gate;
        Self {
            rules_version: attested.rules_version,
            critical_max: gate.critical_max,
            high_max: gate.high_max,
            medium_max: gate.medium_max,
            low_max: gate.low_max,
            confidence_min: gate.confidence_min,
            repository_policy_sha256: attested.repository_policy_sha256,
        }
    }
}

#[derive(Serialize)]
struct Deciding<'a> {
    count: usize,
    findings: &'a [Decision],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TierFacts {
    tier: Tier,
    #[serde(flatten)]
    standing: Standing,
}

pub(super) fn statement<'a>(
    attested: &Attested<'a>,
    urls: Urls<'_>,
    subject: Subject,
) -> Statement<Scai<'a>> {
    Statement {
        type_: STATEMENT_TYPE.to_owned(),
        subject: vec![subject],
        predicate_type: SCAI_TYPE.to_owned(),
        predicate: Scai {
            attributes: attributes(attested, &urls.analysis(attested.analysis)),
            producer: Producer { uri: urls.verifier() },
        },
    }
}

fn attributes<'a>(attested: &Attested<'a>, analysis: &str) -> Attributes<'a> {
    let rules = RulesApplied {
        engine_version: attested.engine_version,
        rules_version: attested.rules_version,
    };
    let comparison = attested.base_commit.map(|sha| Comparison { base_commit: sha.as_str() });
    let counts = FindingCounts { deciding: count(attested.deciding), others: attested.others };
    let tier = TierFacts { tier: attested.tier, standing: attested.standing };
    (
        attribute("ASSAY_RULES_APPLIED", Some(rules), evidence("rules", analysis, None)),
        attribute("ASSAY_COVERAGE", None, evidence("coverage", analysis, Some(coverage(attested)))),
        attribute("ASSAY_FINDINGS", comparison, evidence("findings", analysis, Some(counts))),
        attribute(
            verdict_level(attested.verdict),
            Some(PolicyText::of(attested)),
            deciding(attested.deciding, analysis),
        ),
        attribute(&tier_level(attested.tier), Some(tier), evidence("tier", analysis, None)),
    )
}

fn attribute<C, F>(name: &str, conditions: Option<C>, evidence: Evidence<F>) -> Attribute<C, F> {
    Attribute { attribute: name.to_owned(), conditions, evidence }
}

fn evidence<F>(name: &'static str, analysis: &str, annotations: Option<F>) -> Evidence<F> {
    Evidence { name, uri: format!("{analysis}#{name}"), digest: BTreeMap::new(), annotations }
}

/// The digest is over all deciding fingerprints, sorted, one a line, so that whoever has the
/// findings can check that none was added or left out.
fn deciding<'a>(findings: &'a [Decision], analysis: &str) -> Evidence<Deciding<'a>> {
    let mut lines: Vec<_> =
        findings.iter().map(|finding| format!("{}\n", finding.fingerprint.as_str())).collect();
    lines.sort_unstable();
    let sha256 = attestation_hash(lines.concat().as_bytes());

    let facts = Deciding { count: findings.len(), findings: first(findings, DECIDING_LISTED_MAX) };
    Evidence {
        digest: BTreeMap::from([("sha256", sha256)]),
        ..evidence("deciding", analysis, Some(facts))
    }
}

fn coverage<'a>(attested: &Attested<'a>) -> CoverageFacts<'a> {
    let coverage = attested.coverage;
    let mut by_reason = BTreeMap::new();
    for file in &coverage.unanalysed {
        *by_reason.entry(file.reason).or_default() += 1;
    }
    CoverageFacts {
        ratio: coverage.ratio(),
        files: coverage.files,
        analysed: coverage.analysed,
        lines: coverage.lines,
        functions: coverage.functions,
        classes: coverage.classes,
        languages: &coverage.languages,
        unanalysed_by_reason: by_reason,
        unanalysed: first(&coverage.unanalysed, FILES_LISTED_MAX),
        problem_count: coverage.problems.len(),
        problems: first(&coverage.problems, FILES_LISTED_MAX),
        incomplete_count: attested.incomplete.len(),
        incomplete: first(attested.incomplete, FILES_LISTED_MAX),
    }
}

/// The beginning of a list: at most so many, and not more than fit.
fn first<T: Serialize>(all: &[T], at_most: usize) -> &[T] {
    let mut room = LIST_BYTES_MAX;
    let fitting = all.iter().take(at_most).take_while(|item| {
        let size = to_json(item).len();
        let fits = size <= room;
        room = room.saturating_sub(size);
        fits
    });
    &all[..fitting.count()]
}

fn count(findings: &[Decision]) -> BTreeMap<Severity, u32> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.severity).or_default() += 1;
    }
    counts
}
