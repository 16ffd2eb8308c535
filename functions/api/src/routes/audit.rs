use axum::{Json, extract::State};
use domain::{ApiKeyId, Scope};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::audit_logs::{self, Entry};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps,
    auth::Caller,
    extract::Filter,
    paging::{Asked, List},
    problem::Problem,
};

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(list_audit_logs))
}

/// Something that was changed, and by whom.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView {
    id: Uuid,
    api_key_id: Option<Uuid>,
    /// Such as `finding.dismissed`.
    action: String,
    resource_type: Option<String>,
    resource_id: Option<Uuid>,
    #[schema(value_type = Object)]
    details: Value,
    ip_address: Option<String>,
    user_agent: Option<String>,
    created_at: Timestamp,
}

impl From<Entry> for EntryView {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id,
            api_key_id: entry.api_key.map(|id| *id.as_uuid()),
            action: entry.action,
            resource_type: entry.resource_type,
            resource_id: entry.resource,
            details: entry.details,
            ip_address: entry.ip_address,
            user_agent: entry.user_agent,
            created_at: entry.created_at,
        }
    }
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditFilter {
    /// Such as `finding.dismissed`.
    #[param(max_length = 255)]
    action: Option<String>,
    resource_id: Option<Uuid>,
    #[param(value_type = Option<Uuid>)]
    api_key_id: Option<ApiKeyId>,
    /// `next_cursor` of the page before.
    cursor: Option<Uuid>,
    /// At most this many; 50 unless told, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

/// List who changed what.
#[utoipa::path(get, path = "/v1/audit-logs", tag = "administration", params(AuditFilter),
    responses((status = 200, description = "Newest first.", body = List<EntryView>)))]
async fn list_audit_logs(
    State(deps): State<Deps>,
    caller: Caller,
    Filter(wanted): Filter<AuditFilter>,
) -> Result<Json<List<EntryView>>, Problem> {
    let asked = Asked::new(wanted.cursor, wanted.limit)?;
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Admin).await?;
    let filter = audit_logs::Filter {
        action: wanted.action.as_deref(),
        resource: wanted.resource_id,
        api_key: wanted.api_key_id,
    };
    let rows = audit_logs::list(&tenant.tx, &filter, asked.page()).await?;
    tenant.commit().await?;
    Ok(Json(asked.list(rows, |row| row.id, EntryView::from)))
}
