use axum::{Json, extract::State, http::StatusCode, response::IntoResponse};
use domain::{ApiKey, ApiKeyId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::api_keys::{self, KeyRecord};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::{Body, Filter, Id, check_text},
    paging::{Asked, List},
    problem::{Checks, Problem},
    words::ScopeWord,
};

/// As the database's column allows.
const NAME_CHARS_MAX: usize = 255;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(create_key, list_keys)).routes(routes!(revoke_key))
}

/// An API key, without what would let anyone use it.
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyView {
    id: Uuid,
    name: String,
    /// The first characters of the key, by which people tell their keys apart.
    prefix: String,
    #[schema(value_type = Vec<ScopeWord>)]
    scopes: Vec<Scope>,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    /// True to the minute.
    last_used_at: Option<Timestamp>,
    created_at: Timestamp,
}

impl From<KeyRecord> for KeyView {
    fn from(key: KeyRecord) -> Self {
        Self {
            id: *key.id.as_uuid(),
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes,
            expires_at: key.expires_at,
            revoked_at: key.revoked_at,
            last_used_at: key.last_used_at,
            created_at: key.created_at,
        }
    }
}

/// A key that was just made.
#[derive(Serialize, ToSchema)]
struct CreatedKey {
    #[serde(flatten)]
    record: KeyView,
    /// The key itself. It is shown this once and cannot be shown again.
    key: String,
}

/// A key to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateKey {
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// `write` includes `read`, and `admin` both.
    #[schema(value_type = Vec<ScopeWord>, min_items = 1)]
    scopes: Vec<Scope>,
    /// Null: never.
    expires_at: Option<Timestamp>,
}

impl CreateKey {
    fn check(&self) -> Result<(), Problem> {
        let mut checks = Checks::default();
        check_text(&mut checks, "name", &self.name, 1, NAME_CHARS_MAX);
        let mut scopes = self.scopes.clone();
        scopes.sort_unstable();
        scopes.dedup();
        checks.require(
            !scopes.is_empty() && scopes.len() == self.scopes.len(),
            "scopes",
            "expected at least one of read, write, admin, and none twice",
        );
        checks.done()
    }
}

/// Make an API key.
#[utoipa::path(post, path = "/v1/keys", tag = "administration", request_body = CreateKey,
    responses((status = 201, description = "The key, shown this once.", body = CreatedKey)))]
async fn create_key(
    State(deps): State<Deps>,
    caller: Caller,
    Body(wanted): Body<CreateKey>,
) -> Result<impl IntoResponse, Problem> {
    wanted.check()?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Admin).await?;
    let mut entropy = [0; ApiKey::ENTROPY_BYTES];
    getrandom::fill(&mut entropy).map_err(Problem::bug)?;
    let key = ApiKey::generate(&entropy);
    let id = api_keys::insert(
        &tenant.tx,
        tenant.org,
        wanted.name.trim(),
        &key,
        &wanted.scopes,
        wanted.expires_at,
    )
    .await?;
    let record = api_keys::find(&tenant.tx, id).await?;
    let record = record.ok_or_else(|| Problem::not_found("key"))?;
    if record.expired {
        return Err(Problem::field("expires_at", "it lies in the past"));
    }
    let details = json!({ "name": record.name, "scopes": wanted.scopes });
    tenant.audit("api_key.created", "api_key", *id.as_uuid(), &details).await?;
    tenant.commit().await?;
    let created = CreatedKey { record: record.into(), key: key.reveal().to_owned() };
    Ok((StatusCode::CREATED, Json(created)))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct KeyFilter {
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List API keys, without the keys.
#[utoipa::path(get, path = "/v1/keys", tag = "administration", params(KeyFilter),
    responses((status = 200, description = "Newest first, revoked and expired ones included.",
               body = List<KeyView>)))]
async fn list_keys(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<KeyFilter>,
) -> Result<Json<List<KeyView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Admin).await?;
    let rows = api_keys::list(&tenant.tx, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| *row.id.as_uuid(), KeyView::from)))
}

/// Revoke an API key: it opens nothing from now on. A revoked one stays revoked.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "administration",
    params(("id" = Uuid, Path)),
    responses((status = 204, description = "It is revoked.")))]
async fn revoke_key(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Admin).await?;
    if api_keys::find(&tenant.tx, id).await?.is_none() {
        return Err(Problem::not_found("key"));
    }
    if api_keys::revoke(&tenant.tx, id).await? {
        tenant.audit("api_key.revoked", "api_key", *id.as_uuid(), &json!({})).await?;
    }
    tenant.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
