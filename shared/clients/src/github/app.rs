//! An App's own identity, and the tokens that its installations grant it.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use rustls::{
    SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject},
    sign::SigningKey,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{GitHub, GitHubError, send_for};

/// GitHub refuses App tokens from the future, and clocks differ.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);
/// GitHub takes ten minutes at most, the skew included.
const APP_TOKEN_LIFE: SignedDuration = SignedDuration::from_mins(9);
/// A token this close to its end is not used any more: a fetch may take minutes.
const RENEWAL_MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// The key that makes us the App.
pub struct AppKey {
    /// The App's id or its client id.
    issuer: String,
    key: Arc<dyn SigningKey>,
}

impl AppKey {
    /// Reads the PEM file that GitHub gave out (PKCS#1), or one converted to PKCS#8.
    pub fn new(issuer: impl Into<String>, pem: &SecretString) -> Result<Self, GitHubError> {
        let der = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes())
            .map_err(|_| GitHubError::BadKey)?;
        let key = any_supported_type(&der).map_err(|_| GitHubError::BadKey)?;
        if key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]).is_none() {
            return Err(GitHubError::BadKey);
        }
        Ok(Self { issuer: issuer.into(), key })
    }

    /// A JSON Web Token (RS256) that says: this is the App, now.
    pub(super) fn sign(&self, now: Timestamp) -> Result<SecretString, GitHubError> {
        #[derive(Serialize)]
        struct Claims<'a> {
            iat: i64,
            exp: i64,
            iss: &'a str,
        }
        let claims = Claims {
            iat: (now - CLOCK_SKEW).as_second(),
            exp: (now + APP_TOKEN_LIFE - CLOCK_SKEW).as_second(),
            iss: &self.issuer,
        };
        let header = json!({ "alg": "RS256", "typ": "JWT" }).to_string();
        let claims = serde_json::to_vec(&claims).map_err(GitHubError::Unreadable)?;
        let message =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = self
            .key
            .choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
            .and_then(|signer| signer.sign(message.as_bytes()).ok())
            .ok_or(GitHubError::BadKey)?;
        Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)).into())
    }
}

/// Opaque: neither its length nor its letters mean anything.
pub(super) struct InstallationToken {
    token: SecretString,
    expires_at: Timestamp,
}

impl GitHub {
    /// The login under which people see what the App did, such as `octoapp[bot]`.
    pub async fn app_login(&self) -> Result<String, GitHubError> {
        #[derive(Deserialize)]
        struct App {
            slug: String,
        }
        let App { slug } = send_for(self.request_as_app(Method::GET, "/app")?).await?;
        Ok(format!("{slug}[bot]"))
    }

    /// The token of an installation, minted at most once while it is good.
    pub async fn installation_token(&self, installation: i64) -> Result<SecretString, GitHubError> {
        #[derive(Deserialize)]
        struct Minted {
            token: SecretString,
            expires_at: Timestamp,
        }
        // Held while minting, so that callers side by side share one token.
        let mut tokens = self.tokens.lock().await;
        let now = (self.clock)();
        if let Some(known) = tokens.get(&installation)
            && known.expires_at - RENEWAL_MARGIN > now
        {
            return Ok(known.token.clone());
        }
        let path = format!("/app/installations/{installation}/access_tokens");
        let Minted { token, expires_at } =
            send_for(self.request_as_app(Method::POST, &path)?).await?;
        tokens.retain(|_, known| known.expires_at > now);
        tokens.insert(installation, InstallationToken { token: token.clone(), expires_at });
        Ok(token)
    }
}
