//! Reviews that suggest changes: one for each head of a pull request.

use domain::{CommitSha, LineRange};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{GitHub, GitHubError, repository_path, send_for};

/// Reviews, or their comments, that are searched for ours, in pages.
const PAGES_MAX: usize = 30;
const PER_PAGE: usize = 100;

/// What is suggested to whoever wrote `head`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// By which ours is found again; people do not see it.
    pub name: String,
    pub head: CommitSha,
    /// Markdown.
    pub body: String,
    pub suggestions: Vec<Suggestion>,
}

/// A remark on lines that the pull request touches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    pub path: String,
    pub lines: LineRange,
    /// Markdown.
    pub body: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reviewed {
    Made(u64),
    /// By an earlier attempt.
    Known(u64),
    /// GitHub takes none of it because of at least one remark, such as one on a line that the
    /// difference does not show, and does not say which.
    Misplaced(String),
    /// GitHub takes no remark of us, and says why: a talk that is closed, rights that we lack.
    Refused(String),
}

#[derive(Debug, Deserialize)]
struct Known {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<Account>,
    #[serde(default)]
    commit_id: Option<CommitSha>,
}

#[derive(Debug, Deserialize)]
struct Remark {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<Account>,
    /// Null once the lines have changed.
    #[serde(default)]
    line: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Account {
    login: String,
}

#[derive(Serialize)]
struct Draft<'a> {
    path: &'a str,
    body: &'a str,
    line: u32,
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_side: Option<&'static str>,
}

impl<'a> From<&'a Suggestion> for Draft<'a> {
    fn from(suggestion: &'a Suggestion) -> Self {
        let LineRange { first, last } = suggestion.lines;
        let several = first < last;
        Self {
            path: &suggestion.path,
            body: &suggestion.body,
            line: last,
            side: "RIGHT",
            start_line: several.then_some(first),
            start_side: several.then_some("RIGHT"),
        }
    }
}

impl GitHub {
    /// What we remarked in the pull request and still stands beside the lines it is about.
    pub async fn standing_remarks(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
    ) -> Result<Vec<String>, GitHubError> {
        let login = self.app_login().await?;
        let path = format!("{}/pulls/{number}/comments", repository_path(repository)?);
        let remarks: Vec<Remark> = self.pages(installation, &path).await?;
        let ours = remarks.into_iter().filter(|remark| {
            remark.line.is_some() && remark.user.as_ref().is_some_and(|user| user.login == login)
        });
        Ok(ours.filter_map(|remark| remark.body).collect())
    }

    /// Makes a review that neither approves nor blocks, once for each head.
    pub async fn publish_review(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
        review: &Review,
    ) -> Result<Reviewed, GitHubError> {
        let login = self.app_login().await?;
        let path = format!("{}/pulls/{number}/reviews", repository_path(repository)?);
        let mark = format!("<!-- {} {} -->", review.name, review.head);
        let known: Vec<Known> = self.pages(installation, &path).await?;
        let ours = known.iter().find(|known| {
            known.user.as_ref().is_some_and(|user| user.login == login)
                && known.commit_id.as_ref().is_none_or(|commit| *commit == review.head)
                && known.body.as_deref().unwrap_or_default().starts_with(&mark)
        });
        if let Some(ours) = ours {
            return Ok(Reviewed::Known(ours.id));
        }
        let drafts: Vec<Draft<'_>> = review.suggestions.iter().map(Draft::from).collect();
        let body = json!({
            "commit_id": review.head,
            "event": "COMMENT",
            "body": format!("{mark}\n{}", review.body),
            "comments": drafts,
        });
        let request = self.request_as(Some(installation), Method::POST, &path).await?;
        taken(send_for(request.json(&body)).await)
    }

    /// Makes one suggestion by itself. Whoever calls it twice makes it twice.
    pub async fn publish_remark(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
        head: &CommitSha,
        suggestion: &Suggestion,
    ) -> Result<Reviewed, GitHubError> {
        #[derive(Serialize)]
        struct Body<'a> {
            commit_id: &'a CommitSha,
            #[serde(flatten)]
            draft: Draft<'a>,
        }
        let path = format!("{}/pulls/{number}/comments", repository_path(repository)?);
        let request = self.request_as(Some(installation), Method::POST, &path).await?;
        let body = Body { commit_id: head, draft: suggestion.into() };
        taken(send_for(request.json(&body)).await)
    }

    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        installation: i64,
        path: &str,
    ) -> Result<Vec<T>, GitHubError> {
        let mut all = Vec::new();
        for page in 1..=PAGES_MAX {
            let path = format!("{path}?per_page={PER_PAGE}&page={page}");
            let request = self.request_as(Some(installation), Method::GET, &path).await?;
            let rows: Vec<T> = send_for(request).await?;
            let last = rows.len() < PER_PAGE;
            all.extend(rows);
            if last {
                break;
            }
        }
        Ok(all)
    }
}

/// A refusal is an answer; other errors are those of the call.
fn taken(answer: Result<Known, GitHubError>) -> Result<Reviewed, GitHubError> {
    match answer {
        Ok(made) => Ok(Reviewed::Made(made.id)),
        Err(GitHubError::Refused { status: 422, message }) => Ok(Reviewed::Misplaced(message)),
        Err(GitHubError::Refused { message, .. }) => Ok(Reviewed::Refused(message)),
        Err(error) => Err(error),
    }
}
