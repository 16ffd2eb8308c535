//! The result for programs: JSON of our own, and SARIF.

use analysis::{Columns, Incomplete, RuleInfo};
use domain::{Coverage, Finding, Gate, PolicyFacts, PolicyState, Verdict};
use sarif::{Notice, NoticeLevel};
use serde::Serialize;

use super::{
    baseline::Known,
    examine::Unreadable,
    judge::{Bar, Judged, Outcome, State},
    notices,
    select::Rules,
};

const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");

/// In code scanning a new upload replaces the last one of the same category.
const SARIF_CATEGORY: &str = "assay";

#[derive(Serialize)]
struct Document<'a> {
    engine_version: &'static str,
    rules_version: &'a str,
    verdict: Verdict,
    /// The least severity that decides; `null` where none does, or the policy's gate.
    fail_on: Option<domain::Severity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gate: Option<Gate>,
    /// What the repository's policy did.
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a PolicyFacts>,
    /// Whether everything was looked at to the end.
    complete: bool,
    findings: Vec<Entry<'a>>,
    /// What the baseline holds and the code does not any more.
    gone: &'a [Known],
    coverage: &'a Coverage,
    incomplete: &'a [Incomplete],
    unreadable: &'a [Unreadable],
}

#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    columns: Option<Columns>,
    state: State,
    dismissed: Option<&'a str>,
    decides: bool,
}

pub(super) fn json(outcome: &Outcome, rules: &Rules) -> std::io::Result<String> {
    let verdict = if outcome.deciding() > 0 { Verdict::Failed } else { Verdict::Passed };
    let (fail_on, gate) = match outcome.bar {
        Bar::Severity(least) => (least, None),
        Bar::Gate(gate) => (None, Some(gate)),
    };
    let document = Document {
        engine_version: ENGINE_VERSION,
        rules_version: &rules.version(),
        verdict,
        fail_on,
        gate,
        policy: (outcome.policy.state != PolicyState::Absent).then_some(&outcome.policy),
        complete: outcome.is_complete(),
        findings: outcome.findings.iter().map(entry).collect(),
        gone: &outcome.gone,
        coverage: &outcome.coverage,
        incomplete: &outcome.incomplete,
        unreadable: &outcome.unreadable,
    };
    Ok(serde_json::to_string_pretty(&document)?)
}

fn entry(judged: &Judged) -> Entry<'_> {
    Entry {
        finding: &judged.located.finding,
        columns: judged.located.columns,
        state: judged.state,
        dismissed: reason(judged),
        decides: judged.decides,
    }
}

pub(super) fn sarif(outcome: &Outcome, rules: &Rules) -> String {
    let reported = |judged| reported(judged, outcome.has_baseline);
    sarif::to_json(&sarif::Report {
        engine_version: ENGINE_VERSION,
        rules_version: &rules.version(),
        rules: rules.list().into_iter().map(rule).collect(),
        results: outcome.findings.iter().map(reported).collect(),
        notices: all_notices(outcome),
        successful: true,
        category: SARIF_CATEGORY,
    })
}

fn rule(info: &RuleInfo) -> sarif::Rule<'_> {
    sarif::Rule {
        id: &info.id,
        title: &info.title,
        message: &info.message,
        fix: info.fix.as_deref(),
        severity: info.severity,
        confidence: info.confidence,
        category: info.category,
        cwe: &info.cwe,
        owasp: &info.owasp,
    }
}

/// Why a finding does not matter.
fn reason(judged: &Judged) -> Option<&str> {
    judged.ignored.as_deref().or(judged.dismissed.as_deref())
}

fn reported(judged: &Judged, has_baseline: bool) -> sarif::Reported<'_> {
    let baseline = match judged.state {
        State::New => sarif::Baseline::New,
        State::Known | State::Dismissed => sarif::Baseline::Unchanged,
        State::Ignored if judged.known => sarif::Baseline::Unchanged,
        State::Ignored => sarif::Baseline::New,
    };
    sarif::Reported {
        finding: &judged.located.finding,
        columns: judged.located.columns.map(|columns| (columns.start, columns.end)),
        baseline: has_baseline.then_some(baseline),
        dismissed: reason(judged),
    }
}

fn all_notices(outcome: &Outcome) -> Vec<Notice<'_>> {
    let mut notices = sarif::coverage_notices(&outcome.coverage);
    let incomplete = outcome.incomplete.iter().map(|one| {
        let (id, text) = notices::incomplete(one);
        Notice {
            id,
            title: "Rules that were not finished",
            level: NoticeLevel::Warning,
            text: text.into(),
            path: Some(&one.path),
            line: None,
            rule: one.rule.as_deref(),
        }
    });
    notices.extend(sarif::capped(incomplete));
    let unreadable = outcome.unreadable.iter().map(|one| Notice {
        id: "unreadable",
        title: "Files and folders that cannot be read",
        level: NoticeLevel::Error,
        text: one.reason.as_str().into(),
        path: Some(one.path.as_str()).filter(|path| !path.is_empty()),
        line: None,
        rule: None,
    });
    notices.extend(sarif::capped(unreadable));
    notices
}
