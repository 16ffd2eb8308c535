//! An analysis' own findings as a SARIF log, for code scanning and for editors.

use std::collections::HashSet;

use axum::{
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use domain::{AnalysisId, Finding, Scope};
use sarif::{Baseline, Notice, NoticeLevel, Report, Reported, Rule};
use store::{
    Page,
    analyses::{self, Analysis},
    findings::{self, Shown},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::Id,
    problem::{MEDIA_TYPE, Problem, ProblemDocument},
};

/// The media type of SARIF logs (OASIS SARIF 2.1.0, 3.13 and IANA's registry).
const SARIF: &str = "application/sarif+json";
/// So many results with their rules stay well below the six megabytes of a function URL.
const RESULTS_MAX: usize = 2_000;
/// Rows of one query.
const PAGE: i64 = 500;
/// In code scanning a new upload replaces the last one of the same category.
const CATEGORY: &str = "assay";

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(export_sarif))
}

/// Get what Assay found as a SARIF 2.1.0 log, such as GitHub's code scanning takes.
///
/// It holds the gravest 2,000 findings of the analysis, and says how many more there are, and what
/// was not looked at. What other
/// tools found is in their logs. Findings of formal checks are there like all others.
#[utoipa::path(get, path = "/v1/analyses/{id}/sarif", tag = "findings",
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "The log.", body = Object, content_type = SARIF),
        (status = 409, description = "The analysis is not complete.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn export_sarif(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AnalysisId>,
) -> Result<Response, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let analysis = analyses::find(&tenant.tx, id).await?;
    let analysis = analysis.ok_or_else(|| Problem::not_found("analysis"))?;
    if analysis.status != "completed" {
        let detail = format!("the analysis is {}: ask when it is completed", analysis.status);
        return Err(Problem::conflict(detail));
    }
    let found = own_findings(&tenant, id).await?;
    tenant.commit().await?;
    Ok(([(CONTENT_TYPE, SARIF)], log(&analysis, found)).into_response())
}

async fn own_findings(tenant: &Tenant<'_>, id: AnalysisId) -> Result<Vec<Shown>, Problem> {
    let mut all = Vec::new();
    let mut page = Page { after: None, limit: PAGE };
    loop {
        let rows = findings::list(&tenant.tx, id, &findings::Filter::default(), page).await?;
        page.after = rows.last().map(|row| *row.id.as_uuid());
        let is_last = i64::try_from(rows.len()).unwrap_or(i64::MAX) < PAGE;
        all.extend(rows.into_iter().filter(|row| row.tags.tool.is_none()));
        if is_last {
            return Ok(all);
        }
    }
}

/// The gravest come first in `found`.
fn log(analysis: &Analysis, found: Vec<Shown>) -> String {
    let left_out = found.len().saturating_sub(RESULTS_MAX);
    let found: Vec<(Finding, Verdict)> = found.into_iter().take(RESULTS_MAX).map(split).collect();
    let mut seen = HashSet::new();
    let rules = found.iter().filter(|(finding, _)| seen.insert(finding.rule.as_str()));
    let left_out = (left_out > 0).then(|| Notice {
        id: "results-left-out",
        title: "Results that did not fit",
        level: NoticeLevel::Warning,
        text: format!(
            "{left_out} results are left out: a log may have {RESULTS_MAX}. The worst are here; \
             /v1/analyses/{}/findings lists all.",
            analysis.id
        )
        .into(),
        path: None,
        line: None,
        rule: None,
    });
    sarif::to_json(&Report {
        engine_version: env!("CARGO_PKG_VERSION"),
        rules_version: analysis.rules_version.as_deref().unwrap_or_default(),
        rules: rules.map(|(finding, _)| rule(finding)).collect(),
        results: found.iter().map(|(finding, verdict)| verdict.reported(finding)).collect(),
        notices: left_out.into_iter().chain(not_looked_at(analysis)).collect(),
        successful: true,
        category: CATEGORY,
    })
}

/// Files that were not read, or not wholly, and rules that were not finished.
fn not_looked_at(analysis: &Analysis) -> Vec<Notice<'_>> {
    let coverage = analysis.coverage.as_ref();
    let mut notices = coverage.map(sarif::coverage_notices).unwrap_or_default();
    let unfinished = analysis.metadata["incomplete"].as_array().map(Vec::as_slice);
    notices.extend(sarif::capped(unfinished.unwrap_or_default().iter().map(|one| {
        let rule = one["rule"].as_str();
        let (who, why) = (rule.unwrap_or("every rule"), one["reason"].as_str());
        Notice {
            id: "not-finished",
            title: "Rules that were not finished",
            level: NoticeLevel::Warning,
            text: format!("{who} was not finished: {}", why.unwrap_or("unknown")).into(),
            path: one["path"].as_str().filter(|path| !path.is_empty()),
            line: None,
            rule,
        }
    })));
    notices
}

/// What is said of a finding beside the finding itself.
struct Verdict {
    is_new: bool,
    dismissed: Option<String>,
}

impl Verdict {
    fn reported<'a>(&'a self, finding: &'a Finding) -> Reported<'a> {
        Reported {
            finding,
            columns: None,
            baseline: Some(if self.is_new { Baseline::New } else { Baseline::Unchanged }),
            dismissed: self.dismissed.as_deref(),
        }
    }
}

fn split(shown: Shown) -> (Finding, Verdict) {
    let verdict = Verdict {
        is_new: shown.state == "new",
        dismissed: shown
            .dismissal
            .map(|dismissal| dismissal.reason.unwrap_or_else(|| "dismissed".to_owned())),
    };
    let finding = Finding {
        rule: shown.rule,
        category: shown.category,
        severity: shown.severity,
        confidence: shown.confidence,
        verification: shown.verification,
        title: shown.title,
        description: shown.description.unwrap_or_default(),
        path: shown.path,
        lines: shown.lines,
        snippet: shown.snippet.unwrap_or_default(),
        snippet_hash: shown.snippet_hash,
        fingerprint: shown.fingerprint,
        trail: shown.trail,
        fix_suggestion: shown.fix_suggestion,
        fix_diff: shown.fix_diff,
        cwe: shown.tags.cwe,
        owasp: shown.tags.owasp,
        demoted: shown.tags.demoted,
    };
    (finding, verdict)
}

/// A rule as it was when the analysis was made: the one of today may say something else.
fn rule(finding: &Finding) -> Rule<'_> {
    Rule {
        id: &finding.rule,
        title: &finding.title,
        message: &finding.description,
        fix: finding.fix_suggestion.as_deref(),
        severity: finding.severity,
        confidence: finding.confidence,
        category: finding.category,
        cwe: &finding.cwe,
        owasp: &finding.owasp,
    }
}
