mod policy;

use axum::{Json, extract::State};
use domain::{AnalysisId, Coverage, RepositoryId, Scope, Severity, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::analyses::{self, Analysis, Counts, Delta};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::{Filter, Id},
    paging::{Asked, List},
    problem::Problem,
    public_url::PublicUrl,
    words::VerdictWord,
};
use policy::PolicyView;

/// Longer lists are cut in an analysis' coverage; their lengths stay true.
const LISTED_FILES_MAX: usize = 200;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_analyses)).routes(routes!(get_analysis))
}

/// What was learned about one commit.
#[derive(Serialize, ToSchema)]
#[schema(as = Analysis)]
struct AnalysisView {
    id: Uuid,
    repository_id: Option<Uuid>,
    run_id: Option<Uuid>,
    /// `pull_request`, `commit` or `project`.
    kind: String,
    pull_request: Option<i32>,
    title: Option<String>,
    r#ref: Option<String>,
    commit: Option<String>,
    /// The commit that the change starts from; without one every line counts as new.
    base: Option<String>,
    /// `pending`, `running`, `completed` or `failed`.
    status: String,
    #[schema(value_type = Option<VerdictWord>)]
    verdict: Option<Verdict>,
    /// Null until the analysis is complete.
    counts: Option<CountsView>,
    rules_version: Option<String>,
    error: Option<String>,
    created_at: Timestamp,
    started_at: Option<Timestamp>,
    completed_at: Option<Timestamp>,
}

/// How many findings there are.
#[derive(Serialize, ToSchema)]
#[schema(as = Counts)]
struct CountsView {
    /// Findings that counted for the verdict when it was given.
    deciding: BySeverity,
    /// Findings that the base does not have.
    new: u32,
    existing: u32,
    dismissed: u32,
    /// Findings that count again because their dismissal expired.
    expired: u32,
    total: u32,
    /// Against the base. Null: there was nothing to compare with.
    since_base: Option<DeltaView>,
    /// Against the analysis of the same pull request before; without formal checks.
    since_previous: Option<DeltaView>,
}

/// What became of the findings between two commits.
#[derive(Serialize, ToSchema)]
#[schema(as = Delta)]
struct DeltaView {
    new: u32,
    fixed: u32,
    persisting: u32,
}

impl From<Delta> for DeltaView {
    fn from(Delta { new, fixed, persisting }: Delta) -> Self {
        Self { new, fixed, persisting }
    }
}

#[derive(Serialize, ToSchema)]
struct BySeverity {
    critical: u32,
    high: u32,
    medium: u32,
    low: u32,
    info: u32,
}

impl From<Counts> for CountsView {
    fn from(counts: Counts) -> Self {
        let of = |severity| counts.deciding.get(&severity).copied().unwrap_or(0);
        Self {
            deciding: BySeverity {
                critical: of(Severity::Critical),
                high: of(Severity::High),
                medium: of(Severity::Medium),
                low: of(Severity::Low),
                info: of(Severity::Info),
            },
            new: counts.new,
            existing: counts.existing,
            dismissed: counts.dismissed,
            expired: counts.expired,
            total: counts.total,
            since_base: counts.since_base.map(DeltaView::from),
            since_previous: counts.since_previous.map(DeltaView::from),
        }
    }
}

impl From<&Analysis> for AnalysisView {
    fn from(analysis: &Analysis) -> Self {
        // Before completion the column is an empty object, which is no `Counts`.
        let counts = serde_json::from_value::<Counts>(analysis.counts.clone()).ok();
        Self {
            id: *analysis.id.as_uuid(),
            repository_id: analysis.repository.map(|id| *id.as_uuid()),
            run_id: analysis.run.map(|id| *id.as_uuid()),
            kind: analysis.kind.clone(),
            pull_request: analysis.pull_request,
            title: analysis.title.clone(),
            r#ref: analysis.git_ref.clone(),
            commit: analysis.head.as_ref().map(ToString::to_string),
            base: analysis.base.as_ref().map(ToString::to_string),
            status: analysis.status.clone(),
            verdict: analysis.verdict,
            counts: counts.map(CountsView::from),
            rules_version: analysis.rules_version.clone(),
            error: analysis.error_message.clone(),
            created_at: analysis.created_at,
            started_at: analysis.started_at,
            completed_at: analysis.completed_at,
        }
    }
}

/// An analysis with what it looked at and what came of it.
#[derive(Serialize, ToSchema)]
struct AnalysisDetail {
    #[serde(flatten)]
    analysis: AnalysisView,
    coverage: Option<CoverageView>,
    /// Null: it is not complete, or older than policies.
    policy: Option<PolicyView>,
    attestation_id: Option<Uuid>,
    /// The badge of its repository, which shows the newest attestation.
    badge_url: Option<String>,
}

/// What was looked at, and what was not.
#[derive(Serialize, ToSchema)]
#[schema(as = Coverage)]
struct CoverageView {
    files: u32,
    analysed: u32,
    /// Share of the files in a known language that were parsed, 0.0 to 1.0.
    ratio: f64,
    lines: u64,
    functions: u32,
    classes: u32,
    imports: u32,
    calls: u32,
    /// Files by language.
    languages: std::collections::BTreeMap<String, u32>,
    problem_count: usize,
    /// Files that parsed only in part, so that nobody knows all that is in them; the first 200.
    problems: Vec<PartlyParsed>,
    unanalysed_count: usize,
    /// Files that were not looked at; the first 200.
    unanalysed: Vec<NotAnalysed>,
}

#[derive(Serialize, ToSchema)]
struct PartlyParsed {
    path: String,
    /// Where the first syntax error stands.
    line: u32,
    errors: u32,
}

#[derive(Serialize, ToSchema)]
struct NotAnalysed {
    path: String,
    reason: String,
}

impl From<Coverage> for CoverageView {
    fn from(coverage: Coverage) -> Self {
        let ratio = coverage.ratio();
        let problems = coverage.problems.iter().take(LISTED_FILES_MAX).map(|file| PartlyParsed {
            path: file.path.clone(),
            line: file.line,
            errors: file.errors,
        });
        let unanalysed = coverage
            .unanalysed
            .iter()
            .take(LISTED_FILES_MAX)
            .map(|file| NotAnalysed { path: file.path.clone(), reason: file.reason.to_string() });
        Self {
            files: coverage.files,
            analysed: coverage.analysed,
            ratio,
            lines: coverage.lines,
            functions: coverage.functions,
            classes: coverage.classes,
            imports: coverage.imports,
            calls: coverage.calls,
            languages: coverage
                .languages
                .iter()
                .map(|(language, files)| (language.to_string(), *files))
                .collect(),
            problem_count: coverage.problems.len(),
            problems: problems.collect(),
            unanalysed_count: coverage.unanalysed.len(),
            unanalysed: unanalysed.collect(),
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AnalysisFilter {
    #[param(value_type = Option<Uuid>)]
    repository_id: Option<RepositoryId>,
    #[param(inline)]
    status: Option<AnalysisStatus>,
    #[param(inline, value_type = Option<VerdictWord>)]
    verdict: Option<Verdict>,
    /// The full name of a commit.
    #[param(max_length = 64)]
    commit: Option<String>,
    pull_request: Option<i32>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum AnalysisStatus {
    Pending,
    Running,
    Completed,
    Failed,
}

impl AnalysisStatus {
    fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// List analyses.
#[utoipa::path(get, path = "/v1/analyses", tag = "analyses", params(AnalysisFilter),
    responses((status = 200, description = "Newest first.", body = List<AnalysisView>)))]
async fn list_analyses(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<AnalysisFilter>,
) -> Result<Json<List<AnalysisView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = analyses::Filter {
        repository: wanted.repository_id,
        status: wanted.status.map(AnalysisStatus::as_str),
        verdict: wanted.verdict,
        commit: wanted.commit.as_deref(),
        pull_request: wanted.pull_request,
    };
    let rows = analyses::list(&tenant.tx, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), |row| AnalysisView::from(&row))))
}

/// Get an analysis with its coverage, attestation and badge.
#[utoipa::path(get, path = "/v1/analyses/{id}", tag = "analyses", params(("id" = Uuid, Path)),
    responses((status = 200, description = "The analysis.", body = AnalysisDetail)))]
async fn get_analysis(
    State(deps): State<Deps>,
    caller: Caller,
    base: PublicUrl,
    Id(id): Id<AnalysisId>,
) -> Result<Json<AnalysisDetail>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let analysis = analyses::find(&tenant.tx, id).await?;
    let analysis = analysis.ok_or_else(|| Problem::not_found("analysis"))?;
    let links = analyses::find_links(&tenant.tx, id).await?;
    tenant.commit().await?;
    Ok(Json(AnalysisDetail {
        analysis: AnalysisView::from(&analysis),
        policy: PolicyView::of(&analysis.metadata),
        coverage: analysis.coverage.map(CoverageView::from),
        attestation_id: links.attestation.map(|id| *id.as_uuid()),
        badge_url: links.badge_token.map(|token| base.badge(&token)),
    }))
}
