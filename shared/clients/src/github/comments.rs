//! The one comment that a pull request has from us.

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::{GitHub, GitHubError, repository_path, send, send_for};

/// Most characters of a comment.
pub const COMMENT_CHARS_MAX: usize = 65_536;
/// Comments that are searched for ours, in pages; it is among the first of nearly every talk.
const PAGES_MAX: usize = 30;
const PER_PAGE: usize = 100;

/// What is to be said in a pull request, in place of what we said before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// By which ours is found again; people do not see it.
    pub name: String,
    /// Grows with each thing we have to say, so that an older one that comes late says nothing.
    pub order: String,
    /// Markdown.
    pub body: String,
    /// `false`: only what was said before is replaced.
    pub create: bool,
}

impl Comment {
    fn text(&self) -> String {
        let text = format!("{}{} -->\n{}", self.beginning(), self.order, self.body);
        text.chars().take(COMMENT_CHARS_MAX).collect()
    }

    fn beginning(&self) -> String {
        format!("<!-- {} ", self.name)
    }

    fn is_older_than(&self, known: &Known) -> bool {
        let order =
            known.text().strip_prefix(&self.beginning()).and_then(|rest| rest.split_once(" -->"));
        order.is_some_and(|(order, _)| order > self.order.as_str())
    }
}

#[derive(Debug, Deserialize)]
struct Known {
    id: u64,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<Account>,
}

#[derive(Debug, Deserialize)]
struct Account {
    login: String,
}

impl Known {
    fn text(&self) -> &str {
        self.body.as_deref().unwrap_or_default()
    }
}

impl GitHub {
    /// Makes `comment` the one of its name that the pull request has from us, unless that is
    /// newer; answers with its id. None: there is none, and none was to be made.
    ///
    /// It is looked for before it is created and again afterwards: two who create it at the same
    /// time see each other, and both keep the first.
    pub async fn publish_comment(
        &self,
        installation: i64,
        repository: &str,
        number: i32,
        comment: &Comment,
    ) -> Result<Option<u64>, GitHubError> {
        let repository = repository_path(repository)?;
        let login = self.app_login().await?;
        let talk = Talk { github: self, installation, repository, number, login };
        let mut ours = talk.ours(comment).await?;
        if ours.is_empty() {
            if !comment.create {
                return Ok(None);
            }
            let made = talk.create(comment).await?;
            ours = talk.ours(comment).await?;
            if ours.is_empty() {
                return Ok(Some(made));
            }
        }
        talk.settle(comment, &ours).await.map(Some)
    }
}

/// The comments of one pull request, as the App sees them.
struct Talk<'a> {
    github: &'a GitHub,
    installation: i64,
    repository: String,
    number: i32,
    login: String,
}

impl Talk<'_> {
    /// The oldest first. What others wrote is theirs, whatever it begins with.
    async fn ours(&self, comment: &Comment) -> Result<Vec<Known>, GitHubError> {
        let mut ours = Vec::new();
        for page in 1..=PAGES_MAX {
            let path = format!(
                "{}/issues/{}/comments?per_page={PER_PAGE}&page={page}",
                self.repository, self.number
            );
            let known: Vec<Known> = send_for(self.request(Method::GET, &path).await?).await?;
            let last = known.len() < PER_PAGE;
            ours.extend(known.into_iter().filter(|known| {
                known.user.as_ref().is_some_and(|user| user.login == self.login)
                    && known.text().starts_with(&comment.beginning())
            }));
            if last {
                break;
            }
        }
        ours.sort_by_key(|known| known.id);
        Ok(ours)
    }

    async fn create(&self, comment: &Comment) -> Result<u64, GitHubError> {
        let path = format!("{}/issues/{}/comments", self.repository, self.number);
        let request = self.request(Method::POST, &path).await?;
        let made: Known = send_for(request.json(&json!({ "body": comment.text() }))).await?;
        Ok(made.id)
    }

    /// Leaves the first of ours alone, with the newest text.
    async fn settle(&self, comment: &Comment, ours: &[Known]) -> Result<u64, GitHubError> {
        let first = &ours[0];
        let newest = ours.iter().find(|known| comment.is_older_than(known));
        let text = newest.map_or_else(|| comment.text(), |known| known.text().to_owned());
        if first.text() != text {
            let path = format!("{}/issues/comments/{}", self.repository, first.id);
            let request = self.request(Method::PATCH, &path).await?;
            let _: Known = send_for(request.json(&json!({ "body": text }))).await?;
        }
        for other in &ours[1..] {
            let path = format!("{}/issues/comments/{}", self.repository, other.id);
            match send(self.request(Method::DELETE, &path).await?).await {
                // Someone was faster.
                Ok(_) | Err(GitHubError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(first.id)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
    ) -> Result<reqwest::RequestBuilder, GitHubError> {
        self.github.request_as(Some(self.installation), method, path).await
    }
}
