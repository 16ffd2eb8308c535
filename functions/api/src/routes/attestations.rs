use axum::{
    Json,
    extract::State,
    http::{HeaderName, header},
    response::{IntoResponse, Response},
};
use domain::{AnalysisId, AttestationId, Scope, Tier};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use signing::Envelope;
use store::{
    analyses,
    attestations::{self, Attestation},
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    Deps, auth::Caller, extract::Id, problem::Problem, public_url::PublicUrl, words::TierWord,
};

pub(crate) const DSSE: &str = "application/vnd.dsse.envelope.v1+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const STATEMENT: &str = signing::PAYLOAD_TYPE;

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(get_attestation_of_analysis))
        .routes(routes!(get_attestation))
        .routes(routes!(download_envelope))
        .routes(routes!(download_bundle))
        .routes(routes!(download_detail))
}

/// What was signed about a commit. The envelope decides; this is a reading of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Attestation)]
struct AttestationView {
    id: Uuid,
    repository_id: Uuid,
    analysis_id: Uuid,
    /// `pr`, `commit` or `release`.
    kind: String,
    repository: String,
    r#ref: Option<String>,
    commit: String,
    #[schema(value_type = TierWord)]
    tier: Tier,
    passed: bool,
    /// The key that signed it: an OpenSSH fingerprint, found in `/v1/public-keys`.
    key_id: String,
    /// The sha256 of the signed payload.
    attestation_hash: String,
    /// The attestation before it, which it names among its inputs.
    parent_id: Option<Uuid>,
    /// Which classes of defect were looked for.
    #[schema(value_type = Object)]
    scope: Value,
    #[schema(value_type = Object)]
    evidence: Value,
    created_at: Timestamp,
    expires_at: Timestamp,
    expired: bool,
    /// The badge of its repository, which shows the newest attestation.
    badge_url: Option<String>,
    links: Links,
}

/// Where its bytes are.
#[derive(Serialize, ToSchema)]
struct Links {
    dsse: String,
    bundle: String,
    detail: String,
    public_keys: String,
}

fn view(
    attestation: Attestation,
    badge_token: Option<String>,
    base: &PublicUrl,
) -> AttestationView {
    let at = |part: &str| base.at(&format!("/v1/attestations/{}/{part}", attestation.id));
    AttestationView {
        links: Links {
            dsse: at("dsse"),
            bundle: at("bundle"),
            detail: at("detail"),
            public_keys: base.at("/v1/public-keys"),
        },
        id: *attestation.id.as_uuid(),
        repository_id: *attestation.repository.as_uuid(),
        analysis_id: *attestation.analysis.as_uuid(),
        kind: attestation.kind,
        repository: attestation.repository_name,
        r#ref: attestation.git_ref,
        commit: attestation.commit,
        tier: attestation.tier,
        passed: attestation.passed,
        key_id: attestation.key_id,
        attestation_hash: attestation.hash,
        parent_id: attestation.parent.map(|id| *id.as_uuid()),
        scope: attestation.scope,
        evidence: attestation.evidence,
        created_at: attestation.created_at,
        expires_at: attestation.expires_at,
        expired: attestation.expired,
        badge_url: badge_token.map(|token| base.badge(&token)),
    }
}

fn no_attestation() -> Problem {
    Problem::not_found("attestation")
}

/// Get the attestation of an analysis.
#[utoipa::path(get, path = "/v1/analyses/{id}/attestation", tag = "attestations",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The attestation.", body = AttestationView)))]
async fn get_attestation_of_analysis(
    State(deps): State<Deps>,
    caller: Caller,
    base: PublicUrl,
    Id(id): Id<AnalysisId>,
) -> Result<Json<AttestationView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let found = attestations::find_by_analysis(&tenant.tx, id).await?.ok_or_else(no_attestation)?;
    let links = analyses::find_links(&tenant.tx, found.analysis).await?;
    tenant.commit().await?;
    Ok(Json(view(found, links.badge_token, &base)))
}

/// Get an attestation.
#[utoipa::path(get, path = "/v1/attestations/{id}", tag = "attestations",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The attestation.", body = AttestationView)))]
async fn get_attestation(
    State(deps): State<Deps>,
    caller: Caller,
    base: PublicUrl,
    Id(id): Id<AttestationId>,
) -> Result<Json<AttestationView>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let found = attestations::find(&tenant.tx, id).await?.ok_or_else(no_attestation)?;
    let links = analyses::find_links(&tenant.tx, found.analysis).await?;
    tenant.commit().await?;
    Ok(Json(view(found, links.badge_token, &base)))
}

/// Download the DSSE envelope in the exact bytes that were stored when it was signed.
#[utoipa::path(get, path = "/v1/attestations/{id}/dsse", tag = "attestations",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The envelope.", body = Object, content_type = DSSE)))]
async fn download_envelope(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AttestationId>,
) -> Result<Response, Problem> {
    let envelope = envelope(&deps, caller, id).await?;
    Ok(file(DSSE, "attestation.dsse.json", envelope))
}

/// Download the envelope as a Sigstore bundle, version 0.3.
#[utoipa::path(get, path = "/v1/attestations/{id}/bundle", tag = "attestations",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "The bundle.", body = Object, content_type = BUNDLE)))]
async fn download_bundle(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AttestationId>,
) -> Result<Response, Problem> {
    let stored = envelope(&deps, caller, id).await?;
    let envelope = Envelope::parse(&stored).map_err(Problem::bug)?;
    Ok(file(BUNDLE, "attestation.sigstore.json", signing::bundle(&envelope)))
}

/// Download the statement with the details, whose hash the signed one names among its inputs.
#[utoipa::path(get, path = "/v1/attestations/{id}/detail", tag = "attestations",
    params(("id" = Uuid, Path)),
    responses((status = 200, description = "An in-toto statement.", body = Object,
               content_type = STATEMENT)))]
async fn download_detail(
    State(deps): State<Deps>,
    caller: Caller,
    Id(id): Id<AttestationId>,
) -> Result<Response, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let detail = attestations::find_detail(&tenant.tx, id).await?.ok_or_else(no_attestation)?;
    tenant.commit().await?;
    Ok(file(STATEMENT, "attestation.detail.json", detail))
}

async fn envelope(deps: &Deps, caller: Caller, id: AttestationId) -> Result<Vec<u8>, Problem> {
    let mut session = deps.session().await?;
    let tenant = caller.enter(&mut session, Scope::Read).await?;
    let envelope = attestations::find_envelope(&tenant.tx, id).await?.ok_or_else(no_attestation)?;
    tenant.commit().await?;
    Ok(envelope)
}

/// Bytes to be kept, under a name that verifiers expect.
pub(crate) fn file(content_type: &str, name: &str, bytes: Vec<u8>) -> Response {
    let headers: [(HeaderName, String); 2] = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, bytes).into_response()
}
