//! The webhooks that GitHub sent to the App, to find those that never arrived.

use jiff::Timestamp;
use reqwest::{Method, Response, Url, header::LINK};
use serde::Deserialize;

use super::{GitHub, GitHubError, read_json, send};

const PER_PAGE: usize = 100;

/// One attempt to deliver; several attempts share a `guid`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HookDelivery {
    pub id: i64,
    /// `X-GitHub-Delivery`, by which we know it.
    pub guid: String,
    pub delivered_at: Timestamp,
    /// What our side answered; 0 when it did not.
    pub status_code: u16,
    pub event: String,
    #[serde(default)]
    pub action: Option<String>,
    #[serde(default)]
    pub redelivery: bool,
}

/// A page of deliveries, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookDeliveries {
    pub deliveries: Vec<HookDelivery>,
    /// For the next page, when there is one.
    pub cursor: Option<String>,
}

impl GitHub {
    /// Lists what GitHub tried to deliver, newest first; `cursor` continues after a page.
    pub async fn hook_deliveries(
        &self,
        cursor: Option<&str>,
    ) -> Result<HookDeliveries, GitHubError> {
        let mut path = format!("/app/hook/deliveries?per_page={PER_PAGE}");
        if let Some(cursor) = cursor {
            let mut url =
                Url::parse(&self.api).map_err(|_| GitHubError::BadApiUrl(self.api.clone()))?;
            url.query_pairs_mut().append_pair("cursor", cursor);
            path = format!("{path}&{}", url.query().unwrap_or_default());
        }
        let response = send(self.request_as_app(Method::GET, &path)?).await?;
        let cursor = next_cursor(&response);
        Ok(HookDeliveries { deliveries: read_json(response).await?, cursor })
    }

    /// Asks GitHub to send a delivery again; it keeps its guid.
    pub async fn redeliver(&self, id: i64) -> Result<(), GitHubError> {
        let path = format!("/app/hook/deliveries/{id}/attempts");
        send(self.request_as_app(Method::POST, &path)?).await?;
        Ok(())
    }
}

/// The cursor in `Link: <https://…?cursor=…>; rel="next"`.
fn next_cursor(response: &Response) -> Option<String> {
    let link = response.headers().get(LINK)?.to_str().ok()?;
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let url = next.split_once('<')?.1.split_once('>')?.0;
    let url = Url::parse(url).ok()?;
    url.query_pairs().find(|(name, _)| name == "cursor").map(|(_, value)| value.into_owned())
}
