//! Who calls, and what they may do.
//!
//! A [`Caller`] is only a key of the right shape; a [`Tenant`] is a transaction behind the wall
//! of the organisation whose key it is. No handler reaches a tenant's rows without one.

use std::net::IpAddr;

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use domain::{ApiKey, ApiKeyId, OrgId, Scope};
use lambda_http::request::RequestContext;
use serde_json::Value;
use store::{
    Session, Tx, api_keys,
    audit_logs::{self, NewEntry},
};
use uuid::Uuid;

use crate::problem::{Kind, Problem};

const HEADER: &str = "x-api-key";

/// Someone with a well-formed key. Whether it opens anything is not known yet.
pub(crate) struct Caller {
    key: ApiKey,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let text = presented(&parts.headers)?;
        // The checksum is wrong for whatever was mistyped or made up: no database is asked.
        let key = ApiKey::parse(text)
            .map_err(|error| Problem::new(Kind::InvalidApiKey, error.to_string()))?;
        let user_agent = parts.headers.get(header::USER_AGENT);
        Ok(Self {
            key,
            ip_address: source_ip(parts),
            user_agent: user_agent.and_then(|value| value.to_str().ok()).map(str::to_owned),
        })
    }
}

fn presented(headers: &HeaderMap) -> Result<&str, Problem> {
    let unreadable = || Problem::new(Kind::InvalidApiKey, "the header is not plain text");
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let text = value.to_str().map_err(|_| unreadable())?;
        let (scheme, key) = text.split_once(' ').unwrap_or((text, ""));
        if scheme.eq_ignore_ascii_case("bearer") {
            return Ok(key.trim());
        }
        let detail = "the Authorization header must read: Bearer asy_…";
        return Err(Problem::new(Kind::InvalidApiKey, detail));
    }
    let value = headers.get(HEADER).ok_or_else(|| {
        let detail = "send the header Authorization: Bearer asy_…, or X-API-Key: asy_…";
        Problem::new(Kind::MissingApiKey, detail)
    })?;
    value.to_str().map(str::trim).map_err(|_| unreadable())
}

/// As Lambda's function URL saw it: a header could say anything.
fn source_ip(parts: &Parts) -> Option<String> {
    let context = parts.extensions.get::<RequestContext>()?;
    let RequestContext::ApiGatewayV2(context) = context else { return None };
    let address: IpAddr = context.http.source_ip.as_deref()?.parse().ok()?;
    Some(address.to_string())
}

impl Caller {
    /// Opens the transaction of the caller's organisation, if their key may do `required`.
    ///
    /// The key is looked up in the same transaction, so a request costs no second one.
    pub(crate) async fn enter<'s>(
        self,
        session: &'s mut Session,
        required: Scope,
    ) -> Result<Tenant<'s>, Problem> {
        let unscoped = session.begin_unscoped().await?;
        let located = unscoped.locate_api_key(&self.key.hash()).await?;
        // One answer for each: a stranger does not learn that a key once was good.
        let Some(located) = located.filter(|key| !key.expired && !key.revoked) else {
            let detail = "the key is unknown, expired or revoked";
            return Err(Problem::new(Kind::InvalidApiKey, detail));
        };
        if !located.scopes.iter().any(|scope| *scope >= required) {
            return Err(Problem::insufficient_scope(required));
        }
        let tx = unscoped.scope(located.org).await?;
        api_keys::touch(&tx, located.id).await?;
        tracing::Span::current().record("org.id", tracing::field::display(located.org));
        Ok(Tenant {
            tx,
            org: located.org,
            key: located.id,
            ip_address: self.ip_address,
            user_agent: self.user_agent,
        })
    }
}

/// A transaction of the organisation that calls.
pub(crate) struct Tenant<'s> {
    pub(crate) tx: Tx<'s>,
    pub(crate) org: OrgId,
    pub(crate) key: ApiKeyId,
    ip_address: Option<String>,
    user_agent: Option<String>,
}

impl Tenant<'_> {
    /// Who decides, as dispositions record it.
    pub(crate) fn actor(&self) -> String {
        format!("api_key:{}", self.key)
    }

    /// Records what this transaction does, in this transaction.
    pub(crate) async fn audit(
        &self,
        action: &str,
        resource_type: &str,
        resource: Uuid,
        details: &Value,
    ) -> Result<(), Problem> {
        let entry = NewEntry {
            org: self.org,
            api_key: self.key,
            action,
            resource_type,
            resource,
            details,
            ip_address: self.ip_address.as_deref(),
            user_agent: self.user_agent.as_deref(),
        };
        Ok(audit_logs::insert(&self.tx, &entry).await?)
    }

    pub(crate) async fn commit(self) -> Result<(), Problem> {
        Ok(self.tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_key_is_taken_from_either_header_and_from_nothing_else() {
        let cases = [
            (vec![("authorization", "Bearer asy_x")], Some("asy_x")),
            (vec![("authorization", "bearer  asy_x ")], Some("asy_x")),
            (vec![("x-api-key", "asy_y")], Some("asy_y")),
            (vec![("authorization", "Bearer asy_x"), ("x-api-key", "asy_y")], Some("asy_x")),
            (vec![("authorization", "Basic YTpi")], None),
            (vec![("cookie", "api_key=asy_x")], None),
        ];
        for (headers, expected) in cases {
            let mut map = HeaderMap::new();
            for (name, value) in &headers {
                map.insert(*name, HeaderValue::from_static(value));
            }
            assert_eq!(presented(&map).ok(), expected, "{headers:?}");
        }
    }
}
