//! The keys that strangers check attestations with. No API key is asked for.

use axum::{Json, extract::State, http::header, response::IntoResponse};
use jiff::Timestamp;
use serde::Serialize;
use store::signing_keys::{self, SigningKey};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Deps,
    problem::{Kind, MEDIA_TYPE, Problem, ProblemDocument},
};

/// As RFC 8555 (9.1) names PEM that is not a private key's.
const PEM: &str = "application/x-pem-file";
/// A key that was retired must be seen as such soon.
const CACHE: &str = "public, max-age=300";

pub(crate) fn routes() -> OpenApiRouter<Deps> {
    OpenApiRouter::new().routes(routes!(get_public_key)).routes(routes!(list_public_keys))
}

/// Every key that ever signed, newest first.
#[derive(Serialize, ToSchema)]
struct PublicKeys {
    keys: Vec<PublicKeyView>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PublicKey)]
struct PublicKeyView {
    /// OpenSSH fingerprint; also the `keyid` of envelopes and the hint of bundles.
    key_id: String,
    /// `ecdsa-p256-sha256` or `ed25519`.
    algorithm: String,
    /// `attestation` or `checkpoint`.
    purpose: String,
    public_key_pem: String,
    valid_from: Timestamp,
    /// It signs nothing from then on; what it signed before stays good.
    retired_at: Option<Timestamp>,
}

impl From<SigningKey> for PublicKeyView {
    fn from(key: SigningKey) -> Self {
        Self {
            key_id: key.key_id,
            algorithm: key.algorithm,
            purpose: key.purpose,
            public_key_pem: key.public_key_pem,
            valid_from: key.valid_from,
            retired_at: key.retired_at,
        }
    }
}

async fn published(deps: &Deps) -> Result<Vec<SigningKey>, Problem> {
    let mut session = deps.session().await?;
    let unscoped = session.begin_unscoped().await?;
    let keys = signing_keys::list(&unscoped).await?;
    unscoped.commit().await?;
    Ok(keys)
}

/// The key that attestations are signed with today, in PEM.
#[utoipa::path(get, path = "/v1/public-key", tag = "attestations", security(()),
    responses(
        (status = 200, description = "The public key.", body = String, content_type = PEM),
        (status = 404, description = "Nothing has been signed yet.", body = ProblemDocument,
         content_type = MEDIA_TYPE)))]
async fn get_public_key(State(deps): State<Deps>) -> Result<impl IntoResponse, Problem> {
    let current = published(&deps)
        .await?
        .into_iter()
        .find(|key| key.purpose == "attestation" && key.retired_at.is_none())
        .ok_or_else(|| Problem::new(Kind::NotFound, "nothing has been signed yet"))?;
    let headers = [(header::CONTENT_TYPE, PEM), (header::CACHE_CONTROL, CACHE)];
    Ok((headers, current.public_key_pem))
}

/// Every key that ever signed. An attestation is checked with the key it names, from here.
#[utoipa::path(get, path = "/v1/public-keys", tag = "attestations", security(()),
    responses((status = 200, description = "Newest first.", body = PublicKeys)))]
async fn list_public_keys(State(deps): State<Deps>) -> Result<impl IntoResponse, Problem> {
    let keys = published(&deps).await?.into_iter().map(PublicKeyView::from).collect();
    Ok(([(header::CACHE_CONTROL, CACHE)], Json(PublicKeys { keys })))
}
