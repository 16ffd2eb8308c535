use axum::{Json, extract::State, http::StatusCode, http::header, response::IntoResponse};
use domain::{RepositoryId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::repositories::{self, Changes, NewRepository, Repository};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::{Caller, Tenant},
    clone_url,
    extract::{Body, Filter, Id, check_text},
    paging::{Asked, List},
    problem::{Checks, MEDIA_TYPE, Problem, ProblemDocument},
};

/// As the database's column allows.
const FULL_NAME_CHARS_MAX: usize = 512;
const NAME_CHARS_MAX: usize = 255;
/// Git itself stops near there.
const REF_CHARS_MAX: usize = 255;
const SYNC_INTERVAL_MINUTES: std::ops::RangeInclusive<i32> = 5..=10_080;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(register_repository, list_repositories))
        .routes(routes!(get_repository, change_repository))
}

/// A repository that is watched.
#[derive(Serialize, ToSchema)]
#[schema(as = Repository)]
struct RepositoryView {
    id: Uuid,
    /// In which its artifacts are kept.
    project_id: Uuid,
    /// `github`, or `git` for any other host.
    provider: String,
    github_id: Option<i64>,
    full_name: String,
    private: bool,
    default_branch: String,
    clone_url: String,
    html_url: Option<String>,
    /// Whether events of it are examined.
    enabled: bool,
    /// Whether its GitHub App installation is suspended or gone.
    suspended: bool,
    archived_at: Option<Timestamp>,
    /// When it is synced next; null means never by itself.
    next_sync_at: Option<Timestamp>,
    sync_interval_minutes: i32,
    created_at: Timestamp,
}

impl From<Repository> for RepositoryView {
    fn from(repository: Repository) -> Self {
        Self {
            id: *repository.id.as_uuid(),
            project_id: *repository.project.as_uuid(),
            provider: repository.provider,
            github_id: repository.github_id,
            full_name: repository.full_name,
            private: repository.private,
            default_branch: repository.default_branch,
            clone_url: repository.clone_url,
            html_url: repository.html_url,
            enabled: repository.enabled,
            suspended: repository.suspended,
            archived_at: repository.archived_at,
            next_sync_at: repository.next_sync_at,
            sync_interval_minutes: repository.sync_interval_minutes,
            created_at: repository.created_at,
        }
    }
}

/// A repository to be watched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterRepository {
    /// Owner and name, such as `acme/widget`.
    full_name: String,
    /// GitHub's number of the repository; by it its webhooks are recognised.
    github_id: Option<i64>,
    /// Where to fetch from: https, without credentials.
    clone_url: String,
    #[serde(default = "main_branch")]
    #[schema(default = "main")]
    default_branch: String,
    /// `github` or `git`; by default `github` when there is a `github_id`.
    provider: Option<Provider>,
    /// Whether its badge hides everything but the tier.
    #[serde(default)]
    private: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Provider {
    Github,
    Git,
}

impl Provider {
    fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Git => "git",
        }
    }
}

fn main_branch() -> String {
    "main".to_owned()
}

impl RegisterRepository {
    fn provider(&self) -> Provider {
        let guessed = if self.github_id.is_some() { Provider::Github } else { Provider::Git };
        self.provider.unwrap_or(guessed)
    }

    fn check(&self, private_hosts: &[String]) -> Result<(), Problem> {
        let mut checks = Checks::default();
        check_text(&mut checks, "full_name", &self.full_name, 3, FULL_NAME_CHARS_MAX);
        let (owner, name) = self.parts();
        checks.require(
            !owner.is_empty()
                && (1..=NAME_CHARS_MAX).contains(&name.chars().count())
                && !self.full_name.contains(char::is_whitespace),
            "full_name",
            "expected owner/name without blanks",
        );
        checks.require(
            self.provider() != Provider::Github || self.github_id.is_some_and(|id| id > 0),
            "github_id",
            "a repository on GitHub needs its number there",
        );
        if let Err(reason) = clone_url::check(&self.clone_url, private_hosts) {
            checks.require(false, "clone_url", reason);
        }
        check_ref(&mut checks, "default_branch", &self.default_branch);
        checks.done()
    }

    fn parts(&self) -> (&str, &str) {
        self.full_name.rsplit_once('/').unwrap_or(("", &self.full_name))
    }
}

/// What git would never take for the name of a branch (git-check-ref-format).
pub(super) fn check_ref(checks: &mut Checks, field: &str, name: &str) {
    let length = name.chars().count();
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
    let fine = (1..=REF_CHARS_MAX).contains(&length)
        && !name.contains(forbidden)
        && !name.contains("..")
        && !name.starts_with(['-', '/'])
        && !name.ends_with(['/', '.']);
    checks.require(fine, field, "this is not a name that git takes for a branch");
}

/// Watch a repository.
#[utoipa::path(post, path = "/v1/repositories", tag = "repositories",
    request_body = RegisterRepository,
    responses(
        (status = 201, description = "It is watched from now on.", body = RepositoryView,
         headers(("Location" = String))),
        (status = 409, description = "It is registered already.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn register_repository(
    State(deps): State<Deps>,
    caller: Caller,
    Body(new): Body<RegisterRepository>,
) -> Result<impl IntoResponse, Problem> {
    new.check(&deps.config().private_git_hosts)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let (owner, name) = new.parts();
    let html_url = (new.provider() == Provider::Github)
        .then(|| new.clone_url.strip_suffix(".git").unwrap_or(&new.clone_url));
    let row = NewRepository {
        provider: new.provider().as_str(),
        github_id: new.github_id,
        installation: None,
        owner,
        name,
        full_name: &new.full_name,
        private: new.private,
        default_branch: &new.default_branch,
        clone_url: &new.clone_url,
        html_url,
    };
    let id = repositories::insert(&tenant.tx, tenant.org, &row)
        .await?
        .ok_or_else(|| Problem::conflict(format!("{} is registered already", new.full_name)))?;
    let details = json!({ "full_name": new.full_name });
    tenant.audit("repository.registered", "repository", *id.as_uuid(), &details).await?;
    let view = find(&tenant, id).await?;
    tenant.commit().await?;
    let location = format!("/v1/repositories/{id}");
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(view)))
}

async fn find(tenant: &Tenant<'_>, id: RepositoryId) -> Result<RepositoryView, Problem> {
    let repository = repositories::find(&tenant.tx, id).await?;
    repository.map(RepositoryView::from).ok_or_else(|| Problem::not_found("repository"))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RepositoryFilter {
    enabled: Option<bool>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List the repositories that are watched.
#[utoipa::path(get, path = "/v1/repositories", tag = "repositories", params(RepositoryFilter),
    responses((status = 200, description = "Newest first.", body = List<RepositoryView>)))]
async fn list_repositories(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<RepositoryFilter>,
) -> Result<Json<List<RepositoryView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let filter = repositories::Filter { enabled: wanted.enabled };
    let rows = repositories::list(&tenant.tx, filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), RepositoryView::from)))
}

/// Get one repository.
#[utoipa::path(get, path = "/v1/repositories/{id}", tag = "repositories",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The repository.", body = RepositoryView)))]
async fn get_repository(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
) -> Result<Json<RepositoryView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let view = find(&tenant, id).await?;
    tenant.commit().await?;
    Ok(Json(view))
}

/// Settings to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangeRepository {
    enabled: Option<bool>,
    default_branch: Option<String>,
    #[schema(minimum = 5, maximum = 10_080)]
    sync_interval_minutes: Option<i32>,
}

impl ChangeRepository {
    fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        let Self { enabled, default_branch, sync_interval_minutes } = self;
        checks.require(
            enabled.is_some() || default_branch.is_some() || sync_interval_minutes.is_some(),
            "body",
            "there is nothing to change in it",
        );
        if let Some(branch) = default_branch {
            check_ref(&mut checks, "default_branch", branch);
        }
        checks.require(
            sync_interval_minutes.is_none_or(|minutes| SYNC_INTERVAL_MINUTES.contains(&minutes)),
            "sync_interval_minutes",
            "expected 5 to 10080 minutes",
        );
        checks.done()
    }
}

/// Change a repository's settings.
#[utoipa::path(patch, path = "/v1/repositories/{id}", tag = "repositories",
    params(("id" = Uuid, Path)), request_body = ChangeRepository,
    responses((status = 200, description = "As it is now.", body = RepositoryView)))]
async fn change_repository(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<RepositoryId>,
    Body(wanted): Body<ChangeRepository>,
) -> Result<Json<RepositoryView>, Problem> {
    wanted.check()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Write).await?;
    let changes = Changes {
        enabled: wanted.enabled,
        default_branch: wanted.default_branch.as_deref(),
        sync_interval_minutes: wanted.sync_interval_minutes,
    };
    if !repositories::update(&tenant.tx, id, &changes).await? {
        return Err(Problem::not_found("repository"));
    }
    let details = json!({
        "enabled": wanted.enabled,
        "default_branch": wanted.default_branch,
        "sync_interval_minutes": wanted.sync_interval_minutes,
    });
    tenant.audit("repository.changed", "repository", *id.as_uuid(), &details).await?;
    let view = find(&tenant, id).await?;
    tenant.commit().await?;
    Ok(Json(view))
}
