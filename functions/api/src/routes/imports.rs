//! Findings of other tools, as SARIF logs.

use std::collections::{BTreeSet, HashMap};

use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{HeaderMap, StatusCode, header},
};
use domain::{
    AnalysisId, ChangedFile, Fingerprint, Gate, RepositoryId, RunStatus, Scope,
    kinds::analysis::Fetched,
};
use sarif::{Imported, InvalidSarif, Read};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    analyses::{self, Analysis, Metadata},
    dispositions,
    findings::{self, Expired, Foreign, Judged},
    run_steps,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps,
    auth::{Caller, Tenant},
    extract::{Filter, Id},
    problem::{Kind, MEDIA_TYPE, Problem, ProblemDocument},
};

/// A function URL takes six megabytes, of which Base64 may cost a quarter.
const LOG_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Findings of one log that are taken.
const FINDINGS_MAX: usize = 5_000;
/// Results that were not taken and are told one by one.
const SKIPPED_TOLD_MAX: usize = 100;
/// A longer name of a tool is cut.
const TOOL_CHARS_MAX: usize = 100;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(import_sarif)).layer(DefaultBodyLimit::max(LOG_BYTES_MAX))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ImportOptions {
    /// Whether new findings of the log count for the verdict; not unless told. Only while there is
    /// none: a verdict that was given stays as it was given.
    #[serde(default)]
    decide: bool,
}

/// What became of a log.
#[derive(Serialize, ToSchema)]
struct Import {
    /// The tools that wrote it.
    tools: Vec<String>,
    /// Findings that the analysis has now and did not have before.
    imported: u32,
    /// Findings that it had from an earlier import.
    known: u32,
    skipped_count: usize,
    /// Results that cannot become findings; the first 100.
    skipped: Vec<SkippedResult>,
}

#[derive(Serialize, ToSchema)]
struct SkippedResult {
    /// Where it stands in the log, such as `runs[0].results[3]`.
    at: String,
    reason: &'static str,
}

/// Import what other tools found in an analysis' commit, as a SARIF 2.1.0 log of at most 4 MiB.
///
/// The findings carry the name of their tool. The same log again changes nothing. What Assay
/// itself found is skipped: the analysis has it.
#[utoipa::path(post, path = "/v1/analyses/{id}/sarif", tag = "findings",
    params(("id" = Uuid, Path), ImportOptions),
    request_body(content = Object, content_type = "application/json"),
    responses(
        (status = 200, description = "They are there.", body = Import),
        (status = 409, description = "They were to decide, and the verdict is given.",
         body = ProblemDocument, content_type = MEDIA_TYPE),
        (status = 413, description = "The log is too large.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn import_sarif(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AnalysisId>,
    Filter(options): Filter<ImportOptions>,
    Log(log): Log,
) -> Result<Json<Import>, Problem> {
    let read = log.read()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let analysis = analyses::find(&tenant.tx, id).await?;
    let analysis = analysis.ok_or_else(|| Problem::not_found("analysis"))?;
    let repository = analysis.repository;
    let repository = repository.ok_or_else(|| Problem::conflict("the analysis is of no commit"))?;
    // From here on the run comes to no verdict.
    let status = findings::hold_back(&tenant.tx, id).await?;
    if options.decide && !status.is_some_and(is_undecided) {
        let detail = "the analysis has its verdict: import without `decide`, or analyse anew";
        return Err(Problem::conflict(detail));
    }
    let tools: BTreeSet<String> = read.findings.iter().map(tool).collect();
    let (foreign, skipped) = foreign(&tenant, &analysis, repository, read, options.decide).await?;
    let added = findings::import(&tenant.tx, id, &foreign).await?;
    let details = json!({ "tools": tools, "imported": added.all(), "decide": options.decide });
    tenant.audit("findings.imported", "analysis", *id.as_uuid(), &details).await?;
    tenant.commit().await?;
    Ok(Json(Import {
        tools: tools.into_iter().collect(),
        imported: added.all(),
        known: u32::try_from(foreign.len()).unwrap_or(u32::MAX) - added.all(),
        skipped_count: skipped.len(),
        skipped: skipped.into_iter().take(SKIPPED_TOLD_MAX).collect(),
    }))
}

fn is_undecided(status: RunStatus) -> bool {
    match status {
        RunStatus::Queued | RunStatus::Running | RunStatus::Waiting => true,
        RunStatus::Succeeded | RunStatus::Failed | RunStatus::Canceled => false,
    }
}

/// The log as it was sent; reading it may take a while, and nobody else waits for it.
struct Log(Sent);

struct Sent(Bytes);

impl<S: Send + Sync> FromRequest<S> for Log {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !announces_a_log(request.headers()) {
            let detail = "send SARIF, with the header Content-Type: application/json or \
                          application/sarif+json";
            return Err(Problem::new(Kind::UnsupportedMediaType, detail));
        }
        let bytes = Bytes::from_request(request, state).await.map_err(|rejection| {
            if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                let detail =
                    format!("at most {LOG_BYTES_MAX} bytes are read: split the log by its runs");
                Problem::new(Kind::TooLarge, detail)
            } else {
                Problem::new(Kind::UnreadableBody, "the body broke off")
            }
        })?;
        Ok(Self(Sent(bytes)))
    }
}

fn announces_a_log(headers: &HeaderMap) -> bool {
    let announced = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = announced.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    ["application/json", "application/sarif+json"]
        .iter()
        .any(|good| essence.eq_ignore_ascii_case(good))
}

impl Sent {
    fn read(&self) -> Result<Read, Problem> {
        let read = sarif::read(&self.0).map_err(|error| match &error {
            InvalidSarif::TooLarge { .. } => Problem::new(Kind::TooLarge, error.to_string()),
            InvalidSarif::NotUtf8 { .. } => Problem::new(Kind::UnreadableBody, error.to_string()),
            InvalidSarif::Field { path, message } => Problem::field(path.clone(), message.clone()),
            InvalidSarif::Version { .. } => Problem::field("version", error.to_string()),
            InvalidSarif::TooMany { path, .. } => Problem::field(path.clone(), error.to_string()),
        })?;
        let count = read.findings.len();
        if count > FINDINGS_MAX {
            let detail =
                format!("{count} findings; at most {FINDINGS_MAX} are taken: split the log");
            return Err(Problem::field("runs", detail));
        }
        Ok(read)
    }
}

/// The findings as rows, and what cannot be one.
async fn foreign(
    tenant: &Tenant<'_>,
    analysis: &Analysis,
    repository: RepositoryId,
    read: Read,
    decide: bool,
) -> Result<(Vec<Foreign>, Vec<SkippedResult>), Problem> {
    let changes = changes(tenant, analysis).await?;
    let metadata: Metadata = serde_json::from_value(analysis.metadata.clone()).unwrap_or_default();
    let dismissed = dispositions::list_dismissed(&tenant.tx, repository).await?;
    let dismissed: HashMap<&Fingerprint, _> =
        dismissed.iter().map(|one| (&one.fingerprint, one)).collect();
    let mut skipped: Vec<SkippedResult> = read
        .skipped
        .into_iter()
        .map(|one| SkippedResult { at: one.at, reason: one.reason.as_str() })
        .collect();
    let mut taken = Vec::new();
    for imported in read.findings {
        if imported.is_own {
            let at = format!("{}:{}", imported.finding.path, imported.finding.lines.first);
            skipped.push(SkippedResult { at, reason: "is Assay's own" });
            continue;
        }
        let tool = tool(&imported);
        let mut judged = of_its_own(imported, &tool, changes.as_deref());
        if let Some(known) = dismissed.get(&judged.finding.fingerprint) {
            match known.expired_at {
                None => judged.dismissed = Some((known.decided_by.clone(), known.reason.clone())),
                Some(at) => {
                    judged.expired = Some(Expired {
                        by: known.decided_by.clone(),
                        owner: known.owner.clone(),
                        ground: known.ground,
                        reason: known.reason.clone(),
                        at,
                    })
                }
            }
        }
        judged.deciding = decide && counts(&judged, &metadata.gate);
        taken.push(Foreign { judged, tool });
    }
    Ok((taken, skipped))
}

fn counts(judged: &Judged, gate: &Gate) -> bool {
    judged.new && judged.dismissed.is_none() && gate.counts(&judged.finding)
}

fn tool(imported: &Imported) -> String {
    imported.tool.chars().take(TOOL_CHARS_MAX).collect()
}

/// As a finding of its tool: no other tool's, and none of Assay's, has its fingerprint.
fn of_its_own(imported: Imported, tool: &str, changes: Option<&[ChangedFile]>) -> Judged {
    let Imported { mut finding, suppressed, .. } = imported;
    let given = finding.fingerprint.as_str();
    finding.fingerprint = Fingerprint::of(&finding.rule, &finding.path, tool, given, 0);
    finding.trail = None;
    finding.demoted |= ::analysis::is_demoted_by_name(&finding.path);
    let path = &finding.path;
    let new = changes.is_none_or(|changes| {
        changes.iter().any(|file| file.path == *path && file.lines.overlaps(finding.lines))
    });
    let reason = suppressed.map(|reason| match reason.trim() {
        "" => "suppressed".to_owned(),
        said => said.to_owned(),
    });
    let dismissed = reason.map(|reason| (format!("tool:{tool}"), reason));
    Judged { finding, new, deciding: false, dismissed, lineage: None, expired: None, proof: None }
}

/// What the run compared its commit with.
async fn changes(
    tenant: &Tenant<'_>,
    analysis: &Analysis,
) -> Result<Option<Vec<ChangedFile>>, Problem> {
    let Some(run) = analysis.run else { return Ok(None) };
    let fetched = run_steps::list_outputs(&tenant.tx, &[run], "fetch").await?.pop();
    let fetched = fetched.and_then(|output| serde_json::from_value::<Fetched>(output).ok());
    Ok(fetched.and_then(|fetched| fetched.changes))
}
