//! What a repository may show to strangers. The token in the address is the permission.

use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderName, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use domain::{AttestationId, OrgId, Tier};
use jiff::Timestamp;
use serde::Serialize;
use signing::{Envelope, PublicKey};
use store::{
    Session, Tx, attestations,
    badges::{self, Badge},
    signing_keys,
};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps,
    badge_image::{self, State as Shown},
    extract::path_segment,
    problem::{Kind, MEDIA_TYPE, Problem, ProblemDocument},
    public_url::PublicUrl,
    routes::attestations::{DSSE, file},
    words::TierWord,
};

const SVG: &str = "image/svg+xml;charset=utf-8";
/// Caches may keep a badge this long, and GitHub's does.
const CACHE: &str = "public, max-age=300, s-maxage=300";
/// An SVG that is opened by itself must not load or run anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new()
        .routes(routes!(show_badge))
        .routes(routes!(verify_badge))
        .routes(routes!(download_badge_envelope))
}

/// A badge's token, from `/badge/{token}.svg` or `/badge/{token}/…`.
struct Token(String);

impl<S: Send + Sync> FromRequestParts<S> for Token {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        path_segment(parts, state).await.map(Self)
    }
}

impl Token {
    /// The token in a file name; none when it cannot be one, which no database needs to be asked.
    fn of_image(&self) -> Option<&str> {
        self.0.strip_suffix(".svg").filter(|token| is_token(token))
    }

    fn bare(&self) -> Option<&str> {
        is_token(&self.0).then_some(&self.0)
    }
}

/// 128 random bits in base64url.
fn is_token(text: &str) -> bool {
    text.len() == 22 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// Opens the tenant whose badge a token is.
async fn open<'s>(session: &'s mut Session, token: &str) -> Result<Option<Tx<'s>>, Problem> {
    let unscoped = session.begin_unscoped().await?;
    let Some(org): Option<OrgId> = unscoped.locate_badge(token).await? else { return Ok(None) };
    Ok(Some(unscoped.scope(org).await?))
}

/// A repository's badge. `file` is its token followed by `.svg`.
///
/// What it shows is read from the newest attestation at each request. An unknown token shows
/// "not found", so that a page never shows a broken picture.
#[utoipa::path(get, path = "/badge/{file}", tag = "badges", security(()),
    params(("file" = String, Path, description = "The token followed by `.svg`.")),
    responses(
        (status = 200, description = "The badge.", body = String, content_type = SVG),
        (status = 304, description = "It is still as `If-None-Match` knows it."),
        (status = 404, description = "A badge that says \"not found\".", body = String,
         content_type = SVG)))]
async fn show_badge(State(deps): State<Deps>, token: Token, headers: HeaderMap) -> Response {
    let outcome = match token.of_image() {
        Some(token) => look_at(&deps, token).await,
        None => Ok(None),
    };
    match outcome {
        Ok(Some((style, shown))) => image(StatusCode::OK, CACHE, &style, shown, &headers),
        Ok(None) => image(StatusCode::NOT_FOUND, CACHE, "flat", Shown::NotFound, &headers),
        Err(problem) => {
            // An error would show as a broken picture on someone's page; it goes to the log only.
            problem.log();
            image(StatusCode::OK, "no-store", "flat", Shown::Unknown, &headers)
        }
    }
}

async fn look_at(deps: &Deps, token: &str) -> Result<Option<(String, Shown)>, Problem> {
    let mut session = deps.session().await?;
    let Some(tx) = open(&mut session, token).await? else { return Ok(None) };
    let Some(badge) = badges::find_by_token(&tx, token).await? else { return Ok(None) };
    badges::count_view(&tx, badge.id).await?;
    tx.commit().await?;
    Ok(Some((badge.style.clone(), state_of(&badge))))
}

fn state_of(badge: &Badge) -> Shown {
    let attestation = &badge.attestation;
    badge_image::state(attestation.passed, attestation.expired, attestation.tier)
}

fn image(
    status: StatusCode,
    cache: &'static str,
    style: &str,
    shown: Shown,
    asked: &HeaderMap,
) -> Response {
    let svg = badge_image::render(style, shown);
    let tag = badge_image::entity_tag(&svg);
    let headers: [(HeaderName, &str); 4] = [
        (header::CONTENT_TYPE, SVG),
        (header::CACHE_CONTROL, cache),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::ETAG, &tag),
    ];
    if status == StatusCode::OK && badge_image::is_known(asked, &tag) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    (status, headers, svg).into_response()
}

/// What a badge stands on.
#[derive(Serialize, ToSchema)]
struct BadgeReport {
    /// Not expired, passed, and the signature is good.
    valid: bool,
    /// What the badge says, such as `gold certified`.
    status: String,
    #[schema(value_type = TierWord)]
    tier: Tier,
    passed: bool,
    expired: bool,
    /// Whether the stored envelope verifies with the key it names, from the published history.
    signature_verified: bool,
    key_id: String,
    attestation_hash: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// Null for a private repository.
    repository: Option<String>,
    /// Null for a private repository.
    commit: Option<String>,
    /// Where to check it without us; null for a private repository.
    attestation_url: Option<String>,
    public_keys_url: String,
}

fn no_badge() -> Problem {
    Problem::new(Kind::NotFound, "there is no such badge")
}

/// Tell what a badge stands on.
#[utoipa::path(get, path = "/badge/{token}/verify", tag = "badges", security(()),
    params(("token" = String, Path)),
    responses(
        (status = 200, description = "What it stands on.", body = BadgeReport),
        (status = 404, description = "There is no such badge.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn verify_badge(
    State(deps): State<Deps>,
    base: PublicUrl,
    token: Token,
) -> Result<impl IntoResponse, Problem> {
    let token = token.bare().ok_or_else(no_badge)?;
    let mut session = deps.session().await?;
    let tx = open(&mut session, token).await?.ok_or_else(no_badge)?;
    let badge = badges::find_by_token(&tx, token).await?.ok_or_else(no_badge)?;
    let signature_verified = verifies(&tx, badge.attestation.id, &badge.attestation.key_id).await?;
    tx.commit().await?;

    let status = state_of(&badge).message();
    let attestation = badge.attestation;
    let public = |text: String| (!badge.private).then_some(text);
    let report = BadgeReport {
        valid: !attestation.expired && attestation.passed && signature_verified,
        status,
        tier: attestation.tier,
        passed: attestation.passed,
        expired: attestation.expired,
        signature_verified,
        key_id: attestation.key_id,
        attestation_hash: attestation.hash,
        created_at: attestation.created_at,
        expires_at: attestation.expires_at,
        repository: public(attestation.repository_name),
        commit: public(attestation.commit),
        attestation_url: public(base.at(&format!("/badge/{token}/attestation.dsse.json"))),
        public_keys_url: base.at("/v1/public-keys"),
    };
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(report)))
}

/// Whether the stored bytes were signed by the key of that name.
async fn verifies(tx: &Tx<'_>, id: AttestationId, key_id: &str) -> Result<bool, Problem> {
    let envelope = attestations::find_envelope(tx, id).await?;
    let key = signing_keys::find(tx, key_id).await?;
    let (Some(bytes), Some(key)) = (envelope, key) else { return Ok(false) };
    let parsed = Envelope::parse(&bytes).ok().zip(PublicKey::from_pem(&key.public_key_pem).ok());
    Ok(parsed.is_some_and(|(envelope, key)| envelope.verify(&key).is_ok()))
}

/// Download the envelope that a badge stands on. A private repository's needs an API key.
#[utoipa::path(get, path = "/badge/{token}/attestation.dsse.json", tag = "badges", security(()),
    params(("token" = String, Path)),
    responses(
        (status = 200, description = "The envelope.", body = Object, content_type = DSSE),
        (status = 404, description = "There is no such badge, or its repository is private.",
         body = ProblemDocument, content_type = MEDIA_TYPE)))]
async fn download_badge_envelope(
    State(deps): State<Deps>,
    token: Token,
) -> Result<Response, Problem> {
    let token = token.bare().ok_or_else(no_badge)?;
    let mut session = deps.session().await?;
    let tx = open(&mut session, token).await?.ok_or_else(no_badge)?;
    let badge = badges::find_by_token(&tx, token).await?;
    let badge = badge.filter(|badge| !badge.private).ok_or_else(no_badge)?;
    let id = badge.attestation.id;
    let envelope = attestations::find_envelope(&tx, id).await?.ok_or_else(no_badge)?;
    tx.commit().await?;
    Ok(file(DSSE, "attestation.dsse.json", envelope))
}
