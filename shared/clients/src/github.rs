//! GitHub's REST API, as an App: the few calls that Assay makes, reading only what it needs.
//!
//! The API's address is the operator's choice and trusted; addresses that GitHub's answers lead
//! to are not, and pass the [`AddressGuard`].

mod app;
mod checks;
mod comments;
mod commit_checks;
mod deliveries;
mod error;
mod pull_requests;
mod reviews;
mod shown;
mod source;
mod tarball;

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use reqwest::{
    Client, Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT, HeaderMap, USER_AGENT},
};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::sync::Mutex;

pub use app::AppKey;
pub use checks::{Annotation, AnnotationLevel, CheckRun, Conclusion};
pub use comments::{COMMENT_CHARS_MAX, Comment};
pub use commit_checks::Checks;
pub use deliveries::{HookDeliveries, HookDelivery};
pub use error::GitHubError;
pub use pull_requests::{Merge, MergeOutcome, PullRequest};
pub use reviews::{Review, Reviewed, Suggestion};
pub use shown::Shown;

use crate::{AddressGuard, tls};

/// Longest time for one call of the API.
const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Most bytes of one answer of the API; a page of a hundred check runs is far below.
const ANSWER_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// A renamed repository redirects once; more is a loop.
const REDIRECTS_MAX: usize = 3;
/// Characters of a refusal that are kept.
const REFUSAL_CHARS_MAX: usize = 300;
/// The version of the API that these calls were written for.
const API_VERSION: &str = "2022-11-28";

pub struct GitHub {
    /// Without a slash at its end, such as `https://api.github.com` or `https://ghe/api/v3`.
    api: String,
    http: Client,
    /// For addresses that the API's answers name.
    guarded: Client,
    guard: AddressGuard,
    app: Option<AppKey>,
    tokens: Mutex<HashMap<i64, app::InstallationToken>>,
    clock: fn() -> Timestamp,
}

impl GitHub {
    /// Without an App, only what needs no credentials can be called.
    pub fn new(
        api_url: &str,
        app: Option<AppKey>,
        guard: AddressGuard,
    ) -> Result<Self, GitHubError> {
        tls::install_provider();
        let api = Url::parse(api_url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| GitHubError::BadApiUrl(api_url.to_owned()))?;
        let client = |builder: reqwest::ClientBuilder| {
            builder.connect_timeout(CONNECT_TIMEOUT).build().map_err(GitHubError::Unreachable)
        };
        let http = client(Client::builder().timeout(CALL_TIMEOUT).redirect(within_origin()))?;
        let guarded = client(
            Client::builder()
                .dns_resolver(guard.resolver())
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none()),
        )?;
        Ok(Self {
            api: api.as_str().trim_end_matches('/').to_owned(),
            http,
            guarded,
            guard,
            app,
            tokens: Mutex::new(HashMap::new()),
            clock: wall_clock,
        })
    }

    /// A request to `path` with what every request carries.
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.api))
            .header(ACCEPT, "application/vnd.github+json")
            .header(USER_AGENT, "assay")
            .header("X-GitHub-Api-Version", API_VERSION)
    }

    /// The same, with the rights of an installation; without one, as a stranger.
    async fn request_as(
        &self,
        installation: Option<i64>,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, GitHubError> {
        let request = self.request(method, path);
        Ok(match installation {
            Some(installation) => {
                let token = self.installation_token(installation).await?;
                request.bearer_auth(token.expose_secret())
            }
            None => request,
        })
    }

    /// The same, as the App itself.
    fn request_as_app(&self, method: Method, path: &str) -> Result<RequestBuilder, GitHubError> {
        let app = self.app.as_ref().ok_or(GitHubError::NoApp)?;
        Ok(self.request(method, path).bearer_auth(app.sign((self.clock)())?.expose_secret()))
    }
}

/// Follows redirects within the API's own server. Others end as an answer with a status of 3xx:
/// they lead elsewhere and must not see our token.
fn within_origin() -> reqwest::redirect::Policy {
    reqwest::redirect::Policy::custom(|attempt| {
        let home = attempt.previous().first().map(Url::origin);
        if attempt.previous().len() <= REDIRECTS_MAX && home == Some(attempt.url().origin()) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

async fn send(request: RequestBuilder) -> Result<Response, GitHubError> {
    let response =
        request.send().await.map_err(|error| GitHubError::Unreachable(error.without_url()))?;
    if response.status().is_client_error() || response.status().is_server_error() {
        return Err(refusal(response).await);
    }
    Ok(response)
}

async fn send_for<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, GitHubError> {
    read_json(send(request).await?).await
}

async fn read_json<T: DeserializeOwned>(response: Response) -> Result<T, GitHubError> {
    let bytes = read_body(response, ANSWER_BYTES_MAX).await?;
    serde_json::from_slice(&bytes).map_err(GitHubError::Unreadable)
}

async fn read_body(mut response: Response, bytes_max: u64) -> Result<Vec<u8>, GitHubError> {
    let mut bytes = Vec::new();
    while let Some(chunk) =
        response.chunk().await.map_err(|error| GitHubError::Unreachable(error.without_url()))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > bytes_max {
            return Err(GitHubError::TooLarge { bytes_max });
        }
    }
    Ok(bytes)
}

/// Reads what GitHub says about a refused request.
async fn refusal(response: Response) -> GitHubError {
    #[derive(serde::Deserialize)]
    struct Message {
        #[serde(default)]
        message: String,
        /// What is wrong in particular: words, or objects with some.
        #[serde(default)]
        errors: serde_json::Value,
    }
    let status = response.status();
    let retry_after = retry_after(response.headers());
    let message = match read_json::<Message>(response).await {
        Ok(Message { message, errors }) => {
            let all = errors.as_array().into_iter().flatten();
            let particular = all.filter_map(|one| one.as_str().or(one["message"].as_str()));
            let all: Vec<&str> = std::iter::once(message.as_str()).chain(particular).collect();
            all.join("; ").chars().take(REFUSAL_CHARS_MAX).collect()
        }
        // Proxies answer in HTML; the status says enough.
        Err(_) => String::new(),
    };
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && retry_after.is_some());
    let status_code = status.as_u16();
    match status {
        _ if limited => GitHubError::Throttled { retry_after },
        _ if status.is_server_error() => {
            GitHubError::Failed { status: status_code, message, retry_after }
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => GitHubError::NotFound { message },
        StatusCode::CONFLICT => GitHubError::Conflict { message },
        _ => GitHubError::Refused { status: status_code, message },
    }
}

/// How long GitHub asks to wait: `Retry-After`, or the minute after which a spent limit is looked
/// at again (the reset time is at most an hour away and says nothing about the secondary limits).
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.parse::<u64>().ok();
    match number("retry-after") {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None => (number("x-ratelimit-remaining") == Some(0)).then_some(Duration::from_secs(60)),
    }
}

/// `owner/name` as a part of a path; anything else could address another call.
fn repository_path(full_name: &str) -> Result<String, GitHubError> {
    let good = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    match full_name.split_once('/') {
        Some((owner, name)) if good(owner) && good(name) => Ok(format!("/repos/{full_name}")),
        _ => Err(GitHubError::BadRepository(full_name.to_owned())),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "GitHub judges App tokens by the wall clock, and nothing of it is stored"
)]
fn wall_clock() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests;
